// The notice between the totals and the form: the server does not take requests of this page, since it
// does not know the address that the page has, as behind a proxy. What to set there, the server itself says.
//
//   const notice = new Notice();
//   notice.judge("list", problem);   // of an answer's problem, null where it has none: shown, or no more

import { say } from "./head.js";
import { isAboutAddress } from "./outcome.js";

export class Notice {
  constructor() {
    this.problems = new Map(); // by who has asked: "list" and "form"
  }

  judge(who, problem) {
    if (isAboutAddress(problem)) this.problems.set(who, problem);
    else this.problems.delete(who);
    const words = [...this.problems.values()].at(-1)?.detail ?? "";
    say("#notice p", words);
    $("#notice").prop("hidden", words === "");
  }
}
