// The upper half of the page: the list, and what moves it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";

describe("the list", () => {
  let browser;
  before(async () => { browser = await startBrowser(); });
  after(() => browser.close());

  // Each test has a pipeline and a page of its own: no payment of another test is in its totals.
  const listTest = (name, body, options = {}) => test(name, async () => {
    const pipeline = await Pipeline.start();
    try {
      const view = await openPage(browser, pipeline.url, options);
      await body({ pipeline, view, page: view.page });
      await view.close();
    } finally {
      await pipeline.stop();
    }
  });
  const users = (count, prefix = "user") => Array.from({ length: count }, (_, i) =>
    ({ user: `${prefix}${String(i + 1).padStart(3, "0")}`, paymentAmt: `${1000 - i}.50`, volume: "2" }));

  listTest("with no payments it invites the first one", async ({ view }) => {
    await becomes("the state", view.state, "Live");
    assert.match(await view.text("#list"), /No payments yet/);
  });

  listTest("users stand in the order of their sums, with rank, count and share", async ({ pipeline, view }) => {
    await pipeline.post(
      { user: "small", paymentAmt: "1.25", volume: "1" },
      { user: "large", paymentAmt: "1000.5", volume: "7" },
      { user: "middle", paymentAmt: "0.1", volume: "30" },
    );
    await becomes("the list", view.rows, [
      ["1", "large", "7,003.50", "7", "99.9 %"],
      ["2", "middle", "3.00", "30", "< 0.1 %"],
      ["3", "small", "1.25", "1", "< 0.1 %"],
    ]);
    assert.equal(await view.text("#total-sum"), "7,007.75");
    assert.equal(await view.text("#total-count"), "38");
    assert.equal(await view.text("#total-users"), "3");
  });

  listTest("a bar is as long as its sum beside the largest, and nothing for a refund", async ({ pipeline, view, page }) => {
    pipeline.append({ user: "a", paymentAmt: 200 }, { user: "b", paymentAmt: 50 }, { user: "c", paymentAmt: -30 });
    await becomes("the users", view.users, ["a", "b", "c"]);
    const lengths = await page.$$eval("#list .bar", (bars) => bars.map((bar) =>
      (bar.firstChild?.getBoundingClientRect().width ?? 0) / bar.getBoundingClientRect().width));
    assert.deepEqual(lengths.map((length) => Math.round(length * 100)), [100, 25, 0]);
    assert.deepEqual((await view.rows()).map((row) => [row[2], row[4]]), [["200.00", "90.9 %"], ["50.00", "22.7 %"], ["−30.00", ""]]);
  });

  listTest("sums of thirty digits are shown digit for digit", async ({ pipeline, view }) => {
    // 999,999,999,999,999.999999999 is the largest payment; 1,000,000 of them still are exact.
    await pipeline.post({ user: "croesus", paymentAmt: "999999999999999.999999999", volume: "99999" });
    await becomes("the sum", () => view.sumOf("croesus"), "99,998,999,999,999,999,999.999900001");
    assert.ok(await view.sidewaysScroll() <= 0);
  });

  listTest("live: payments from elsewhere appear, each time as new rows in the same frame", async ({ pipeline, view, page }) => {
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
    await page.evaluate(() => {
      document.querySelector("#list").isOld = true;
      document.querySelector("#rows").isOld = true;
    });
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
    assert.equal(await page.evaluate(() => document.querySelector("#rows").isOld ?? false), false);
    assert.equal(await page.evaluate(() => document.querySelector("#list").isOld), true);
    assert.match(await view.text("#updated"), /^updated (now|\d+ s ago)$/);
    await eventually("the age ticks", async () => /^updated [1-9]\d* s ago$/.test(await view.text("#updated")));
  });

  listTest("live: focus, the place in the list and the quiet of the status stay as they are", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(60));
    await eventually("sixty rows", async () => (await view.rows()).length === 60);
    await page.focus("#refresh");
    await page.evaluate(() => {
      document.querySelector("#list").scrollTop = 700;
      window.spoken = 0;
      new MutationObserver(() => { window.spoken += 1; })
        .observe(document.querySelector("#state"), { childList: true, characterData: true, subtree: true });
    });
    await pipeline.post({ user: "newcomer", paymentAmt: "5000", volume: "1" });
    await eventually("the newcomer", async () => (await view.users())[0] === "newcomer");
    assert.equal(await view.focused(), "refresh");
    assert.equal(await page.evaluate(() => document.querySelector("#list").scrollTop), 700);
    assert.equal(await page.evaluate(() => window.spoken), 0);
  });

  const focusedUser = (page) => page.evaluate(() => document.activeElement.closest("tr")?.querySelector("bdi").textContent ?? null);

  listTest("the rows are one stop of the keyboard: the arrows go on, and live updates keep the row", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(60));
    await eventually("sixty rows", async () => (await view.rows()).length === 60);
    await page.focus("#refresh");
    await page.keyboard.press("Tab");
    assert.equal(await focusedUser(page), "user001");
    for (let i = 0; i < 20; i += 1) await page.keyboard.press("ArrowDown");
    assert.equal(await focusedUser(page), "user021");
    assert.ok(await view.inSight("user021"));
    await pipeline.post({ user: "newcomer", paymentAmt: "5000", volume: "1" });
    await eventually("the newcomer", async () => (await view.users())[0] === "newcomer");
    assert.equal(await focusedUser(page), "user021");
    await page.keyboard.press("End");
    assert.equal(await focusedUser(page), "user060");
    assert.ok(await view.inSight("user060"));
    await page.keyboard.press("Enter");
    await becomes("the pane", () => view.text("#pane-heading"), "user060");
  });

  listTest("a click counts also where new rows come between press and release", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(3));
    await eventually("three rows", async () => (await view.rows()).length === 3);
    await page.hover("#rows tbody tr:nth-child(2)");
    await page.mouse.down();
    await pipeline.post({ user: "newcomer", paymentAmt: "5000", volume: "1" });
    await becomes("the number of users", () => view.text("#total-users"), "4");
    assert.equal((await view.users())[0], "user001");
    await page.mouse.up();
    await becomes("the pane", () => view.text("#pane-heading"), "user002");
    await eventually("the newcomer", async () => (await view.users())[0] === "newcomer");
  });

  listTest("live: text that is selected in the list stays until it is let go", async ({ pipeline, view, page }) => {
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
    await page.evaluate(() => getSelection().selectAllChildren(document.querySelector("#list bdi")));
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    const other = await openPage(browser, pipeline.url);
    await becomes("the sum elsewhere", () => other.sumOf("edgar"), "2.00");
    await other.close();
    assert.equal(await page.evaluate(() => String(getSelection())), "edgar");
    await page.evaluate(() => getSelection().removeAllRanges());
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
  });

  listTest("while text is selected in the list only its rows wait, and the page says so", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(23));
    await becomes("the position", () => view.text("#position"), "1–23 of 23");
    const select = () => page.evaluate(() => getSelection().selectAllChildren(document.querySelector("#list bdi")));
    await select();
    await pipeline.post({ user: "newcomer", paymentAmt: "5000", volume: "1" });
    await becomes("the number of users", () => view.text("#total-users"), "24");
    assert.equal(await view.text("#total-sum"), "50,517.00");
    assert.equal(await view.text("#total-count"), "47");
    assert.equal(await view.text("#position"), "1–24 of 24");
    assert.equal((await view.users())[0], "user001");
    assert.equal(await page.evaluate(() => String(getSelection())), "user001");
    await page.getByRole("status").getByText("Held while text is selected", { exact: true }).waitFor();
    assert.ok(await view.sidewaysScroll() <= 0);
    await view.axe();
    await page.evaluate(() => getSelection().removeAllRanges());
    await becomes("the state", view.state, "Live");
    assert.equal((await view.users())[0], "newcomer");
  });

  listTest("who turns the page has let go of the text that was selected", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(230));
    await becomes("the position", () => view.text("#position"), "1–100 of 230");
    await page.evaluate(() => getSelection().selectAllChildren(document.querySelector("#list bdi")));
    await page.focus("#next");
    await page.keyboard.press("Enter");
    await becomes("the position", () => view.text("#position"), "101–200 of 230");
    assert.equal((await view.users())[0], "user101");
    assert.equal(await view.state(), "Live");
    assert.equal(await page.evaluate(() => document.querySelector("#list").scrollTop), 0);
  });

  listTest("where no stream can be had the page asks, and says nothing of it", async ({ pipeline, view, page }) => {
    await page.evaluate(() => {
      window.states = new Set([document.querySelector("#state").textContent]);
      new MutationObserver(() => window.states.add(document.querySelector("#state").textContent))
        .observe(document.querySelector("#state"), { childList: true });
    });
    await becomes("the state", view.state, "Live");
    await page.route("**/api/stream**", (route) => route.abort());
    await page.click("#live");
    await becomes("the state", view.state, "Paused");
    await page.click("#live");
    await becomes("the state", view.state, "Live");
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
    const states = await page.evaluate(() => [...window.states]);
    assert.ok(states.every((words) => ["Connecting", "Live", "Paused"].includes(words)), states.join());
    await page.unroute("**/api/stream**");
    const stream = page.waitForRequest((request) => request.url().includes("/api/stream"));
    await stream;
  });

  listTest("a stream that a proxy holds back is replaced by questions", async ({ pipeline, view, page }) => {
    await page.route("**/api/stream**", () => {}); // open for ever, and never a word
    await page.reload();
    await becomes("the state", view.state, "Live");
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("edgar"), "2.00");
  });

  listTest("paused: nothing moves until Refresh", async ({ pipeline, view, page }) => {
    await page.click("#live");
    await becomes("the state", view.state, "Paused");
    assert.equal(await page.getAttribute("#live", "aria-checked"), "false");
    const other = await openPage(browser, pipeline.url);
    await pipeline.post({ user: "edgar", paymentAmt: "1", volume: "1" });
    await becomes("the sum elsewhere", () => other.sumOf("edgar"), "1.00");
    await other.close();
    assert.deepEqual(await view.rows(), []);
    await page.click("#refresh");
    await becomes("the sum", () => view.sumOf("edgar"), "1.00");
  });

  listTest("the choice to pause is kept over a reload", async ({ view, page }) => {
    await page.click("#live");
    await page.reload();
    await becomes("the state", view.state, "Paused");
    assert.equal(await page.getAttribute("#live", "aria-checked"), "false");
  });

  listTest("paging goes to the end and back, and live updates keep the page", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(230));
    await becomes("the position", () => view.text("#position"), "1–100 of 230");
    assert.equal(await page.getAttribute("#previous", "aria-disabled"), "true");
    await page.click("#next");
    await becomes("the position", () => view.text("#position"), "101–200 of 230");
    const ranks = (await view.rows()).map((row) => row[0]);
    assert.deepEqual([ranks.length, ranks[0], ranks.at(-1)], [100, "101", "200"]);
    await pipeline.post({ user: "newcomer", paymentAmt: "5000", volume: "1" });
    await becomes("the position", () => view.text("#position"), "101–200 of 231");
    assert.equal((await view.users())[0], "user100");
    await page.click("#next");
    await becomes("the position", () => view.text("#position"), "201–231 of 231");
    assert.equal(await page.getAttribute("#next", "aria-disabled"), "true");
    await page.click("#next", { force: true });
    await page.click("#previous");
    await becomes("the position", () => view.text("#position"), "101–200 of 231");
  });

  listTest("the key / leads to the search, but not out of a field", async ({ view, page }) => {
    await page.focus("#refresh");
    await page.keyboard.press("/");
    assert.equal(await view.focused(), "filter");
    await page.focus("#user");
    await page.keyboard.type("a/b");
    assert.equal(await page.inputValue("#user"), "a/b");
    assert.equal(await page.inputValue("#filter"), "");
  });

  listTest("a filter shows the names that begin so, and live updates keep it", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(12, "ed"), ...users(3, "jo"));
    await eventually("the list", async () => (await view.rows()).length === 15);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.type("#filter", "jo");
    await becomes("the users", view.users, ["jo001", "jo002", "jo003"]);
    assert.equal(asked.filter((url) => url.includes("/api/")).length, 1, "one question once the typing pauses");
    assert.equal(await view.text("#position"), "1–3 of 3");
    assert.equal(await view.text("#total-users"), "15");
    await pipeline.post({ user: "joker", paymentAmt: "9999", volume: "1" }, { user: "eddy", paymentAmt: "9999", volume: "1" });
    await becomes("the users", view.users, ["joker", "jo001", "jo002", "jo003"]);
    await page.fill("#filter", "nobody<b>");
    await becomes("the list", () => view.text("#list"), "No user’s name begins with nobody<b>.");
    await page.fill("#filter", "");
    await becomes("the position", () => view.text("#position"), "1–17 of 17");
  });

  listTest("page and search are in the address, so a reload keeps them", async ({ pipeline, view, page }) => {
    await pipeline.post(...users(225, "ed"), ...users(3, "jo"));
    await page.fill("#filter", "ed");
    await becomes("the position", () => view.text("#position"), "1–100 of 225");
    await page.click("#next");
    await becomes("the position", () => view.text("#position"), "101–200 of 225");
    assert.equal(new URL(page.url()).hash, "#page=2&q=ed");
    await page.reload();
    await becomes("the position", () => view.text("#position"), "101–200 of 225");
    assert.equal(await page.inputValue("#filter"), "ed");
  });

  listTest("a page past the end gives way to the last one", async ({ pipeline, page, view }) => {
    await pipeline.post(...users(230));
    await becomes("the position", () => view.text("#position"), "1–100 of 230");
    await page.evaluate(() => { location.hash = "#page=99"; });
    await becomes("the position", () => view.text("#position"), "201–230 of 230");
  });

  listTest("a name is text, whatever is in it", async ({ pipeline, view, page }) => {
    const names = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&amp;", "\"'`", "{{7*7}}",
      "مريم", "王芳", "👩‍👩‍👧", "x".repeat(1024), "a b"];
    await pipeline.post(...names.map((user, i) => ({ user, paymentAmt: String(100 - i), volume: "1" })));
    await becomes("the names", view.users, names);
    assert.equal(await page.$$eval("#list script, #list img", (list) => list.length), 0);
    assert.ok(await view.sidewaysScroll() <= 0);
    assert.equal(await page.getAttribute("#rows tbody tr:nth-child(9) bdi", "title"), "x".repeat(1024));
  });

  listTest("what cannot be seen in a name is shown as its escape", async ({ pipeline, view }) => {
    await pipeline.post(
      { user: "a\u202eb", paymentAmt: "9", volume: "1" }, { user: "tab\there", paymentAmt: "8", volume: "1" },
      { user: "\u001b[2J", paymentAmt: "7", volume: "1" }, { user: " x ", paymentAmt: "6", volume: "1" },
      { user: "zero\u200bwidth", paymentAmt: "5", volume: "1" }, { user: "\\u202e", paymentAmt: "4", volume: "1" },
    );
    await becomes("the names", view.users,
      ["a\\u202eb", "tab\\u0009here", "\\u001b[2J", "␣x␣", "zero\\u200bwidth", "\\u202e"]);
  });

  // Each of these looks like "edgar", or nearly, where it is shown as it is.
  listTest("no name looks like another that has nothing unseen in it", async ({ pipeline, view, page }) => {
    const names = [
      ...["3164", "115f", "1160", "ffa0", "2800", "180e", "034f", "fff9", "fffb", "17b4", "200d", "200c", "fe0f", "00a0", "3000", "2009"]
        .map((code) => [`edgar${String.fromCodePoint(Number.parseInt(code, 16))}`, `edgar\\u${code}`]),
      ["edgar\u{e0041}", "edgar\\u{e0041}"], ["edgar\u{e0100}", "edgar\\u{e0100}"], ["\u00a0edgar", "\\u00a0edgar"],
      [" \u3000edgar", "␣\\u3000edgar"], ["👍\ufe0f", "👍\\ufe0f"], ["👍\u200d👍", "👍\\u200d👍"],
      ["🏴\u{e0041}\u{e007f}", "🏴\\u{e0041}\\u{e007f}"], ["مریم\u200c", "مریم\\u200c"], ["राम\u200d", "राम\\u200d"],
    ];
    await pipeline.post(...names.map(([user], i) => ({ user, paymentAmt: String(100 - i), volume: "1" })));
    await becomes("the names", view.users, names.map(([, shown]) => shown));
    assert.deepEqual(await page.$$eval("#rows tbody tr:nth-child(1) .unseen", (list) => list.map((each) => each.textContent)), ["\\u3164"]);
    assert.equal(await page.getAttribute("#rows tbody tr:nth-child(1) bdi", "title"), "edgar\\u3164");
  });

  listTest("what a script or an emoji is written with stays as it is", async ({ pipeline, view, page }) => {
    const names = ["می\u200cخواهم", "ক্\u200dষ", "രാമന്\u200d", "葛\u{e0100}城", "ᠨᠠᠢ\u180bᠮᠠ", "❤\ufe0f", "1\ufe0f\u20e3", "👩🏽\u200d🚀",
      "👁\ufe0f\u200d🗨\ufe0f", "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", "山田\u3000太郎", "J.\u00a0R."];
    await pipeline.post(...names.map((user, i) => ({ user, paymentAmt: String(100 - i), volume: "1" })));
    await becomes("the names", view.users, names);
    assert.equal(await page.$$eval("#list .unseen", (list) => list.length), 0);
  });
});
