// The tabs of one page in one browser: which of them looks after a submission.
//
//   const tabs = new Tabs({ name, owns: (key) => true, dropped(key) {...}, left() {...} });
//   await tabs.isOwned(key)     // whether another tab says that it looks after it
//   tabs.take(key)              // this tab does so from now on: dropped() in all others
//   left()                      // a tab was closed: what it looked after is free
//
// This only keeps a submission from being shown twice. Were it sent by two tabs, the server would
// still pay its key once; so a browser without BroadcastChannel needs none.

const REPLY_MS = 500;

export class Tabs {
  constructor({ name, owns, dropped, left }) {
    this.asked = new Map(); // key -> what is to be called once a tab owns it
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name);
    this.channel?.addEventListener("message", ({ data }) => {
      const { word, key } = data ?? {};
      if (word === "whose" && owns(key)) this.say("mine", key);
      if (word === "mine") this.asked.get(key)?.();
      if (word === "taken") dropped(key);
      if (word === "left") left();
    });
    $(window).on("pagehide", () => this.say("left"));
  }

  say(word, key = null) {
    this.channel?.postMessage({ word, key });
  }

  isOwned(key) {
    if (!this.channel) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (owned) => {
        this.asked.delete(key);
        resolve(owned);
      };
      this.asked.set(key, () => end(true));
      setTimeout(() => end(false), REPLY_MS);
      this.say("whose", key);
    });
  }

  take(key) {
    this.say("taken", key);
  }
}
