# SPDX-License-Identifier: AGPL-3.0-or-later
"""nanoscale-run build, for real: a git server over HTTPS, real processes, releases on disk. bun, npm and node are scripts of a few lines that
record how they were called; the real ones are run by the system tests.

usage: test_build.py RUN_AT [TEST…]"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from git_server import GitServer, git  # noqa: E402

RUN_AT = os.path.abspath(sys.argv.pop(1))
# How long a test waits for what must come: only a hang takes so long. What is to be ended sleeps for longer still.
PATIENCE, FOR_EVER = 240, 1000
ID, DEPLOYMENT = "abcdefghij12", "d1d1d1d1d1d1"

# What `bun`, `npm` and `node` do here: write down argv and environment, then run the file fake.py of the work tree, if there is one.
FAKE = """#!/usr/bin/python3 -I
import json, os, runpy, sys
with open(os.environ["HOME"] + "/calls", "a") as f:
    f.write(json.dumps({"argv": [os.path.basename(sys.argv[0])] + sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}) + "\\n")
for script in (sys.argv[1] + ".py", "all.py"):
    if os.path.exists("fake-" + script):
        runpy.run_path("fake-" + script)
"""


class Build(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="nanoscale-build-")
        cls.server = GitServer(cls.directory)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.directory)

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.root = os.path.join(self.directory, self.name)
        self.home = os.path.join(self.root, "sites", ID)
        self.work = os.path.join(self.root, "work")
        for path in (self.home, self.work, f"{self.root}/specs/{ID}", f"{self.root}/runtimes/bun-1.2.20/bin",
                     f"{self.root}/runtimes/node-22.1.0/bin"):
            os.makedirs(path)
        for program in ("bun-1.2.20/bin/bun", "node-22.1.0/bin/node", "node-22.1.0/bin/npm"):
            self.write(f"{self.root}/runtimes/{program}", FAKE, 0o755)
        self.server.repository(self.name)

    def write(self, path, text, mode=0o644):
        path = os.path.join(self.work, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def app(self, **files):
        """A project with these files, its names written with __ for / and _ for a dot."""
        self.write("package.json", json.dumps({"scripts": {"build": "x", "start": "x"}, "dependencies": {"a": "1"}}))
        self.write("bun.lock", "{}")
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_", "."), textwrap.dedent(text))
        return self.server.push(self.name, self.work)

    def spec(self, **more):
        fields = {
            "deployment": DEPLOYMENT, "release": "1", "repo": self.server.url(self.name), "branch": "main", "node": "22.1.0", "bun": "1.2.20",
            "install": "bun install --frozen-lockfile", "build": "bun run build", "start": "bun run start", "default_start": "1",
            "ca": self.server.ca, **more}
        text = "".join(f"{key} {value}\n" for key, value in fields.items() if value is not None) + "end\n"
        with open(f"{self.root}/specs/{ID}/build", "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, env=None, **more):
        self.spec(**more)
        return subprocess.Popen([RUN_AT, self.root, self.root + "/run", "build", ID], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={"PATH": "/usr/bin:/bin", **(env or {})}, start_new_session=True)

    def build(self, env=None, code=0, **more):
        out, errors = self.start(env, **more).communicate(timeout=PATIENCE)
        return self.check(out, errors, code)

    def check(self, out, errors, code):
        text = out.decode()
        self.assertEqual(errors, b"")
        self.assertEqual(text.endswith("done\n"), code == 0, text)
        self.assertEqual(os.path.exists(f"{self.home}/source/1.building"), False)
        self.lines = text.splitlines()
        for line in self.lines:
            self.assertRegex(line, r"^(deployment|begin|commit|author|subject|out|note|start|root|static|end|done)( |$)")
        return self.lines

    def said(self, word):
        return [line[len(word) + 1:] for line in self.lines if line.startswith(word + " ")]

    def calls(self):
        with open(f"{self.home}/cache/home/calls", encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def text(self, path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def release(self, path="", number=1):
        return os.path.join(self.home, "source", str(number), path)

    # fetch

    def test_whole_build(self):
        commit = self.app()
        self.build()
        self.assertEqual(self.lines[0], f"deployment {DEPLOYMENT}")
        self.assertEqual(self.said("begin"), ["fetch", "install", "build", "release"])
        self.assertEqual(self.said("end"), ["fetch ok", "install ok", "build ok", "release ok"])
        self.assertEqual((self.said("commit"), self.said("author"), self.said("subject")), ([commit], ["Ada"], ["a change"]))
        self.assertEqual(sorted(os.listdir(self.release())), ["bun.lock", "package.json"])
        self.assertEqual([c["argv"] for c in self.calls()], [["bun", "install", "--frozen-lockfile"], ["bun", "run", "build"]])

    def test_second_build_fetches_the_difference(self):
        self.write("big", os.urandom(300000).hex())
        self.app()
        self.build()
        self.write("small", "x")
        commit = self.server.push(self.name, self.work)
        packs = f"{self.home}/cache/git/objects/pack"
        before = set(os.listdir(packs)) if os.path.isdir(packs) else set()
        objects = self.size(f"{self.home}/cache/git")
        self.build(release="2")
        self.assertEqual(self.said("commit"), [commit])
        self.assertLess(self.size(f"{self.home}/cache/git") - objects, 20000, before)
        self.assertTrue(os.path.exists(self.release("small", 2)) and os.path.exists(self.release("big", 2)))

    def size(self, path):
        return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files)

    def test_broken_cache_is_replaced(self):
        self.app()
        self.build()
        shutil.rmtree(f"{self.home}/cache/git/objects")
        self.build(release="2")
        self.assertIn("the cached repository could not be used; fetching anew", self.said("note"))

    def test_branch_and_exact_commit(self):
        first = self.app(which="1")
        self.write("which", "2")
        second = self.server.push(self.name, self.work, branch="feature/two")
        self.build(branch="feature/two")
        self.assertEqual(self.said("commit"), [second])
        self.build(branch="feature/two", release="2", commit=first)
        self.assertEqual(self.said("commit"), [first])
        self.assertEqual(self.text(self.release("which", 2)), "1")

    def test_branch_whose_name_ends_alike(self):
        self.app()
        self.server.push(self.name, self.work, branch="refs/heads/main-too", message="other")
        self.server.push(self.name, self.work, branch="x/refs/heads/main", message="trap")
        self.build()
        self.assertEqual(self.said("subject"), ["a change"])

    def test_absent_branch(self):
        self.app()
        self.build(code=1, branch="nowhere")
        self.assertEqual(self.said("end"), ["fetch error the repository has no branch nowhere"])

    def test_absent_commit(self):
        self.app()
        self.build(code=1, commit="0123456789" * 4)
        self.assertRegex(self.said("end")[0], "fetch error commit 0123456789.* is not in branch main")

    def test_absent_repository(self):
        self.app()
        self.build(code=1, repo=self.server.url("absent"))
        self.assertRegex(self.said("end")[0], "fetch error the repository cannot be read")

    def test_unknown_authority_is_refused(self):
        self.app()
        self.build(code=1, ca=None)
        self.assertRegex(self.said("end")[0], "fetch error the repository cannot be read")

    def test_redirect_is_not_followed(self):
        self.app()
        self.build(code=1, repo=self.server.url("elsewhere/" + self.name))
        self.assertRegex(self.said("end")[0], "fetch error the repository cannot be read")

    def test_resolve_holds_git_to_an_address(self):
        self.app()
        self.build(repo=self.server.url(self.name, "git.example"), resolve=f"git.example:{self.server.port}:127.0.0.1")

    def test_hostile_git_environment_and_attributes(self):
        self.app(_gitattributes="* filter=evil diff=evil merge=evil\n")
        mark = self.root + "/mark"
        self.build(env={"GIT_SSH_COMMAND": f"touch {mark}", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "filter.evil.smudge",
                        "GIT_CONFIG_VALUE_0": f"touch {mark}", "GIT_EXEC_PATH": "/nonexistent", "GIT_SSL_NO_VERIFY": "1"})
        self.assertFalse(os.path.exists(mark))

    def test_subdirectory(self):
        self.app(apps__web__package_json='{"scripts":{"build":"x"},"dependencies":{"a":"1"}}')
        self.build(root="apps/web")
        # The lock file lies at the top: that is where bun installs for all of a workspace.
        self.assertEqual([c["cwd"].split(".building")[1] for c in self.calls()], ["", "/apps/web"])
        self.build(code=1, root="apps/none", release="2")
        self.assertEqual(self.said("end"), ["fetch error the repository has no directory apps/none"])

    def test_no_git_directory_and_links_kept(self):
        self.write("bun.lock", "{}")
        os.symlink("/etc/hostname", f"{self.work}/link")
        self.app()
        self.build()
        self.assertFalse(os.path.exists(self.release(".git")))
        self.assertEqual(os.readlink(self.release("link")), "/etc/hostname")

    def test_author_and_subject_are_cleaned(self):
        self.app()
        self.server.push(self.name, self.work, message="\x1b[31mred\x1b[0m topsecret1 \x07" + "x" * 900, GIT_AUTHOR_NAME="Eve\x1b]0;title\x07 done")
        self.build(env={"TOKEN": "topsecret1"})
        self.assertTrue(self.said("subject")[0].startswith("red [TOKEN] xxx"))
        self.assertLessEqual(len(self.said("subject")[0]), 500)
        self.assertEqual(self.said("author"), ["Eve done"])

    # install

    def test_environment_of_steps(self):
        self.app()
        self.build(env={"SECRET": "s3cret-value", "NODE_ENV": "development", "LD_PRELOAD": "", "NANOSCALE_X": "1", "GIT_X": "1"},
                   registry="https://registry.example/npm/")
        install, build = (c["env"] for c in self.calls())
        for env in (install, build):
            self.assertEqual(env["SECRET"], "s3cret-value")
            self.assertEqual(env["PATH"].split(":")[:2], [f"{self.root}/runtimes/node-22.1.0/bin", f"{self.root}/runtimes/bun-1.2.20/bin"])
            self.assertEqual(env["HOME"], f"{self.home}/cache/home")
            self.assertEqual(env["BUN_CONFIG_REGISTRY"], "https://registry.example/npm/")
            self.assertEqual(env["npm_config_registry"], "https://registry.example/npm/")
            self.assertEqual(env["NODE_EXTRA_CA_CERTS"], self.server.ca)
            self.assertEqual((env["CI"], env["NEXT_TELEMETRY_DISABLED"]), ("1", "1"))
            self.assertFalse({"LD_PRELOAD", "NANOSCALE_X", "GIT_X", "PORT"} & set(env))
        self.assertNotIn("NODE_ENV", install)
        self.assertEqual(build["NODE_ENV"], "development")

    def test_node_env_of_the_build(self):
        self.app()
        self.build()
        self.assertEqual(self.calls()[1]["env"]["NODE_ENV"], "production")

    def test_npm_lock_file(self):
        self.app(package_lock_json="{}")
        os.rename(f"{self.work}/package.lock.json", f"{self.work}/package-lock.json")
        os.unlink(f"{self.work}/bun.lock")
        self.server.push(self.name, self.work)
        self.build()
        self.assertEqual(self.calls()[0]["argv"][:2], ["npm", "ci"])
        self.assertIn("package-lock.json instead of bun.lock: using `npm ci`", self.said("note"))

    def test_no_lock_file(self):
        self.app()
        os.unlink(f"{self.work}/bun.lock")
        self.server.push(self.name, self.work)
        self.build()
        self.assertEqual(self.calls()[0]["argv"], ["bun", "install"])

    def test_nothing_to_install_or_build(self):
        self.app(package_json='{"scripts": {"start": "node server.js"}, "dependencies": {}}')
        os.unlink(f"{self.work}/bun.lock")
        self.server.push(self.name, self.work)
        self.build()
        self.assertIn("package.json has no dependencies; nothing to install", self.said("note"))
        self.assertIn("package.json has no build script; skipped", self.said("note"))
        self.assertFalse(os.path.exists(f"{self.home}/cache/home/calls"))

    def test_no_package_json(self):
        self.write("server.js", "")
        self.server.push(self.name, self.work)
        self.build()
        self.assertEqual(self.said("note")[:2], ["no package.json; nothing to install", "no package.json; skipped"])

    def test_own_commands(self):
        self.app()
        self.write("tool", FAKE, 0o755)
        self.server.push(self.name, self.work)
        self.build(install="./tool 'two words'", build="")
        self.assertEqual(self.calls()[0]["argv"], ["tool", "two words"])
        self.assertIn("no build command; skipped", self.said("note"))

    def test_absent_program(self):
        self.app()
        self.build(code=1, install="nosuchtool --now")
        self.assertEqual(self.said("end")[-1], "install error nosuchtool: no such program on this server")

    def test_script_without_interpreter_is_not_given_to_a_shell(self):
        self.app()
        self.write("tool", "touch /tmp/never\n", 0o755)
        self.server.push(self.name, self.work)
        self.build(code=1, install="./tool")
        self.assertEqual(self.said("end")[-1], "install exit 126")
        self.assertIn("./tool: neither a program nor a script with #!", self.said("out"))

    # how steps end

    def test_exit_code(self):
        self.app(fake_run_py="import sys; print('before the end'); sys.exit(7)")
        os.rename(f"{self.work}/fake.run.py", f"{self.work}/fake-run.py")
        self.server.push(self.name, self.work)
        self.build(code=1)
        self.assertEqual(self.said("end"), ["fetch ok", "install ok", "build exit 7"])
        self.assertIn("before the end", self.said("out"))
        self.assertEqual(os.listdir(f"{self.home}/source"), [])

    def fake(self, text):
        self.app()
        self.write("fake-run.py", textwrap.dedent(text))
        self.server.push(self.name, self.work)

    def test_signal(self):
        self.fake("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        self.build(code=1)
        self.assertEqual(self.said("end")[-1], "build signal SEGV")

    def test_output_is_redacted_and_cleaned(self):
        self.fake(r"""
            import sys, time, os
            os.write(1, b"\x1b[32mkey is abc")
            time.sleep(0.2)
            os.write(2, b"def-123 \xff\x00 end\nend build ok\ndone\r\n")
            print("first of two lines\nsecond of two lines", flush=True)
            os.write(1, b"no newline at the end")
            """)
        self.build(env={"API_KEY": "abcdef-123", "PEM": "first of two lines\nsecond of two lines", "SHORT": "end"})
        out = self.said("out")
        self.assertEqual(out, ["\x1b[32mkey is [API_KEY] \ufffd end", "end build ok", "done", "[PEM]", "no newline at the end"])

    def test_the_build_cannot_write_to_our_output(self):
        self.fake(r"""
            import os
            for pid in [os.getppid()]:
                for fd in (1, 2):
                    try:
                        open(f"/proc/{pid}/fd/{fd}", "w").write("done\n")
                        print("SUCCEEDED")
                    except OSError as e:
                        print("blocked", type(e).__name__)
            try:
                print("SUCCEEDED", len(open(f"/proc/{os.getppid()}/environ").read()))
            except OSError as e:
                print("blocked", type(e).__name__)
            """)
        if os.getuid() == 0:
            # Root may look at everything: the question is what the project's user may.
            self.as_user()
        self.build()
        self.assertEqual(self.said("out"), ["blocked PermissionError"] * 3)

    def as_user(self):
        """Everything of this test belongs to a user without rights, and its runner runs as that one."""
        os.chmod(self.directory, 0o755)
        for directory, _, files in os.walk(self.root):
            for path in [directory] + [os.path.join(directory, f) for f in files]:
                os.lchown(path, 65534, 65534)
        plain = self.start
        # The build directory may lie where that user cannot go.
        program = shutil.copy(RUN_AT, self.directory)

        def start(env=None, **more):
            self.spec(**more)
            return subprocess.Popen([program, self.root, self.root + "/run", "build", ID], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env={"PATH": "/usr/bin:/bin", **(env or {})}, start_new_session=True, user=65534, group=65534,
                                    extra_groups=[])

        self.start = start
        self.addCleanup(setattr, self, "start", plain)

    def wait_for_end(self, pid):
        """It has been killed; when it is gone from /proc is the kernel's and its parent's business."""
        until = time.monotonic() + PATIENCE
        while os.path.exists(f"/proc/{pid}"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def test_leftover_processes_are_killed(self):
        pids = f"{self.root}/pids"
        self.fake(f"""
            import os, time
            for i in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        with open({pids!r}, "a") as f:
                            f.write(str(os.getpid()) + "\\n")
                        time.sleep({FOR_EVER})
                        os._exit(0)
                    os._exit(0)
            while not os.path.exists({pids!r}) or len(open({pids!r}).readlines()) < 3:
                time.sleep(0.01)
            """)
        self.build()
        for pid in self.text(pids).split():
            self.wait_for_end(pid)

    def test_told_to_stop(self):
        mark = f"{self.root}/mark"
        self.fake(f"""
            import os, signal, subprocess, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen(["/usr/bin/sleep", "{FOR_EVER}"])
            open({mark!r}, "w").write(str(child.pid))
            time.sleep({FOR_EVER})
            """)
        process = self.start()
        until = time.monotonic() + PATIENCE
        while not (os.path.exists(mark) and os.path.getsize(mark)):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=PATIENCE)
        self.check(out, errors, 1)
        self.assertEqual((process.returncode, self.said("end")[-1]), (1, "build signal TERM"))
        self.wait_for_end(self.text(mark))

    def test_leftovers_of_a_killed_build_are_cleared(self):
        self.app()
        os.makedirs(f"{self.home}/source/7.building/x")
        os.makedirs(f"{self.home}/source/6/x")
        self.build()
        self.assertEqual(sorted(os.listdir(f"{self.home}/source")), ["1", "6"])

    def test_a_release_is_never_overwritten(self):
        self.app()
        self.build()
        self.build(code=1)
        self.assertEqual(self.said("end"), ["fetch error release 1 is there already"])
        self.assertTrue(os.path.exists(self.release("package.json")))

    # release

    STANDALONE = """
        import os
        def put(path, text="x"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(text)
        put(".next/static/chunks/a.js")
        put(".next/cache/webpack/blob")
        put(".next/standalone/{0}server.js")
        put(".next/standalone/{0}.next/BUILD_ID")
        put(".next/standalone/node_modules/next/server.js")
        """

    def test_standalone(self):
        self.write("public/logo.svg", "logo")
        self.fake(self.STANDALONE.format(""))
        self.build()
        self.assertEqual(self.said("start"), ["node server.js"])
        self.assertEqual(self.said("root"), [])
        self.assertEqual(sorted(os.listdir(self.release())), [".next", "node_modules", "public", "server.js"])
        self.assertTrue(os.path.exists(self.release(".next/static/chunks/a.js")) and os.path.exists(self.release("public/logo.svg")))
        self.assertEqual(sorted(os.listdir(f"{self.home}/source")), ["1"])

    def test_standalone_in_a_monorepo(self):
        self.write("apps/web/package.json", '{"scripts":{"build":"x"}}')
        self.write("apps/web/fake-run.py", textwrap.dedent(self.STANDALONE.format("apps/web/")))
        self.write("apps/web/public/logo.svg", "logo")
        self.app()
        self.build(root="apps/web")
        self.assertEqual((self.said("start"), self.said("root")), (["node server.js"], []))
        self.assertTrue(os.path.exists(self.release("apps/web/public/logo.svg")))
        self.assertTrue(os.path.exists(self.release("apps/web/.next/static/chunks/a.js")))
        self.assertTrue(os.path.exists(self.release("node_modules/next/server.js")))

    def test_standalone_at_the_top_of_a_subdirectory(self):
        self.write("apps/web/package.json", '{"scripts":{"build":"x"}}')
        self.write("apps/web/fake-run.py", textwrap.dedent(self.STANDALONE.format("")))
        self.app()
        self.build(root="apps/web")
        self.assertEqual((self.said("start"), self.said("root")), (["node server.js"], []))
        self.assertTrue(os.path.exists(self.release("apps/web/server.js")))

    def test_standalone_below_another_root(self):
        self.fake(self.STANDALONE.format("code/shop/"))
        self.build()
        self.assertEqual((self.said("start"), self.said("root")), (["node server.js"], ["code/shop"]))

    def test_standalone_with_a_start_command_of_its_own(self):
        self.fake(self.STANDALONE.format(""))
        self.build(default_start=None, start="node other.js")
        self.assertEqual(self.said("start"), [])
        self.assertTrue(os.path.exists(self.release("package.json")))

    def test_next_cache_is_kept(self):
        self.fake("""
            import os
            print("found", os.path.exists(".next/cache/blob"))
            os.makedirs(".next/cache", exist_ok=True)
            open(".next/cache/blob", "w").write("x")
            """)
        self.build()
        self.assertIn("found False", self.said("out"))
        self.build(release="2")
        self.assertIn("found True", self.said("out"))

    def test_plain_start_script(self):
        self.write("package.json", json.dumps({"scripts": {"start": "node server.js"}}))
        self.server.push(self.name, self.work)
        self.build()
        self.assertEqual(self.said("start"), ["node server.js"])
        self.build(release="2", default_start=None, start="bun run start")
        self.assertEqual(self.said("start"), [])

    # static sites

    def site(self, start=None, package=True, **files):
        """A project whose build leaves these files, its names as in app(); start: the start script."""
        if package:
            self.write("package.json", json.dumps({"scripts": {"build": "x", **({"start": start} if start else {})}, "dependencies": {"a": "1"}}))
            self.write("bun.lock", "{}")
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_", "."), text)
        self.server.push(self.name, self.work)

    def modes(self, number=1):
        """{path: mode} of all that is in the release."""
        top = self.release("", number)
        return {os.path.relpath(os.path.join(d, name), top): stat.S_IMODE(os.lstat(os.path.join(d, name)).st_mode)
                for d, directories, files in os.walk(top) for name in directories + files}

    def test_static(self):
        self.site(dist__index_html="<h1>", dist__about__index_html="<h2>", dist__assets__a_js="1", src__main_js="secret")
        self.build()
        self.assertEqual((self.said("static"), self.said("start")), (["dist"], []))
        self.assertEqual(self.modes(), {"static": 0o755, "static/index.html": 0o644, "static/about": 0o755, "static/about/index.html": 0o644,
                                        "static/assets": 0o755, "static/assets/a.js": 0o644})
        self.assertEqual([stat.S_IMODE(os.stat(p).st_mode) for p in (f"{self.home}/source", self.release())], [0o711, 0o711])
        self.assertEqual(sorted(os.listdir(f"{self.home}/source")), ["1"])
        self.assertEqual(self.said("end")[-1], "release ok")

    def test_release_of_an_app_stays_closed(self):
        self.app(dist__index_html="<h1>")
        self.build()
        self.assertEqual(self.said("static"), [])
        self.assertEqual(stat.S_IMODE(os.stat(self.release()).st_mode), 0o700)
        self.assertTrue(os.path.exists(self.release("package.json")))

    def test_plain_pages(self):
        for name in ("index.html", "css/a.css", ".env", ".well-known/x", "node_modules/a/b.js", "deep/.hidden/file"):
            self.write(name, name)
        self.site(package=False)
        self.build()
        self.assertEqual(self.said("static"), ["."])
        self.assertEqual(sorted(self.modes()), ["static", "static/.well-known", "static/.well-known/x", "static/200.html", "static/css", "static/css/a.css",
                                                "static/deep", "static/index.html"])

    def test_hostile_files_in_a_site(self):
        """Links of all kinds, pipes and sockets are left out, odd modes put right; what a link points to is untouched."""
        self.write("secret", "x", 0o600)
        self.fake("""
            import os, socket, stat
            os.makedirs("dist/sub/deeper")
            open("dist/index.html", "w").write("x")
            os.symlink("/etc/passwd", "dist/passwd")
            os.symlink("index.html", "dist/inside.html")
            os.symlink("../..", "dist/sub/up")
            os.symlink("../secret", "dist/404.html")
            os.mkfifo("dist/pipe")
            socket.socket(socket.AF_UNIX).bind("dist/sub/socket")
            open("dist/sub/deeper/run", "w").write("x")
            os.chmod("dist/sub/deeper/run", 0o4777)
            os.chmod("dist/sub/deeper", 0o000)
            os.chmod("dist/index.html", 0o000)
            os.chmod("secret", 0o600)
            """)
        self.site()
        self.build(code=0)
        self.assertEqual(self.modes(), {"static": 0o755, "static/index.html": 0o644, "static/200.html": 0o644, "static/sub": 0o755, "static/sub/deeper": 0o755,
                                        "static/sub/deeper/run": 0o644})
        self.assertIn("not served: 4 symbolic links, 0 names that begin with a dot, 2 things that are no files", self.said("note"))

    def test_static_directory_that_is_a_link(self):
        self.fake("""
            import os
            os.makedirs(".output/public")
            open(".output/public/index.html", "w").write("x")
            os.symlink(".output/public", "dist")
            os.symlink("/etc", "out")
            """)
        self.site()
        self.build()
        self.assertEqual(self.said("static"), [".output/public"])

    def test_static_directory_of_the_project(self):
        self.site(start="node server.js", web__app__index_html="<h1>", dist__index_html="<h2>")
        self.build(static="web/app")
        self.assertEqual(self.said("static"), ["web/app"])
        self.build(release="2", static=".")
        self.assertEqual(self.said("static"), ["."])
        self.assertIn("static/web/app/index.html", self.modes(2))
        self.build(release="3", static="absent", code=1)
        self.assertEqual(self.said("end")[-1], "release error absent, the directory of the static site, is not there after the build")
        self.build(release="3", static="web/app", default_start=None, start="node other.js")
        self.assertEqual(self.said("static"), [])

    def test_static_site_below_the_repository(self):
        self.site(apps__web__package_json='{"scripts":{"build":"x"}}', apps__web__dist__index_html="<h1>", apps__web__dist__404_html="<h1>")
        self.build(root="apps/web")
        self.assertEqual((self.said("static"), self.said("root")), (["dist"], []))
        self.assertEqual(sorted(self.modes()), ["static", "static/404.html", "static/index.html"])

    # the spec

    def test_malformed_specs(self):
        self.app()
        self.spec()
        with open(f"{self.root}/specs/{ID}/build", encoding="utf-8") as f:
            good = f.read()
        for pattern, text in ((r"end\n$", ""), (r"repo \S+", "repo http://127.0.0.1/x.git"), (r"repo \S+", "repo --upload-pack=x"),
                              (r"branch main", "branch --x"), (r"release 1", "release 0"), (r"release 1", "release ../1"), (r"node \S+", "node ../x"),
                              (r"deployment \S+\n", ""), (r"branch main", "branch main\nbranch main"), (r"branch main", "branch main\nroot ../.."),
                              (r"branch main", "branch main\nunknown x"), (r"install .*", "install a | b"), (r"ca \S+", "ca relative"),
                              (r"branch main", "branch main\ncommit HEAD"), (r"branch main", "branch main\nstatic ../x"), (r"branch main", "branch main\nstatic /etc")):
            with self.subTest(text=text), open(f"{self.root}/specs/{ID}/build", "w", encoding="utf-8") as f:
                f.write(re.sub(pattern, text, good, count=1))
                f.flush()
                done = subprocess.run([RUN_AT, self.root, self.root + "/run", "build", ID], capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
                self.assertTrue(done.stderr.startswith(b"nanoscale-run: what to build: "))

    def test_usage(self):
        for words in ([], ["build"], ["build", "x"], ["build", ID, "a"], ["start", ID], ["start", ID, "c"], ["other", ID], ["build", "../../../../x"]):
            done = subprocess.run([RUN_AT, self.root, self.root, *(words or ["none"])], capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)


if __name__ == "__main__":
    unittest.main(verbosity=1)
