# SPDX-License-Identifier: AGPL-3.0-or-later
"""Servers of all kinds run unchanged: every runtime, framework and way to listen, deployed from git and asked through nginx.

All are deployed at once and each test waits for its own, so that requests to the first go on while the last is being built. Three repositories:
one without dependencies, from which each project starts another file, one with the frameworks, and a binary. The node is their own: removing it is quicker
than deleting each. Next.js is in test_deploy.py."""
import hashlib
import http.client
import json
import pathlib
import tempfile
import threading
import time
import types

import pytest

from apps_inline import WebSocket, deploy, last_deployment
from nodes import BASE_DOMAIN, files_of
from nodes.proc import run, wait_until

APPS = pathlib.Path(__file__).resolve().parent / 'apps'
AGENT = '/run/nanoscale/agent.sock'
MIB = 1 << 20
PORT = 3000

# project: (repository, options)
PROJECTS = {
    'node20': ('servers', ['--node', '20', '--start', 'node exchange.js']),
    'node22': ('servers', ['--node', '22', '--start', 'node exchange.js']),
    'node24': ('servers', ['--node', '24', '--start', 'node exchange.js']),
    'bun-http': ('servers', ['--start', 'bun exchange.js']),
    'bun-serve': ('servers', ['--start', 'bun bun.js']),
    'late': ('servers', ['--start', f'node plain.js 0.0.0.0 {PORT} 5000']),
    'express': ('frameworks', ['--start', 'node express.js']),
    'fastify': ('frameworks', ['--start', 'node fastify.js']),
    'hono': ('frameworks', ['--start', 'bun hono.js']),
    'cluster-rr': ('servers', ['--start', 'node cluster.js rr ::']),
    'cluster-none': ('servers', ['--start', 'node cluster.js none 0.0.0.0']),
    'thread': ('servers', ['--start', 'node thread.js localhost']),
    'child-fork': ('servers', ['--start', 'node child.js fork 127.0.0.1']),
    'child-pass': ('servers', ['--start', 'node child.js pass localhost']),
    'two-ports': ('servers', ['--start', 'node two-ports.js ::1 9464']),
    'exclusive': ('servers', ['--exclusive', 'on', '--start', 'node two-ports.js ::1 9465']),
    'npm-start': ('servers', ['--start', 'npm start']),
    'static': ('static-binary', ['--build', 'chmod 755 server', '--start', './server']),
    'wrong-port': ('servers', ['--start', 'node plain.js 0.0.0.0 4100']),
}
EXCHANGES = ('node20', 'node22', 'node24', 'bun-http', 'bun-serve')


def host(project):
    return f'{project}.{BASE_DOMAIN}'


def url(project, path='/'):
    return f'http://{host(project)}{path}'


class Servers:
    def __init__(self, node, git):
        self.node, self.git, self.deployments = node, git, {}

    def start(self, project):
        repository, options = PROJECTS[project]
        begun = json.loads(deploy(self.node, self.git.url(repository), '--name', project, *options, '--no-follow', '--json').stdout)
        self.deployments[project] = begun['id']

    def ended(self, project, timeout=900):
        """The project's deployment, once it is over."""
        def ask():
            found = self.node.fetch_unix(AGENT, f'/api/deployments/{self.deployments[project]}').json()
            return found if found['state'] in ('live', 'failed', 'canceled', 'superseded') else None
        return wait_until(ask, timeout, 0.2, f'the end of the deployment of {project}')

    def ready(self, project):
        deployment = self.ended(project)
        assert deployment['state'] == 'live', deployment['failure']
        return types.SimpleNamespace(name=project, node=self.node, deployment=deployment, project=deployment['project_id'])


def static_binary():
    with tempfile.TemporaryDirectory() as directory:
        binary = pathlib.Path(directory) / 'server'
        run(['gcc', '-static', '-O2', '-Wall', '-o', binary, APPS / 'static-binary/server.c'])
        return binary.read_bytes()


@pytest.fixture(scope='module')
def servers(lab, git):
    for name in ('servers', 'frameworks'):
        git.create_repo(name, files_of(APPS / name))
    git.create_repo('static-binary', {'server': static_binary()})
    servers = Servers(lab.node('servers'), git)
    for project in PROJECTS:
        servers.start(project)
    yield servers
    lab.remove(servers.node)
    for name in ('servers', 'frameworks', 'static-binary'):
        git.remove_repo(name)


def get(servers, project, path='/', **options):
    servers.ready(project)
    return servers.node.wait_fetch(url(project, path), **options)


def service(servers, project):
    """The service of the slot that is live."""
    identity = servers.ready(project).project
    slot = servers.node.output('readlink', f'/run/nanoscale/apps/{identity}/live')[0]
    return f'nanoscale-{identity}@{slot}.service'


# What HTTP servers do, in every runtime


@pytest.mark.parametrize('project,begin', zip(EXCHANGES, ('node 20.', 'node 22.', 'node 24.', 'bun 1.2.20', 'bun 1.2.20')))
def test_runtime(servers, project, begin):
    assert get(servers, project).text.startswith(begin)


@pytest.mark.parametrize('project', EXCHANGES)
def test_large_upload_and_download(servers, project):
    get(servers, project)
    sent = b''.join(hashlib.sha256(bytes([i])).digest() * 32768 for i in range(32))
    answer = servers.node.fetch(url(project, '/digest'), method='POST', body=sent, timeout=180)
    assert answer.text == f'{len(sent)} {hashlib.sha256(sent).hexdigest()}'
    received = servers.node.fetch(url(project, '/bytes/32'), timeout=180).body
    assert len(received) == 32 * MIB
    assert all(received[i * MIB:(i + 1) * MIB] == bytes([i]) * MIB for i in range(32))


def test_upload_in_chunks_of_unknown_length(servers):
    get(servers, 'node22')
    pieces = [bytes([i]) * 10_000 for i in range(100)]
    connection = http.client.HTTPConnection(host('node22'), timeout=180)
    connection.sock = servers.node.connect(80)
    connection.request('POST', '/digest', body=iter(pieces), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
    assert connection.getresponse().read().decode() == f'1000000 {hashlib.sha256(b"".join(pieces)).hexdigest()}'
    connection.close()


@pytest.mark.parametrize('project', EXCHANGES)
def test_keep_alive(servers, project):
    """One connection of the client's for all requests; nginx has one to the app, too."""
    get(servers, project)
    connection = http.client.HTTPConnection(host(project), timeout=180)
    connection.sock = first = servers.node.connect(80)
    path = '/' if project == 'bun-serve' else '/connection'
    seen = []
    for _ in range(30):
        connection.request('GET', path)
        answer = connection.getresponse()
        seen.append(answer.read().decode())
        assert answer.status == 200 and connection.sock is first
    connection.close()
    assert project == 'bun-serve' or len(set(seen)) < 10, seen


@pytest.mark.parametrize('project', [*EXCHANGES, 'hono'])
def test_server_sent_events(servers, project):
    """The first is there before the last is sent, for which the app waits."""
    get(servers, project)
    s = servers.node.connect(80)
    s.settimeout(120)
    s.sendall(f'GET /events HTTP/1.1\r\nHost: {host(project)}\r\nConnection: close\r\n\r\n'.encode())
    seen = b''
    while b'data: first' not in seen:
        piece = s.recv(4096)
        assert piece, seen
        seen += piece
    assert b'data: last' not in seen
    servers.node.fetch(url(project, '/goon'))
    while b'data: last' not in seen:
        piece = s.recv(4096)
        assert piece, seen
        seen += piece
    s.close()


def test_websocket(servers):
    """The ws package's and Bun's: text and binary, in frames of all three forms of length; and both stay open while nothing is said."""
    for project in ('express', 'bun-serve'):
        get(servers, project)
    sockets = [WebSocket(servers.node, host(project)) for project in ('express', 'bun-serve')]
    for message in ('over the wire', 'x' * 5000, bytes(range(256)) * 1200):
        for s in sockets:
            s.send(message)
            assert s.receive() == message
    time.sleep(4)  # longer than nginx keeps a connection to an app that nobody uses
    for s in sockets:
        s.send('still there')
        assert s.receive() == 'still there'
        s.close()


@pytest.mark.parametrize('project', EXCHANGES)
def test_close_on_sigterm_finishes_what_is_under_way(servers, project):
    """The server's own close(): the answer that has begun is sent whole, then the process ends by itself. The next request starts it again."""
    unit, node = service(servers, project), servers.node
    node.wait_fetch(url(project))
    s = node.connect(80)
    s.settimeout(120)
    s.sendall(f'GET /last HTTP/1.1\r\nHost: {host(project)}\r\nConnection: close\r\n\r\n'.encode())
    seen = b''
    while b'begun' not in seen:
        seen += s.recv(4096)
    stopped = threading.Thread(target=node.run, args=(['systemctl', 'stop', unit],))
    stopped.start()
    while piece := s.recv(4096):
        seen += piece
    stopped.join()
    assert b'finished' in seen
    assert node.state(unit, 'ActiveState', 'Result', 'ExecMainStatus') == {'ActiveState': 'inactive', 'Result': 'success', 'ExecMainStatus': '0'}
    assert 'closed after the last request' in node.journal_text(unit, namespace='nanoscale')
    assert node.fetch(url(project), timeout=180).status == 200
    assert node.state(unit) == 'active'


# Frameworks


@pytest.mark.parametrize('project', ['express', 'fastify', 'hono'])
def test_framework(servers, project):
    seen = get(servers, project).json()
    assert seen['framework'] == project
    if project == 'hono':
        assert seen['ip'] in ('127.0.0.1', '::1')
    else:
        # What the proxy says is believed, since the connection comes from the loopback address.
        assert seen['hostname'] == host(project) and seen['protocol'] == 'http'
        assert seen['ip'] not in ('127.0.0.1', '::1') and seen['ip'].count('.') == 3


@pytest.mark.parametrize('project,path,body,kind', [
    ('express', '/form', 'a=1&b=2', 'application/x-www-form-urlencoded'),
    ('fastify', '/json', '{"a": "1", "b": "2"}', 'application/json'),
    ('hono', '/json', '{"a": "1", "b": "2"}', 'application/json'),
])
def test_framework_reads_a_body(servers, project, path, body, kind):
    get(servers, project)
    assert servers.node.fetch(url(project, path), method='POST', body=body, headers={'Content-Type': kind}).json() == {'a': '1', 'b': '2'}


# Ways to listen


@pytest.mark.parametrize('project,address', [('late', '0.0.0.0'), ('cluster-rr', '::'), ('thread', 'localhost'), ('child-fork', '127.0.0.1'), ('two-ports', '::1')])
def test_any_address_to_listen_on(servers, project, address):
    assert get(servers, project).json()['host'] == address


def workers_seen(servers, project, wanted):
    """{number: answer} of the workers, once `wanted` is true of it."""
    seen = {}

    def ask():
        answer = servers.node.fetch(url(project)).json()
        seen[answer['worker']] = answer
        return seen if wanted(seen) else None
    return wait_until(ask, 30, 0.02, f'answers of the workers of {project}')


@pytest.mark.parametrize('project', ['cluster-rr', 'cluster-none'])
def test_cluster(servers, project):
    """Both workers answer, and so does the one that replaces one of them."""
    get(servers, project)
    seen = workers_seen(servers, project, lambda seen: len(seen) == 2)
    assert seen[1]['pid'] != seen[2]['pid'] and seen[1]['primary'] == seen[2]['primary']
    servers.node.run(['perl', '-e', 'kill "KILL", shift or die', str(seen[1]['pid'])])
    wait_until(lambda: servers.node.run(['test', '-e', f'/proc/{seen[1]["pid"]}'], check=False).returncode, 10, 0.1, 'the end of a worker')
    workers_seen(servers, project, lambda seen: 3 in seen)


def test_worker_thread(servers):
    assert get(servers, 'thread').json()['threadId'] > 0


@pytest.mark.parametrize('project', ['child-fork', 'child-pass'])
def test_a_child_listens(servers, project):
    seen = get(servers, project).json()
    assert seen['kind'] == project.split('-')[1] and seen['child']


def test_two_ports(servers):
    """The one in PORT is the app's; the other is its own business, and no way from outside leads there."""
    assert get(servers, 'two-ports').json()['other'] == 9464
    assert servers.node.fetch(url('two-ports', '/numbers')).text == 'numbers'


def test_a_port_that_only_one_can_have(servers):
    """While two releases run side by side a fixed second port is taken: that reads as such, and the old release goes on. An exclusive app has it."""
    node = servers.node
    assert get(servers, 'two-ports').json()['release'] == '1'
    assert deploy(node, 'two-ports', check=False).returncode == 1
    failure = last_deployment(node, 'two-ports')['failure']
    assert failure['exit_code'] == 1 and any('EADDRINUSE' in line and '9464' in line for line in failure['last_lines']), failure
    assert node.fetch(url('two-ports')).json()['release'] == '1'
    assert get(servers, 'exclusive').json()['release'] == '1'
    deploy(node, 'exclusive')
    assert node.fetch(url('exclusive')).json()['release'] == '2'
    assert node.fetch(url('exclusive', '/numbers')).text == 'numbers'


def test_npm_scripts(servers):
    assert get(servers, 'npm-start').json()['argv'] == ['0.0.0.0']


def test_late_listener(servers):
    """Five seconds until it listens are part of its start, at a deployment and at a wake: who asks, waits and is answered."""
    unit = service(servers, 'late')
    assert get(servers, 'late').status == 200
    servers.node.run(['systemctl', 'stop', unit])
    begin = time.monotonic()
    assert servers.node.fetch(url('late'), timeout=180).status == 200
    assert time.monotonic() - begin > 4


def test_static_binary(servers):
    """Nothing can be preloaded into it, so a proxy stands before it, and the deployment says so; the next release and the next start too."""
    node, static = servers.node, servers.ready('static')
    assert 'static binary' in node.output('nanoscale', 'deployments', 'show', static.deployment['id'], '--log')
    first = 12000 + 2 * (int(node.output('id', '-u', f'nanoscale-{static.project}')) - 50000)  # base/paths.h: two ports a user, one a slot
    ports = set()
    for _ in range(2):
        answer = node.wait_fetch(url('static')).text
        assert answer in (f'static on {first}', f'static on {first + 1}')
        ports.add(answer)
        node.run(['systemctl', 'stop', service(servers, 'static')])
        assert node.fetch(url('static'), timeout=180).text == answer
        if len(ports) == 1:
            deploy(node, 'static')
    assert len(ports) == 2  # one for each slot


def test_wrong_port_is_named(servers):
    failure = servers.ended('wrong-port')['failure']
    assert failure['step'] == 'check'
    assert 'port 4100' in failure['sentence'] and str(PORT) in failure['sentence'] and 'PORT' in failure['sentence'], failure
