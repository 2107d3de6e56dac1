// Requests to the server about users, as promises. What cannot be answered is null or an Unreachable
// error, as each function says.

const ANSWER_MS = 10000;
const MATCHES = 50;

// The server did not answer at all: no connection, or it ended before the first byte of an answer.
export class Unreachable extends Error {}

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
