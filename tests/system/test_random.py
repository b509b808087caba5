# SPDX-License-Identifier: AGPL-3.0-or-later
"""Random sequences of everything that can happen to a project; after each step the invariants hold. The seed is printed, and can be given."""
import os
import random
import threading
import time

from apps_inline import deploy
from nodes import wait_until
from switching import agent_is_ready, app, check_invariants, set_up_sleep, settle, show, url

STEPS = int(os.environ.get('NANOSCALE_TEST_STEPS', '16'))


class Walk:
    def __init__(self, node, git, seed):
        self.node, self.git, self.random = node, git, random.Random(seed)
        self.number, self.marker = 1, 'm1'
        git.create_repo('walk', app('m1'))
        deploy(node, git.url('walk'), '--name', 'walk', '--idle', 'never')
        self.releases = {1: 'm1'}

    def cli(self, *argv):
        return self.node.run(['nanoscale', *argv], check=False, timeout=180)

    def deploy(self):
        self.number += 1
        self.git.push('walk', app(f'm{self.number}'))
        assert self.cli('deploy', 'walk').ok
        self.marker = f'm{self.number}'

    def fail(self):
        self.git.push('walk', app('bad', 'process.exit(4);'))
        assert not self.cli('deploy', 'walk').ok

    def crash(self):
        self.node.fetch(url('walk', '/crash'), timeout=180)

    def sleep(self):
        self.cli('sleep', 'walk', *self.random.choice([[], ['--deep']]))

    def wake(self):
        assert self.cli('wake', 'walk').ok

    def rollback(self):
        if self.cli('rollback', 'walk').ok:
            settle(self.node, 'walk')  # for two seconds a connection that nginx keeps may lead to the previous one
            self.marker = self.node.fetch(url('walk'), timeout=180).text

    def restart(self):
        assert self.cli('restart', 'walk').ok

    def kill_agent(self):
        """In the middle of something, or of nothing."""
        verb = self.random.choice([['restart', 'walk'], ['sleep', 'walk'], ['rollback', 'walk'], ['wake', 'walk'], ['status']])
        thread = threading.Thread(target=self.cli, args=verb)
        thread.start()
        time.sleep(self.random.uniform(0, 2.5))
        self.node.run(['systemctl', 'kill', '--kill-who=main', '-s', 'KILL', 'nanoscale-agent.service'])
        thread.join(130)
        agent_is_ready(self.node)
        settle(self.node, 'walk')
        self.marker = self.node.fetch(url('walk'), timeout=180).text  # a rollback may or may not have been made

    def power(self):
        verb = self.random.choice([['restart', 'walk'], ['sleep', 'walk'], ['status']])
        thread = threading.Thread(target=self.cli, args=verb)
        thread.start()
        time.sleep(self.random.uniform(0, 2))
        self.node.power_kill()
        thread.join(130)
        self.node.boot()
        agent_is_ready(self.node)
        settle(self.node, 'walk')


def test_random_walk(lab, git):
    seed = int(os.environ.get('NANOSCALE_TEST_SEED', '0')) or random.SystemRandom().randrange(1, 1 << 31)
    print(f'NANOSCALE_TEST_SEED={seed}')
    node = lab.node('walk', 'installed')
    set_up_sleep(node)
    walk, done = Walk(node, git, seed), []
    weights = {'deploy': 2, 'fail': 2, 'crash': 1, 'sleep': 5, 'wake': 3, 'rollback': 3, 'restart': 2, 'kill_agent': 4, 'power': 1}
    for _ in range(STEPS):
        verb = walk.random.choices(list(weights), list(weights.values()))[0]
        done.append(verb)
        try:
            getattr(walk, verb)()
            wait_until(lambda: node.fetch(url('walk'), timeout=180).status == 200, 40)
            check_invariants(node, 'walk', walk.marker)
        except BaseException as error:
            raise AssertionError(f'seed {seed}, after {done}: {error!r}; {show(node, "walk")}') from error
    lab.remove(node)
