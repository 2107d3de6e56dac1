// The page and the server behind a reverse proxy: nginx as the manual sets it up, and as people do; and
// behind what only forwards connections.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { becomes, eventually, openPage, Pipeline, startBrowser } from "./harness.mjs";
import { ask, Forwarder, freePort, NAME, Nginx, payment, TLS, variants } from "./nginx.mjs";

describe("behind a proxy that the server does not know", () => {
  let browser, pipeline, nginx;
  before(async () => {
    browser = await startBrowser({ names: [NAME] });
    pipeline = await Pipeline.start();
    nginx = await Nginx.start({ server: () => pipeline.port, variant: "nothing but proxy_pass" });
    await pipeline.post({ user: "gerd", paymentAmt: "3", volume: "1" });
    await becomes("the users", async () => (await pipeline.stats()).users, 1);
  });
  after(async () => {
    await browser.close();
    await nginx.stop();
    await pipeline.stop();
  });

  for (const viewport of [{ width: 1366, height: 657 }, { width: 360, height: 640 }]) {
    test(`with nginx's own Host the page shows the totals, and at a submission says what to set: ${viewport.width} wide`, async () => {
      const view = await openPage(browser, nginx.url, { ...TLS, viewport });
      await becomes("the sum", () => view.sumOf("gerd"), "3.00");
      await becomes("the state", view.state, "Live");
      assert.equal(await view.page.isVisible("#notice"), false);
      await view.submit("edgar", "12.50", "7");
      await eventually("the line", async () => /^Not taken: the server does not know the address of this page/.test(await view.text("#refused")));
      const words = await view.text("#notice");
      assert.ok(words.includes(`--public-url ${nginx.url}`), words);
      if (process.env.PAYSTATS_SCREENSHOTS) await view.page.screenshot({ path: `${process.env.PAYSTATS_SCREENSHOTS}/notice-${viewport.width}.png` });
      assert.ok(await view.page.evaluate(() => {
        const { scrollHeight, clientHeight } = document.querySelector("#notice");
        return scrollHeight <= clientHeight;
      }), "all of it is in sight");
      assert.equal(await view.sidewaysScroll(), 0);
      assert.equal(await view.page.inputValue("#paymentAmt"), "12.50", "the form keeps what was typed");
      assert.equal(await view.page.isVisible("#unsettled"), false);
      await view.axe();
      await view.close();
      assert.equal((await pipeline.stats()).users, 1);
    });
  }

  test("with Host passed on every request says what to set, and so does a page that is open", async () => {
    await nginx.become("its own Host");
    const view = await openPage(browser, nginx.url, TLS);
    await becomes("the sum", () => view.sumOf("gerd"), "3.00");
    await nginx.become("the manual's example");
    await eventually("the state", async () => /^Refused, stale since/.test(await view.state()) || view.state());
    await eventually("the notice", async () => (await view.text("#notice")).includes(`--allow-host ${NAME}`) || view.text("#notice"));
    await view.submit("edgar", "12.50", "7");
    await eventually("the line", async () => /^Not taken: /.test(await view.text("#refused")) || view.text("#refused"));
    await view.axe();
    await view.close();
    const { status, body } = await ask(nginx, "/paystats/");
    assert.equal(status, 421);
    assert.ok(JSON.parse(body).detail.includes(`--allow-host ${NAME},`), body);
  });
});

describe("behind a proxy that --public-url names", () => {
  let browser, pipeline, nginx;
  before(async () => {
    browser = await startBrowser({ names: [NAME] });
    const port = await freePort();
    pipeline = await Pipeline.start({ args: ["--", "--public-url", `https://${NAME}:${port}/paystats`] });
    nginx = await Nginx.start({ server: () => pipeline.port, port });
  });
  after(async () => {
    await browser.close();
    await nginx.stop();
    await pipeline.stop();
  });

  variants.forEach((variant, at) => {
    test(`the page, its stream and its payments, over TLS and HTTP/2: ${variant}`, async () => {
      const user = `user${at}`;
      await nginx.become(variant);
      const view = await openPage(browser, nginx.url, TLS);
      await becomes("the state", view.state, "Live");
      const keys = [];
      view.page.on("request", (request) => { if (request.method() === "POST") keys.push(request.headers()["idempotency-key"]); });
      await view.submit(user, "12.50", "7");
      await eventually("the total", async () => (await view.text("#accepted")).includes("now has 87.50"));
      await becomes("the sum", () => view.sumOf(user), "87.50");
      assert.match(keys.join(), /^"[0-9a-f]{32}"$/);
      // From elsewhere: without a stream the page would ask, so the questions are counted.
      let asked = 0;
      view.page.on("request", (request) => { if (request.url().includes("/api/stats?limit=100")) asked += 1; });
      await pipeline.post({ user, paymentAmt: "0.01", volume: "1" });
      await becomes("the sum", () => view.sumOf(user), "87.51");
      assert.ok(asked <= 1, `asked ${asked} times: one question follows a submission`);
      const spoken = await view.page.evaluate(() => performance.getEntriesByType("navigation")[0].nextHopProtocol);
      assert.equal(spoken, "h2");
      await view.page.reload();
      await becomes("the sum", () => view.sumOf(user), "87.51");
      await view.close();
    });

    test(`an event comes while the connection goes on, and a key is paid once: ${variant}`, async () => {
      await nginx.become(variant);
      const { pathname } = new URL(nginx.url);
      const stream = await ask(nginx, `${pathname}api/stream?q=key`, { open: true });
      let heard = "";
      stream.on("data", (text) => { heard += text; });
      await eventually("the first event", async () => heard.includes("event: stats"));
      const headers = { "Idempotency-Key": `"key-${at}"`, Origin: nginx.origin };
      for (let i = 0; i < 3; i += 1) {
        const { status, body } = await ask(nginx, `${pathname}api/payments`, { method: "POST", headers, body: payment(`key-${at}`) });
        assert.equal(status, 200, body);
        assert.equal(JSON.parse(body).accepted, 2);
      }
      await eventually("the event of the payment", async () => heard.includes(`"user":"key-${at}","sum":"5.00"`) || heard);
      assert.equal(stream.complete, false);
      stream.destroy();
      assert.equal((await pipeline.stats(`/key-${at}`)).stats[0].count, 2);
    });

    test(`nothing for a foreign name or a foreign origin: ${variant}`, async () => {
      await nginx.become(variant);
      const { pathname } = new URL(nginx.url);
      await assert.rejects(ask(nginx, pathname, { servername: "evil.example" }), /unrecognized name|SSL|EPROTO/);
      assert.equal((await ask(nginx, pathname, { headers: { Host: "evil.example" } })).status, 421);
      for (const origin of ["https://evil.example", `http://${NAME}:${nginx.port}`, `https://${NAME}`, "null"]) {
        const { status } = await ask(nginx, `${pathname}api/payments`, { method: "POST", headers: { Origin: origin }, body: payment("foreign") });
        assert.equal(status, 403, origin);
        assert.equal((await ask(nginx, `${pathname}api/stats`, { headers: { Origin: origin } })).status, 403, origin);
      }
      assert.deepEqual((await pipeline.stats("?q=foreign")).stats, []);
    });
  });

  test("the path without its slash leads to the page", async () => {
    for (const variant of ["the manual's example", "the path is taken off", "deploy/nginx"]) {
      await nginx.become(variant);
      const view = await openPage(browser, `${nginx.origin}/paystats`, TLS);
      assert.equal(new URL(view.page.url()).pathname, "/paystats/");
      await becomes("the state", view.state, "Live");
      await view.close();
    }
    const direct = await fetch(`${pipeline.url}paystats?user=edgar`, { redirect: "manual" });
    assert.equal(direct.status, 308);
    assert.equal(direct.headers.get("location"), `${nginx.origin}/paystats/?user=edgar`);
  });
});

describe("behind a forwarder from another port", () => {
  test("the page works by localhost, and the page of yet another port gets nothing", async () => {
    const browser = await startBrowser();
    const pipeline = await Pipeline.start();
    const forwarder = await Forwarder.start(pipeline.port);
    const other = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>"));
    await new Promise((resolve) => { other.listen(0, "localhost", resolve); });
    try {
      const view = await openPage(browser, forwarder.url);
      await becomes("the state", view.state, "Live");
      await view.submit("edgar", "12.50", "7");
      await becomes("the sum", () => view.sumOf("edgar"), "87.50");
      await view.close();
      // To browsers it is same-site, so it is the Origin that tells it apart.
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://localhost:${other.address().port}/`);
      const seen = await page.evaluate(async ([url, body]) => {
        const tried = (target, options) => fetch(url + target, options).then(({ type, status }) => `${type} ${status}`, () => "nothing");
        const json = { method: "POST", body, headers: { "Content-Type": "application/json" } };
        return [await tried("api/stats"), await tried("api/payments", json), await tried("api/payments", { ...json, mode: "no-cors" })];
      }, [forwarder.url, payment("foreign")]);
      assert.deepEqual(seen, ["nothing", "nothing", "nothing"]);
      await context.close();
      const { status } = await fetch(`${forwarder.url}api/payments`, { method: "POST", body: payment("foreign"),
        headers: { "Content-Type": "application/json", Origin: `http://localhost:${pipeline.port}` } });
      assert.equal(status, 403);
      assert.deepEqual((await pipeline.stats("?q=foreign")).stats, []);
    } finally {
      forwarder.stop();
      other.close();
      await browser.close();
      await pipeline.stop();
    }
  });
});
