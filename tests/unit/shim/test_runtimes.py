# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real runtimes behind the shim: each starts a server on TCP port $PORT and is asked through the unix socket that it inherited.

usage: test_runtimes.py SHIM [PROGRAM…], each PROGRAM a node, npm or bun."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

SHIM = os.path.abspath(sys.argv[1])
PROGRAMS = {os.path.basename(path): os.path.abspath(path) for path in sys.argv[2:]}
del sys.argv[1:]
# Below the numbers that the kernel gives to connections and servers that want none in particular.
PORT = "18473"

HTTP = """
const http = require("node:http");
http.createServer((q, r) => {
  if (q.method === "POST") return q.pipe(r);
  const s = q.socket;
  r.end(JSON.stringify({ pid: process.pid, remote: s.remoteAddress, local: s.localAddress, port: s.localPort }));
}).listen(OPTIONS, function () { console.log("listening", JSON.stringify(this.address())); });
"""
CLUSTER = """
const cluster = require("node:cluster");
cluster.schedulingPolicy = cluster[process.env.POLICY];
if (cluster.isPrimary) for (let i = 0; i < 2; i++) cluster.fork();
else { """ + HTTP.replace("OPTIONS", "Number(process.env.PORT)") + "}"
CLOSES = """
const fs = require("node:fs");
for (let fd = 3; fd < 16; fd++) { try { if (fs.fstatSync(fd).isSocket()) fs.closeSync(fd); } catch {} }
""" + HTTP.replace("OPTIONS", "Number(process.env.PORT)")
BUN = """
const server = Bun.serve({ port: Number(process.env.PORT), hostname: process.env.HOST || undefined, fetch: async (q, s) =>
  q.method === "POST" ? new Response(await q.arrayBuffer())
    : Response.json({ pid: process.pid, remote: s.requestIP(q).address, local: "", port: server.port }) });
console.log("listening", server.port);
"""
LOOPBACK = ("127.0.0.1", "::1")

# GET / asks the app itself, in each of the ways that apps do, and tells what came back; /other is what it asks for.
SELF_ASKS = """
const big = "0123456789".repeat(200000), base = ["http://localhost:", "http://127.0.0.1:", "http://[::1]:", "http://0.0.0.0:"];
const port = process.env.PORT;
async function askSelf() {
  const got = [];
  for (const b of base) got.push(await (await fetch(b + port + "/other")).text());
  got.push(...await Promise.all(Array.from({ length: 20 }, async () => (await fetch(base[0] + port + "/other")).text())));
  got.push(await new Promise((done, fail) => {
    const q = require("node:http").get({ host: "localhost", port, path: "/other", agent: false }, (r) => {
      const s = r.socket;
      let text = "";
      r.on("data", (d) => { text += d; }).on("end", () => done(`${text} ${s.remotePort ?? port}`));
    });
    q.on("error", fail);
  }));
  for (const headers of [{}, { connection: "close" }]) got.push((await (await fetch(base[1] + port + "/big", { headers })).text()) === big);
  const sent = await (await fetch(base[0] + port + "/echo", { method: "POST", body: big })).text();
  got.push(sent === big);
  const refused = await fetch(base[1] + "18479/").then(() => "answered", (e) => e.cause?.code ?? e.code);
  return JSON.stringify({ got, refused });
}
"""
SELF_HTTP = SELF_ASKS + """
require("node:http").createServer(async (q, r) => {
  if (q.url === "/other") return r.end("other");
  if (q.url === "/big") return r.end(big);
  if (q.url === "/echo") return q.pipe(r);
  r.end(await askSelf().catch((e) => JSON.stringify({ error: String(e), cause: String(e.cause) })));
}).listen(port, process.env.HOST || undefined);
"""
SELF_BUN = SELF_ASKS + """
Bun.serve({ port, idleTimeout: 60, fetch: async (q) => {
  const path = new URL(q.url).pathname;
  if (path === "/other") return new Response("other");
  if (path === "/big") return new Response(big);
  if (path === "/echo") return new Response(await q.arrayBuffer());
  return new Response(await askSelf().catch((e) => JSON.stringify({ error: String(e) })));
} });
"""
# The same from a worker process that listens on nothing.
SELF_CHILD = """
const { fork } = require("node:child_process");
if (process.argv[2] === "worker") {
  process.on("message", async () => { process.send(await (await fetch("http://localhost:" + process.env.PORT + "/other")).text()); });
} else {
  const worker = fork(__filename, ["worker"]);
  require("node:http").createServer((q, r) => {
    if (q.url === "/other") return r.end("other");
    worker.once("message", (text) => r.end(JSON.stringify({ got: text })));
    worker.send("ask");
  }).listen(process.env.PORT);
}
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.unix_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(self.unix_path)


class Runtimes(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="nanoscale-runtimes-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "a.sock")

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)

    def ask(self, method="GET", body=None):
        connection = UnixConnection(self.path)
        try:
            connection.request(method, "/", body=body)
            return connection.getresponse().read()
        finally:
            connection.close()

    @contextlib.contextmanager
    def running(self, argv, **env):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(128)

        # Descriptor 3 of this process, so that it is nobody else's when the child gets it.
        if listener.fileno() != 3:
            os.dup2(listener.fileno(), 3)
        path = ":".join(dict.fromkeys(os.path.dirname(p) for p in PROGRAMS.values())) + ":/usr/bin:/bin"
        process = subprocess.Popen(argv, cwd=self.directory, pass_fds=(3,), start_new_session=True, stdout=subprocess.DEVNULL,
                                   env={"PATH": path, "HOME": self.directory, "PORT": PORT, "LD_PRELOAD": SHIM, "NANOSCALE_LISTEN_FD": "3",
                                        "NANOSCALE_LISTEN_PORT": PORT, "NANOSCALE_LISTEN_SOCKET": self.path, **env})
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            listener.close()

    def serve(self, argv, times=3, **env):
        with self.running(argv, **env):
            answers = [json.loads(self.ask()) for _ in range(times)]
            for answer in answers:
                self.assertIn(answer["remote"].removeprefix("::ffff:"), LOOPBACK)
                self.assertEqual(answer["port"], int(PORT))
            body = os.urandom(300000)
            self.assertEqual(self.ask("POST", body), body)
            return answers

    def ask_itself(self, argv, **env):
        with self.running(argv, **env):
            for _ in range(2):
                answer = json.loads(self.ask())
                self.assertEqual(answer.get("got"), ["other"] * 24 + [f"other {PORT}", True, True, True], answer)
                self.assertIn(answer["refused"], ("ECONNREFUSED", "ConnectionRefused"))


def needs(*names):
    """A test for programs that are not here is none: tests/system has all of them."""
    return all(name in PROGRAMS for name in names)


if needs("node"):
    class Node(Runtimes):
        def check(self, options, **env):
            self.write("s.js", HTTP.replace("OPTIONS", options))
            return self.serve([PROGRAMS["node"], "s.js"], **env)

        def test_port(self):
            self.check("process.env.PORT")

        def test_any_ipv4(self):
            self.assertEqual(self.check('{ port: process.env.PORT, host: "0.0.0.0" }')[0]["local"], "127.0.0.1")

        def test_loopback(self):
            self.check('{ port: process.env.PORT, host: "127.0.0.1" }')

        def test_localhost(self):
            self.check('{ port: process.env.PORT, host: "localhost" }')

        def test_ipv6(self):
            self.assertEqual(self.check('{ port: process.env.PORT, host: "::" }')[0]["local"], "::1")

        def test_cluster_by_turns(self):
            self.write("s.js", CLUSTER)
            self.serve([PROGRAMS["node"], "s.js"], POLICY="SCHED_RR")

        def test_cluster_by_the_kernel(self):
            self.write("s.js", CLUSTER)
            self.serve([PROGRAMS["node"], "s.js"], POLICY="SCHED_NONE")

        def test_app_that_closes_what_it_inherited(self):
            self.write("s.js", CLOSES)
            self.serve([PROGRAMS["node"], "s.js"])

        def test_child_of_a_child(self):
            self.write("s.js", HTTP.replace("OPTIONS", "process.env.PORT"))
            self.write("parent.js", 'require("child_process").spawn("sh", ["-c", "node s.js; true"], { stdio: "inherit" })')
            self.serve([PROGRAMS["node"], "parent.js"])

        def test_asks_itself(self):
            self.write("s.js", SELF_HTTP)
            self.ask_itself([PROGRAMS["node"], "s.js"])

        def test_asks_itself_on_ipv4(self):
            self.write("s.js", SELF_HTTP)
            self.ask_itself([PROGRAMS["node"], "s.js"], HOST="0.0.0.0")

        def test_worker_asks_the_server(self):
            self.write("s.js", SELF_CHILD)
            with self.running([PROGRAMS["node"], "s.js"]):
                self.assertEqual(json.loads(self.ask()), {"got": "other"})

if needs("node", "npm"):
    class Npm(Runtimes):
        def test_start(self):
            self.write("s.js", HTTP.replace("OPTIONS", "process.env.PORT"))
            self.write("package.json", '{"scripts":{"start":"npm run inner","inner":"node s.js"}}')
            self.serve([PROGRAMS["npm"], "start"])

if needs("bun"):
    class Bun(Runtimes):
        def test_serve(self):
            self.write("s.js", BUN)
            self.serve([PROGRAMS["bun"], "s.js"])

        def test_serve_any_ipv4(self):
            self.write("s.js", BUN)
            self.serve([PROGRAMS["bun"], "s.js"], HOST="0.0.0.0")

        def test_node_http(self):
            self.write("s.js", HTTP.replace("OPTIONS", "process.env.PORT"))
            self.write("package.json", '{"scripts":{"start":"bun s.js"}}')
            self.serve([PROGRAMS["bun"], "s.js"])

        def test_asks_itself(self):
            self.write("s.js", SELF_BUN)
            self.ask_itself([PROGRAMS["bun"], "s.js"])

        def test_node_http_asks_itself(self):
            self.write("s.js", SELF_HTTP)
            self.ask_itself([PROGRAMS["bun"], "s.js"])

        def test_run_start(self):
            self.write("s.js", BUN)
            self.write("package.json", '{"scripts":{"start":"bun run inner","inner":"bun s.js"}}')
            self.serve([PROGRAMS["bun"], "run", "start"])

if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
