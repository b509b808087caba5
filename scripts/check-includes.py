#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may include whom: check-includes.py [ROOT]. The rules are those of docs/code-style-guide.md, "Layers"."""
import os
import re
import sys

ALL = {"base", "event", "security", "store", "system", "statistics", "certificates", "auth", "cluster", "deployment", "api", "app"}
# folder below agent/ (or agent/src/) -> folders whose headers it may include, besides its own
MAY = {
    "base": set(),
    "security": {"base"},
    "event": {"base"},
    "store": {"base", "event", "security"},
    "system": {"base", "event", "security"},
    "statistics": {"base", "event", "security", "store", "system"},
    "certificates": {"base", "event", "security", "store", "system"},
    "auth": {"base", "event", "security", "store"},
    "cluster": {"base", "event", "security", "store", "system"},
    "deployment": {"base", "event", "security", "store", "system"},
    "api": {"base", "event", "security", "store", "system", "statistics", "certificates", "auth", "cluster", "deployment", "app"},
    "app": ALL,
    "helper": {"base", "security"},
    "acme": {"base", "security"},
    "runner": {"base", "security"},
    "repository": {"base", "security", "runner"},
    "cli": {"base", "security"},
    "shim": set(),
}
# Of the files right in agent/src only these may be included from below, and only by api.
APP_HEADERS_FOR_API = {"config.h"}
# third-party header -> folders that may include it
THIRD_PARTY = {
    r"systemd/sd-(event|daemon)\.h": {"event"},
    r"systemd/sd-(bus|journal|id128)\.h": {"system"},
    r"systemd/.*": set(),
    r"sodium(/.*)?\.h": {"security"},
    r"openssl/.*\.h": {"certificates", "auth"},
    r"crypt\.h": {"security"},
    r"sqlite3(ext)?\.h": {"store"},
    r"microhttpd\.h": {"event"},
    r"curl/.*\.h": {"event", "cli"},
    r"archive(_entry)?\.h": {"system"},
    r"jansson\.h": {"api", "cluster", "deployment", "app", "system", "cli"},
}
# Everything else in angle brackets must be of libc or of the kernel.
SYSTEM = re.compile(
    r"(sys|linux|netinet|arpa|net|asm|bits)/[a-z0-9_/.-]+\.h|"
    r"(assert|complex|ctype|dirent|dlfcn|endian|err|errno|fcntl|features|fenv|float|fnmatch|fts|ftw|getopt|glob|grp|ifaddrs|inttypes|langinfo|libgen|limits|"
    r"locale|malloc|math|mntent|netdb|paths|poll|pthread|pty|pwd|sched|setjmp|shadow|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|"
    r"stdlib|string|strings|sysexits|syslog|termios|threads|time|uchar|unistd|utime|utmp|wchar|wctype|link|elf|gnu/libc-version)\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    """base, …, app for agent/src; helper, runner, shim, cli for agent."""
    parts = path.split(os.sep)
    if parts[1] == "src":
        return parts[2] if len(parts) > 3 else "app"
    return parts[1]


def judge(path, folder, bracket, header, root):
    """A sentence, or None when the include is in order."""
    if folder not in MAY:
        return f"the folder {folder} has no rule; add one to MAY"
    if bracket == "<":
        for pattern, allowed in THIRD_PARTY.items():
            if re.fullmatch(pattern, header):
                return None if folder in allowed else f"<{header}> belongs to {', '.join(sorted(allowed)) or 'nobody'}"
        return None if SYSTEM.fullmatch(header) else f"<{header}> is neither of libc nor a library that we use"
    first = header.split("/")[0]
    if "/" in header and first in MAY:
        target = first
    else:
        beside = os.path.join(os.path.dirname(path), header)
        if os.path.exists(os.path.join(root, beside)):
            return None
        if not os.path.exists(os.path.join(root, "agent", "src", header)):
            return f'"{header}" is not there'
        target = "app"
    if target == folder:
        return None
    if target not in MAY[folder]:
        return f'{folder} must not know "{header}"'
    if target == "app" and folder != "app" and header not in APP_HEADERS_FOR_API:
        return f'"{header}" is the program\'s own'
    if re.search(r"(^|[/_])internal\.h$", header):
        return f'"{header}" is private to {target}'
    return None


def check(root):
    wrong, seen = [], 0
    for directory, _, names in sorted(os.walk(os.path.join(root, "agent"))):
        for name in sorted(names):
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.relpath(os.path.join(directory, name), root)
            seen += 1
            with open(os.path.join(root, path), encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    match = INCLUDE.match(line)
                    sentence = judge(path, folder_of(path), *match.groups(), root) if match else None
                    if sentence:
                        wrong.append(f"{path}:{number}: {sentence}")
    return wrong, seen


def main(root):
    wrong, seen = check(root)
    for line in wrong:
        print(line)
    print(f"{seen} files, {len(wrong)} wrong includes")
    return 1 if wrong or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
