# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP as a client of a node would speak it: one request, one connection, no retry, no redirect followed."""
import http.client
import json
import socket
import ssl
import urllib.parse


class Response:
    def __init__(self, raw, body):
        self.status, self.reason, self.headers, self.body = raw.status, raw.reason, raw.headers, body

    @property
    def text(self):
        return self.body.decode(errors='replace')

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'Response({self.status}, {self.text[:200]!r})'


def _exchange(connection, method, path, headers, body):
    try:
        connection.request(method, path, body=body, headers=headers)
        raw = connection.getresponse()
        return Response(raw, raw.read())
    finally:
        connection.close()


def fetch(open_connection, url, host=None, method='GET', body=None, headers=None, timeout=60, ca=None):
    """open_connection(port, timeout) returns a connected socket. `url` may be a path alone. `ca`: file of the authorities for https (None: not checked)."""
    parts = urllib.parse.urlsplit(url if '://' in url else 'http://node' + url)
    secure = parts.scheme == 'https'
    port = parts.port or (443 if secure else 80)
    name = host or (parts.hostname if '://' in url else None)
    path = (parts.path or '/') + ('?' + parts.query if parts.query else '')
    if isinstance(body, (dict, list)):
        body, headers = json.dumps(body), {'Content-Type': 'application/json', **(headers or {})}
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection('node', port, timeout=timeout)
    connection.sock = open_connection(port, timeout)
    if secure:
        context = ssl.create_default_context(cafile=str(ca)) if ca else ssl._create_unverified_context()
        connection.sock = context.wrap_socket(connection.sock, server_hostname=name or 'node')
    return _exchange(connection, method, path, {'Host': name or 'node', 'Connection': 'close', **(headers or {})}, body)


def fetch_unix(path, target, method='GET', body=None, headers=None, timeout=60, host='localhost'):
    """The same over a unix socket whose file this machine can see."""
    if isinstance(body, (dict, list)):
        body, headers = json.dumps(body), {'Content-Type': 'application/json', **(headers or {})}
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection(host, timeout=timeout)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(timeout)
    connection.sock.connect(str(path))
    return _exchange(connection, method, target, {'Host': host, 'Connection': 'close', **(headers or {})}, body)
