// Who is meant: while a user is typed, the users that exist, and those whose names differ from the
// typed one only by what is easily overlooked.
//
//   const known = new Known({ elsewhere: () => names, tell(answer) {...} });
//   known.look("edgar");   // tell({ typed, row, sure, names, alike }), later and once
//
//   row     what the typed user has, or null; `sure` whether the server could say
//   names   users that exist and begin so, for a list of suggestions
//   alike   [{user, by}], by one of "case", "spaces", "accents", or several
//
// The server searches by the first bytes of a name. So each other way to write the whole name is
// asked for, and names in mixed case are looked for among those of the same first letter, of
// which the 1,000 of the largest sums are fetched once a minute.

import { search, userStats } from "./api.js";

const PAUSE_MS = 150;
const ASK_MS = 3000;
const SUGGESTIONS = 8;
const LETTER_ROWS = 1000;
const LETTER_MS = 60000;

const fold = (name) => name.normalize("NFC").trim().toLowerCase();
const capitalised = (name) => name.toLowerCase().replace(/(^|[^\p{L}\p{M}])(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase());

// By what two names differ that are the same but for case, spaces around them and the form of
// accents: [] where they are equal, null where they differ in more.
export function differences(a, b) {
  if (fold(a) !== fold(b)) return null;
  const differ = [];
  const [atA, atB] = [a.normalize("NFC"), b.normalize("NFC")];
  if (atA.replace(atA.trim(), "|") !== atB.replace(atB.trim(), "|")) differ.push("spaces");
  if (atA.trim() !== atB.trim()) differ.push("case");
  if (a.trim() !== atA.trim() || b.trim() !== atB.trim()) differ.push("accents");
  return a === b ? [] : differ;
}

// Other ways to write a name that a person may have used before.
export function variants(name) {
  const base = name.trim();
  const written = [base, base.toLowerCase(), base.toUpperCase(), capitalised(base)];
  const all = written.flatMap((each) => [each.normalize("NFC"), each.normalize("NFD")]);
  return [...new Set([...all, ` ${base}`, `${base} `])].filter((each) => each !== name && each.trim() !== "");
}

export class Known {
  constructor({ elsewhere, tell = () => {} }) {
    this.elsewhere = elsewhere;
    this.tell = tell;
    this.timer = null;
    this.letters = new Map(); // a first letter -> {at, names: a promise}
    this.looked = 0;
  }

  look(typed) {
    clearTimeout(this.timer);
    this.looked += 1;
    if (typed.trim() === "") return void this.tell({ typed, row: null, sure: false, names: [], alike: [] });
    const number = this.looked;
    this.timer = setTimeout(async () => {
      const answer = await this.answer(typed).catch(() => null); // unreachable: nothing can be said
      if (answer && number === this.looked) this.tell(answer);
    }, PAUSE_MS);
  }

  async answer(typed) {
    const namesOf = (q, limit) => search(q, limit, ASK_MS).then((body) => body?.stats.map((row) => row.user) ?? []);
    const [first] = typed.trim();
    const exact = (name) => userStats(name, ASK_MS).then((answer) => (answer?.row ? [name] : []));
    const [own, beginning, ...others] = await Promise.all([
      userStats(typed, ASK_MS),
      namesOf(typed, SUGGESTIONS),
      ...variants(typed).map(exact),
      ...new Set([first.toLowerCase(), first.toUpperCase()].map((letter) => this.ofLetter(letter, namesOf))),
    ]);
    const all = new Set([...beginning, ...others.flat(), ...this.elsewhere()]);
    const alike = [...all].map((user) => ({ user, by: differences(typed, user) })).filter(({ by }) => by?.length > 0);
    const names = [...new Set([...alike.map(({ user }) => user), ...beginning])].slice(0, SUGGESTIONS);
    return { typed, row: own?.row ?? null, sure: own?.body.ready ?? false, names, alike };
  }

  ofLetter(letter, namesOf) {
    const kept = this.letters.get(letter);
    if (kept && Date.now() - kept.at < LETTER_MS) return kept.names;
    const names = namesOf(letter, LETTER_ROWS);
    this.letters.set(letter, { at: Date.now(), names });
    // What the server could not say is asked again the next time.
    const forget = () => this.letters.delete(letter);
    names.then((found) => found.length > 0 || forget(), forget);
    return names;
  }
}
