#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the reports of meson and pytest for test.sh: what failed goes to stdout, `PASSED FAILED` to descriptor 3, the lines that are repeated at the end to 4.

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


def bad(line):
    """A line that is repeated at the end of the run."""
    print(line)
    os.write(4, (line + '\n').encode())


def meson_results(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(errors='replace').splitlines()] if os.path.exists(path) else []


def short(test):
    return test['name'].split(' / ')[-1]


def meson(path, again):
    """A report, and that of the second attempts, which need not be there."""
    passed = failed = 0
    good_now = {short(test) for test in meson_results(again) if test['result'] == 'OK'}
    results = meson_results(path)
    if not results:
        bad('  FAIL  meson wrote no report: no test ran')
        return 0, 1
    for test in results:
        name = short(test)
        if test['result'] == 'OK':
            passed += 1
            print(f'  ok    {name} ({test["duration"]:.1f} s)')
            continue
        unsteady = name in good_now
        passed, failed = passed + unsteady, failed + (not unsteady)
        bad(f'  UNSTEADY  {name}: {test["result"].lower()}, then ok' if unsteady else f'  FAIL  {name}: {test["result"].lower()}')
        indent((test.get('stdout') or '') + (test.get('stderr') or ''), 40)
    return passed, failed


def junit_cases(paths):
    """(file, name, seconds, what was wrong) of each test."""
    for path in paths:
        for case in tree.parse(path).getroot().iter('testcase'):
            wrong = [child.tag for child in case if child.tag in ('failure', 'error', 'skipped')]
            yield case.get('classname'), f'{case.get("classname")}::{case.get("name")}', float(case.get('time', 0)), wrong


def junit(*paths):
    """Reports of pytest processes that shared the tests, and last that of the second attempts, which need not be there."""
    *paths, again = paths
    passed = failed = 0
    seconds, wrong = {}, {}
    good_now, wrong_now = set(), set()
    for path in paths:
        if not os.path.exists(path):
            bad('  FAIL  pytest wrote no report')
            failed += 1
    for _, name, time, tags in junit_cases(filter(os.path.exists, [again])):
        (wrong_now if tags else good_now).add(name)
    for _, name, time, tags in junit_cases(filter(os.path.exists, paths)):
        seconds[name] = seconds.get(name, 0) + time
        if tags:
            wrong.setdefault(name, []).extend(tags)
    for name in seconds:
        if name in wrong_now or (name in wrong and name not in good_now):
            failed += 1
            bad(f'  FAIL  {name}' + (' (skipped)' if 'skipped' in wrong.get(name, []) else ''))
        else:
            passed += 1
            if name in wrong:
                bad(f'  UNSTEADY  {name}: failed, then ok')
    if passed + failed == 0:
        bad('  FAIL  no system test ran')
        failed = 1
    slowest = sorted(seconds.items(), key=lambda pair: -pair[1])[:8]
    if len(slowest) == 8:
        print('   slowest, with set-up: ' + ', '.join(f'{name} {time:.0f} s' for name, time in slowest))
    return passed, failed


def failed_meson(path):
    for name in sorted({short(test) for test in meson_results(path) if test['result'] != 'OK'}):
        print(name)


def failed_junit(*paths):
    for name in sorted({file for file, _, _, wrong in junit_cases(filter(os.path.exists, paths)) if wrong}):
        print(name)


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
    elif kind == 'failed-meson':
        failed_meson(argument)
    elif kind == 'failed-junit':
        failed_junit(argument, *more)
    else:
        numbers = {'meson': meson, 'junit': junit}[kind](argument, *more)
        sys.stdout.flush()
        os.write(3, ('%d %d' % numbers).encode())
