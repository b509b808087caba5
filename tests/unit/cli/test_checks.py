#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The checks of scripts/ must be able to fail: test_checks.py SCRIPTS [unittest options]."""
import contextlib
import functools
import importlib.util
import io
import os
import sys
import tempfile
import unittest

SCRIPTS = ""
SPDX = "/* SPDX-License-Identifier: AGPL-3.0-or-later */\n"


@functools.cache
def load(script):
    spec = importlib.util.spec_from_file_location(script.replace("-", "_")[:-3], os.path.join(SCRIPTS, script))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Case(unittest.TestCase):
    script = ""

    def findings(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = load(self.script).main(root)
            lines = output.getvalue().splitlines()[:-1]
            self.assertEqual(code, 1 if lines or not files else 0, output.getvalue())
            return lines


class Includes(Case):
    script = "check-includes.py"

    def test_allowed(self):
        self.assertEqual(self.findings({
            "agent/src/base/text.h": "", "agent/src/store/store.h": "", "agent/src/store/internal.h": "", "agent/src/config.h": "", "agent/cli/own.h": "",
            "agent/src/api/a.c": '#include "base/text.h"\n#include "store/store.h"\n#include "config.h"\n#include <jansson.h>\n#include <sys/stat.h>\n',
            "agent/src/store/s.c": '#include "store/internal.h"\n#include <sqlite3.h>\n',
            "agent/src/main.c": '#include "api/api.h"\n',
            "agent/cli/c.c": '#include "own.h"\n#include <curl/curl.h>\n#include "security/validate.h"\n',
        }), [])

    def test_refused(self):
        for path, line in (
            ("agent/src/base/x.c", '"event/loop.h"'), ("agent/src/store/x.c", '"system/units.h"'), ("agent/src/deployment/x.c", '"cluster/x.h"'),
            ("agent/src/deployment/x.c", '"api/x.h"'), ("agent/helper/x.c", '"store/store.h"'), ("agent/shim/x.c", '"base/text.h"'),
            ("agent/src/api/x.c", "<sqlite3.h>"), ("agent/src/api/x.c", "<curl/curl.h>"), ("agent/src/system/x.c", "<systemd/sd-event.h>"),
            ("agent/src/event/x.c", "<systemd/sd-bus.h>"), ("agent/src/event/x.c", "<sodium.h>"), ("agent/helper/x.c", "<jansson.h>"),
            ("agent/src/api/x.c", '"store/internal.h"'), ("agent/src/api/x.c", "<glib.h>"), ("agent/src/api/x.c", '"nowhere.h"'),
            ("agent/src/deployment/x.c", '"config.h"'), ("agent/other/x.c", "<stdio.h>"),
        ):
            with self.subTest((path, line)):
                self.assertEqual(len(self.findings({path: f"#include {line}\n", "agent/src/config.h": ""})), 1)

    def test_nothing_to_check_is_an_error(self):
        self.assertEqual(self.findings({}), [])


class Text(Case):
    script = "check-text.py"

    def c(self, line):
        return self.findings({"agent/x.c": f"{SPDX}{line}\n"})

    def test_allowed(self):
        for line in ("memcmp(name, other, 3);", "strcmp(token_id, other);", "file_system(x);", 'argv = { "git", "-c", "x" };', "s->system(x);",
                     "strcmp(hash_name, x);", "/* lint: compare: the length is public */ memcmp(mac, other, 4);", '"/opt/nanoscale/home/x"'):
            with self.subTest(line):
                self.assertEqual(self.c(line), [])

    def test_refused(self):
        for line in ("system(x);", "popen (x);", 'execl("/bin/sh", x);', 'argv[0] = "bash";', "sprintf(x, y);", "memcmp(mac, other, 32);", "strcmp(s->token, x);",
                     "if (!strcmp(given, row->password_hash))", "memcmp(a, expected_signature, 32);", "x = \"/home/" + "me/x\";", "/* see /work" + "/x */",
                     "\"https://registry" + ".npmjs.org\""):
            with self.subTest(line):
                self.assertEqual(len(self.c(line)), 1)

    def test_licence(self):
        for path, text in (("a.c", "int x;\n"), ("a.py", "x = 1\n"), ("tool", "#!/bin/bash\n")):
            self.assertEqual(self.findings({path: text}), [f"{path}:1: has no SPDX-License-Identifier"])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    SCRIPTS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
