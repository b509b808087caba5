# SPDX-License-Identifier: AGPL-3.0-or-later
"""connections.h, slots.h and notices.h against a real kernel, systemd and journald, asked from inside the agent's own sandbox
(tests/unit/system/probe_slots.c with the unit file of the agent around it)."""
import itertools
import pathlib
import re
import subprocess
import time

import pytest

from nodes import REPOSITORY, wait_until
from test_units_journal import BUILD, INVOCATION, Probe, build

PROBE = 'tests/unit/system/probe-slots'
AGENT = pathlib.Path(REPOSITORY) / 'packaging/systemd/nanoscale-agent.service'
ONE, TWO, UID = 'slotsone0000', 'slotstwo0000', 50123

# Does what its clients say, a line each, and holds on to what it accepted until the client goes.
APP = r'''
use strict; use warnings; use Socket; use IO::Select; use IO::Socket::UNIX; use IO::Socket::INET;
$SIG{PIPE} = 'IGNORE';
my $size = 40 << 20;
# Started by hand, without its socket.
if (!$ENV{LISTEN_FDS}) { sleep }
open(my $listener, '+<&=', 3) or die; bless $listener, 'IO::Handle';
my $all = IO::Select->new($listener);
my (@kept, $memory);
my %do = (
    self => sub {
        socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; bind($s, pack_sockaddr_un("\0nanoscale-own-client-12345678")) or die "$!";
        connect($s, getsockname($listener)) or die "$!"; push @kept, $s; 'ok' },
    tcp => sub { my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die; push @kept, $s; $s->sockport },
    fill => sub { $memory = 'x' x $size; 'ok' },
    say => sub { syswrite STDERR, "$_[0]\n"; 'ok' },
    flood => sub { my $line = "$_[0]\n"; for (1 .. 20000) { syswrite STDERR, $line } 'ok' },
    exit => sub { exit $_[0] },
);
while (1) {
    for my $s ($all->can_read) {
        if ($s == $listener) { accept(my $client, $listener) or next; $all->add($client); push @kept, $client; next }
        my $text;
        if (!sysread($s, $text, 4096)) { $all->remove($s); @kept = grep { $_ != $s } @kept; close $s; next }
        my ($verb, $rest) = $text =~ /^(\w+) ?(.*)/s; chomp $rest;
        syswrite $s, $do{$verb}->($rest) . "\n" if $do{$verb};
    }
}
'''

# Connects, says what it was told to, shows the answer, and stays until its standard input ends.
CLIENT = r'''
use IO::Socket::UNIX; $| = 1; alarm 600;
my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!";
print "connected\n";
while (<STDIN>) { print $s $_; $s->flush; print scalar <$s> // "gone\n" }
'''


def socket_of(project, slot):
    return f'/run/nanoscale/apps/{project}/{slot}.sock'


class Client:
    def __init__(self, node, project, slot):
        self.process = subprocess.Popen([str(node.enter_script()), 'perl', '-e', CLIENT, socket_of(project, slot)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == 'connected\n'

    def say(self, line):
        self.process.stdin.write(f'{line}\n')
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip('\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(180)
        self.process.stdout.close()


def say(node, project, slot, *lines):
    with Client(node, project, slot) as client:
        return [client.say(line) for line in lines]


def agent_unit(command, out):
    """The agent's unit with another program in it, and one right more: to read the journal, which on an installed node it has by an ACL."""
    replaced = {'Type': 'exec', 'ExecStart': command, 'Restart': 'no'}
    lines = []
    for line in AGENT.read_text().split('[Install]')[0].splitlines():
        key = line.split('=')[0]
        if key in ('Requires', 'Wants', 'After'):
            continue
        lines.append(f'{key}={replaced[key]}' if key in replaced else line)
    assert {line.split('=')[0] for line in lines} > set(replaced) | {'ProtectProc', 'RestrictAddressFamilies', 'ProtectControlGroups'}
    return '\n'.join([*lines, 'SupplementaryGroups=systemd-journal', f'StandardOutput=file:{out}']) + '\n'


class AgentProbe(Probe):
    numbers = itertools.count(1)

    def __init__(self, node, *arguments, wait=False):
        number = next(self.numbers)
        self.node, self.unit, self.out = node, f'agent-probe{number}', f'/var/tmp/agent-probe{number}'
        node.write(f'/run/systemd/system/{self.unit}.service', agent_unit(' '.join(['/usr/local/bin/probe-slots', *arguments]), self.out))
        node.run(['systemctl', 'daemon-reload'])
        node.run(['systemctl', 'start', self.unit])

    def lines_of(self, *projects):
        return [line for line in self.lines() if any(p in line for p in projects)]


@pytest.fixture(scope='module')
def node(lab):
    """A node of its own: the bus goes away here, and the journal is flooded."""
    build(PROBE)
    node = lab.node('slots', 'bare')
    node.put(BUILD / PROBE, '/usr/local/bin/probe-slots')
    node.write('/etc/systemd/journald@nanoscale.conf', '[Journal]\nStorage=persistent\nSplitMode=none\nRateLimitIntervalSec=0\nSystemMaxUse=64M\n')
    node.write('/srv/app.pl', APP)
    node.run(['bash', '-euc', f'''
        id nanoscale || useradd --system --no-create-home --user-group nanoscale
        useradd --uid {UID} --no-create-home --user-group nanoscale-{ONE}
        mkdir -p /opt/nanoscale/certificates /opt/nanoscale/config /opt/nanoscale/data /opt/nanoscale/gates /opt/nanoscale/runtimes /opt/nanoscale/specs
        mkdir -p /opt/nanoscale/bin && chown nanoscale: /opt/nanoscale/data'''])
    for project in (ONE, TWO):
        node.write(f'/etc/systemd/system/nanoscale-{project}@.socket', f'[Socket]\nListenStream=/run/nanoscale/apps/{project}/%i.sock\n')
        user = f'User=nanoscale-{ONE}\nPrivateUsers=yes\n' if project == ONE else ''
        node.write(f'/etc/systemd/system/nanoscale-{project}@.service',
                   '[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=exec\nLogNamespace=nanoscale\nSlice=nanoscale-apps.slice\nMemoryMax=200M\n'
                   f'{user}ExecStart=/usr/bin/perl /srv/app.pl\n')
    node.run(['systemctl', 'daemon-reload'])
    node.run(['systemctl', 'start', f'nanoscale-{ONE}@a.socket', f'nanoscale-{ONE}@b.socket', f'nanoscale-{TWO}@a.socket'])
    yield node
    lab.remove(node)


@pytest.fixture
def probe(node):
    probes = []

    def start(*arguments, **options):
        probes.append(AgentProbe(node, *arguments, **options))
        return probes[-1]
    yield start
    for each in probes:
        each.stop()


@pytest.fixture
def ask(node):
    """What a call gives, as lines."""
    def call(*arguments):
        p = AgentProbe(node, *arguments)
        wait_until(lambda: node.state(p.unit, 'ActiveState') in ('inactive', 'failed'), 20, 0.1, 'its end')
        return p.lines()
    return call


def service(project, slot):
    return f'nanoscale-{project}@{slot}.service'


# Connections

def test_who_is_connected_to_which_slot(node, ask):
    assert ask('sweep') == [f'{ONE} a 0 0', f'{ONE} b 0 0', f'{TWO} a 0 0']
    with Client(node, ONE, 'a') as client:
        assert client.say('self') == 'ok'
        assert ask('sweep') == [f'{ONE} a 1 0', f'{ONE} b 0 0', f'{TWO} a 0 0']
        node.run(['systemctl', 'kill', '-s', 'STOP', service(ONE, 'a')])
        with Client(node, ONE, 'a'), Client(node, ONE, 'a'):
            assert ask('of', ONE, 'a') == ['1 2']
            node.run(['systemctl', 'kill', '-s', 'CONT', service(ONE, 'a')])
            wait_until(lambda: ask('of', ONE, 'a') == ['3 0'], 10, 0.2, 'both are accepted')
    wait_until(lambda: ask('of', ONE, 'a') == ['0 0'], 10, 0.2, 'they are gone')
    assert ask('of', ONE, 'b') == ['0 0']
    assert ask('of', TWO, 'b') == ['0 0'], 'one that does not listen'


def test_tcp_listeners_of_an_app_in_its_user_namespace(node, ask):
    port = say(node, ONE, 'a', 'tcp')[0]
    assert ask('listeners', str(UID)) == [port]
    assert ask('listeners', str(UID + 1)) == []


def test_memory_of_a_slot(node, ask):
    assert say(node, ONE, 'a', 'say x') == ['ok']
    before = [int(n) for n in ask('memory', ONE, 'a')[0].split()]
    assert 0 < before[0] < 20 << 20
    assert say(node, ONE, 'a', 'fill') == ['ok']
    after = [int(n) for n in ask('memory', ONE, 'a')[0].split()]
    # perl builds it beside where it goes.
    assert 39 << 20 < sum(after) - sum(before) < 90 << 20
    assert ask('memory', ONE, 'b') == ['error No such file or directory']


# Slots

def test_each_state_of_a_run_is_told(node, probe):
    node.run(['systemctl', 'stop', service(ONE, 'a'), service(ONE, 'b'), service(TWO, 'a')])
    node.run(['systemctl', 'start', service(ONE, 'b')])
    p = probe('slots')
    run = p.wait(f'{ONE} b active success ({INVOCATION}) 0 0')[1]
    # Loaded by its socket, and never started or at rest.
    p.wait(f'{TWO} a inactive success {INVOCATION} 2 15|{TWO} a inactive success - 0 0')
    assert say(node, ONE, 'b', 'exit 3') == ['gone']
    p.wait(f'{ONE} b failed exit-code {run} 1 3')
    assert say(node, ONE, 'b', 'say x') == ['ok'], 'its socket starts it again'
    again = p.wait(f'{ONE} b active success (?!{run})({INVOCATION}) 0 0')[1]
    node.run(['systemctl', 'stop', service(ONE, 'b')])
    p.wait(f'{ONE} b inactive success {again} 2 15')
    # No socket: it is forgotten as soon as it ended.
    node.run(['systemctl', 'start', service(TWO, 'b')])
    short = p.wait(f'{TWO} b active success ({INVOCATION}) 0 0')[1]
    node.run(['systemctl', 'stop', service(TWO, 'b')])
    p.wait(f'{TWO} b inactive success {short} 2 15')
    assert node.state(service(TWO, 'b'), 'InvocationID') == '', 'systemd still knows it: this shows nothing'
    assert len(p.lines()) == len(set(p.lines())), 'something was told twice'


def test_other_units_are_not_told(node, probe):
    p = probe('slots')
    p.wait(f'{ONE} b .*')
    for name in ('nanoscale-build-slotsone0000', 'nanoscale-slotsone000@a', 'nanoscale-slotsone0000-@a', 'nanoscale-SLOTSONE0000@a'):
        node.run(['systemd-run', '-q', '--wait', f'--unit={name}', '/bin/true'])
    node.run(['systemctl', 'start', service(TWO, 'b')])
    p.wait(f'{TWO} b active .*')
    node.run(['systemctl', 'stop', service(TWO, 'b')])
    p.wait(f'{TWO} b inactive .*')
    assert all(re.match(f'({ONE}|{TWO}) [ab] ', line) for line in p.lines())


@pytest.mark.parametrize('disturbance', [('daemon-reload',), ('daemon-reexec',), ('restart', 'dbus.service')])
def test_following_survives(node, probe, disturbance):
    node.run(['systemctl', 'stop', service(ONE, 'a')])
    p = probe('slots')
    p.wait(f'{ONE} a .*')
    node.run(['systemctl', 'start', service(ONE, 'a'), service(TWO, 'b')])
    first = p.wait(f'{ONE} a active success ({INVOCATION}) 0 0')[1]
    other = p.wait(f'{TWO} b active success ({INVOCATION}) 0 0')[1]
    node.run(['systemctl', *disturbance])
    node.run(['systemctl', 'kill', '-s', 'KILL', service(ONE, 'a')])
    p.wait(f'{ONE} a failed signal {first} 2 9')
    node.run(['systemctl', 'start', service(ONE, 'a')])
    second = p.wait(f'{ONE} a active success (?!{first})({INVOCATION}) 0 0')[1]
    node.run(['systemctl', 'stop', service(ONE, 'a'), service(TWO, 'b')])
    p.wait(f'{ONE} a inactive success {second} 2 15')
    p.wait(f'{TWO} b inactive success {other} 2 15')
    assert p.seconds() < 0.5


def test_what_ended_while_the_bus_was_away(node, probe):
    node.run(['systemctl', 'start', service(ONE, 'a'), service(TWO, 'b')])
    p = probe('slots')
    p.wait(f'{ONE} a active .*')
    p.wait(f'{TWO} b active .*')
    # systemctl goes to systemd directly where there is no bus.
    node.run(['systemctl', 'stop', 'dbus.service', 'dbus.socket'])
    try:
        node.run(['systemctl', 'stop', service(ONE, 'a'), service(TWO, 'b')])
        assert len(p.lines_of(f'{TWO} b')) == 1
    finally:
        node.run(['systemctl', 'start', 'dbus.socket', 'dbus.service'])
    p.wait(f'{ONE} a inactive .*', timeout=180)
    p.wait(f'{TWO} b inactive .*', timeout=180)
    assert len(p.lines_of(f'{ONE} b')) == 2, 'one that nothing happened to is told again'


def test_many_slots_cost_little(node, probe):
    """200 that are loaded and do nothing: told once, and neither a daemon-reload nor waiting makes work of them."""
    node.run(['bash', '-euc', r'''
        for i in $(seq -f %08.0f 200); do
                printf '[Socket]\nListenStream=/run/nanoscale/apps/many%s/%%i.sock\n' $i >/run/systemd/system/nanoscale-many$i@.socket
                printf '[Service]\nExecStart=/bin/true\n' >/run/systemd/system/nanoscale-many$i@.service
        done
        systemctl daemon-reload
        systemctl start $(seq -f nanoscale-many%08.0f@a.socket 200)'''], timeout=300)
    try:
        p, q = probe('slots'), probe('notices')
        p.wait_count('many.* a inactive success - 0 0', 200, timeout=180)
        begin = p.seconds()
        print(f'200 slots at the start: {begin:.2f} s, {node.output("grep", "VmRSS", "/proc/" + node.state(p.unit, "MainPID") + "/status")}')
        node.run(['systemctl', 'daemon-reload'], timeout=180)
        node.run(['systemctl', 'start', service(ONE, 'a')])
        p.wait(f'{ONE} a active .*')
        reload = p.seconds() - begin
        print(f'daemon-reload with 200 slots: {reload:.2f} s')
        assert begin < 2 and reload < 1
        before = p.seconds() + q.seconds()
        node.run(['sleep', '4'])
        assert p.seconds() + q.seconds() - before <= 0.02
        assert len(p.lines_of('many')) == 200
    finally:
        node.run(['bash', '-c', 'systemctl stop "nanoscale-many*"; rm -f /run/systemd/system/nanoscale-many*; systemctl daemon-reload'], timeout=300)


# Notices

def test_notices_of_a_run(node, probe):
    node.run(['systemctl', 'start', service(ONE, 'a'), service(TWO, 'a')])
    run, other = node.state(service(ONE, 'a'), 'InvocationID'), node.state(service(TWO, 'a'), 'InvocationID')
    assert say(node, ONE, 'a', 'say <5>nanoscale: armed', 'say <5>nanoscale: woken') == ['ok', 'ok']
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    p = probe('notices')
    p.wait('follows')
    lines = ['<5>nanoscale: armed', '<5>nanoscale: woken', '<5>nanoscale: awake after 71 ms', 'nanoscale: awake after 1 ms', '<4>nanoscale: armed',
             '<5>nanoscale: awake after 1e9 ms', '<5>GET / 200', '<5>x nanoscale: armed', '<5>nanoscale: app stopped: out of memory (limit 512 MiB)',
             '<5>nanoscale: app stopped: \x1b[31mred\xfc ' + 'é' * 400]
    assert say(node, ONE, 'a', *[f'say {line}' for line in lines]) == ['ok'] * len(lines)
    assert say(node, TWO, 'a', 'say <5>nanoscale: awake after 5 ms') == ['ok']
    node.run(['systemd-run', '-q', '--wait', '--unit=nanoscale-build-slotsone0000', '-pLogNamespace=nanoscale', '/bin/echo', '<5>nanoscale: armed'])
    p.wait(f'{other} {TWO} a awake 5')
    node.run(['journalctl', '--namespace=nanoscale', '--sync'])
    seen = p.lines()[1:]
    assert [line.split(' ', 1)[0] for line in seen] == [run] * 5 + [other]
    assert [line.split(' ', 1)[1] for line in seen[:4]] == [
        f'{ONE} a armed', f'{ONE} a woken', f'{ONE} a awake 71', f'{ONE} a stopped out of memory (limit 512 MiB)']
    reason = seen[4].split(' stopped ', 1)[1]
    assert re.fullmatch('red(ü|\ufffd) é+', reason) and 250 < len(reason.encode()) <= 300


def test_notices_of_a_journal_that_is_restarted_and_rotated(node, probe):
    node.run(['systemctl', 'start', service(ONE, 'a'), service(TWO, 'a')])
    p = probe('notices')
    p.wait('follows')
    node.run(['systemctl', 'restart', 'systemd-journald@nanoscale.service'])
    say(node, ONE, 'a', 'say <5>nanoscale: awake after 11 ms')
    p.wait(f'{INVOCATION} {ONE} a awake 11')
    node.run(['journalctl', '--namespace=nanoscale', '--rotate'])
    say(node, ONE, 'a', 'say <5>nanoscale: awake after 12 ms')
    p.wait(f'{INVOCATION} {ONE} a awake 12')
    assert len(p.lines()) == 3


def test_a_flood_of_notices_costs_little_and_hides_no_other_slot(node, probe):
    node.run(['systemctl', 'start', service(ONE, 'a'), service(TWO, 'a')])
    p = probe('notices')
    p.wait('follows')
    before, begin = p.seconds(), time.monotonic()
    assert say(node, ONE, 'a', 'flood <5>nanoscale: awake after 1 ms', 'flood <5>noise') == ['ok', 'ok']
    assert say(node, TWO, 'a', 'say <5>nanoscale: awake after 13 ms') == ['ok']
    p.wait(f'{INVOCATION} {TWO} a awake 13', timeout=180)
    used = p.seconds() - before
    print(f'40,000 lines with priority 5: {used:.2f} s of processor time')
    # 50 for each ten seconds that it took, of which the first and the last may be cut.
    heard = len(p.lines_of(ONE))
    assert 50 <= heard <= 50 * ((time.monotonic() - begin) / 10 + 2)
    assert used < 4


def test_dropping_in_a_callback(node, probe):
    node.run(['systemctl', 'start', service(ONE, 'a')])
    p = probe('drop')
    p.wait('follows')
    p.wait(f'{ONE} a .*')
    say(node, ONE, 'a', 'say <5>nanoscale: armed', 'say <5>nanoscale: woken')
    p.wait(f'{INVOCATION} {ONE} a armed')
    node.run(['systemctl', 'restart', service(ONE, 'a')])
    node.run(['sleep', '1'])
    assert len(p.lines()) == 3
