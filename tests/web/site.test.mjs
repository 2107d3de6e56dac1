// The site of deploy/nginx, beyond what behind.test.mjs asks of every proxy: what it refuses and limits.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";
import { ask, freePort, NAME, Nginx, payment, STRICT, TLS } from "./nginx.mjs";

const SITE = "deploy/nginx";
const CROWD = 40; // payments at once
const TAKEN_MAX = 11; // of which the site passes on so many, and more as time goes by
const CONNECTIONS_MAX = 64;

// A payment over a connection of HTTP/2, as of ask().
function postOn(session, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/paystats/api/payments", "content-type": "application/json", ...headers });
    let answer, text = "";
    stream.on("response", (head) => { answer = head; });
    stream.on("data", (part) => { text += part; });
    stream.on("end", () => resolve({ status: answer[":status"], headers: answer, body: text }));
    stream.on("error", reject);
    stream.end(body);
  });
}

const together = (one) => Promise.all(Array.from({ length: CROWD }, (_, at) => one(at)));

// What is too much is refused in the words of the API, and nothing else comes.
function assertTakenOrTooMuch({ status, headers, body }) {
  if (status === 200) return void assert.deepEqual(JSON.parse(body), { accepted: 2 });
  assert.equal(status, 429, body);
  assert.equal(headers["content-type"], "application/problem+json");
  assert.equal(headers["retry-after"], "1");
  assert.equal(headers["cache-control"], "no-store");
  assert.match(headers["strict-transport-security"], /^max-age=/);
  const { type, title, status: said, detail } = JSON.parse(body);
  assert.deepEqual([type, title, said], ["urn:paystats:problem:busy", "Too much to do", 429]);
  assert.match(detail, /^Not taken: /);
}

// Node.js 20 asks for all addresses, 18 for one.
const here = (_, { all }, found) => (all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4));

describe("the site of deploy/nginx", () => {
  let browser, pipeline, nginx;
  const taken = (answers) => answers.filter(({ status }) => status === 200).length;
  const countOf = async (user) => (await pipeline.stats(`/${user}`)).stats?.[0]?.count ?? 0;
  before(async () => {
    browser = await startBrowser({ names: [NAME] });
    const port = await freePort();
    pipeline = await Pipeline.start({ args: ["--", "--public-url", `https://${NAME}:${port}/paystats/`] });
    nginx = await Nginx.start({ server: () => pipeline.port, port, variant: SITE });
  });
  after(async () => {
    await browser.close();
    await nginx.stop();
    await pipeline.stop();
  });

  for (const variant of [SITE, STRICT]) {
    test(`of ${CROWD} payments at once each is taken or refused, and the total is of those that were taken: ${variant}`, async () => {
      await nginx.become(variant);
      const answers = await together(() => ask(nginx, "/paystats/api/payments", { method: "POST", body: payment(`http1 ${variant}`) }));
      answers.forEach(assertTakenOrTooMuch);
      await becomes("the total", () => countOf(encodeURIComponent(`http1 ${variant}`)), 2 * taken(answers));
      if (variant === STRICT) assert.equal(taken(answers), TAKEN_MAX);
      else assert.ok(taken(answers) >= TAKEN_MAX && taken(answers) < CROWD, `${taken(answers)} were taken`);
    });

    test(`the same over one connection of HTTP/2, with keys: what was refused is taken later, once: ${variant}`, async () => {
      await nginx.become(variant);
      const session = connect(nginx.origin, { rejectUnauthorized: false, lookup: here });
      session.on("error", () => {}); // what is sent on it has the error, too
      try {
        const user = `http2 ${variant}`;
        const send = (at) => postOn(session, payment(user), { "idempotency-key": `"${variant} ${at}"` });
        const answers = await together(send);
        answers.forEach(assertTakenOrTooMuch);
        const first = taken(answers);
        await becomes("the total", () => countOf(encodeURIComponent(user)), 2 * first);
        if (variant === STRICT) return void assert.equal(first, TAKEN_MAX);
        assert.ok(first >= TAKEN_MAX && first < CROWD, `${first} were taken`);
        const sentAgain = [...answers.keys()].filter((at) => answers[at].status === 429).slice(0, 4);
        sentAgain.push(answers.findIndex(({ status }) => status === 200));
        for (const at of sentAgain) await eventually("taken", async () => (await send(at)).status === 200);
        await becomes("the total", () => countOf(encodeURIComponent(user)), 2 * (first + 4));
      } finally {
        session.close();
      }
    });
  }

  test("the page says that it was too much, keeps what was typed, and reads on; later it is taken", async () => {
    await nginx.become(STRICT);
    const view = await openPage(browser, nginx.url, TLS);
    await becomes("the state", view.state, "Live");
    const answers = await together(() => ask(nginx, "/paystats/api/payments", { method: "POST", body: payment("crowd") }));
    assert.equal(taken(answers), TAKEN_MAX);
    await becomes("the sum", () => view.sumOf("crowd"), "55.00");
    await view.submit("edgar", "12.50", "7");
    await becomes("the line", () => view.text("#refused"),
      "Too much to do. Not taken: too many requests came from this address at once. Try again in 1 s.");
    assert.equal(await view.page.inputValue("#paymentAmt"), "12.50");
    assert.equal(await view.page.isVisible("#unsettled"), false);
    assert.equal(await countOf("edgar"), 0);
    await nginx.become(SITE);
    await view.page.click("#submit");
    await eventually("the total", async () => (await view.text("#accepted")).includes("now has 87.50") || view.text("#line"));
    assert.equal(await countOf("edgar"), 7);
    await view.close();
  });

  test("reading is not counted", async () => {
    await nginx.become(STRICT);
    const answers = await together(() => ask(nginx, "/paystats/api/stats"));
    assert.deepEqual(answers.map(({ status }) => status), Array(CROWD).fill(200));
  });

  test("one address has so many connections to the server, and gets them back", async () => {
    await nginx.become(SITE);
    const open = await Promise.all(Array.from({ length: CONNECTIONS_MAX + 6 }, () => ask(nginx, "/paystats/api/stream", { open: true })));
    const streams = open.filter(({ statusCode }) => statusCode === 200);
    const tooMany = open.filter(({ statusCode }) => statusCode === 429);
    assert.deepEqual([streams.length, tooMany.length], [CONNECTIONS_MAX, 6]);
    assert.equal(tooMany[0].headers["content-type"], "application/problem+json");
    open.forEach((each) => each.destroy());
    await eventually("a stream", async () => {
      const again = await ask(nginx, "/paystats/api/stream", { open: true });
      again.destroy();
      return again.statusCode === 200 || again.statusCode;
    });
  });

  test("a body that is too large for the server is refused in its words", async () => {
    await nginx.become(SITE);
    const { status, headers, body } = await ask(nginx, "/paystats/api/payments", { method: "POST", body: " ".repeat(1200000) });
    assert.deepEqual([status, headers["content-type"]], [413, "application/problem+json"]);
    assert.equal(JSON.parse(body).type, "urn:paystats:problem:too-large");
  });

  test("plain HTTP leads to the page by its own name, and nowhere by another", async () => {
    await nginx.become(SITE);
    const plain = (host) => new Promise((resolve, reject) => {
      httpRequest({ host: "127.0.0.1", port: nginx.plainPort, path: "/paystats/?user=edgar", headers: { Host: host }, agent: false },
        (answer) => { answer.resume(); resolve([answer.statusCode, answer.headers.location]); }).on("error", reject).end();
    });
    assert.deepEqual(await plain(NAME), [308, `https://${NAME}/paystats/?user=edgar`]);
    assert.deepEqual(await plain("evil.example"), [421, undefined]);
    assert.deepEqual(await plain("127.0.0.1"), [421, undefined]);
  });

  test("it speaks no TLS before 1.2, and shows no certificate to who does not know its name", async () => {
    await nginx.become(SITE);
    const shake = (...words) => {
      try {
        return execFileSync("openssl", ["s_client", "-connect", `127.0.0.1:${nginx.port}`, "-cipher", "DEFAULT@SECLEVEL=0", ...words],
          { input: "", stdio: ["pipe", "pipe", "pipe"] }).toString();
      } catch ({ stdout, stderr }) {
        return `${stdout}${stderr}`;
      }
    };
    assert.match(shake("-servername", NAME, "-tls1_2"), /subject=CN ?= ?/);
    for (const words of [["-servername", NAME, "-tls1_1"], ["-servername", "evil.example"], ["-noservername"]]) {
      const said = shake(...words);
      assert.match(said, /alert protocol version|unrecognized name/, words.join(" "));
      assert.doesNotMatch(said, /subject=/, words.join(" "));
    }
  });

  test("the path without its slash keeps the question; other paths, and the metrics, are not there", async () => {
    await nginx.become(SITE);
    const { status, headers } = await ask(nginx, "/paystats?user=edgar");
    assert.deepEqual([status, headers.location], [308, "/paystats/?user=edgar"]);
    for (const target of ["/", "/paystatsfoo", "/index.html", "/paystats/metrics"]) assert.equal((await ask(nginx, target)).status, 404, target);
    assert.equal((await ask(nginx, "/paystats/healthz")).status, 200);
    assert.match((await ask(nginx, "/paystats/")).headers["strict-transport-security"], /^max-age=/);
  });
});
