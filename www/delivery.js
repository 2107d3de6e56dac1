// Brings submissions to a certain outcome. A key makes that safe: the server pays it once, however
// often it is sent.
//
//   const delivery = new Delivery({ submissions, sent, waiting(on) {...} });
//   delivery.tell = { changed(entry) {...}, accepted(entry, count) {...}, ended(entry) {...} };
//   const end = await delivery.submit(batch);   // {kind: "accepted", count}, {kind: "refused", answer}
//                                               // or {kind: "open"}: it goes on without the form
//   delivery.recover();                         // what an earlier life of the page has left
//
// Where no answer comes it waits, asks the server whether it has taken the key, and only where it
// certainly has not, sends the same key and payments again. What an earlier life of the page has left is
// asked for, and sent only by a person; so is what the server may have forgotten. An entry has a
// `state`:
//
//   {name: "sending"}, {name: "asking"}   a request is on its way
//   {name: "waiting", seconds}            the next one is so far off
//   {name: "not-taken", answer}           certain, by this answer of the server, if any
//   {name: "unknown", why}                for a person to decide; `why` as of askOutcome(), or "removed"

import { askPayments, keysKept, postPayments } from "./api.js";
import { askOutcome, postOutcome } from "./outcome.js";
import { Tabs } from "./tabs.js";

const WAITS_S = [1, 2, 4, 8, 15, 30];
const WAIT_MAX_S = 60; // whatever Retry-After says
const ATTACHED_WAITS = 2; // after so many the form is free for the next submission
const OTHERS_MS = 10000; // so often what other tabs look after is looked at
const SLOW_MS = 500;

const now = () => ({ wall: Date.now(), steady: performance.now() });

// By whichever clock has gone further: one may stop while a laptop sleeps, the other may be set.
function ageOf({ wall, steady }) {
  const elapsed = Date.now() - wall;
  return elapsed < 0 ? Infinity : Math.max(elapsed, performance.now() - steady);
}

export class Delivery {
  constructor({ submissions, sent, waiting }) {
    Object.assign(this, { submissions, sent, waiting });
    this.tell = { changed() {}, accepted() {}, ended() {} };
    this.entries = new Map(); // by key: those that this tab looks after
    this.instance = ""; // of the keys' memory, as of the last answer
    this.looking = null; // the timer of the next look at what other tabs have
    this.tabs = new Tabs({ name: submissions.prefix, owns: (key) => this.entries.has(key), dropped: (key) => this.drop(key),
      left: () => this.recover() });
    $(window).on("storage", ({ originalEvent: { key, newValue } }) => {
      if (!key?.startsWith(submissions.prefix)) return;
      if (newValue === null) this.drop(key.slice(submissions.prefix.length));
      else this.lookSoon();
    });
    // Restored by Back: what it looked after may be another tab's by now, or settled.
    $(window).on("pageshow", ({ originalEvent }) => { if (originalEvent.persisted) this.recover(); });
  }

  // What the server makes of keys: asked before each submission, since another file may be the log now.
  async keeps() {
    const { kept, instance } = await keysKept();
    this.instance = instance;
    return kept;
  }

  // ---- Entries

  take(entry, { asksOnly = false } = {}) {
    const taken = { ...entry, asOf: { wall: entry.at, steady: performance.now() }, asksOnly, posts: 0, waits: 0, doubt: false,
      state: { name: "asking" }, attached: null, wake: null };
    this.entries.set(entry.key, taken);
    return taken;
  }

  has(entry) {
    return this.entries.get(entry.key) === entry;
  }

  // Another tab has settled it or looks after it now.
  drop(key) {
    const entry = this.entries.get(key);
    if (!entry || entry.attached) return;
    this.entries.delete(key);
    entry.wake?.();
    this.tell.changed(entry);
  }

  show(entry, state) {
    if (!this.has(entry)) return;
    entry.state = state;
    this.tell.changed(entry);
    if (state.name !== "not-taken" && state.name !== "unknown") return;
    if (entry.attached) this.release(entry, { kind: "open" });
    else this.tell.ended(entry);
  }

  // What the form waits for.
  release(entry, end) {
    const { attached } = entry;
    entry.attached = null;
    attached?.({ ...end, entry });
    this.tell.changed(entry);
  }

  // ---- What a person asks for

  submit(batch) {
    const entry = this.take(this.submissions.add(batch, this.instance));
    return new Promise((resolve) => {
      entry.attached = resolve;
      this.deliver(entry);
    });
  }

  sendAgain(entry) {
    if (!this.has(entry)) return;
    const { name } = entry.state;
    entry.asksOnly = false;
    this.tabs.take(entry.key);
    if (name === "waiting") return void entry.wake?.();
    if (name !== "not-taken" && name !== "unknown") return;
    if (name === "unknown") entry.doubt = true;
    if (!this.submissions.has(entry.key)) entry.stored = this.submissions.keep(entry);
    entry.asOf = now();
    entry.waits = 0;
    this.deliver(entry, { byPerson: true });
  }

  discard(entry) {
    if (!this.has(entry)) return;
    if (entry.state.name !== "not-taken") this.sent.note(entry, "unknown");
    this.remove(entry);
  }

  // ---- Sending and asking

  async deliver(entry, { byPerson = false } = {}) {
    for (let told = byPerson; this.has(entry); told = false) {
      // A person, or another tab, has taken it out of the storage: it is not sent without being asked for.
      if (!told && entry.posts > 0 && entry.stored && !this.submissions.has(entry.key)) return this.show(entry, { name: "unknown", why: "removed" });
      this.show(entry, { name: "sending" });
      const first = entry.posts === 0 && !byPerson;
      entry.posts += 1;
      const answer = await this.request(postPayments(entry, entry.key));
      const { kind, count } = postOutcome(answer);
      if (kind === "taken") return this.accept(entry, count);
      if (kind === "refused" && first) return this.refuse(entry, answer);
      // What is refused now may have been taken before: by an earlier request, or by one that the
      // browser itself has sent again.
      const pause = kind === "open" || (kind === "busy" && !first);
      const known = await this.learn(entry, { pause, retryAfter: answer.retryAfter });
      if (known?.kind === "taken") return this.accept(entry, known.count);
      if (!this.has(entry)) return;
      if (known.kind === "forgotten") return this.show(entry, { name: "unknown", why: known.why, answer });
      if (!pause) return this.refuse(entry, answer);
      entry.asOf = now();
    }
  }

  // Asks until the server says whether it has taken it: an outcome, or null where the entry has gone.
  async learn(entry, { pause, retryAfter }) {
    for (let wait = pause, after = retryAfter; ; wait = true) {
      if (wait) await this.pause(entry, after);
      if (!this.has(entry)) return null;
      this.show(entry, { name: "asking" });
      const answer = await this.request(askPayments(entry.key));
      const outcome = askOutcome(answer, ageOf(entry.asOf), entry.instance);
      // Who only asks goes on asking while the request may still be on its way to a broker.
      if (outcome.kind !== "open" && !(outcome.early && entry.asksOnly)) return outcome;
      after = answer.retryAfter;
    }
  }

  async askOnly(entry) {
    const known = await this.learn(entry, { pause: false, retryAfter: 0 });
    if (known?.kind === "taken") return this.accept(entry, known.count);
    if (!this.has(entry)) return;
    if (known.kind === "forgotten") return this.show(entry, { name: "unknown", why: known.why });
    if (entry.asksOnly) return this.show(entry, { name: "not-taken", answer: null });
    entry.asOf = now();
    this.deliver(entry, { byPerson: true });
  }

  pause(entry, retryAfter) {
    const seconds = Math.min(WAIT_MAX_S, Math.max(retryAfter, WAITS_S[Math.min(entry.waits, WAITS_S.length - 1)]));
    entry.waits += 1;
    this.show(entry, { name: "waiting", seconds });
    if (entry.attached && entry.waits > ATTACHED_WAITS) this.release(entry, { kind: "open" });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      entry.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // A request that takes long gets a connection of the browser that others have.
  async request(answer) {
    let rests = false;
    const slow = setTimeout(() => {
      rests = true;
      this.waiting(true);
    }, SLOW_MS);
    const came = await answer;
    clearTimeout(slow);
    if (rests) this.waiting(false);
    return came;
  }

  // ---- Outcomes

  // Noted also where a person has discarded it meanwhile.
  accept(entry, count) {
    const known = this.has(entry);
    this.sent.note(entry, "accepted");
    this.remove(entry);
    if (!known) return;
    if (entry.attached) this.release(entry, { kind: "accepted", count });
    else this.tell.accepted(entry, count);
  }

  refuse(entry, answer) {
    if (entry.attached) {
      this.remove(entry);
      return this.release(entry, { kind: "refused", answer });
    }
    return this.show(entry, entry.doubt ? { name: "unknown", why: "doubt", answer } : { name: "not-taken", answer });
  }

  remove(entry) {
    this.submissions.remove(entry.key);
    this.entries.delete(entry.key);
    entry.wake?.();
    this.tell.changed(entry);
  }

  // ---- What this tab did not submit

  async recover() {
    const others = this.submissions.all().filter(({ key }) => !this.entries.has(key));
    const owned = await Promise.all(others.map(({ key }) => this.tabs.isOwned(key)));
    others.forEach((entry, at) => {
      if (owned[at] || this.entries.has(entry.key) || !this.submissions.has(entry.key)) return;
      this.askOnly(this.take(entry, { asksOnly: true }));
    });
    if (owned.includes(true)) this.lookSoon();
  }

  lookSoon() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.recover(), OTHERS_MS);
  }
}
