# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clusters of nodes: an orchestrator, workers that join it as an operator has them join, and what tests ask of both."""
import http.client
import json
import socket
import sqlite3
import threading

from nodes import BASE_DOMAIN, wait_until
from nodes.cache import configure, settings

AGENT = 'nanoscale-agent.service'
UNITS = ['nanoscale-agent.socket', 'nanoscale-gateway.socket', 'nanoscale-web.socket', AGENT]
IDENTITY = '/opt/nanoscale/config/identity.json'
CONFIG = '/opt/nanoscale/config/config.json'
DATABASE = '/opt/nanoscale/data/nanoscale.db'
TLS = '/opt/nanoscale/tls'
LIMIT = 120  # seconds that any single step may take on a busy machine


# --- calls of the API, as root on the node -----------------------------------------------------------------------------------------------------

def call(node, method, path, body=None, timeout=LIMIT):
    """An answer of the node's own API, whatever its status."""
    return node.fetch_unix('/run/nanoscale/agent.sock', path, method=method, body=body, timeout=timeout)


def ask(node, method, path, body=None, status=(200, 201, 202, 204)):
    """The same as a value; the status must be one of those."""
    answer = call(node, method, path, body)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), (method, path, answer)
    return answer.json() if answer.body else None


def server(orchestrator, name):
    return ask(orchestrator, 'GET', f'/api/servers/{name}')


def wait_online(orchestrator, name, seconds=LIMIT):
    def reached():
        now = server(orchestrator, name)
        assert now['status'] == 'online', now
        return now
    return wait_until(reached, seconds, 0.3, f'{name} is online')


def wait_offline(orchestrator, name, reason, seconds=LIMIT):
    """Until it is shown as offline with these words in the reason."""
    def reached():
        now = server(orchestrator, name)
        assert now['status'] == 'offline' and reason in (now['reason'] or ''), now
        return now
    return wait_until(reached, seconds, 0.3, f'{name} is offline: {reason}')


def database(node):
    """The node's database, opened from outside: the same file, so the same locks."""
    return sqlite3.connect(f'{node.root}{DATABASE}', timeout=30)


# --- making nodes ------------------------------------------------------------------------------------------------------------------------------

def pin(node):
    return node.read(f'{TLS}/public/pin').strip()


def new_tls_key(node):
    """Nodes of one image have one key: each gets one of its own."""
    node.run(['rm', '-rf', TLS])
    node.run(['/opt/nanoscale/lib/nanoscale-tls'])
    node.run(['systemctl', 'reload', 'nginx.service'])


def make_orchestrator(lab, name):
    node = lab.node(name, 'installed')
    new_tls_key(node)
    configure(node, {'name': name, 'cluster': {'address': node.address}})
    return node


def strip(node):
    """From an installed orchestrator to a machine on which only the files of NanoScale are; install.sh makes the rest."""
    node.run(['systemctl', 'stop', *UNITS])
    node.run(['rm', '-rf', CONFIG, IDENTITY, TLS, '/opt/nanoscale/data'])
    return node


def make_candidate(lab, name):
    """A machine that could become a worker."""
    return strip(lab.node(name, 'installed'))


def join_string(orchestrator):
    return ask(orchestrator, 'POST', '/api/cluster/generate-token', {})['join']


def install(node, string, *arguments, check=True):
    """The command that the orchestrator prints, on the worker."""
    return node.run(['/root/nanoscale/scripts/install.sh', '--join', '-', '--base-domain', BASE_DOMAIN, *arguments], input=string + '\n',
                    check=check, timeout=900, via='pid1')


def join(orchestrator, node, *arguments):
    """A worker of that orchestrator; returns what install.sh said."""
    said = install(node, join_string(orchestrator), *arguments)
    configure(node, settings())
    return said


def join_by_hand(node, string, name, address=None):
    """What install.sh calls in the end; returns the finished command."""
    return node.run(['/opt/nanoscale/bin/agent', '--join', '-', '--name', name, '--address', address or node.address, '--port', '4000'],
                    input=string + '\n', user='nanoscale', check=False, timeout=LIMIT)


def restart_agent(node):
    node.run(['systemctl', 'restart', AGENT])
    node.wait_active(AGENT, LIMIT)


def agent_journal(node):
    """What the agents of a node said, in all boots."""
    return node.journal_text(AGENT, boot=None)


# --- projects ----------------------------------------------------------------------------------------------------------------------------------

def create(orchestrator, git, name, where, **draft):
    return ask(orchestrator, 'POST', '/api/projects', {'name': name, 'repo_url': git.url(name), 'server': where, **draft})


def begin(orchestrator, project, **body):
    """Asks for a deployment and returns its id."""
    return ask(orchestrator, 'POST', f'/api/projects/{project}/deployments', body)['id']


def finish(node, deployment, state='live', seconds=300):
    """Waits for the end of a deployment and returns it; the end must be this one."""
    def ended():
        answer = call(node, 'GET', f'/api/deployments/{deployment}')
        assert answer.status == 200, answer
        shown = answer.json()
        assert shown['finished_at'], shown['state']
        return shown
    shown = wait_until(ended, seconds, 0.3, f'deployment {deployment} has ended')
    assert shown['state'] == state, shown
    return shown


def deploy(orchestrator, project, **body):
    return finish(orchestrator, begin(orchestrator, project, **body))


def deployments(node, project):
    return ask(node, 'GET', f'/api/projects/{project}/deployments')['deployments']


# --- streams -----------------------------------------------------------------------------------------------------------------------------------

class Stream(threading.Thread):
    """Follows an event stream of a node's API as a client does that wants all of it: when the stream ends or breaks, it asks for the rest."""

    def __init__(self, node, path, resume=True):
        super().__init__(daemon=True)
        self.node, self.path, self.resume = node, path, resume
        self.events, self.connections, self.last, self.over = [], 0, None, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                self._follow()
            except (OSError, http.client.HTTPException, AttributeError):
                pass  # the node may be down, and has no leader then
            if not self.resume or any(e['event'] == 'end' for e in self.events):
                return
            self.over.wait(0.3)

    def _follow(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)  # it says something every 15 s
            s.connect(f'/proc/{self.node.leader}/root/run/nanoscale/agent.sock')
            more = f'Last-Event-ID: {self.last}\r\n' if self.last else ''
            s.sendall(f'GET {self.path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n'.encode())
            answer = http.client.HTTPResponse(s)
            answer.begin()
            if answer.status != 200:
                return
            self.connections += 1
            event = {}
            while line := answer.readline():
                line = line.decode().rstrip('\n')
                if not line and 'data' in event:
                    event['data'] = json.loads(event['data'])
                    self.last = event.get('id', self.last)
                    self.events.append(event)
                    event = {}
                elif line and not line.startswith(':'):
                    key, _, value = line.partition(': ')
                    event[key] = value
                if self.over.is_set():
                    return

    def numbers(self):
        return [int(e['id']) for e in self.events]

    def wait_step(self, name, seconds=180):
        """Until the step has begun."""
        wait_until(lambda: any(e['event'] == 'step' and e['data']['name'] == name for e in self.events), seconds, 0.1, f'step {name}')

    def wait_line(self, text, seconds=60):
        wait_until(lambda: any(e['event'] == 'log' and text in e['data']['line'] for e in self.events), seconds, 0.1, f'the line {text}')

    def wait_end(self, seconds=300):
        self.join(seconds)
        assert not self.is_alive(), f'the stream has not ended; the last event is {self.events[-1:]}'

    def stop(self):
        self.over.set()


def check_complete(stream):
    """Each event once, in order, from the first to `end`."""
    assert stream.numbers() == list(range(1, len(stream.events) + 1)), stream.numbers()
    assert [e['event'] for e in stream.events].count('end') == 1 and stream.events[-1]['event'] == 'end'


# --- network -----------------------------------------------------------------------------------------------------------------------------------

class Cut:
    """No packet between two nodes while it lasts; ways: 'both', 'there' (from the first to the second) or 'back'."""

    def __init__(self, one, other, ways='both', percent=100):
        self.hub = one.lab.hub
        there, back = (one.address, other.address, percent), (other.address, one.address, percent)
        self.cuts = {'both': [there, back], 'there': [there], 'back': [back]}[ways]

    def __enter__(self):
        self.hub.filter(self.hub.cuts + self.cuts)
        return self

    def __exit__(self, *_):
        self.hub.filter([c for c in self.hub.cuts if c not in self.cuts])

