// Takes pictures of the page through the real pipeline, to be looked at:
//
//   node tests/web/screenshots.mjs DIR      empty, busy, error, away, dark, narrow, narrow-error
//   node tests/web/screenshots.mjs --docs   docs/page.png, the one in the README
//
// What is on them is made up, and the same each time but for the clock.

import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { becomes, eventually, openPage, Pipeline, root, startBrowser } from "./harness.mjs";

const PICTURE_BYTES_MAX = 200000;
const names = ["edgar", "alma", "john", "ida", "Łukasz", "zoë", "مريم", "nils", "maria.fernandez@example.org",
  "<script>alert(1)</script>", "ruth", "ada", "a\u202etxt.exe", "otto", "lin", "sven", "tove", "yuki", "omar", "eva"];
const batches = names.map((user, i) => ({
  user,
  paymentAmt: `${(12 + ((i * 37) % 29)).toString()}.${String((i * 53) % 100).padStart(2, "0")}`,
  volume: String(Math.round(420 / (i + 1) ** 0.8)),
}));

const wide = { viewport: { width: 1200, height: 860 } };
const narrow = { viewport: { width: 360, height: 780 } };

async function fill(pipeline) {
  await pipeline.post(...batches);
  pipeline.append({ user: "refunded", paymentAmt: -120.5 });
  await becomes("the users", async () => (await pipeline.stats()).users, batches.length + 1);
  await becomes("ready", async () => (await pipeline.stats()).ready, true);
}

async function take(browser, url, file, { prepare = async () => {}, whole = true, ...options } = {}) {
  const view = await openPage(browser, url, options);
  await eventually("live", async () => /^(Live|Cache away|Every)/.test(await view.state()));
  await prepare(view);
  await view.page.screenshot({ path: file, fullPage: whole });
  await view.close();
}

async function main(word) {
  if (!word) throw new Error("which folder? node tests/web/screenshots.mjs DIR | --docs");
  const folder = word === "--docs" ? path.join(root, "docs") : path.resolve(word);
  mkdirSync(folder, { recursive: true });
  const browser = await startBrowser();
  const pipeline = await Pipeline.start();
  const picture = (name, options) => take(browser, pipeline.url, path.join(folder, `${name}.png`), options);
  const typing = { prepare: async ({ page }) => {
    await page.fill("#user", "edgar");
    await page.fill("#paymentAmt", "12.50");
    await page.fill("#volume", "7");
  } };
  const failing = { prepare: async (view) => {
    await view.submit("", "12,50x", "0");
    await becomes("the focus", view.focused, "user");
  } };
  if (word === "--docs") {
    await fill(pipeline);
    await picture("page", { ...wide, ...typing });
    const bytes = statSync(path.join(folder, "page.png")).size;
    if (bytes > PICTURE_BYTES_MAX) throw new Error(`docs/page.png has ${bytes} bytes`);
  } else {
    await picture("empty", wide);
    await fill(pipeline);
    await picture("busy", { ...wide, ...typing });
    await picture("error", { ...wide, ...failing });
    await picture("dark", { ...wide, ...typing, colorScheme: "dark" });
    await picture("narrow", narrow);
    await picture("narrow-error", { ...narrow, ...failing, colorScheme: "dark" });
    await picture("away", { ...wide, prepare: async (view) => {
      await view.page.route("**/api/**", (route) => route.fulfill({ status: 503, body: "{}" }));
      await view.page.click("#refresh");
      await eventually("away", async () => (await view.state()).startsWith("Cache away"));
    } });
  }
  await browser.close();
  await pipeline.stop();
}

await main(process.argv[2]);
