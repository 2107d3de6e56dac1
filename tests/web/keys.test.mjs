// Paid once: a proxy between Chromium and the server loses answers; in the end the totals have each
// submission once, and what the page says is what was paid.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, SIZES, startBrowser, WITHOUT_KEYS } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

const LOST = ["reset", "end", "part", "before"];

describe("paid once", () => {
  let browser, pipeline, proxy, view, page;
  before(async () => {
    browser = await startBrowser();
    pipeline = await Pipeline.start();
  });
  after(async () => {
    await browser.close();
    await pipeline.stop();
  });
  afterEach(() => proxy.stop());

  // Users are named after the test, so that tests share the pipeline.
  const keyTest = (name, body, options = {}) => test(name, async () => {
    proxy = await Proxy.start(pipeline);
    view = await openPage(browser, proxy.url, options);
    page = view.page;
    await body();
    await view.close();
  });
  const countOf = async (user) => (await pipeline.stats(`?q=${user}`)).stats?.find((row) => row.user === user)?.count ?? 0;
  // What the totals have once they have all that was taken before: a payment that comes last is in them.
  let marks = 0;
  const paid = async (user) => {
    marks += 1;
    await pipeline.post({ user: "mark", paymentAmt: "1", volume: "1" });
    await becomes("the mark", () => countOf("mark"), marks);
    return countOf(user);
  };
  const states = (where = page) => where.$$eval("#unsettled li .outcome", (all) => all.map((each) => each.textContent));
  const accepted = (user) => eventually("the answer", async () => {
    const said = await view.text("#accepted");
    return new RegExp(`^Accepted: .* for ${user}\\.`).test(said) || [said, await view.text("#refused")];
  });
  const kept = (where = page) => where.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith("paystats.sent")));
  const press = (words, where = page) => where.getByRole("button", { name: words }).first().click();
  const firstPosts = (count, fate) => ({ method }) => (method === "POST" && proxy.posts.length <= count ? fate : "pass");
  const store = (entries, path = "%2F") => page.evaluate(([all, base]) => all.forEach(([key, text]) =>
    localStorage.setItem(`paystats.sent:${base}:${key}`, text)), [entries, path]);
  const entryText = (entry) => JSON.stringify({ at: Date.now(), paymentAmt: "1", volume: "1", ...entry });
  const keyOf = (digit) => digit.repeat(32);

  for (const fate of [...LOST, "late", "refuse", "limit"]) {
    keyTest(`a lost answer (${fate}): the page sends again by itself, the same key, and it is paid once`, async () => {
      proxy.fate = firstPosts(2, fate);
      await view.submit(`lost-${fate}`, "5", "3");
      await accepted(`lost-${fate}`);
      assert.equal(await paid(`lost-${fate}`), 3);
      assert.equal(proxy.keys.size, 1);
      assert.match(proxy.posts[0].key, /^"[0-9a-f]{32}"$/);
      assert.deepEqual(await kept(), []);
      assert.equal(await page.inputValue("#user"), "");
      await eventually("what was sent", async () => /3 × 5/.test(await view.text("#sent")));
    });
  }

  keyTest("what Chromium by itself sends again on a connection that closes is paid once", async () => {
    let asked = 0;
    page.on("request", (request) => { if (request.method() === "POST") asked += 1; });
    await view.submit("silent", "1");
    await accepted("silent");
    proxy.fate = firstPosts(2, "end");
    await view.submit("silent", "1");
    await eventually("the second answer", async () => proxy.posts.length === 3 && (await kept()).length === 0);
    await accepted("silent");
    assert.equal(proxy.posts.length, 3);
    assert.equal(asked, 2, "the page has sent nothing again");
    assert.equal(proxy.posts[1].key, proxy.posts[2].key);
    assert.equal(await paid("silent"), 2);
  });

  keyTest("without an answer for long the form is free again, and editing it touches nothing; the same again is paid twice", async () => {
    proxy.fate = () => "reset";
    await view.submit("away", "7", "2");
    await becomes("the line", () => view.text("#accepted"), "No answer yet. Sending again in 1 s.");
    await becomes("the list", () => states(), ["No answer yet. Sending again in 4 s."]);
    assert.equal(await view.text("#refused"), "No answer yet for 2 × 7 for away. It is sent again by itself: see “Not settled yet”.");
    assert.equal(await view.text("#unsettled-heading"), "Not settled yet: 1 submission");
    assert.equal(await page.inputValue("#user"), "");
    await page.fill("#user", "somebody else");
    await page.fill("#user", "");
    assert.equal((await states()).length, 1);
    proxy.fate = ({ method }) => (method === "POST" ? "pass" : "reset");
    await view.submit("away", "7", "2");
    await accepted("away");
    proxy.fate = () => "pass";
    await becomes("the list", () => page.isVisible("#unsettled"), false);
    assert.equal(await paid("away"), 4);
    assert.equal(proxy.keys.size, 2);
  });

  keyTest("after a reload it only asks: what was taken is said to be accepted, and nothing is sent", async () => {
    proxy.fate = ({ method }) => (method === "POST" ? "part" : "before");
    await view.submit("reloaded", "1");
    await eventually("a question", async () => proxy.requests.some(({ method }) => method === "GET"));
    await page.reload();
    await becomes("the list", () => states(), ["No answer yet. Asking again in 1 s."]);
    proxy.fate = () => "pass";
    const posts = proxy.posts.length;
    await accepted("reloaded");
    await becomes("the list", () => page.isVisible("#unsettled"), false);
    assert.equal(await paid("reloaded"), 1);
    assert.equal(proxy.posts.length, posts);
    await eventually("what was sent", async () => /1 × 1\s+Pay again$/.test(await view.text("#sent")) || view.text("#sent"));
  });

  keyTest("after a reload what was not taken is sent by a person, with the same key, or discarded", async () => {
    proxy.fate = () => "before";
    await view.submit("not-taken", "1");
    await eventually("a question", async () => proxy.requests.some(({ method }) => method === "GET"));
    await page.reload();
    await becomes("the list", () => states(), ["No answer yet. Asking again in 1 s."]);
    const posts = proxy.posts.length;
    proxy.fate = () => "pass";
    await becomes("the list", () => states(), ["Not taken."]);
    await view.axe();
    assert.equal(proxy.posts.length, posts, "nothing was sent by itself");
    await press("Send again: 1 × 1 for not-taken");
    await accepted("not-taken");
    assert.equal(await paid("not-taken"), 1);
    assert.equal(proxy.keys.size, 1);

    await store([[keyOf("a"), entryText({ user: "discarded" })]]);
    await page.reload();
    await becomes("the list", () => states(), ["Not taken."]);
    await page.focus("#unsettled .discard");
    await page.keyboard.press("Enter");
    await becomes("the list", () => page.isVisible("#unsettled"), false);
    assert.equal(await view.focused(), "user");
    assert.deepEqual(await kept(), []);
    assert.equal(await paid("discarded"), 0);
  });

  keyTest("another tab shows a submission only once the tab that made it is closed", async () => {
    proxy.fate = () => "before";
    await view.submit("two-tabs", "1");
    await becomes("the list", () => states().then((all) => all.length), 1);
    const tab = await page.context().newPage();
    const asked = [];
    tab.on("request", (request) => { if (request.url().includes("/api/payments")) asked.push(request.method()); });
    await tab.goto(proxy.url);
    await becomes("the state", () => tab.innerText("#state"), "Live");
    // By the page's own clock: twice as long as it waits for the word of another tab.
    await tab.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 1000); }));
    assert.deepEqual([await states(tab), asked], [[], []]);
    await page.close();
    await becomes("the list", () => states(tab).then((all) => all.length), 1);
    proxy.fate = () => "pass";
    await becomes("the list", () => states(tab), ["Not taken."]);
    assert.ok(!asked.includes("POST"));
    await press("Send again", tab);
    await becomes("the list", () => tab.isVisible("#unsettled"), false);
    assert.equal(await paid("two-tabs"), 1);
    assert.equal(proxy.keys.size, 1);
  });

  keyTest("a server that is killed once it has taken a submission, and started again: paid once", async () => {
    await becomes("the state", view.state, "Live");
    proxy.fate = firstPosts(1, { kill: () => pipeline.kill("paystats-serve") });
    await view.submit("killed", "1", "2");
    await accepted("killed");
    assert.equal(await paid("killed"), 2);
    await becomes("the state", view.state, "Live");
  });

  keyTest("where keys are not kept none is sent, and a lost answer is for a person to look at", async () => {
    for (const answer of [WITHOUT_KEYS, { contentType: "application/json", body: '{"kept":"no","complete":false,"memorySeconds":86400}' }]) {
      await page.route("**/api/idempotency", (route) => route.fulfill(answer));
      await page.reload();
      proxy.fate = firstPosts(9, "part");
      await view.submit("unkeyed", "1");
      await eventually("the answer", async () => /^No answer came, so it is not known/.test(await view.text("#refused")));
      await page.unroute("**/api/idempotency");
    }
    assert.deepEqual(proxy.posts.map(({ key }) => key), [null, null]);
    assert.deepEqual(await kept(), []);
    assert.equal(await page.isVisible("#unsettled"), false);
  });

  // Without a key a browser that sends again by itself would pay twice.
  keyTest("where a proxy answers in place of the server about keys, nothing is sent", async () => {
    for (const answer of [{ status: 404, contentType: "text/html", body: "<h1>Not found</h1>" }, { contentType: "application/json", body: "{}" }]) {
      await page.route("**/api/idempotency", (route) => route.fulfill(answer));
      await page.reload();
      await view.submit("proxied", "1");
      await eventually("the answer", async () => /^Not sent: the server cannot be reached/.test(await view.text("#refused")));
      await page.unroute("**/api/idempotency");
      assert.deepEqual(proxy.posts, []);
    }
  });

  const idempotency = (members) => page.route("**/api/idempotency", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify(members) }));

  keyTest("a submission goes to the memory of keys that is there when it is sent, whatever it was before", async () => {
    for (const instance of ["a", "b"]) {
      await idempotency({ kept: "log", instance, complete: true, memorySeconds: 86400 });
      proxy.fate = () => "before";
      await view.submit(`at-${instance}`, "1");
      await eventually("the submission", async () => {
        const all = await page.evaluate(() => Object.values({ ...localStorage }).map((text) => JSON.parse(text)));
        const sent = all.find((entry) => entry.user === `at-${instance}`);
        return sent?.instance === instance || all;
      });
      await eventually("the form", async () => (await page.inputValue("#user")) === "");
    }
  });

  keyTest("where a proxy answers in place of the server what keys are worth, nothing is sent", async () => {
    await page.route("**/api/idempotency", (route) => route.fulfill({ status: 429, contentType: "text/html", body: "<p>Too many requests" }));
    await view.submit("limited", "1");
    await eventually("the answer", async () => /^Not sent/.test(await view.text("#refused")));
    assert.equal(proxy.posts.length, 0);
  });

  keyTest("keys that are kept in topics are worth as much as those of a log", async () => {
    await page.route("**/api/idempotency", (route) => route.fulfill({ contentType: "application/json", body: '{"kept":"topic","instance":"a","complete":false,"memorySeconds":86400}' }));
    await page.reload();
    proxy.fate = firstPosts(1, "part");
    await view.submit("topic", "1");
    await accepted("topic");
    assert.match(proxy.posts[0].key, /^"[0-9a-f]{32}"$/);
    assert.equal(proxy.keys.size, 1);
    assert.equal(await paid("topic"), 1);
  });

  keyTest("what was taken out of the browser's storage meanwhile is not sent again by itself", async () => {
    proxy.fate = () => "before";
    await view.submit("cleared", "1");
    await becomes("the line", () => view.text("#accepted"), "No answer yet. Sending again in 1 s.");
    await page.evaluate(() => localStorage.clear());
    const { length } = proxy.posts;
    proxy.fate = () => "pass";
    await eventually("the list", async () => /it was discarded in another tab, or the browser's storage was cleared/.test((await states())[0]) || states());
    assert.equal(proxy.posts.length, length);
    await press("Send again");
    await accepted("cleared");
    assert.equal(await paid("cleared"), 1);
  });

  const horizon = (members) => page.route("**/api/payments/*", (route) => route.fulfill({ status: 404, contentType: "application/problem+json",
    body: JSON.stringify({ type: "urn:paystats:problem:key-unknown", title: "No request of this key is known", status: 404, horizon: members }) }));

  keyTest("keys that end with the server's process: what it does not know is for a person to send", async () => {
    await page.route("**/api/idempotency", (route) => route.fulfill({ contentType: "application/json", body: '{"kept":"process","complete":false,"memorySeconds":86400}' }));
    await page.reload();
    await horizon({ kept: "process", complete: false, memorySeconds: 86400 });
    proxy.fate = () => "before";
    await view.submit("process", "1");
    await eventually("the list", async () => /the server has no memory of it, or was started again since\. Sent again, it might be paid twice\.$/.test((await states())[0]));
    proxy.fate = () => "pass";
    const { length } = proxy.posts; // Chromium may have sent it twice
    await press("Send again");
    await accepted("process");
    assert.equal(proxy.posts.length, length + 1);
    assert.equal(await paid("process"), 1);
  });

  keyTest("beyond what the server remembers nothing is sent by itself; what is younger is not taken for certain", async () => {
    await horizon({ kept: "log", complete: false, memorySeconds: 3600 });
    const hour = 3600 * 1000;
    await store([[keyOf("1"), entryText({ user: "old", at: Date.now() - hour })], [keyOf("2"), entryText({ user: "young", at: Date.now() - hour / 2 })],
      [keyOf("3"), entryText({ user: "of tomorrow", at: Date.now() + hour })]]);
    await page.reload();
    const beyond = "Not known whether it was taken: it was sent longer ago than the server remembers. Sent again, it might be paid twice.";
    await becomes("the list", () => states(), [beyond, "Not taken.", beyond]);
    await page.unroute("**/api/payments/*");
    await press("Discard: 1 × 1 for of tomorrow");
    await press("Send again: 1 × 1 for old");
    await accepted("old");
    assert.equal(await paid("old"), 1);
    assert.equal(proxy.posts.length, 1);
    await eventually("what was sent", async () => { await page.goto(proxy.url); return /of tomorrow\s+1 × 1\s+Pay again\s+not known/.test(await view.text("#sent")); });
  });

  keyTest("where the browser keeps nothing, or has no room, the page says so while the answer is open", async () => {
    await page.addInitScript(() => { Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }; });
    await page.reload();
    proxy.fate = firstPosts(1, "part");
    await view.submit("storeless", "1");
    await eventually("the line", async () => /No answer yet.* do not close or reload this page\.$/.test(await view.text("#accepted")) || view.text("#accepted"));
    await accepted("storeless");
    assert.equal(await paid("storeless"), 1);
  });

  keyTest("what stands in the storage is text, what cannot be read is removed, and other servers' is left alone", async () => {
    const hostile = '<img src=x onerror="alert(1)">\u202e';
    await store([[keyOf("5"), entryText({ user: hostile, paymentAmt: "<b>1</b>\n2", volume: hostile })], [keyOf("6"), "{"],
      [keyOf("7"), '{"user":1}'], ["no-key", entryText({ user: "x" })]]);
    await store([[keyOf("8"), entryText({ user: "elsewhere" })]], "%2Fmoney%2F");
    await page.reload();
    await becomes("the list", () => states(), ["Not taken."]);
    assert.equal(await page.locator("#unsettled img, #unsettled b").count(), 0);
    assert.deepEqual((await kept()).sort(), [`paystats.sent:%2F:${keyOf("5")}`, `paystats.sent:%2Fmoney%2F:${keyOf("8")}`]);
    await press("Send again");
    await eventually("the refusal", async () => /^Not taken\. .*not/.test((await states())[0]) || states());
  });

  for (const [name, options] of [["at 360 px", { viewport: SIZES[1] }], ["at 360 px in the dark", { viewport: SIZES[1], colorScheme: "dark" }], ["wide", {}]]) {
    keyTest(`the list is found by a screen reader and by keyboard, and the form stays in its place: ${name}`, async () => {
      const form = await page.locator("#form").boundingBox();
      await horizon({ kept: "process", complete: false, memorySeconds: 1 });
      await store([keyOf("1"), keyOf("2"), keyOf("3")].map((key) => [key, entryText({ user: "a-rather-long-name-of-a-user@example.org", paymentAmt: "123456789.123456789", volume: "99999" })]));
      await page.reload();
      await becomes("the list", () => states().then((all) => all.filter((text) => /^Not known/.test(text)).length), 3);
      await view.axe();
      assert.ok(await view.sidewaysScroll() <= 0);
      assert.deepEqual(await page.locator("#form").boundingBox(), form);
      assert.equal(await page.getByRole("region", { name: "Not settled yet: 3 submissions" }).count(), 1);
      await page.focus("#unsettled li:last-child .discard");
      await page.keyboard.press("Enter");
      await becomes("the list", () => states().then((all) => all.length), 2);
      assert.equal(await page.evaluate(() => document.activeElement.className), "discard");
    }, options);
  }
});
