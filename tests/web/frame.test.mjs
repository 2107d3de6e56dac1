// The frame of the page: two halves in one window, of which nothing moves; and what it is before its
// scripts are there, or without them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, SIZES, startBrowser, WITHOUT_KEYS } from "./harness.mjs";

const PARTS = [".head", "#list", "#pane", "#form", "#line"];
const UPDATES_MS = 30000;

// Notes each place at which a part of the page is ever seen, from the first paint on.
function watchBoxes(parts) {
  const seen = {};
  const look = () => {
    for (const part of parts) {
      const element = document.querySelector(part);
      if (!element || !document.querySelector("#line")) continue;
      const { left, top, width, height } = element.getBoundingClientRect();
      (seen[part] ??= new Set()).add([left, top, width, height].join(" "));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  window.boxes = () => Object.fromEntries(Object.entries(seen).map(([part, places]) => [part, [...places]]));
}

describe("the frame", () => {
  let browser, busy;
  before(async () => {
    browser = await startBrowser();
    busy = await Pipeline.start();
    await busy.post(...Array.from({ length: 130 }, (_, i) => ({ user: `user${i}`, paymentAmt: `${i + 1}.25`, volume: "3" })));
    await becomes("the users", async () => (await busy.stats()).users, 130);
  });
  after(async () => {
    await browser.close();
    await busy.stop();
  });

  // A page whose boxes are watched, and whose scripts come after its first paint.
  const watched = async (viewport, url = busy.url) => {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    await page.addInitScript(watchBoxes, PARTS);
    await page.route("**/*.js", async (route) => {
      await eventually("the first paint", () => page.evaluate(() => document.querySelector("#line") !== null
        && performance.getEntriesByName("first-contentful-paint").length > 0));
      await route.continue();
    });
    // Scripts hold back the event `load`, and with it goto().
    await page.goto(url, { waitUntil: "commit" });
    const text = (selector) => page.evaluate((s) => document.querySelector(s)?.innerText ?? null, selector);
    const submit = async (user, amount, volume) => {
      await page.fill("#user", user);
      await page.fill("#paymentAmt", amount);
      await page.fill("#volume", volume);
      await page.click("#submit");
    };
    await becomes("the state", () => text("#state"), "Live");
    await eventually("the list", async () => (await page.$$("#rows tr")).length > 100);
    return { page, text, submit, close: () => context.close() };
  };

  test("no box moves: first paint, half a minute of updates, three errors, the answer, at all sizes", async () => {
    const views = await Promise.all(SIZES.map((size) => watched(size)));
    const end = Date.now() + UPDATES_MS;
    for (let i = 0; Date.now() < end; i += 1) {
      await busy.post({ user: `user${i % 150}`, paymentAmt: `${10 ** (i % 9)}.5`, volume: "7" });
      await eventually("the update", async () => /^updated (now|1 s)/.test(await views[0].text("#updated")));
    }
    for (const { page, text, submit } of views) {
      await submit("", "x", "0");
      await eventually("three errors", async () => (await page.$$("[aria-invalid=true]")).length === 3);
      await submit("user7", "12.50", "7");
      await eventually("the answer", async () => / now has /.test(await text("#accepted")));
    }
    for (const [i, { page, close }] of views.entries()) {
      const { width, height } = SIZES[i];
      for (const [part, places] of Object.entries(await page.evaluate(() => window.boxes()))) {
        assert.equal(places.length, 1, `${part} at ${width} x ${height}: ${places.join(", then ")}`);
        const [left, top, wide, high] = places[0].split(" ").map(Number);
        if (part === "#pane" && width < 1024) assert.equal(wide, 0, "no pane on a narrow window");
        else assert.ok(left >= 0 && top >= 0 && left + wide <= width && top + high <= height, `${part} is in sight at ${width} x ${height}`);
      }
      const scrolled = await page.evaluate(() => [document.scrollingElement.scrollHeight, document.scrollingElement.clientHeight, scrollX, scrollY]);
      assert.deepEqual(scrolled, [height, height, 0, 0], "exactly as high as the window");
      await close();
    }
  });

  const rowsInSight = (page) => page.evaluate(() => {
    const frame = document.querySelector("#list").getBoundingClientRect();
    return [...document.querySelectorAll("#rows tbody tr")].filter((row) => row.getBoundingClientRect().bottom <= frame.bottom).length;
  });

  test("a laptop has the form and nine rows in sight, a phone the form and six", async () => {
    for (const [size, rows] of [[SIZES[0], 9], [SIZES[1], 6]]) {
      const view = await openPage(browser, busy.url, { viewport: size });
      await eventually("the list", async () => (await view.rows()).length === 100);
      assert.ok(await rowsInSight(view.page) >= rows, `${await rowsInSight(view.page)} rows at ${size.width}`);
      const submit = await view.page.locator("#submit").boundingBox();
      assert.ok(submit.y + submit.height <= size.height);
      const heights = await view.page.$$eval("#rows tbody tr", (all) => all.slice(0, 9).map((row) => row.getBoundingClientRect().height));
      const [least, most] = size.width > 1000 ? [34, 38] : [44, 52];
      assert.ok(heights.every((height) => height >= least && height <= most), heights.join());
      await view.close();
    }
  });

  test("a window that is not high enough has the normal flow: everything is reached by scrolling", async () => {
    const view = await openPage(browser, busy.url, { viewport: { width: 683, height: 328 } }); // a laptop at 200 %
    await eventually("the list", async () => (await view.rows()).length === 100);
    assert.ok(await view.page.evaluate(() => document.scrollingElement.scrollHeight > document.scrollingElement.clientHeight));
    await view.submit("zoomed", "1");
    await eventually("the answer", async () => /^Accepted/.test(await view.text("#accepted")));
    assert.ok(await view.sidewaysScroll() <= 0);
    await view.axe();
    await view.close();
  });

  test("nothing is fixed over anything", async () => {
    const view = await openPage(browser, busy.url);
    assert.equal(await view.page.$$eval("*", (all) => all.filter((element) => getComputedStyle(element).position === "fixed").length), 0);
    await view.close();
  });

  test("the head has all figures, however long, each in its place", async () => {
    const figures = { sum: "-123456789012345678901234567890.123456789", count: 1234567890, users: 12345678 };
    const body = JSON.stringify({ instance: "ffffffffffffffff", version: 9, ready: true, offset: 0, ...figures, stats: [] });
    for (const viewport of [...SIZES, { width: 1024, height: 600 }]) {
      const view = await openPage(browser, busy.url, { viewport });
      await view.page.click("#live");
      await becomes("the state", view.state, "Paused");
      await view.page.route("**/api/stats?**", (route) => route.fulfill({ contentType: "application/json", body }));
      await view.page.click("#refresh");
      await becomes("the users", () => view.text("#total-users"), "12,345,678");
      assert.equal(await view.page.textContent("#total-sum"), "−123,456,789,012,345,678,901,234,567,890.123456789");
      await view.page.route("**/api/stats?**", (route) => route.abort());
      await view.page.click("#refresh");
      await eventually("the longest state", async () => (await view.state()).startsWith("Server does not answer, stale since"));
      const boxes = await view.page.evaluate(() => [".head", "h1", "#total-sum .amount", "#total-count", "#total-users", "#state"].map((s) => {
        const { left, right, top, bottom } = document.querySelector(s).getBoundingClientRect();
        return { of: s, left, right, top, bottom };
      }));
      const [head, ...inside] = boxes;
      for (const one of inside) {
        const fits = one.left >= 0 && one.right <= viewport.width && one.top >= head.top && one.bottom <= head.bottom;
        assert.ok(fits, `${one.of} in the head at ${viewport.width}: ${JSON.stringify([head, one])}`);
        for (const other of inside.filter((each) => each !== one)) {
          const apart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
          assert.ok(apart, `${one.of} beside ${other.of} at ${viewport.width}: ${JSON.stringify([one, other])}`);
        }
      }
      await view.close();
    }
  });

  test("all that the line says is seen to its end", async () => {
    const long = "maria.fernandez.garcia@mail.example.org";
    const texts = [
      async ({ page }) => { await page.fill("#user", "x"); },
      async ({ page, text }) => {
        await page.fill("#user", `Édouard ${long}`);
        await page.fill("#paymentAmt", "12,5");
        await page.fill("#volume", "1000");
        await eventually("the hint", async () => /new user/.test(await text("#user-hint")));
      },
      async ({ submit, page }) => {
        await submit("", "x", "0");
        await eventually("three errors", async () => (await page.$$("[aria-invalid=true]")).length === 3);
      },
      async ({ submit, text }) => {
        await submit(long, "1234.50", "7");
        await eventually("the answer", async () => / now has /.test(await text("#accepted")));
      },
      async ({ submit, page, text }) => {
        await page.route("**/api/payments", (route) => route.fulfill({ status: 502, body: "" }));
        await page.addInitScript(() => { Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }; });
        await page.reload();
        await submit(long, "123456789.25", "1000");
        await eventually("that nothing is kept", async () => /No answer yet.*reload this page\.$/.test(await text("#accepted")));
      },
      async ({ submit, page, text }) => {
        await page.route("**/api/idempotency", (route) => route.fulfill(WITHOUT_KEYS));
        await page.reload();
        await submit(long, "1", "1");
        await eventually("the answer", async () => /502/.test(await text("#refused")));
      },
    ];
    for (const viewport of [...SIZES, { width: 1024, height: 600 }]) {
      const view = await openPage(browser, busy.url, { viewport });
      for (const say of texts) {
        await say(view);
        const [needed, given, words] = await view.page.$eval("#line", (line) => [line.scrollHeight, line.clientHeight, line.innerText]);
        assert.ok(needed <= given + 1, `at ${viewport.width}, ${needed} of ${given}: ${words}`);
      }
      await view.close();
    }
  });

  // ---- Without its scripts

  const FILES = ["jquery.min.js", "app.js", "address.js", "amounts.js", "api.js", "delivery.js", "feed.js", "form.js", "head.js", "known.js",
    "list.js", "names.js", "notice.js", "outcome.js", "pane.js", "sent.js", "submissions.js", "tabs.js", "unsettled.js"];

  const unwired = async (block) => {
    const context = await browser.newContext({ viewport: SIZES[0] });
    const page = await context.newPage();
    const posts = [];
    page.on("request", (request) => { if (request.method() === "POST") posts.push(request.url()); });
    await block(page);
    await page.goto(busy.url, { waitUntil: "commit" });
    await page.waitForSelector("#line");
    return { page, posts, context };
  };
  const tryToSubmit = async ({ page, posts }, address) => {
    assert.match(await page.innerText("#line"), /^Nothing can be submitted yet: the form is loading\. If this text stays, a script could not be loaded/);
    assert.ok(await page.$eval("#line", (line) => line.scrollHeight <= line.clientHeight + 1), "all of it is seen");
    assert.ok(await page.isDisabled("#submit"));
    await page.fill("#user", "early");
    await page.fill("#paymentAmt", "12.50");
    await page.press("#paymentAmt", "Enter");
    await page.click("#submit", { force: true });
    assert.equal(page.url(), address);
    assert.deepEqual(posts, []);
    assert.equal(await page.inputValue("#paymentAmt"), "12.50");
  };

  test("with any of its scripts missing the page says so, and no payment leaves it", async () => {
    for (const file of FILES) {
      const view = await unwired((page) => page.route(`**/${file}`, (route) => route.abort()));
      await view.page.waitForLoadState("load");
      await tryToSubmit(view, busy.url);
      await view.context.close();
    }
  });

  test("the scripts of this test, and those that are asked for early, are those of the page", async () => {
    const view = await openPage(browser, busy.url);
    const loaded = await view.page.evaluate(() => performance.getEntriesByType("resource")
      .map((entry) => entry.name.split("/").at(-1)).filter((name) => name.endsWith(".js")));
    assert.deepEqual(loaded.sort(), [...FILES].sort());
    const preloaded = await view.page.$$eval("link[rel=modulepreload]", (links) => links.map((link) => link.getAttribute("href")));
    assert.deepEqual(["jquery.min.js", "app.js", ...preloaded].sort(), [...FILES].sort());
    await view.close();
  });

  test("while any script is late the button does nothing; then the form has what was typed, and sends it", async () => {
    for (const file of FILES) {
      let release;
      const late = new Promise((resolve) => { release = resolve; });
      const view = await unwired((page) => page.route(`**/${file}`, async (route) => {
        await late;
        await route.continue();
      }));
      await tryToSubmit(view, busy.url);
      release();
      await eventually("the form is wired", async () => !(await view.page.isDisabled("#submit")));
      assert.equal(await view.page.innerText("#loading"), "");
      await view.page.click("#submit");
      await eventually("the answer", async () => /^Accepted: 1 payment of 12\.50 for early\./.test(await view.page.innerText("#accepted")));
      await view.context.close();
    }
  });

  test("a POST of the page itself is refused by the server", async () => {
    const response = await fetch(busy.url, { method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "user=edgar&paymentAmt=12.50&volume=1" });
    assert.equal(response.status, 405);
  });

  test("what a browser loads for the page is at most 80 KB", async () => {
    const view = await openPage(browser, busy.url);
    const bytes = await view.page.evaluate(() => [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
      .filter((entry) => !entry.name.includes("/api/")).reduce((sum, entry) => sum + entry.transferSize, 0));
    assert.ok(bytes > 30000 && bytes <= 80000, `${bytes} bytes`);
    await view.close();
  });
});
