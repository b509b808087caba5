# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tiny apps as {path: content}, and how tests deploy them and talk to them."""
import base64
import json
import os
import struct

NODE_SERVER = r'''
const http = require('node:http');
const marker = 'MARKER';
http.createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => {
    if (request.url === '/headers') { response.end(JSON.stringify(request.headers)); return; }
    if (request.url.startsWith('/env/')) { response.end(JSON.stringify(process.env[request.url.slice(5)] ?? null)); return; }
    if (request.url === '/who') { response.end(JSON.stringify({ uid: process.getuid(), user: require('node:os').userInfo().username })); return; }
    if (request.url === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: first\n\n');
      process.once('go-on', () => response.end('data: last\n\n'));
      return;
    }
    if (request.url === '/go-on') process.emit('go-on');
    if (request.method === 'POST') { response.end(JSON.stringify({ got: body })); return; }
    response.end(marker);
  });
}).listen(process.env.PORT);
'''


def node_app(marker='hello', scripts=None, server=NODE_SERVER, **package):
    """A plain http server without dependencies; nothing is installed or built for it."""
    return {'package.json': json.dumps({'name': 'app', 'private': True, 'scripts': scripts or {'start': 'node server.js'}, **package}),
            'server.js': server.replace('MARKER', marker)}


def bun_app(marker='hello from bun'):
    return {'package.json': json.dumps({'name': 'app', 'private': True, 'scripts': {'start': 'bun server.ts'}}),
            'server.ts': 'Bun.serve({ port: process.env.PORT, fetch(request: Request) {'
                         ' return new URL(request.url).pathname === "/who" ? Response.json({ uid: process.getuid!() })'
                         f' : new Response({json.dumps(marker)}); }} }});\n'}


def deploy(node, *argv, timeout=600, check=True):
    """`nanoscale deploy …` as an operator types it; returns the finished command."""
    return node.run(['nanoscale', 'deploy', *argv], check=check, timeout=timeout)


def api(node, *argv, check=True):
    """`nanoscale … --json` as a Python value."""
    result = node.run(['nanoscale', *argv, '--json'], check=check, timeout=120)
    return json.loads(result.stdout) if result.stdout.strip() else None


def last_deployment(node, project):
    """The newest deployment with its steps and failure."""
    newest = api(node, 'deployments', 'list', project)['deployments'][0]
    return api(node, 'deployments', 'show', newest['id'])


def remove(node, *projects):
    for project in projects:
        node.run(['nanoscale', 'projects', 'delete', project, '--yes'], check=False, timeout=120)


LIST_PROCESSES = r'''for my $p (glob "/proc/[0-9]*") { my $u = (stat $p)[4]; open(my $f, "<", "$p/cmdline") or next; local $/; my $c = <$f> // ""; $c =~ s/\0/ /g; print "$u $c\n" }'''


def processes(node):
    """(uid, command line) of every process of the node; a minimal server has no ps."""
    lines = node.output('perl', '-e', LIST_PROCESSES).splitlines()
    return [(int(uid), words) for uid, _, words in (line.partition(' ') for line in lines)]


class WebSocket:
    """A client, as far as echoes need one: whole text and binary messages, no compression."""

    def __init__(self, node, host, path='/', timeout=20):
        self.socket = node.connect(80, timeout)
        self.socket.settimeout(timeout)
        self.socket.sendall((f'GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                             f'Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n').encode())
        self.stream = self.socket.makefile('rb')
        status = self.stream.readline()
        assert b' 101 ' in status, status
        while self.stream.readline() not in (b'\r\n', b''):
            pass

    def send(self, message):
        """Text where it is a str, else binary."""
        kind, payload = (1, message.encode()) if isinstance(message, str) else (2, message)
        n, mask = len(payload), os.urandom(4)
        length = struct.pack('>B', 0x80 | n) if n < 126 else struct.pack('>BH', 0xfe, n) if n < 65536 else struct.pack('>BQ', 0xff, n)
        key = (mask * (n // 4 + 1))[:n]
        masked = (int.from_bytes(payload, 'big') ^ int.from_bytes(key, 'big')).to_bytes(n, 'big')
        self.socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def receive(self):
        whole = b''
        while True:
            head, n = self.stream.read(2)
            if n >= 126:
                n = int.from_bytes(self.stream.read(2 if n == 126 else 8), 'big')
            piece = self.stream.read(n)
            if head & 0x0f > 2:
                assert head & 0x0f != 8, f'closed by the server: {piece!r}'
                continue
            if head & 0x0f:
                text = head & 0x0f == 1
            whole += piece
            if head & 0x80:
                return whole.decode() if text else whole

    def close(self):
        self.stream.close()
        self.socket.close()
