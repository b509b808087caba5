# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node's nginx on 127.0.0.1: node_server.py DIRECTORY BACKEND. Makes two keys, writes one line to standard output, then becomes nginx.

The line: SHA-256 of the public keys `own` and `other`, then the ports: own key with TLS 1.3 and HTTP/2, the same with a new connection after
three requests, TLS 1.2 only, HTTP/1.1 only, no TLS, and the other key. All pass on to the unix socket BACKEND; DIRECTORY/access.log says on
which connection each request came."""

import hashlib
import os
import socket
import subprocess
import sys

directory, backend = sys.argv[1:]
TLS = "ssl_certificate {0}/{1}.pem; ssl_certificate_key {0}/{1}.key; ssl_protocols {2};"
SERVERS = [
    ("ssl http2", TLS.format(directory, "own", "TLSv1.3")),
    ("ssl http2", TLS.format(directory, "own", "TLSv1.3") + " keepalive_requests 3;"),
    ("ssl http2", TLS.format(directory, "own", "TLSv1.2")),
    ("ssl", TLS.format(directory, "own", "TLSv1.3")),
    ("", ""),
    ("ssl http2", TLS.format(directory, "other", "TLSv1.3")),
]
CONFIG = f"""
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
        log_format node '$connection $server_protocol $status $request_uri ';
        access_log {directory}/access.log node;
        client_body_temp_path {directory}/temp;
        proxy_temp_path {directory}/temp;
        fastcgi_temp_path {directory}/temp;
        uwsgi_temp_path {directory}/temp;
        scgi_temp_path {directory}/temp;
        proxy_read_timeout 600s;
        send_timeout 600s;
        %s
}}
"""
SERVER = "server { listen 127.0.0.1:%d reuseport %s; %s location / { proxy_pass http://unix:%s; proxy_http_version 1.1; proxy_set_header Connection ''; } " \
         "location /cut { return 444; } }\n"


def make_key(name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=node",
         "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.pem"],
        check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", f"{directory}/{name}.key", "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return hashlib.sha256(public.stdout).hexdigest()


os.mkdir(f"{directory}/temp")
pins = [make_key("own"), make_key("other")]
# They are bound here already and stay so, as nginx inherits them: no port is ever free for somebody else in between.
sockets = []
for _ in SERVERS:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 0))
    s.set_inheritable(True)
    sockets.append(s)
ports = [s.getsockname()[1] for s in sockets]
with open(f"{directory}/nginx.conf", "w") as f:
    f.write(CONFIG % "".join(SERVER % (port, options, lines, backend) for port, (options, lines) in zip(ports, SERVERS)))
print(*pins, *ports, flush=True)
os.execve("/usr/sbin/nginx", ["nginx", "-c", f"{directory}/nginx.conf", "-p", directory, "-e", f"{directory}/error.log"],
          {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
