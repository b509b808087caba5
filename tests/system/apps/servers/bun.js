// SPDX-License-Identifier: AGPL-3.0-or-later
// What HTTP servers do, with Bun.serve; exchange.js answers the same paths with node:http.
const MIB = 1 << 20;

const routes = {
  "": () => new Response(`bun ${Bun.version}`),
  digest: async (request) => {
    const hash = new Bun.CryptoHasher("sha256");
    let length = 0;
    for await (const piece of request.body) {
      hash.update(piece);
      length += piece.length;
    }
    return new Response(`${length} ${hash.digest("hex")}`);
  },
  bytes: (request, mebibytes) => {
    let i = 0;
    return new Response(
      new ReadableStream({
        pull: (controller) => (i < Number(mebibytes) ? controller.enqueue(new Uint8Array(MIB).fill(i++)) : controller.close()),
      }),
    );
  },
  events: () =>
    new Response(
      (async function* () {
        yield "data: first\n\n";
        await new Promise((told) => process.once("goon", told));
        yield "data: last\n\n";
      })(),
      { headers: { "content-type": "text/event-stream" } },
    ),
  goon: () => {
    process.emit("goon");
    return new Response();
  },
  // Ends a moment after the app was told to.
  last: () =>
    new Response(
      (async function* () {
        yield "begun ";
        await new Promise((told) => process.once("SIGTERM", told));
        await Bun.sleep(500);
        yield "finished";
      })(),
    ),
};

const server = Bun.serve({
  port: process.env.PORT,
  maxRequestBodySize: 1024 * MIB,
  fetch(request, server) {
    if (server.upgrade(request)) return;
    const [, name, argument] = new URL(request.url).pathname.split("/");
    return routes[name](request, argument);
  },
  websocket: { message: (socket, message) => void socket.send(message) },
});
console.log(`listening on ${server.url}`);
process.on("SIGTERM", async () => {
  await server.stop();
  console.log("closed after the last request");
  process.exit(0);
});
