#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the reports of meson and pytest for test.sh: what failed goes to stdout, `PASSED FAILED` to descriptor 3.

A test that was skipped or expected to fail counts as failed: it did not show what it is there to show."""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as tree


def indent(text, lines):
    for line in text.rstrip().splitlines()[-lines:]:
        print('        ' + line)


def meson(path):
    passed = failed = 0
    if not os.path.exists(path):
        print('  FAIL  meson wrote no report: no test ran')
        return 0, 1
    for line in pathlib.Path(path).read_text(errors='replace').splitlines():
        test = json.loads(line)
        name = test['name'].split(' / ')[-1]
        if test['result'] == 'OK':
            passed += 1
            print(f'  ok    {name} ({test["duration"]:.1f} s)')
        else:
            failed += 1
            print(f'  FAIL  {name}: {test["result"].lower()}')
            indent((test.get('stdout') or '') + (test.get('stderr') or ''), 40)
    return passed, failed


def junit(*paths):
    """Reports of pytest processes that shared the tests."""
    passed = failed = 0
    seconds = {}
    for path in paths:
        if not os.path.exists(path):
            print('  FAIL  pytest wrote no report')
            failed += 1
            continue
        for case in tree.parse(path).getroot().iter('testcase'):
            name = f'{case.get("classname")}::{case.get("name")}'
            seconds[name] = seconds.get(name, 0) + float(case.get('time', 0))
            bad = [child.tag for child in case if child.tag in ('failure', 'error', 'skipped')]
            if bad:
                failed += 1
                print(f'  FAIL  {name}' + (' (skipped)' if 'skipped' in bad else ''))
            else:
                passed += 1
    if passed + failed == 0:
        print('  FAIL  no system test ran')
        failed = 1
    slowest = sorted(seconds.items(), key=lambda pair: -pair[1])[:8]
    if len(slowest) == 8:
        print('   slowest, with set-up: ' + ', '.join(f'{name} {time:.0f} s' for name, time in slowest))
    return passed, failed


def introspect(build, what):
    return json.loads(subprocess.run(['meson', 'introspect', what, build], check=True, capture_output=True).stdout)


def unit_tests(build):
    for test in introspect(build, '--tests'):
        print(test['name'])


def fuzz_targets(build):
    for target in introspect(build, '--targets'):
        if target['type'] == 'executable' and re.search(r'/tests/fuzz/', target['defined_in']):
            print(target['filename'][0])


if __name__ == '__main__':
    kind, argument, *more = sys.argv[1:]
    if kind == 'unit-tests':
        unit_tests(argument)
    elif kind == 'fuzz-targets':
        fuzz_targets(argument)
    else:
        numbers = {'meson': meson, 'junit': junit}[kind](argument, *more)
        sys.stdout.flush()
        os.write(3, ('%d %d' % numbers).encode())
