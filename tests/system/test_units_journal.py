# SPDX-License-Identifier: AGPL-3.0-or-later
"""units.h and journal.h against a real systemd and journald: tests/unit/system/probe.c prints what they say."""
import fcntl
import itertools
import os
import pathlib
import re
import subprocess

import pytest

from nodes import REPOSITORY, wait_until

BUILD = pathlib.Path(os.environ.get('NANOSCALE_TEST_BUILD', pathlib.Path(REPOSITORY) / 'build-test')) / 'gcc'
PROBE = 'tests/unit/system/probe'
INVOCATION = '[0-9a-f]{32}'


def build(program):
    BUILD.parent.mkdir(parents=True, exist_ok=True)
    with open(f'{BUILD}.lock', 'w') as lock:  # as test.sh, which may be building there now, or another test
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (BUILD / 'build.ninja').exists():
            subprocess.run(['meson', 'setup', '--werror', BUILD, REPOSITORY], env={**os.environ, 'CC': 'gcc'}, check=True, capture_output=True)
        subprocess.run(['ninja', '-C', BUILD, '-j2', program], check=True, capture_output=True)


@pytest.fixture(scope='module')
def node(lab):
    """A node of its own: units fail here, and the journal is damaged."""
    build(PROBE)
    node = lab.node('units', 'bare')
    node.put(BUILD / PROBE, '/usr/local/bin/probe')
    yield node
    lab.remove(node)


class Probe:
    """A probe at work, its lines so far."""

    numbers = itertools.count(1)

    def __init__(self, node, *arguments, user='root'):
        number = next(self.numbers)
        self.node, self.unit, self.out = node, f'probe{number}', f'/var/tmp/probe{number}'
        start = ['systemd-run', '-q', f'--unit={self.unit}', f'-pUser={user}', f'-pStandardOutput=file:{self.out}']
        if arguments[0] == 'flush':
            # Opened for both, so that it neither waits for a writer nor ends with one.
            node.run(['mkfifo', f'{self.out}.in'])
            start += ['/bin/sh', '-c', 'exec "$@" <>"$0"', f'{self.out}.in']
        node.run([*start, '/usr/local/bin/probe', *arguments])

    def lines(self):
        return self.node.run(['cat', self.out], check=False).stdout.splitlines()

    def wait(self, pattern, timeout=180):
        """Until a line is as pattern says; that line's match."""
        def look():
            return next((m for m in (re.fullmatch(pattern, line) for line in self.lines()) if m), None)
        try:
            return wait_until(look, timeout, 0.1, pattern)
        except Exception as error:
            raise AssertionError(f'no line {pattern!r} in {self.lines()[-20:]}') from error

    def wait_count(self, pattern, n, timeout=180):
        def look():
            found = [line for line in self.lines() if re.fullmatch(pattern, line)]
            return found if len(found) >= n else None
        found = wait_until(look, timeout, 0.2, f'{n} of {pattern}')
        assert len(found) == n, found
        return found

    def seconds(self):
        pid = self.node.state(self.unit, 'MainPID')
        return sum(map(int, self.node.read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[11:13])) / 100

    def stop(self):
        self.node.run(['systemctl', 'stop', self.unit])
        assert self.node.state(self.unit, 'Result') == 'success', 'it did not end cleanly'


@pytest.fixture
def probe(node):
    probes = []

    def start(*arguments, **options):
        probes.append(Probe(node, *arguments, **options))
        return probes[-1]
    yield start
    for each in probes:
        each.stop()


@pytest.fixture(scope='module')
def unit(node):
    """unit(name, script): writes a service whose output goes to the namespace; its name."""
    def make(name, script, kind='oneshot'):
        node.write(f'/etc/systemd/system/{name}.service',
                   f'[Unit]\nStartLimitIntervalSec=0\n[Service]\nType={kind}\nLogNamespace=nanoscale\nExecStart=/usr/bin/perl /srv/{name}.pl\n')
        node.write(f'/srv/{name}.pl', script)
        node.run(['systemctl', 'daemon-reload'])
        return f'{name}.service'
    return make


# Units

def test_a_run_is_told_though_the_unit_is_forgotten(node, unit, probe):
    name = unit('ok', 'sleep 1')
    p = probe('units', '0', name, user='nobody')
    p.wait(f'{name} inactive success - 0 0')
    for _ in range(3):
        node.run(['systemctl', 'start', name])
    runs = {p.wait(f'{name} activating success ({INVOCATION}) 0 0')[1]}
    ended = p.wait_count(f'{name} inactive success {INVOCATION} 1 0', 3)
    assert len({line.split()[3] for line in ended}) == 3
    assert runs <= {line.split()[3] for line in ended}
    assert node.state(name, 'InvocationID') == '', 'systemd still knows the run: this test shows nothing'


def test_how_a_unit_ended(node, unit, probe):
    fails, hangs = unit('fails', 'exit 3'), unit('hangs', 'sleep 1000', 'exec')
    p = probe('units', '0', fails, hangs, 'nosuchunit.service', user='nobody')
    p.wait('nosuchunit.service inactive - - 0 0|nosuchunit.service inactive success - 0 0')
    node.run(['systemctl', 'start', fails], check=False)
    p.wait(f'{fails} failed exit-code {INVOCATION} 1 3')
    node.run(['systemctl', 'start', hangs])
    p.wait(f'{hangs} active success {INVOCATION} 0 0')
    node.run(['systemctl', 'kill', '-s', 'KILL', hangs])
    p.wait(f'{hangs} failed signal {INVOCATION} 2 9')
    node.run(['systemctl', 'reset-failed', fails, hangs])
    p.wait(f'{fails} inactive .*')


@pytest.mark.parametrize('disturbance', [('daemon-reload',), ('daemon-reexec',), ('restart', 'dbus.service')])
def test_watching_survives(node, unit, probe, disturbance):
    name = unit('disturbed', 'sleep 1000', 'exec')
    p = probe('units', '0', name, user='nobody')
    p.wait(f'{name} inactive .*')
    node.run(['systemctl', 'start', name])
    p.wait(f'{name} active .*')
    node.run(['systemctl', *disturbance])
    node.run(['systemctl', 'kill', '-s', 'KILL', name])
    p.wait(f'{name} failed signal {INVOCATION} 2 9')
    # And on from there: the subscription is in place again.
    node.run(['systemctl', 'start', name])
    second = p.wait_count(f'{name} active success {INVOCATION} 0 0', 2)
    assert second[0] != second[1]
    node.run(['systemctl', 'stop', name])
    p.wait(f'{name} inactive success {second[1].split()[3]} 2 15')


def test_the_bus_may_be_away_for_a_while(node, unit, probe):
    name = unit('offline', 'sleep 1000', 'exec')
    node.run(['systemctl', 'stop', 'dbus.service', 'dbus.socket'])
    try:
        p = probe('units', '0', name)
        node.run(['sleep', '2'])
        assert p.lines() == []
        assert p.seconds() < 0.5, 'it waits busily for the bus'
    finally:
        node.run(['systemctl', 'start', 'dbus.socket', 'dbus.service'])
    p.wait(f'{name} inactive success - 0 0', timeout=180)


def test_polling_tells_no_more_than_changes(node, unit, probe):
    name = unit('polled', 'sleep 1000', 'exec')
    p = probe('units', '100', name)
    p.wait(f'{name} inactive success - 0 0')
    before = p.seconds()
    node.run(['sleep', '3'])
    assert p.lines() == [f'{name} inactive success - 0 0']
    assert p.seconds() - before < 1


def test_dropping_in_a_callback(node, unit, probe):
    name = unit('dropped', r'print "a\nb\n"')
    node.run(['systemctl', 'start', name])
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    p = probe('drop', name)
    p.wait('dropped 3')
    assert p.lines() == [f'line {name}', f'state {name}', 'dropped 3']


def test_waiting_costs_nothing(node, unit, probe):
    name = unit('idle', 'sleep 1000', 'exec')
    p, j = probe('units', '0', name), probe('journal', '-', '0', name)
    p.wait(f'{name} inactive .*')
    j.wait('caught-up')
    before = p.seconds() + j.seconds()
    node.run(['sleep', '5'])
    assert p.seconds() + j.seconds() - before <= 0.02


# Journal

def test_a_namespace_that_is_still_to_come(node, node_maker):
    fresh = node_maker('fresh', 'bare')
    fresh.put(BUILD / PROBE, '/usr/local/bin/probe')
    p = Probe(fresh, 'journal', '-', '5', 'first.service')
    p.wait('caught-up')
    assert not fresh.run(['bash', '-c', 'ls -d /var/log/journal/*.nanoscale /run/log/journal/*.nanoscale'], check=False).stdout
    fresh.run(['systemd-run', '-q', '--unit=first', '-pLogNamespace=nanoscale', '/bin/echo', 'good morning'])
    p.wait(r'line first.service 6 \S+ good morning')
    p.stop()


def test_lines_of_these_units_only(node, unit, probe):
    two = unit('two', r'$| = 1; print "<3>it broke\n<6>tab\there\n"; print "\e[1mbold\e[0m \a\x01x\n"; print "\xff\xfe!\n"; print "gr\xc3\xbcn\n"')
    other = unit('other', r'print "from the other\n"')
    node.run(['systemctl', 'start', two, other])
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    p = probe('journal', '-', '100', two)
    p.wait('caught-up')
    seen = [line.split(' ', 4) for line in p.lines() if line.startswith('line')]
    assert [(u, prio, text) for _, u, prio, _, text in seen] == [
        (two, '3', 'it broke'), (two, '6', 'tab\there'), (two, '6', 'bold x'), (two, '6', '\ufffd\ufffd!'), (two, '6', 'grün')]
    q = probe('journal', '-', '2', two, other)
    q.wait('caught-up')
    assert len(q.lines()) == 3
    r = probe('journal', seen[1][3], '0', two)
    r.wait('caught-up')
    assert [line.split(' ', 4)[4] for line in r.lines()[:-1]] == ['bold x', '\ufffd\ufffd!', 'grün']


def test_nothing_is_lost_in_a_flood_and_a_rotation(node, unit, probe):
    node.write('/etc/systemd/journald@nanoscale.conf', '[Journal]\nRateLimitIntervalSec=0\nSplitMode=none\nSystemMaxFileSize=1M\nSystemMaxUse=64M\n')
    node.run(['systemctl', 'restart', 'systemd-journald@nanoscale.service'])
    name = unit('flood', r'$| = 1; for (1 .. 6000) { print "n$_\n"; select(undef, undef, undef, 0.0002) }')
    p = probe('journal', '-', '0', name)
    p.wait('caught-up')
    node.run(['systemctl', 'start', '--no-block', name])
    p.wait_count(f'line {name} 6 .* n1', 1)
    node.run(['journalctl', '--namespace=nanoscale', '--rotate'])
    p.wait(f'line {name} 6 .* n6000', timeout=180)
    assert [line.split()[-1] for line in p.lines() if line.startswith('line')] == [f'n{i}' for i in range(1, 6001)]
    # The backlog of the same, in slices, from the middle.
    cursor = next(line.split()[3] for line in p.lines() if line.endswith(' n2000'))
    q = probe('journal', cursor, '0', name)
    q.wait('caught-up', timeout=180)
    assert [line.split()[-1] for line in q.lines()[:-1]] == [f'n{i}' for i in range(2001, 6001)]


def test_lines_of_a_killed_and_vacuumed_journal(node, unit, probe):
    name = unit('again', r'print "once more\n"')
    p = probe('journal', '-', '0', name)
    p.wait('caught-up')
    node.run(['systemctl', 'kill', '-s', 'KILL', 'systemd-journald@nanoscale.service'])
    node.run(['systemctl', 'start', name])
    p.wait(f'line {name} 6 .* once more')
    node.run(['journalctl', '--namespace=nanoscale', '--rotate'])
    node.run(['journalctl', '--namespace=nanoscale', '--vacuum-size=1'])
    node.run(['systemctl', 'start', name])
    p.wait_count(f'line {name} 6 .* once more', 2)


def test_a_damaged_file_hides_no_other(node, unit, probe):
    name = unit('damaged', r'print "line $_\n" for 1 .. 200')
    node.run(['systemctl', 'start', name])
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    node.run(['journalctl', '--namespace=nanoscale', '--rotate'])
    archived = node.output('bash', '-c', 'ls -t /var/log/journal/*.nanoscale/system@*.journal | head -1')
    node.run(['bash', '-c', f'size=$(stat -c %s {archived}); for at in 1 2 3 4 5 6 7; do '
              f'head -c 3000 /dev/urandom | dd of={archived} bs=1 seek=$((size * at / 8)) conv=notrunc status=none; done'])
    after = unit('after', r'print "after the damage\n"')
    node.run(['systemctl', 'start', after])
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    p = probe('journal', '-', '1000', name, after)
    p.wait(f'line {after} 6 .* after the damage')
    p.wait('caught-up')
    node.run(['systemctl', 'start', after])
    p.wait_count(f'line {after} 6 .* after the damage', 2)


def test_flush_reads_without_the_loop(node, unit, probe):
    name = unit('last', r'print "last words\n"')
    p = probe('flush', name)
    p.wait('caught-up')
    node.run(['systemctl', 'start', name])
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    p.wait(f'line {name} 6 .* last words')
    node.run(['bash', '-c', f'echo >{p.out}.in'])
    p.wait('flushed 0')
