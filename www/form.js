// The form: a batch of payments, sent as the texts that were typed, so that nobody between the
// keyboard and the sum rounds an amount. The server alone judges them; what it says of a field
// stands in the line below the form, in words of this page. The page itself judges one thing: an
// amount with a comma that can be read in two ways is not sent.
//
//   wireForm({ known, sent, delivery, notice, accepted(batch, { later }) {...}, total(row) {...}, waiting(on) {...} })
//
//   accepted   the server has the payments, maybe `later`, after others;  total   the totals have them, too
//   waiting    an answer takes long: what else asks the server should make room for it
//
// A submission in order: what the user has so far is asked for, which also shows whether the server
// can be reached. Where the server keeps idempotency keys the batch goes to the delivery, which brings it to a
// certain outcome, if need be after the form has others; else it is noted among those that were
// sent, and sent. Then, for a few seconds, the user's total is asked for until it has grown by these
// payments.

import { postPayments, Refused, Unreachable, userStats } from "./api.js";
import { grouped, payments, product, readTyped } from "./amounts.js";
import { shortened } from "./names.js";
import { isAboutAddress, postOutcome } from "./outcome.js";
import { endInShort, stateWords, whatWords } from "./unsettled.js";

const FIELDS = ["user", "paymentAmt", "volume"];
const BEFORE_MS = 1000; // for what the user has before the payments
const TOTAL_MS = 5000; // for a total that has them
const TOTAL_PAUSE_MS = 100;
const SLOW_MS = 500;
const NOT_TAKEN = "Not taken: the server does not know the address of this page. What to set stands above; the form keeps what you typed.";
const NOT_SENT = "Not sent: the server cannot be reached. The form keeps what you typed.";
// A browser may itself send a request again whose connection has ended without an answer.
const UNKNOWN = "so it is not known whether this was taken, or even more than once. Look at the list before you send it again.";
const HINT = "Volume is how many such payments are made.";

// The server's words for what a person meets most, in those of a form.
const WORDS = {
  "user: empty": "Enter a user",
  "paymentAmt: not a decimal number": "Enter an amount such as 12.50",
  "paymentAmt: not positive": "Enter an amount above 0",
  "volume: not a positive integer": "Enter a whole number such as 7 as volume",
};
const LABELS = { user: "User", paymentAmt: "Payment amount", volume: "Volume" };
const DIFFERENCES = { case: "upper and lower case", spaces: "spaces around it", accents: "how its accents are made" };

const wordsFor = (field, detail) => WORDS[`${field}: ${detail}`] ?? `${LABELS[field]}: ${detail}`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Asks until the user's count has come to `wanted`: the row, or null where it has not in time.
async function totalOf(user, wanted) {
  const end = Date.now() + TOTAL_MS;
  while (Date.now() < end) {
    const answer = await userStats(user, end - Date.now()).catch(() => null);
    if (answer?.body.ready && answer.row?.count >= wanted) return answer.row;
    await pause(TOTAL_PAUSE_MS);
  }
  return null;
}

class Form {
  constructor({ known, sent, delivery, notice, accepted, total, waiting }) {
    Object.assign(this, { known, sent, delivery, notice, accepted, total, waiting });

    this.sending = false;
    this.settled = false; // what stood in the form was accepted, and no field has changed since
    this.sends = 0;
    this.edits = 0; // how often anything in the form has changed
    this.awaited = new Map(); // user -> the count that his total has to reach
    known.tell = (answer) => this.showKnown(answer);
    delivery.tell.accepted = (entry, count) => this.taken(count, entry, { later: true });
    delivery.tell.ended = (entry) => this.endedLater(entry);
    $("#form").on("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    $("#form").on("input", (event) => this.changed([event.target.name]));
    $("#loading").text("");
    this.showHint();
    this.showButton();
    $("#submit").prop("disabled", false);
  }

  input(field) {
    return $(`#${field}`);
  }

  typed() {
    return Object.fromEntries(FIELDS.map((field) => [field, this.input(field).val()]));
  }

  changed(fields) {
    this.settled = false;
    this.edits += 1;
    fields.forEach((field) => this.mark(field, ""));
    if (!this.sending) this.say("", "");
    this.showHint();
    this.showButton();
    if (fields.includes("user")) {
      $("#user-hint").text("");
      this.known.look(this.input("user").val());
    }
  }

  // "Pay again": the form as it was, for a person to submit.
  fill({ user, paymentAmt, volume }) {
    Object.entries({ user, paymentAmt, volume }).forEach(([field, text]) => this.input(field).val(text));
    this.changed(FIELDS);
    this.input("paymentAmt").trigger("focus").trigger("select");
  }

  // ---- The line

  // An answer takes the place of the hints.
  say(good, bad) {
    $("#accepted").text(good);
    $("#refused").text(bad);
    $("#line").toggleClass("answered", Boolean(good || bad));
    $("#line").attr("title", good || bad || null);
    // Where the page is higher than the window, the line may be out of sight.
    if (good || bad) $("#line")[0].scrollIntoView({ block: "nearest" });
  }

  mark(field, text) {
    $(`#${field}-error`).text(text);
    if (text) this.input(field).attr("aria-invalid", "true");
    else this.input(field).removeAttr("aria-invalid");
  }

  showButton() {
    $("#submit").attr("aria-disabled", this.sending || this.settled ? "true" : null);
  }

  showHint() {
    const { paymentAmt, volume } = this.typed();
    const { send, comma } = readTyped(paymentAmt);
    const parts = [];
    if (comma) parts.push(`${paymentAmt.trim()} is sent as ${send}.`);
    const all = send === undefined ? null : product(send, volume.trim());
    if (all !== null && volume.trim() !== "1") parts.push(`${payments(volume.trim())}, ${grouped(all)} together.`);
    $("#hint").text(parts.join(" ") || HINT);
  }

  showKnown({ typed, row, sure, names, alike }) {
    if (typed !== this.input("user").val()) return;
    $("#known").empty().append(names.filter((name) => name !== typed).map((name) => $("<option>").attr("value", name)));
    const who = shortened(typed);
    const parts = [];
    if (row) parts.push(`${who} has ${grouped(row.sum)} in ${payments(row.count)}.`);
    else if (sure) parts.push(`${who} is a new user.`);
    if (alike.length > 0) {
      const [{ user, by }] = alike;
      const ways = by.map((each) => DIFFERENCES[each]).join(" and ");
      parts.push(`There is ${shortened(user)}, which differs only by ${ways}${alike.length > 1 ? `, and ${alike.length - 1} more` : ""}.`);
    }
    $("#user-hint").text(parts.join(" "));
  }

  // ---- A submission

  async submit() {
    if (this.sending) return void this.say(`${this.underWay}. The next one can be sent after its answer.`, "");
    if (this.settled) return;
    const typed = this.typed();
    const { send, readings } = readTyped(typed.paymentAmt);
    FIELDS.forEach((field) => this.mark(field, ""));
    this.say("", "");
    if (readings) {
      const [whole, fraction] = readings;
      this.mark("paymentAmt", `${typed.paymentAmt.trim()} can be read as ${whole} or as ${fraction}: enter one of them`);
      return void this.input("paymentAmt").trigger("focus");
    }
    const batch = { user: typed.user, paymentAmt: send, volume: typed.volume.trim() };
    this.sending = true;
    this.underWay = `Sending ${batch.volume} × ${batch.paymentAmt} for ${shortened(batch.user)}`;
    this.showButton();
    // Said only where it takes so long that a person wonders.
    let slow = false;
    const timer = setTimeout(() => {
      slow = true;
      this.say(`${this.underWay}.`, "");
      this.waiting(true);
    }, SLOW_MS);
    try {
      const end = await this.send(batch);
      this.sending = false;
      end();
    } finally {
      clearTimeout(timer);
      if (slow) this.waiting(false);
      this.sending = false;
      this.showButton();
    }
  }

  // Answers what is to be done once the form is free again.
  async send(batch) {
    const { edits } = this;
    let before = null;
    let kept = "no";
    try {
      [before, kept] = await Promise.all([userStats(batch.user, BEFORE_MS), this.delivery.keeps()]);
    } catch (error) {
      if (error instanceof Refused) return () => this.refuse(error.answer);
      if (!(error instanceof Unreachable)) throw error;
      return () => this.say("", NOT_SENT);
    }
    const end = await (kept === "no" ? this.sendOnce(batch) : this.delivery.submit(batch));
    if (end.kind === "accepted") return () => this.taken(end.count, batch, { unchanged: this.edits === edits, before });
    if (end.kind === "refused") return () => this.refuse(end.answer);
    if (end.kind === "unknown") return () => this.say("", `${end.why}, ${UNKNOWN}`);
    return () => this.leftOpen(end.entry, this.edits === edits);
  }

  // Without a key: where no answer comes, a person must look.
  async sendOnce(batch) {
    const id = this.sent.add(batch);
    const answer = await postPayments(batch);
    const { kind, count } = postOutcome(answer);
    if (kind === "taken") {
      this.sent.settle(id, "accepted");
      return { kind: "accepted", count };
    }
    if (kind !== "open" && answer.problem) {
      this.sent.remove(id);
      return { kind: "refused", answer };
    }
    const { problem, status, statusText } = answer;
    return { kind: "unknown", why: problem?.title ?? (status === 0 ? "No answer came" : `The server answered ${status} ${statusText}`) };
  }

  // With a key, while the form waits for it: how it stands, once a request was lost.
  showState(entry) {
    if (!entry.attached || entry.waits === 0) return;
    this.underWay = stateWords(entry).replace(/\.$/, "");
    this.say(`${this.underWay}.`, "");
  }

  // It is in the list of what is not settled from now on, and leaves the form to the next.
  leftOpen(entry, unchanged) {
    if (unchanged) this.leave();
    if (entry.state.name !== "waiting") return void this.endedLater(entry);
    this.say("", `No answer yet for ${whatWords(entry)}. It is sent again by itself: see “Not settled yet”.`);
  }

  endedLater(entry) {
    if (!this.sending) this.say("", `${whatWords(entry)}: ${endInShort(entry)}`);
  }

  refuse({ problem, status, statusText, retryAfter }) {
    this.notice.judge("form", problem);
    if (isAboutAddress(problem)) return void this.say("", NOT_TAKEN);
    this.say("", "");
    const texts = new Map();
    const others = [];
    for (const { pointer = "", detail = "" } of problem?.errors ?? []) {
      const field = pointer.split("/").at(-1);
      if (!FIELDS.includes(field)) others.push(detail);
      else texts.set(field, [...(texts.get(field) ?? []), wordsFor(field, detail)]);
    }
    texts.forEach((list, field) => this.mark(field, list.join("; ")));
    if (texts.size === 0 && others.length === 0) others.push(problem?.detail ?? "");
    if (others.length > 0) {
      const title = problem?.title ?? `The server answered ${status} ${statusText}`;
      const wait = retryAfter > 0 ? `Try again in ${retryAfter} s.` : "";
      this.say("", [title, ...others].filter(Boolean).map((t) => t.replace(/\.?$/, ".")).concat(wait).join(" ").trim());
    }
    const first = FIELDS.find((field) => texts.has(field));
    if (first) this.input(first).trigger("focus");
  }

  clear() {
    FIELDS.forEach((field) => this.input(field).val(this.input(field)[0].defaultValue));
    this.showHint();
    $("#user-hint").text("");
    this.known.look("");
  }

  // What was sent leaves the form.
  leave() {
    const inForm = $("#form")[0].contains(document.activeElement);
    this.settled = true;
    this.clear();
    if (inForm) this.input("user").trigger("focus");
  }

  // It stays where anything was typed since. `later`: the form has had others meanwhile.
  taken(count, batch, { unchanged = false, before = null, later = false }) {
    this.notice.judge("form", null);
    const who = shortened(batch.user);
    const words = `Accepted: ${payments(count)} of ${grouped(batch.paymentAmt)} for ${who}`;
    if (!this.sending) this.say(`${words}.`, "");
    if (unchanged) this.leave();
    this.accepted(batch, { later });
    this.follow(words, who, batch.user, this.countAfter(batch.user, before, count));
  }

  // The count that the user's total has with these payments: null where it was not known before.
  // One that an earlier submission still waits for is counted in.
  countAfter(user, before, count) {
    if (!before?.body.ready) return null;
    const wanted = Math.max(before.row?.count ?? 0, this.awaited.get(user) ?? 0) + count;
    this.awaited.set(user, wanted);
    return wanted;
  }

  // Says what the user has once the total has the payments, unless something else stands there by then.
  async follow(words, who, user, wanted) {
    this.sends += 1;
    const number = this.sends;
    const row = wanted === null ? null : await totalOf(user, wanted);
    if (this.awaited.get(user) === wanted) this.awaited.delete(user);
    if (row) this.total(row);
    if (number !== this.sends || $("#accepted").text() !== `${words}.`) return;
    const then = row
      ? `${who} now has ${grouped(row.sum)} in ${payments(row.count)}, rank ${grouped(String(row.rank))}.`
      : "The total follows.";
    this.say(`${words}. ${then}`, "");
  }
}

export const wireForm = (parts) => new Form(parts);
