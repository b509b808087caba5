// SPDX-License-Identifier: AGPL-3.0-or-later
// Bun's own server.
const server = Bun.serve({
  port: process.env.PORT,
  hostname: process.env.HOST,
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === "/headers") return Response.json({ headers: Object.fromEntries(request.headers), address: server.requestIP(request) });
    if (pathname === "/echo") return new Response(await request.arrayBuffer());
    if (pathname === "/") return new Response(`bun-serve on bun ${Bun.version}\n`);
    return new Response("not found\n", { status: 404 });
  },
});
console.log(`listening on ${server.url}`);
