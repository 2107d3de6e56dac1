// Where the answers come from: the live stream, or one question after the other where the stream
// cannot be had (a proxy that holds it back, a browser without free connections), or, when paused,
// only when asked.
//
//   const feed = new Feed({ stats(body) {...}, state(kind) {...} });
//   feed.setLive(true);
//   feed.show({ limit: 100, offset: 0, q: "" });
//
//   stats(body)   a newer answer of the server: {instance, version, ready, users, sum, count, ...}
//   state(kind, problem)   "live", "paused", "catching-up", "away", "lost", or "refused" with the server's
//                          problem; that of an answer comes after it
//
// A hidden page keeps no stream: a browser grants one server six connections for all its tabs.

import { isAboutAddress, problemOf } from "./outcome.js";

const RETRY_MS = [250, 500, 1000, 2000, 5000, 15000];
// While the stream says nothing, the server is asked this often.
const POLL_MS = 1000;
// A stream answers at once: one that has not said anything by then is held back somewhere.
const FIRST_WORD_MS = 3000;
// With nothing heard for so long the stream may be dead without knowing it, so it is asked aloud.
const SILENCE_MS = 15000;
// While the pipeline catches up with its log: until it has, the page asks again.
const CATCHING_UP_MS = 1000;
const ANSWER_MS = 10000;

export class Feed {
  constructor({ stats, state }) {
    this.tell = { stats, state };
    this.live = true;
    this.query = { limit: 100, offset: 0, q: "" };
    this.asked = 0; // the number of the query that answers are wanted for
    this.failures = 0;
    this.resting = false; // it makes room for another request
    this.seen = null; // instance and version of the newest answer
    this.ready = true; // whether that answer had all that the log has
    this.timers = {}; // by name: watch, retry, poll
    this.stream = null;
    this.spoken = false; // whether the stream has said anything
    this.request = null;
    document.addEventListener("visibilitychange", () => this.restart());
  }

  // What to show (limit, offset, q): the feed begins anew.
  show(query) {
    this.query = query;
    this.asked += 1;
    this.seen = null;
    this.restart();
  }

  // Leaves the connections of the browser to another request, or takes its own again.
  rest(resting) {
    if (this.resting === resting) return;
    this.resting = resting;
    this.restart();
  }

  setLive(live) {
    this.live = live;
    this.failures = 0;
    this.restart();
  }

  restart() {
    Object.values(this.timers).forEach(clearTimeout);
    this.timers = {};
    this.closeStream();
    if (document.hidden || this.resting) return;
    if (this.live) this.listen();
    else this.refresh();
  }

  // Asks once, live or paused.
  refresh({ probing = false } = {}) {
    const asked = this.asked;
    if (this.request) this.request.abort();
    this.request = $.ajax({ url: "api/stats", data: this.parameters(), dataType: "json", timeout: ANSWER_MS })
      .done((body) => {
        const news = this.take(body, asked);
        // The stream should have told it first: it is dead or held back.
        if (probing && news) this.withoutStream();
      })
      .fail((xhr, why) => {
        if (why === "abort" || asked !== this.asked) return;
        const problem = problemOf(xhr.responseText);
        if (isAboutAddress(problem)) this.tell.state("refused", problem);
        else this.tell.state(xhr.status === 503 ? "away" : "lost");
        if (this.live && this.spoken && xhr.status !== 503) this.withoutStream();
      })
      .always((_, why) => {
        if (why === "abort") return;
        this.request = null;
        if (document.hidden || this.resting) return;
        if (this.live && !this.spoken) this.after("poll", POLL_MS, () => this.refresh());
        if (!this.live && !this.ready) this.after("poll", CATCHING_UP_MS, () => this.refresh());
      });
  }

  parameters() {
    const { limit, offset, q } = this.query;
    return q ? { limit, offset, q } : { limit, offset };
  }

  listen() {
    const asked = this.asked;
    const stream = new EventSource(`api/stream?${$.param(this.parameters())}`);
    this.stream = stream;
    const heard = () => {
      this.failures = 0;
      this.spoken = true;
      clearTimeout(this.timers.poll);
      this.after("watch", this.ready ? SILENCE_MS : CATCHING_UP_MS, () => this.probe());
    };
    stream.addEventListener("stats", (event) => {
      this.take(JSON.parse(event.data), asked);
      heard();
    });
    stream.addEventListener("away", () => {
      this.tell.state("away");
      heard();
    });
    // The browser would try again by itself in some cases and not in others: this tries in all.
    stream.addEventListener("error", () => {
      if (stream === this.stream) this.withoutStream();
    });
    this.after("watch", FIRST_WORD_MS, () => this.withoutStream());
  }

  // The stream is expected to say something; where it does not, the server is asked aloud.
  probe() {
    this.refresh({ probing: true });
    this.after("watch", this.ready ? SILENCE_MS : CATCHING_UP_MS, () => this.probe());
  }

  // No stream for now: it is tried again, more and more seldom, and until then the server is asked.
  withoutStream() {
    this.closeStream();
    clearTimeout(this.timers.watch);
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.after("retry", wait, () => this.listen());
    this.after("poll", 0, () => this.refresh());
  }

  closeStream() {
    if (this.stream) this.stream.close();
    this.stream = null;
    this.spoken = false;
  }

  after(name, milliseconds, action) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(action, milliseconds);
  }

  // An answer to an earlier question, or one that was overtaken on its way, is dropped. Whether
  // there was something new in it.
  take(body, asked) {
    if (asked !== this.asked) return false;
    this.ready = body.ready;
    const seen = this.seen?.instance === body.instance ? this.seen.version : null;
    const overtaken = seen !== null && body.version < seen;
    if (!overtaken) {
      this.seen = { instance: body.instance, version: body.version };
      this.tell.stats(body);
    }
    const kind = this.live ? "live" : "paused";
    this.tell.state(body.ready ? kind : "catching-up");
    return !overtaken && body.version !== seen;
  }
}
