# SPDX-License-Identifier: AGPL-3.0-or-later
"""The load client notices what it is there for: against a server on this machine's loopback address that misbehaves once, on purpose."""
import json
import socket
import subprocess
import threading

import pytest

from loadclient import check_posts, compile_client

REQUESTS = 400


def body_of(i):
    return f'{i}:{"." * (int(i.rsplit("-", 1)[1]) % 1000)}'.encode()


class Server:
    """Answers as loadclient's app does; `faults[n]` is done instead of the nth answer. A thread for each connection."""

    def __init__(self, faults=None, keep=10**9, announce=True):
        self.faults, self.keep, self.announce, self.count, self.posts, self.lock = faults or {}, keep, announce, 0, [], threading.Lock()
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _accept(self):
        try:
            while True:
                threading.Thread(target=self._serve, args=(self.socket.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def _serve(self, s):
        with s, s.makefile('rb') as reader:
            for n in range(self.keep):
                first = reader.readline().split()
                if not first:
                    return
                length = 0
                while (line := reader.readline()) != b'\r\n':
                    if line.lower().startswith(b'content-length:'):
                        length = int(line.split(b':')[1])
                body = reader.read(length)
                kind, i = first[1].decode().strip('/').split('/')
                with self.lock:
                    self.count += 1
                    fault = self.faults.get(self.count)
                    if kind == 'post' and fault not in ('lose', 'closed'):
                        self.posts += [i if body == body_of(i) else f'cut {i}'] * (2 if fault == 'twice' else 1)
                answer = self.answer(kind, i, fault)
                if self.announce and n == self.keep - 1:
                    answer = answer.replace(b'X-Instance', b'Connection: close\r\nX-Instance')
                last = n == self.keep - 1 and not self.announce
                if last:  # the end comes in one packet with the answer: between the two the client might ask for more
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                s.sendall(answer)
                if last:
                    s.shutdown(socket.SHUT_WR)
                if fault in ('cut', 'closed') or not answer:
                    return

    def answer(self, kind, i, fault):
        body = body_of(i)
        if fault == 'closed':
            return b''
        if fault == 'silent':
            threading.Event().wait(60)  # longer than the client waits
            return b''
        if fault == 'status':
            return b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'
        if fault == 'body':
            body = body.replace(b':', b';')
        if kind == 'stream':
            half = len(body) // 2 or 1
            pieces = [p for p in (body[:half], body[half:]) if p]
            whole = b''.join(b'%x\r\n%s\r\n' % (len(p), p) for p in pieces) + b'0\r\n\r\n'
            head = b'Transfer-Encoding: chunked\r\n\r\n'
        else:
            whole, head = body, b'Content-Length: %d\r\n\r\n' % len(body)
        if fault == 'cut':
            whole = whole[:-1]
        return b'HTTP/1.1 200 OK\r\nX-Instance: one\r\n' + head + whole


@pytest.fixture(scope='module')
def client(tmp_path_factory):
    return compile_client(tmp_path_factory.mktemp('loadclient'))


def load(client, port, limit=REQUESTS, connections=8, rate=0, timeout=60):
    done = subprocess.run([client, '127.0.0.1', str(port), 'x.test', 'me-', str(connections), str(rate), str(limit), str(timeout)], capture_output=True,
                          text=True, timeout=300)
    result = json.loads(done.stdout)
    assert done.returncode == (1 if result['failed'] else 0) and not done.stderr
    return result


def test_a_good_server_has_no_failures(client):
    with Server(keep=7) as server:
        result = load(client, server.port)
    assert result['sent'] == result['ok'] == REQUESTS == server.count and result['failed'] == 0 and result['instances'] == 1, result
    assert result['gets'] + result['streams'] + result['posts'] == REQUESTS and result['streams'] >= 20 and result['posts'] == REQUESTS // 4
    assert result['reopened'] >= REQUESTS // 7 - 8, result
    assert check_posts(server.posts, result) == ([], [], [])


def test_an_end_between_two_answers_is_no_failure(client):
    with Server(keep=2, announce=False) as server:
        result = load(client, server.port, limit=40, connections=4, rate=40)
    assert (result['ok'], result['failed']) == (40, 0) and result['reopened'] >= 10, result
    assert result['seconds'] > 0.3, 'the pace is kept'


@pytest.mark.parametrize('fault,kind', [('closed', 'closed'), ('cut', 'cut'), ('status', 'status'), ('body', 'body'), ('silent', 'timeout')])
def test_one_failure_is_one_failure(client, fault, kind):
    with Server({101: fault}) as server:
        # The others are to be answered within that time, on a busy machine too.
        result = load(client, server.port, timeout=20 if fault == 'silent' else 60)
    assert (result['sent'], result['ok'], result['failed']) == (REQUESTS, REQUESTS - 1, 1), result
    assert result['failed_by_kind'][kind] == 1 and len(result['examples']) == 1, result
    assert server.count == REQUESTS, 'nothing is asked for a second time'


def test_nobody_there_is_a_failure_each(client):
    with socket.socket() as bound:  # so that nobody else gets the port, and never listened to
        bound.bind(('127.0.0.1', 0))
        result = load(client, bound.getsockname()[1], limit=8)
    assert (result['sent'], result['failed'], result['failed_by_kind']['connect']) == (8, 8, 8), result


def test_posts_that_are_lost_or_come_twice_are_named(client):
    # More than one in a row, so that a POST is among them whatever the order.
    with Server({n: 'lose' for n in range(100, 120)} | {n: 'twice' for n in range(200, 220)}) as server:
        result = load(client, server.port)
    lost, twice, cut = check_posts(server.posts, result)
    assert result['failed'] == 0 and lost and twice and not cut
