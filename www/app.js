// Wires the page: what is in the address and in the controls goes to the feed, what the feed learns
// goes to the head, the list and the second pane.

import { openPaneAddress, readAddress, writeListAddress } from "./address.js";
import { Delivery } from "./delivery.js";
import { Feed } from "./feed.js";
import { wireForm } from "./form.js";
import { say, showAge, showFigures, showState } from "./head.js";
import { Known } from "./known.js";
import { List, listed } from "./list.js";
import { Notice } from "./notice.js";
import { Pane } from "./pane.js";
import { Sent } from "./sent.js";
import { Submissions } from "./submissions.js";
import { Unsettled } from "./unsettled.js";

const ROWS = 100;
const SEARCH_PAUSE_MS = 150;
const AFTER_SUBMIT_MS = 1000;
const MARKED_MS = 10000;
const WIDE = matchMedia("(min-width: 64rem)");

const view = {
  query: { limit: ROWS, offset: 0, q: "" },
  live: true,
  kind: "connecting",
  body: null, // the newest answer that says something
  updated: null, // when it came
  held: false, // new rows wait while text in the list is selected
  kept: false, // the newest answer says nothing yet, so what was there before it is in sight
  chosen: null, // the user in the second pane
  // Of the latest submission {user, count, seen, query, q}: the row is brought into sight once it has
  // `count`; another page or search of the list, as of then, may give way to it.
  marked: null,
};

// ---- What a reload keeps: page, search and pane in the address, Live or Pause in the browser.

function takeAddress() {
  const { page, q } = readAddress();
  view.query = { limit: ROWS, offset: Math.min((page - 1) * ROWS, Number.MAX_SAFE_INTEGER), q };
  if ($("#filter").val() !== q) $("#filter").val(q);
  takePane();
}

function keepAddress() {
  writeListAddress({ page: Math.floor(view.query.offset / ROWS) + 1, q: view.query.q });
}

function readPreference() {
  try {
    view.live = JSON.parse(localStorage.getItem("paystats"))?.live ?? true;
  } catch { /* a browser that keeps nothing is live */ }
}

function writePreference() {
  try {
    localStorage.setItem("paystats", JSON.stringify({ live: view.live }));
  } catch { /* as above */ }
}

// ---- The list.

const look = () => ({ q: view.query.q, marked: view.marked?.user ?? null, chosen: view.chosen });

function showList() {
  list.show(view.body, look());
  showFigures(view.body);
  showMarked();
}

// Brings the row of the latest submission into sight, once it has the new total.
function showMarked() {
  const { marked } = view;
  if (!marked || marked.seen || marked.count === null || !view.body || list.isHeld() || !list.isInSight()) return;
  const at = view.body.stats.findIndex((row) => row.user === marked.user);
  if (at < 0 || view.body.stats[at].count < marked.count) return;
  marked.seen = true;
  list.bringIntoSight(list.find(marked.user));
}

function turnTo(offset) {
  view.query = { ...view.query, offset: Math.max(0, offset) };
  keepAddress();
  // Who asks for other rows has let go of the text in these.
  list.letGo();
  list.toTop();
  feed.show(view.query);
}

function takeStats(body) {
  // No rows from a pipeline that catches up: not there yet, which is not the same as not there.
  view.kept = !body.ready && body.stats.length === 0;
  if (view.kept) {
    // What was in sight stays; where there was no row, the list says why.
    if (!(view.body?.stats.length > 0)) list.show({ ...body, users: 0, matches: 0 }, look());
    return;
  }
  // The page that was asked for is past the end (users go only when the cache is made anew, but a
  // search or an address may say anything): the last page there is takes its place.
  if (body.stats.length === 0 && view.query.offset > 0) {
    return void turnTo(Math.max(0, Math.ceil(listed(body) / ROWS) - 1) * ROWS);
  }
  view.body = body;
  view.updated = new Date();
  showList();
  pane.takeStats(body);
  showAge(view.updated);
}

function takeState(kind, problem = null) {
  view.kind = kind;
  if (kind !== "lost" && kind !== "away") notice.judge("list", problem);
  showState(view);
}

// ---- The second pane.

function openPane(what) {
  openPaneAddress(what);
  takePane();
}

// As the address says. The keyboard's place goes from a pane that is closed to the row of its user.
function takePane() {
  const before = view.chosen;
  const hadFocus = $("#pane")[0].contains(document.activeElement);
  const { user, sent, inSight } = readAddress();
  view.chosen = user;
  pane.open({ user, sent, inSight });
  list.mark(look());
  showMarked();
  if (hadFocus && !user && !list.focus(before)) $("#filter").trigger("focus");
}

// On a narrow window the pane takes the place of the list, and the focus goes there.
function choose(user) {
  openPane({ user });
  if (!WIDE.matches) $("#pane-close").trigger("focus");
}

const closePane = () => openPane({});

// ---- After a submission.

function accepted({ user }, { later }) {
  const marked = { user, count: null, seen: false, query: view.query, q: $("#filter").val() };
  view.marked = marked;
  list.mark(look());
  if (WIDE.matches && user !== view.chosen && !later) openPane({ user, inSight: false });
  setTimeout(() => feed.refresh(), AFTER_SUBMIT_MS);
  setTimeout(() => {
    if (view.marked !== marked) return;
    view.marked = null;
    list.mark(look());
  }, MARKED_MS);
}

// The total has the payments: where the row is on another page, or hidden by a search, it is turned
// to, unless a person has turned to something else since.
function total({ user, rank, count }) {
  const { marked } = view;
  if (marked?.user !== user) return;
  marked.count = count;
  if (marked.query !== view.query || marked.q !== $("#filter").val()) return;
  const offset = Math.floor((rank - 1) / ROWS) * ROWS;
  const here = view.query.q === "" ? view.query.offset === offset : view.body?.stats.some((row) => row.user === user);
  if (!here) {
    view.query = { ...view.query, q: "" };
    $("#filter").val("");
    turnTo(offset);
  } else showMarked();
}

// Several requests may want the connection of the stream at a time.
let waiting = 0;
function rest(on) {
  waiting += on ? 1 : -1;
  feed.rest(waiting > 0);
}

const notice = new Notice();
const feed = new Feed({ stats: takeStats, state: takeState });
const sent = new Sent();
const delivery = new Delivery({ submissions: new Submissions(), sent, waiting: rest });
const list = new List({
  choose,
  turn: (pages) => turnTo(view.query.offset + pages * ROWS),
  held(on) {
    view.held = on;
    showState(view);
  },
});
const known = new Known({
  elsewhere: () => [...(view.body?.stats ?? []).map((row) => row.user), ...sent.entries().map((entry) => entry.user)],
});
const pane = new Pane({ sent, choose, again: (entry) => form.fill(entry), close: closePane });
const form = wireForm({ known, sent, delivery, notice, accepted, total, waiting: rest });
new Unsettled({ delivery, changed: (entry) => form.showState(entry) });

// ---- The controls.

function showLive() {
  $("#live").attr("aria-checked", String(view.live));
}

let searching = null;
$("#filter").on("input search", () => {
  clearTimeout(searching);
  searching = setTimeout(() => {
    const q = $("#filter").val().replace(/\p{Surrogate}/gu, "\ufffd"); // half a pair stands in no address
    if (q === view.query.q) return;
    view.query = { ...view.query, q };
    turnTo(0);
  }, SEARCH_PAUSE_MS);
});
$("#live").on("click", () => {
  view.live = !view.live;
  showLive();
  writePreference();
  feed.setLive(view.live);
});
$("#refresh").on("click", () => feed.refresh());
$("#sent-open").on("click", () => {
  openPane({ sent: true });
  $("#pane-close").trigger("focus");
});
$(document).on("keydown", (event) => {
  if (event.key === "Escape" && !$(event.target).is("input") && location.search !== "") closePane();
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || $(event.target).is("input, select, textarea")) return;
  event.preventDefault();
  if (!WIDE.matches && $("body").hasClass("pane-open")) closePane();
  $("#filter").trigger("focus").trigger("select");
});
// Back and Forward; a hash that a person has typed.
$(window).on("popstate", () => {
  const before = view.query;
  takeAddress();
  if (before.offset !== view.query.offset || before.q !== view.query.q) feed.show(view.query);
});

say("#state", "Connecting");
readPreference();
showLive();
takeAddress();
setInterval(() => showAge(view.updated), 1000);
delivery.recover();
feed.live = view.live;
feed.show(view.query);
