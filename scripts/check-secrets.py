#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How secrets are compared: check-secrets.py [ROOT].

In what talks to other nodes and to users (FOLDERS), anything named like a secret goes through secret_equal() of security/secrets.h: the time that a
strcmp() takes says how many characters of a guess are right. A call is looked at as a whole, over as many lines as it has. One that is right all the
same has a comment with "lint: secrets REASON" on one of its lines or on the one before; without a reason that counts for nothing.
"""
import os
import re
import sys

FOLDERS = ("agent/src/security", "agent/src/cluster", "agent/src/api", "agent/cli")
COMPARES = ("strcmp", "strncmp", "strcasecmp", "strncasecmp", "strverscmp", "strcoll", "memcmp", "bcmp", "timingsafe_bcmp", "streq", "strneq", "text_starts",
            "text_equal", "strstr", "strcasestr", "memmem", "sodium_memcmp", "sodium_compare", "crypto_verify_32")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(COMPARES) + r")\s*\(")
# As a word of a name, between underscores, dots or capitals: rq->token, ret_mac, wantedHash; token_id and hash_length are none.
WORDS = {"token", "tokens", "secret", "secrets", "mac", "hmac", "signature", "binding", "password", "passphrase", "hash", "nonce", "digest"}
# The last word of a name that is about a secret without being one.
ABOUT = {"id", "length", "size", "name", "key", "kind", "type", "state", "count", "form", "bytes", "max", "prefix"}
# The functions that are the constant-time comparison: file, then names.
MAY = {"agent/src/security/secrets.c": {"secret_equal"}}
MARK = re.compile(r"lint: secrets(?!-)\s+\w+")
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
NAME = re.compile(r"[A-Za-z_]\w*")
FUNCTION = re.compile(r"^[A-Za-z_][\w\s*]*?(\w+)\([^;{}]*\)\s*\{", re.M)


def blank(text):
    """The same text without comments and literals, every character that is left in its place."""
    return TOKENS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def arguments(text, start):
    """What stands between the bracket at start and the one that closes it."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start + 1:at]
    return text[start + 1:]


def is_secret(name):
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    return any(word in WORDS for word in words) and words[-1] not in ABOUT


def function_at(text, at):
    name = ""
    for match in FUNCTION.finditer(text, 0, at):
        name = match.group(1)
    return name


def check_text(path, text):
    code, lines, wrong = blank(text), text.split("\n"), []
    for match in CALL.finditer(code):
        inside = arguments(code, match.end() - 1)
        secret = next((name for name in NAME.findall(inside) if is_secret(name)), None)
        if not secret or function_at(code, match.start()) in MAY.get(path, ()):
            continue
        first = code.count("\n", 0, match.start())
        last = first + inside.count("\n")
        if not any(MARK.search(line) for line in lines[max(first - 1, 0):last + 1]):
            wrong.append(f"{path}:{first + 1}: secrets: {match.group(1)}() sees {secret}: use secret_equal() of security/secrets.h")
    return wrong


# What the check itself is held to, each time: a lint that finds nothing any more is noticed.
BAD = ["if (strcmp(token, given) == 0)", "memcmp(rq->binding,\n   wanted, 64)", "strncmp(a, ret_mac, n)", "return !strcasecmp(stored.password_hash, h);",
       "strcmp(\n a, wantedSignature)", "sodium_memcmp(nonce, b, 16)", "/* lint: secrets */\nstrcmp(hash, b);", "memcmp(SECRET, b, 4)"]
GOOD = ["strcmp(a, b)", 'strcmp(word, "token")', "secret_equal(token, b)", "strcmp(token_id, b)", "/* strcmp(token, b) */", "strcmp(machine, b)", "strcmp(x, hash_kind)",
        "memcmp(nonce, b, 16) /* lint: secrets travels in the open */", "/* lint: secrets it is public */\nstrcmp(hash, b);", "strlen(token)", "strcmp(pin, s->pin)"]


def self_test():
    return [f"check-secrets.py: judges wrongly: {text!r}" for texts, count in ((BAD, 1), (GOOD, 0)) for text in texts if len(check_text("x.c", text)) != count]


def main(root):
    wrong, seen = self_test(), 0
    for folder in FOLDERS:
        for directory, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(directory, name), root)
                    seen += 1
                    with open(os.path.join(root, path), encoding="utf-8") as file:
                        wrong += check_text(path, file.read())
    for line in wrong:
        print(line)
    print(f"{seen} files, {len(wrong)} findings")
    return 1 if wrong or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
