# SPDX-License-Identifier: AGPL-3.0-or-later
"""The other side of docs/protocol.md, written from that document alone: what signs, and what plays a node for nginx on port 4000."""
import contextlib
import hashlib
import hmac
import json
import os
import time

import gateway


def digits(key, *parts):
    return hmac.new(key, b''.join(parts), hashlib.sha256).hexdigest()


def headers(key, method, target, server, body=b'', timestamp=None, nonce=None):
    """The five headers of a request, as a dictionary whose order is that of the document."""
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = os.urandom(16).hex() if nonce is None else nonce
    binding = '\n'.join([method, target, server, timestamp, nonce, hashlib.sha256(body).hexdigest()])
    return {'X-Cluster-Server': server, 'X-Cluster-Timestamp': timestamp, 'X-Cluster-Nonce': nonce,
            'X-Cluster-Signature': digits(key, body, timestamp.encode()), 'X-Cluster-Binding': digits(key, binding.encode())}


def text(method, target, signed, body=b'', more=()):
    """The request's bytes, with whatever headers."""
    lines = signed.items() if isinstance(signed, dict) else signed
    return gateway.request(method, target, [f'{name}: {value}' for name, value in lines] + ['Content-Type: application/json', *more], body)


class Caller:
    """Calls one node with one key, from outside all nodes."""

    def __init__(self, node, server, key):
        self.node, self.server, self.key = node, server, key

    def signed(self, method, target, body=b'', **options):
        return headers(self.key, method, target, self.server, body, **options)

    def send(self, method, target, body=b'', more=(), **options):
        """(status, body) of a call that is as it should be, but for what is given. One that comes too soon after many others is sent again."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        for _ in range(100):
            answer = gateway.exchange(self.node, text(method, target, self.signed(method, target, body, **options), body, more))
            if answer[0] != 429:
                break
            time.sleep(0.3)
        return answer

    def ask(self, method, target, body=b'', status=200):
        got, answer = self.send(method, target, body)
        assert got == status, (method, target, got, answer)
        return json.loads(answer) if answer else None


class Actor(gateway.Recorder):
    """A node whose agent is ours: answer(line, headers, body) returns (status, body), or a function that is given the connection."""

    def __init__(self, node, answer):
        super().__init__(node)
        self.answer = answer

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(gateway.LIMIT)
            found = self.read_request(connection)
            if not found:
                return
            reply = self.answer(*found)
            self.requests.append(found)
            if callable(reply):
                reply(connection)
                return
            status, body = reply
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.sendall(f'HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'.encode() + body)
