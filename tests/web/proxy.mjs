// A proxy between the browser and the server that loses answers, in the ways in which a network does.
//
//   const proxy = await Proxy.start(pipeline);
//   proxy.fate = (request) => "reset";   // asked for each request to api/payments: {method, key, number}
//   proxy.requests                       // [{method, key, body}] that came
//
//   pass     as it came                  refuse   the server takes it, and the answer says that it is busy
//   reset    the server takes it; RST    part     the server takes it; RST amid the answer
//   end      the server takes it; FIN    before   the server never sees it; RST
//   late     the answer takes its time   {kill}   the server takes it; kill() is called, then RST
//   limit    the server takes it, and the answer is a page of a proxy that says 429

import { createServer, request as httpRequest } from "node:http";

const LATE_MS = 1500;
const BUSY = JSON.stringify({ type: "urn:paystats:problem:busy", title: "Too much at once", status: 503 });

export class Proxy {
  static async start(pipeline) {
    const proxy = new Proxy();
    Object.assign(proxy, { pipeline, fate: () => "pass", requests: [] });
    proxy.server = createServer((incoming, outgoing) => proxy.take(incoming, outgoing));
    await new Promise((resolve) => { proxy.server.listen(0, "127.0.0.1", resolve); });
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}/`;
    return proxy;
  }

  get posts() {
    return this.requests.filter(({ method }) => method === "POST");
  }

  // How often a page has told, by each key that it has posted.
  get keys() {
    return new Set(this.posts.map(({ key }) => key));
  }

  async take(incoming, outgoing) {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    let fate = "pass";
    if (incoming.url.startsWith("/api/payments")) {
      const request = { method: incoming.method, key: incoming.headers["idempotency-key"] ?? null, body: body.toString() };
      this.requests.push(request);
      fate = this.fate({ ...request, number: this.requests.length });
    }
    if (fate === "before") return void incoming.socket.resetAndDestroy();
    const { origin, ...headers } = incoming.headers;
    const { port } = this.pipeline;
    const passed = httpRequest({ host: "127.0.0.1", port, method: incoming.method, path: incoming.url, agent: false,
      headers: { ...headers, host: `127.0.0.1:${port}` } }, (answer) => this.answer(fate, incoming, answer, outgoing));
    passed.on("error", () => incoming.socket.resetAndDestroy());
    outgoing.on("close", () => passed.destroy());
    passed.end(body);
  }

  async answer(fate, { socket }, answer, outgoing) {
    if (fate === "late") await new Promise((resolve) => { setTimeout(resolve, LATE_MS); });
    if (fate === "reset") return void socket.resetAndDestroy();
    if (fate === "end") return void socket.end();
    if (fate === "part") return void socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"acc", () => socket.resetAndDestroy());
    if (fate === "refuse") return void outgoing.writeHead(503, { "Content-Type": "application/problem+json" }).end(BUSY);
    if (fate === "limit") return void outgoing.writeHead(429, { "Content-Type": "text/html" }).end("<p>Too many requests");
    if (fate.kill) {
      fate.kill();
      return void socket.resetAndDestroy();
    }
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
