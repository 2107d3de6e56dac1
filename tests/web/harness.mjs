// What the tests of the page share: the real pipeline on a state of its own, a real Chromium, and
// waiting for conditions.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const bin = process.env.PAYSTATS_BIN ?? path.join(root, "build/release/bin");
const require = createRequire(path.join(root, "build/web/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// The windows that the page is laid out for: a laptop, a phone, a tablet, a large screen.
export const SIZES = [{ width: 1366, height: 657 }, { width: 360, height: 640 }, { width: 768, height: 1024 }, { width: 2560, height: 1440 }];

const LIMIT_MS = 60000; // reached only by a failure
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Asks until the answer is true; what it was last stands in the message.
export async function eventually(what, probe, limit = LIMIT_MS) {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await probe();
    if (answer === true) return;
    if (Date.now() > end) assert.fail(`${what}: not within ${limit} ms; last seen: ${JSON.stringify(answer)}`);
    await pause(15);
  }
}
// The same for a value that must come to equal another.
export async function becomes(what, probe, wanted) {
  const text = JSON.stringify(wanted);
  await eventually(`${what} is ${text}`, async () => {
    const seen = await probe();
    return JSON.stringify(seen) === text || seen;
  });
}

export class Pipeline {
  static async start({ state, port = 0, args = [] } = {}) {
    const pipeline = new Pipeline();
    pipeline.own = !state;
    pipeline.state = state ?? mkdtempSync(path.join(tmpdir(), "paystats-web."));
    const words = ["--state", pipeline.state, "--listen", `127.0.0.1:${port}`, ...args];
    // It ends with this process, however that ends.
    pipeline.child = spawn("setpriv", ["--pdeathsig", "TERM", "--", path.join(root, "scripts/pipeline"), ...words], {
      env: { ...process.env, PAYSTATS_BIN: bin },
      stdio: ["ignore", "pipe", process.env.PAYSTATS_TEST_VERBOSE ? "inherit" : "ignore"],
    });
    pipeline.ended = new Promise((resolve) => pipeline.child.on("exit", resolve));
    pipeline.url = await new Promise((resolve, reject) => {
      createInterface(pipeline.child.stdout).once("line", resolve);
      pipeline.child.on("exit", (status) => reject(new Error(`scripts/pipeline ended with ${status}`)));
    });
    pipeline.port = Number(new URL(pipeline.url).port);
    return pipeline;
  }

  // payagg's parent is the cache.
  pid(name) {
    const parent = name === "payagg" ? this.pid("paystats-cache") : this.child.pid;
    return Number(execFileSync("pgrep", ["-P", String(parent), "-x", name]).toString().trim());
  }

  kill(name, signal = "SIGKILL") {
    process.kill(this.pid(name), signal);
  }

  async stop({ keep = false } = {}) {
    this.child.kill("SIGTERM");
    await this.ended;
    if (this.own && !keep) rmSync(this.state, { recursive: true, force: true });
  }

  // Payments from elsewhere: another browser, another program.
  async post(...batches) {
    const response = await fetch(`${this.url}api/payments`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(batches),
    });
    assert.equal(response.status, 200, await response.text());
  }

  // Straight into the log, as any writer may: what the form would not take.
  append(...lines) {
    appendFileSync(path.join(this.state, "payments.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  async stats(query = "") {
    const response = await fetch(`${this.url}api/stats${query}`);
    return response.ok ? response.json() : { status: response.status };
  }
}

// What a server from before idempotency keys answers, when it is asked what it makes of them.
export const WITHOUT_KEYS = { status: 404, contentType: "application/problem+json", body: '{"type":"urn:paystats:problem:not-found","status":404}' };

// `names` are hosts that are this machine to the browser.
export async function startBrowser({ names = [] } = {}) {
  const executablePath = execFileSync(path.join(root, "scripts/chromium-path")).toString().trim();
  assert.ok(executablePath, "no Chromium: run scripts/setup-web");
  return chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      ...names.map((name) => `--host-resolver-rules=MAP ${name} 127.0.0.1`)],
  });
}

// A fresh browser profile with the page in it. A script's error, or something that the page's own
// content policy refuses, fails the test that closes it.
export async function openPage(browser, url, { hash = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: SIZES[0], ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => {
    // The browser itself notes each answer that is an error: those are looked for, not faults.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  await page.goto(url + hash);
  const view = {
    page,
    text: (selector) => page.evaluate((s) => document.querySelector(s)?.innerText ?? null, selector),
    state: () => view.text("#state"),
    focused: () => page.evaluate(() => document.activeElement.id),
    // [rank, user, sum, count, share] of each row, as it is read.
    rows: () => page.evaluate(() => [...document.querySelectorAll("#list tbody tr")].map((row) =>
      [...row.children].map((cell) => (cell.querySelector("bdi") ?? cell).textContent))),
    users: async () => (await view.rows()).map((row) => row[1]),
    sumOf: async (user) => (await view.rows()).find((row) => row[1] === user)?.[2] ?? null,
    // Whether the user's row can be seen, whole, in the frame of the list.
    inSight: (user) => page.evaluate((name) => {
      const row = [...document.querySelectorAll("#rows tbody tr")].find((each) => each.querySelector("bdi").textContent === name);
      if (!row) return false;
      const inside = row.getBoundingClientRect();
      const frame = document.querySelector("#list").getBoundingClientRect();
      const head = document.querySelector("#rows thead th").getBoundingClientRect();
      const top = head.height > 1 ? head.bottom : frame.top;
      return inside.top >= top - 1.5 && inside.bottom <= frame.bottom + 0.5;
    }, user),
    // How far anything reaches out of the window to the right, cut off by its parent or not.
    sidewaysScroll: () => page.evaluate(() => {
      const reach = [...document.querySelectorAll("main *, header *")]
        .filter((element) => !element.closest(".hidden, thead, datalist, .figures"))
        .map((element) => element.getBoundingClientRect().right);
      return Math.max(document.documentElement.scrollWidth, ...reach) - document.documentElement.clientWidth;
    }),
    submit: async (user, amount, volume = "1") => {
      await page.fill("#user", user);
      await page.fill("#paymentAmt", amount);
      await page.fill("#volume", volume);
      await page.click("#submit");
    },
    axe: async () => {
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      }));
      assert.ok(passes.length > 10, "axe looked at next to nothing");
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`), []);
    },
    close: async () => {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
  await eventually("the first list", async () => (await page.$$("#rows > *")).length > 0);
  return view;
}
