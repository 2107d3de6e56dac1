// What an answer says about a submission: whether its payments were taken. Pure.
//
//   postOutcome(answer)      of a POST:          taken {count}, refused, busy, open
//   askOutcome(answer, age, instance)  of a GET of a key:  taken {count}, not-taken, forgotten {why}, open
//
// Only the server itself settles anything: its 200, or a problem document of its own. Other answers of
// 500 and more, and pages in place of an answer, come from a proxy, and say nothing about the server
// behind it. `open` is all that settles nothing.

const OWN_PROBLEM = "urn:paystats:problem:";

// A key is asked for and then sent again; both take their time, and the server may forget meanwhile.
const MARGIN_MS = 60000;

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

// `refused` is about the request itself, `busy` about the server at this moment.
export function postOutcome(answer) {
  const { status, problem } = answer;
  const whole = taken(answer);
  if (whole) return whole;
  if (isProblem(problem, "outcome-unknown", "key-under-way")) return { kind: "open" };
  if (problem && status >= 500) return { kind: "busy" };
  if (problem || (status >= 400 && status < 500 && status !== 408)) return { kind: "refused" };
  return { kind: "open" };
}

// Whether a key that is not known to the server was not used, either: it forgets none, or none that
// is so young. `age` in milliseconds, Infinity where it cannot be told. Keys of a process end with
// it. `instance` is that of the memory it was sent to: another log, or other topics, know nothing of it.
function isCertain({ kept, complete, memorySeconds, instance: now }, age, instance) {
  if ((kept !== "log" && kept !== "topic") || (instance && instance !== now)) return false;
  return complete === true || age + MARGIN_MS <= Number(memorySeconds) * 1000;
}

// `why` is "age", "process" or "no-keys".
export function askOutcome(answer, age, instance = "") {
  const { status, problem } = answer;
  const whole = taken(answer);
  if (whole) return whole;
  const horizon = problem?.horizon;
  if (isProblem(problem, "key-unknown") && horizon && horizon.kept !== "no") {
    if (isCertain(horizon, age, instance)) return { kind: "not-taken" };
    return { kind: "forgotten", why: horizon.kept === "process" ? "process" : "age" };
  }
  // Of the server itself, but it knows no keys: an older one, or one with another output.
  if (problem && (status === 404 || status === 405 || status === 501)) return { kind: "forgotten", why: "no-keys" };
  return { kind: "open" };
}
