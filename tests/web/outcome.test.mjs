// What answers say about a submission, and the store of submissions: pure, so without a browser.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

// Node.js 18 takes a .js file for a module only where a package says so, and has no global crypto.
const folder = mkdtempSync(path.join(tmpdir(), "paystats-www."));
cpSync(fileURLToPath(new URL("../../www", import.meta.url)), folder, { recursive: true });
writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
globalThis.crypto ??= webcrypto;
const load = (name) => import(pathToFileURL(path.join(folder, name)));
const { askOutcome, isAboutAddress, postOutcome, problemOf } = await load("outcome.js");
const { Submissions } = await load("submissions.js");
rmSync(folder, { recursive: true });

const MINUTE = 60000;
const answer = (status, type = null, members = {}) => ({ status, body: null,
  problem: type && { type: `urn:paystats:problem:${type}`, status, ...members } });

describe("what an answer says", () => {
  test("of a POST: only the server itself says that it has taken it, or has not", () => {
    for (const [kind, given] of [
      ["taken", { status: 200, body: { accepted: 7 }, problem: null }],
      ["open", { status: 200, body: null, problem: null }],
      ["open", { status: 0, body: null, problem: null }],
      ["open", answer(502)], ["open", answer(408)], ["open", answer(503, "outcome-unknown")], ["open", answer(409, "key-under-way")],
      ["busy", answer(503, "busy")], ["busy", answer(503, "stopping")], ["busy", answer(507, "not-stored")], ["busy", answer(501, "keys-not-kept")],
      ["refused", answer(422, "invalid-payments")], ["refused", answer(422, "key-reused")], ["refused", answer(413, "too-large")], ["refused", answer(403, "foreign-origin")],
      ["busy", answer(401)], ["busy", answer(403)], ["busy", answer(404)], ["busy", answer(429)], ["busy", answer(429, "busy")],
    ]) assert.equal(postOutcome(given).kind, kind, JSON.stringify(given));
    assert.deepEqual(["foreign-origin", "misdirected", "busy"].map((type) => isAboutAddress(answer(421, type).problem)), [true, true, false]);
    assert.equal(isAboutAddress(null), false);
    assert.equal(problemOf('{"type":"about:blank"}'), null);
    assert.equal(problemOf("null"), null);
    assert.equal(problemOf(undefined), null);
  });

  test("of a question: an unknown key was not taken only within the horizon", () => {
    const unknown = (kept, complete, memorySeconds) => answer(404, "key-unknown", { horizon: { kept, complete, memorySeconds } });
    for (const [kind, given, age] of [
      ["taken", { status: 200, body: { accepted: 1 }, problem: null }, Infinity],
      ["not-taken", unknown("log", true, 60), Infinity],
      ["not-taken", unknown("log", false, 3600), 59 * MINUTE],
      ["age", unknown("log", false, 3600), 59 * MINUTE + 1],
      ["age", unknown("log", false, 3600), Infinity],
      ["age", unknown("log", false), 0],
      ["age", unknown("log", "true", 60), 2 * MINUTE],
      ["not-taken", unknown("topic", true, 60), Infinity],
      ["not-taken", unknown("topic", false, 3600), 59 * MINUTE],
      ["age", unknown("topic", false, 3600), 59 * MINUTE + 1],
      ["age", unknown("a later word", true, 3600), 0],
      ["process", unknown("process", false, 3600), 0],
      ["process", unknown("process", true, 3600), 0],
      ["no-keys", unknown("no", false, 3600), 0],
      ["no-keys", answer(404, "key-unknown"), 0], ["no-keys", answer(404, "not-found"), 0], ["no-keys", answer(501, "keys-not-kept"), 0],
      ["open", answer(404), 0], ["open", answer(503, "busy"), 0], ["open", answer(409, "key-under-way"), 0], ["open", answer(0), 0],
    ]) {
      const outcome = askOutcome(given, age);
      assert.equal(outcome.kind === "forgotten" ? outcome.why : outcome.kind, kind, `${JSON.stringify(given)} at ${age}`);
    }
    // A request may reach its topic later than the question.
    const early = (kept, age) => askOutcome(answer(404, "key-unknown", { horizon: { kept, complete: false, memorySeconds: 3600 } }), age).early ?? false;
    assert.deepEqual([early("topic", 5 * MINUTE - 1), early("topic", 5 * MINUTE), early("log", 0)], [true, false, false]);
    for (const kept of ["log", "topic"]) {
      const another = answer(404, "key-unknown", { horizon: { kept, complete: true, memorySeconds: 60, instance: "b" } });
      assert.equal(askOutcome(another, 0, "b").kind, "not-taken");
      assert.deepEqual(askOutcome(another, 0, "a"), { kind: "forgotten", why: "instance" }, `another ${kept} is there now`);
    }
    const process = answer(404, "key-unknown", { horizon: { kept: "process", complete: false, memorySeconds: 3600, instance: "b" } });
    for (const [kind, age, instance] of [["not-taken", 59 * MINUTE, "b"], ["age", 59 * MINUTE + 1, "b"], ["process", 0, "a"], ["process", 0, ""]]) {
      const outcome = askOutcome(process, age, instance);
      assert.equal(outcome.why ?? outcome.kind, kind, `of ${instance} at ${age}`);
    }
  });
});

class MemoryStorage {
  constructor() { this.items = new Map(); }
  get length() { return this.items.size; }
  key(at) { return [...this.items.keys()][at] ?? null; }
  getItem(name) { return this.items.get(name) ?? null; }
  setItem(name, text) { this.items.set(name, text); }
  removeItem(name) { this.items.delete(name); }
}
const batch = { user: "edgar", paymentAmt: "12.50", volume: "7" };

describe("the store of submissions", () => {
  test("each submission is an item with a key of its own, also the same one twice", () => {
    const storage = new MemoryStorage();
    const submissions = new Submissions({ storage: () => storage, base: "/" });
    const [first, second] = [submissions.add(batch), submissions.add(batch)];
    assert.match(first.key, /^[0-9a-f]{32}$/);
    assert.notEqual(first.key, second.key);
    assert.equal(storage.length, 2);
    submissions.remove(first.key);
    assert.deepEqual(new Submissions({ storage: () => storage, base: "/" }).all(), [second]);
    assert.deepEqual([submissions.has(first.key), submissions.has(second.key)], [false, true]);
  });

  test("servers under other paths of the host have their own", () => {
    const storage = new MemoryStorage();
    const bases = ["/", "/a/", "/:a/", "/.a/", "/a/b/", "/A/", "/a%3A/"];
    for (const base of bases) new Submissions({ storage: () => storage, base }).add({ ...batch, user: base });
    for (const base of bases) {
      assert.deepEqual(new Submissions({ storage: () => storage, base }).all().map(({ user }) => user), [base]);
    }
    assert.equal(storage.length, bases.length);
  });

  test("what cannot be read is removed, and only that", () => {
    const storage = new MemoryStorage();
    const submissions = new Submissions({ storage: () => storage, base: "/" });
    const { key } = submissions.add(batch);
    const good = storage.getItem(storage.key(0));
    for (const [name, text] of [["a".repeat(32), "{"], ["b".repeat(32), "null"], ["c".repeat(32), '{"at":1e20}'], ["__proto__", good], ["A".repeat(32), good]]) {
      storage.setItem(submissions.prefix + name, text);
    }
    storage.setItem("paystats-sent", "[]");
    assert.deepEqual(submissions.all().map((entry) => entry.key), [key]);
    assert.equal(storage.length, 2);
  });

  test("a storage that is full, or that may not be named, leaves them in memory", () => {
    const full = new MemoryStorage();
    full.setItem = () => { throw new Error("full"); };
    const refuse = () => { throw new Error("no"); };
    for (const storage of [() => full, refuse]) {
      const submissions = new Submissions({ storage, base: "/" });
      const { key, stored } = submissions.add(batch);
      assert.equal(stored, false);
      assert.deepEqual(submissions.all().map((entry) => entry.key), [key]);
      submissions.remove(key);
      assert.deepEqual(submissions.all(), []);
    }
  });
});
