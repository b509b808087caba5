// SPDX-License-Identifier: AGPL-3.0-or-later
// Started by `npm start` → `npm run serve` → node: three programs and two shells between the unit and the one that binds.
const fs = require("node:fs");
const http = require("node:http");

http
  .createServer((request, response) => response.end(`npm-start, ${fs.readFileSync("built", "utf8")}\n`))
  .listen({ port: process.env.PORT, host: process.env.HOST }, () => console.log("listening"));
