#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line as people use it: test_program.py PATH_OF_NANOSCALE [unittest options].

A small HTTP server on a unix socket plays the agent: each test says what it answers, and looks at what it was asked.
"""
import datetime
import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = ""
ID = "abc123def456"
# How long a test waits for what must come: only a hang takes so long.
PATIENCE = 120
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "http_proxy": "http://127.0.0.1:1"}
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        ENVIRON[name] = os.environ[name]


def deployment(state="queued", **more):
    return {
        "id": ID, "project": "shop", "project_id": "proj12345678", "number": 3, "state": state, "source": "cli", "branch": "main",
        "kind": "deploy", "commit": None, "author": None, "subject": None, "release": None, "failure": None, "receipt": None, "created_at": "2025-11-24T22:50:00.000Z",
        "started_at": None, "finished_at": None, "duration_ms": None, "steps": [], **more,
    }


def step(name, result="ok", ms=800):
    return {"name": name, "result": result, "started_at": "2025-11-24T22:50:00.000Z", "finished_at": None, "duration_ms": None if result == "running" else ms}


def event(number, kind, data):
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def ago(seconds):
    """That long before now, as the API writes it."""
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def sleeping(kind, since=7500, saved=118 << 20, count=0, p50=None, p99=None):
    return {"kind": kind, "since": ago(since) if kind else None, "ram_saved_bytes": saved if kind else None,
            "wakes": {"count": count, "p50_ms": p50, "p99_ms": p99, "last_ms": p50, "last_at": ago(9000) if count else None}}


PROJECT = {"id": "proj12345678", "name": "shop", "repo_url": "https://git.example/shop.git", "branch": "main", "status": "live",
           "url": "http://shop.example.com", "live_release": 2, "env_count": 0, "port": 3000, "scale_to_zero": True,
           "latest_deployment": {"id": ID, "state": "live", "created_at": "2025-11-24T22:50:00.000Z"}}
LIVE = deployment("live", release=3, duration_ms=41200, url="http://shop.example.com", steps=[step("fetch"), step("build", ms=40000)])
GOOD_STREAM = (event(1, "deployment", deployment("fetch")) + event(2, "step", step("fetch", "running")) +
               event(3, "log", {"at": "2025-11-24T22:50:00.000Z", "step": "fetch", "line": "Cloning \033[31mred\033[0m\a"}) +
               event(4, "step", step("fetch")) + event(5, "step", step("install", "skipped")) +
               event(6, "step", step("build", "running")) +
               event(7, "log", {"at": "2025-11-24T22:50:01.000Z", "step": "build", "line": "Compiled"}) +
               event(8, "step", step("build", ms=40000)) + event(9, "end", LIVE))
FAILED = deployment("failed", failure={"step": "build", "sentence": "The command ended with exit code 1.", "exit_code": 1,
                                       "last_lines": ["Type error: \033]0;x\a42", "  at page.tsx"]},
                    steps=[step("fetch"), step("build", "failed", 12300)])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "socket"

    def answer(self, status, body=None, content_type="application/json"):
        data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def problem(self, status, kind, detail, **more):
        self.answer(status, {"type": kind, "title": "No", "status": status, "detail": detail, **more}, "application/problem+json")

    def stream(self, *pieces, after=lambda n: None, cut=False):
        """Chunked. after(n) is called, and waited for, when piece n was sent; cut: the connection breaks in the middle of the answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n, piece in enumerate(pieces):
            data = piece.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
            after(n)
        if not cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def dispatch(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        self.server.headers_seen.append(dict(self.headers))
        route = self.server.routes.get((self.command, self.path))
        if route is None:
            self.problem(404, "not-found", f"There is nothing at {self.path}.")
        elif callable(route):
            route(self)
        else:
            self.answer(200 if self.command != "POST" else 201, route)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = dispatch


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, routes=()):
        super().__init__(path, Handler)
        self.routes, self.asked, self.headers_seen = dict(routes), [], []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that went away

    def stop(self):
        self.shutdown()
        self.server_close()


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.socket = os.path.join(self.directory.name, "agent.sock")
        self.server = Server(self.socket)
        self.routes = self.server.routes
        self.shown = ""

    def tearDown(self):
        self.server.stop()
        self.directory.cleanup()

    def run_cli(self, *words, stdin=""):
        done = subprocess.run([PROGRAM, *words, "--socket", self.socket], input=stdin, capture_output=True, text=True, env=ENVIRON, timeout=PATIENCE)
        self.assertNotIn("\033", done.stdout + done.stderr)
        self.assertNotIn("\a", done.stdout + done.stderr)
        return done

    def check(self, code, *words, out=None, err="", stdin=""):
        done = self.run_cli(*words, stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        if out is not None:
            self.assertEqual(done.stdout, out)
        if err is not None:
            self.assertIn(err, done.stderr)
            self.assertLessEqual(done.stderr.count("\n"), 1, "an error is one line")
            if not err:
                self.assertEqual(done.stderr, "")
        return done

    def run_on_terminal(self, *words, type_in=(), term="xterm", env=None):
        """Types each text of type_in when the program shows the text before it. Returns (exit code, everything that was shown)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, *words, "--socket", self.socket], {**ENVIRON, "TERM": term, **(env or {})})
        shown, pending, deadline = "", list(type_in), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.5)[0]:
                continue
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece.decode()
            self.shown = shown
            if pending and pending[0][0] in shown:
                text = pending.pop(0)[1]
                if callable(text):
                    text(pid)
                else:
                    os.write(fd, text.encode())
        os.close(fd)
        status = os.waitpid(pid, 0)[1]
        return os.waitstatus_to_exitcode(status), shown

    def wait_shown(self, what):
        """For a handler of the server: until what is on the terminal is as what(shown) says."""
        until = time.monotonic() + PATIENCE
        while not what(self.shown) and time.monotonic() < until:
            time.sleep(0.02)

    def asked(self, method):
        return [(path, body) for verb, path, body in self.server.asked if verb == method]


class Deploy(Case):
    def setUp(self):
        super().setUp()
        self.routes["GET", "/api/projects/shop"] = PROJECT
        self.routes["POST", "/api/projects/shop/deployments"] = lambda h: h.answer(202, deployment())
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(GOOD_STREAM)

    def test_plain_lines(self):
        self.check(0, "deploy", "shop", out="Deploying shop (deployment 3, branch main)\nfetch ok 0.8s\ninstall skipped\nbuild ok 40.0s\n"
                                            "shop is live at http://shop.example.com (release 3, 41.2 s)\n")
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/deployments", {})])

    def test_verbose_shows_the_log_without_control_characters(self):
        self.assertIn("\n  Cloning red\nfetch ok 0.8s\n", self.check(0, "deploy", "shop", "-v").stdout)

    def test_stream_in_small_pieces(self):
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(*[GOOD_STREAM[i:i + 9] for i in range(0, len(GOOD_STREAM), 9)])
        self.assertIn("shop is live", self.check(0, "deploy", "shop").stdout)

    def test_json_is_one_object_a_line(self):
        lines = [json.loads(line) for line in self.check(0, "deploy", "shop", "--json").stdout.splitlines()]
        self.assertEqual([line["event"] for line in lines], ["deployment", "step", "log", "step", "step", "step", "log", "step", "end"])
        self.assertEqual(lines[-1]["data"], LIVE)
        self.assertEqual(lines[2]["id"], 3)

    def test_branch_and_commit_of_one_deployment(self):
        self.check(0, "deploy", "shop", "--branch", "next", "--commit", "a" * 40)
        self.assertEqual(self.asked("POST")[0][1], {"branch": "next", "commit": "a" * 40})
        self.assertEqual(self.asked("PATCH"), [])
        self.check(2, "deploy", "shop", "--commit", "abc", err="--commit: give all 40")

    def test_settings_and_variables_of_an_existing_project(self):
        self.routes["PATCH", "/api/projects/shop"] = PROJECT
        self.routes["PATCH", "/api/projects/shop/env"] = {"env": [], "changed_since_deploy": True}
        self.check(0, "deploy", "shop", "--memory", "1024", "-e", "A=1", "--env", "B=x=y")
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop", {"memory_mib": 1024}), ("/api/projects/shop/env", {"set": {"A": "1", "B": "x=y"}})])

    def test_url_creates_the_project(self):
        created = []
        del self.routes["GET", "/api/projects/shop"]
        self.routes["POST", "/api/projects"] = lambda h: (created.append(1), h.answer(201, PROJECT))
        done = self.check(0, "deploy", "https://git.example/acme/Shop.git", "--branch", "next", "-e", "A=1")
        self.assertTrue(done.stdout.startswith("Created project shop\n"))
        self.assertEqual(self.asked("POST"), [
            ("/api/projects", {"name": "shop", "repo_url": "https://git.example/acme/Shop.git", "branch": "next", "env": {"A": "1"}}),
            ("/api/projects/shop/deployments", {})])
        self.assertEqual(created, [1])

    def test_url_of_the_existing_project(self):
        self.check(0, "deploy", "https://git.example/shop.git")
        self.assertEqual([path for path, _ in self.asked("POST")], ["/api/projects/shop/deployments"])

    def test_url_of_another_repository_is_not_deployed_over_it(self):
        self.check(1, "deploy", "https://git.example/other.git", "--name", "shop", err="has another repository, https://git.example/shop.git")
        self.assertEqual(self.asked("POST"), [])

    def test_names_from_urls(self):
        for url, name in (("https://h/a/My_App.js.git/", "my-app-js"), ("https://h/-x-", "x"), ("https://h/b", "b")):
            self.server.asked.clear()
            self.check(1, "deploy", url, err=None)
            self.assertEqual(self.asked("GET")[0][0], f"/api/projects/{name}")
        self.check(2, "deploy", "https://h/...", err="--name")
        self.check(2, "deploy", "https://h", err="--name")

    def test_name_without_project(self):
        self.check(1, "deploy", "other", err="There is no project other. Create it with its repository")

    def test_no_follow(self):
        self.assertIn(f"nanoscale deployments follow {ID}", self.check(0, "deploy", "shop", "--no-follow").stdout)
        self.assertEqual(json.loads(self.check(0, "deploy", "shop", "--no-follow", "--json").stdout)["id"], ID)

    def test_failure_tells_step_reason_lines_and_what_serves(self):
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(
            event(1, "deployment", deployment("build", steps=[step("fetch")])) + event(2, "step", step("build", "running")) +
            event(3, "step", step("build", "failed", 12300)) + event(4, "end", FAILED))
        done = self.check(1, "deploy", "shop", err="Deployment 3 of shop failed in step build: The command ended with exit code 1. Release 2 goes on serving.")
        self.assertIn("build failed 12.3s\n    Type error: 42\n      at page.tsx\n", done.stdout)
        done = self.run_cli("deploy", "shop", "--json")
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_canceled(self):
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(event(1, "end", deployment("canceled")))
        self.check(1, "deploy", "shop", err="Deployment 3 of shop was canceled.")

    def test_resumes_after_a_broken_connection(self):
        ids = []

        def events(h):
            ids.append(h.headers.get("Last-Event-ID"))
            parts = GOOD_STREAM.split("\n\n")
            if len(ids) == 1:
                h.stream("\n\n".join(parts[:3]) + "\n\n" + parts[3][:20], cut=True)
            elif len(ids) == 2:
                h.problem(503, "starting", "The agent starts.")
            else:  # sends the third event once more: it must not be shown twice
                h.stream("\n\n".join(parts[2:]))

        self.routes["GET", f"/api/deployments/{ID}/events"] = events
        done = self.check(0, "deploy", "shop", "-v", err="connecting again")
        self.assertEqual(ids, [None, "3", "3"])
        self.assertEqual(done.stdout.count("Cloning red"), 1)
        self.assertEqual(done.stdout.count("fetch ok"), 1)
        self.assertIn("shop is live", done.stdout)

    def test_agent_that_restarts(self):
        def events(h):
            h.stream(GOOD_STREAM.split("event: end")[0].rsplit("id:", 1)[0], cut=True)
            threading.Thread(target=restart, daemon=True).start()

        def restart():
            self.server.stop()
            os.unlink(self.socket)
            time.sleep(1)
            # With all that it answers from the first moment on: the program is asking already.
            self.server = Server(self.socket, {**self.routes, ("GET", f"/api/deployments/{ID}/events"): lambda h: h.stream(event(9, "end", LIVE))})

        self.routes["GET", f"/api/deployments/{ID}/events"] = events
        self.assertIn("shop is live", self.check(0, "deploy", "shop", err="connecting again").stdout)
        self.assertEqual(self.server.headers_seen[0]["Last-Event-ID"], "8")

    def test_stream_that_is_no_stream(self):
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream("event: step\ndata: {broken\n\n")
        self.check(1, "deploy", "shop", err="cannot be understood")
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.problem(403, "forbidden", "You may not.")
        self.check(1, "deploy", "shop", err="You may not.")

    def test_problem_names_the_option(self):
        del self.routes["GET", "/api/projects/shop"]
        self.routes["POST", "/api/projects"] = lambda h: h.problem(422, "bad-value", "Give a number from 64 to 65536.", field="memory_mib")
        self.check(1, "deploy", "https://h/shop", "--memory", "1", err="nanoscale: --memory: Give a number from 64 to 65536.")
        done = self.check(1, "deploy", "https://h/shop", "--memory", "1", "--json", err=None)
        self.assertEqual(json.loads(done.stderr)["field"], "memory_mib")
        self.routes["POST", "/api/projects"] = lambda h: h.problem(409, "x", "It is \033[31m taken.", field="na\033me")
        self.check(1, "deploy", "https://h/shop", err="It is  taken.")


def spinner(shown):
    """The different letters of the spinner in it."""
    return {letter for letter in shown if 0x2800 <= ord(letter) <= 0x28ff}


class Terminal(Case):
    in_frames = False

    def setUp(self):
        super().setUp()
        self.routes["GET", "/api/projects/shop"] = PROJECT
        self.routes["POST", "/api/projects/shop/deployments"] = lambda h: h.answer(202, deployment())
        pieces = [part + "\n\n" for part in GOOD_STREAM.split("\n\n") if part]
        # Where there are frames, the stream goes on when what came is in one, so that nothing is passed over, however slow the program is.
        steps = {2: lambda shown: "Cloning" in shown, 6: lambda shown: "Compiled" in shown and len(spinner(shown)) > 3}
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(
            *pieces, after=lambda n: self.in_frames and n in steps and self.wait_shown(steps[n]))

    def test_live_list(self):
        self.in_frames = True
        code, shown = self.run_on_terminal("deploy", "shop")
        self.assertEqual(code, 0)
        self.assertIn("\033[?25l", shown)
        self.assertTrue(shown.rindex("\033[?25h") > shown.rindex("\033[?25l"), "the cursor is shown again")
        self.assertGreater(len(spinner(shown)), 3, "the spinner turns")
        self.assertEqual(shown.count("Deploying shop"), 1)
        self.assertIn("\033[2m      Cloning red", shown)  # the last line of the running step, dim and clean
        self.assertNotIn("\033[31mred", shown)
        last = shown[shown.rindex("\033[J"):]
        self.assertIn("\u2713 \033[0mfetch        0.8 s", last)
        self.assertIn("- install    skipped", last.replace("\033[2m", "").replace("\033[0m", ""))
        self.assertIn("\u2713 \033[0mbuild       40.0 s", last)
        self.assertNotIn("Compiled", last)
        self.assertIn("shop is live at http://shop.example.com", last)

    def test_list_is_redrawn_in_place(self):
        self.in_frames = True
        _, shown = self.run_on_terminal("deploy", "shop")
        frames = shown.split("\033[J")
        for before, _ in zip(frames[2:], frames[3:]):
            up = before[before.rindex("\033[") + 2:before.rindex("A")]
            self.assertEqual(before.count("\n"), int(up), "the next frame begins where this one began")

    def test_no_color_and_dumb_terminals_get_plain_lines(self):
        for more in ({"term": "dumb"}, {"env": {"NO_COLOR": "1"}}):
            code, shown = self.run_on_terminal("deploy", "shop", **more)
            self.assertEqual(code, 0)
            self.assertNotIn("\033", shown)
            self.assertIn("fetch ok 0.8s\r\n", shown)

    def test_interrupt_leaves_the_deployment_alone(self):
        gone = threading.Event()
        self.addCleanup(gone.set)
        # It does not end before it is interrupted.
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(GOOD_STREAM.split("id: 4")[0], after=lambda n: gone.wait(PATIENCE))
        code, shown = self.run_on_terminal("deploy", "shop", type_in=[("Cloning", lambda pid: os.kill(pid, signal.SIGINT))])
        self.assertEqual(code, 130)
        self.assertIn("\033[?25h", shown)
        self.assertIn(f"nanoscale deployments cancel {ID}", shown)
        self.assertNotIn(f"/api/deployments/{ID}/cancel", [path for path, _ in self.asked("POST")])

    def test_delete_asks_for_the_name(self):
        gone = []

        def delete(h):
            gone.append(1)
            del self.routes["GET", "/api/projects/shop"]
            h.answer(202, PROJECT)

        self.routes["DELETE", "/api/projects/shop"] = delete
        code, shown = self.run_on_terminal("projects", "delete", "shop", type_in=[("Type its name: ", "shoq\n")])
        self.assertEqual((code, gone), (1, []))
        self.assertIn("Nothing was deleted", shown)
        code, shown = self.run_on_terminal("projects", "delete", "shop", type_in=[("Type its name: ", "shop\n")])
        self.assertEqual((code, gone), (0, [1]))
        self.assertIn("shop is deleted.", shown)

    def test_env_value_is_asked_for_without_echo(self):
        self.routes["PATCH", "/api/projects/shop/env"] = {"env": [], "changed_since_deploy": True}
        code, shown = self.run_on_terminal("env", "set", "shop", "TOKEN", type_in=[("(it is not shown): ", "s3cret value\n")])
        self.assertEqual(code, 0)
        self.assertNotIn("s3cret", shown)
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop/env", {"set": {"TOKEN": "s3cret value"}})])

    def test_env_question_interrupted(self):
        code, shown = self.run_on_terminal("env", "set", "shop", "TOKEN", type_in=[("(it is not shown): ", "half\x03")])
        self.assertEqual(code, 130)
        self.assertNotIn("half", shown)
        self.assertEqual(self.asked("PATCH"), [])

    def test_env_value_in_the_history_gets_a_hint(self):
        self.routes["PATCH", "/api/projects/shop/env"] = {"env": []}
        _, shown = self.run_on_terminal("env", "set", "shop", "A=1")
        self.assertIn("shell's history", shown)

    def test_json_on_a_terminal_is_ascii(self):
        self.routes["GET", "/api/projects/shop"] = {**PROJECT, "name": "\u009b31m\u007f"}
        _, shown = self.run_on_terminal("projects", "show", "shop", "--json")
        self.assertIn("\\u009B31m\\u007f", shown)


class Projects(Case):
    def test_create_sends_all_settings(self):
        self.routes["POST", "/api/projects"] = PROJECT
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.write("A='from file'\nB=2\n")
            file.flush()
            self.check(0, "projects", "create", "shop", "--repo", "https://h/shop", "--branch", "b", "--root", "web", "--node", "22", "--bun", "1.2.20",
                       "--install", "", "--build=npm run build", "--start", "npm start", "--port", "8080", "--health", "/up", "--memory", "256", "--cpu", "50",
                       "--tasks", "64", "--build-memory", "1024", "--build-cpu", "100", "--build-seconds", "60", "--no-sleep", "--env-file", file.name, "-e", "B=3",
                       out="shop is created. Deploy it: `nanoscale deploy shop`\n")
        self.assertEqual(self.asked("POST")[0][1], {
            "name": "shop", "repo_url": "https://h/shop", "branch": "b", "root_directory": "web", "node_version": "22", "bun_version": "1.2.20",
            "install_command": "", "build_command": "npm run build", "start_command": "npm start", "port": 8080, "health_path": "/up", "memory_mib": 256,
            "cpu_percent": 50, "tasks_max": 64, "build_memory_mib": 1024, "build_cpu_percent": 100, "build_seconds": 60, "scale_to_zero": False,
            "env": {"A": "from file", "B": "3"}})

    def test_usage(self):
        for words, error in (
            (("projects", "create", "shop"), "--repo is missing"),
            (("projects", "create"), "NAME is missing"),
            (("projects", "create", "a", "b"), "\"b\" is one word too many"),
            (("projects", "show", "../x"), "is not a project's name"),
            (("projects", "show", "Shop"), "is not a project's name"),
            (("projects", "set", "shop"), "Nothing to set"),
            (("projects", "set", "shop", "--port", "80x"), "--port: \"80x\" is not a number"),
            (("projects", "set", "shop", "--sleep", "--no-sleep"), "contradict"),
            (("projects", "set", "shop", "--prt", "80"), "--prt is not an option"),
            (("projects", "set", "shop", "--idle", "15"), "--idle: \"15\" is not a duration; give a number with its unit"),
            (("projects", "set", "shop", "--idle", "0s"), "for an app that never sleeps give never"),
            (("projects", "set", "shop", "--idle", "15m", "--no-sleep"), "--idle 15m and --no-sleep contradict"),
            (("projects", "set", "shop", "--idle", "never", "--sleep"), "--idle never and --sleep contradict"),
            (("projects", "set", "shop", "--drain", "never"), "--drain: \"never\" is not a duration"),
            (("projects", "set", "shop", "--doze", "yes"), "--doze: \"yes\" is neither on nor off"),
            (("projects", "delete", "shop"), None),
            (("deploy", "shop", "--name", "x"), "--name goes with a URL"),
            (("env", "unset", "shop"), "KEY is missing"),
            (("logs", "shop", "-n", "x"), "--lines: give a number"),
            (("deployments", "list", "shop", "--limit", "0"), "--limit"),
            (("nonsense",), "There is no command \"nonsense\""),
            (("projects", "nonsense"), "There is no command \"projects nonsense\""),
        ):
            with self.subTest(words):
                self.check(2 if error else 1, *words, err=error or "There is nothing at")
        self.assertEqual([request for request in self.server.asked if request[0] != "GET"], [])

    def test_usage_as_json(self):
        done = self.check(2, "projects", "set", "shop", "--nonsense", "--json", err=None)
        self.assertEqual(json.loads(done.stderr)["type"], "usage")

    def test_set(self):
        self.routes["PATCH", "/api/projects/shop"] = PROJECT
        self.check(0, "projects", "set", "shop", "--sleep", "--repo", "https://h/x")
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop", {"repo_url": "https://h/x", "scale_to_zero": True})])

    def test_rename(self):
        self.routes["PATCH", "/api/projects/shop"] = {**PROJECT, "name": "store", "host": "store.example.com"}
        self.check(0, "projects", "rename", "shop", "store", out="shop is called store now, and its address is store.example.com.\n"
                   "Nobody is served at the old address any more; its other domains stay.\n")
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop", {"name": "store"})])
        self.check(2, "projects", "rename", "shop", err=None)
        self.routes["PATCH", "/api/projects/shop"] = lambda h: h.answer(409, {
            "type": "name-taken", "title": "The name is taken", "status": 409, "field": "name", "detail": "A project with the name store exists."})
        self.check(1, "projects", "rename", "shop", "store", err="A project with the name store exists.")

    def test_list_over_pages(self):
        self.routes["GET", "/api/projects?limit=200"] = {"projects": [{**PROJECT, "server": "w1"}], "next": "shop"}
        self.routes["GET", "/api/projects?after=shop&limit=200"] = {"projects": [
            {**PROJECT, "name": "site", "status": "sleeping", "sleep": sleeping("asleep"), "live_release": None, "latest_deployment": None},
            {**PROJECT, "name": "soon", "status": "unreachable", "server": "w1", "sleep": sleeping("armed")}], "next": None}
        lines = self.check(0, "projects", "list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "STATUS", "SERVER", "MEMORY", "RAM", "SAVED", "RELEASE", "URL", "BRANCH", "LAST", "DEPLOYMENT"])
        self.assertEqual(lines[1].split(), ["shop", "live", "w1", "-", "-", "2", "http://shop.example.com", "main", "live", "2025-11-24", "22:50"])
        self.assertEqual(lines[2].split(), ["site", "sleeping", "(asleep)", "-", "-", "118", "MiB", "-", "http://shop.example.com", "main", "-"])
        self.assertEqual(lines[3].split()[:3], ["soon", "unreachable", "w1"])
        self.assertEqual(len(json.loads(self.check(0, "projects", "list", "--json").stdout)["projects"]), 3)

    def test_list_that_never_ends(self):
        self.routes["GET", "/api/projects?limit=200"] = {"projects": [PROJECT], "next": "shop"}
        self.routes["GET", "/api/projects?after=shop&limit=200"] = {"projects": [PROJECT], "next": "shop"}
        self.check(1, "projects", "list", err="does not end")

    def test_show(self):
        self.routes["GET", "/api/projects/shop"] = PROJECT
        self.assertIn("  repository        https://git.example/shop.git\n", self.check(0, "projects", "show", "shop").stdout)
        self.assertEqual(json.loads(self.check(0, "--json", "projects", "show", "shop").stdout), PROJECT)

    def test_claim_says_code_and_address_on_lines_of_their_own(self):
        self.routes["POST", "/api/auth/claim"] = lambda h: h.answer(201, {"code": "ABCD-EFGH-JKLM", "address": "2001:db8::1", "expires_seconds": 86400})
        lines = self.check(0, "claim").stdout.splitlines()
        self.assertEqual(lines[:2], ["Claim code: ABCD-EFGH-JKLM", ""])
        self.assertIn("https://[2001:db8::1]/setup ", lines[2])
        self.assertIn("/setup?reset ", self.check(0, "claim", "--reset").stdout.splitlines()[2])

    def test_delete_without_a_terminal(self):
        self.routes["GET", "/api/projects/shop"] = PROJECT
        self.check(2, "projects", "delete", "shop", err="--yes")
        self.routes["DELETE", "/api/projects/shop"] = lambda h: (self.routes.pop(("GET", "/api/projects/shop")), h.answer(204))
        self.check(0, "projects", "delete", "shop", "--yes", out="shop is deleted.\n")

    def status(self, *projects):
        self.routes["GET", "/api/health"] = {"status": "ok", "version": "0.1.0", "role": "orchestrator"}
        self.routes["GET", "/api/servers"] = {"servers": [{"id": "srv123456789", "name": "one", "status": "online", "ip_address": "127.0.0.1"}]}
        self.routes["GET", "/api/projects?limit=200"] = {"projects": list(projects), "next": None}
        return self.check(0, "status").stdout

    def test_status_at_a_glance(self):
        wakes = [{"at": ago(n), "kind": "armed", "duration_ms": 60 + n} for n in range(20)]
        self.routes["GET", "/api/projects/blog/wakes"] = {"wakes": wakes}
        crash = {"sentence": "out of memory (limit 64 MiB)", "since": ago(181), "attempts": 2, "next_attempt": ago(-178), "last_lines": ["x"]}
        out = self.status({**PROJECT, "memory_bytes": 112 << 20, "sleep": sleeping(None)},
                          {**PROJECT, "name": "blog", "status": "sleeping", "memory_bytes": 52 << 10, "sleep": sleeping("armed", count=20, p50=70, p99=79)},
                          {**PROJECT, "name": "shop2", "status": "crashed", "memory_bytes": None, "sleep": sleeping(None, count=3), "crash": crash})
        self.assertEqual(out, """\
NanoScale 0.1.0, orchestrator: ok

PROJECT  STATUS            SINCE          MEMORY   RAM SAVED  URL
shop     live              -              112 MiB  -          http://shop.example.com
blog     sleeping (armed)  2 h 5 min ago  52 KiB   118 MiB    http://shop.example.com
shop2    crashed           3 min ago      -        -          http://shop.example.com

3 projects: 1 live, 1 sleeping, 1 crashed
RAM: 112 MiB in use by apps, 118 MiB saved by sleep
20 wakes: p50 69 ms, p99 79 ms
shop2 crashed 3 min ago: out of memory (limit 64 MiB). It is tried again in 2 min. See `nanoscale logs shop2`.

NAME  STATUS  ADDRESS    ID
one   online  127.0.0.1  srv123456789
""")

    def series(self, kind, name, **series):
        for word, step in (("hour", 10), ("day", 60), ("month", 900)):
            self.routes["GET", f"/api/{kind}/{name}/statistics?range={word}"] = {
                "range": word, "start": ago(3600), "step_seconds": step, "count": 8,
                "series": series if word == "hour" else {key: [None] * 8 for key in series}}

    def test_what_an_app_takes(self):
        now = {"cpu_percent": 12.25, "memory_bytes": 112 << 20, "cpu_seconds": 812.41}
        self.routes["GET", "/api/projects/shop"] = {**PROJECT, "sleep": sleeping(None), "statistics": now}
        self.series("projects", "shop", cpu_percent=[None, 0, 10, 20, 30, 40, 200, None], memory_bytes=[None, 0, 0, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 2 << 20])
        self.assertEqual(self.check(0, "projects", "stats", "shop").stdout, """\
shop: live
  cpu        12.3 % of one processor, 812.4 s in all
  memory     112 MiB

last hour
  cpu         ▁▁▂▂▂█   mean 50.0 %, most 200.0 %
  memory      ▁▁▅▅▅▅█  mean 878 KiB, most 2.0 MiB

last day
  cpu        nothing known yet
  memory     nothing known yet

last 30 days
  cpu        nothing known yet
  memory     nothing known yet
""")
        answer = json.loads(self.check(0, "projects", "stats", "shop", "--json").stdout)
        self.assertEqual(sorted(answer), ["day", "hour", "month", "project"])
        self.routes["GET", "/api/projects/shop"] = {**PROJECT, "statistics": None}
        self.assertIn("\nIt was not measured yet", self.check(0, "projects", "stats", "shop").stdout)
        self.check(2, "projects", "stats", "../x", err="not a project's name")

    def test_what_a_server_does(self):
        now = {"cpu_percent": 7, "memory_bytes": 1288490188, "swap_bytes": 0, "disk_bytes": 8 << 30, "network_received_per_second": 12288,
               "network_sent_per_second": None, "load": 0.42, "at": ago(3), "processors": 2, "memory_total_bytes": 4 << 30, "swap_total_bytes": 1 << 30,
               "disk_total_bytes": 40 << 30, "disk_free_bytes": 30 << 30, "load_averages": [0.42, 0.4, 0.314], "uptime_seconds": 266461}
        server = {"id": "srv123456789", "name": "one", "status": "online", "ip_address": "127.0.0.1", "statistics": now}
        self.routes["GET", "/api/servers"] = {"servers": [server]}
        self.series("servers", "one", cpu_percent=list(range(8)), load=[0.5] * 8, network_sent_per_second=[1e300] * 8)
        out = self.check(0, "servers", "show", "one").stdout
        self.assertTrue(out.startswith("""\
one (srv123456789): online, 127.0.0.1
  up         3 days 2 h 1 min
  cpu        7.0 % of 2 processors, load 0.42 0.40 0.31
  memory     1.2 GiB of 4.0 GiB, swap 0 KiB of 1.0 GiB
  disk       8.0 GiB of 40 GiB, 30 GiB free
  network    12 KiB/s in, unknown out

last hour
  cpu        ▁▂▃▄▅▆▇█  mean 3.5 %, most 7.0 %
  memory     nothing known yet
"""), out)
        self.assertIn("\n  load       ████████  mean 0.50, most 0.50\n", out)
        ascii_out = subprocess.run([PROGRAM, "servers", "show", "one", "--socket", self.socket], capture_output=True, env={**ENVIRON, "LC_ALL": "C"}, timeout=60)
        self.assertIn(b"  cpu        _.:-=+*#  mean", ascii_out.stdout)
        self.series("servers", "srv123456789", cpu_percent=[1])
        self.assertEqual(json.loads(self.check(0, "servers", "show", "srv123456789", "--json").stdout)["server"], server)
        self.check(1, "servers", "show", "two", err="There is no server two.")
        self.check(2, "servers", "show", "a/b", err="not a server's name")
        self.routes["GET", "/api/servers"] = {"servers": [{**server, "statistics": None}]}
        self.assertIn("It was not measured yet.\n", self.check(0, "servers", "show", "one").stdout)

    def test_status_of_an_agent_that_knows_no_sleep(self):
        out = self.status(PROJECT, {**PROJECT, "status": "failed"})
        self.assertIn("\n\n2 projects: 1 live, 1 failed\n\nNAME", out)
        self.assertTrue(self.status().startswith("NanoScale 0.1.0, orchestrator: ok\n\n0 projects\n"))
        self.assertIn("one", self.check(0, "servers", "list").stdout)
        self.assertEqual(json.loads(self.check(0, "status", "--json").stdout)["health"]["status"], "ok")

    def test_sleep_settings(self):
        self.routes["PATCH", "/api/projects/shop"] = PROJECT
        for words, sent in (
            (("--idle", "90s"), {"idle_seconds": 90, "scale_to_zero": True}), (("--idle", "1h30m"), {"idle_seconds": 5400, "scale_to_zero": True}),
            (("--idle", "never"), {"idle_seconds": 0}), (("--idle", "15m", "--sleep"), {"idle_seconds": 900, "scale_to_zero": True}),
            (("--idle", "never", "--no-sleep"), {"idle_seconds": 0, "scale_to_zero": False}),
            (("--doze", "off", "--exclusive", "on", "--drain", "2m"), {"doze": False, "exclusive": True, "drain_seconds": 120}),
            (("--static-directory", "dist", "--domain", "www.example.com"), {"static_directory": "dist", "domain": "www.example.com"}),
            (("--domain", "", "--static-directory", ""), {"domain": None, "static_directory": ""}),
        ):
            with self.subTest(words):
                self.check(0, "projects", "set", "shop", *words)
                self.assertEqual(self.asked("PATCH")[-1][1], sent)

    def test_set_says_when_it_counts(self):
        self.routes["PATCH", "/api/projects/shop"] = PROJECT
        self.check(0, "projects", "set", "shop", "--idle", "1h", out="Stored, and in effect.\n")
        self.check(0, "projects", "set", "shop", "--idle", "1h", "--memory", "256",
                   out="Stored. It takes effect with the next deployment or restart: `nanoscale restart shop`\n")
        self.check(0, "projects", "set", "shop", "--memory", "256", "--node", "22",
                   out="Stored. It takes effect with the next deployment: `nanoscale deploy shop`\n")
        self.routes["PATCH", "/api/projects/shop"] = {**PROJECT, "live_release": None}
        self.check(0, "projects", "set", "shop", "--memory", "256", out="Stored. It takes effect with the next deployment: `nanoscale deploy shop`\n")

    def test_show_in_words(self):
        self.routes["GET", "/api/projects/shop"] = {
            **PROJECT, "status": "sleeping", "memory_bytes": 52 << 10, "sleep": sleeping("armed", count=37, p50=71, p99=1210), "crash": None, "idle_seconds": 5400,
            "doze": False, "exclusive": True, "drain_seconds": 120, "memory_mib": 512, "build_memory_mib": 2048, "cpu_percent": 150, "domain": None, "created_at": "2025-11-24T22:50:00.000Z"}
        out = self.check(0, "projects", "show", "shop").stdout
        self.assertRegex(out, r"\n  status            sleeping \(armed\) since 20\d\d-\d\d-\d\d \d\d:\d\d, 2 h 5 min ago\n")
        for line in ("memory            52 KiB", "RAM saved         118 MiB",
                     "wakes             37: p50 71 ms, p99 1.2 s; the last took 71 ms, 2 h 30 min ago", "build memory      2 GiB", "sleeps            after 1 h 30 min without a request", "dozes before      no",
                     "exclusive         yes", "drain             2 min", "memory limit      512 MiB", "cpu limit         150 % of a core",
                     "created           2025-11-24 22:50"):
            self.assertIn(f"\n  {line}\n", out)
        self.assertNotIn("domain", out)
        for more in ({"idle_seconds": 0}, {"idle_seconds": 900, "scale_to_zero": False}):
            self.routes["GET", "/api/projects/shop"] = {**PROJECT, **more}
            self.assertIn("\n  sleeps            never\n", self.check(0, "projects", "show", "shop").stdout)

    def test_show_of_a_crash(self):
        self.routes["GET", "/api/projects/shop"] = {**PROJECT, "status": "crashed", "sleep": sleeping(None), "crash": {
            "sentence": "The app exited with code 1.", "since": ago(120), "attempts": 1, "next_attempt": None, "last_lines": ["Error: \033[31mboom"]}}
        self.assertTrue(self.check(0, "projects", "show", "shop").stdout.endswith(
            "shop crashed 2 min ago: The app exited with code 1. It is being tried again. See `nanoscale logs shop`.\n    Error: boom\n"))


class Servers(Case):
    JOIN = "ns1." + "T" * 32 + "." + "0123456789abcdef" * 4 + ".fra1.example.com:4000"
    NOW = {"memory_bytes": 1288490188, "memory_total_bytes": 4 << 30, "disk_bytes": 8 << 30, "disk_total_bytes": 40 << 30, "load": 0.42, "load_averages": [0.42, 0.4, 0.3]}

    def setUp(self):
        super().setUp()
        self.fra1 = {"id": "srv123456789", "name": "fra1", "status": "online", "ip_address": "127.0.0.1", "version": "0.2.0", "projects": 3, "statistics": self.NOW}
        self.w1 = {"id": "wrk123456789", "name": "w1", "status": "offline", "ip_address": "10.0.0.2", "version": "0.2.0", "projects": 1, "statistics": self.NOW,
                   "reason": "The connection was refused.", "changed_at": ago(7500), "seen_at": ago(7530), "clock_difference_seconds": None}
        self.routes["GET", "/api/servers"] = {"servers": [self.fra1, self.w1]}
        self.routes["POST", "/api/cluster/generate-token"] = {"join": self.JOIN, "expires_at": ago(-600), "command": "./scripts/install.sh --join -"}

    def looks(self, *answers):
        """One list of servers a look; the last one stays."""
        left = list(answers)
        self.routes["GET", "/api/servers"] = lambda h: h.answer(200, {"servers": left.pop(0) if len(left) > 1 else left[0]})

    def test_list(self):
        self.check(0, "servers", "list", out="""\
NAME  STATUS   SINCE          ADDRESS    VERSION  PROJECTS  MEMORY              DISK               LOAD  ID
fra1  online   -              127.0.0.1  0.2.0    3         1.2 GiB of 4.0 GiB  8.0 GiB of 40 GiB  0.42  srv123456789
w1    offline  2 h 5 min ago  10.0.0.2   0.2.0    1         -                   -                  -     wrk123456789
w1 is offline: The connection was refused.
""")
        self.assertEqual(json.loads(self.check(0, "servers", "list", "--json").stdout), {"servers": [self.fra1, self.w1]})

    def test_list_says_what_should_be_seen_to(self):
        full = {"type": "disk-nearly-full", "sentence": "Its disk is nearly full: 1.5 GiB of 40 GiB are free."}
        old = {"type": "version-differs", "sentence": "It runs NanoScale 0.2.0, this server 0.3.0."}
        self.looks([{**self.fra1, "warnings": [full, old]}, {**self.w1, "warnings": []}])
        out = self.check(0, "servers", "list").stdout
        self.assertEqual(out.splitlines()[3:], [f"fra1: {full['sentence']}", f"fra1: {old['sentence']}", "w1 is offline: The connection was refused."])

    def test_list_names_a_wrong_clock_once(self):
        wrong = "Its clock differs by 47 s. Set the time of both servers (timedatectl set-ntp true)."
        self.looks([{**self.w1, "reason": wrong, "clock_difference_seconds": 47}])
        lines = self.check(0, "servers", "list").stdout.splitlines()
        self.assertEqual(lines[2:], ["w1 is offline: " + wrong])
        self.looks([{**self.w1, "status": "online", "reason": None, "changed_at": ago(60), "clock_difference_seconds": -47}])
        lines = self.check(0, "servers", "list").stdout.splitlines()
        self.assertEqual(lines[1].split()[:5], ["w1", "online", "1", "min", "ago"])
        self.assertEqual(lines[2:], ["w1: clock differs by -47 s. Set the time of both servers: `timedatectl set-ntp true`"])

    def test_list_of_an_agent_that_knows_little(self):
        self.looks([{"id": "srv123456789", "name": "one", "status": "offline", "ip_address": "127.0.0.1", "seen_at": ago(7500)}])
        self.assertEqual(self.check(0, "servers", "list").stdout.splitlines()[1].split()[:7], ["one", "offline", "2", "h", "5", "min", "ago"])
        self.looks([{"id": "srv123456789", "name": "one", "status": "online", "ip_address": "127.0.0.1"}])
        self.assertEqual(self.check(0, "servers", "list").stdout.splitlines()[1].split(), ["one", "online", "-", "127.0.0.1", "-", "-", "-", "-", "-", "srv123456789"])

    def test_show_of_an_offline_server_asks_it_nothing(self):
        out = self.check(0, "servers", "show", "w1").stdout
        self.assertRegex(out, r"""\Aw1 \(wrk123456789\): offline, 10\.0\.0\.2
  since      20\d\d-\d\d-\d\d \d\d:\d\d, 2 h 5 min ago
  version    0\.2\.0
  projects   1
w1 is offline: The connection was refused\.
\Z""")
        self.assertEqual(json.loads(self.check(0, "servers", "show", "w1", "--json").stdout), {"server": self.w1})

    def test_add_prints_the_command(self):
        out = self.check(0, "servers", "add", "--no-wait").stdout
        self.assertRegex(out, r"\AOn the new server, as root, in a clone of NanoScale:\n\n  \./scripts/install\.sh --join " + re.escape(self.JOIN) +
                         r"\n\nThe string is a secret: one server can join with it, until \d\d:\d\d:\d\d \(in \d+ (min|s)\)\.\n\Z")
        self.assertEqual(self.asked("POST"), [("/api/cluster/generate-token", {})])
        self.assertEqual(json.loads(self.check(0, "servers", "add", "--no-wait", "--json").stdout)["join"], self.JOIN)

    def test_add_prints_nothing_that_is_no_join_string(self):
        for join in (self.JOIN + ";reboot", "$(reboot)", self.JOIN + "\n", "", None):
            with self.subTest(join):
                self.routes["POST", "/api/cluster/generate-token"] = {"join": join, "expires_at": ago(-600)}
                self.check(1, "servers", "add", "--no-wait", out="", err="has no string to join with")

    def test_add_waits_until_the_new_server_is_online(self):
        w2 = {**self.w1, "id": "new123456789", "name": "w2", "ip_address": "10.0.0.3", "reason": "It has just joined."}
        self.looks([self.fra1, self.w1], [self.fra1, self.w1], [self.fra1, {**self.w1, "status": "online"}, w2], [self.fra1, w2], [self.fra1, {**w2, "status": "online"}])
        out = self.check(0, "servers", "add").stdout
        self.assertTrue(out.endswith("""\
Waiting for the server. Ctrl-C ends the waiting; the string stays good.
w1 is online again.
w2 has joined. It does not answer yet.
w2 is online at 10.0.0.3. Deploy on it: `nanoscale deploy https://git.example/app.git --server w2`
"""), out)
        self.assertEqual(self.asked("GET"), [("/api/servers", None)] * 5)

    def test_add_as_json_is_the_string_and_the_server(self):
        w2 = {**self.fra1, "id": "new123456789", "name": "w2"}
        self.looks([self.fra1], [self.fra1, w2])
        token, server = (json.loads(line) for line in self.check(0, "servers", "add", "--json").stdout.splitlines())
        self.assertEqual((token["join"], server), (self.JOIN, w2))

    def test_add_outlives_an_agent_that_is_away(self):
        w2 = {**self.fra1, "id": "new123456789", "name": "w2"}
        # Twice: what was hung up on a connection that had been used before, libcurl asks again by itself.
        hang_up = lambda h: setattr(h, "close_connection", True)
        steps = [lambda h: h.answer(200, {"servers": []}), hang_up, hang_up, lambda h: h.answer(200, {"servers": [w2]})]
        self.routes["GET", "/api/servers"] = lambda h: steps.pop(0)(h)
        self.assertIn("\nw2 is online at", self.check(0, "servers", "add").stdout)
        self.assertEqual(steps, [])

    def test_add_refused(self):
        self.routes["POST", "/api/cluster/generate-token"] = lambda h: h.problem(409, "no-address", "Set cluster.address.")
        self.check(1, "servers", "add", out="", err="nanoscale: Set cluster.address.")

    def test_remove(self):
        self.routes["DELETE", "/api/servers/w1"] = lambda h: h.problem(409, "server-in-use", "1 project is on w1. Delete them first.")
        self.routes["DELETE", "/api/servers/w1?force=1"] = lambda h: h.answer(204)
        self.check(1, "servers", "remove", "w1", "--yes", out="", err="nanoscale: 1 project is on w1. Delete them first.")
        self.check(0, "servers", "remove", "w1", "--yes", "--force", out="w1 is removed.\n")
        self.check(0, "servers", "remove", "w1", "-y", "--force", "--json", out="")
        self.server.asked.clear()
        self.routes["GET", "/api/servers/w1"] = self.w1
        self.check(2, "servers", "remove", "w1", "--force", err="Removing w1 needs --yes")
        self.check(2, "servers", "remove", "../w1", "--yes", err="is not a server's name")
        self.check(1, "servers", "remove", "w9", err="There is nothing at")
        self.assertEqual(self.asked("DELETE"), [])

    def test_remove_asks_for_the_name(self):
        gone = []
        self.routes["GET", "/api/servers/w1"] = self.w1
        self.routes["DELETE", "/api/servers/w1?force=1"] = lambda h: (gone.append(1), h.answer(204))
        code, shown = self.run_on_terminal("servers", "remove", "w1", "--force", type_in=[("Type its name: ", "w2\n")])
        self.assertEqual((code, gone), (1, []))
        self.assertIn("This removes w1 from the cluster. Its 1 project is forgotten here; what runs on it is left as it is. Type its name: ", shown)
        self.assertIn("Nothing was removed: that is not the name.", shown)
        code, shown = self.run_on_terminal("servers", "remove", "w1", "--force", type_in=[("Type its name: ", "w1\n")])
        self.assertEqual((code, gone), (0, [1]))
        self.assertIn("w1 is removed.", shown)

    def test_rotate_key(self):
        self.routes["POST", "/api/servers/w1/rotate-key"] = lambda h: h.answer(200, self.w1)
        self.check(0, "servers", "rotate-key", "w1", out="w1 has a new key.\n")
        self.assertEqual(json.loads(self.check(0, "servers", "rotate-key", "w1", "--json").stdout), self.w1)
        self.routes["POST", "/api/servers/w1/rotate-key"] = lambda h: h.problem(503, "server-unreachable", "The server did not take the new key; the old one stays in use.")
        self.check(1, "servers", "rotate-key", "w1", err="nanoscale: The server did not take the new key; the old one stays in use.")
        self.check(2, "servers", "rotate-key", "w1/x", err="is not a server's name")

    def test_project_on_a_server(self):
        self.routes["POST", "/api/projects"] = PROJECT
        self.routes["POST", "/api/projects/shop/deployments"] = lambda h: h.answer(202, deployment())
        self.check(0, "projects", "create", "shop", "--repo", "https://h/shop", "--server", "w1")
        self.check(0, "deploy", "https://h/shop", "--server", "w1", "--no-follow")
        self.assertEqual([body for path, body in self.asked("POST") if path == "/api/projects"],
                         [{"name": "shop", "repo_url": "https://h/shop", "server": "w1"}] * 2)
        self.routes["POST", "/api/projects"] = lambda h: h.problem(503, "server-offline", "The project's server does not answer, so nothing was done: it is off.")
        for words in (("projects", "create", "shop", "--repo", "https://h/shop"), ("deploy", "https://h/shop")):
            self.check(1, *words, "--server", "w1", err="nanoscale: The project's server does not answer, so nothing was done: it is off.")
            self.check(2, *words, "--server", "../x", err="--server: \"../x\" is not a server's name")

    def test_project_that_is_on_another_server_is_not_moved(self):
        self.routes["GET", "/api/projects/shop"] = {**PROJECT, "server": "w1"}
        self.routes["POST", "/api/projects/shop/deployments"] = lambda h: h.answer(202, deployment())
        self.routes["GET", "/api/servers/srv123456789"] = self.fra1
        self.routes["GET", "/api/servers/fra1"] = self.fra1
        self.routes["GET", "/api/servers/wrk123456789"] = self.w1
        for server in ("fra1", "srv123456789"):
            self.check(1, "deploy", "shop", "--server", server, "--memory", "64", out="",
                       err=f"--server: the project shop is on the server w1. Move it: `nanoscale projects move shop {server}`. Without --server it is deployed where it is.")
        self.check(1, "deploy", "shop", "--server", "w9", err="There is nothing at /api/servers/w9.")
        self.assertEqual(self.asked("POST") + self.asked("PATCH"), [])
        for server in ("w1", "wrk123456789"):
            self.check(0, "deploy", "shop", "--server", server, "--no-follow")

    def test_settings_that_wait_for_the_server(self):
        waits = "Stored. The server w1 is not reached now; it gets the settings when it is back.\n"
        answer = {**PROJECT, "server": "w1", "status": "unreachable", "pending": True}
        self.routes["PATCH", "/api/projects/shop"] = self.routes["PATCH", "/api/projects/shop/env"] = self.routes["POST", "/api/projects"] = answer
        self.check(0, "projects", "set", "shop", "--idle", "1h", out=waits)
        self.check(0, "env", "set", "shop", "A=1", out=waits)
        self.check(0, "env", "unset", "shop", "A", out=waits)
        self.check(0, "projects", "create", "shop", "--repo", "https://h/x", "--server", "w1", out=waits + "shop is created. Deploy it: `nanoscale deploy shop`\n")
        self.assertTrue(json.loads(self.check(0, "projects", "set", "shop", "--idle", "1h", "--json").stdout)["pending"])

    def test_status_tells_what_is_not_reached(self):
        self.routes["GET", "/api/health"] = {"status": "ok", "version": "0.2.0", "role": "orchestrator"}
        self.routes["GET", "/api/projects?limit=200"] = {"projects": [{**PROJECT, "status": "unreachable", "server": "w1"}], "next": None}
        out = self.check(0, "status").stdout
        self.assertIn("\n1 project: 1 unreachable\n", out)
        self.assertTrue(out.endswith("\nw1    offline  10.0.0.2   wrk123456789\nw1 is offline: The connection was refused.\n"), out)


class Moves(Case):
    HOSTS = {"host": "shop.example.com", "domain": None}
    BEFORE = ("This moves shop from fra1 to w1. It is built anew there; fra1 serves it until that is healthy, and a while longer. Files in its data directory are NOT moved, "
              "and are removed with the old place. The DNS of shop.example.com must be pointed to 10.0.0.2, the address of w1.")

    def setUp(self):
        super().setUp()
        self.fra1 = {"id": "srv123456789", "name": "fra1", "status": "online", "ip_address": "127.0.0.1", "projects": 2, "draining": False}
        self.w1 = {"id": "wrk123456789", "name": "w1", "status": "online", "ip_address": "10.0.0.2", "projects": 0, "draining": False}
        self.routes["GET", "/api/servers/w1"] = self.routes["GET", "/api/servers/wrk123456789"] = self.w1
        self.routes["GET", "/api/servers/fra1"] = self.fra1
        self.routes["GET", "/api/servers"] = {"servers": [self.fra1, self.w1]}
        self.shop = {**PROJECT, **self.HOSTS, "server": "fra1"}
        self.routes["GET", "/api/projects/shop"] = self.shop
        self.routes["POST", "/api/projects/shop/move"] = lambda h: h.answer(202, self.moving("queued"))
        self.routes["POST", "/api/servers/fra1/drain"] = lambda h: h.answer(202, {**self.fra1, "draining": True, "moving": 2})

    def moving(self, state, name="shop", server="fra1", **more):
        """A project on its way from fra1 to w1."""
        return {**self.shop, "name": name, "host": f"{name}.example.com", "server": "w1" if state == "lingering" else server,
                "move": {"from": "fra1", "to": "w1", "state": state, "failure": None, "deployment": ID, "linger_seconds": 300, "changed_at": ago(0), **more}}

    def there(self, name="shop"):
        return {**self.shop, "name": name, "host": f"{name}.example.com", "server": "w1"}

    def looks(self, *answers, path="/api/projects/shop"):
        """One answer a look; the last one stays."""
        left = list(answers)

        def answer(h):
            now = left.pop(0) if len(left) > 1 else left[0]
            if callable(now):
                now(h)
            else:
                h.answer(200, {"projects": now, "next": None} if isinstance(now, list) else now)

        self.routes["GET", path] = answer

    def list_looks(self, *answers):
        self.looks(*answers, path="/api/projects?limit=200")

    def test_move_is_followed_until_the_new_place_serves(self):
        self.looks(self.shop, self.moving("placing"), self.moving("placing"), self.moving("deploying"), self.moving("building"), self.moving("lingering"))
        out = self.check(0, "projects", "move", "shop", "w1", "--yes").stdout
        self.assertRegex(out, r"\A" + re.escape(self.BEFORE) + r"""
shop is queued for w1\.
shop is set up on w1\.
shop is about to be built on w1\.
shop is built and started on w1\.
shop is live on w1\. Point the DNS of shop\.example\.com to 10\.0\.0\.2, the address of w1\. fra1 still serves it until 20\d\d-\d\d-\d\d \d\d:\d\d \(in \d+ (min|s)\)\.
\Z""")
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/move", {"server": "w1"})])

    def test_move_that_was_over_between_two_looks(self):
        self.looks(self.shop, self.there())
        self.assertTrue(self.check(0, "projects", "move", "shop", "wrk123456789", "--yes", "--linger", "0").stdout.endswith(
            "shop is live on w1. Point the DNS of shop.example.com to 10.0.0.2, the address of w1. The old place is removed.\n"))
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/move", {"server": "w1", "linger_seconds": 0})])

    def test_move_that_fails_tells_why_and_what_serves(self):
        why = "The deployment on the new server ended as failed: The command ended with exit code 1."
        self.looks(self.shop, self.moving("building"), self.moving("undoing", failure=why), self.moving("failed", failure=why))
        done = self.check(1, "projects", "move", "shop", "w1", "-y", err=f"nanoscale: shop was not moved to w1: {why} Release 2 goes on serving on fra1.\n")
        self.assertTrue(done.stdout.endswith("shop is built and started on w1.\nshop is removed again from w1.\n"), done.stdout)
        self.looks(self.shop, self.moving("failed", failure=why))
        done = self.run_cli("projects", "move", "shop", "w1", "-y", "--json")
        self.assertEqual((done.returncode, json.loads(done.stderr)["type"]), (1, "move-failed"))

    def test_move_that_is_not_known_any_more(self):
        self.looks(self.shop, self.shop)
        self.check(1, "projects", "move", "shop", "w1", "-y", err="shop is on fra1, and does not move any more.")

    def test_move_to_the_orchestrator_which_its_row_names_from_the_start(self):
        self.routes["POST", "/api/projects/shop/move"] = lambda h: h.answer(202, self.moving("queued", server="w1", to="fra1", **{"from": "w1"}))
        arrived = {**self.moving("lingering", to="fra1", **{"from": "w1"}), "server": "fra1"}
        self.looks({**self.shop, "server": "w1"}, self.moving("building", to="fra1", **{"from": "w1"}), arrived)
        out = self.check(0, "projects", "move", "shop", "fra1", "-y").stdout
        self.assertIn("\nshop is built and started on fra1.\nshop is live on fra1. Point the DNS of shop.example.com to the public address of fra1. w1 still serves it until ", out)

    def test_move_outlives_an_agent_that_is_away(self):
        away = lambda h: setattr(h, "close_connection", True)
        self.looks(self.shop, self.moving("placing"), away, away, away, self.moving("lingering"))  # libcurl itself asks again once
        self.assertIn("\nshop is live on w1.", self.check(0, "projects", "move", "shop", "w1", "-y").stdout)

    def test_move_as_json_is_the_project_twice(self):
        last = self.moving("lingering")
        self.looks(self.shop, self.moving("building"), last)
        first, second = (json.loads(line) for line in self.check(0, "projects", "move", "shop", "w1", "-y", "--json").stdout.splitlines())
        self.assertEqual((first["move"]["state"], second), ("queued", last))

    def test_move_without_waiting(self):
        self.check(0, "projects", "move", "shop", "w1", "-y", "--no-wait", out=self.BEFORE + "\nThe move of shop has begun. How far it is: `nanoscale projects show shop`\n")
        self.assertEqual(json.loads(self.check(0, "projects", "move", "shop", "w1", "-y", "--no-wait", "--json").stdout)["move"]["state"], "queued")
        self.assertEqual(len(self.asked("GET")), 4)

    def test_move_refused(self):
        self.check(2, "projects", "move", "shop", "w1", out="", err="Moving shop needs --yes where nobody can be asked.")
        self.check(2, "projects", "move", "shop", "../w1", "-y", err="is not a server's name")
        self.check(2, "projects", "move", "../shop", "w1", "-y", err="is not a project's name")
        self.check(2, "projects", "move", "shop", err="SERVER is missing.")
        for linger in ("-1", "5m", "604801", ""):
            self.check(2, "projects", "move", "shop", "w1", "-y", f"--linger={linger}", err="is not a number of seconds from 0 to 604800")
        self.check(1, "projects", "move", "shop", "w9", "-y", err="There is nothing at /api/servers/w9.")
        self.check(1, "projects", "move", "other", "w1", "-y", err="There is nothing at /api/projects/other.")
        self.assertEqual(self.asked("POST"), [])
        self.routes["POST", "/api/projects/shop/move"] = lambda h: h.problem(409, "already-there", "The project is on that server already.")
        self.check(1, "projects", "move", "shop", "fra1", out="", err="nanoscale: The project is on that server already.")

    def test_move_asks_for_the_name(self):
        self.looks(self.shop)
        code, shown = self.run_on_terminal("projects", "move", "shop", "w1", type_in=[("Type its name: ", "shop2\n")])
        self.assertEqual((code, self.asked("POST")), (1, []))
        self.assertIn(self.BEFORE + " Type its name: ", shown)
        self.assertIn("Nothing was moved: that is not the name.", shown)
        self.looks(self.shop, self.there())
        code, shown = self.run_on_terminal("projects", "move", "shop", "w1", type_in=[("Type its name: ", "shop\n")])
        self.assertEqual((code, len(self.asked("POST"))), (0, 1))
        self.assertIn("shop is live on w1.", shown)

    def test_show_tells_of_a_move(self):
        for state, more, wanted in (("building", {}, "from fra1 to w1: building since 5 min ago"), ("failed", {"failure": "It is full."}, "from fra1 to w1: failed 5 min ago: It is full."),
                                    ("building", {"to": None}, "from fra1 to a server that is gone: building since 5 min ago")):
            self.routes["GET", "/api/projects/shop"] = self.moving(state, changed_at=ago(301), **more)
            self.assertIn(f"\n  move              {wanted}\n", self.check(0, "projects", "show", "shop").stdout)
        self.routes["GET", "/api/projects/shop"] = self.moving("lingering", changed_at=ago(301), linger_seconds=7801)
        self.assertRegex(self.check(0, "projects", "show", "shop").stdout,
                         r"\n  move              from fra1 to w1: done 5 min ago; fra1 still serves it until 20\d\d-\d\d-\d\d \d\d:\d\d \(in 2 h \d min\)\n")
        self.routes["GET", "/api/projects/shop"] = self.shop
        self.assertNotIn("  move ", self.check(0, "projects", "show", "shop").stdout)

    def test_drain_is_followed_until_nothing_is_left(self):
        blog = lambda state: self.moving(state, "blog")
        docs = {**self.there("docs"), "server": "w2"}
        self.list_looks([blog("queued"), docs, self.moving("building")], [blog("building"), docs, self.moving("lingering")], [blog("lingering"), docs, self.moving("lingering")],
                        [self.there("blog"), docs, self.moving("lingering")], [self.there("blog"), docs, self.there()])
        out = self.check(0, "servers", "drain", "fra1", "--yes", "--linger", "60").stdout.splitlines()
        self.assertEqual(out[:2], ["This moves 2 projects from fra1 to other servers, and it takes no new ones. Each is built anew there. Files in data directories are NOT moved, "
                                   "and are removed with the old places. DNS must be pointed to the new servers.", "fra1 takes no new projects. 2 projects move away."])
        self.assertTrue(out[2].startswith("shop is live on w1. Point the DNS of shop.example.com to 10.0.0.2, the address of w1. fra1 still serves it until "), out[2])
        self.assertTrue(out[3].startswith("blog is live on w1. Point the DNS of blog.example.com to 10.0.0.2"), out[3])
        self.assertEqual(out[4:], ["All have moved. Waiting until fra1 has removed the old places.",
                                   "No project is left on fra1. It takes new ones after `nanoscale servers undrain fra1`."])
        self.assertEqual(self.asked("POST"), [("/api/servers/fra1/drain", {"linger_seconds": 60})])

    def test_drain_of_a_project_whose_old_place_is_gone_at_once(self):
        self.list_looks([self.moving("building")], [self.there()])
        out = self.check(0, "servers", "drain", "fra1", "-y", "--linger", "0").stdout.splitlines()
        self.assertEqual(out[2:], ["shop is live on w1. Point the DNS of shop.example.com to 10.0.0.2, the address of w1. The old place is removed.",
                                   "No project is left on fra1. It takes new ones after `nanoscale servers undrain fra1`."])

    def test_drain_that_leaves_something_behind(self):
        self.list_looks([self.moving("building"), self.moving("building", "blog"), {**self.shop, "name": "new"}],
                        [self.moving("undoing", failure="It is full"), self.moving("lingering", "blog"), {**self.shop, "name": "new"}])
        done = self.check(1, "servers", "drain", "fra1", "-y", err="nanoscale: 2 projects are still on fra1. Try once more: `nanoscale servers drain fra1`\n")
        self.assertEqual(done.stdout.splitlines()[2:4], ["new is not being moved.", "shop was not moved: It is full."])
        self.assertTrue(done.stdout.splitlines()[4].startswith("blog is live on w1."))

    def test_drain_of_a_server_that_is_offline_ends_when_all_serve_elsewhere(self):
        self.routes["GET", "/api/servers"] = {"servers": [{**self.fra1, "status": "offline"}, self.w1]}
        self.list_looks([self.moving("lingering")])
        self.assertTrue(self.check(0, "servers", "drain", "fra1", "-y").stdout.endswith("\nfra1 is offline: what has moved is removed there when it is back.\n"))

    def test_drain_of_a_server_that_is_removed_meanwhile(self):
        self.routes["GET", "/api/servers"] = {"servers": [self.w1]}
        self.list_looks([self.there()])
        self.check(1, "servers", "drain", "fra1", "-y", err="fra1 was removed meanwhile.")

    def test_drain_without_projects_asks_nothing(self):
        self.routes["GET", "/api/servers/fra1"] = {**self.fra1, "projects": 0}
        self.routes["POST", "/api/servers/fra1/drain"] = lambda h: h.answer(202, {**self.fra1, "draining": True, "moving": 0})
        self.list_looks([self.there()])
        self.check(0, "servers", "drain", "fra1", out="fra1 takes no new projects. 0 projects move away.\n"
                                                      "No project is left on fra1. It takes new ones after `nanoscale servers undrain fra1`.\n")

    def test_drain_as_json_and_without_waiting(self):
        self.list_looks([self.moving("building")], [self.there()])
        first, second = (json.loads(line) for line in self.check(0, "servers", "drain", "fra1", "-y", "--json").stdout.splitlines())
        self.assertEqual((first["moving"], second), (2, self.fra1))
        self.server.asked.clear()
        self.assertTrue(self.check(0, "servers", "drain", "fra1", "-y", "--no-wait").stdout.endswith("\nfra1 takes no new projects. 2 projects move away.\n"))
        self.assertEqual(self.asked("GET"), [("/api/servers/fra1", None)])

    def test_drain_refused(self):
        self.check(2, "servers", "drain", "fra1", out="", err="Draining fra1 needs --yes where nobody can be asked.")
        self.check(2, "servers", "drain", "../x", "-y", err="is not a server's name")
        self.check(2, "servers", "drain", "fra1", "-y", "--linger", "soon", err="--linger: \"soon\" is not a number of seconds")
        self.check(1, "servers", "drain", "w9", "-y", err="There is nothing at")
        self.assertEqual(self.asked("POST"), [])
        self.routes["POST", "/api/servers/fra1/drain"] = lambda h: h.problem(409, "no-other-server", "No other server is online and takes projects.")
        self.check(1, "servers", "drain", "fra1", "-y", err="nanoscale: No other server is online and takes projects.")

    def test_drain_asks_for_the_name(self):
        self.list_looks([self.there()])
        code, shown = self.run_on_terminal("servers", "drain", "fra1", type_in=[("Type its name: ", "w1\n")])
        self.assertEqual((code, self.asked("POST")), (1, []))
        self.assertIn("Files in data directories are NOT moved", shown)
        code, shown = self.run_on_terminal("servers", "drain", "fra1", type_in=[("Type its name: ", "fra1\n")])
        self.assertEqual((code, len(self.asked("POST"))), (0, 1))

    def test_undrain(self):
        self.routes["POST", "/api/servers/w1/undrain"] = lambda h: h.answer(200, self.w1)
        self.check(0, "servers", "undrain", "w1", out="w1 takes projects again.\n")
        self.assertEqual(json.loads(self.check(0, "servers", "undrain", "w1", "--json").stdout), self.w1)
        self.check(2, "servers", "undrain", "w1/x", err="is not a server's name")

    def test_draining_is_visible(self):
        draining = {**self.w1, "draining": True}
        self.routes["GET", "/api/servers"] = {"servers": [self.fra1, draining]}
        self.routes["GET", "/api/health"] = {"status": "ok", "version": "0.2.0", "role": "orchestrator"}
        self.list_looks([])
        self.assertEqual(self.check(0, "servers", "list").stdout.splitlines()[1:],
                         ["fra1  online            -      127.0.0.1  -        2         -       -     -     srv123456789",
                          "w1    online, draining  -      10.0.0.2   -        0         -       -     -     wrk123456789"])
        self.assertIn("\nw1    online, draining  10.0.0.2   wrk123456789\n", self.check(0, "status").stdout)
        self.routes["GET", "/api/servers"] = {"servers": [self.fra1, {**draining, "status": "offline"}]}
        self.assertTrue(self.check(0, "servers", "show", "w1").stdout.startswith("w1 (wrk123456789): offline, draining, 10.0.0.2\n"))


class Switches(Case):
    """Rollback, restart, sleep and wake."""

    def setUp(self):
        super().setUp()
        self.routes["GET", "/api/projects/shop"] = PROJECT
        for kind in ("rollback", "restart"):
            end = deployment("live", kind=kind, release=2, duration_ms=1300, url="http://shop.example.com", steps=[step("start"), step("check", ms=500)])
            self.routes["POST", f"/api/projects/shop/{kind}"] = lambda h, kind=kind, end=end: (self.stream(kind, end), h.answer(202, deployment(kind=kind)))

    def stream(self, kind, end):
        text = (event(1, "deployment", deployment("start", kind=kind, release=2)) + event(2, "step", step("start", "running")) + event(3, "step", step("start")) +
                event(4, "step", step("check", ms=500)) + event(5, "end", end))
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(text)

    def test_rollback_and_restart_are_followed(self):
        self.check(0, "rollback", "shop", "2", out="Rolling shop back (deployment 3, release 2)\nstart ok 0.8s\ncheck ok 0.5s\n"
                                                    "shop is live at http://shop.example.com (release 2, 1.3 s)\n")
        self.check(0, "rollback", "shop", err="")
        self.check(0, "restart", "shop", out="Restarting shop (deployment 3, release 2)\nstart ok 0.8s\ncheck ok 0.5s\n"
                                             "shop is live at http://shop.example.com (release 2, 1.3 s)\n")
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/rollback", {"release": 2}), ("/api/projects/shop/rollback", {}), ("/api/projects/shop/restart", {})])

    def test_terminal_shows_only_the_steps_that_there_are(self):
        code, shown = self.run_on_terminal("restart", "shop")
        self.assertEqual(code, 0)
        self.assertIn("\u2713 \033[0mcheck", shown)
        self.assertNotIn("build", shown)

    def test_without_following(self):
        self.assertIn(f"nanoscale deployments follow {ID}", self.check(0, "restart", "shop", "--no-follow").stdout)
        self.assertEqual(json.loads(self.check(0, "rollback", "shop", "--no-follow", "--json").stdout)["kind"], "rollback")
        self.assertEqual(json.loads(self.check(0, "rollback", "shop", "--json").stdout.splitlines()[-1])["event"], "end")

    def test_refused(self):
        self.check(2, "rollback", "shop", "0", err="\"0\" is not the number of a release; `nanoscale releases shop` lists them.")
        self.check(2, "rollback", "shop", "x", err="not the number")
        self.check(2, "rollback", "../x", err="is not a project's name")
        self.assertEqual(self.asked("POST"), [])
        self.routes["POST", "/api/projects/shop/rollback"] = lambda h: h.problem(409, "release-absent", "No release from before the live one is kept.")
        self.check(1, "rollback", "shop", err="nanoscale: No release from before the live one is kept.")

    def test_failure(self):
        end = deployment("failed", kind="rollback", release=1, failure={"step": "check", "sentence": "It answered 500.", "exit_code": None, "last_lines": []})
        self.routes["POST", "/api/projects/shop/rollback"] = lambda h: (self.stream("rollback", end), h.answer(202, deployment(kind="rollback")))
        self.check(1, "rollback", "shop", err="Rollback 3 of shop failed in step check: It answered 500. Release 2 goes on serving.")

    def test_restart_right_after_a_change(self):
        self.routes["PATCH", "/api/projects/shop"] = PROJECT
        self.routes["PATCH", "/api/projects/shop/env"] = {"env": [{"key": "A", "masked": "x", "length": 1}], "changed_since_deploy": True}
        self.assertTrue(self.check(0, "projects", "set", "shop", "--memory", "64", "--restart").stdout.startswith("Restarting shop"))
        self.assertTrue(self.check(0, "projects", "set", "shop", "--node", "22", "--restart").stdout.startswith(
            "Stored. What concerns the build takes effect with the next deployment: `nanoscale deploy shop`\nRestarting shop"))
        self.assertTrue(self.check(0, "env", "set", "shop", "A=1", "--restart").stdout.startswith("KEY  VALUE  LENGTH\nA    x      1\nRestarting shop"))
        self.assertIn("has begun", self.check(0, "env", "unset", "shop", "A", "--restart", "--no-follow").stdout)
        self.assertEqual([path for path, _ in self.asked("POST")], ["/api/projects/shop/restart"] * 4)

    def test_nothing_is_restarted_after_a_change_that_failed(self):
        self.routes["PATCH", "/api/projects/shop"] = lambda h: h.problem(422, "invalid-field", "idle_seconds must be at least 60.", field="idle_seconds")
        self.check(1, "projects", "set", "shop", "--idle", "5s", "--restart", err="nanoscale: --idle: idle_seconds must be at least 60.")
        self.assertEqual(self.asked("POST"), [])

    def test_sleep_and_wake(self):
        self.routes["POST", "/api/projects/shop/sleep"] = lambda h: h.answer(200, {**PROJECT, "status": "sleeping", "sleep": sleeping("armed")})
        self.routes["POST", "/api/projects/shop/wake"] = lambda h: h.answer(200, {**PROJECT, "sleep": sleeping(None)})
        self.check(0, "sleep", "shop", out="shop sleeps (armed). The next request wakes it, or `nanoscale wake shop`.\n")
        self.check(0, "sleep", "shop", "--deep")
        self.check(0, "wake", "shop", out="shop is awake.\n")
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/sleep", {"kind": "armed"}), ("/api/projects/shop/sleep", {"kind": "asleep"}),
                                              ("/api/projects/shop/wake", {})])
        self.assertEqual(json.loads(self.check(0, "wake", "shop", "--json").stdout)["status"], "live")
        self.routes["POST", "/api/projects/shop/sleep"] = lambda h: h.problem(409, "static-site", "A static site has no process that could sleep.")
        self.check(1, "sleep", "shop", err="A static site has no process")

    def test_wakes(self):
        self.routes["GET", "/api/projects/shop/wakes"] = {"wakes": []}
        self.check(0, "wakes", "shop", out="shop was not woken yet.\n")
        self.routes["GET", "/api/projects/shop/wakes"] = {"wakes": [{"at": "2025-11-24T22:50:00.000Z", "kind": "armed", "duration_ms": 71},
                                                                   {"at": "2025-11-24T22:40:00.000Z", "kind": "asleep", "duration_ms": 1210}]}
        self.check(0, "wakes", "shop", out="WHEN              FROM    WAITED\n2025-11-24 22:50  armed   71 ms\n2025-11-24 22:40  asleep  1.2 s\n"
                                           "2 wakes: p50 71 ms, p99 1.2 s\n")

    def test_audit(self):
        self.routes["GET", "/api/audit?limit=50"] = {"entries": [], "next": None}
        self.check(0, "audit", out="Nothing of that was done yet.\n")
        found = self.routes["GET", "/api/audit?limit=7&project=shop&actor=a%20b%26c&action=project"] = {"next": None, "entries": [
            {"id": 2, "at": "2025-11-24T22:50:00.000Z", "actor": {"kind": "user", "name": "mia\x1b[2J"}, "action": "auth.login", "project": None,
             "target": None, "status": 401, "detail": None, "address": "203.0.113.7", "count": 12},
            {"id": 1, "at": "2025-11-24T22:40:00.000Z", "actor": {"kind": "root", "name": "root"}, "action": "project.change", "project": "shop",
             "target": None, "status": 200, "detail": "branch", "address": None, "count": 1}]}
        self.check(0, "audit", "--project", "shop", "--actor", "a b&c", "--action", "project", "--limit", "7", out=
                   "WHEN              WHO       FROM         ACTION          PROJECT  ABOUT  STATUS         DETAIL\n"
                   "2025-11-24 22:50  user mia  203.0.113.7  auth.login      -        -      401, 12 times  -\n"
                   "2025-11-24 22:40  root      -            project.change  shop     -      200            branch\n")
        self.routes["GET", "/api/audit?limit=50"] = found
        self.assertEqual(json.loads(self.check(0, "audit", "--json").stdout)["entries"][0]["count"], 12)
        self.routes["GET", "/api/audit?limit=5000&format=csv"] = lambda h: h.answer(200, "id,at\r\n1,\x1b[2Ja\r\n", "text/csv")
        self.check(0, "audit", "--csv", out="id,at\n1,a\n")
        self.check(2, "audit", "--csv", "--json", err="choose one")
        self.check(2, "audit", "--limit", "501", err="from 1 to 500")
        self.check(2, "audit", "--limit", "5001", "--csv", err="from 1 to 5000")

    def test_releases(self):
        self.routes["GET", "/api/projects/shop/releases"] = {"releases": []}
        self.check(0, "releases", "shop", out="shop has no release yet. Deploy it: `nanoscale deploy shop`\n")
        self.routes["GET", "/api/projects/shop/releases"] = {"releases": [
            {"number": 3, "commit": "c" * 40, "subject": "Fix\x1b[2J", "kind": "app", "created_at": "2025-11-24T22:50:00.000Z", "live": True},
            {"number": 2, "commit": "d" * 40, "subject": None, "kind": "static", "created_at": "2025-11-24T22:40:00.000Z", "live": False}]}
        self.check(0, "releases", "shop", out="RELEASE  STATE  COMMIT      CREATED           KIND    SUBJECT\n3        live   cccccccccc  2025-11-24 22:50  app     Fix\n"
                                              "2        kept   dddddddddd  2025-11-24 22:40  static  -\n")


class Deployments(Case):
    def setUp(self):
        super().setUp()
        self.routes["GET", "/api/projects/shop"] = PROJECT
        self.routes["GET", f"/api/deployments/{ID}"] = FAILED

    def test_list(self):
        self.routes["GET", "/api/projects/shop/deployments?limit=20"] = {"deployments": [{**LIVE, "commit": "c" * 40, "subject": "Fix\nall\u202e"}], "next": None}
        line = self.check(0, "deployments", "list", "shop").stdout.splitlines()[1]
        self.assertEqual(line.split(), ["3", "deploy", "live", "3", "c" * 10, "main", "41.2", "s", "2025-11-24", "22:50", ID, "Fixall"])
        self.routes["GET", "/api/projects/shop/deployments?limit=5&before=9"] = {"deployments": [], "next": None}
        self.check(0, "deployments", "list", "shop", "--limit", "5", "--before", "9", "--json", out='{"deployments":[],"next":null}\n')

    def test_show_by_id_and_by_name(self):
        for what in (ID, "shop"):
            done = self.check(0, "deployments", "show", what, err="failed in step build")
            self.assertIn("build      failed   12.3 s\n    Type error: 42\n", done.stdout)
        self.check(1, "deployments", "show", "zzzzzzzzzzzz", err="neither a deployment nor a project")

    def test_receipt(self):
        receipt = {"started_at": ago(9), "healthy_at": ago(8), "switched_at": ago(8), "drained_at": ago(6), "healthy_ms": 1210, "drain_ms": 2130,
                   "connections_drained": 3, "connections_cut": 0}
        for more, words in (({}, "drained 3 connections in 2.1 s, 0 cut"), ({"connections_drained": 1, "connections_cut": 2}, "drained 1 connection in 2.1 s, 2 cut"),
                            ({"connections_drained": 0, "drain_ms": 0}, "no connection to drain")):
            self.routes["GET", f"/api/deployments/{ID}"] = {**LIVE, "receipt": {**receipt, **more}}
            self.assertTrue(self.check(0, "deployments", "show", ID).stdout.endswith(f"  receipt    healthy after 1.2 s, switched, {words}\n"))

    def test_log_is_cleaned(self):
        self.routes["GET", f"/api/deployments/{ID}/log"] = lambda h: h.answer(200, "one\n\033[2Jtwo\n\n\x9bthree", "text/plain")
        self.check(0, "deployments", "show", ID, "--log", out="one\ntwo\n\nthree\n")
        self.check(2, "deployments", "show", ID, "--log", "--json", err="--log prints text")

    def test_cancel(self):
        self.routes["POST", f"/api/deployments/{ID}/cancel"] = lambda h: h.answer(202, deployment("canceled"))
        self.check(0, "deployments", "cancel", ID, out="Deployment 3 of shop is being canceled.\n")

    def test_follow(self):
        self.routes["GET", f"/api/deployments/{ID}/events"] = lambda h: h.stream(GOOD_STREAM)
        self.assertIn("shop is live", self.check(0, "deployments", "follow", "shop").stdout)


class Logs(Case):
    def lines(self, *texts):
        return "".join(f"event: log\ndata: {json.dumps({'at': '2025-11-24T22:50:00.000Z', 'line': text, 'slot': 'a'})}\n\n" for text in texts)

    def test_lines(self):
        self.routes["GET", "/api/logs/shop?lines=100&follow=0"] = lambda h: h.stream(self.lines("one", "\033[1mtwo\033[0m\tx"))
        self.check(0, "logs", "shop", out="2025-11-24T22:50:00.000Z one\n2025-11-24T22:50:00.000Z two x\n")
        done = self.check(0, "logs", "shop", "--json")
        self.assertEqual([json.loads(line)["line"] for line in done.stdout.splitlines()], ["one", "\033[1mtwo\033[0m\tx"])

    def test_colours_on_a_terminal(self):
        self.routes["GET", "/api/logs/shop?lines=100&follow=0"] = lambda h: h.stream(self.lines("\033[1;31mred\033[2J\033]0;x\a\u009b2J!", "plain"))
        _, shown = self.run_on_terminal("logs", "shop")
        self.assertIn("\033[1;31mred2J!\033[0m\r\n", shown)
        self.assertTrue(shown.endswith("plain\r\n"))
        _, shown = self.run_on_terminal("logs", "shop", env={"NO_COLOR": "1"})
        self.assertNotIn("\033", shown)

    def test_follow_goes_on_after_a_restart_until_interrupted(self):
        self.routes["GET", "/api/logs/shop?lines=5&follow=1"] = lambda h: h.stream(self.lines("one"), cut=True)
        gone = threading.Event()
        self.addCleanup(gone.set)
        self.routes["GET", "/api/logs/shop?lines=0&follow=1"] = lambda h: h.stream(self.lines("two"), after=lambda n: gone.wait(PATIENCE))
        child = subprocess.Popen([PROGRAM, "logs", "shop", "-f", "-n5", "--socket", self.socket], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRON)
        got = [child.stdout.readline().split()[1] for _ in range(2)]
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=PATIENCE)
        self.assertEqual((got, rest, child.returncode), (["one", "two"], "", 0))
        self.assertIn("connecting again", errors)

    def test_unknown_project(self):
        self.check(1, "logs", "shop", err="There is nothing at")


class Env(Case):
    ANSWER = {"env": [{"key": "A", "masked": "\u2022\u2022\u2022\u2022", "length": 12}], "changed_since_deploy": True}

    def setUp(self):
        super().setUp()
        self.routes["GET", "/api/projects/shop/env"] = self.ANSWER
        self.routes["PATCH", "/api/projects/shop/env"] = self.ANSWER

    def sent(self):
        return self.asked("PATCH")[-1][1]

    def test_list(self):
        out = self.run_cli("env", "list", "shop").stdout
        self.assertTrue(out.startswith("KEY  VALUE  LENGTH\nA    \u2022\u2022\u2022\u2022   12\n"), out)
        self.assertIn("with the next deployment or restart: `nanoscale restart shop`", out)
        self.assertEqual(json.loads(self.run_cli("env", "list", "shop", "--json").stdout), self.ANSWER)

    def test_set(self):
        self.check(0, "env", "set", "shop", "A=1", "B=")
        self.assertEqual(self.sent(), {"set": {"A": "1", "B": ""}})
        self.check(0, "env", "set", "shop", "-", stdin="A='x\ny'\nB=2\n")
        self.assertEqual(self.sent(), {"set": {"A": "x\ny", "B": "2"}})
        self.check(0, "env", "set", "shop", "KEY", stdin="-----BEGIN\nx\n-----END\n\n")
        self.assertEqual(self.sent(), {"set": {"KEY": "-----BEGIN\nx\n-----END\n"}})
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.write("A=1\n")
            file.flush()
            self.check(0, "env", "set", "shop", "--file", file.name)
        self.assertEqual(self.sent(), {"set": {"A": "1"}})

    def test_set_refused(self):
        self.check(1, "env", "set", "shop", "-", stdin="A=1\nB\n", err="standard input, line 2: there is no = in it")
        self.check(1, "env", "set", "shop", "--file", "/nonexistent/x", err="/nonexistent/x: No such file")
        self.check(2, "env", "set", "shop", "1A=x", err="\"1A\" is not a name")
        self.check(2, "env", "set", "shop", "A", "B", stdin="x", err="Only one value")
        self.check(2, "env", "set", "shop", err="Nothing to set")
        self.assertEqual(self.asked("PATCH"), [])

    def test_unset(self):
        self.check(0, "env", "unset", "shop", "A", "B")
        self.assertEqual(self.sent(), {"unset": ["A", "B"]})


class Unreachable(Case):
    def test_no_socket(self):
        self.server.stop()
        os.unlink(self.socket)
        self.check(3, "status", err="There is no agent here")
        done = self.check(3, "status", "--json", err=None)
        self.assertEqual(json.loads(done.stderr)["type"], "unreachable")

    def test_nobody_listens(self):
        self.server.stop()
        self.check(3, "deploy", "shop", err="systemctl start nanoscale-agent")

    def test_not_allowed(self):
        os.chmod(self.directory.name, 0o755)
        os.chmod(self.socket, 0o600)
        # The build directory may lie where that user cannot go.
        program = shutil.copy(PROGRAM, self.directory.name)
        done = subprocess.run([program, "status", "--socket", self.socket], capture_output=True, text=True, env=ENVIRON, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("group nanoscale", done.stderr)

    def test_agent_that_hangs_up(self):
        self.routes["GET", "/api/health"] = lambda h: setattr(h, "close_connection", True)
        self.check(3, "status", err="went away")

    def test_answer_without_explanation(self):
        self.routes["GET", "/api/health"] = lambda h: h.answer(500, "<html>", "text/html")
        self.check(1, "status", err="status 500")
        self.routes["GET", "/api/health"] = lambda h: h.answer(200, "{not json")
        self.check(1, "status", err="not JSON")


class Help(unittest.TestCase):
    def test_help_of_every_command(self):
        overview = subprocess.run([PROGRAM, "help"], capture_output=True, text=True, env=ENVIRON, check=True).stdout
        commands = [line[2:44].split() for line in overview.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
        self.assertGreater(len(commands), 12)
        for words in commands:
            command = [word for word in words if word.islower()]
            done = subprocess.run([PROGRAM, "help", *command], capture_output=True, text=True, env=ENVIRON, check=True)
            self.assertIn("--json", done.stdout)
            self.assertTrue(done.stdout.startswith("nanoscale " + " ".join(command)))
            again = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, env=ENVIRON, check=True)
            self.assertEqual(again.stdout, done.stdout)
            self.assertLessEqual(max(len(line) for line in done.stdout.splitlines()), 120)

    def test_version(self):
        self.assertRegex(subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, env=ENVIRON, check=True).stdout, r"^nanoscale \d+\.\d+\.\d+\n$")

    def test_nothing(self):
        self.assertEqual(subprocess.run([PROGRAM], capture_output=True, env=ENVIRON).returncode, 2)
        self.assertEqual(subprocess.run([PROGRAM, "projects"], capture_output=True, env=ENVIRON).returncode, 2)
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assertEqual(subprocess.run([PROGRAM, "help"], stdout=full, stderr=subprocess.PIPE, env=ENVIRON).returncode, 1)


def domain(name="shop.example.com", state="valid", **more):
    return {"name": name, "primary": False, "redirect_to": None, "hsts": False, "source": "acme", "state": state, "problem": None, "not_after": None,
            "issued_at": None, "ends_soon": False, "next_try": None, "created_at": "2025-11-24T22:50:00.000Z", **more}


def in_days(n):
    return ago(-86400 * n - 3600)


class Domains(Case):
    PATH = "/api/projects/shop/domains/shop.example.com"
    DNS = {"type": "dns", "sentence": "shop.example.com points to 198.51.100.2, wanted is A 203.0.113.7."}

    def setUp(self):
        super().setUp()
        self.set(domain())

    def set(self, *domains):
        self.routes["GET", "/api/domains"] = {"domains": [{**one, "project": "shop"} for one in domains]}
        self.routes["GET", "/api/projects/shop/domains"] = {"domains": list(domains)}
        for one in domains:
            self.routes["GET", "/api/projects/shop/domains/" + one["name"]] = one

    def test_list(self):
        end = in_days(60)
        self.set(domain(primary=True, not_after=end), domain("www.shop.example.com", redirect_to="shop.example.com", not_after=end, source="own"),
                 domain("new.example.com", "waiting", problem=self.DNS), domain("old.example.com", not_after=in_days(6), ends_soon=True))
        for words in (("domains", "list"), ("domains", "list", "shop")):
            lines = self.check(0, *words).stdout.splitlines()
            self.assertRegex(lines[0], r"^DOMAIN +PROJECT +STATE +CERTIFICATE ENDS +NOTE$")
            self.assertRegex(lines[1], rf"^shop.example.com +shop +valid +{end[:10]} \(in 60 days?[^)]*\) +primary$")
            self.assertRegex(lines[2], r"^www.shop.example.com +shop +valid +.*, own +redirects to shop.example.com$")
            self.assertRegex(lines[3], r"^new.example.com +shop +waiting +- +-$")
            self.assertIn("new.example.com: shop.example.com points to 198.51.100.2, wanted is A 203.0.113.7.", lines)
            self.assertRegex(lines[-1], r"^old.example.com: its certificate ends in 6 days?")
        self.set()
        self.check(0, "domains", "list", "shop", out="There is no domain yet. Add one: `nanoscale domains add shop shop.example.com`\n")

    def test_add(self):
        self.routes["POST", "/api/projects/shop/domains"] = domain(state="waiting")
        done = self.check(0, "domains", "add", "shop", "shop.example.com", "--redirect", "www.example.com", "--hsts", "on", "--primary")
        self.assertEqual(done.stdout, "shop.example.com is added.\nIt is served by https.\n")
        self.assertEqual(self.asked("POST"), [("/api/projects/shop/domains", {
            "name": "shop.example.com", "redirect_to": "www.example.com", "hsts": True, "primary": True})])
        self.check(2, "domains", "add", "shop", err="DOMAIN is missing")
        for bad in ("Shop.example.com", "shop", "a/b.example", "../x.example", "shop.example.com:80"):
            self.check(2, "domains", "add", "shop", bad, err="is not a domain")
        self.check(2, "domains", "add", "shop", "a.example", "--hsts", "yes", err="neither on nor off")
        self.routes["POST", "/api/projects/shop/domains"] = lambda h: h.problem(409, "domain-taken", "shop.example.com is a domain of another project.", field="name")
        self.check(1, "domains", "add", "shop", "shop.example.com", err="is a domain of another project")

    def test_add_tells_which_record_to_set(self):
        self.routes["POST", "/api/projects/shop/domains"] = domain(state="waiting")
        seen = iter([domain(state="waiting"), domain(state="waiting", problem=self.DNS)])
        self.routes["GET", self.PATH] = lambda h: h.answer(200, next(seen))
        lines = self.check(0, "domains", "add", "shop", "shop.example.com").stdout.splitlines()
        self.assertEqual(lines[:2], ["shop.example.com is added.", self.DNS["sentence"]])
        self.assertIn("nanoscale domains check shop.example.com", lines[2])
        self.set(domain(state="issuing"))
        self.assertIn("on its way", self.check(0, "domains", "add", "shop", "shop.example.com").stdout)

    def test_add_that_waits_for_the_server(self):
        self.routes["POST", "/api/projects/shop/domains"] = domain(state="waiting", pending=True)
        self.assertNotIn("is added", self.check(0, "domains", "add", "shop", "shop.example.com").stdout)

    def test_show(self):
        self.set(domain(problem=self.DNS, not_after=in_days(20), hsts=True))
        lines = self.check(0, "domains", "show", "shop.example.com").stdout.splitlines()
        self.assertEqual(lines[0], "shop.example.com")
        self.assertIn("hsts         on", lines)
        self.assertEqual(lines[-1], self.DNS["sentence"])
        self.check(1, "domains", "show", "none.example.com", err="There is no domain none.example.com.")
        self.assertEqual(json.loads(self.check(0, "domains", "show", "shop.example.com", "--json").stdout)["problem"], self.DNS)

    def test_set(self):
        self.routes["PATCH", self.PATH] = domain()
        self.check(0, "domains", "set", "shop.example.com", "--no-redirect", "--hsts", "off", "--automatic", out="Stored, and in effect.\n")
        self.assertEqual(self.asked("PATCH"), [(self.PATH, {"redirect_to": None, "hsts": False, "source": "acme"})])
        self.check(2, "domains", "set", "shop.example.com", err="Nothing to set")
        self.check(2, "domains", "set", "shop.example.com", "--redirect", "a.example", "--no-redirect", err="contradict")

    def test_remove(self):
        self.routes["DELETE", self.PATH] = lambda h: h.answer(204)
        self.check(2, "domains", "remove", "shop.example.com", err="needs --yes")
        self.assertEqual(self.asked("DELETE"), [])
        self.check(0, "domains", "remove", "shop.example.com", "--yes", out="shop.example.com is removed.\n")
        self.assertEqual(self.asked("DELETE"), [(self.PATH, None)])

    def test_check_waits_for_the_outcome(self):
        answers = [domain(state="waiting"), domain(state="issuing"), domain(not_after=in_days(89))]
        self.routes["POST", self.PATH + "/check"] = lambda h: h.answer(202, domain(state="waiting"))
        self.routes["GET", self.PATH] = lambda h: h.answer(200, answers.pop(0))
        self.assertIn("shop.example.com is served by https. Its certificate ends", self.check(0, "domains", "check", "shop.example.com", "--force").stdout)
        self.assertEqual(answers, [])
        self.assertEqual(self.asked("POST"), [(self.PATH + "/check", {"force": True})])
        self.check(0, "domains", "check", "shop.example.com", "--no-wait", out="shop.example.com is waiting.\n")
        self.routes["GET", self.PATH] = domain(state="waiting", problem=self.DNS)
        self.check(1, "domains", "check", "shop.example.com", out=self.DNS["sentence"] + "\n")

    def test_certificate(self):
        self.routes["PUT", self.PATH + "/certificate"] = lambda h: h.answer(200, domain(source="own", not_after=in_days(300)))
        chain, key = (os.path.join(self.directory.name, name) for name in ("chain.pem", "key.pem"))
        for path, text in ((chain, "the chain\n"), (key, "the key\n")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        done = self.check(0, "domains", "certificate", "shop.example.com", "--chain", chain, "--key", key)
        self.assertRegex(done.stdout, r"^shop.example.com is served by https. Its certificate ends .*, own\.$")
        self.assertEqual(self.asked("PUT"), [(self.PATH + "/certificate", {"chain": "the chain\n", "key": "the key\n"})])
        self.check(2, "domains", "certificate", "shop.example.com", "--chain", chain, err="--key is missing")
        self.check(1, "domains", "certificate", "shop.example.com", "--chain", chain, "--key", "/nowhere", err="/nowhere: No such file")
        self.routes["PUT", self.PATH + "/certificate"] = lambda h: h.problem(422, "invalid-certificate", "The certificate has expired.", field="chain")
        self.check(1, "domains", "certificate", "shop.example.com", "--chain", chain, "--key", key, err="The certificate has expired.")


class Protect(Case):
    def setUp(self):
        super().setUp()
        self.project = {**PROJECT, "gate": None, "allow": [], "rate": 0, "maintenance": False, "security_headers": False, "site_problem": None}
        self.routes["GET", "/api/projects/shop"] = self.project
        self.routes["PATCH", "/api/projects/shop"] = {**self.project, "gate": {"user": "ada"}, "allow": ["10.0.0.0/8"], "rate": 5, "maintenance": True}

    def test_without_an_option_it_says_how_it_is(self):
        self.check(0, "projects", "protect", "shop", out="password     none\nvisitors     from everywhere\nrate         no limit\nmaintenance  off\nheaders      off\n")
        self.assertEqual(self.asked("PATCH"), [])

    def test_all_options(self):
        done = self.check(0, "projects", "protect", "shop", "--password-user", "ada", "--allow", "10.0.0.0/8", "--allow", "2001:db8::/32", "--rate", "5",
                          "--maintenance", "on", "--headers", "off", stdin="correct horse\n")
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop", {
            "allow": ["10.0.0.0/8", "2001:db8::/32"], "rate": 5, "maintenance": True, "security_headers": False,
            "gate": {"user": "ada", "password": "correct horse"}})])
        self.assertIn("password     is asked for, user ada\nvisitors     10.0.0.0/8 only\nrate         5 requests a second of one address\n", done.stdout)
        self.assertNotIn("correct horse", done.stdout)

    def test_taking_away(self):
        self.check(0, "projects", "protect", "shop", "--no-password", "--allow-all", "--rate", "0")
        self.assertEqual(self.asked("PATCH"), [("/api/projects/shop", {"gate": None, "allow": [], "rate": 0})])

    def test_usage(self):
        self.check(2, "projects", "protect", "shop", "--allow", "10.0.0.1/8", err="--allow takes networks")
        self.check(2, "projects", "protect", "shop", "--allow", "10.0.0.0/8", "--allow-all", err="contradict")
        self.check(2, "projects", "protect", "shop", "--password-user", "a", "--no-password", err="contradict")
        self.check(1, "projects", "protect", "shop", "--password-user", "a", stdin="cut\0here", err="NUL byte")
        self.assertEqual(self.asked("PATCH"), [])
        self.check(2, "projects", "protect", "shop", "--rate", "fast", err="is not a number")
        self.check(2, "projects", "protect", "shop", "--maintenance", "1", err="neither on nor off")

    def test_password_is_asked_for_without_echo(self):
        code, shown = self.run_on_terminal("projects", "protect", "shop", "--password-user", "ada", type_in=[("not shown)", "correct horse\n")])
        self.assertEqual(code, 0)
        self.assertNotIn("correct horse", shown)
        self.assertEqual(self.asked("PATCH")[0][1], {"gate": {"user": "ada", "password": "correct horse"}})


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
