#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must not stand in a file: check-text.py [ROOT].

A line that is right all the same says so with a comment that has "lint: WORD", WORD being the rule's name, and why; on the line or on the one before.
"""
import os
import re
import subprocess
import sys

# Assembled, so that this file passes its own check.
REGISTRIES = ["registry" + ".npmjs", "registry" + ".yarnpkg", "npm" + ".pkg.github", "pypi" + ".org", "files.python" + "hosted",
              "deb.deb" + "ian.org", "security.deb" + "ian.org", "crates" + ".io", "proxy.golang" + ".org"]
DEVELOPER = [r"(?<![\w.~/}\])-])/(?:work|Users)" + "/", r"(?<![\w.~/}])/home/(?!\*)[a-z][a-z0-9_-]*/", r"(?<!\w)\." + r"pyenv\b", r"/tmp/" + "build-"]
SECRET = r"(?:h?mac|token|hash|signature|digest|secret|password|claim_code)"
# A name that holds a secret: the word alone or between underscores, dots, arrows; token_id, hash_length and the like are no secrets.
SECRET_NAME = rf"(?<![a-z])(?<!not_){SECRET}(?:$|[^a-z_]|_(?:hex|text|value|stored|given|wanted|expected))"

C = (".c", ".h")
PRODUCT = "agent/"  # the rules on C are for what is installed; a test may make its material by a shell
CODE = (".c", ".h", ".py", ".sh", ".sql", ".nft")
RULES = [
    # name, endings ("": all), pattern, sentence
    ("registry", "", re.compile("|".join(map(re.escape, REGISTRIES))), "names a package registry: take it from the configuration or the machine"),
    ("path", "", re.compile("|".join(DEVELOPER)), "has a path of a developer's machine"),
    ("shell", C, re.compile(r"(?<![\w.>])(?:system|popen|wordexp)\s*\(|\"(?:(?:/usr)?/bin/)?(?:ba|da)?sh\""), "starts a shell: use an argv"),
    ("unsafe", C, re.compile(r"(?<![\w.>])(?:gets|sprintf|vsprintf|mktemp|tmpnam|tempnam|strtok|alloca)\s*\("), "uses a function with a safer successor"),
    ("compare", C, re.compile(rf"(?<!\w)(?:memcmp|strn?cmp|strn?casecmp|bcmp|streq)\s*\([^;]*?(?i:{SECRET_NAME})"), "compares a secret byte by byte: use the constant-time function of security/"),
]
MARK = re.compile(r"lint: ([a-z-]+)")
# .ci/run is the test command of the README and nothing more.
SKIP = re.compile(r"(^|/)(node_modules|\.git|__pycache__|\.next|build[^/]*)/|(^|/)LICENSE$|\.(png|ico|woff2?|db|gz|deb)$|(^|/)bun\.lock$|^tests/corpus/|^\.ci/run$")


def files(root):
    """What git knows or would add; without git, everything."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True).stdout
        return sorted(name for name in out.decode().split("\0") if name)
    except (OSError, subprocess.CalledProcessError):
        return sorted(os.path.relpath(os.path.join(directory, name), root) for directory, _, names in os.walk(root) for name in names)


def check_file(path, text):
    wrong = []
    lines = text.splitlines()
    script = bool(lines) and lines[0].startswith("#!/")
    if (path.endswith(CODE) or script) and not any("SPDX-License-Identifier: AGPL-3.0-or-later" in line for line in lines[:4]):
        wrong.append(f"{path}:1: has no SPDX-License-Identifier")
    for number, line in enumerate(lines, 1):
        marks = set(MARK.findall(line)) | set(MARK.findall(lines[number - 2]) if number > 1 else [])
        for name, endings, pattern, sentence in RULES:
            if (not endings or (path.endswith(endings) and path.startswith(PRODUCT))) and name not in marks and pattern.search(line):
                wrong.append(f"{path}:{number}: {name}: {sentence}")
    return wrong


def main(root):
    wrong, seen = [], 0
    for path in files(root):
        full = os.path.join(root, path)
        if SKIP.search(path) or os.path.islink(full) or not os.path.isfile(full):
            continue
        with open(full, "rb") as file:
            data = file.read()
        if b"\0" in data:
            continue
        seen += 1
        wrong += check_file(path, data.decode("utf-8", "replace"))
    for line in wrong:
        print(line)
    print(f"{seen} files, {len(wrong)} findings")
    return 1 if wrong or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
