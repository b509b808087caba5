// SPDX-License-Identifier: AGPL-3.0-or-later
// plain.js [HOST [PORT [DELAY]]]: an answer that tells where it listens. Others of this directory use it from children and threads.
const http = require("node:http");

function serve(host, port = process.env.PORT, extra = {}) {
  const server = http.createServer((request, response) => {
    const { address, port } = server.address();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ host, address, port, pid: process.pid, argv: process.argv.slice(2), ...extra }));
  });
  server.listen({ port, host });
  return server;
}
module.exports = serve;

if (require.main === module) {
  const [host, port, delay] = process.argv.slice(2);
  setTimeout(() => serve(host, port), Number(delay ?? 0));
}
