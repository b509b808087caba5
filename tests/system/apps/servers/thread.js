// SPDX-License-Identifier: AGPL-3.0-or-later
// thread.js HOST: a worker thread listens, not the main one.
const { Worker, isMainThread, threadId } = require("node:worker_threads");

if (isMainThread) new Worker(__filename, { argv: process.argv.slice(2) });
else require("./plain.js")(process.argv[2], undefined, { threadId });
