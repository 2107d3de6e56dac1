// The list of users by sum. Its frame stays, and with it the place to which a person has scrolled;
// the rows in it are made anew, as a whole, from each answer of the server.
//
//   const list = new List({ choose(user) {...}, turn(pages) {...}, held(on) {...} });
//   list.show(body, { q: "", marked: "edgar", chosen: null });
//
//   choose(user)   a row was clicked;  turn(pages)   another page is asked for, 1 or -1
//   held(on)       whether new rows wait for the end of a selection

import { amountElement, grouped, proportion, share, units } from "./amounts.js";
import { paneAddress } from "./address.js";
import { nameElement, visible } from "./names.js";

// The row of the latest submission, and that of the user in the second pane.
function markRow($row, { marked, chosen }) {
  const user = $row.data("user");
  $row.find("a.open").attr("aria-current", user === chosen ? "true" : null);
  return $row.toggleClass("mine", user === marked).toggleClass("chosen", user === chosen);
}

function rowElement(row, { largest, total }, look) {
  const sum = units(row.sum);
  const length = proportion(sum, largest);
  const $bar = $("<span class='bar' aria-hidden='true'>");
  if (length > 0) $("<span class='fill'>").css("width", `max(3px, ${length * 100}%)`).appendTo($bar);
  // In the order of the keyboard the rows are one stop; the arrows go from one to the next.
  const $link = $("<a class='open' tabindex='-1'>").attr("href", paneAddress({ user: row.user })).append(nameElement(row.user));
  const $row = $("<tr role='row'>")
    .data("user", row.user)
    .append($("<td class='rank' role='cell'>").text(grouped(String(row.rank))))
    .append($("<th class='user' role='rowheader' scope='row'>").append($bar, $link))
    .append($("<td class='sum' role='cell'>").toggleClass("negative", sum < 0n).append(amountElement(row.sum)))
    .append($("<td class='count' role='cell'>").text(grouped(String(row.count))).attr("data-unit", row.count === 1 ? "payment" : "payments"))
    .append($("<td class='share' role='cell'>").text(share(sum, total)));
  return markRow($row, look);
}

function headElement() {
  const $row = $("<tr role='row'>");
  for (const [name, text] of [["rank", "Rank"], ["user", "User"], ["sum", "Sum"], ["count", "Payments"], ["share", "Share"]]) {
    $(`<th role='columnheader' scope='col' class='${name}'>`).text(text).appendTo($row);
  }
  return $("<thead role='rowgroup'>").append($row);
}

function emptyElement(body, q) {
  const $empty = $("<div class='empty'>");
  if (!body.ready) {
    return $empty
      .append($("<p class='first'>").text("Catching up"))
      .append($("<p>").text("What has been paid so far is being read, and appears here."));
  }
  if (q) return $empty.append($("<p>").text("No user’s name begins with ").append($("<bdi>").text(visible(q)), "."));
  return $empty
    .append($("<p class='first'>").text("No payments yet"))
    .append($("<p>").text("Submit the first one below, and it appears here."));
}

// A live region it is not: with ten updates a second nobody could listen to it.
function rowsElement(body, look) {
  const $rows = $("<div id='rows'>");
  if (body.stats.length === 0) return $rows.append(emptyElement(body, look.q));
  const sums = body.stats.map((row) => units(row.sum));
  const largest = sums.reduce((most, sum) => (sum > most ? sum : most));
  const $body = $("<tbody role='rowgroup'>");
  const whole = { largest, total: units(body.sum) };
  for (const row of body.stats) $body.append(rowElement(row, whole, look));
  const $caption = $("<caption class='hidden'>").text("Users by the sum of their payments, largest first");
  return $rows.append($("<table role='table'>").append($caption, headElement(), $body));
}

// How many rows there are on all pages.
export const listed = (body) => body.matches ?? body.users;

const KEYS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };

export class List {
  constructor({ choose, turn, held }) {
    this.held = held;
    this.$frame = $("#list");
    this.shown = null; // [body, look] of the rows in sight
    this.waiting = null; // the same, of rows that wait
    this.pressed = false; // a pointer is pressed on a row
    this.current = null; // the user whose row has the keyboard's stop
    const userOf = (element) => $(element).closest("tr").data("user");
    this.$frame
      .on("pointerdown", ({ button }) => { this.pressed = button === 0; })
      .on("click", "tbody tr", (event) => {
        // A row is as good as its link; a click with Ctrl, or the end of a selection, is not meant.
        if (event.ctrlKey || event.metaKey || event.shiftKey || this.hasSelection()) return;
        event.preventDefault();
        choose(userOf(event.currentTarget));
      })
      .on("focusin", "a.open", (event) => { this.stopAt(userOf(event.currentTarget)); })
      .on("keydown", "a.open", (event) => {
        if (!(event.key in KEYS)) return;
        event.preventDefault();
        this.step(event.currentTarget, KEYS[event.key]);
      });
    // Behind the click that may follow.
    $(window).on("pointerup pointercancel", () => setTimeout(() => {
      this.pressed = false;
      this.release();
    }));
    $(document).on("selectionchange", () => this.release());
    const page = (step) => (event) => {
      if ($(event.currentTarget).attr("aria-disabled") !== "true") turn(step);
    };
    $("#previous").on("click", page(-1));
    $("#next").on("click", page(1));
  }

  // Shows an answer; `look` is {q, marked, chosen}. New rows would take a selection with them, and
  // a row under a pressed button its click: then only the rows wait, until it is let go.
  show(body, look) {
    this.waiting = [body, look];
    this.showPager(body);
    this.release();
  }

  // The same rows, looked at differently.
  mark(look) {
    if (this.waiting) this.waiting[1] = look;
    if (!this.shown) return;
    this.shown[1] = look;
    $("#rows tbody tr").each((_, row) => markRow($(row), look));
  }

  // Whether the newest rows wait.
  isHeld() {
    return this.waiting !== null;
  }

  hasSelection() {
    const selection = getSelection();
    return !selection.isCollapsed && $("#rows")[0].contains(selection.anchorNode);
  }

  letGo() {
    if (this.hasSelection()) getSelection().removeAllRanges();
    this.pressed = false;
  }

  release() {
    const held = this.hasSelection();
    if (this.waiting && !held && !this.pressed) {
      this.shown = this.waiting;
      this.waiting = null;
      this.replaceRows(...this.shown);
    }
    this.held(held && this.waiting !== null);
  }

  // The keyboard's place goes to the new row of the same user, or to the row at the same place.
  replaceRows(body, look) {
    const focused = document.activeElement;
    const hadFocus = $("#rows")[0].contains(focused);
    const place = hadFocus ? $(focused).closest("tr").index() : 0;
    $("#rows").replaceWith(rowsElement(body, look));
    const $links = $("#rows a.open");
    if ($links.length === 0) return;
    const own = body.stats.findIndex((row) => row.user === this.current);
    const link = $links[own >= 0 ? own : Math.min(place, $links.length - 1)];
    link.tabIndex = 0;
    if (hadFocus) link.focus({ preventScroll: true });
  }

  stopAt(user) {
    this.current = user;
    $("#rows a.open").each((_, link) => { link.tabIndex = $(link).closest("tr").data("user") === user ? 0 : -1; });
  }

  step(from, by) {
    const links = $("#rows a.open").get();
    const to = links[Math.max(0, Math.min(links.length - 1, links.indexOf(from) + by))];
    to.focus({ preventScroll: true });
    this.bringIntoSight(to.closest("tr"));
  }

  // Scrolls the frame alone, and no further than it must.
  bringIntoSight(row) {
    const frame = this.$frame[0];
    const inside = frame.getBoundingClientRect();
    const top = inside.top + frame.clientTop + ($("#rows thead th").first().outerHeight() || 0);
    const bottom = inside.top + frame.clientTop + frame.clientHeight;
    const { top: rowTop, bottom: rowBottom } = row.getBoundingClientRect();
    if (rowTop < top) frame.scrollTop -= top - rowTop;
    else if (rowBottom > bottom) frame.scrollTop += rowBottom - bottom;
  }

  // Whether there is anything to be seen: on a narrow window the pane may be in its place.
  isInSight() {
    return this.$frame[0].offsetHeight > 0;
  }

  // The row of a user on this page, or null.
  find(user) {
    return $("#rows tbody tr").get().find((row) => $(row).data("user") === user) ?? null;
  }

  focus(user) {
    const row = this.find(user);
    if (row) $(row).find("a.open")[0].focus({ preventScroll: true });
    return row !== null;
  }

  toTop() {
    this.$frame.scrollTop(0);
  }

  showPager(body) {
    const all = listed(body);
    const first = body.offset + 1;
    const last = body.offset + body.stats.length;
    $("#position").text(all > 0 ? `${grouped(String(first))}–${grouped(String(last))} of ${grouped(String(all))}` : "");
    $(".pager").toggleClass("none", all === 0);
    $("#previous").attr("aria-disabled", body.offset === 0 ? "true" : null);
    $("#next").attr("aria-disabled", last >= all ? "true" : null);
  }
}
