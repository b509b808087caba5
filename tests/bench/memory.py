# SPDX-License-Identifier: AGPL-3.0-or-later
"""Memory of the agent as orchestrator with 100 projects and 10 other servers, and as worker with 10 projects, in use.

Anonymous memory is what the agent alone costs a machine; proportional memory adds its share of the libraries that it maps. Read from the
kernel (/proc/PID/smaps_rollup) after the agent has started with everything in its database, fetched a runtime, deployed an app and answered for
every project."""
import concurrent.futures
import contextlib
import os
import re
import sqlite3
import time

import cluster
from apps_inline import deploy, node_app
from nodes import say

from measure import Bench, Target
from sleeper import call

PROJECTS, SERVERS = 100, 10
FEW = 10
DATABASE = '/opt/nanoscale/data/nanoscale.db'
ROUNDS, CLIENTS = 20, 8
LINK_SECONDS = 60
SETTLE = 15  # the agent gives back every ten seconds what it has taken for a moment


def read(node, when):
    pid = node.state('nanoscale-agent.service', 'MainPID')
    rollup = dict(re.findall(r'^(\w+): +(\d+) kB$', node.read(f'/proc/{pid}/smaps_rollup'), re.M))
    found = {'anon_kib': int(rollup['Anonymous']), 'pss_kib': int(rollup['Pss']), 'rss_kib': int(rollup['Rss'])}
    say(f'{when}: ' + ', '.join(f'{key} {value:,}' for key, value in found.items()))
    return {**found, 'anon_kib_by_kind': kinds(node, pid)}


def kinds(node, pid):
    """Where the anonymous memory is: heap, stack, mappings without a file, and data of programs and libraries."""
    sums, kind = {}, ''
    for line in node.read(f'/proc/{pid}/smaps').splitlines():
        header = re.match(r'[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$', line)
        if header:
            name = header[1]
            kind = name.strip('[]') if name.startswith('[') else 'data of programs and libraries' if name else 'other'
        elif line.startswith('Anonymous:') and int(line.split()[1]) > 0:
            sums[kind] = sums.get(kind, 0) + int(line.split()[1])
    return sums


class Subject:
    def __init__(self, lab):
        self.git, self.node = lab.git, lab.node('bench', 'installed')
        self.git.create_repo('tiny', node_app())
        self.projects = []

    def create_projects(self, count):
        """As a user makes them: through the API, with variables that are sealed."""
        for n in range(len(self.projects), count):
            name = f'project-{n}'
            draft = {'name': name, 'repo_url': self.git.url('tiny'), 'env': {f'KEY_{i}': f'value {i} of {name}' for i in range(5)}}
            call(self.node, 'POST', '/api/projects', draft, (201,))
            self.projects.append(name)

    def restart_with(self, servers):
        """The agent starts anew; other servers are rows in its database, since nodes cannot join yet."""
        self.node.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-agent.service'], via='pid1')
        with contextlib.closing(sqlite3.connect(f'{self.node.root}{DATABASE}')) as database, database:
            database.executemany('INSERT INTO servers (id, name, ip_address, status, secret_key, public_key) VALUES (?, ?, ?, ?, ?, ?)',
                                 [(f'server{n:06d}', f'worker-{n}', f'10.99.200.{n + 1}', 'online', os.urandom(32).hex(), os.urandom(32).hex())
                                  for n in range(servers)])
        # The database was written as root: what SQLite left beside it is the agent's.
        self.node.run(['chown', '-R', 'nanoscale:nanoscale', os.path.dirname(DATABASE)])
        self.node.run(['systemctl', 'start', 'nanoscale-agent.socket', 'nanoscale-agent.service'], via='pid1')
        self.node.wait_active('nanoscale-agent.service')
        call(self.node, 'GET', '/api/health')

    def use(self, rounds):
        """What a dashboard asks, by several clients at once."""
        server = call(self.node, 'GET', '/api/servers')['servers'][0]['name']
        paths = ['/api/projects?limit=100', '/api/servers', *(f'/api/servers/{server}/statistics?range={r}' for r in ('hour', 'day', 'month')),
                 *(f'/api/projects/{name}{what}' for name in self.projects for what in ('', '/env', '/deployments', '/statistics?range=month'))]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            for _ in range(rounds):
                list(clients.map(lambda path: call(self.node, 'GET', path), paths))

    def state(self, servers, rounds, node_version):
        """Starts the agent with what there is, uses it, and reads; the larger of before and after use is what it costs.

        node_version: one that the node does not have yet, so that the agent also fetches a runtime, the largest thing that it ever reads."""
        self.restart_with(servers)
        time.sleep(SETTLE)
        count = len(self.projects)
        fresh = read(self.node, f'{count} projects, just started')
        self.use(1)
        call(self.node, 'PATCH', f'/api/projects/{self.projects[0]}', {'node_version': node_version})
        deploy(self.node, self.projects[0])
        self.use(rounds)
        time.sleep(SETTLE)
        return {'just_started': fresh, 'in_use': read(self.node, f'{count} projects, in use')}


def received_and_sent(node):
    """Bytes of the interfaces that lead outside."""
    lines = [line.split(':') for line in node.read('/proc/net/dev').splitlines()[2:]]
    values = [counts.split() for name, counts in lines if name.strip() != 'lo']
    return sum(int(v[0]) for v in values), sum(int(v[8]) for v in values)


def worker(lab, git, rounds):
    """An agent that is a worker with as many projects, one of which it has deployed, and that was asked for all of them by its orchestrator."""
    boss, node = cluster.make_orchestrator(lab, 'boss'), cluster.make_candidate(lab, 'worker')
    cluster.join(boss, node, '--name', 'worker')
    cluster.wait_online(boss, 'worker')
    names = [f'there-{n}' for n in range(FEW)]
    for name in names:
        call(boss, 'POST', '/api/projects', {'name': name, 'repo_url': git.url('tiny'), 'server': 'worker', 'node_version': '20',
                                             'env': {f'KEY_{i}': f'value {i} of {name}' for i in range(5)}}, (201,))
    deploy(boss, names[0])
    what = ('', '/env', '/deployments', '/releases', '/statistics?range=month')
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        for _ in range(rounds):
            list(clients.map(lambda path: call(boss, 'GET', path), [f'/api/projects/{name}{w}' for name in names for w in what]))
    time.sleep(SETTLE)
    before = received_and_sent(node)
    time.sleep(LINK_SECONDS)
    after = received_and_sent(node)
    link = {key: round((b - a) / LINK_SECONDS) for key, a, b in zip(('received', 'sent'), before, after)}
    say(f'the idle link of a worker: {link} bytes a second')
    return {**read(node, f'worker with {FEW} projects, in use'), 'idle_link_bytes_per_second': link}


def measure(lab, short):
    subject = Subject(lab)
    rounds = 2 if short else ROUNDS
    subject.create_projects(FEW)
    few = subject.state(0, rounds, '20')
    subject.create_projects(PROJECTS)
    many = subject.state(SERVERS, rounds, '22')
    there = worker(lab, subject.git, rounds)
    return {'worker_anon_kib': there['anon_kib'], 'orchestrator_anon_kib': max(state['anon_kib'] for state in many.values())}, {
        f'worker_with_{FEW}_projects': there, 'orchestrator_pss_kib': max(state['pss_kib'] for state in many.values()),
        f'orchestrator_with_{FEW}_projects_anon_kib': max(state['anon_kib'] for state in few.values()),
        f'with_{FEW}_projects': few, f'with_{PROJECTS}_projects_{SERVERS}_servers': many, 'requests': rounds * (4 * PROJECTS + 5)}


BENCH = Bench('memory', f'anonymous and proportional memory of the agent, as orchestrator with {PROJECTS} projects and {SERVERS} other servers, and as worker with {FEW}',
              [Target('worker_anon_kib', 'KiB', at_most=3072), Target('orchestrator_anon_kib', 'KiB', at_most=6144)], measure)
