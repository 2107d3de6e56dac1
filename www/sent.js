// What was sent from this browser, kept in its local storage: the newest first.
//
//   const sent = new Sent();
//   const id = sent.add({ user: "edgar", paymentAmt: "12.50", volume: "7" });   // outcome "unknown"
//   sent.settle(id, "accepted");                                               // or: sent.remove(id)
//   sent.note({ key, at, user, paymentAmt, volume }, "accepted");              // a submission with a key
//
// An entry without a key is written before the request leaves, so that a page that is closed
// meanwhile, or an answer that never comes, leaves it behind with an unknown outcome. One with a key
// is a submission until its outcome is certain (submissions.js), and is noted here then. Where the
// browser keeps nothing, or has no room, the list lives as long as the page.

const NAME = "paystats-sent";
const ENTRIES_MAX = 100;
const FIELDS = ["user", "paymentAmt", "volume"];

// The last millisecond that a Date can hold.
const AT_MAX = 8.64e15;

export const isEntry = (entry) => FIELDS.every((field) => typeof entry?.[field] === "string") && Math.abs(entry.at) <= AT_MAX;

export class Sent {
  constructor() {
    this.changed = () => {};
    this.own = null; // the entries, where the browser does not keep them
    // Another tab has sent something.
    $(window).on("storage", (event) => {
      if (event.originalEvent.key === NAME) this.changed();
    });
  }

  // [{id, at, user, paymentAmt, volume, outcome}], `at` in milliseconds of the epoch.
  entries() {
    if (this.own) return this.own;
    try {
      const kept = JSON.parse(localStorage.getItem(NAME)) ?? [];
      return Array.isArray(kept) ? kept.filter(isEntry) : [];
    } catch {
      return [];
    }
  }

  add(batch) {
    const id = `${Date.now()}-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    const { user, paymentAmt, volume } = batch;
    this.write([{ id, at: Date.now(), user, paymentAmt, volume, outcome: "unknown" }, ...this.entries()]);
    return id;
  }

  // Once, however often: a page may end between this and the removal of the submission.
  note({ key, at, user, paymentAmt, volume }, outcome) {
    const others = this.entries().filter(({ id }) => id !== key);
    this.write([{ id: key, at, user, paymentAmt, volume, outcome }, ...others]);
  }

  settle(id, outcome) {
    this.write(this.entries().map((entry) => (entry.id === id ? { ...entry, outcome } : entry)));
  }

  remove(id) {
    this.write(this.entries().filter((entry) => entry.id !== id));
  }

  write(entries) {
    const kept = entries.slice(0, ENTRIES_MAX);
    try {
      localStorage.setItem(NAME, JSON.stringify(kept));
      this.own = null;
    } catch {
      this.own = kept;
    }
    this.changed();
  }
}
