// The arithmetic of the page, in the browser that runs it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openPage, Pipeline, startBrowser } from "./harness.mjs";

describe("amounts", () => {
  let browser, pipeline, view;
  before(async () => {
    browser = await startBrowser();
    pipeline = await Pipeline.start();
    view = await openPage(browser, pipeline.url);
  });
  after(async () => {
    await view.close();
    await browser.close();
    await pipeline.stop();
  });
  const call = (name, ...texts) => view.page.evaluate(async ([f, words]) => {
    const amounts = await import("./amounts.js");
    const big = (word) => (typeof word === "string" && /^-?\d+n$/.test(word) ? BigInt(word.slice(0, -1)) : word);
    const answer = amounts[f](...words.map(big));
    return typeof answer === "bigint" ? `${answer}n` : answer;
  }, [name, texts]);

  const cases = [
    ["grouped", ["0.00"], "0.00"],
    ["grouped", ["999.10"], "999.10"],
    ["grouped", ["1000.00"], "1,000.00"],
    ["grouped", ["-1234567.125"], "−1,234,567.125"],
    ["grouped", ["123456789012345678901234567890.123456789"], "123,456,789,012,345,678,901,234,567,890.123456789"],
    ["units", ["-0.5"], "-500000000n"],
    ["units", ["123456789012345678901.000000001"], "123456789012345678901000000001n"],
    ["units", ["1e5"], null],
    ["units", [""], null],
    ["proportion", ["5n", "10n"], 0.5],
    ["proportion", ["-5n", "10n"], 0],
    ["proportion", ["-5n", "-1n"], 0],
    ["share", ["1n", "3n"], "33.3 %"],
    ["share", ["2n", "3n"], "66.7 %"],
    ["share", ["3n", "3n"], "100.0 %"],
    ["share", ["0n", "3n"], "0.0 %"],
    ["share", ["1n", "100000n"], "< 0.1 %"],
    ["share", ["1n", "0n"], ""],
    ["share", ["1n", "-5n"], ""],
    ["share", ["-1n", "5n"], ""],
    ["share", ["9n", "5n"], ""],
    ["product", ["12.50", "7"], "87.50"],
    ["product", ["0.000000001", "1"], "0.000000001"],
    ["product", ["-0.1", "3"], "-0.30"],
    ["product", ["12,5", "3"], null],
    ["product", ["12.5", ""], null],
  ];
  for (const [name, texts, wanted] of cases) {
    test(`${name}(${texts.join(", ")}) is ${wanted}`, async () => assert.equal(await call(name, ...texts), wanted));
  }
});
