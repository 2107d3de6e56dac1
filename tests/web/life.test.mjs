// The page while processes of the pipeline end and come back.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";

describe("the life of the pipeline", () => {
  let browser;
  before(async () => { browser = await startBrowser(); });
  after(() => browser.close());

  const recordStates = (view) => view.page.evaluate(() => {
    window.states = [];
    new MutationObserver(() => window.states.push(document.querySelector("#state").textContent))
      .observe(document.querySelector("#state"), { childList: true });
  });
  const sawState = (view, pattern) => eventually(`the state was ${pattern}`, async () => {
    const states = await view.page.evaluate(() => window.states);
    return states.some((words) => pattern.test(words)) || states;
  });

  for (const victim of ["payagg", "paystats-cache"]) {
    test(`${victim} killed: the page says so, and comes back by itself to the same totals`, async () => {
      const pipeline = await Pipeline.start();
      const view = await openPage(browser, pipeline.url);
      await view.submit("edgar", "12.50", "7");
      await becomes("the sum", () => view.sumOf("edgar"), "87.50");
      await recordStates(view);
      pipeline.kill(victim);
      await sawState(view, /^Cache away, stale since \d\d:\d\d:\d\d$/);
      await becomes("the state", view.state, "Live");
      await becomes("the sum", () => view.sumOf("edgar"), "87.50");
      await view.submit("edgar", "0.01");
      await becomes("the sum", () => view.sumOf("edgar"), "87.51");
      await view.close();
      await pipeline.stop();
    });
  }

  test("paystats-cache frozen: the page says so although nothing has ended, and goes on when it does", async () => {
    const pipeline = await Pipeline.start();
    const view = await openPage(browser, pipeline.url);
    await view.submit("edgar", "12.50", "7");
    await becomes("the sum", () => view.sumOf("edgar"), "87.50");
    pipeline.kill("paystats-cache", "SIGSTOP");
    await eventually("the page says so", async () => /^Cache away, stale since \d\d:\d\d:\d\d$/.test(await view.state()) || view.state());
    assert.equal(await view.page.locator("body.stale").count(), 1);
    assert.equal(await view.sumOf("edgar"), "87.50");
    pipeline.kill("paystats-cache", "SIGCONT");
    await becomes("the state", view.state, "Live");
    assert.equal(await view.page.locator("body.stale").count(), 0);
    await view.submit("edgar", "0.01");
    await becomes("the sum", () => view.sumOf("edgar"), "87.51");
    await view.close();
    await pipeline.stop();
  });

  // A cache that has begun anew on a large log, for as long as a test likes.
  const catchUp = async (page) => {
    const body = JSON.stringify({ instance: "ffffffffffffffff", version: 1, ready: false, offset: 200, users: 7,
      sum: "7.00", count: 7, matches: 0, stats: [] });
    await page.route("**/api/stats**", (route) => route.fulfill({ contentType: "application/json", body }));
    return () => page.unroute("**/api/stats**");
  };
  const many = Array.from({ length: 260 }, (_, i) => ({ user: `user${i + 1}`, paymentAmt: String(1000 - i), volume: "1" }));
  const hashOf = (view) => new URL(view.page.url()).hash;

  test("while the pipeline catches up the page keeps its place and what it shows, as stale", async (t) => {
    const pipeline = await Pipeline.start();
    t.after(() => pipeline.stop());
    await pipeline.post(...many);
    await becomes("the users", async () => (await pipeline.stats()).users, 260);
    const view = await openPage(browser, pipeline.url, { hash: "#page=3" });
    await becomes("the position", () => view.text("#position"), "201–260 of 260");
    await view.page.click("#live");
    await becomes("the state", view.state, "Paused");
    const shown = () => Promise.all(["#list", "#total-sum", "#total-users", "#position"].map(view.text));
    const before = await shown();
    const caughtUp = await catchUp(view.page);
    await view.page.click("#refresh");
    await eventually("the page says so", async () => /^Catching up, stale since \d\d:\d\d:\d\d$/.test(await view.state()) || view.state());
    assert.deepEqual(await shown(), before);
    assert.equal(hashOf(view), "#page=3");
    assert.equal(await view.page.locator("body.stale").count(), 1);
    await caughtUp();
    await becomes("the state", view.state, "Paused");
    assert.deepEqual(await shown(), before);
    assert.equal(hashOf(view), "#page=3");
    assert.equal(await view.page.locator("body.stale").count(), 0);
    await view.close();
  });

  for (const [hash, position] of [["#page=3", "201–260 of 260"], ["#page=2&q=user", "101–200 of 260"], ["", "1–100 of 260"]]) {
    test(`opened while the pipeline catches up, the page waits where it was asked for: ${hash || "the first"}`, async (t) => {
      const pipeline = await Pipeline.start();
      t.after(() => pipeline.stop());
      await pipeline.post(...many);
      await becomes("the users", async () => (await pipeline.stats()).users, 260);
      const view = await openPage(browser, pipeline.url, { hash });
      await view.page.click("#live");
      const caughtUp = await catchUp(view.page);
      await view.page.reload();
      await becomes("the state", view.state, "Catching up");
      assert.match(await view.text("#list"), /^Catching up\n/);
      assert.equal(await view.text("#total-users"), "–");
      await view.axe();
      await caughtUp();
      await becomes("the position", () => view.text("#position"), position);
      assert.equal(hashOf(view), hash);
      await view.close();
    });
  }

  test("paystats-serve killed: the page reconnects by itself", async () => {
    const pipeline = await Pipeline.start();
    const view = await openPage(browser, pipeline.url);
    await view.submit("edgar", "1");
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
    await recordStates(view);
    pipeline.kill("paystats-serve");
    await sawState(view, /^Reconnecting, stale since \d\d:\d\d:\d\d$/);
    await becomes("the state", view.state, "Live");
    await view.submit("edgar", "1");
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
    await view.close();
    await pipeline.stop();
  });

  test("the pipeline stopped and started again: the same totals on the same page", async () => {
    const first = await Pipeline.start();
    const view = await openPage(browser, first.url);
    await view.submit("edgar", "12.50", "7");
    await becomes("the sum", () => view.sumOf("edgar"), "87.50");
    await first.stop({ keep: true });
    await eventually("the page says so", async () => /^Reconnecting, stale since/.test(await view.state()));
    assert.equal(await view.sumOf("edgar"), "87.50", "what was known stays in sight");
    await view.submit("edgar", "1");
    await eventually("the form says so", async () => /^Not sent: the server cannot be reached/.test(await view.text("#refused")));

    const second = await Pipeline.start({ state: first.state, port: first.port });
    await becomes("the state", view.state, "Live");
    await becomes("the sum", () => view.sumOf("edgar"), "87.50");
    await view.page.click("#submit");
    await becomes("the sum", () => view.sumOf("edgar"), "88.50");
    await view.close();
    await second.stop();
    rmSync(first.state, { recursive: true, force: true });
  });

  test("a server that is gone is noticed when paused, too", async () => {
    const pipeline = await Pipeline.start();
    const view = await openPage(browser, pipeline.url);
    await view.page.click("#live");
    await becomes("the state", view.state, "Paused");
    await pipeline.stop({ keep: true });
    await view.page.click("#refresh");
    await eventually("the page says so", async () => (await view.state()).startsWith("Server does not answer, stale since"));
    const again = await Pipeline.start({ state: pipeline.state, port: pipeline.port });
    await view.page.click("#refresh");
    await becomes("the state", view.state, "Paused");
    await view.close();
    await again.stop();
    rmSync(pipeline.state, { recursive: true, force: true });
  });

  test("a page that is hidden keeps no stream open, and is up to date once it is looked at", async () => {
    const pipeline = await Pipeline.start();
    const view = await openPage(browser, pipeline.url);
    await becomes("the state", view.state, "Live");
    const streams = [];
    view.page.on("requestfailed", (request) => { if (request.url().includes("/api/stream")) streams.push("closed"); });
    const hide = (hidden) => view.page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    await view.submit("edgar", "1");
    await eventually("the answer", async () => / now has /.test(await view.text("#accepted")));
    const asked = [];
    view.page.on("request", (request) => { if (/offset=0/.test(request.url())) asked.push(request.url()); });
    await hide(true);
    await becomes("the stream", async () => streams, ["closed"]);
    await eventually("the refresh that follows a submission", async () => asked.length === 1);
    // By the page's own clock: two more seconds bring no further question.
    await view.page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 2500); }));
    assert.equal(asked.length, 1);
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await hide(false);
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
    await view.close();
    await pipeline.stop();
  });
});
