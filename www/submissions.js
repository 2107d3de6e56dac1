// Submissions whose outcome is not certain yet, each with its idempotency key, kept in the browser's
// local storage: one item each, so that tabs do not overwrite those of others.
//
//   const submissions = new Submissions();
//   const entry = submissions.add({ user: "edgar", paymentAmt: "12.50", volume: "7" });
//   submissions.all();   // [{key, at, user, paymentAmt, volume, stored}], the oldest first
//   submissions.remove(entry.key);
//
// An entry is written before its request leaves. A key belongs to what was submitted, once: the same
// payments submitted a second time are another entry. Where the browser keeps nothing, or has no
// room, an entry lives as long as the page, and is not `stored`. What cannot be read is removed.
// Servers under several paths of one host share its storage, so the names have the path in them.

import { isEntry } from "./sent.js";

const KEY = /^[0-9a-f]{32}$/;
const KEY_BYTES = 16;

// crypto.randomUUID is not there on a page that came over plain HTTP; this is.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parsed(key, text) {
  try {
    const entry = JSON.parse(text);
    if (!KEY.test(key) || !isEntry(entry)) return null;
    const { at, user, paymentAmt, volume, instance } = entry;
    return { key, at, user, paymentAmt, volume, instance: typeof instance === "string" ? instance : "", stored: true };
  } catch {
    return null;
  }
}

export class Submissions {
  // `storage` is a function, since a browser may refuse even to name it.
  constructor({ storage = () => localStorage, base = new URL(".", document.baseURI).pathname } = {}) {
    this.storage = storage;
    this.prefix = `paystats.sent:${encodeURIComponent(base)}:`;
    this.own = new Map(); // by key: entries that the browser does not keep
  }

  names(storage) {
    const all = Array.from({ length: storage.length }, (_, at) => storage.key(at));
    return all.filter((name) => name?.startsWith(this.prefix));
  }

  all() {
    const found = new Map(this.own);
    try {
      const storage = this.storage();
      for (const name of this.names(storage)) {
        const key = name.slice(this.prefix.length);
        const entry = parsed(key, storage.getItem(name));
        if (entry) found.set(key, entry);
        else storage.removeItem(name);
      }
    } catch { /* a browser that keeps nothing */ }
    return [...found.values()].sort((a, b) => a.at - b.at);
  }

  // `instance`: whose memory of keys it is sent to, as the server says.
  add({ user, paymentAmt, volume }, instance = "") {
    const entry = { key: newKey(), at: Date.now(), user, paymentAmt, volume, instance };
    return { ...entry, stored: this.keep(entry) };
  }

  // Whether the browser keeps it.
  keep({ key, at, user, paymentAmt, volume, instance }) {
    try {
      this.storage().setItem(this.prefix + key, JSON.stringify({ at, user, paymentAmt, volume, instance }));
      return true;
    } catch {
      this.own.set(key, { key, at, user, paymentAmt, volume, instance, stored: false });
      return false;
    }
  }

  has(key) {
    return this.all().some((entry) => entry.key === key);
  }

  remove(key) {
    this.own.delete(key);
    try {
      this.storage().removeItem(this.prefix + key);
    } catch { /* as above */ }
  }
}
