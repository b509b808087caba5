# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first request to a Next.js app that dozes, against a cold start of it; and its memory when dozing, against awake.

Cold start: the same app started by hand, as in `wake`, which is faster than one through nginx and into the sandbox. Memory when dozing: what of
the app's processes is in RAM (Rss) and their share of what the compressed swap takes; awake the same, of a process that has not dozed yet. Swap is one for the whole machine: where it has
none, a zram device of 1 GiB is there for as long as this runs."""
import contextlib
import pathlib
import re
import time

from nodes import configure, run, say, wait_until

from measure import Bench, Target, median, medians, ratios, spread
from sleeper import QUIET, deploy_next, place_client

PAIRS = 7
REQUESTS = 200
SIZE = '1GiB'
DOZE_SECONDS = 3


def algorithm(device):
    return re.search(r'\[(\S+)\]', (device / 'comp_algorithm').read_text())[1]


@contextlib.contextmanager
def compressed_swap():
    """The zram device that swap is on. Swap that we made is taken off, whatever happens."""
    present = re.findall(r'^/dev/(zram\d+)\b', pathlib.Path('/proc/swaps').read_text(), re.M)
    if present:
        yield present[0]
        return
    before = {path: algorithm(path) for path in pathlib.Path('/sys/block').glob('zram*')}
    device = pathlib.Path(run(['zramctl', '--find', '--size', SIZE, '--algorithm', 'lz4']).stdout.strip())
    try:
        run(['mkswap', device])
        run(['swapon', '--priority', '100', device])
        yield device.name
    finally:
        run(['swapoff', device], check=False, timeout=300)
        # Not by `zramctl --reset`, which removes the device as well: one that the machine came with stays, at rest as it was.
        here = pathlib.Path('/sys/block') / device.name
        (here / 'reset').write_text('1')
        if here not in before:
            pathlib.Path('/sys/class/zram-control/hot_remove').write_text(device.name.removeprefix('zram'))
        else:
            (here / 'comp_algorithm').write_text(before[here])


def zram(device):
    """Bytes that were swapped out, and bytes that they take."""
    values = pathlib.Path(f'/sys/block/{device}/mm_stat').read_text().split()
    return int(values[0]), int(values[2])


class Subject:
    def __init__(self, lab, device):
        self.node, self.device = lab.node('bench', 'installed'), device
        place_client(lab, self.node)
        self.app = deploy_next(lab, self.node)
        configure(self.node, {'sleep': {'doze_seconds': DOZE_SECONDS}})
        self.memory = []

    def read(self):
        """Rss and Swap of all processes of the slot, in bytes, by the project's uid: it has no others."""
        script = r'''my $uid = (getpwnam $ARGV[0])[2]; my %s;
for my $p (glob "/proc/[0-9]*") { next unless ((stat $p)[4] // -1) == $uid; open(my $f, "<", "$p/smaps_rollup") or next;
  while (<$f>) { $s{$1} += $2 * 1024 if /^(Rss|Swap|Anonymous): +(\d+) kB/ } }
print join " ", map { $s{$_} // 0 } qw(Rss Swap Anonymous);'''
        rss, swap, anonymous = map(int, self.node.output('perl', '-e', script, self.app.user).split())
        original, taken = zram(self.device)
        return {'rss': rss, 'swapped': swap, 'anonymous': anonymous, 'in_zram': round(swap * taken / original) if original and swap else 0}

    def dozing(self):
        """A fresh process in use, then left alone until the agent has paged it out; the first request after that, in seconds."""
        self.app.sleep('armed')
        for _ in range(REQUESTS):
            self.node.fetch('/', host=self.app.host)
        awake = self.read()
        wait_until(lambda: self.app.status()['sleep']['kind'] == 'dozing', 60, 0.2, 'dozing')
        time.sleep(QUIET)
        dozing = self.read()
        self.memory.append({'awake': awake['rss'] + awake['in_zram'], 'dozing': dozing['rss'] + dozing['in_zram'], 'awake_anonymous': awake['anonymous'],
                            **{f'dozing_{key}': value for key, value in dozing.items()}})
        seconds = self.app.first_answer()
        say(f'dozing: {seconds * 1000:.0f} ms; ' + ', '.join(f'{key} {value / 2**20:.1f} MiB' for key, value in self.memory[-1].items()))
        return seconds


def measure(lab, short):
    with compressed_swap() as device:
        subject, rounds = Subject(lab, device), []
        if not short:
            subject.dozing()
            subject.app.by_hand()
            subject.memory.clear()
        for _ in range(1 if short else PAIRS):
            rounds.append({'dozing': subject.dozing() * 1000, 'cold': subject.app.by_hand() * 1000})
            say(f'cold start: {rounds[-1]["cold"]:.0f} ms')
        latency, memory = ratios(rounds, 'dozing', 'cold'), ratios(subject.memory, 'dozing', 'awake')
        return {'ratio_latency': median(latency), 'ratio_memory': median(memory)}, {
            'ms_median': medians(rounds, 1), 'ratio_latency_range': spread(latency), 'ratio_memory_range': spread(memory), 'pairs': len(rounds),
            'mib_median': {key: round(value / 2**20, 1) for key, value in medians(subject.memory, 0).items()}, 'requests_before': REQUESTS,
            'algorithm': algorithm(pathlib.Path('/sys/block') / device)}


BENCH = Bench('doze', 'first request to a dozing Next.js app against a cold start; its memory dozing against awake',
              [Target('ratio_latency', '', at_most=0.15), Target('ratio_memory', '', at_most=0.30)], measure)
