// SPDX-License-Identifier: AGPL-3.0-or-later
// Echoes WebSocket messages; a plain request gets a line of text.
Bun.serve({
  port: process.env.PORT,
  fetch(request, server) {
    if (server.upgrade(request)) return;
    return new Response("ws-echo\n");
  },
  websocket: {
    idleTimeout: 600,
    open: (socket) => void socket.send("hello"),
    message: (socket, message) => void socket.send(message),
  },
});
console.log("listening");
