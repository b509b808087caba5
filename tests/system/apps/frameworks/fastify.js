// SPDX-License-Identifier: AGPL-3.0-or-later
const app = require("fastify")({ logger: true, trustProxy: "127.0.0.1" });

app.get("/", async (request) => ({ framework: "fastify", ip: request.ip, hostname: request.hostname, protocol: request.protocol }));
app.post("/json", async (request) => request.body);
app.addHook("onClose", async () => console.log("closed after the last request"));
process.on("SIGTERM", () => app.close());
app.listen({ port: Number(process.env.PORT), host: "localhost" });
