// The frame of the page: two halves in one window, of which nothing moves; and what it is before its
// scripts are there, or without them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, SIZES, startBrowser } from "./harness.mjs";

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

  test("the head has the sum of all payments, however long, and stays one line", async () => {
    const rich = await Pipeline.start();
    await rich.post({ user: "croesus", paymentAmt: "999999999999999.999999999", volume: "99999" });
    for (const viewport of SIZES) {
      const view = await openPage(browser, rich.url, { viewport });
      await becomes("the sum", () => view.text("#total-sum").then((text) => text?.replace(/\s/g, "")), "99,998,999,999,999,999,999.999900001");
      const [sum, next, head] = await view.page.evaluate(() => ["#total-sum .amount", "#total-count", ".head"].map((s) => {
        const { left, right, top, bottom } = document.querySelector(s).getBoundingClientRect();
        return { left, right, top, bottom };
      }));
      assert.ok(sum.right <= next.left && sum.top >= head.top && sum.bottom <= head.bottom, `at ${viewport.width}: ${JSON.stringify([sum, next, head])}`);
      await view.close();
    }
    await rich.stop();
  });

  // ---- Without its scripts

  const FILES = ["jquery.min.js", "app.js", "address.js", "amounts.js", "api.js", "feed.js", "form.js", "head.js", "known.js",
    "list.js", "names.js", "pane.js", "sent.js"];

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
    assert.match(await page.innerText("#line"), /^The form is loading\. If this text stays, a script could not be loaded/);
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

  test("while a script is late the button does nothing; then the form has what was typed, and sends it", async () => {
    let release;
    const late = new Promise((resolve) => { release = resolve; });
    const view = await unwired((page) => page.route("**/form.js", async (route) => {
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
  });

  test("a POST of the page itself is refused by the server", async () => {
    const response = await fetch(busy.url, { method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "user=edgar&paymentAmt=12.50&volume=1" });
    assert.equal(response.status, 405);
  });

  test("what a browser loads for the page is at most 170 KB", async () => {
    const view = await openPage(browser, busy.url);
    const bytes = await view.page.evaluate(() => [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
      .filter((entry) => !entry.name.includes("/api/")).reduce((sum, entry) => sum + entry.transferSize, 0));
    assert.ok(bytes > 90000 && bytes <= 170 * 1024, `${bytes} bytes`);
    await view.close();
  });
});
