# SPDX-License-Identifier: AGPL-3.0-or-later
"""What speaks to port 4000 of a node from outside, byte by byte, and what sees the bytes that nginx passes on."""
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import threading

from nodes import wait_until

SOCKET = '/run/nanoscale/gateway.sock'
UNITS = ['nanoscale-agent.socket', 'nanoscale-gateway.socket', 'nanoscale-web.socket', 'nanoscale-agent.service']
LIMIT = 120  # seconds that any single step may take on a busy machine


def context(least=None, most=None, protocols=()):
    c = ssl._create_unverified_context()
    c.minimum_version = least or ssl.TLSVersion.TLSv1_2
    c.maximum_version = most or ssl.TLSVersion.TLSv1_3
    if protocols:
        c.set_alpn_protocols(list(protocols))
    return c


def secure(node, port=4000, using=None):
    """A TLS connection from outside the node."""
    return (using or context()).wrap_socket(node.connect(port, LIMIT), server_hostname='node')


def pin_of(certificate):
    key = subprocess.run(['openssl', 'x509', '-inform', 'DER', '-noout', '-pubkey'], input=certificate, capture_output=True, check=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], input=key, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def read_all(connection):
    """All that comes until the other side ends it, in whatever way it does."""
    data = b''
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := connection.recv(65536):
            data += piece
    return data


def exchange(node, text, port=4000):
    """Sends bytes as they are, on a connection of their own; returns (status, body), or (0, b'') where there is no answer."""
    with secure(node, port) as connection:
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # refused before all of it was sent
            connection.sendall(text)
        return answer_of(read_all(connection))


def answer_of(data):
    if not data.startswith(b'HTTP/1.1 '):
        return 0, b''
    head, _, body = data.partition(b'\r\n\r\n')
    return int(head.split(b' ', 2)[1]), body


def request(method, target, headers=(), body=b''):
    lines = [f'{method} {target} HTTP/1.1', 'Host: node', 'Connection: close', *headers]
    if body:
        lines.append(f'Content-Length: {len(body)}')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


class Recorder:
    """Listens in the agent's place and keeps each request as it came. `hold()` keeps the answers back until `release()`."""

    def __init__(self, node):
        self.node, self.requests, self.answers = node, [], threading.Event()
        self.answers.set()
        self.path = f'/proc/{node.leader}/root{SOCKET}'

    def __enter__(self):
        self.node.run(['systemctl', 'stop', *UNITS])
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.release()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)
        self.node.run(['systemctl', 'reset-failed', *UNITS])  # also forgets how often they were started
        self.node.run(['systemctl', 'start', *UNITS])
        self.node.wait_active('nanoscale-agent.service', LIMIT)

    def hold(self):
        self.answers.clear()

    def release(self):
        self.answers.set()

    def take(self):
        """The requests since the last call, as (request line, headers, body)."""
        found, self.requests = self.requests, []
        return found

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def read_request(connection):
        """(request line, headers, body), or None when the other side went away before it was complete."""
        data = b''
        while b'\r\n\r\n' not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b'\r\n\r\n')
        line, *rest = head.decode('latin-1').split('\r\n')
        headers = [(name.lower(), value.strip()) for name, value in (h.split(':', 1) for h in rest)]
        length = int(dict(headers).get('content-length', 0))
        while len(body) < length:
            piece = connection.recv(1 << 20)
            if not piece:
                return None
            body += piece
        return line, headers, body

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            found = self.read_request(connection)
            if not found:
                return
            self.requests.append(found)
            self.answers.wait(LIMIT * 3)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Accel-Redirect: /api/health\r\nConnection: close\r\n\r\nthrough')


def wait_for_requests(recorder, count):
    wait_until(lambda: len(recorder.requests) >= count, LIMIT, 0.1, f'{count} requests at the gateway socket')
