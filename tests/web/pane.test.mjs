// The second pane: a user, or what was sent from this browser.

import assert from "node:assert/strict";
import { createServer, request as httpRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, SIZES, startBrowser } from "./harness.mjs";

describe("the second pane", () => {
  let browser, pipeline;
  before(async () => {
    browser = await startBrowser();
    pipeline = await Pipeline.start();
    await pipeline.post(...Array.from({ length: 120 }, (_, i) => ({ user: `user${i + 1}`, paymentAmt: String(1000 - i), volume: "2" })));
    await becomes("the users", async () => (await pipeline.stats()).users, 120);
  });
  after(async () => {
    await browser.close();
    await pipeline.stop();
  });
  const paneTest = (name, body, options = {}) => test(name, async () => {
    const view = await openPage(browser, pipeline.url, options);
    await eventually("the list", async () => (await view.rows()).length === 100);
    await body({ view, page: view.page });
    await view.close();
  });
  const heading = (view) => view.text("#pane-heading");
  const figures = async (view) => Object.fromEntries(await Promise.all(["sum", "count", "rank", "share"].map(async (name) =>
    [name, await view.text(`#chosen-${name}`)])));
  const sentTexts = (page) => page.$$eval("#sent li", (all) => all.map((item) => [".name", ".what", ".outcome"]
    .map((part) => item.querySelector(part)?.textContent ?? "").join("|")));

  paneTest("with nobody chosen it says what it is for", async ({ view }) => {
    assert.equal(await heading(view), "Sent from this browser");
    assert.match(await view.text("#sent"), /^What you submit is listed here\./);
    await view.axe();
  });

  paneTest("a click on a row shows that user, kept up to date", async ({ view, page }) => {
    await page.click("#rows tbody tr:nth-child(3) .sum");
    await becomes("the heading", () => heading(view), "user3");
    const { sum, count, rank } = await figures(view);
    assert.deepEqual([sum, count], ["1,996.00", "2"]);
    assert.match(rank, /^3 of 1\d\d$/);
    assert.equal(await page.getAttribute("#rows tbody tr:nth-child(3) a", "aria-current"), "true");
    await view.axe();
    await pipeline.post({ user: "user3", paymentAmt: "5", volume: "1" });
    await becomes("the sum", () => view.text("#chosen-sum"), "2,001.00");
    assert.equal(await view.text("#chosen-rank").then((text) => text.split(" ")[0]), "1");
  });

  paneTest("a user on no page of the list that is in sight is kept up to date, too", async ({ view, page }) => {
    await page.goto(`${pipeline.url}?user=user118`);
    await becomes("the sum", () => view.text("#chosen-sum"), "1,766.00");
    await pipeline.post({ user: "user118", paymentAmt: "0.5", volume: "2" });
    await becomes("the sum", () => view.text("#chosen-sum"), "1,767.00");
    await pipeline.post({ user: "user118", paymentAmt: "0.5", volume: "2" });
    await becomes("the sum", () => view.text("#chosen-sum"), "1,768.00");
  });

  paneTest("a user who has nothing yet, and names that no address can hold", async ({ view, page }) => {
    for (const user of [".", "..", "a/b?c#d&e=f%20 ü", "<b>x</b>"]) {
      await page.goto(`${pipeline.url}?${new URLSearchParams({ user })}`);
      await becomes("the heading", () => heading(view), user);
      await becomes("the sum", () => view.text("#chosen-sum"), "none yet");
      await pipeline.post({ user, paymentAmt: "0.25", volume: "2" });
      await becomes("the sum", () => view.text("#chosen-sum"), "0.50");
    }
  });

  paneTest("the user is in the address: Back, Forward and a reload work", async ({ view, page }) => {
    await page.click("#rows tbody tr:nth-child(5) a");
    await becomes("the heading", () => heading(view), "user5");
    assert.equal(new URL(page.url()).search, "?user=user5");
    await page.click("#rows tbody tr:nth-child(7) a");
    await becomes("the heading", () => heading(view), "user7");
    await page.goBack();
    await becomes("the heading", () => heading(view), "user5");
    await page.goBack();
    await becomes("the heading", () => heading(view), "Sent from this browser");
    await page.goForward();
    await becomes("the heading", () => heading(view), "user5");
    await page.reload();
    await becomes("the heading", () => heading(view), "user5");
    await page.click("#pane-close");
    await becomes("the heading", () => heading(view), "Sent from this browser");
    assert.equal(new URL(page.url()).search, "");
  });

  paneTest("who is submitted for is shown, and Pay again fills the form", async ({ view, page }) => {
    await view.submit("user9", "12.50", "7");
    await becomes("the heading", () => heading(view), "user9");
    await becomes("the payments", () => view.text("#chosen-count"), "9");
    await becomes("what was sent", () => sentTexts(page), ["|7 × 12.50|"]);
    await page.click("#chosen > .again");
    for (const [field, text] of [["user", "user9"], ["paymentAmt", "12.50"], ["volume", "7"]]) {
      assert.equal(await page.inputValue(`#${field}`), text);
    }
    assert.equal(await view.focused(), "paymentAmt");
    await page.keyboard.press("Enter");
    await becomes("the payments", () => view.text("#chosen-count"), "16");
    await becomes("what was sent", () => sentTexts(page), ["|7 × 12.50|", "|7 × 12.50|"]);
  });

  paneTest("a user to whom nothing was sent from here can be paid, too", async ({ view, page }) => {
    await page.click("#rows tbody tr:nth-child(20) a");
    const name = await heading(view);
    await page.click("#chosen > .again");
    assert.equal(await page.inputValue("#user"), name);
    assert.equal(await page.inputValue("#paymentAmt"), "");
    assert.equal(await view.focused(), "paymentAmt");
  });

  paneTest("what was sent from this browser is kept, the newest first, in all its tabs", async ({ view, page }) => {
    await view.submit("first", "1", "1");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted"));
    const tab = await page.context().newPage();
    await tab.goto(pipeline.url);
    await tab.waitForSelector("#sent li");
    await view.submit("second", "2.5", "3");
    await becomes("what was sent", () => sentTexts(tab), ["second|3 × 2.5|", "first|1 × 1|"]);
    await tab.click("#sent li:nth-child(2) .again");
    assert.equal(await tab.inputValue("#user"), "first");
    await tab.click("#sent li:nth-child(1) .open");
    await becomes("the heading", () => tab.innerText("#pane-heading"), "second");
    await tab.close();
    await page.reload();
    await page.click("#pane-close");
    await becomes("what was sent", () => sentTexts(page), ["second|3 × 2.5|", "first|1 × 1|"]);
    await view.axe();
  });

  paneTest("a storage that holds anything else, or that is refused, does no harm", async ({ view, page }) => {
    for (const kept of ["no JSON", "7", '{"a":1}', '[1,null,{"user":"x"},{"user":"never","paymentAmt":"1","volume":"1","at":1e20},{"user":"kept","paymentAmt":"1","volume":"1","at":0,"outcome":"accepted"}]']) {
      await page.evaluate((text) => localStorage.setItem("paystats-sent", text), kept);
      await page.reload();
      await becomes("the state", view.state, "Live");
      await becomes("what was sent", () => sentTexts(page), kept.includes("kept") ? ["kept|1 × 1|"] : []);
    }
    await page.addInitScript(() => Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } }));
    await page.reload();
    await view.submit("storeless", "1");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted"));
    await becomes("what was sent", () => sentTexts(page), ["|1 × 1|"]);
  });

  paneTest("on a narrow window only a click opens it, in the place of the list", async ({ view, page }) => {
    const list = await page.locator("#list").boundingBox();
    assert.equal(await page.isVisible("#pane"), false);
    await view.submit("user4", "1", "1");
    await eventually("the answer", async () => / now has /.test(await view.text("#accepted")));
    assert.equal(await page.isVisible("#pane"), false);
    await page.click("#rows tbody tr:nth-child(2)");
    await becomes("the pane", () => page.isVisible("#pane"), true);
    assert.equal(await page.isVisible("#list"), false);
    assert.equal(await view.focused(), "pane-close");
    const pane = await page.locator("#pane").boundingBox();
    assert.ok(pane.y <= list.y && Math.round(pane.y + pane.height) === Math.round(list.y + list.height), "in its place");
    assert.ok(await view.sidewaysScroll() <= 0);
    await view.axe();
    await page.goBack();
    await becomes("the list", () => page.isVisible("#list"), true);
    await page.click("#sent-open");
    await becomes("what was sent", () => sentTexts(page), ["user4|1 × 1|"]);
    assert.ok(await view.sidewaysScroll() <= 0);
    await page.click("#pane-close");
    await becomes("the list", () => page.isVisible("#list"), true);
  }, { viewport: SIZES[1] });

  paneTest("a window that becomes narrow shows the list, unless the pane was opened by a click", async ({ view, page }) => {
    await view.submit("user6", "1", "1");
    await becomes("the heading", () => heading(view), "user6");
    await page.setViewportSize(SIZES[2]);
    await becomes("the list", () => page.isVisible("#list"), true);
    assert.equal(await page.isVisible("#pane"), false);
    await page.click("#rows tbody tr:nth-child(2)");
    await becomes("the pane", () => page.isVisible("#pane"), true);
    await page.reload();
    await becomes("the pane", () => page.isVisible("#pane"), true);
  });

  paneTest("submitted with the pane open: the row is in sight once the pane is closed", async ({ view, page }) => {
    await page.click("#rows tbody tr:nth-child(2)");
    await becomes("the pane", () => page.isVisible("#pane"), true);
    await view.submit("user90", "0.25", "1");
    await eventually("the answer", async () => / now has /.test(await view.text("#accepted")));
    await page.click("#pane-close");
    await eventually("the row", () => view.inSight("user90"));
  }, { viewport: SIZES[1] });

  paneTest("by keyboard: Enter opens, Escape closes, and the place in the list is kept", async ({ view, page }) => {
    const focusedUser = () => page.evaluate(() => document.activeElement.closest("tr")?.querySelector("bdi").textContent ?? document.activeElement.id);
    await page.focus("#rows a.open");
    await page.keyboard.press("ArrowDown");
    const user = await focusedUser();
    await page.keyboard.press("Enter");
    await becomes("the heading", () => heading(view), user);
    assert.equal(await focusedUser(), user);
    await page.keyboard.press("Escape");
    await becomes("the heading", () => heading(view), "Sent from this browser");
    assert.equal(await focusedUser(), user);
    await page.keyboard.press("Enter");
    await becomes("the heading", () => heading(view), user);
    await page.focus("#pane-close");
    await page.keyboard.press("Enter");
    await becomes("the heading", () => heading(view), "Sent from this browser");
    assert.equal(await focusedUser(), user);
    await page.setViewportSize(SIZES[1]);
    await page.keyboard.press("Enter");
    await becomes("the focus", focusedUser, "pane-close");
    await page.goBack();
    await becomes("the focus", focusedUser, user);
  });

  paneTest("Pay again keeps the keyboard's place while another tab sends", async ({ view, page }) => {
    await view.submit("here", "1", "1");
    await eventually("the answer", async () => / now has /.test(await view.text("#accepted")));
    await page.click("#pane-close");
    await page.waitForSelector("#sent li .again");
    await page.focus("#sent li:last-child .again");
    const tab = await page.context().newPage();
    await tab.goto(pipeline.url);
    await tab.evaluate(() => localStorage.setItem("paystats-sent", JSON.stringify([{ id: "other", at: Date.now(), user: "there",
      paymentAmt: "1", volume: "1", outcome: "accepted" }, ...JSON.parse(localStorage.getItem("paystats-sent"))])));
    await becomes("what was sent", () => sentTexts(page), ["there|1 × 1|", "here|1 × 1|"]);
    assert.equal(await page.evaluate(() => document.activeElement.className), "again");
  });

  test("under a sub-path of a proxy the page, its pane and Back work", async (t) => {
    const proxy = createServer((incoming, outgoing) => {
      if (!incoming.url.startsWith("/money/")) return void outgoing.writeHead(404).end();
      const { origin, ...headers } = incoming.headers;
      const passed = httpRequest({ host: "127.0.0.1", port: pipeline.port, method: incoming.method,
        path: incoming.url.slice("/money".length), headers: { ...headers, host: `127.0.0.1:${pipeline.port}` } }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      });
      passed.on("error", () => outgoing.destroy());
      outgoing.on("close", () => passed.destroy());
      incoming.pipe(passed);
    });
    await new Promise((resolve) => { proxy.listen(0, "127.0.0.1", resolve); });
    t.after(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const url = `http://127.0.0.1:${proxy.address().port}/money/`;
    const view = await openPage(browser, url);
    await becomes("the state", view.state, "Live");
    await view.submit("proxied", "7", "1");
    await becomes("the heading", () => heading(view), "proxied");
    await becomes("the sum", () => view.text("#chosen-sum"), "7.00");
    assert.ok(view.page.url().startsWith(`${url}?user=proxied`), view.page.url());
    await view.page.goBack();
    await becomes("the heading", () => heading(view), "Sent from this browser");
    await view.page.reload();
    await becomes("the state", view.state, "Live");
    await view.close();
  });
});
