// SPDX-License-Identifier: AGPL-3.0-or-later
// Plain Node http. VERSION is what tests change and push.
const http = require("node:http");

const VERSION = "1";

const routes = {
  "/": (request, response) => response.end(`node-http ${VERSION}\n`),
  "/env": (request, response, name) => response.end(`${process.env[name] ?? ""}\n`),
  "/headers": (request, response) => {
    response.setHeader("content-type", "application/json");
    const { remoteAddress, remotePort, localAddress, localPort } = request.socket;
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, remoteAddress, remotePort, localAddress, localPort }));
  },
  "/whoami": (request, response) => response.end(`${process.getuid()} ${process.pid} ${process.cwd()}\n`),
  "/echo": (request, response) => request.pipe(response),
  "/slow": (request, response, ms) => setTimeout(() => response.end(`slow ${VERSION}\n`), Number(ms) || 1000),
  "/events": (request, response) => {
    response.setHeader("content-type", "text/event-stream");
    let n = 0;
    const timer = setInterval(() => response.write(`data: ${++n}\n\n`), 100);
    request.on("close", () => clearInterval(timer));
  },
  "/crash": (request, response) => {
    response.end("crashing\n");
    console.error("crash on request");
    setTimeout(() => process.exit(1), 50);
  },
  "/memory": (request, response) => {
    response.write("filling\n");
    const kept = [];
    setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 5);
  },
};

const server = http.createServer((request, response) => {
  const [, name = "", argument] = request.url.split("?")[0].split("/");
  const route = routes[`/${name}`];
  if (!route) response.statusCode = 404;
  (route ?? ((_, r) => r.end("not found\n")))(request, response, argument);
});
server.listen(process.env.PORT, () => console.log(`listening on ${JSON.stringify(server.address())}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
