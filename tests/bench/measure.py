# SPDX-License-Identifier: AGPL-3.0-or-later
"""What benchmarks have in common: what one is, pairs measured in turn, figures that can be read."""
import collections
import os
import pathlib
import statistics
import time

from nodes import say
from nodes.container import CGROUPS, PURE_V2

# run(lab, short) returns (fields, detail): a value, or None, for each field of the targets, and what explains them.
Bench = collections.namedtuple('Bench', 'name measures targets run')


class Target:
    def __init__(self, field, unit, at_least=None, at_most=None):
        self.field, self.unit, self.at_least, self.at_most = field, unit, at_least, at_most

    def text(self):
        bound = f'>= {self.at_least}' if self.at_least is not None else f'<= {self.at_most}'
        return f'{bound} {self.unit}'.strip()

    def reached(self, value):
        """None where nothing was measured."""
        if value is None:
            return None
        return value >= self.at_least if self.at_least is not None else value <= self.at_most


def in_turn(sides, pairs, unit, pause=0.0):
    """Measures each side once, A B … A B …, `pairs` times over; returns a list of {name: value}.

    sides: {name: function}. In turn, since the machine is shared: what disturbs it for a minute then disturbs both sides of a pair."""
    rounds = []
    for n in range(1, pairs + 1):
        values = {}
        for name, measure in sides.items():
            time.sleep(pause)
            values[name] = measure()
        say(f'{n}/{pairs}: ' + ', '.join(f'{name} {round(value, 1 if value < 1000 else 0):,} {unit}' for name, value in values.items()))
        rounds.append(values)
    return rounds


def ratios(rounds, above, below):
    return [r[above] / r[below] for r in rounds]


def median(values, digits=3):
    return round(statistics.median(values), digits)


def medians(rounds, digits=3):
    """The median of each column of a list of dictionaries with the same keys."""
    return {key: median([r[key] for r in rounds], digits) for key in rounds[0]} if rounds else {}


def spread(values, digits=3):
    """[smallest, largest]: how far the median can be trusted."""
    return [round(min(values), digits), round(max(values), digits)]


def cpu_seconds(node):
    """Processor time that all processes of a container have taken until now."""
    if PURE_V2:
        stat = dict(line.split() for line in (CGROUPS / node.machine / 'cpu.stat').read_text().splitlines())
        return int(stat['usage_usec']) / 1e6
    return int((CGROUPS / 'cpuacct' / node.machine / 'cpuacct.usage').read_text()) / 1e9


def machine():
    """The machine, and how busy it is: other work on it makes every figure worse than it is."""
    cpu = next((line.split(':', 1)[1].strip() for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
                if line.startswith('model name')), 'unknown')
    memory = int(next(line.split()[1] for line in pathlib.Path('/proc/meminfo').read_text().splitlines() if line.startswith('MemTotal')))
    return {'cpu': cpu, 'cores': len(os.sched_getaffinity(0)), 'memory_gib': round(memory / 2**20, 1), 'kernel': os.uname().release,
            'load_average': [round(n, 1) for n in os.getloadavg()]}
