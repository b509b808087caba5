# SPDX-License-Identifier: AGPL-3.0-or-later
"""scripts/bench.sh: a name → its function, nodes around it, one JSON line at the end.

A new benchmark is a `BENCH` of a module here, and a word in BENCHES."""
import argparse
import json
import os
import sys
import time

from nodes import CommandFailed, Lab, new_artefacts, say

import density
import deploy
import domains
import doze
import fleet
import memory
import switch
import wake
import warm
from measure import machine

BENCHES = {bench.name: bench for bench in (warm.BENCH, *wake.BENCHES, doze.BENCH, switch.BENCH, deploy.BENCH, memory.BENCH, density.BENCH, fleet.BENCH, domains.BENCH)}


def show_list():
    for bench in BENCHES.values():
        print(f'{bench.name:<9} {bench.measures}')
        for target in bench.targets:
            print(f'{"":<9}   {target.field} {target.text()}')


def report(bench, short, fields, detail, seconds):
    """The benchmark's line. A field without a value was not measured; `detail` says why."""
    return {
        'name': bench.name,
        'short': short,
        **fields,
        'units': {target.field: target.unit for target in bench.targets},
        'targets': {target.field: target.text() for target in bench.targets},
        'reached': {target.field: target.reached(fields[target.field]) for target in bench.targets},
        'detail': {**detail, 'seconds': round(seconds), 'machine': machine()},
    }


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench.sh')
    parser.add_argument('name', nargs='?', choices=sorted(BENCHES), metavar='NAME', help=', '.join(sorted(BENCHES)))
    parser.add_argument('--short', action='store_true', help='once and briefly, to see that the benchmark works')
    parser.add_argument('--list', action='store_true', help='what there is')
    options = parser.parse_args()
    if options.list:
        show_list()
        return 0
    if not options.name:
        parser.error('which one? --list names them')
    bench = BENCHES[options.name]
    # A number of its own, so that a benchmark can run beside the tests (0) and the demo (9).
    instance = int(os.environ.get('NANOSCALE_TEST_INSTANCE', '8'))
    try:
        with Lab(instance, new_artefacts()) as lab:
            begin = time.monotonic()
            try:
                fields, detail = bench.run(lab, options.short)
            except Exception:
                say(f'journals and consoles are kept in {lab.collect(f"bench-{bench.name}")}')
                raise
            line = report(bench, options.short, fields, detail, time.monotonic() - begin)
    except (CommandFailed, TimeoutError, RuntimeError, OSError) as error:
        print(f'\nthe benchmark failed: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nstopped', file=sys.stderr)
        return 1
    print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == '__main__':
    sys.exit(main())
