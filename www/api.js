// Requests to the server, as promises. About users: what cannot be answered is null or an Unreachable
// error, as each function says. About payments: whatever came, also where nothing did.

import { isAboutAddress, problemOf } from "./outcome.js";

const ANSWER_MS = 10000;
const PAYMENTS_MS = 30000;
const MATCHES = 50;

// The server did not answer at all: no connection, or it ended before the first byte of an answer.
export class Unreachable extends Error {}

// The server answered that it takes nothing from this page: `answer` says why.
export class Refused extends Error {
  constructor(answer) {
    super(answer.problem.detail);
    this.answer = answer;
  }
}

function get(url, data, timeout) {
  // Half of a surrogate pair stands in no address, and no user has it in his name.
  if (/\p{Surrogate}/u.test(url + (data.q ?? ""))) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    $.ajax({ url, data, dataType: "json", timeout })
      .done(resolve)
      .fail((xhr, why) => {
        if (xhr.status === 0 && why !== "timeout") reject(new Unreachable(url));
        else resolve(xhr.status === 404 ? { stats: [] } : null);
      });
  });
}

// The users whose name begins with `q`, largest sum first: a body as of GET api/stats, or null.
export const search = (q, limit = MATCHES, timeout = ANSWER_MS) => get("api/stats", { limit, q }, timeout);

// What one user has: {body, row}, row null where there is none of that name; or null where the
// server cannot say (the cache is away, the answer too late). Throws Unreachable.
//
// A search answers first: it has no answer 404, which browsers report as an error, and takes every
// name ("." and ".." cannot stand in an address). Only with many longer names of larger sums the
// name itself is asked for.
export async function userStats(user, timeout = ANSWER_MS) {
  const found = await search(user, MATCHES, timeout);
  if (found === null) return null;
  const row = found.stats.find((each) => each.user === user);
  if (row || found.matches <= found.stats.length) return { body: found, row: row ?? null };
  const one = await get(`api/stats/${encodeURIComponent(user)}`, {}, timeout);
  return one === null ? null : { body: one.users === undefined ? found : one, row: one.stats[0] ?? null };
}

// {status, statusText, body, problem, retryAfter}: status 0 where no answer came, body null where
// there is no JSON in it, problem null where it is not one of the server's own.
function answerTo(request) {
  const answerOf = (xhr, body) => ({ status: xhr.status, statusText: xhr.statusText, body, problem: problemOf(xhr.responseText),
    retryAfter: Number.parseInt(xhr.getResponseHeader("Retry-After"), 10) || 0 });
  return new Promise((resolve) => {
    $.ajax({ dataType: "json", ...request })
      .done((body, _, xhr) => resolve(answerOf(xhr, body)))
      .fail((xhr) => resolve(answerOf(xhr, null)));
  });
}

// Posts a batch, with an idempotency key or without.
export function postPayments({ user, paymentAmt, volume }, key = null) {
  return answerTo({ method: "POST", url: "api/payments", contentType: "application/json", timeout: PAYMENTS_MS,
    headers: key === null ? {} : { "Idempotency-Key": `"${key}"` }, data: JSON.stringify({ user, paymentAmt, volume }) });
}

// Whether payments were taken for a key.
export const askPayments = (key) => answerTo({ url: `api/payments/${encodeURIComponent(key)}`, timeout: ANSWER_MS });

// What the server makes of keys: {kept, instance}, where `kept` is "no" (also where it is too old to
// say), "process", "log" or "topic", and `instance` says which of them that is. Throws Refused, and
// Unreachable, also where only a proxy has answered, be it with 404.
export async function keysKept() {
  const answer = await answerTo({ url: "api/idempotency", timeout: ANSWER_MS });
  const { status, body, problem } = answer;
  if (isAboutAddress(problem)) throw new Refused(answer);
  // A proxy that does not let this address through must not have payments sent without a key.
  if (status === 404 && problem) return { kept: "no", instance: "" };
  if (!["no", "process", "log", "topic"].includes(body?.kept)) throw new Unreachable("api/idempotency");
  return { kept: body.kept, instance: String(body.instance ?? "") };
}
