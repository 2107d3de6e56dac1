// The head of the page: the figures of all payments, and the words about the pipeline.

import { grouped } from "./amounts.js";
import { amountElement } from "./list.js";

// A longer sum is written smaller where the window is narrow.
const MANY_CHARACTERS = 11;

// Written only when it changes, so that a screen reader hears changes and nothing else.
export function say(where, words) {
  if ($(where).text() !== words) $(where).text(words);
}

export function showFigures(body) {
  const $sum = amountElement(body.sum);
  $("#total-sum").empty().append($sum.toggleClass("many", $sum.text().length > MANY_CHARACTERS));
  $("#total-count").text(grouped(String(body.count)));
  $("#total-users").text(grouped(String(body.users)));
}

// `kind` is the feed's; `updated` when the newest answer came, or null; `kept` whether what is in
// sight is older than the pipeline that catches up.
export function showState({ kind, live, updated, kept }) {
  const since = updated ? `, stale since ${updated.toLocaleTimeString("en-GB")}` : "";
  const words = {
    live: "Live",
    paused: "Paused",
    "catching-up": `Catching up${kept ? since : ""}`,
    away: `Cache away${since}`,
    lost: (live ? "Reconnecting" : "Server does not answer") + since,
  };
  say("#state", words[kind] ?? "Connecting");
  $(".state").attr("data-kind", kind);
  $("body").toggleClass("stale", kind === "away" || kind === "lost" || (kind === "catching-up" && kept));
}

export function showAge(updated) {
  if (!updated) return;
  const seconds = Math.max(0, Math.floor((Date.now() - updated) / 1000));
  const age = seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
  say("#updated", seconds === 0 ? "updated now" : `updated ${age} ago`);
}
