// The page for everybody: by keyboard alone, on a small screen, in the dark, read aloud.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";

const LONG = "an-extraordinarily-long-name-without-a-single-space@a-domain-that-goes-on-and-on.example";

describe("access", () => {
  let browser, empty, busy;
  before(async () => {
    browser = await startBrowser();
    empty = await Pipeline.start();
    busy = await Pipeline.start();
    await busy.post({ user: LONG, paymentAmt: "999999999999999.999999999", volume: "99999" });
    await busy.post(...Array.from({ length: 30 }, (_, i) => ({ user: `user${i}`, paymentAmt: `${i + 1}.25`, volume: "3" })));
    busy.append({ user: "refunded", paymentAmt: -1234.5 });
    await becomes("the users", async () => (await busy.stats()).users, 32);
  });
  after(async () => {
    await browser.close();
    await empty.stop();
    await busy.stop();
  });

  test("by keyboard alone: every control in the order of the page, the first payment by Enter", async () => {
    const view = await openPage(browser, busy.url);
    const seen = [];
    for (let i = 0; i < 12; i += 1) {
      await view.page.keyboard.press("Tab");
      seen.push(await view.page.evaluate(() => document.activeElement.id || document.activeElement.className));
      const outline = await view.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.equal(outline, "solid", `the focus is seen on ${seen.at(-1)}`);
      if (seen.at(-1) === "submit") break;
    }
    assert.deepEqual(seen, ["filter", "live", "refresh", "open", "previous", "next", "user", "paymentAmt", "volume", "submit"]);

    await view.page.focus("#live");
    await view.page.keyboard.press("Space");
    await becomes("the state", view.state, "Paused");
    await view.page.keyboard.press("Space");
    await becomes("the state", view.state, "Live");
    await view.page.focus("#user");
    for (const text of ["typed", "7", "2"]) {
      await view.page.keyboard.press("ControlOrMeta+A");
      await view.page.keyboard.type(text);
      await view.page.keyboard.press("Tab");
    }
    await view.page.keyboard.press("Enter");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted: 2 payments of 7 for typed."));
    assert.equal(await view.focused(), "user", "ready for the next one");
    await view.close();
  });

  test("a screen reader finds the table, its headers, the fields and their errors", async () => {
    const view = await openPage(browser, busy.url, { viewport: { width: 360, height: 780 } });
    const { page } = view;
    await view.submit("", "x");
    await becomes("the focus", view.focused, "user");
    for (const [role, name] of [["table", "Users by the sum of their payments, largest first"], ["columnheader", "Sum"],
      ["rowheader", "user29"], ["combobox", "User"], ["textbox", "Payment amount"], ["textbox", "Volume"],
      ["button", "Submit"], ["button", "Refresh"], ["button", "Next page"], ["switch", "Live"],
      ["searchbox", "Show users whose name begins with"], ["region", "Submit payments"], ["region", "Totals"], ["region", "Users by sum"]]) {
      assert.equal(await page.getByRole(role, { name, exact: true }).count(), 1, `${role} ${name}`);
    }
    assert.equal(await page.locator("#state").getAttribute("role"), "status");
    assert.equal(await page.locator("#list[aria-live], #updated[aria-live], #updated[role]").count(), 0, "updates are not announced");
    await view.close();
  });

  const looks = [
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["at 360 px", { viewport: { width: 360, height: 780 } }],
    ["at 360 px in the dark", { viewport: { width: 360, height: 780 }, colorScheme: "dark" }],
    ["at 320 px", { viewport: { width: 320, height: 640 } }],
    ["at 700 px", { viewport: { width: 700, height: 780 } }],
  ];
  for (const [name, options] of looks) {
    test(`axe finds nothing, and nothing scrolls sideways: ${name}`, async () => {
      const first = await openPage(browser, empty.url, options);
      await first.axe();
      assert.ok(await first.sidewaysScroll() <= 0, "empty");
      await first.close();
      const view = await openPage(browser, busy.url, options);
      await view.axe();
      assert.ok(await view.sidewaysScroll() <= 0, "busy");
      await eventually("the refund", async () => (await view.users()).includes("refunded"));
      await view.page.click("#live");
      await becomes("the state", view.state, "Paused");
      await view.axe();
      assert.ok(await view.sidewaysScroll() <= 0, "all rows, paused");
      await view.submit("", "12,5", "0");
      await becomes("the focus", view.focused, "user");
      await view.axe();
      assert.ok(await view.sidewaysScroll() <= 0, "errors");
      await view.submit(LONG, "1");
      await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted"));
      await view.axe();
      assert.ok(await view.sidewaysScroll() <= 0, "accepted");
      await view.close();
    });
  }

  test("axe finds nothing while the cache is away", async () => {
    const view = await openPage(browser, empty.url);
    await view.page.route("**/api/**", (route) => route.fulfill({
      status: 503, contentType: "application/problem+json", body: '{"title":"The cache is away","status":503}',
    }));
    await view.page.click("#live");
    await eventually("the page says so", async () => (await view.state()).startsWith("Cache away, stale since"));
    await view.axe();
    await view.close();
  });

  test("the dark page is dark, the light one light", async () => {
    for (const [colorScheme, dark] of [["dark", true], ["light", false]]) {
      const view = await openPage(browser, busy.url, { colorScheme });
      const ground = await view.page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
      assert.equal(Math.max(...ground) < 64, dark, String(ground));
      await view.close();
    }
  });

  test("nothing moves for those who asked for less motion", async () => {
    const view = await openPage(browser, busy.url, { reducedMotion: "reduce" });
    const moving = await view.page.$$eval("*", (all) => all.filter((element) => {
      const style = getComputedStyle(element);
      return style.animationName !== "none" || style.transitionDuration.split(",").some((time) => Number.parseFloat(time) > 0);
    }).length);
    assert.equal(moving, 0);
    await view.close();
  });
});
