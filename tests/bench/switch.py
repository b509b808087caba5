# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests lost through deployments, sleeps and rollbacks, under 32 kept connections of a client that repeats nothing.

The client (tests/system/loadclient) sends one request after the other over each connection, GETs, answers that are streamed over a tenth of a
second, and POSTs, and checks each body. The app writes down each POST, all instances into one file: what is in it is held against what was sent.
Each round is a deployment of a new commit, a sleep, under load, so that the requests of that moment wake the armed slot, and a rollback to the
release before. Between rounds, once each: a restart of the agent, a killed agent, and twenty seconds without one. A sleep that nobody is asking during is
`wake`'s part."""
import time

from apps_inline import deploy, node_app
from loadclient import SERVER, Load, check_posts, posts_of
from nodes import BASE_DOMAIN, say, wait_until

from measure import Bench, Target
from sleeper import NODE, Sleeper, call

CONNECTIONS, RATE = 32, 500
ROUNDS, REQUESTS = 20, 100_000
AGENT = ['nanoscale-agent.socket', 'nanoscale-agent.service']
WITHOUT_AGENT = 20


class Subject:
    def __init__(self, lab):
        self.lab, self.git, self.node = lab, lab.git, lab.node('bench', 'installed')
        self.seconds = {}
        self.git.create_repo('shop', self.files(0))
        deploy(self.node, self.git.url('shop'), '--name', 'shop', '--start', 'node server.js', '--node', NODE)
        self.app = Sleeper(self.node, 'shop')

    @staticmethod
    def files(edition):
        return node_app(f'edition {edition}', server=SERVER)

    def act(self, name, function, *arguments):
        begin = time.monotonic()
        function(*arguments)
        self.seconds.setdefault(name, []).append(time.monotonic() - begin)

    def deploy(self, edition):
        self.git.push('shop', self.files(edition))
        deploy(self.node, 'shop')

    def sleep(self):
        self.app.fall_asleep('armed')

    def rollback(self):
        self.node.run(['nanoscale', 'rollback', 'shop'], timeout=300)

    def agent_restarts(self):
        self.node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
        self._agent_answers()

    def agent_is_killed(self):
        self.node.run(['systemctl', 'kill', '-s', 'KILL', 'nanoscale-agent.service'])
        time.sleep(1)
        self._agent_answers()

    def agent_is_away(self, seconds):
        self.node.run(['systemctl', 'stop', *AGENT])
        time.sleep(seconds)
        self.node.run(['systemctl', 'start', *AGENT])
        self._agent_answers()

    def _agent_answers(self):
        wait_until(lambda: call(self.node, 'GET', '/api/health'), 30, 0.2, 'the agent')


def measure(lab, short):
    rounds, requests = (2, 0) if short else (ROUNDS, REQUESTS)
    subject = Subject(lab)
    # After which rounds; a short run has all of them after its first and last.
    special = [(rounds // 3 or 1, 'agent restarts', subject.agent_restarts), (rounds // 2, 'agent is killed', subject.agent_is_killed),
               (rounds - 1 if rounds > 2 else rounds, 'agent is away', subject.agent_is_away, 3 if short else WITHOUT_AGENT)]
    with Load(lab, subject.node, f'shop.{BASE_DOMAIN}', CONNECTIONS, RATE) as load:
        begin, done = time.monotonic(), 0
        # More rounds where the requests would not be enough: the switches are what is measured.
        while done < rounds or (time.monotonic() - begin) * RATE < requests * 1.03:
            done += 1
            subject.act('deploy', subject.deploy, done)
            subject.act('sleep', subject.sleep)
            subject.act('rollback', subject.rollback)
            for _, *act in (entry for entry in special if entry[0] == done):
                subject.act(*act)
            if not load.running:
                break
            say(f'{done}/{rounds}: ' + ', '.join(f'{name} {values[-1]:.1f} s' for name, values in subject.seconds.items()))
        time.sleep(3)
        result = load.stop()
    lost, twice, cut = check_posts(posts_of(subject.node, subject.app.id), result)
    say(f'{result["sent"]:,} sent, {result["failed"]} failed, {len(lost)} lost, {len(twice)} twice')
    switches = 3 * done
    if result['instances'] <= switches:
        raise RuntimeError(f'{switches} switches, but only {result["instances"]} instances answered: they were not all under load')
    # A POST that was answered and is not there, or is there twice, is as bad as one that failed.
    return {'sent': result['sent'], 'failed': result['failed'] + len(lost) + len(twice) + len(cut)}, {
        **{key: result[key] for key in ('gets', 'streams', 'posts', 'failed_by_kind', 'examples', 'reopened', 'instances', 'p50_ms', 'p99_ms', 'max_ms')},
        'posts_lost': len(lost), 'posts_twice': len(twice), 'posts_cut': len(cut), 'connections': CONNECTIONS, 'requests_per_second': RATE,
        'deploys': done, 'sleeps': done, 'rollbacks': done, 'agent': sorted(name for name in subject.seconds if name.startswith('agent')),
        'seconds_median': {name: sorted(values)[len(values) // 2] for name, values in subject.seconds.items()}, 'receipts': receipts(subject)}


def receipts(subject):
    """What the agent wrote down of its own drains."""
    found = [d.get('receipt') for d in call(subject.node, 'GET', '/api/projects/shop/deployments?limit=200')['deployments']]
    found = [r for r in found if r]
    return {key: sum(r[key] or 0 for r in found) for key in ('connections_drained', 'connections_cut')} | {'count': len(found)}


BENCH = Bench('switch', 'requests lost through 20 deploys, 20 sleeps and 20 rollbacks under 32 kept connections, without retry',
              [Target('sent', '', at_least=REQUESTS), Target('failed', '', at_most=0)], measure)
