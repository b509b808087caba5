// SPDX-License-Identifier: AGPL-3.0-or-later
// What HTTP servers do, with node:http; runs in Node and in Bun. bun.js answers the same paths with Bun.serve.
const { createHash } = require("node:crypto");
const { once } = require("node:events");
const http = require("node:http");

const MIB = 1 << 20;
const connections = new WeakMap();
let opened = 0;

const routes = {
  "": (request, response) => response.end(process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`),
  connection: (request, response) => {
    if (!connections.has(request.socket)) connections.set(request.socket, ++opened);
    response.end(String(connections.get(request.socket)));
  },
  digest: async (request, response) => {
    const hash = createHash("sha256");
    let length = 0;
    for await (const piece of request) {
      hash.update(piece);
      length += piece.length;
    }
    response.end(`${length} ${hash.digest("hex")}`);
  },
  bytes: async (request, response, mebibytes) => {
    for (let i = 0; i < Number(mebibytes); i++) if (!response.write(Buffer.alloc(MIB, i))) await once(response, "drain");
    response.end();
  },
  events: (request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
    process.once("goon", () => response.end("data: last\n\n"));
  },
  goon: (request, response) => {
    process.emit("goon");
    response.end();
  },
  // Ends a moment after the app was told to.
  last: (request, response) => {
    response.write("begun ");
    process.once("SIGTERM", () => setTimeout(() => response.end("finished"), 500));
  },
};

const server = http.createServer((request, response) => {
  const [, name, argument] = request.url.split("/");
  routes[name](request, response, argument);
});
server.listen(process.env.PORT, () => console.log(`listening on ${JSON.stringify(server.address())}`));
process.on("SIGTERM", () => server.close(() => console.log("closed after the last request")));
