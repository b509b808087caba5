// SPDX-License-Identifier: AGPL-3.0-or-later
// No call of Bun.serve: Bun serves what the module exports.
import { Hono } from "hono";
import { getConnInfo } from "hono/bun";
import { streamSSE } from "hono/streaming";

const app = new Hono();
app.get("/", (c) => c.json({ framework: "hono", ip: getConnInfo(c).remote.address }));
app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    await stream.writeSSE({ data: "first" });
    await new Promise((told) => process.once("goon", told));
    await stream.writeSSE({ data: "last" });
  }),
);
app.get("/goon", (c) => {
  process.emit("goon");
  return c.body(null);
});
app.post("/json", async (c) => c.json(await c.req.json()));

export default { port: process.env.PORT, fetch: app.fetch };
