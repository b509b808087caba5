// SPDX-License-Identifier: AGPL-3.0-or-later
// /report tries all quiet attacks from inside the running app; /attack/NAME tries one, the loud ones too.
const http = require("node:http");
const { attacks, attempt, loud } = require("./attack.js");

http
  .createServer(async (request, response) => {
    const name = request.url.match(/^\/attack\/([a-z0-9-]+)$/)?.[1];
    const known = { ...attacks, ...loud };
    if (request.url !== "/report" && !known[name]) return response.end("hostile\n");
    const report = await attempt(name ? { [name]: known[name] } : attacks);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(report, null, 1));
  })
  .listen(process.env.PORT, () => console.log("listening"));
