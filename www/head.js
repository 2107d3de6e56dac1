// The head of the page: the figures of all payments, and the words about the pipeline.

import { amountElement, grouped } from "./amounts.js";

// Figures of so many characters together are written smaller where the window is narrow.
const MANY_CHARACTERS = 18;
const MOST_CHARACTERS = 30;

// Written only when it changes, so that a screen reader hears changes and nothing else.
export function say(where, words) {
  if ($(where).text() !== words) $(where).text(words);
}

export function showFigures(body) {
  const [count, users] = [grouped(String(body.count)), grouped(String(body.users))];
  const $sum = amountElement(body.sum);
  const characters = $sum.text().length + count.length + users.length;
  $("#total-sum").empty().append($sum);
  $("#total-count").text(count);
  $("#total-users").text(users);
  $(".figures").toggleClass("many", characters > MANY_CHARACTERS).toggleClass("most", characters > MOST_CHARACTERS);
}

const HELD = "Held while text is selected";

// `kind` is the feed's; `updated` when the newest answer came, or null; `kept` whether what is in
// sight is older than the pipeline that catches up; `held` whether new rows wait for a selection.
export function showState({ kind, live, updated, kept, held }) {
  const since = updated ? `, stale since ${updated.toLocaleTimeString("en-GB")}` : "";
  const words = {
    live: held ? HELD : "Live",
    paused: held ? HELD : "Paused",
    "catching-up": `Catching up${kept ? since : ""}`,
    away: `Cache away${since}`,
    refused: `Refused${since}`,
    lost: (live ? "Reconnecting" : "Server does not answer") + since,
  };
  say("#state", words[kind] ?? "Connecting");
  $(".state").attr("data-kind", kind);
  $("body").toggleClass("stale", ["away", "lost", "refused"].includes(kind) || (kind === "catching-up" && kept));
}

export function showAge(updated) {
  if (!updated) return;
  const seconds = Math.max(0, Math.floor((Date.now() - updated) / 1000));
  const age = seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
  say("#updated", seconds === 0 ? "updated now" : `updated ${age} ago`);
}
