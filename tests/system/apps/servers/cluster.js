// SPDX-License-Identifier: AGPL-3.0-or-later
// cluster.js rr|none HOST: two workers. rr: the primary accepts and passes connections on; none: it passes the listening socket on.
const cluster = require("node:cluster");
const serve = require("./plain.js");

const [policy, host] = process.argv.slice(2);
if (cluster.isPrimary) {
  cluster.schedulingPolicy = policy === "none" ? cluster.SCHED_NONE : cluster.SCHED_RR;
  cluster.on("exit", () => cluster.fork());
  for (let i = 0; i < 2; i++) cluster.fork();
} else serve(host, undefined, { worker: cluster.worker.id, primary: process.ppid });
