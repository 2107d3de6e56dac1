#!/usr/bin/env node
// How small, and how quick, the pipeline of scripts/pipeline is, as a user meets it:
//
//   memory    the sum of Pss of all its processes, supervisor included, when idle
//   start     from the start of the command to a page that answers (median of 9)
//   submit    from Submit to the new total on the live page, in Chromium (median and 95 % of 60)
//
// node tests/bench/pipeline.mjs; it only prints: a timing is no verdict. The tools are $PAYSTATS_BIN's.

import { readFileSync, rmSync } from "node:fs";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "../web/harness.mjs";

const STARTS = 9;
const SUBMITS = 60;
const targets = { memory: 25, start: 500, submit: 50 };

const sorted = (values) => [...values].sort((a, b) => a - b);
const at = (values, share) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))];

function pssOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)[1]) / 1024;
}

async function memory(pipeline) {
  await becomes("ready", async () => (await pipeline.stats()).ready, true);
  const pids = [pipeline.child.pid, ...["paystats-serve", "paystats-cache", "payagg"].map((name) => pipeline.pid(name))];
  const rows = pids.map((pid) => [readFileSync(`/proc/${pid}/comm`, "utf8").trim(), pssOf(pid)]);
  return { rows, sum: rows.reduce((sum, [, pss]) => sum + pss, 0) };
}

async function starts(state) {
  const times = [];
  for (let i = 0; i < STARTS; i += 1) {
    const began = performance.now();
    const pipeline = await Pipeline.start({ state });
    times.push(performance.now() - began);
    await pipeline.stop();
  }
  return times;
}

// Measured in the page: from the form's submission to the change of the element that has the count.
async function submits(view) {
  const times = [];
  for (let i = 0; i < SUBMITS; i += 1) {
    await view.page.fill("#user", `bench${i % 7}`);
    await view.page.fill("#paymentAmt", "0.01");
    times.push(await view.page.evaluate(() => new Promise((resolve) => {
      const count = document.querySelector("#total-count");
      const before = count.textContent;
      let began = 0;
      new MutationObserver((_, observer) => {
        if (count.textContent === before) return;
        observer.disconnect();
        resolve(performance.now() - began);
      }).observe(count, { childList: true, characterData: true, subtree: true });
      began = performance.now();
      document.querySelector("#form").requestSubmit();
    })));
    // The refresh that follows each submit by a second is over before the next one begins.
    await view.page.waitForResponse((response) => /api\/stats\?limit=\d+&offset=\d+$/.test(response.url()));
    await eventually("the total is said", async () => / now has /.test(await view.text("#accepted")));
  }
  return times;
}

function report(name, value, unit, target, note) {
  const fine = value < target;
  console.log(`${name.padEnd(8)} ${value.toFixed(1).padStart(8)} ${unit}   (target: under ${target} ${unit}${fine ? "" : ": MISSED"})  ${note}`);
}

const pipeline = await Pipeline.start();
const { rows, sum } = await memory(pipeline);
report("memory", sum, "MB", targets.memory, rows.map(([name, pss]) => `${name} ${pss.toFixed(1)}`).join(", "));
const browser = await startBrowser();
const view = await openPage(browser, pipeline.url);
await becomes("the state", view.state, "Live");
const delays = await submits(view);
report("submit", at(delays, 0.5), "ms", targets.submit, `95 %: ${at(delays, 0.95).toFixed(1)} ms, least ${at(delays, 0).toFixed(1)} ms`);
await view.close();
await browser.close();
await pipeline.stop({ keep: true });
const times = await starts(pipeline.state);
report("start", at(times, 0.5), "ms", targets.start, `most: ${Math.max(...times).toFixed(0)} ms`);
rmSync(pipeline.state, { recursive: true, force: true });
