// Wires the page: what is in the address (page, filter) and in the controls goes to the feed, what
// the feed learns goes to the list and the words about it.

import { grouped } from "./amounts.js";
import { Feed } from "./feed.js";
import { wireForm } from "./form.js";
import { amountElement, listElement } from "./list.js";

const FILTER_PAUSE_MS = 150;
const AFTER_SUBMIT_MS = 1000;
const MINE_MS = 4000;
const ROWS = [10, 25, 50, 100];
const SECONDS_MAX = 3600;

const view = {
  query: { limit: 10, offset: 0, q: "" },
  mode: "live",
  seconds: 5,
  kind: "connecting",
  body: null, // the newest answer that says something
  updated: null, // when it came
  held: false, // the rows wait until the text that is selected in the list is let go
  kept: false, // the newest answer says nothing yet, so what was there before it is in sight
  mine: null,
};

// ---- What a reload keeps: page and filter in the address, preferences in the browser.

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const page = Math.max(1, Number.parseInt(words.get("page"), 10) || 1);
  view.query.q = words.get("q") ?? "";
  view.query.offset = Math.min((page - 1) * view.query.limit, Number.MAX_SAFE_INTEGER);
  $("#filter").val(view.query.q);
}

function writeAddress() {
  const words = new URLSearchParams();
  const page = Math.floor(view.query.offset / view.query.limit) + 1;
  if (page > 1) words.set("page", page);
  if (view.query.q) words.set("q", view.query.q);
  const hash = words.toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function readPreferences() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("paystats")) ?? {};
  } catch { /* a browser that keeps nothing has the defaults */ }
  if (["live", "every", "off"].includes(kept.mode)) view.mode = kept.mode;
  if (Number.isInteger(kept.seconds) && kept.seconds >= 1 && kept.seconds <= SECONDS_MAX) view.seconds = kept.seconds;
  if (ROWS.includes(kept.rows)) view.query.limit = kept.rows;
  $(`input[name=mode][value=${view.mode}]`).prop("checked", true);
  $("#seconds").val(view.seconds);
  $("#rows").val(String(view.query.limit));
}

function writePreferences() {
  try {
    localStorage.setItem("paystats", JSON.stringify({ mode: view.mode, seconds: view.seconds, rows: view.query.limit }));
  } catch { /* as above */ }
}

// ---- The words about the pipeline.

function stateWords() {
  const since = view.updated ? `, stale since ${view.updated.toLocaleTimeString("en-GB")}` : "";
  switch (view.kind) {
    case "live": return "Live";
    case "every": return `Every ${view.seconds} s`;
    case "off": return "Updates off";
    case "catching-up": return `Catching up${view.kept ? since : ""}`;
    case "away": return `Cache away${since}`;
    case "lost": return (view.mode === "off" ? "Server does not answer" : "Reconnecting") + since;
    default: return "Connecting";
  }
}

// Written only when it changes, so that a screen reader hears changes and nothing else.
function say(where, words) {
  if ($(where).text() !== words) $(where).text(words);
}

function showState(kind) {
  view.kind = kind;
  say("#state", stateWords());
  $(".state").attr("data-kind", kind);
  $("body").toggleClass("stale", kind === "away" || kind === "lost" || (kind === "catching-up" && view.kept));
}

function showAge() {
  if (!view.updated) return;
  const seconds = Math.max(0, Math.floor((Date.now() - view.updated) / 1000));
  const age = seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
  $("#updated").text(seconds === 0 ? "updated now" : `updated ${age} ago`);
}

// ---- The list.

const listed = (body) => body.matches ?? body.users;

function selectionInList() {
  const selection = getSelection();
  return !selection.isCollapsed && $("#list")[0].contains(selection.anchorNode);
}

function showRows(body) {
  $("#list").replaceWith(listElement(body, view.query, view.mine));
}

function showFigures(body) {
  $("#total-sum").empty().append(amountElement(body.sum));
  $("#total-count").text(grouped(String(body.count)));
  $("#total-users").text(grouped(String(body.users)));
  const all = listed(body);
  const first = body.offset + 1;
  const last = body.offset + body.stats.length;
  $("#position").text(all > 0 ? `${grouped(String(first))}–${grouped(String(last))} of ${grouped(String(all))}` : "");
  $(".pager").toggleClass("none", all === 0);
  $("#previous").attr("aria-disabled", body.offset === 0 ? "true" : null);
  $("#next").attr("aria-disabled", last >= all ? "true" : null);
}

// New rows would take the selection with them: only they wait for its end.
function showList() {
  view.held = selectionInList();
  say("#held", view.held ? "List held while text is selected" : "");
  if (!view.held) showRows(view.body);
  showFigures(view.body);
}

// What was in sight stays; where there was no row, the list says why.
function keepList(body) {
  if (view.body?.stats.length > 0) return;
  showRows(body);
  $(".pager").addClass("none");
}

function turnTo(offset) {
  view.query = { ...view.query, offset: Math.max(0, offset) };
  writeAddress();
  // Who asks for other rows has let go of the text in these.
  if (selectionInList()) getSelection().removeAllRanges();
  feed.show(view.query);
}

function takeStats(body) {
  // No rows from a pipeline that catches up: not there yet, which is not the same as not there.
  view.kept = !body.ready && body.stats.length === 0;
  if (view.kept) return keepList(body);
  // The page that was asked for is past the end (users go only when the cache is made anew, but a
  // filter or an address may say anything): the last page there is takes its place.
  if (body.stats.length === 0 && view.query.offset > 0) {
    return turnTo(Math.max(0, Math.ceil(listed(body) / view.query.limit) - 1) * view.query.limit);
  }
  view.body = body;
  view.updated = new Date();
  showList();
  showAge();
}

const feed = new Feed({ stats: takeStats, state: showState });

// ---- The controls.

function wireControls() {
  let pause = null;
  $("#filter").on("input search", () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      const q = $("#filter").val();
      if (q === view.query.q) return;
      view.query = { ...view.query, q };
      turnTo(0);
    }, FILTER_PAUSE_MS);
  });
  $("#mode").on("change", "input[type=radio], #seconds", (event) => {
    const seconds = Math.round(Number($("#seconds").val()));
    view.seconds = Math.min(SECONDS_MAX, Math.max(1, seconds || 5));
    $("#seconds").val(view.seconds);
    if (event.target.id === "seconds") $("input[name=mode][value=every]").prop("checked", true);
    view.mode = $("input[name=mode]:checked").val();
    writePreferences();
    feed.setMode(view.mode, view.seconds);
  });
  $("#refresh").on("click", () => feed.refresh());
  const page = (step) => (event) => {
    if ($(event.currentTarget).attr("aria-disabled") !== "true") turnTo(view.query.offset + step * view.query.limit);
  };
  $("#previous").on("click", page(-1));
  $("#next").on("click", page(1));
  $("#rows").on("change", () => {
    const limit = Number($("#rows").val());
    view.query = { ...view.query, limit };
    writePreferences();
    turnTo(Math.floor(view.query.offset / limit) * limit);
  });
  $(window).on("hashchange", () => {
    view.query = { ...view.query };
    readAddress();
    feed.show(view.query);
  });
  $(document).on("selectionchange", () => {
    if (view.held && !selectionInList()) showList();
  });
}

wireControls();
wireForm({
  accepted(user) {
    view.mine = user;
    if (view.body) showList(); // the stream may have been faster than the answer
    setTimeout(() => feed.refresh(), AFTER_SUBMIT_MS);
    setTimeout(() => {
      if (view.mine === user) view.mine = null;
      $("#list .mine").removeClass("mine");
    }, MINE_MS);
  },
});
readPreferences();
readAddress();
setInterval(showAge, 1000);
feed.mode = view.mode;
feed.seconds = view.seconds;
feed.show(view.query);
