// Debian's nginx as a reverse proxy between the browser and the server: the example of man/paystats-serve.1,
// or the site of deploy/nginx, in a process of its own, with ports and certificate of the test.
//
//   const nginx = await Nginx.start({ server: () => pipeline.port, variant: "the path is taken off" });
//   nginx.url            // https://pay.example.org:PORT/paystats/, a name that tests map to 127.0.0.1
//   await nginx.become("its own Host");
//
// A variant is the site, or the example with a change that the manual speaks of: see VARIANTS.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually, root } from "./harness.mjs";

export const NAME = "pay.example.org";
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

const site = () => readFileSync(path.join(root, "deploy/nginx/paystats.conf"), "utf8");
function example() {
  const page = readFileSync(path.join(root, "man/paystats-serve.1"), "utf8");
  const [, text] = /^\.Sh BEHIND A PROXY\n[^]*?^\.Bd -literal.*\n([^]*?)^\.Ed$/m.exec(page);
  return text.replaceAll("\\e", "\\");
}

// Each change must change something: the text may have come to say something else.
function changed(text, from, to) {
  assert.ok(text.includes(from), `the configuration has ${from}`);
  return text.replaceAll(from, to);
}
const ownHost = (text) => changed(text, "proxy_set_header Host $host;", "");
const takenOff = (text) => changed(text, "proxy_pass http://127.0.0.1:8080;", "proxy_pass http://127.0.0.1:8080/;");
const VARIANTS = {
  "the manual's example": (text) => text,
  "the path is taken off": takenOff,
  // By a server that knows no path only one that is taken off is served.
  "its own Host": (text) => ownHost(takenOff(text)),
  "deploy/nginx": site,
  // As short as people write it.
  "nothing but proxy_pass": (text) => text.replace(/location [^]*\n {4}\}/, "location / { proxy_pass http://127.0.0.1:8080; }"),
};
export const variants = Object.keys(VARIANTS);
// Not among them, since a page can do little with it: eleven payments, and one more after a minute.
export const STRICT = "deploy/nginx, a POST a minute";
VARIANTS[STRICT] = () => changed(site(), "rate=5r/s", "rate=1r/m");

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});

export class Nginx {
  // `server` is asked for the server's port each time that nginx is started.
  static async start({ server, port, variant = variants[0] }) {
    const nginx = new Nginx();
    Object.assign(nginx, { server, port: port ?? await freePort(), plainPort: await freePort(), folder: mkdtempSync(path.join(tmpdir(), "paystats-nginx.")) });
    nginx.binary = execFileSync(path.join(root, "scripts/nginx-path")).toString().trim();
    assert.ok(nginx.binary, "no nginx: run scripts/setup-nginx");
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", `/CN=${NAME}`, "-addext", `subjectAltName=DNS:${NAME}`, "-keyout", nginx.file("key"), "-out", nginx.file("pem")],
    { stdio: "ignore" });
    await nginx.become(variant);
    return nginx;
  }

  file(name) {
    return path.join(this.folder, name);
  }

  get origin() {
    return `https://${NAME}:${this.port}`;
  }

  get url() {
    return `${this.origin}${this.variant === "nothing but proxy_pass" ? "/" : "/paystats/"}`;
  }

  configuration() {
    let text = changed(VARIANTS[this.variant](example()), "listen 443", `listen 127.0.0.1:${this.port}`);
    // Of the site alone. Not every machine has IPv6.
    text = text.replaceAll("listen [::]:443", `listen 127.0.0.2:${this.port}`)
      .replaceAll("listen 80", `listen 127.0.0.1:${this.plainPort}`).replaceAll("listen [::]:80", `listen 127.0.0.2:${this.plainPort}`);
    text = changed(text, "127.0.0.1:8080", `127.0.0.1:${this.server()}`);
    text = changed(text, `/etc/ssl/certs/${NAME}.pem`, this.file("pem"));
    text = changed(text, `/etc/ssl/private/${NAME}.key`, this.file("key"));
    return `${process.getuid() === 0 ? "user root root;" : ""}
worker_processes 1;
daemon off;
pid ${this.file("pid")};
error_log ${this.file("log")};
events {}
http {
access_log off;
${TEMPORARY.map((name) => `${name}_temp_path ${this.file(name)};`).join("\n")}
${text}}
`;
  }

  async become(variant) {
    this.variant = variant;
    await this.end();
    writeFileSync(this.file("conf"), this.configuration());
    // It ends with this process, however that ends.
    this.child = spawn("setpriv", ["--pdeathsig", "QUIT", "--", this.binary, "-p", this.folder, "-e", this.file("log"), "-c", this.file("conf")],
      { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    this.child.stderr.on("data", (text) => { said += text; });
    this.ended = new Promise((resolve) => { this.child.on("exit", resolve); });
    await eventually("nginx answers", async () => {
      assert.equal(this.child.exitCode, null, `nginx has ended: ${said}`);
      return answers(this.port);
    });
  }

  async end() {
    this.child?.kill("SIGTERM");
    await this.ended;
    this.child = null;
  }

  async stop() {
    await this.end();
    rmSync(this.folder, { recursive: true });
  }
}

export const TLS = { ignoreHTTPSErrors: true }; // the certificate is the test's own

// Requests by other means than a browser: {status, headers, body}, or the answer itself to read on.
const agent = new Agent({ keepAlive: false });
export function ask(nginx, target, { method = "GET", headers = {}, body = "", servername = NAME, open = false } = {}) {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port: nginx.port, path: target, method, agent, servername, rejectUnauthorized: false,
      headers: { Host: `${NAME}:${nginx.port}`, ...(body && { "Content-Type": "application/json", "Content-Length": body.length }), ...headers } },
    async (answer) => {
      if (open) return void resolve(answer);
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode, headers: answer.headers, body: text });
    });
    request.on("error", reject);
    request.end(body);
  });
}
export const payment = (user) => JSON.stringify({ user, paymentAmt: "2.50", volume: "2" });

// What passes each connection on to the port of the server, and nothing else: ssh -L, docker -p.
export class Forwarder {
  static async start(port) {
    const forwarder = new Forwarder();
    forwarder.sockets = new Set();
    forwarder.server = createServer((client) => {
      const server = connect(port, "127.0.0.1");
      for (const [one, other] of [[client, server], [server, client]]) {
        forwarder.sockets.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => { other.destroy(); forwarder.sockets.delete(one); });
      }
    });
    await new Promise((resolve) => { forwarder.server.listen(0, "127.0.0.1", resolve); });
    forwarder.url = `http://localhost:${forwarder.server.address().port}/`;
    return forwarder;
  }

  stop() {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.close();
  }
}
