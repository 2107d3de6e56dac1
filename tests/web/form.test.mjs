// The lower half of the page: the form.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";

describe("the form", () => {
  let browser, pipeline, view, page;
  before(async () => {
    browser = await startBrowser();
    pipeline = await Pipeline.start();
  });
  after(async () => {
    await browser.close();
    await pipeline.stop();
  });

  // Users are named after the test, so tests share the pipeline.
  const formTest = (name, body) => test(name, async () => {
    view = await openPage(browser, pipeline.url);
    page = view.page;
    await body();
    await view.close();
  });
  const errorAt = async (field) => {
    const id = (await page.getAttribute(`#${field}`, "aria-describedby")).split(" ")[0];
    return { invalid: await page.getAttribute(`#${field}`, "aria-invalid"), text: await view.text(`#${id}`) };
  };
  const marked = () =>
    page.$$eval("#list .mine", (rows) => rows.map((row) => row.querySelector("bdi").textContent).join());
  const fine = { invalid: null, text: "" };

  formTest("a batch is submitted, said to be accepted, and in the list", async () => {
    await view.submit("edgar", "12.50", "7");
    await becomes("the answer", () => view.text("#accepted"), "Accepted: 7 payments of 12.50 for edgar.");
    await becomes("the sum", () => view.sumOf("edgar"), "87.50");
    assert.equal(await page.inputValue("#user"), "");
    assert.equal(await page.inputValue("#volume"), "1");
    await becomes("the row that stands out", marked, "edgar");
  });

  formTest("the row stands out also where the sum is in the list before the answer", async () => {
    await page.route("**/api/stats*", () => {}); // the refresh a second later would make up for it
    await page.route("**/api/payments", async (route) => {
      const answer = await route.fetch();
      await becomes("the sum", () => view.sumOf("early"), "5.00");
      await route.fulfill({ response: answer });
    });
    await view.submit("early", "5", "1");
    await becomes("the row that stands out", marked, "early");
  });

  formTest("an amount is sent as the text that was typed, and summed exactly", async () => {
    let sent = null;
    page.on("request", (request) => { if (request.method() === "POST") sent = request.postData(); });
    await view.submit("exact", "0.1", "3");
    await becomes("the sum", () => view.sumOf("exact"), "0.30");
    assert.equal(sent, '{"user":"exact","paymentAmt":"0.1","volume":"3"}');
    await view.submit("exact", "123456789012345.123456789", "1");
    await becomes("the sum", () => view.sumOf("exact"), "123,456,789,012,345.423456789");
  });

  formTest("what a batch is worth is said before it is sent", async () => {
    await page.fill("#paymentAmt", "0.1");
    await page.fill("#volume", "30");
    assert.equal(await view.text("#volume-hint"), "30 payments, 3.00 together.");
    await page.fill("#paymentAmt", "abc");
    assert.match(await view.text("#volume-hint"), /^Volume is how many/);
  });

  for (const mode of ["off", "every", "live"]) {
    formTest(`one second after a submit the list refreshes by itself (${mode})`, async () => {
      if (mode === "every") {
        await page.fill("#seconds", "3600").catch(() => {});
        await page.check("[value=every]");
        await page.fill("#seconds", "3600");
        await page.press("#seconds", "Tab");
      } else {
        await page.check(`[value=${mode}]`);
      }
      const user = `after-${mode}`;
      let posted = null;
      const asked = [];
      page.on("request", (request) => { if (request.method() === "POST") posted = request; });
      await becomes("the state", view.state, { off: "Updates off", every: "Every 3600 s", live: "Live" }[mode]);
      page.on("request", (request) => { if (request.url().includes("/api/stats")) asked.push(request); });
      await view.submit(user, "3");
      await eventually("the refresh", async () => asked.length > 0);
      await becomes("the sum", () => view.sumOf(user), "3.00");
      // By the browser's own clock.
      const { startTime, responseEnd } = posted.timing();
      const waited = asked[0].timing().startTime - (startTime + responseEnd);
      assert.ok(waited > 900 && waited < 60000, `asked after ${waited} ms`);
      assert.equal(asked.length, 1);
    });
  }

  formTest("each error stands at its field, and the first has the focus", async () => {
    await view.submit("", "12,50x", "0");
    await becomes("the focus", view.focused, "user");
    for (const field of ["user", "paymentAmt", "volume"]) {
      const { invalid, text } = await errorAt(field);
      assert.equal(invalid, "true", field);
      assert.match(text, /^[A-Z].{3,}/, field);
      assert.ok(!text.includes(`${field}:`), "the label says which field it is");
    }
    assert.equal(await page.inputValue("#paymentAmt"), "12,50x", "what was typed stays");
    await page.fill("#user", "someone");
    assert.deepEqual(await errorAt("user"), fine);
    assert.equal((await errorAt("paymentAmt")).invalid, "true");
  });

  const refused = [
    ["paymentAmt", "letters for an amount", { amount: "abc" }],
    ["paymentAmt", "no amount", { amount: "" }],
    ["paymentAmt", "an amount of zero", { amount: "0.00" }],
    ["paymentAmt", "a negative amount", { amount: "-5" }],
    ["paymentAmt", "ten digits after the point", { amount: "0.1234567891" }],
    ["volume", "a volume of zero", { volume: "0" }],
    ["volume", "half a payment", { volume: "1.5" }],
    ["volume", "a volume in words", { volume: "seven" }],
    ["volume", "no volume", { volume: "" }],
    ["user", "no user", { user: "" }],
    ["user", "a user of more than 1,024 bytes", { user: "x".repeat(1025) }],
  ];
  for (const [field, what, { user = "refused", amount = "1", volume = "1" }] of refused) {
    formTest(`${what} is refused at the field`, async () => {
      await view.submit(user, amount, volume);
      await becomes("the focus", view.focused, field);
      for (const other of ["user", "paymentAmt", "volume"]) {
        if (other === field) assert.equal((await errorAt(other)).invalid, "true");
        else assert.deepEqual(await errorAt(other), fine, other);
      }
      assert.equal(await view.text("#refused"), "");
      assert.equal((await pipeline.stats("?q=refused")).matches, 0);
    });
  }

  formTest("a server that has no room says when to try again, and the form keeps what was typed", async () => {
    await page.route("**/api/payments", (route) => route.fulfill({
      status: 503,
      headers: { "Retry-After": "3" },
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "urn:paystats:problem:busy", title: "Too much at once", status: 503, detail: "the queue is full" }),
    }));
    await view.submit("patient", "1");
    await becomes("the answer", () => view.text("#refused"), "Too much at once. the queue is full. Try again in 3 s.");
    assert.equal(await page.inputValue("#user"), "patient");
    await page.unroute("**/api/payments");
    await page.click("#submit");
    await becomes("the sum", () => view.sumOf("patient"), "1.00");
    assert.equal(await view.text("#refused"), "");
  });

  formTest("when no answer comes it says that the outcome is not known", async () => {
    await page.route("**/api/payments", (route) => route.abort());
    await view.submit("lost", "1");
    await eventually("the answer", async () => /not known whether/.test(await view.text("#refused")));
    assert.equal(await page.inputValue("#user"), "lost");
  });

  formTest("an answer that is no problem document is told by its status", async () => {
    await page.route("**/api/payments", (route) => route.fulfill({ status: 502, body: "<h1>Bad Gateway</h1>" }));
    await view.submit("proxied", "1");
    await eventually("the answer", async () => /502/.test(await view.text("#refused")));
  });

  formTest("what is typed while a payment is on its way stays, and so does the focus", async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/api/payments", async (route) => {
      await held;
      await route.continue();
    });
    await view.submit("first", "12.50", "7");
    await page.fill("#user", "second");
    await page.fill("#paymentAmt", "3");
    release();
    await becomes("the answer", () => view.text("#accepted"), "Accepted: 7 payments of 12.50 for first.");
    assert.equal(await page.inputValue("#user"), "second");
    assert.equal(await page.inputValue("#paymentAmt"), "3");
    assert.equal(await page.inputValue("#volume"), "1", "what was sent is cleared");
    assert.equal(await view.focused(), "paymentAmt");
    await page.click("#submit");
    await becomes("the sum", () => view.sumOf("second"), "3.00");
  });

  formTest("a second click while one is on its way sends nothing twice", async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    let posts = 0;
    await page.route("**/api/payments", async (route) => {
      posts += 1;
      await held;
      await route.continue();
    });
    await view.submit("once", "1");
    await page.click("#submit", { force: true });
    await page.press("#user", "Enter");
    release();
    await becomes("the sum", () => view.sumOf("once"), "1.00");
    assert.equal(posts, 1);
  });
});
