# SPDX-License-Identifier: AGPL-3.0-or-later
"""A git server over HTTPS on the loopback address with a certificate of its own: git http-backend behind Python's http.server."""

import http.server
import os
import ssl
import subprocess
import threading

CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))}


def git(directory, *words, **more):
    done = subprocess.run(["git", "-C", str(directory), *words], env={**CLEAN, **WHO, **more}, check=True, capture_output=True)
    return done.stdout.decode().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self):
        self.server.requests.append(f"{self.command} {self.path}")
        if self.path.startswith("/elsewhere/"):
            self.send_response(302)
            self.send_header("Location", self.path.replace("/elsewhere/", "/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = {
            **CLEAN,
            "GIT_PROJECT_ROOT": self.server.repositories,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        out = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=False).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer


class GitServer:
    """Serves the bare repositories of a directory. `ca` is what a client has to trust."""

    def __init__(self, directory):
        self.repositories = os.path.join(directory, "repositories")
        self.ca = os.path.join(directory, "ca.pem")
        key = os.path.join(directory, "key.pem")
        os.makedirs(self.repositories)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=git",
             "-addext", "subjectAltName=IP:127.0.0.1,DNS:git.example", "-keyout", key, "-out", self.ca],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.repositories = self.repositories
        self.server.requests = []
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def requests(self):
        return self.server.requests

    def url(self, name, host="127.0.0.1"):
        return f"https://{host}:{self.port}/{name}.git"

    def repository(self, name):
        path = os.path.join(self.repositories, name + ".git")
        git(self.repositories, "init", "-q", "--bare", "--initial-branch=main", path)
        return path

    def push(self, name, work, branch="main", message="a change", **more):
        """Commits all of a work tree and pushes it; the commit."""
        if not os.path.isdir(os.path.join(work, ".git")):
            git(work, "init", "-q", "--initial-branch=main")
        git(work, "add", "-A", "-f")
        git(work, "commit", "-q", "--allow-empty", "-m", message, **more)
        git(work, "push", "-q", "-f", os.path.join(self.repositories, name + ".git"), f"HEAD:refs/heads/{branch}")
        return git(work, "rev-parse", "HEAD")
