// SPDX-License-Identifier: AGPL-3.0-or-later
// two-ports.js HOST OTHER [DELAY]: numbers for an operator on a port of its own, and that one first.
const http = require("node:http");

const [host, other, delay] = process.argv.slice(2);
const numbers = http.createServer((request, response) => response.end("numbers"));
numbers.listen(other, host, () => setTimeout(open, Number(delay ?? 0)));

function open() {
  const { port } = numbers.address();
  http
    .createServer(async (request, response) => {
      if (request.url === "/numbers") return response.end(await (await fetch(`http://localhost:${port}/`)).text());
      response.end(JSON.stringify({ host, other: port, release: process.env.NANOSCALE_RELEASE }));
    })
    .listen(process.env.PORT, host);
}
