# SPDX-License-Identifier: AGPL-3.0-or-later
"""A deployment of the Next.js sample, cold and with caches, against git clone + bun install + bun run build by hand.

All in one node, with the same node and bun, from the same git server and registry. A deployment is the whole of `nanoscale deploy`, from the command to
its end: queue, fetch, sandbox, install, build, release, start, health check, switch. By hand is those three commands as an ordinary user, without
sandbox and limits, always with nothing cached. Cold: a new project, so that it has no cache of any kind. With caches: the next deployment of that
project after a push of a changed page. The runtimes are there beforehand for all sides."""
import re
import time

from apps_inline import deploy, last_deployment, node_app, remove
from nodes import REPOSITORY, files_of, say, settings

from measure import Bench, Target, cpu_seconds, in_turn, median, medians, ratios, spread
from warm import runtime_of

PAIRS = 5
USER, HOME = 'bench', '/home/bench'
SAMPLE = 'examples/nextjs'
PAGE = 'app/page.tsx'
# What a person types; the clock is read between the commands.
BY_HAND = r'''#!/bin/sh
set -eu
stamp() { date +%s.%N; }
a=$(stamp)
git clone -q "$1" app
cd app
b=$(stamp)
bun install --frozen-lockfile
c=$(stamp)
NODE_ENV=production bun run build
d=$(stamp)
echo "TIMES $a $b $c $d"
'''


class Subject:
    """The node, its git server, and the two ways to get the sample built on it."""

    def __init__(self, lab):
        self.git, self.node = lab.git, lab.node('bench', 'installed')
        self.files = files_of(REPOSITORY / SAMPLE)
        self.count = 0
        self.steps = {'cold': [], 'cached': [], 'by_hand': []}
        self.git.create_repo('runtimes', node_app())
        self.git.create_repo('shop', self.files)
        # The first deployment of all fetches the runtimes.
        deploy(self.node, self.git.url('runtimes'), '--name', 'runtimes')
        self.node_version, self.bun_version = (runtime_of(self.node, 'runtimes', what) for what in ('node', 'bun'))
        self.node.run(['useradd', '--create-home', '--home-dir', HOME, USER])
        self.node.write('/srv/bench/by-hand', BY_HAND, 0o755)
        builds = settings()['builds']
        runtimes = '/opt/nanoscale/runtimes'
        # The same settings as the runner gives to a build.
        self.env = {'HOME': HOME, 'USER': USER, 'CI': '1', 'NEXT_TELEMETRY_DISABLED': '1', 'NODE_EXTRA_CA_CERTS': builds['ca'],
                    'PATH': f'{runtimes}/node-{self.node_version}/bin:{runtimes}/bun-{self.bun_version}/bin:/usr/bin:/bin'}
        if 'registry' in builds:
            self.env.update(BUN_CONFIG_REGISTRY=builds['registry'], npm_config_registry=builds['registry'])

    def push_change(self):
        """A commit that changes the text of the page."""
        self.count += 1
        text = self.files[PAGE].decode()
        changed = text.replace('A NanoScale sample', f'A NanoScale sample, edition {self.count}')
        assert changed != text, f'{PAGE} has no longer the text that is changed here'
        self.git.push('shop', {PAGE: changed})

    def _deploy(self, kind, *argv):
        begin, cpu = time.monotonic(), cpu_seconds(self.node)
        deploy(self.node, *argv, timeout=1500)
        seconds, cpu = time.monotonic() - begin, cpu_seconds(self.node) - cpu
        done = last_deployment(self.node, self.project)
        steps = {step['name']: (step['duration_ms'] or 0) / 1000 for step in done['steps']}
        self.steps[kind].append({**steps, 'recorded': (done['duration_ms'] or 0) / 1000, 'command': seconds, 'cpu': cpu})
        say(f'  {kind}: ' + ', '.join(f'{name} {value:.1f}' for name, value in self.steps[kind][-1].items()))
        return seconds

    def cold(self):
        """A project of a new name and id: its user, home and caches are made for it."""
        self.count += 1
        self.project = f'shop-{self.count}'
        return self._deploy('cold', self.git.url('shop'), '--name', self.project)

    def cached(self):
        self.push_change()
        seconds = self._deploy('cached', self.project)
        remove(self.node, self.project)
        return seconds

    def by_hand(self):
        self.node.run(['find', HOME, '-mindepth', '1', '-delete'], timeout=300)
        cpu = cpu_seconds(self.node)
        result = self.node.run(['/srv/bench/by-hand', self.git.url('shop')], user=USER, env=self.env, cwd=HOME, timeout=1500, via='pid1')
        a, b, c, d = map(float, re.search(r'^TIMES (\S+) (\S+) (\S+) (\S+)$', result.stdout, re.M).groups())
        self.steps['by_hand'].append({'clone': b - a, 'install': c - b, 'build': d - c, 'cpu': cpu_seconds(self.node) - cpu})
        say('  by_hand: ' + ', '.join(f'{name} {value:.1f}' for name, value in self.steps['by_hand'][-1].items()))
        return d - a


def measure(lab, short):
    subject = Subject(lab)
    if not short:
        # What the registry and the page cache have to fetch for the first time, neither side shall pay.
        subject.by_hand()
        subject.steps['by_hand'].clear()
    pairs = 1 if short else PAIRS
    rounds = in_turn({'cold': subject.cold, 'by_hand': subject.by_hand, 'cached': subject.cached}, pairs, 's')
    cold, cached = ratios(rounds, 'cold', 'by_hand'), ratios(rounds, 'cached', 'by_hand')
    return {'ratio_cold': median(cold), 'ratio_cached': median(cached)}, {
        'seconds_median': medians(rounds, 1), 'ratio_cold_range': spread(cold), 'ratio_cached_range': spread(cached), 'pairs': pairs,
        'steps_seconds_median': {kind: medians(steps, 2) for kind, steps in subject.steps.items()},
        'node': subject.node_version, 'bun': subject.bun_version, 'next': next_version(subject)}


def next_version(subject):
    return re.search(r'"next": "([^"]+)"', subject.files['package.json'].decode())[1]


BENCH = Bench('deploy', 'a deployment of the Next.js sample, cold and with caches, against git clone + bun install + bun run build by hand',
              [Target('ratio_cold', '', at_most=1.10), Target('ratio_cached', '', at_most=0.50)], measure)
