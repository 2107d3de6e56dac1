// The second pane: what one user has, or, with nobody chosen, what was sent from this browser. On a
// wide window it is always there; on a narrow one it takes the place of the list while it is open.
//
//   const pane = new Pane({ sent, choose(user) {...}, again(entry) {...}, close() {...} });
//   pane.open({ user: "edgar" });   // or {sent: true}, or {} for nobody
//   pane.takeStats(body);           // each answer of the feed

import { userStats } from "./api.js";
import { amountElement, grouped, share, units } from "./amounts.js";
import { paneAddress } from "./address.js";
import { nameElement } from "./names.js";

// What was sent is shown a moment later, so that a submission in progress does not wait for it.
const SHOW_MS = 50;
// A user who is not among the rows of the list is asked for, no more often than this.
const ASK_MS = 1000;

const two = (number) => String(number).padStart(2, "0");

// "14:03", or with the date where that is not today's.
export function timeText(at) {
  const when = new Date(at);
  const time = `${two(when.getHours())}:${two(when.getMinutes())}`;
  if (when.toDateString() === new Date().toDateString()) return time;
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${time}`;
}

const OUTCOMES = { accepted: "", unknown: "not known whether it was taken" };

export class Pane {
  constructor({ sent, choose, again, close }) {
    this.sent = sent;
    this.user = null;
    this.body = null; // the feed's newest answer
    this.asking = false;
    this.wanted = false; // whether something has changed since the question
    this.askedAt = 0;
    this.again = again;
    this.showing = null; // the timer of what is shown a moment later
    sent.changed = () => this.showSoon();
    $("#pane-close").on("click", close);
    $("#pane")
      .on("click", "a.open", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        choose($(event.currentTarget).data("user"));
      })
      .on("click", ".again", (event) => again($(event.currentTarget).data("entry")));
  }

  // On a narrow window it is `inSight` only where a person has opened it.
  open({ user = null, sent = false, inSight = true }) {
    this.user = user;
    $("body").toggleClass("pane-open", inSight && (Boolean(user) || sent));
    $("#pane").toggleClass("of-user", Boolean(user));
    $("#pane").scrollTop(0);
    $("#pane-heading").empty().append(user ? nameElement(user) : "Sent from this browser");
    $("#pane-close").attr("aria-label", user ? "Close this user" : "Close");
    $("#chosen").empty();
    this.showSoon();
    if (!user) return;
    this.showUser(null);
    this.askedAt = 0;
    if (this.body) this.takeStats(this.body);
    else this.ask();
  }

  takeStats(body) {
    this.body = body;
    if (!this.user) return;
    const row = body.stats.find((each) => each.user === this.user);
    if (row) this.showUser({ body, row });
    else this.ask();
  }

  // One question at a time, no more than one a second; a change that comes meanwhile is in the next.
  ask() {
    this.wanted = true;
    if (this.asking) return;
    this.asking = true;
    setTimeout(async () => {
      this.wanted = false;
      const { user } = this;
      const known = user ? await userStats(user).catch(() => null) : null;
      this.asking = false;
      this.askedAt = Date.now();
      if (known && this.user === user) this.showUser(known);
      else if (this.user !== user) this.wanted = true;
      if (this.user && this.wanted) this.ask();
    }, Math.max(0, this.askedAt + ASK_MS - Date.now()));
  }

  // `known` is {body, row}; null while it is not known yet.
  showUser(known) {
    const row = known?.row;
    const $figures = $("<dl class='of-one'>");
    const figure = (name, id, content) => $("<div>").append($("<dt>").text(name), $("<dd>").attr("id", id).append(content))
      .appendTo($figures);
    const nothing = known?.body.ready ? "none yet" : "–";
    figure("Total", "chosen-sum", row ? amountElement(row.sum) : nothing);
    figure("Payments", "chosen-count", row ? grouped(String(row.count)) : nothing);
    figure("Rank", "chosen-rank", row ? `${grouped(String(row.rank))} of ${grouped(String(known.body.users))}` : nothing);
    figure("Share", "chosen-share", row ? share(units(row.sum), units(known.body.sum)) || "–" : nothing);
    if ($("#chosen dl").length > 0) return void $("#chosen dl").replaceWith($figures);
    $("#chosen").append($figures, this.againElement({ user: this.user, paymentAmt: "", volume: "1" }), $("<h3>").text("Sent from this browser"));
  }

  againElement(entry) {
    return $("<button type='button' class='again'>").text("Pay again").data("entry", entry);
  }

  // An entry as the element that shows it; with a user chosen his name is not repeated.
  entryElement(entry) {
    const $what = $("<span class='what'>").text(`${grouped(entry.volume)} × ${grouped(entry.paymentAmt)}`);
    const $item = $("<li>").data("id", entry.id).append($("<time>").text(timeText(entry.at)).attr("datetime", new Date(entry.at).toISOString()));
    if (!this.user) {
      $item.append($("<a class='open'>").attr("href", paneAddress({ user: entry.user })).data("user", entry.user)
        .append(nameElement(entry.user)));
    }
    $item.append($what, this.againElement(entry));
    if (OUTCOMES[entry.outcome]) $item.append($("<span class='outcome'>").text(OUTCOMES[entry.outcome]));
    return $item;
  }

  showSoon() {
    clearTimeout(this.showing);
    this.showing = setTimeout(() => this.showSent(), SHOW_MS);
  }

  showSent() {
    const entries = this.sent.entries().filter((entry) => !this.user || entry.user === this.user);
    if (entries.length > 0) $("#chosen > .again").data("entry", entries[0]);
    if (entries.length === 0) {
      const words = this.user ? "Nothing has been sent to this user from this browser."
        : "What you submit is listed here. Choose a user in the list to see what they have.";
      return void $("#sent").empty().append($("<p class='none'>").text(words));
    }
    const $list = $("<ol class='sent'>").attr("aria-label", "The newest first");
    entries.forEach((entry) => $list.append(this.entryElement(entry)));
    // The keyboard's place stays with its entry.
    const focused = document.activeElement;
    const id = $("#sent")[0].contains(focused) ? $(focused).closest("li").data("id") : null;
    $("#sent").empty().append($list);
    if (id) $list.children().filter((_, item) => $(item).data("id") === id).find(`.${focused.className}`).trigger("focus");
  }
}
