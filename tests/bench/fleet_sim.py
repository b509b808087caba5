# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many workers in one process: fleet_sim.py SOCKET VERSION, behind an nginx that says on which port, thus to which worker, a request came.

What is real for the orchestrator: an address and port of each worker's own, TLS 1.3 and HTTP/2 on one kept connection to each, and docs/protocol.md: each
request's signatures, clock and nonce are checked, and answers have the fields and the size of a worker's. What is not: one nginx ends
the TLS of all of them (each has a key of its own), nothing is deployed, and only POST /internal/health and POST /internal/projects exist. All else is 404.

Commands, a JSON object a line on standard input, each answered by a line: {"template": {…}} what a project's description is like,
{"port", "server", "secret"} a worker, {"mute": [port, …]} workers that take requests and answer no more, {"count": true} figures until now."""
import asyncio
import hashlib
import hmac
import json
import os
import resource
import sys
import time

CLOCK_SECONDS, NONCE_SECONDS = 30, 60
FORMS = {b'x-cluster-timestamp': 11, b'x-cluster-nonce': 32, b'x-cluster-signature': 64, b'x-cluster-binding': 64}
PHRASES = {200: 'OK', 201: 'Created', 401: 'Unauthorized', 404: 'Not Found', 422: 'Unprocessable Entity'}


class Worker:
    def __init__(self, port, server, secret):
        self.port, self.server, self.secret = port, server, bytes.fromhex(secret)
        self.name = f'sim-{port}'
        self.projects, self.version, self.muted = {}, 1, False
        self.nonces = {}

    def accepts(self, method, target, headers, body):
        """The rules of docs/protocol.md, in their order."""
        if headers.get(b'x-cluster-server', b'').decode() != self.server or any(not 0 < len(headers.get(h, b'')) <= n for h, n in FORMS.items()):
            return False
        stamp, nonce = headers[b'x-cluster-timestamp'], headers[b'x-cluster-nonce']
        signature = hmac.new(self.secret, body + stamp, 'sha256').hexdigest().encode()
        text = b'\n'.join((method, target, self.server.encode(), stamp, nonce, hashlib.sha256(body).hexdigest().encode()))
        binding = hmac.new(self.secret, text, 'sha256').hexdigest().encode()
        right = hmac.compare_digest(signature, headers[b'x-cluster-signature']) & hmac.compare_digest(binding, headers[b'x-cluster-binding'])
        now = time.time()
        if not right or not stamp.isdigit() or abs(now - int(stamp)) > CLOCK_SECONDS or self.nonces.get(nonce, 0) > now - NONCE_SECONDS:
            return False
        self.nonces = {n: at for n, at in self.nonces.items() if at > now - NONCE_SECONDS}
        self.nonces[nonce] = now
        return True


class Fleet:
    def __init__(self, version):
        self.version, self.workers, self.template = version, {}, {}
        self.begin = time.time()
        self.counts = {'health': 0, 'with_projects': 0, 'projects_pushed': 0, 'refused': 0, 'absent': 0, 'muted': 0}

    def statistics(self, worker):
        """As many figures as a node's, and others each time."""
        wave = (time.time() + worker.port) % 60 / 60
        return {'cpu_percent': round(20 * wave, 2), 'memory_bytes': int(8e8 + 1e6 * wave), 'swap_bytes': 0, 'disk_bytes': 11083076608,
                'network_received_per_second': int(9e4 * wave), 'network_sent_per_second': int(3e5 * wave), 'load': round(wave, 2),
                'at': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'processors': 2, 'memory_total_bytes': 4108288000, 'swap_total_bytes': 0,
                'disk_total_bytes': 41083076608, 'disk_free_bytes': 30000000000, 'load_averages': [round(wave, 2), 0.5, 0.25],
                'uptime_seconds': int(time.time() - self.begin)}

    def health(self, worker, asked):
        version = f'{int(self.begin)}.{worker.version}.0'
        answer = {'name': worker.name, 'projects_version': version, 'version': self.version, 'statistics': self.statistics(worker)}
        self.counts['health'] += 1
        if asked.get('projects_version') != version:
            self.counts['with_projects'] += 1
            answer['projects'] = list(worker.projects.values())
        return 200, answer

    def take_project(self, worker, asked):
        if not isinstance(asked.get('id'), str) or not isinstance(asked.get('settings'), dict):
            return 422, {'type': 'invalid-field'}
        new = asked['id'] not in worker.projects
        description = {**self.template, **asked['settings'], 'id': asked['id'], 'server': worker.name}
        if worker.projects.get(asked['id']) != description:
            worker.projects[asked['id']] = description
            worker.version += 1
        self.counts['projects_pushed'] += 1
        return 201 if new else 200, description

    def answer(self, method, target, headers, body):
        """(status, object), or None where no answer comes."""
        worker = self.workers.get(int(headers.get(b'x-sim-port', b'0')))
        handle = {(b'POST', b'/internal/health'): self.health, (b'POST', b'/internal/projects'): self.take_project}.get((method, target))
        if worker and worker.muted:
            self.counts['muted'] += 1
            return None
        if not worker or not worker.accepts(method, target, headers, body):
            self.counts['refused'] += 1
            return 401, {'type': 'not-accepted'}
        if not handle:
            self.counts['absent'] += 1
            return 404, {'type': 'path-absent'}
        asked = json.loads(body)
        return handle(worker, asked) if isinstance(asked, dict) else (422, {'type': 'invalid-field'})

    def command(self, line):
        asked = json.loads(line)
        if 'template' in asked:
            self.template = asked['template']
        elif 'mute' in asked:
            for port in asked['mute']:
                self.workers[port].muted = True
        elif 'port' in asked:
            self.workers[asked['port']] = Worker(asked['port'], asked['server'], asked['secret'])
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {**self.counts, 'workers': len(self.workers), 'cpu_seconds': used.ru_utime + used.ru_stime}


class Connection(asyncio.Protocol):
    """Of nginx: HTTP/1.1, kept, one request after the other, each with a Content-Length or without a body."""

    def __init__(self, fleet):
        self.fleet, self.buffer = fleet, b''

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b'\r\n\r\n')) >= 0:
            first, *lines = self.buffer[:end].split(b'\r\n')
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b':') for line in lines)}
            length = int(headers.get(b'content-length', b'0'))
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4:end + 4 + length], self.buffer[end + 4 + length:]
            method, target, _ = first.split(b' ')
            answer = self.fleet.answer(method, target, headers, body)
            if not answer:
                self.transport.pause_reading()
                return
            text = json.dumps(answer[1], separators=(',', ':')).encode()
            self.transport.write(f'HTTP/1.1 {answer[0]} {PHRASES[answer[0]]}\r\nContent-Type: application/json\r\n'
                                 f'Content-Length: {len(text)}\r\n\r\n'.encode() + text)


async def serve(path, version):
    fleet, loop = Fleet(version), asyncio.get_running_loop()
    await loop.create_unix_server(lambda: Connection(fleet), path, backlog=4096)
    os.chmod(path, 0o666)
    commands = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print('{}', flush=True)
    while line := await commands.readline():
        print(json.dumps(fleet.command(line)), flush=True)


if __name__ == '__main__':
    asyncio.run(serve(*sys.argv[1:]))
