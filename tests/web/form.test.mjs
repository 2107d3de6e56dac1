// The lower half of the page: the form.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser, WITHOUT_KEYS } from "./harness.mjs";

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

  // Users are named after the test, so tests share the pipeline, but those whose totals hide others.
  const formTest = (name, body, { own = false } = {}) => test(name, async () => {
    const source = own ? await Pipeline.start() : pipeline;
    view = await openPage(browser, source.url);
    page = view.page;
    await body(source);
    await view.close();
    if (own) await source.stop();
  });
  const errorAt = async (field) => {
    const id = (await page.getAttribute(`#${field}`, "aria-describedby")).split(" ").find((each) => each.endsWith("-error"));
    return { invalid: await page.getAttribute(`#${field}`, "aria-invalid"), text: await view.text(`#${id}`) };
  };
  const marked = () =>
    page.$$eval("#list .mine", (rows) => rows.map((row) => row.querySelector("bdi").textContent).join());
  const fine = { invalid: null, text: "" };

  const now = (user, sum, count, rank) => ` ${user} now has ${sum} in ${count}, rank ${rank}.`;

  formTest("a batch is submitted, said to be accepted, then what the user has, and the row is marked", async () => {
    await view.submit("edgar", "12.50", "7");
    await becomes("the answer", () => view.text("#accepted"),
      `Accepted: 7 payments of 12.50 for edgar.${now("edgar", "87.50", "7 payments", 1)}`);
    await becomes("the sum", () => view.sumOf("edgar"), "87.50");
    assert.equal(await page.inputValue("#user"), "");
    assert.equal(await page.inputValue("#volume"), "1");
    await becomes("the row that stands out", marked, "edgar");
  });

  formTest("the row stands out also where the sum is in the list before the answer", async () => {
    await page.route("**/api/payments", async (route) => {
      const answer = await route.fetch();
      await becomes("the sum", () => view.sumOf("early"), "5.00");
      await page.route("**/api/stats*", () => {}); // the refresh a second later would make up for it
      await route.fulfill({ response: answer });
    });
    await view.submit("early", "5", "1");
    await becomes("the row that stands out", marked, "early");
    await page.unroute("**/api/stats*");
  });

  formTest("the row of a user far down, and on another page, is brought into sight", async (crowded) => {
    await crowded.post(...Array.from({ length: 250 }, (_, i) => ({ user: `crowd${i}`, paymentAmt: String(1000 - i), volume: "1" })));
    await eventually("the first page", async () => (await view.rows()).length === 100);
    await view.submit("crowd160", "0.25", "1");
    await eventually("the row", async () => await marked() === "crowd160" && await view.inSight("crowd160"));
    assert.match(await view.text("#position"), /^101–200 of /);
    const rank = (await view.rows()).find((row) => row[1] === "crowd160")[0];
    await becomes("the answer", () => view.text("#accepted"),
      `Accepted: 1 payment of 0.25 for crowd160.${now("crowd160", "840.25", "2 payments", rank)}`);
    await page.fill("#filter", "nobody");
    await becomes("the list", () => view.text("#list"), "No user’s name begins with nobody.");
    await view.submit("crowd5", "0.25", "1");
    await eventually("the row", async () => await marked() === "crowd5" && await view.inSight("crowd5"));
    assert.equal(await page.inputValue("#filter"), "", "the search that hid it is gone");
  }, { own: true });

  formTest("a total that does not follow in time is said so, and nothing is made up", async () => {
    await page.route("**/api/payments", (route) => route.fulfill({ contentType: "application/json", body: '{"accepted":1}' }));
    await view.submit("slow", "1");
    await becomes("the answer", () => view.text("#accepted"), "Accepted: 1 payment of 1 for slow. The total follows.");
  });

  formTest("Enter pressed twice sends once, and makes no error of it", async () => {
    let posts = 0;
    page.on("request", (request) => { if (request.method() === "POST") posts += 1; });
    await page.fill("#user", "twice");
    await page.fill("#paymentAmt", "5");
    await page.press("#paymentAmt", "Enter");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted: 1 payment of 5 for twice."));
    await page.keyboard.press("Enter");
    await page.click("#submit", { force: true });
    await becomes("the sum", () => view.sumOf("twice"), "5.00");
    for (const field of ["user", "paymentAmt", "volume"]) assert.deepEqual(await errorAt(field), fine, field);
    assert.match(await view.text("#accepted"), /^Accepted/);
    assert.equal(posts, 1);
    await view.submit("twice", "5");
    await becomes("the sum", () => view.sumOf("twice"), "10.00");
    assert.equal(posts, 2);
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
    assert.equal(await view.text("#hint"), "30 payments, 3.00 together.");
    await page.fill("#paymentAmt", "abc");
    assert.match(await view.text("#hint"), /^Volume is how many/);
  });

  formTest("a decimal comma is sent as a point, and shown so before", async () => {
    let sent = null;
    page.on("request", (request) => { if (request.method() === "POST") sent = request.postDataJSON(); });
    await page.fill("#paymentAmt", "12,5");
    assert.match(await view.text("#hint"), /^12,5 is sent as 12\.5\./);
    await view.submit("comma", "12,5", "2");
    await becomes("the sum", () => view.sumOf("comma"), "25.00");
    assert.equal(sent.paymentAmt, "12.5");
  });

  formTest("a comma before three digits is refused with both readings, and nothing is sent", async () => {
    const asked = [];
    await becomes("the state", view.state, "Live");
    page.on("request", (request) => asked.push(request.url()));
    await page.fill("#paymentAmt", "1,234");
    await page.fill("#volume", "1");
    await page.press("#volume", "Enter");
    await becomes("the focus", view.focused, "paymentAmt");
    assert.deepEqual(await errorAt("paymentAmt"), { invalid: "true", text: "1,234 can be read as 1234 or as 1.234: enter one of them" });
    assert.deepEqual(asked, []);
  });

  const options = () => page.$$eval("#known option", (all) => all.map((each) => each.value));

  formTest("while a user is typed the page says who is meant", async () => {
    await pipeline.post({ user: "Edgar Known", paymentAmt: "7", volume: "3" }, { user: "Édouard", paymentAmt: "1", volume: "1" },
      { user: " led by a space", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("Edgar Known"), "21.00");
    await page.fill("#user", "Edgar Known");
    await becomes("the hint", () => view.text("#user-hint"), "Edgar Known has 21.00 in 3 payments.");
    await page.fill("#user", "Edgar K");
    await becomes("the suggestions", options, ["Edgar Known"]);
    await becomes("the hint", () => view.text("#user-hint"), "Edgar K is a new user.");
    for (const [typed, seen, known, way] of [
      ["edgar known", "edgar known", "Edgar Known", "upper and lower case"],
      ["EDGAR kNOWN", "EDGAR kNOWN", "Edgar Known", "upper and lower case"],
      ["Edgar Known ", "Edgar Known␣", "Edgar Known", "spaces around it"],
      ["led by a space", "led by a space", "␣led by a space", "spaces around it"],
      ["E\u0301douard", "E\u0301douard", "Édouard", "how its accents are made"],
      [" e\u0301douard", "␣e\u0301douard", "Édouard", "spaces around it and upper and lower case and how its accents are made"],
    ]) {
      await page.fill("#user", typed);
      await becomes("the hint", () => view.text("#user-hint"), `${seen} is a new user. There is ${known}, which differs only by ${way}.`);
    }
    await page.fill("#user", "");
    await becomes("the hint", () => view.text("#user-hint"), "");
  });

  formTest("where the server cannot say who is there, the page says nothing of it", async () => {
    await page.route("**/api/stats**", (route) => route.fulfill({ status: 503, body: "{}" }));
    const asked = page.waitForRequest((request) => request.url().includes("q=somebody"));
    await page.fill("#user", "somebody");
    await asked;
    await page.unroute("**/api/stats**");
    await page.fill("#user", "somebody else");
    await becomes("the hint", () => view.text("#user-hint"), "somebody else is a new user.");
  });

  for (const mode of ["Paused", "Live"]) {
    formTest(`one second after a submit the list refreshes by itself (${mode})`, async () => {
      if (mode === "Paused") await page.click("#live");
      const user = `after-${mode}`;
      let posted = null;
      const asked = [];
      page.on("request", (request) => { if (request.method() === "POST") posted = request; });
      await becomes("the state", view.state, mode);
      page.on("request", (request) => { if (/api\/stats\?limit=100&offset=0$/.test(request.url())) asked.push(request); });
      await view.submit(user, "3");
      await eventually("the refresh", async () => asked.length > 0);
      await becomes("the sum", () => view.sumOf(user), "3.00");
      await becomes("the row that stands out", marked, user);
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
      assert.equal(text, { user: "Enter a user", paymentAmt: "Enter an amount such as 12.50",
        volume: "Enter a whole number such as 7 as volume" }[field]);
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

  const older = async () => {
    await page.route("**/api/idempotency", (route) => route.fulfill(WITHOUT_KEYS));
    await page.reload();
    await becomes("the state", view.state, "Live");
  };
  const unknown = "so it is not known whether this was taken, or even more than once. Look at the list before you send it again.";

  formTest("without keys, when no answer comes it says that the outcome is not known, and the batch is among those that were sent", async () => {
    await older();
    await page.route("**/api/payments", (route) => route.abort());
    await view.submit("lost", "1");
    await becomes("the answer", () => view.text("#refused"), `No answer came, ${unknown}`);
    assert.equal(await page.inputValue("#user"), "lost");
    await eventually("what was sent", async () => /lost\s+1 × 1\s+Pay again\s+not known whether it was taken/.test(await view.text("#sent")));
  });

  // What a proxy in between answers says nothing about the server behind it.
  for (const [what, answer, seen] of [
    ["a proxy's 502", { status: 502, body: "<h1>Bad Gateway</h1>" }, /^The server answered 502 Bad Gateway, so it is not known/],
    ["a proxy's 504 in JSON", { status: 504, contentType: "application/json", body: '{"title":"timeout"}' }, /^The server answered 504 .*, so it is not known/],
    ["a proxy's problem document", { status: 504, contentType: "application/problem+json",
      body: '{"type":"about:blank","title":"Gateway Timeout","status":504}' }, /^The server answered 504 .*, so it is not known/],
    ["a page in place of an answer", { status: 200, contentType: "text/html", body: "<h1>Log in</h1>" }, /^The server answered 200 OK, so it is not known/],
    ["the server's own doubt", { status: 503, contentType: "application/problem+json",
      body: '{"type":"urn:paystats:problem:outcome-unknown","title":"The outcome is not known","status":503}' },
    /^The outcome is not known, so it is not known/],
  ]) {
    formTest(`without keys, ${what} leaves the outcome open`, async () => {
      await older();
      await page.route("**/api/payments", (route) => route.fulfill(answer));
      await view.submit("proxied", "1");
      await eventually("the answer", async () => seen.test(await view.text("#refused")) || view.text("#refused"));
      await eventually("what was sent", async () => /proxied/.test(await view.text("#sent")));
    });
  }

  for (const [what, answer, seen] of [
    ["a proxy that lets nobody in", { status: 403, body: "no" }, /^The server answered 403 Forbidden\./],
    ["a full disk", { status: 507, contentType: "application/problem+json",
      body: '{"type":"urn:paystats:problem:not-stored","title":"Not stored","status":507}' }, /^Not stored\./],
  ]) {
    formTest(`${what} is a refusal, and nothing is among what was sent`, async () => {
      await page.route("**/api/payments", (route) => route.fulfill(answer));
      await view.submit("refused-user", "1");
      await eventually("the answer", async () => seen.test(await view.text("#refused")) || view.text("#refused"));
      // It stood there while the answer was waited for, and what was sent is drawn after the answer.
      await eventually("what was sent", async () => !/refused-user/.test(await view.text("#sent")));
    });
  }

  formTest("offline, nothing is sent, and the page says so", async () => {
    let posts = 0;
    page.on("request", (request) => { if (request.method() === "POST") posts += 1; });
    await page.context().setOffline(true);
    await view.submit("offline", "1");
    await becomes("the answer", () => view.text("#refused"), "Not sent: the server cannot be reached. The form keeps what you typed.");
    assert.equal(posts, 0);
    assert.equal(await page.inputValue("#user"), "offline");
    assert.doesNotMatch(await view.text("#sent"), /offline/);
    await page.context().setOffline(false);
    await page.click("#submit");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted"));
    assert.equal(posts, 1);
  });

  formTest("without keys, a page that is closed before the answer has the batch among what was sent", async () => {
    await older();
    await page.route("**/api/payments", () => {});
    await view.submit("closed", "1");
    await eventually("the batch", async () => /closed/.test(await view.text("#sent")));
    await page.reload();
    await eventually("the batch", async () => /closed\s+1 × 1\s+Pay again\s+not known whether it was taken/.test(await view.text("#sent")));
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
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted: 7 payments of 12.50 for first."));
    assert.equal(await page.inputValue("#user"), "second");
    assert.equal(await page.inputValue("#paymentAmt"), "3");
    assert.equal(await page.inputValue("#volume"), "7", "a form that has changed keeps all that is in it");
    assert.equal(await view.focused(), "paymentAmt");
    await page.click("#submit");
    await becomes("the sum", () => view.sumOf("second"), "21.00");
  });

  formTest("a payment that is long on its way is said so, and so is that the next one has to wait", async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/api/payments", async (route) => {
      await held;
      await route.continue();
    });
    await view.submit("long", "12.50", "7");
    await becomes("the line", () => view.text("#accepted"), "Sending 7 × 12.50 for long.");
    await page.fill("#user", "next");
    assert.equal(await view.text("#accepted"), "Sending 7 × 12.50 for long.");
    await page.press("#user", "Enter");
    assert.equal(await view.text("#accepted"), "Sending 7 × 12.50 for long. The next one can be sent after its answer.");
    await page.press("#user", "Enter");
    release();
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted: 7 payments of 12.50 for long."));
    assert.equal(await page.inputValue("#user"), "next");
  });

  formTest("two batches for one user, one right after the other: each waits for both", async () => {
    await view.submit("both", "5", "3");
    await eventually("the first answer", async () => (await view.text("#accepted")).startsWith("Accepted: 3"));
    await view.submit("both", "5", "4");
    await becomes("the line", () => view.text("#accepted").then((text) => text.replace(/, rank.*/, "")),
      "Accepted: 4 payments of 5 for both. both now has 35.00 in 7 payments");
  });

  formTest("while the pipeline catches up nothing is said of what a user has", async () => {
    await pipeline.post({ user: "partial", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("partial"), "1.00");
    const partial = { instance: "ffffffffffffffff", version: 1, ready: false, offset: 0, users: 1, sum: "1.00", count: 1, matches: 1,
      stats: [{ rank: 1, user: "partial", sum: "1.00", count: 1 }] };
    await page.route("**/api/stats?**", (route) => route.fulfill({ contentType: "application/json",
      body: JSON.stringify(/q=partial/.test(route.request().url()) ? partial : { ...partial, matches: 0, stats: [] }) }));
    const asked = page.waitForResponse((response) => /q=stranger$/.test(response.url()));
    await page.fill("#user", "stranger");
    await (await asked).finished();
    await view.submit("partial", "1");
    await becomes("the line", () => view.text("#accepted"), "Accepted: 1 payment of 1 for partial. The total follows.");
    assert.equal(await view.text("#user-hint"), "");
  });

  formTest("a search that is typed while a total is awaited stays", async () => {
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await view.submit("before-search", "1");
    await eventually("the answer", async () => / now has /.test(await view.text("#accepted")));
    await page.route("**/api/stats?limit=50&q=awaited", async (route) => {
      if (!/^Accepted/.test(await view.text("#accepted"))) return route.continue();
      await held;
      return route.continue();
    });
    await view.submit("awaited", "1");
    await eventually("the answer", async () => /^Accepted: .* awaited/.test(await view.text("#accepted")));
    await page.fill("#filter", "before");
    await becomes("the users", view.users, ["before-search"]);
    release();
    await eventually("the total", async () => / now has /.test(await view.text("#accepted")));
    assert.equal(await page.inputValue("#filter"), "before");
    assert.deepEqual(await view.users(), ["before-search"]);
  });

  formTest("a name that differs only by case is found among thousands, too", async (crowded) => {
    for (const [count, prefix] of [[1100, "guest1"], [1100, "ida"]]) {
      await crowded.post(...Array.from({ length: count }, (_, i) => ({ user: `${prefix}${i + 1000}`, paymentAmt: "9000", volume: "1" })));
    }
    await crowded.post({ user: "guest1", paymentAmt: "1", volume: "1" }, { user: "ida ", paymentAmt: "1", volume: "1" });
    await becomes("the users", async () => (await crowded.stats()).users, 2202);
    for (const [typed, known, way] of [["Guest1", "guest1", "upper and lower case"], ["ida", "ida␣", "spaces around it"]]) {
      await page.fill("#user", typed);
      await becomes("the hint", () => view.text("#user-hint"), `${typed} is a new user. There is ${known}, which differs only by ${way}.`);
    }
  }, { own: true });

  formTest("a hint that could not be had is asked for again", async () => {
    await pipeline.post({ user: "McDonald", paymentAmt: "1", volume: "1" });
    await becomes("the sum", () => view.sumOf("McDonald"), "1.00");
    await page.fill("#filter", "nobody"); // the list would know
    await becomes("the users", view.users, []);
    await page.context().setOffline(true);
    await page.type("#user", "mcdonal");
    await page.context().setOffline(false);
    await page.type("#user", "d");
    await eventually("the hint", async () => /There is McDonald/.test(await view.text("#user-hint")));
  });

  formTest("half a surrogate pair is refused, and does no harm to the search", async () => {
    await page.evaluate(() => { document.querySelector("#user").value = "half\ud800"; });
    await page.fill("#paymentAmt", "1");
    await page.click("#submit");
    await eventually("the answer", async () => /half of a surrogate pair/.test(await view.text("#refused")));
    await page.evaluate(() => {
      document.querySelector("#filter").value = "half\ud800";
      document.querySelector("#filter").dispatchEvent(new Event("input", { bubbles: true }));
    });
    await becomes("the list", () => view.text("#list"), "No user’s name begins with half\ufffd.");
  });

  formTest("with many other windows open a payment still leaves the browser", async () => {
    const others = await Promise.all(Array.from({ length: 5 }, async () => {
      const other = await page.context().newPage();
      await other.goto(pipeline.url);
      await becomes("the state", () => other.innerText("#state"), "Live");
      return other;
    }));
    await view.submit("crowded-browser", "1");
    await eventually("the answer", async () => (await view.text("#accepted")).startsWith("Accepted: 1 payment of 1 for crowded-browser."), 20000);
    await becomes("the state", view.state, "Live");
    for (const other of others) await other.close();
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
