// SPDX-License-Identifier: AGPL-3.0-or-later
// Express, and the ws package on the same server.
const express = require("express");
const { WebSocketServer } = require("ws");

const app = express();
app.set("trust proxy", "loopback");
app.get("/", (request, response) => response.json({ framework: "express", ip: request.ip, hostname: request.hostname, protocol: request.protocol }));
app.post("/form", express.urlencoded({ extended: false }), (request, response) => response.json(request.body));
const server = app.listen(process.env.PORT, () => console.log("listening"));
new WebSocketServer({ server }).on("connection", (socket) => socket.on("message", (message, binary) => socket.send(message, { binary })));
