# SPDX-License-Identifier: AGPL-3.0-or-later
"""nanoscale-run start and report, for real: what the app finds when it runs, and what is said when it cannot.

usage: test_start.py RUN_AT [TEST…]"""

import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

unittest.TestCase.maxDiff = None
RUN_AT = os.path.abspath(sys.argv.pop(1))
ID = "abcdefghij12"
# How long a test waits for what must come: only a hang takes so long. What must outlive the test sleeps for longer still.
PATIENCE, FOR_EVER = 60, 600
APP = """#!/usr/bin/python3 -I
import fcntl, json, os, sys, time
fds = [fd for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")]
print(json.dumps({"at": time.monotonic_ns() // 1000, "argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid(),
                  "three": os.readlink("/proc/self/fd/3"), "cloexec": fcntl.fcntl(3, fcntl.F_GETFD), "others": [fd for fd in (7, 8) if fd in fds]}))
"""


def end(process):
    process.kill()
    process.wait()  # not communicate(): a child may have its output still
    process.stdout.close()
    process.stderr.close()


def microseconds():
    return time.monotonic_ns() // 1000


class Runner(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="nanoscale-start-")
        self.addCleanup(shutil.rmtree, self.root)
        self.release = f"{self.root}/sites/{ID}/source/4"
        for path in (f"{self.release}/apps/web", f"{self.root}/sites/{ID}/data", f"{self.root}/specs/{ID}", f"{self.root}/lib", f"{self.root}/runtimes/node-22.1.0/bin"):
            os.makedirs(path)
        # The loader complains about what is no library, on standard error, and goes on.
        shutil.copy(os.path.realpath("/usr/lib/x86_64-linux-gnu/libm.so.6" if os.uname().machine == "x86_64" else
                                     "/usr/lib/aarch64-linux-gnu/libm.so.6"), f"{self.root}/lib/nanoscale-listen.so")
        with open(f"{self.root}/runtimes/node-22.1.0/bin/node", "w", encoding="utf-8") as f:
            f.write(APP)
        os.chmod(f.name, 0o755)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.root}/a.sock")
        self.listener.listen(8)
        self.addCleanup(self.listener.close)

    def begin(self, env=None, passed=None, **more):
        fields = {"release": "4", "node": "22.1.0", "bun": "1.2.20", "start": "node 'two words' x", "port": "3000", **more}
        with open(f"{self.root}/specs/{ID}/a", "w", encoding="utf-8") as f:
            f.write("".join(f"{key} {value}\n" for key, value in fields.items() if value is not None) + "end\n")
        given = (passed or self.listener).fileno()
        if given != 3:
            os.dup2(given, 3)
        os.dup2(given, 7)
        process = subprocess.Popen([RUN_AT, self.root, "/run/x", "start", ID, "a"], pass_fds=(3, 7), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   # A runner built with the address sanitizer minds a user's LD_PRELOAD; the real one is static.
                                   env={"PATH": "/usr/bin", "LISTEN_FDS": "1", "ASAN_OPTIONS": "verify_asan_link_order=0", **(env or {})})
        self.addCleanup(end, process)
        return process

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, code, err)
        return json.loads(out) if code == 0 and out else None, err.decode()

    def start(self, code=0, **more):
        app, said = self.finish(self.begin(**more), code)
        return app if code == 0 else said

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.listener.getsockname())
        return client

    def wait_until(self, what):
        until = time.monotonic() + PATIENCE
        while not what():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def script(self, text):
        with open(f"{self.release}/script", "w", encoding="utf-8") as f:
            f.write("#!/usr/bin/python3 -I\n" + text)
        os.chmod(f.name, 0o755)
        return "./script"

    def lock(self):
        fd = os.open(f"{self.root}/sites/{ID}/data", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        return fd

    def is_free(self, fd):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(fd, fcntl.LOCK_UN)
            return True
        except BlockingIOError:
            return False


class Start(Runner):
    def test_what_the_app_finds(self):
        app = self.start(env={"GREETING": "hello", "NANOSCALE_FORGED": "1"})
        env = app["env"]
        self.assertEqual(app["argv"][1:], ["two words", "x"])
        self.assertEqual(app["cwd"], self.release)
        self.assertTrue(app["three"].startswith("socket:"))
        self.assertEqual((app["cloexec"], app["others"]), (0, []))
        for key, value in {
                "PORT": "3000", "HOST": "0.0.0.0", "HOSTNAME": "0.0.0.0", "NODE_ENV": "production", "GREETING": "hello", "NANOSCALE_RELEASE": "4",
                "HOME": f"{self.root}/sites/{ID}/data", "DATA_DIR": f"{self.root}/sites/{ID}/data", "LISTEN_FDS": "1",
                "LD_PRELOAD": f"{self.root}/lib/nanoscale-listen.so", "NANOSCALE_LISTEN_FD": "3", "NANOSCALE_LISTEN_PORT": "3000",
                "NANOSCALE_LISTEN_SOCKET": f"/run/x/apps/{ID}/a.sock",
                "PATH": f"{self.root}/runtimes/node-22.1.0/bin:{self.root}/runtimes/bun-1.2.20/bin:{self.release}/node_modules/.bin:/usr/bin:/bin",
        }.items():
            self.assertEqual(env[key], value, key)
        self.assertNotIn("NANOSCALE_FORGED", env)

    def test_root_and_own_values(self):
        app = self.start(root="apps/web", ca="/etc/ca.pem", env={"NODE_ENV": "staging", "HOSTNAME": "::", "LD_PRELOAD": "libm.so.6", "PORT": "1", "HOME": "/x"})
        self.assertEqual(app["cwd"], f"{self.release}/apps/web")
        env = app["env"]
        self.assertEqual((env["NODE_ENV"], env["HOSTNAME"], env["PORT"], env["NODE_EXTRA_CA_CERTS"]), ("staging", "::", "3000", "/etc/ca.pem"))
        self.assertEqual(env["LD_PRELOAD"], f"{self.root}/lib/nanoscale-listen.so:libm.so.6")

    def test_package_and_compile_cache(self):
        """What `bun run start` would have set; the project's own values win."""
        self.assertNotIn("npm_lifecycle_event", self.start()["env"])
        with open(f"{self.release}/package.json", "w", encoding="utf-8") as f:
            f.write('{"name": "@acme/shop", "version": "1.2.3"}')
        env = self.start()["env"]
        self.assertEqual([env["npm_package_name"], env["npm_package_version"], env["npm_lifecycle_event"]], ["@acme/shop", "1.2.3", "start"])
        self.assertEqual(env["NODE_COMPILE_CACHE"], f"{self.release}/.compile-cache")
        env = self.start(root="apps/web", env={"npm_package_version": "2", "NODE_COMPILE_CACHE": "/x"})["env"]
        self.assertEqual((env["npm_package_version"], env["NODE_COMPILE_CACHE"]), ("2", "/x"))
        self.assertNotIn("npm_package_name", env)
        os.remove(f"{self.release}/package.json")
        os.mkfifo(f"{self.release}/package.json")  # hostile: nothing waits for it
        self.assertNotIn("npm_package_name", self.start()["env"])

    def test_what_is_missing_is_said(self):
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        for expected, more in ((f"cannot start the app: its directory {self.root}/sites/{ID}/source/5: No such file", {"release": "5"}),
                               ("cannot start the app: nosuch: no such program", {"start": "nosuch"}),
                               ("cannot start the app: the description of slot a: start (", {"start": "a && b"}),
                               ("cannot start the app: the description of slot a: port (", {"port": "70000"}),
                               ("cannot start the app: the description of slot a: armed (", {"armed": "yes"}),
                               ("cannot start the app: the description of slot a: exclusive (", {"exclusive": ""}),
                               ("cannot start the app: the description of slot a: proxy (", {"proxy": "9999"}),
                               ("cannot start the app: the description of slot a: proxy (", {"proxy": "40000"}),
                               ("cannot start the app: the description of slot a: a field is missing", {"node": None}),
                               ("cannot start the app: no listening socket was passed", {"env": {"LISTEN_FDS": "2"}}),
                               ("cannot start the app: no listening socket was passed", {"passed": file})):
            with self.subTest(expected):
                said = self.start(code=127, **more)
                self.assertTrue(said.startswith("nanoscale: " + expected), said)
                self.assertEqual(said.count("\n"), 1)

    def test_script_without_interpreter_is_not_given_to_a_shell(self):
        with open(f"{self.release}/serve", "w", encoding="utf-8") as f:
            f.write("echo a shell ran this\n")
        os.chmod(f.name, 0o755)
        self.assertIn("./serve: Exec format error", self.start(code=127, start="./serve"))

    def test_shim_must_be_there(self):
        os.unlink(f"{self.root}/lib/nanoscale-listen.so")
        self.assertIn("nanoscale-listen.so: No such file or directory", self.start(code=127))

    def test_report(self):
        for env, expected in (({"SERVICE_RESULT": "success", "EXIT_CODE": "exited", "EXIT_STATUS": "0"}, ""), ({}, ""),
                              ({"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "1"}, "<5>nanoscale: app stopped: exited with code 1\n"),
                              ({"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "SEGV"}, "<5>nanoscale: app stopped: killed by signal SEGV\n")):
            done = subprocess.run([RUN_AT, self.root, self.root, "report", ID, "a"], env=env, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", expected))


class Wait(Runner):
    def test_armed(self):
        process = self.begin(armed="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
        self.assertIsNone(process.poll())
        before = microseconds()
        client = self.connect()
        app, said = self.finish(process)
        self.assertEqual(said, "<5>nanoscale: woken\n")
        woken = int(app["env"]["NANOSCALE_WOKEN_US"])
        self.assertTrue(before <= woken <= app["at"], (before, woken, app["at"]))
        self.assertEqual((app["argv"][1:], app["cwd"], app["others"], app["cloexec"]), (["two words", "x"], self.release, [], 0))
        # Nobody has accepted it: that is for the app.
        self.listener.settimeout(0)
        self.listener.accept()[0].close()
        client.close()

    def test_armed_and_the_connection_has_gone_again(self):
        process = self.begin(armed="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
        self.connect().close()
        app, said = self.finish(process)
        self.assertEqual((said, app["pid"]), ("<5>nanoscale: woken\n", process.pid))

    def test_armed_is_told_to_stop(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.begin(armed="1")
            self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
            process.send_signal(number)
            self.assertEqual(self.finish(process), (None, ""))

    def test_armed_fails_before_it_waits(self):
        for expected, more in (("nosuch: no such program", {"start": "nosuch"}), ("its directory", {"release": "5"}),
                               ("its data directory", {"exclusive": "1"})):
            if "exclusive" in more:
                os.rmdir(f"{self.root}/sites/{ID}/data")
            said = self.start(code=127, armed="1", **more)
            self.assertTrue(said.startswith("nanoscale: cannot start the app: " + expected), said)

    def test_armed_does_not_see_a_spec_written_later(self):
        process = self.begin(armed="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
        with open(f"{self.root}/specs/{ID}/a", "w", encoding="utf-8") as f:
            f.write("nonsense")
        self.connect()
        self.assertEqual(self.finish(process)[0]["argv"][1:], ["two words", "x"])

    def test_started_by_a_connection(self):
        """Asleep: systemd starts the unit with the connection waiting, and the time in which it built the sandbox counts."""
        for armed in ("0", "1"):
            self.connect()
            before = microseconds()
            app, said = self.finish(self.begin(armed=armed))
            self.assertEqual(said, "<5>nanoscale: woken\n")
            woken = int(app["env"]["NANOSCALE_WOKEN_US"])
            self.assertTrue(before - 10000 <= woken <= app["at"], (before, woken, app["at"]))  # process times are in steps of 10 ms

    def test_without_a_wake(self):
        app, said = self.finish(self.begin(env={"NANOSCALE_WOKEN_US": "1"}))
        self.assertEqual(said, "")
        self.assertNotIn("NANOSCALE_WOKEN_US", app["env"])


class Exclusive(Runner):
    def test_one_at_a_time(self):
        fd = self.lock()
        start = self.script(f"import subprocess\nchild = subprocess.Popen(['/usr/bin/sleep', '{FOR_EVER}'], close_fds=False)\n"
                            "print('there', flush=True)\nchild.wait()\n")
        process = self.begin(exclusive="1", start=start)
        self.assertEqual(process.stdout.readline(), b"there\n")
        self.assertFalse(self.is_free(fd))
        end(process)
        # Its child lives on and has the descriptor still.
        self.assertFalse(self.is_free(fd))
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.path.samefile(f"/proc/{pid}/cwd", self.release):
                    os.kill(int(pid), signal.SIGKILL)
        self.wait_until(lambda: self.is_free(fd))

    def test_waits(self):
        fd = self.lock()
        fcntl.flock(fd, fcntl.LOCK_EX)
        before = time.monotonic()
        process = self.begin(exclusive="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: waits until the other instance has ended\n")
        self.assertGreater(time.monotonic() - before, 0.9)
        self.assertIsNone(process.poll())
        fcntl.flock(fd, fcntl.LOCK_UN)
        app, said = self.finish(process)
        self.assertEqual((said, app["pid"]), ("", process.pid))
        # No alarm reaches the app that a wait has set. (On a machine that is slow at this moment, it came before the app did.)
        fcntl.flock(fd, fcntl.LOCK_EX)
        process = self.begin(exclusive="1", start="/usr/bin/sleep 1.5")
        time.sleep(0.3)
        fcntl.flock(fd, fcntl.LOCK_UN)
        app, said = self.finish(process)
        self.assertIsNone(app)
        self.assertIn(said, ("", "<5>nanoscale: waits until the other instance has ended\n"))

    def test_is_told_to_stop(self):
        fd = self.lock()
        fcntl.flock(fd, fcntl.LOCK_EX)
        process = self.begin(exclusive="1")
        self.assertIn(b"waits until", process.stderr.readline())
        process.terminate()
        self.assertEqual(self.finish(process), (None, ""))

    def test_an_ordinary_app_shares_it(self):
        fd = self.lock()
        start = self.script(f"import time\nprint('there', flush=True)\ntime.sleep({FOR_EVER})\n")
        first, second = self.begin(start=start), self.begin(start=start)
        for process in (first, second):
            self.assertEqual(process.stdout.readline(), b"there\n")
        self.assertFalse(self.is_free(fd))
        alone = self.begin(exclusive="1")
        self.assertIn(b"waits until", alone.stderr.readline())
        end(first)
        end(second)
        self.assertEqual(self.finish(alone)[1], "")
        # Nor does it wait for one that was exclusive until now.
        fcntl.flock(fd, fcntl.LOCK_EX)
        self.assertEqual(self.finish(self.begin())[1], "")

    def test_armed_takes_it_when_it_is_woken(self):
        fd = self.lock()
        process = self.begin(exclusive="1", armed="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
        self.assertTrue(self.is_free(fd))
        fcntl.flock(fd, fcntl.LOCK_EX)
        self.connect()
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: woken\n")
        self.assertIn(b"waits until", process.stderr.readline())
        fcntl.flock(fd, fcntl.LOCK_UN)
        self.assertEqual(self.finish(process)[1], "")


# Signals are waited for, not handled: a Python handler that is called just before a blocking call runs only when that call ends.
SERVER = """
import json, os, signal, socket, sys, threading, time
fds = sorted(map(int, os.listdir("/proc/self/fd")))
wanted = {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
def serve():
    while sys.argv[2] != "now" and not os.path.exists(sys.argv[2]): time.sleep(0.01)
    s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    while True:
        c = s.accept()[0]
        word = c.recv(100).decode()
        if word == "facts": c.sendall(json.dumps({"env": dict(os.environ), "fds": fds, "pid": os.getpid(), "group": os.getpgrp(), "cwd": os.getcwd()}).encode())
        elif word.startswith("exit"): os._exit(int(word[5:]))
        elif word.startswith("kill"): os.kill(os.getpid(), int(word[5:]))
        elif word == "last":
            c.sendall(b"x" * 3000000)
            os._exit(0)
        c.close()
def serve_or_fail():
    try: serve()
    except BaseException: os._exit(1)
print("started", flush=True)
if sys.argv[1] == "x": sys.exit(1)
threading.Thread(target=serve_or_fail, daemon=True).start()
while True:
    number = signal.sigwait(wanted)
    os.write(1, (signal.Signals(number).name + "\\n").encode())
    if number == signal.SIGTERM: os._exit(int(sys.argv[1]))
"""


class Proxy(Runner):
    """What cannot be preloaded into is a child, with systemd-socket-proxyd in front of it."""
    def setUp(self):
        super().setUp()
        # Held until the end, so that no other process gets it; one who reuses addresses, as Python's servers do, can listen on it all the same.
        holder = socket.socket()
        self.addCleanup(holder.close)
        for self.port in random.sample(range(20000, 32000), 100):
            with contextlib.suppress(OSError):
                holder.bind(("127.0.0.1", self.port))
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                break

    def serve(self, arguments="7 now", **more):
        process = self.begin(start=f"{self.script(SERVER)} {arguments}", proxy=self.port, **more)
        if "armed" not in more:
            self.assertEqual(process.stdout.readline(), b"started\n")
        return process

    def ask(self, word):
        client = self.connect()
        client.settimeout(PATIENCE)
        client.sendall(word.encode())
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def children(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
            return list(map(int, f.read().split()))

    def proxyd(self, process):
        for pid in self.children(process):
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
                if "systemd-socket-proxyd" in f.read():
                    return pid
        return None

    def has_ended(self, pid):
        return not os.path.exists(f"/proc/{pid}")

    def test_serves_and_stops(self):
        process = self.serve(env={"LD_PRELOAD": ""})
        facts = json.loads(self.ask("facts"))
        env = facts["env"]
        for key, value in {"PORT": str(self.port), "HOST": "127.0.0.1", "HOSTNAME": "127.0.0.1", "NODE_ENV": "production", "NANOSCALE_RELEASE": "4"}.items():
            self.assertEqual(env[key], value, key)
        self.assertEqual([key for key in env if key.startswith(("LISTEN_", "NANOSCALE_LISTEN_"))], [])
        self.assertNotIn("nanoscale-listen", env.get("LD_PRELOAD", ""))
        self.assertEqual((facts["cwd"], facts["group"]), (self.release, facts["pid"]))
        self.assertEqual([fd for fd in facts["fds"] if fd > 3], [920])  # the lock
        self.assertNotEqual(facts["pid"], process.pid)
        self.assertEqual([self.ask("facts")[:8] for _ in range(20)], ['{"env": '] * 20)
        proxyd = self.proxyd(process)
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.stdout.readline(), b"SIGHUP\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), b"SIGUSR1\n")
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out, err), (7, b"SIGTERM\n", b""))
        self.assertTrue(self.has_ended(proxyd) and self.has_ended(facts["pid"]))

    def test_opens_once_the_app_listens(self):
        mark = f"{self.root}/listen"
        process = self.serve(f"0 {mark}")
        client = self.connect()  # waits in the socket's queue, as nginx's do
        client.sendall(b"facts")
        time.sleep(0.3)
        self.assertIsNone(self.proxyd(process))
        with open(mark, "w", encoding="ascii"):
            pass
        client.settimeout(PATIENCE)
        self.assertTrue(client.recv(10))
        self.assertIsNotNone(self.proxyd(process))
        process.terminate()
        process.wait()

    def test_ends_as_the_app_does(self):
        for word, code in (("exit 0", 0), ("exit 3", 3), (f"kill {signal.SIGSEGV:d}", -signal.SIGSEGV), (f"kill {signal.SIGKILL:d}", -signal.SIGKILL)):
            with self.subTest(word):
                process = self.serve()
                self.ask(word)
                self.assertEqual((process.wait(PATIENCE), process.stderr.read()), (code, b""))

    def test_ends_before_it_listens(self):
        self.assertEqual(self.serve("x now").wait(PATIENCE), 1)
        process = self.serve("9 never")
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 9)

    def test_last_answer_arrives(self):
        self.serve()
        self.assertEqual(len(self.ask("last")), 3000000)

    def test_proxy_that_dies(self):
        process = self.serve("0 now")
        self.ask("facts")
        os.kill(self.proxyd(process), signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out, err), (1, b"SIGTERM\n", b"<5>nanoscale: the proxy in front of the app has ended\n"))

    def test_runner_that_is_killed_leaves_nothing(self):
        process = self.serve()
        self.ask("facts")
        children = self.children(process)
        self.assertEqual(len(children), 2)
        process.kill()
        process.wait()
        self.wait_until(lambda: all(map(self.has_ended, children)))

    def test_cannot_start(self):
        self.script("")
        with open(f"{self.release}/script", "w", encoding="utf-8") as f:
            f.write("no interpreter")
        said = self.start(code=127, start="./script", proxy=self.port)
        self.assertEqual(said, "nanoscale: cannot start the app: ./script: Exec format error\n")

    def test_armed(self):
        process = self.serve(armed="1", exclusive="1")
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: armed\n")
        self.assertEqual(self.children(process), [])
        before = time.monotonic()
        self.assertTrue(self.ask("facts"))
        took = (time.monotonic() - before) * 1000
        self.assertEqual(process.stderr.readline(), b"<5>nanoscale: woken\n")
        said = re.fullmatch(rb"<5>nanoscale: awake after (\d+) ms\n", process.stderr.readline())
        self.assertTrue(0 < int(said[1]) <= took + 1, (said, took))
        self.assertFalse(self.is_free(self.lock()))
        self.assertEqual(process.stdout.readline(), b"started\n")
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 7)


if __name__ == "__main__":
    unittest.main(verbosity=1)
