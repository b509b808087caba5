// SPDX-License-Identifier: AGPL-3.0-or-later
// child.js fork|pass HOST: the child listens, or the parent does and passes its server on.
const { fork } = require("node:child_process");
const http = require("node:http");
const net = require("node:net");

const [kind, host] = process.argv.slice(2);
const answer = (request, response) => response.end(JSON.stringify({ kind, host, parent: process.ppid, pid: process.pid, child: Boolean(process.send) }));
const app = http.createServer(answer);

if (process.send) {
  if (kind === "fork") app.listen(process.env.PORT, host);
  else process.on("message", (_, server) => server.on("connection", (socket) => app.emit("connection", socket)));
} else {
  const child = fork(__filename, [kind, host]);
  if (kind === "pass") {
    const server = net.createServer();
    server.listen(process.env.PORT, host, () => child.send("server", server, () => server.close()));
  }
}
