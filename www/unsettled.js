// The list of submissions whose outcome is not certain yet, the newest first, between the totals and
// the form. It has no place while there are none. What is typed into the form does not touch it.
//
//   new Unsettled({ delivery, changed(entry) {...} })   // changed: after the list shows it

import { grouped } from "./amounts.js";
import { nameElement, shortened } from "./names.js";
import { timeText } from "./pane.js";

const TWICE = "Sent again, it might be paid twice.";
const NOT_KEPT = "This browser does not keep it: do not close or reload this page.";

const UNKNOWN = {
  age: `Not known whether it was taken: it was sent longer ago than the server remembers. ${TWICE}`,
  process: `Not known whether it was taken: the server has no memory of it, or was started again since. ${TWICE}`,
  instance: `Not known whether it was taken: the server's log, or its topics, were changed since. ${TWICE}`,
  "no-keys": "Not known whether it was taken: this server keeps no keys. Look at the list; to pay it again, discard it and use the form.",
  removed: `Not known whether it was taken: it was discarded in another tab, or the browser's storage was cleared. ${TWICE}`,
  doubt: `Not taken when it was sent again; not known whether it was before. ${TWICE}`,
};

// "Too much at once. the queue is full." of an answer that refuses.
export function refusalWords({ problem, status, statusText }) {
  const title = problem?.title ?? `The server answered ${status} ${statusText}`;
  const details = (problem?.errors ?? []).map(({ pointer = "", detail = "" }) => `${String(pointer).split("/").at(-1)}: ${detail}`);
  if (details.length === 0) details.push(problem?.detail ?? "");
  return [title, ...details].filter(Boolean).map((text) => String(text).replace(/\.?$/, ".")).join(" ");
}

export function stateWords({ state: { name, seconds, why, answer }, asksOnly, stored }) {
  const words = {
    sending: "Sending.",
    asking: "Asking whether it was taken.",
    waiting: `No answer yet. ${asksOnly ? "Asking" : "Sending"} again in ${seconds} s.`,
    "not-taken": answer ? `Not taken. ${refusalWords(answer)}` : "Not taken.",
    unknown: UNKNOWN[why],
  }[name];
  return stored ? words : `${words} ${NOT_KEPT}`;
}

// How it has ended, for the line below the form: the list says the rest.
export function endInShort(entry) {
  return `${entry.state.name === "not-taken" ? "not taken" : "not known whether it was taken"}. See “Not settled yet”.`;
}

export const whatWords = ({ volume, paymentAmt, user }) => `${grouped(volume)} × ${grouped(paymentAmt)} for ${shortened(user)}`;

export class Unsettled {
  constructor({ delivery, changed }) {
    this.delivery = delivery;
    this.items = new Map(); // entry -> its element
    const entryOf = (event) => $(event.currentTarget).closest("li").data("entry");
    delivery.tell.changed = (entry) => {
      this.show(entry);
      changed(entry);
    };
    $("#unsettled")
      .on("click", ".send", (event) => {
        if ($(event.currentTarget).attr("aria-disabled") !== "true") delivery.sendAgain(entryOf(event));
      })
      .on("click", ".discard", (event) => delivery.discard(entryOf(event)));
  }

  // Only the entry that has changed is touched, so the keyboard's place stays in the others.
  show(entry) {
    const wanted = this.delivery.has(entry) && !entry.attached;
    if (!wanted) this.remove(entry);
    else this.update(this.items.get(entry) ?? this.add(entry), entry);
    const count = this.items.size;
    $("#unsettled").prop("hidden", count === 0);
    const heading = count === 0 ? "" : `Not settled yet: ${count} ${count === 1 ? "submission" : "submissions"}`;
    if ($("#unsettled-heading").text() !== heading) $("#unsettled-heading").text(heading);
  }

  add(entry) {
    const label = (word) => `${word}: ${whatWords(entry)}`;
    const button = (name, words) => $("<button type='button'>").addClass(name).text(words).attr("aria-label", label(words));
    const $item = $("<li>").data("entry", entry).append(
      $("<time>").text(timeText(entry.at)).attr("datetime", new Date(entry.at).toISOString()),
      nameElement(entry.user),
      $("<span class='what'>").text(`${grouped(entry.volume)} × ${grouped(entry.paymentAmt)}`),
      $("<span class='outcome'>"),
      $("<span class='acts'>").append(button("send", "Send again"), button("discard", "Discard")),
    );
    this.items.set(entry, $item);
    $("#unsettled ol").prepend($item);
    return $item;
  }

  update($item, entry) {
    const { name, why } = entry.state;
    $item.find(".outcome").text(stateWords(entry)).toggleClass("decide", name === "not-taken" || name === "unknown");
    const off = name === "sending" || name === "asking" || why === "no-keys";
    $item.find(".send").attr("aria-disabled", off ? "true" : null);
  }

  // The keyboard's place goes on to the next entry, or to the form.
  remove(entry) {
    const $item = this.items.get(entry);
    if (!$item) return;
    this.items.delete(entry);
    const focused = $item[0].contains(document.activeElement);
    const $next = $item.next().add($item.prev()).first();
    $item.remove();
    if (!focused) return;
    if ($next.length > 0) $next.find(".discard").trigger("focus");
    else $("#user").trigger("focus");
  }
}
