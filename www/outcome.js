// What an answer says about a submission: whether its payments were taken. Pure.
//
//   postOutcome(answer)      of a POST:          taken {count}, refused, busy, open
//   askOutcome(answer, age, instance)  of a GET of a key:  taken {count}, not-taken {early}, forgotten {why}, open
//
// Only the server itself settles anything: its 200, or a problem document of its own. Other answers of
// 400 and more, and pages in place of an answer, come from a proxy, and say nothing about the server
// behind it. `open` is all that settles nothing.

const OWN_PROBLEM = "urn:paystats:problem:";

// A key is asked for and then sent again; both take their time, and the server may forget meanwhile.
const MARGIN_MS = 60000;

// So long a request may be on its way to a broker that a server could not reach, after its outcome was
// said to be unknown. To send the same request again is safe all the same.
const ON_ITS_WAY_MS = 300000;

// The problem document of the server itself, or null: a proxy may answer with one of its own.
export function problemOf(text) {
  try {
    const problem = JSON.parse(text);
    return String(problem?.type).startsWith(OWN_PROBLEM) ? problem : null;
  } catch {
    return null;
  }
}

const isProblem = (problem, ...names) => names.some((name) => problem?.type === OWN_PROBLEM + name);
const taken = ({ status, body }) => (status === 200 && Number.isInteger(body?.accepted) ? { kind: "taken", count: body.accepted } : null);

// Whether the server does not take requests from the address that the page has: see notice.js.
export const isAboutAddress = (problem) => isProblem(problem, "foreign-origin", "misdirected");

// `refused` is about the request itself, `busy` about the server, or a proxy, at this moment: nothing was
// taken of this request, as far as the one who answers knows.
export function postOutcome(answer) {
  const { status, problem } = answer;
  const whole = taken(answer);
  if (whole) return whole;
  if (isProblem(problem, "outcome-unknown", "key-under-way")) return { kind: "open" };
  // Of the site in deploy/nginx, in the words of the server: too many requests.
  if (problem) return { kind: status >= 500 || status === 429 ? "busy" : "refused" };
  return { kind: status >= 400 && status < 500 && status !== 408 ? "busy" : "open" };
}

// Why a key that is not known to the server may have been used all the same; null where it certainly
// was not: the memory that it was sent to (`instance`) is the one that was asked, and has forgotten no
// key, or none that is so young. `age` in milliseconds, Infinity where it cannot be told.
function doubtOf({ kept, complete, memorySeconds, instance: now }, age, instance) {
  if (kept === "process" && (!instance || instance !== now)) return "process";
  if (instance && instance !== now) return "instance";
  if (!["process", "log", "topic"].includes(kept)) return "age";
  return complete === true || age + MARGIN_MS <= Number(memorySeconds) * 1000 ? null : "age";
}

// `why` is "age", "process", "instance" or "no-keys".
export function askOutcome(answer, age, instance = "") {
  const { status, problem } = answer;
  const whole = taken(answer);
  if (whole) return whole;
  const horizon = problem?.horizon;
  if (isProblem(problem, "key-unknown") && horizon && horizon.kept !== "no") {
    const why = doubtOf(horizon, age, instance);
    if (why) return { kind: "forgotten", why };
    return horizon.kept === "topic" && age < ON_ITS_WAY_MS ? { kind: "not-taken", early: true } : { kind: "not-taken" };
  }
  // Of the server itself, but it knows no keys: an older one, or one with another output.
  if (problem && (status === 404 || status === 405 || status === 501)) return { kind: "forgotten", why: "no-keys" };
  return { kind: "open" };
}
