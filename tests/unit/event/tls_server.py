# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTPS on 127.0.0.1 with a certificate made on the spot: tls_server.py DIRECTORY. Writes DIRECTORY/cert.pem, then the ports to standard output."""

import gzip
import http.server
import ssl
import subprocess
import sys
import threading

directory = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        word = self.path.strip("/")
        if word.startswith("to/"):
            scheme, rest = word[3:].split("/", 1)
            port = ports["https" if scheme == "https" else "http"]
            return self.answer(302, b"moved", Location=f"{scheme}://localhost:{port}/{rest}")
        if word == "loop":
            return self.answer(302, b"", Location="/loop")
        if word == "gzip":
            return self.answer(200, gzip.compress(b"unpacked " * 1000), **{"Content-Encoding": "gzip"})
        return self.answer(200, f"secure={self.server is secure} path={self.path}".encode())

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem"],
    check=True, capture_output=True)
secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
ports = {"https": secure.server_address[1], "http": plain.server_address[1]}
threading.Thread(target=plain.serve_forever, daemon=True).start()
print(ports["https"], ports["http"], flush=True)
secure.serve_forever()
