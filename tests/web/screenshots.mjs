// Takes pictures of the page through the real pipeline, to be looked at:
//
//   node tests/web/screenshots.mjs DIR      each of the states below at each size, light and dark
//   node tests/web/screenshots.mjs --docs   docs/page.png, the one in the README
//
// What is on them is made up, and the same each time but for the clock.

import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { becomes, eventually, openPage, Pipeline, root, SIZES, startBrowser } from "./harness.mjs";

const PICTURE_BYTES_MAX = 200000;
const named = ["edgar", "alma", "john", "ida", "Łukasz", "zoë", "مريم", "nils", "maria.fernandez@example.org",
  "<script>alert(1)</script>", "ruth", "ada", "a\u202etxt.exe", "otto", "lin", "sven", "tove", "yuki", "omar", "eva"];
const names = [...named, ...Array.from({ length: 140 }, (_, i) => `guest${String(i + 1).padStart(3, "0")}`)];
const batches = names.map((user, i) => ({
  user,
  paymentAmt: `${(12 + ((i * 37) % 29)).toString()}.${String((i * 53) % 100).padStart(2, "0")}`,
  volume: String(Math.max(1, Math.round(420 / (i + 1) ** 0.8))),
}));

async function fill(pipeline) {
  await pipeline.post(...batches);
  pipeline.append({ user: "refunded", paymentAmt: -120.5 });
  await becomes("the users", async () => (await pipeline.stats()).users, batches.length + 1);
  await becomes("ready", async () => (await pipeline.stats()).ready, true);
}

const type = async ({ page }, user, amount, volume) => {
  await page.fill("#user", user);
  await page.fill("#paymentAmt", amount);
  await page.fill("#volume", volume);
};
// What stands on the page, and how it comes there.
const states = {
  busy: async () => {},
  typing: async (view) => {
    await type(view, "Edgar", "12,50", "7");
    await eventually("who is meant", async () => /differs/.test(await view.text("#user-hint")));
  },
  errors: async (view) => {
    await view.submit("", "12,50x", "0");
    await becomes("the focus", view.focused, "user");
  },
  accepted: async (view) => {
    for (const [user, amount, volume] of [["edgar", "12.50", "7"], ["alma", "3", "1"], ["guest009", "4.20", "3"]]) {
      await view.submit(user, amount, volume);
      await eventually("the total", async () => / now has /.test(await view.text("#accepted")));
    }
    await eventually("the row", async () => (await view.page.$$(".mine")).length === 1);
  },
  sent: async (view) => {
    await states.accepted(view);
    if (await view.page.isVisible("#sent-open")) await view.page.click("#sent-open");
    else await view.page.click("#pane-close");
  },
  unsettled: async (view) => {
    await view.page.route("**/api/payments/**", (route) => route.fulfill({ status: 404, contentType: "application/problem+json",
      body: JSON.stringify({ type: "urn:paystats:problem:key-unknown", title: "No request of this key is known", status: 404,
        horizon: { kept: "log", complete: false, memorySeconds: 86400 } }) }));
    await view.page.evaluate(() => [["edgar", 0], ["maria.fernandez@example.org", 30]].forEach(([user, hours], at) => localStorage.setItem(
      `paystats.sent:%2F:${String(at).repeat(32)}`, JSON.stringify({ at: Date.now() - hours * 3600000, user, paymentAmt: "1234.50", volume: "7" }))));
    await view.page.reload();
    await eventually("the list", async () => (await view.text("#unsettled")).includes("longer ago"));
    await view.page.route("**/api/payments", (route) => route.abort());
    await view.submit("alma", "12.50", "3");
    await eventually("the line", async () => /^No answer yet/.test(await view.text("#refused")));
  },
  away: async (view) => {
    await view.page.route("**/api/**", (route) => route.fulfill({ status: 503, body: "{}" }));
    await view.page.click("#refresh");
    await eventually("away", async () => (await view.state()).startsWith("Cache away"));
  },
};

async function take(browser, url, file, prepare, options) {
  const view = await openPage(browser, url, options);
  await eventually("live", async () => /^(Live|Cache away)/.test(await view.state()));
  await prepare(view);
  await view.page.screenshot({ path: file });
  await view.close();
}

async function main(word) {
  if (!word) throw new Error("which folder? node tests/web/screenshots.mjs DIR | --docs");
  const folder = word === "--docs" ? path.join(root, "docs") : path.resolve(word);
  mkdirSync(folder, { recursive: true });
  const browser = await startBrowser();
  const pipeline = await Pipeline.start();
  const picture = (name, prepare, options) => take(browser, pipeline.url, path.join(folder, `${name}.png`), prepare, options);
  if (word === "--docs") {
    await fill(pipeline);
    await picture("page", async (view) => {
      await view.submit("edgar", "12.50", "7");
      await eventually("the total", async () => / now has /.test(await view.text("#accepted")));
      await eventually("the pane", async () => (await view.page.$$("#sent li")).length === 1);
    }, { viewport: { width: 1366, height: 657 } });
    const bytes = statSync(path.join(folder, "page.png")).size;
    if (bytes > PICTURE_BYTES_MAX) throw new Error(`docs/page.png has ${bytes} bytes`);
  } else {
    await picture("empty", states.busy, { viewport: SIZES[0] });
    await fill(pipeline);
    for (const viewport of SIZES) {
      for (const [name, prepare] of Object.entries(states)) {
        for (const colorScheme of ["light", "dark"]) {
          await picture(`${viewport.width}-${name}-${colorScheme}`, prepare, { viewport, colorScheme });
        }
      }
    }
  }
  await browser.close();
  await pipeline.stop();
}

await main(process.argv[2]);
