// Keeps an answer of the server up to date: by a stream of events, by asking every so often, or
// only when told to. Says what it learned through two callbacks:
//
//   stats(body)       an answer, never older than the one before it
//   state(kind)       "connecting", "live", "every", "off", "catching-up", "away" or "lost";
//                     that of an answer comes after it
//
// A hidden page keeps no stream: a browser grants one server six connections for all its tabs.

const RETRY_MS = [250, 500, 1000, 2000, 5000];
// With nothing heard for so long the stream may be dead without knowing it, so it is asked aloud.
const SILENCE_MS = 15000;
// While the pipeline catches up with its log: until it has, every mode asks again.
const CATCHING_UP_MS = 1000;
const ANSWER_MS = 10000;

export class Feed {
  constructor({ stats, state }) {
    this.tell = { stats, state };
    this.mode = "live";
    this.seconds = 5;
    this.query = { limit: 10, offset: 0, q: "" };
    this.asked = 0; // the number of the query that answers are wanted for
    this.failures = 0;
    this.seen = null; // instance and version of the newest answer
    this.ready = true; // whether that answer had all that the log has
    this.timer = null;
    this.stream = null;
    this.request = null;
    document.addEventListener("visibilitychange", () => this.restart());
  }

  // What to show (limit, offset, q) and how: the feed begins anew.
  show(query) {
    this.query = query;
    this.asked += 1;
    this.seen = null;
    this.restart();
  }

  setMode(mode, seconds) {
    this.mode = mode;
    this.seconds = seconds;
    this.restart();
  }

  restart() {
    clearTimeout(this.timer);
    if (this.stream) this.stream.close();
    this.stream = null;
    if (document.hidden) return;
    if (this.mode === "live") this.listen();
    else this.refresh();
  }

  // Asks once, in every mode.
  refresh({ probing = false } = {}) {
    const asked = this.asked;
    if (this.request) this.request.abort();
    this.request = $.ajax({ url: "api/stats", data: this.parameters(), dataType: "json", timeout: ANSWER_MS })
      .done((body) => {
        const news = this.take(body, asked);
        // The stream should have told it first: it is dead.
        if (probing && news) this.restart();
      })
      .fail((xhr, why) => {
        if (why === "abort" || asked !== this.asked) return;
        this.tell.state(xhr.status === 503 ? "away" : "lost");
        if (this.mode === "live" && xhr.status !== 503) this.retry();
      })
      .always((_, why) => {
        if (why === "abort") return;
        this.request = null;
        if (this.mode === "every") this.after(this.seconds * 1000, () => this.refresh());
        if (this.mode === "off" && !this.ready) this.after(CATCHING_UP_MS, () => this.refresh());
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
    stream.addEventListener("stats", (event) => {
      this.failures = 0;
      this.take(JSON.parse(event.data), asked);
      this.expect();
    });
    stream.addEventListener("away", () => {
      this.failures = 0;
      this.tell.state("away");
      this.expect();
    });
    // The browser would try again by itself in some cases and not in others: this tries in all.
    stream.addEventListener("error", () => {
      if (stream !== this.stream) return;
      this.tell.state("lost");
      this.retry();
    });
    this.after(SILENCE_MS, () => this.retry());
  }

  // The stream is expected to say something; where it does not, it is asked aloud.
  expect() {
    this.after(this.ready ? SILENCE_MS : CATCHING_UP_MS, () => {
      this.refresh({ probing: true });
      this.expect();
    });
  }

  retry() {
    if (this.stream) this.stream.close();
    this.stream = null;
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.after(wait, () => this.restart());
  }

  after(milliseconds, action) {
    clearTimeout(this.timer);
    this.timer = setTimeout(action, milliseconds);
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
    this.tell.state(body.ready ? this.mode : "catching-up");
    return !overtaken && body.version !== seen;
  }
}
