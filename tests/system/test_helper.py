# SPDX-License-Identifier: AGPL-3.0-or-later
"""The root helper by itself, on a real node: every verb over both transports, every malformed request, hostile homes, and what a crash leaves."""
import re

import pytest

from nodes import wait_until

ID, OTHER, STATIC = 'helper000001', 'helper000002', 'helper000003'
LIMITS = '''memory_mib 256
cpu_percent 100
tasks 64
build_memory_mib 512
build_cpu_percent 100
build_tasks 128
build_seconds 60
start_on_boot 0
stop_seconds 5
end
'''
HOME = {'': 'USER:www-data 0710', '/source': 'USER:USER 0711', '/data': 'USER:USER 0700', '/cache': 'USER:USER 0700'}
CLIENT = '''use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => "/run/nanoscale/helper.sock") or die "connect: $!\\n";
local $/; print $s scalar <STDIN>; $s->flush; $s->shutdown(1); print scalar <$s>;'''
# Stands in for the runner: serves the inherited socket, and answers with what it was asked for or finds in its environment or its files.
APP = r'''use Socket; open(my $l, "+<&=", 3) or die $!;
while (accept(my $c, $l)) { my ($n, $h) = (0, ""); my $first = <$c>; while (my $x = <$c>) { last if $x =~ /^\r?$/; $h .= $x }
my ($p) = $first =~ /^\S+ (\S+)/; my $b = "";
if ($p =~ m{^/status/(.*)}) { syswrite $c, "HTTP/1.1 $1 Said\r\nContent-Length: 4\r\n\r\nmine"; close $c; next }
if ($p eq "/end") { close $c; next } if ($p eq "/stream") { stream($c); next }
if ($p =~ m{^/env/(.*)}) { $b = unpack("H*", $ENV{$1} // "") } elsif ($p =~ m{^/headers}) { $b = $h } elsif ($p eq "/pid") { $b = $$ }
elsif ($p =~ m{^/try/(.*)}) { $b = try(pack("H*", $1)) }
syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: " . length($b) . "\r\nConnection: close\r\n\r\n$b"; close $c }
sub stream { my $c = shift; syswrite $c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
for (1 .. 3) { syswrite $c, "9\r\ndata: $_\n\n\r\n"; select undef, undef, undef, 0.05 until -e "/opt/nanoscale/sites/PROJECT/data/seen$_" } syswrite $c, "0\r\n\r\n"; close $c }
sub try { my $r = eval shift; my $e = $! + 0; return (defined $r ? "yes $r" : "no $e") . ($@ ? " died" : "") }'''
BUILD = 'open(my $f, ">", "/opt/nanoscale/sites/%s/source/built") or die; sleep 300 if -e "/opt/nanoscale/sites/%s/data/slow";'


# Pages of memory, each with its number; and how many of them are as they were.
FILL = 'our $m = ""; $m .= pack("N", $_) . "x" x 4092 for 1 .. %d; length $m'
CHECK = 'my $n = 0; for (1 .. length($m) / 4096) { $n++ if unpack("N", substr($m, 4096 * ($_ - 1), 4)) == $_ } $n'


def ask(node, text, transport='socket', user='nanoscale'):
    if transport == 'sudo':
        return node.run(['sudo', '-n', '/opt/nanoscale/bin/nanoscale-helper'], input=text, user=user, check=False, via='pid1', timeout=180).stdout
    return node.run(['perl', '-e', CLIENT], input=text, user=user, check=False, timeout=180).stdout


def ok(node, text, transport='socket'):
    answer = ask(node, text if text.endswith('end\n') else text + '\nend\n', transport)
    assert answer == 'ok\n', (text, answer)


def site(*hosts, static=''):
    return ''.join(f'host {h}\n' for h in hosts) + 'body_mib 1\n' + (f'static {static}\n' if static != '' else '') + 'end\n'


def names(*lines):
    """The fields of a site, one a line."""
    return '\n'.join(lines) + '\nbody_mib 1\nend\n'


def env(**values):
    return ''.join(f'env {k} {v.encode().hex()}\n' for k, v in values.items()) + 'end\n'


def stand_in(node, project):
    """Drop-ins that start perl instead of the runner; all else of the units is as the helper wrote it."""
    node.write(f'/opt/nanoscale/sites/{project}/source/1/app.pl', APP.replace('PROJECT', project), 0o600, f'nanoscale-{project}:nanoscale-{project}')
    node.write(f'/opt/nanoscale/sites/{project}/source/build.pl', BUILD % (project, project), 0o600, f'nanoscale-{project}:nanoscale-{project}')
    node.run(['chown', '-R', f'nanoscale-{project}:nanoscale-{project}', f'/opt/nanoscale/sites/{project}/source'])
    for unit, script in ((f'nanoscale-{project}@', '1/app.pl'), (f'nanoscale-build-{project}', 'build.pl')):
        node.write(f'/etc/systemd/system/{unit}.service.d/stand-in.conf',
                   f'[Service]\nExecStart=\nExecStopPost=\nExecStart=/usr/bin/perl /opt/nanoscale/sites/{project}/source/{script}\n')


def in_app(node, perl, host='helper.apps.test'):
    """What a piece of perl gives inside the running app's sandbox."""
    return node.fetch(f'/try/{perl.encode().hex()}', host=host).text


def state_of(node):
    """Everything that the helper could change, as lines; but for the backups and the lock file that useradd leaves."""
    out = node.output('bash', '-c', 'find /etc /opt/nanoscale /run/nanoscale/apps /root -xdev ! -type d -printf "%p %u %g %m %l\\n" '
                      '-type f -exec cksum {} + 2>/dev/null | sort')
    return [line for line in out.splitlines() if not line.split('/etc/')[-1].split()[0] in
            ('passwd-', 'group-', 'shadow-', 'gshadow-', 'subuid-', 'subgid-', '.pwd.lock')]


@pytest.fixture(scope='module')
def node(lab):
    node = lab.node('helper', 'installed')
    # The agent would tidy up what it does not know.
    node.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-agent.service'], check=False)
    node.wait_active('nanoscale-helper.socket')
    node.wait_active('nginx.service')
    yield node
    lab.remove(node)


@pytest.fixture
def project(node):
    """A project whose app runs in slot a, behind nginx."""
    ok(node, f'user-add {ID}')
    ok(node, f'unit-install {ID}\n{LIMITS}')
    stand_in(node, ID)
    ok(node, f'site-install {ID}\n{site("helper.apps.test")}')
    ok(node, f'live-switch {ID} a')
    ok(node, f'unit-start {ID} a')
    node.wait_fetch('/pid', host='helper.apps.test')
    yield node
    remove(node, ID)


def remove(node, project):
    node.run(['rm', '-rf', f'/etc/systemd/system/nanoscale-{project}@.service.d', f'/etc/systemd/system/nanoscale-build-{project}.service.d'])
    for verb in ('site-remove', 'unit-remove', 'user-remove'):
        ok(node, f'{verb} {project}')


@pytest.mark.parametrize('transport', ['socket', 'sudo'])
def test_every_verb_and_every_verb_again(node, transport):
    before = state_of(node)
    for _ in range(2):
        ok(node, f'user-add {ID}', transport)
    user = f'nanoscale-{ID}'
    uid = int(node.output('id', '-u', user))
    assert 50000 <= uid <= 59999 and node.output('id', '-g', user) == str(uid) and node.output('id', '-Gn', user) == user
    assert node.output('getent', 'passwd', user).endswith(f'::/opt/nanoscale/sites/{ID}:/usr/sbin/nologin')
    assert node.output('getent', 'shadow', user).split(':')[1].startswith('!')
    assert not node.run(['grep', user, '/etc/subuid', '/etc/subgid'], check=False).stdout
    for part, mode in HOME.items():
        assert node.owner_and_mode(f'/opt/nanoscale/sites/{ID}{part}') == mode.replace('USER', user)
    assert node.owner_and_mode(f'/run/nanoscale/apps/{ID}') == 'root:www-data 0750'
    assert node.owner_and_mode(f'/etc/tmpfiles.d/{user}.conf') == 'root:root 0644'

    for _ in range(2):
        ok(node, f'unit-install {ID}\n{LIMITS}', transport)
        ok(node, f'env-install {ID}\n' + env(GREETING='hello', LINES='a\n"b" $HOME `c` \\d\té '), transport)
        ok(node, f'site-install {ID}\n{site("helper.apps.test", "www.helper.test")}', transport)
    for unit in (f'{user}@.service', f'{user}@.socket', f'nanoscale-build-{ID}.service'):
        assert node.owner_and_mode(f'/etc/systemd/system/{unit}') == 'root:root 0644'
    assert node.owner_and_mode(f'/etc/default/{user}') == f'root:{user} 0640'
    assert node.owner_and_mode(f'/etc/nginx/sites-available/{user}.conf') == 'root:root 0644'
    assert node.output('readlink', f'/etc/nginx/sites-enabled/{user}.conf') == f'/etc/nginx/sites-available/{user}.conf'
    stand_in(node, ID)
    node.run(['systemctl', 'daemon-reload'])

    for slot, idle in (('a', 'b'), ('b', 'a')):
        for _ in range(2):
            ok(node, f'unit-start {ID} {slot}', transport)
            ok(node, f'live-switch {ID} {slot}', transport)
            ok(node, f'service-restart {ID} {slot}', transport)
        assert node.output('readlink', f'/run/nanoscale/apps/{ID}/live') == f'{slot}.sock'
        assert node.owner_and_mode(f'/run/nanoscale/apps/{ID}/{slot}.sock') == f'{user}:www-data 0660'
        assert f'live - - - - {slot}.sock' in node.read(f'/etc/tmpfiles.d/{user}.conf')
        assert node.output('systemctl', 'is-enabled', f'{user}@{slot}.socket') == 'enabled'
        assert node.run(['systemctl', 'is-enabled', f'{user}@{idle}.socket'], check=False).stdout != 'enabled\n'
        answer = node.wait_fetch('/env/LINES', host='www.helper.test')
        assert bytes.fromhex(answer.text).decode() == 'a\n"b" $HOME `c` \\d\té '
        assert re.fullmatch(r'ok \d+\n', ask(node, f'slot-doze {ID} {slot}\nend\n', transport))
        assert ask(node, f'user-remove {ID}\nend\n', transport).startswith('error conflict ')
        for _ in range(2):
            ok(node, f'unit-stop {ID} {slot}', transport)
        assert node.state(f'{user}@{slot}.service') in ('inactive', 'failed')
        assert ask(node, f'slot-doze {ID} {slot}\nend\n', transport) == f'error absent slot {slot} of {ID} does not run\n'
        for _ in range(2):
            ok(node, f'socket-start {ID} {slot}', transport)
        assert node.state(f'{user}@{slot}.socket') == 'active' and node.state(f'{user}@{slot}.service') != 'active'
        ok(node, f'unit-stop {ID} {slot}', transport)
    live = f'/run/nanoscale/apps/{ID}/live'
    for _ in range(2):
        ok(node, f'live-static {ID} 1', transport)
        assert node.output('readlink', live) == f'/opt/nanoscale/sites/{ID}/source/1/static' and node.owner_and_mode(live).startswith(f'{user}:{user} ')
    assert not node.output('find', '/etc/systemd/system', '-type', 'l', '-name', f'{user}@*')

    ok(node, f'build-start {ID}', transport)
    wait_until(lambda: node.exists(f'/opt/nanoscale/sites/{ID}/source/built'), 20, 0.2, 'the build')
    wait_until(lambda: node.state(f'nanoscale-build-{ID}.service') == 'inactive', 20, 0.2, 'its end')
    node.run(['touch', f'/opt/nanoscale/sites/{ID}/data/slow'])
    ok(node, f'build-start {ID}', transport)
    wait_until(lambda: node.state(f'nanoscale-build-{ID}.service') == 'active', 20, 0.2, 'a long build')
    assert ask(node, f'build-start {ID}\nend\n', transport) == 'error conflict a build of the project is running\n'
    for _ in range(2):
        ok(node, f'build-stop {ID}', transport)
        ok(node, f'release-remove {ID} 1', transport)
    assert not node.exists(f'/opt/nanoscale/sites/{ID}/source/1') and node.exists(f'/opt/nanoscale/sites/{ID}/source')
    for _ in range(2):
        ok(node, 'nginx-reload', transport)
    remove(node, ID)
    remove(node, ID)
    assert state_of(node) == before
    assert not node.run(['id', user], check=False).ok


def test_malformed_requests_change_nothing(node):
    before = state_of(node)
    hostile = [
        '', '\n', 'end\n', 'nginx-reload', 'nginx-reload\n', 'nginx-reload\nen', 'nginx-reload\nend', 'nginx-reload \nend\n', ' nginx-reload\nend\n',
        'nginx-reload x\nend\n', 'nginx-reload\nend\nuser-add helper000009\nend\n', 'NGINX-RELOAD\nend\n', 'nginx-reload\r\nend\r\n', 'rm -rf /\nend\n',
        'user-add\nend\n', 'user-add \nend\n', 'user-add x\nend\n', 'user-add ../../../etc\nend\n', f'user-add {ID.upper()}\nend\n',
        f'user-add {ID} a\nend\n', f'user-add  {ID}\nend\n', f'user-add {ID}\nshell /bin/sh\nend\n', f'user-add {ID}x\nend\n', 'user-add -rf00000000a\nend\n',
        f'live-switch {ID}\nend\n', f'live-switch {ID} c\nend\n', f'live-switch {ID} a b\nend\n', f'live-switch {ID} ../../agent.sock\nend\n',
        f'live-static {ID}\nend\n', f'live-static {ID} a\nend\n', f'live-static {ID} 1/../../../../../../etc\nend\n', f'socket-start {ID}\nend\n',
        f'service-restart {ID} a b\nend\n', f'slot-doze {ID} *\nend\n', f'slot-doze {ID} ../../..\nend\n',
        f'release-remove {ID} 0\nend\n', f'release-remove {ID} 1/../..\nend\n', f'release-remove {ID} ..\nend\n', f'release-remove {ID} 01\nend\n',
        f'unit-install {ID}\nend\n', f'unit-install {ID}\n{LIMITS.replace("256", "0")}', f'unit-install {ID}\n{LIMITS.replace("256", "-1")}',
        f'unit-install {ID}\n{LIMITS.replace("256", "256M")}', f'unit-install {ID}\nmemory_mib 256\n{LIMITS}', f'unit-install {ID}\nExecStart /bin/sh\n{LIMITS}',
        f'unit-install {ID}\nexec_start /bin/sh\n{LIMITS}', f'unit-install {ID}\n{LIMITS.replace("start_on_boot 0", "start_on_boot 2")}',
        f'env-install {ID}\nenv A\nend\n', f'env-install {ID}\nenv A 4\nend\n', f'env-install {ID}\nenv A 4G\nend\n', f'env-install {ID}\nenv A 00\nend\n',
        f'env-install {ID}\nenv A=B 41\nend\n', f'env-install {ID}\nenv LD_PRELOAD 41\nend\n', f'env-install {ID}\nenv PORT 41\nend\n',
        f'env-install {ID}\nenv A 1b\nend\n', f'env-install {ID}\nenv A ff\nend\n',
        f'site-install {ID}\n{site("a.test", static=2)}', f'site-install {ID}\n{site("a.test", static="/etc")}',
        f'site-install {ID}\nbody_mib 1\nend\n', f'site-install {ID}\n{site("a b.test")}', f'site-install {ID}\n{site("x.test;")}',
        f'site-install {ID}\n{site("x.test} include /etc/shadow")}', f'site-install {ID}\n{site("_")}', f'site-install {ID}\n{site("*.test")}',
        f'site-install {ID}\n{site("~^.*$")}', f'site-install {ID}\n{site("127.0.0.1")}', f'site-install {ID}\n{site(*(f"h{i}.test" for i in range(33)))}',
        *(f'site-install {ID}\n{names("host a.test", line)}' for line in (
            'secure_host b.test;', 'secure_host *.test', 'redirect_host b.test', 'redirect_host b.test a.test c.test', 'redirect_host b.test a.test;}',
            'redirect_host a.test a.test', 'allow 10.0.0.1', 'allow 10.0.0.0/33', 'allow all', 'allow ::/129', 'allow 10.0.0.0/8; deny all', 'rate 5r/s', 'rate -1',
            'rate 10001', 'gate /etc/passwd', 'gate 2', 'hsts on', 'headers 1\nheaders 1', 'maintenance yes')),
        f'site-install {ID}\n{names("redirect_host b.test a.test")}',
        f'site-install {ID}\n{site("$host.test")}', f'user-add {ID}\n{"env " + "x" * 5_000_000}\nend\n',
    ]
    for text in hostile:
        answer = ask(node, text)
        assert answer.startswith('error request ') and answer.endswith('\n') and answer.count('\n') == 1, (text[:80], answer)
    for raw in (b'user-add helper00\x000001\nend\n', b'user-add helper00000\xc3\nend\n', b'env-install helper000001\nenv A \x1b\nend\n', b'\0' * 100 + b'\nend\n'):
        answer = node.run(['perl', '-e', CLIENT], input=raw, user='nanoscale', check=False, binary=True).stdout
        assert answer.startswith(b'error request '), (raw, answer)
    assert state_of(node) == before


def test_what_is_absent_is_said_to_be(node):
    for text in (f'unit-install {OTHER}\n{LIMITS}', f'env-install {OTHER}\nend\n', f'site-install {OTHER}\n{site("other.apps.test")}', f'live-switch {OTHER} a\nend\n',
                 f'release-remove {OTHER} 1\nend\n', f'unit-start {OTHER} a\nend\n', f'unit-stop {OTHER} a\nend\n', f'build-start {OTHER}\nend\n',
                 f'build-stop {OTHER}\nend\n', f'socket-start {OTHER} a\nend\n', f'service-restart {OTHER} a\nend\n', f'slot-doze {OTHER} a\nend\n',
                 f'live-static {OTHER} 1\nend\n'):
        assert ask(node, text).startswith('error absent '), text
    for verb in ('user-remove', 'unit-remove', 'site-remove'):
        ok(node, f'{verb} {OTHER}')


def test_only_the_agent_may_ask(node):
    assert 'Permission denied' in node.run(['perl', '-e', CLIENT], input='nginx-reload\nend\n', user='www-data', check=False).stderr
    argv = ['setpriv', '--reuid=www-data', '--regid=nanoscale', '--clear-groups', '--', 'perl', '-e', CLIENT]
    assert node.run(argv, input='nginx-reload\nend\n').stdout.startswith('error denied ')
    helper = '/opt/nanoscale/bin/nanoscale-helper'
    assert node.run([helper], input='nginx-reload\nend\n', user='nanoscale', check=False).stdout.startswith('error denied ')
    # A made-up SUDO_UID helps no one who is not root already.
    assert node.run([helper], input='nginx-reload\nend\n', user='www-data', env={'SUDO_UID': '0'}, check=False).stdout.startswith('error denied ')
    assert node.run([helper], input='nginx-reload\nend\n', env={'SUDO_UID': node.output('id', '-u', 'www-data')}, check=False).stdout.startswith('error denied ')
    for argv in ([helper, 'x'], ['-u', 'root', '-E', helper], ['/bin/sh'], ['LD_PRELOAD=/tmp/x', helper], ['/usr/bin/systemctl', 'stop', 'nginx']):
        result = node.run(['sudo', '-n', *argv], input='nginx-reload\nend\n', user='nanoscale', check=False, via='pid1')
        assert not result.ok and 'ok' not in result.stdout.split(), argv


def test_a_client_that_stops_halfway_is_dropped(node):
    perl = CLIENT.replace('$s->shutdown(1);', '').replace('print scalar <$s>', 'my $t = time; my $a = <$s>; print time - $t, " [", $a // "", "]"')
    seconds, answer = node.output('perl', '-e', perl, user='nanoscale', timeout=180).split(' ', 1)
    assert answer == '[]' and 15 <= int(seconds) <= 120
    ok(node, 'nginx-reload')


def test_links_and_traps_in_a_home_reach_nothing_outside(node):
    ok(node, f'user-add {ID}')
    user, home = f'nanoscale-{ID}', f'/opt/nanoscale/sites/{ID}'
    before = state_of(node)
    node.write('/srv/kept/file', 'kept', 0o666)
    node.run(['chmod', '777', '/srv/kept'])
    trap = f'''cd {home}/source && ln -s /srv/kept 1 && mkdir 2 && ln -s /srv/kept 2/link && ln -s / 2/root && mkfifo 2/fifo && mkdir -p 2/closed/in && touch 2/closed/in/f
        && chmod 000 2/closed/in 2/closed && mkdir 3 && perl -e 'chdir "3"; for (1..3000) {{ mkdir "d" x 20 or die; chdir "d" x 20 }}; open my $f, ">", "end"'
        && rm -rf ../data && ln -s /etc ../data'''
    node.run(['bash', '-c', trap.replace('\n', ' ')], user=user)
    for release in (1, 2, 3):
        ok(node, f'release-remove {ID} {release}')
        assert not node.run(['test', '-e', f'{home}/source/{release}'], check=False).ok
    assert node.read('/srv/kept/file') == 'kept'
    # A link in place of a directory that user-add repairs is an error, not a way out.
    answer = ask(node, f'user-add {ID}\nend\n')
    assert answer.startswith("error system working in the project's home"), answer
    node.run(['bash', '-c', f'rm -rf {home}/source && ln -s /srv/kept {home}/source'])
    assert ask(node, f'release-remove {ID} 1\nend\n').startswith('error system ')
    ok(node, f'user-remove {ID}')
    assert node.read('/srv/kept/file') == 'kept' and node.owner_and_mode('/srv/kept') == 'root:root 0777'
    node.run(['rm', '-rf', '/srv/kept'])
    ok(node, f'user-add {ID}')
    assert state_of(node) == before
    ok(node, f'user-remove {ID}')


def test_user_remove_ends_what_still_runs_as_the_user(node):
    ok(node, f'user-add {ID}')
    node.run(['systemd-run', '-q', '--unit=stray', f'--uid=nanoscale-{ID}', 'sleep', '1000'])
    ok(node, f'user-remove {ID}')
    wait_until(lambda: node.state('stray.service') != 'active', 10, 0.2, 'the stray process to end')
    node.run(['systemctl', 'reset-failed', 'stray.service'], check=False)


def test_a_name_that_is_not_ours_is_left_alone(node):
    node.run(['useradd', '--no-create-home', '--shell', '/bin/bash', f'nanoscale-{OTHER}'])
    for text in (f'user-add {OTHER}\nend\n', f'user-remove {OTHER}\nend\n', f'env-install {OTHER}\nend\n'):
        assert ask(node, text) == f'error conflict user nanoscale-{OTHER} exists and is not one of ours\n'
    node.run(['userdel', f'nanoscale-{OTHER}'])


def test_half_done_work_is_finished_by_asking_again(node):
    node.run(['groupadd', '--gid', '50123', f'nanoscale-{ID}'])  # stopped before useradd
    ok(node, f'user-add {ID}')
    assert node.output('id', '-u', f'nanoscale-{ID}') == '50123'
    node.run(['chmod', '700', f'/opt/nanoscale/sites/{ID}', f'/opt/nanoscale/sites/{ID}/source'])  # as earlier versions made them
    node.run(['chgrp', f'nanoscale-{ID}', f'/opt/nanoscale/sites/{ID}'])
    node.run(['rm', '-rf', f'/opt/nanoscale/sites/{ID}/cache', f'/run/nanoscale/apps/{ID}', f'/etc/tmpfiles.d/nanoscale-{ID}.conf'])
    ok(node, f'user-add {ID}')
    assert node.exists(f'/run/nanoscale/apps/{ID}')
    for part, mode in HOME.items():
        assert node.owner_and_mode(f'/opt/nanoscale/sites/{ID}{part}') == mode.replace('USER', f'nanoscale-{ID}')
    ok(node, f'unit-install {ID}\n{LIMITS}')
    ok(node, f'live-switch {ID} a')
    node.run(['rm', f'/etc/systemd/system/nanoscale-{ID}@.socket'])  # stopped in the middle of unit-remove
    ok(node, f'unit-remove {ID}')
    assert not node.output('find', '/etc/systemd/system', '-name', f'*{ID}*')
    node.run(['userdel', f'nanoscale-{ID}'])  # stopped in the middle of user-remove
    node.run(['rm', '-rf', f'/opt/nanoscale/sites/{ID}'])
    ok(node, f'user-remove {ID}')
    assert not node.output('find', '/etc', '/run/nanoscale', '-name', f'*{ID}*')


def test_killed_at_any_moment_it_converges(node):
    """SIGKILL after 0, 20, 40 … ms of user-add and unit-install; asking again must end in the same state as never having been killed."""
    ok(node, f'user-add {ID}')
    ok(node, f'unit-install {ID}\n{LIMITS}')
    ok(node, f'live-switch {ID} a')
    files = node.output('find', '/etc', '/run/nanoscale', '-name', f'*{ID}*').split()
    for milliseconds in range(0, 300, 30):
        for text in (f'unit-remove {ID}\nend\n', f'user-remove {ID}\nend\n', f'user-add {ID}\nend\n', f'unit-install {ID}\n{LIMITS}', f'live-switch {ID} a\nend\n'):
            node.run(['timeout', '-s', 'KILL', f'{milliseconds / 1000 or 0.001}', '/opt/nanoscale/bin/nanoscale-helper'], input=text, check=False)
            ok(node, text)
    assert sorted(node.output('find', '/etc', '/run/nanoscale', '-name', f'*{ID}*').split()) == sorted(files)
    node.run(['pwck', '-r', '-q'], check=False)
    assert not node.run(['grpck', '-r'], check=False).stderr
    remove(node, ID)


def test_many_at_once_get_different_users(node):
    ids = [f'many{i:08d}' for i in range(8)]
    node.run(['bash', '-c', ' '.join(f'(printf "user-add {i}\\nend\\n" | /opt/nanoscale/bin/nanoscale-helper) &' for i in ids) + ' wait'], timeout=180)
    uids = {node.output('id', '-u', f'nanoscale-{i}') for i in ids}
    assert len(uids) == len(ids)
    for i in ids:
        ok(node, f'user-remove {i}')


def test_a_broken_site_of_another_never_breaks_ours_nor_ours_another(project):
    node = project
    path = f'/etc/nginx/sites-available/nanoscale-{ID}.conf'
    before = node.read(path)
    node.write('/etc/nginx/sites-enabled/broken', 'server { listen 80; server_name broken.test; no_such_directive on; }\n')
    answer = ask(node, f'site-install {ID}\n{site("new.apps.test")}')
    assert answer.startswith('error nginx ') and 'no_such_directive' in answer
    assert node.read(path) == before
    assert ask(node, f'site-remove {ID}\nend\n').startswith('error nginx ') and node.read(path) == before
    assert ask(node, 'nginx-reload\nend\n').startswith('error nginx ')
    assert node.fetch('/pid', host='helper.apps.test').status == 200
    ok(node, f'user-add {OTHER}')
    assert ask(node, f'site-install {OTHER}\n{site("other.apps.test")}').startswith('error nginx ')
    assert not node.exists(f'/etc/nginx/sites-enabled/nanoscale-{OTHER}.conf') and not node.exists(f'/etc/nginx/sites-available/nanoscale-{OTHER}.conf')
    node.run(['rm', '/etc/nginx/sites-enabled/broken'])
    assert ask(node, f'site-install {OTHER}\n{site("other.apps.test", "helper.apps.test")}') == 'error conflict another site has the name helper.apps.test\n'
    assert not node.exists(f'/etc/nginx/sites-enabled/nanoscale-{OTHER}.conf')
    ok(node, f'user-remove {OTHER}')


def test_nginx_is_left_alone_when_nothing_changes(project):
    node, loaded = project, ('nginx.service', 'StateChangeTimestampMonotonic')
    before = node.state(*loaded)
    ok(node, f'site-install {ID}\n{site("helper.apps.test")}')
    assert node.state(*loaded) == before
    node.run(['touch', '/run/nanoscale/nginx.pending'])  # stopped between the files and the reload
    ok(node, f'site-install {ID}\n{site("helper.apps.test")}')
    changed = node.state(*loaded)
    assert changed != before and not node.exists('/run/nanoscale/nginx.pending')
    node.run(['rm', f'/etc/nginx/sites-enabled/nanoscale-{ID}.conf'])
    ok(node, f'site-install {ID}\n{site("helper.apps.test")}')
    assert node.state(*loaded) != changed and node.exists(f'/etc/nginx/sites-enabled/nanoscale-{ID}.conf')


def test_headers_that_the_app_sees(project):
    node = project
    said = {'X-Forwarded-For': '6.6.6.6', 'X-Real-IP': '6.6.6.6', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.test', 'Forwarded': 'for=6.6.6.6',
            'Proxy': 'http://evil.test'}
    answer = node.fetch('/headers', host='helper.apps.test:8080', headers=said).text
    seen = dict(line.split(': ', 1) for line in answer.replace('\r', '').splitlines() if ': ' in line)
    assert seen['Host'] == 'helper.apps.test:8080' and seen['X-Forwarded-Host'] == 'helper.apps.test:8080' and seen['X-Forwarded-Proto'] == 'http'
    assert '6.6.6.6' not in answer and 'evil.test' not in answer and seen['X-Forwarded-For'] == seen['X-Real-IP']
    assert 'Host: helper.apps.test\r' in node.fetch('/headers', host='helper.apps.test').text


def test_an_app_that_gives_no_answer_is_excused_and_what_it_says_itself_passes(project):
    node = project

    def excused(answer):
        assert (answer.status, answer.headers['Retry-After'], answer.headers['Cache-Control']) == (503, '10', 'no-store'), answer
        assert answer.headers['Content-Type'] == 'text/html; charset=utf-8' and 'ETag' not in answer.headers and 'Last-Modified' not in answer.headers
        assert 'not answering right now' in answer.text and not re.search(r'nanoscale|nginx|https?:|src=|href=', answer.text, re.I)

    for status in (200, 404, 500, 502, 503, 504):
        answer = node.fetch(f'/status/{status}', host='helper.apps.test')
        assert (answer.status, answer.text) == (status, 'mine') and 'Retry-After' not in answer.headers
    excused(node.fetch('/end', host='helper.apps.test'))
    assert node.fetch('/.nanoscale/unavailable', host='helper.apps.test').status == 404
    ok(node, f'unit-stop {ID} a')
    for method in ('GET', 'POST', 'PUT', 'DELETE'):
        excused(node.fetch('/x?y', host='helper.apps.test', method=method, body='b' if method != 'GET' else None))
    excused(node.fetch('/', host='helper.apps.test', headers={'Accept': 'application/json', 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT', 'Range': 'bytes=0-3'}))
    assert node.fetch('/', host='helper.apps.test', method='HEAD').status == 503
    # The socket alone is enough for an answer: it starts the app.
    ok(node, f'socket-start {ID} a')
    assert node.state(f'nanoscale-{ID}@a.service') != 'active'
    first = node.fetch('/pid', host='helper.apps.test')
    assert first.status == 200
    since = node.state(f'nanoscale-{ID}@a.socket', 'ActiveEnterTimestampMonotonic')
    ok(node, f'service-restart {ID} a')
    wait_until(lambda: node.fetch('/pid', host='helper.apps.test').text not in (first.text, ''), 20, 0.2, 'another process')
    assert node.state(f'nanoscale-{ID}@a.socket', 'ActiveEnterTimestampMonotonic') == since


def test_events_of_an_app_pass_at_once(project):
    """It sends none before the one ahead of it was seen here."""
    with project.connect(80) as s:
        s.settimeout(120)
        s.sendall(b'GET /stream HTTP/1.1\r\nHost: helper.apps.test\r\nConnection: close\r\n\r\n')
        text = b''
        for n in (1, 2, 3):
            while b'data: %d' % n not in text:
                data = s.recv(65536)
                assert data, text
                text += data
            assert b'data: %d' % (n + 1) not in text
            project.run(['touch', f'/opt/nanoscale/sites/{ID}/data/seen{n}'])
        while data := s.recv(65536):
            text += data
    assert text.rstrip().endswith(b'0'), text
    project.run(['rm', *(f'/opt/nanoscale/sites/{ID}/data/seen{n}' for n in (1, 2, 3))])


def memory_of(node, project):
    for path in (f'/sys/fs/cgroup/memory/nanoscale.slice/nanoscale-apps.slice/nanoscale-{project}@a.service/memory.usage_in_bytes',
                 f'/sys/fs/cgroup/nanoscale.slice/nanoscale-apps.slice/nanoscale-{project}@a.service/memory.current'):
        if node.exists(path):
            return int(node.read(path))
    raise AssertionError('the slot has no memory cgroup')


def test_dozing_takes_memory_and_nothing_else(project):
    node = project
    assert in_app(node, FILL % 15000) == f'yes {15000 * 4096}'
    before = memory_of(node, ID)
    freed = int(ask(node, f'slot-doze {ID} a\nend\n').split()[1])
    # Without swap, as in a container of a host that has none, only files can leave; tests/system/test_doze.py has a node with swap of its own.
    swap = sum(int(size) - int(used) for _, _, size, used, _ in (line.split() for line in node.read('/proc/swaps').splitlines()[1:]))
    assert before > 60_000_000 and freed > (40_000_000 if swap > 200_000 else -1), (freed, before, swap)
    assert memory_of(node, ID) <= before - freed + 20_000_000
    assert in_app(node, CHECK) == 'yes 15000'


def make_static(node, project, release, **files):
    """source/RELEASE/static as the runner leaves it."""
    user, top = f'nanoscale-{project}', f'/opt/nanoscale/sites/{project}/source/{release}'
    node.run(['install', '-d', '-m', '711', top])
    for name, text in files.items():
        node.write(f'{top}/static/{name}', text)
    node.run(['chown', '-R', f'{user}:{user}', top])
    return f'{top}/static'


def test_a_static_site(project):
    node, user = project, f'nanoscale-{ID}'
    static = make_static(node, ID, 7, **{
        'index.html': 'front', 'about.html': 'about', 'docs/index.html': 'docs', '404.html': 'lost', '.env': 'dot', '.git/config': 'dot', '.well-known/x': 'known',
        '_next/static/chunk.js': 'chunk', 'assets/app-BdXkB9_2.js': 'hashed', 'assets/app.js': 'plain', 'big.css': 'a{}' * 1000, 'big.css.gz': 'zipped', 'empty/x.txt': ''})
    make_static(node, ID, 8, **{'index.html': 'second', '200.html': 'page'})

    def get(path, **headers):
        return node.fetch(path, host='static.apps.test', headers=headers)

    ok(node, f'live-static {ID} 7')
    ok(node, f'unit-stop {ID} a')
    ok(node, f'site-install {ID}\n{site("static.apps.test", static=1)}')
    front = node.wait_fetch('/', host='static.apps.test')
    assert front.text == 'front' and front.headers['Cache-Control'] == 'no-cache' and front.headers['Content-Type'].startswith('text/html')
    assert get('/', **{'If-None-Match': front.headers['ETag']}).status == 304
    for path, text in (('/about', 'about'), ('/about.html', 'about'), ('/docs', 'docs'), ('/docs/', 'docs'), ('/.well-known/x', 'known'), ('/about?a=.env', 'about')):
        answer = get(path)
        assert (answer.status, answer.text) == (200, text), (path, answer)
    for path in ('/none', '/none.js', '/empty', '/empty/', '/.env', '/.git/config', '/docs/.git', '/.well-known', '/.%65nv', '/docs/../.env'):
        answer = get(path)
        assert (answer.status, answer.text) == (404, 'lost'), (path, answer)
    for path in ('/../../data', '/%2e%2e/%2e%2e/etc/passwd'):
        assert get(path).status == 400, path
    for path, forever in (('/_next/static/chunk.js', True), ('/assets/app-BdXkB9_2.js', True), ('/assets/app.js', False), ('/about', False)):
        assert ('immutable' in get(path).headers['Cache-Control']) == forever, path
    assert 'immutable' not in get('/_next/static/none.js').headers.get('Cache-Control', '')
    assert get('/big.css', **{'Accept-Encoding': 'gzip'}).text == 'zipped' and get('/big.css').text == 'a{}' * 1000
    assert node.fetch('/', host='static.apps.test', method='POST', body='x').status == 405

    # The project's user may do to its files what it wants: nothing of others is served, and nothing hangs.
    ok(node, f'user-add {OTHER}')
    theirs = make_static(node, OTHER, 1, **{'index.html': 'theirs'})
    node.write('/srv/open/index.html', 'the system')
    far = f'/opt/nanoscale/sites/{ID}/source/8/static/index.html'
    links = {'own.html': 'about.html', 'far.html': far, 'passwd.txt': '/etc/passwd', 'theirs': theirs, 'open': '/srv/open', 'data': '../../../data',
             'env.txt': '/proc/self/environ', 'run': '/run/nanoscale', 'index.txt': f'{theirs}/index.html'}
    for name, target in links.items():
        node.run(['ln', '-s', target, f'{static}/{name}'], user=user)
    node.run(['mkfifo', f'{static}/fifo.txt'], user=user)
    assert get('/own').text == 'about' and get('/far').text == 'second'
    for path in ('/passwd.txt', '/theirs/', '/theirs/index.html', '/open/index.html', '/open', '/fifo.txt', '/data', '/env.txt', '/run/', '/index.txt'):
        assert get(path).status == 404, path
    top = static.removesuffix('/static')
    for target in (theirs, '/srv/open', '/etc'):
        node.run(['bash', '-c', f'cd {top} && mv static kept && ln -s {target} static'], user=user)
        for path in ('/', '/index.html', '/passwd'):
            assert get(path).status == 404, (target, path)
        node.run(['bash', '-c', f'cd {top} && rm static && mv kept static'], user=user)
    assert get('/').text == 'front'
    for path in (f'/opt/nanoscale/sites/{ID}/.', f'/opt/nanoscale/sites/{ID}/source', f'{static}/index.html'):  # nginx and nobody else
        assert 'Permission denied' in node.run(['stat', path], user=f'nanoscale-{OTHER}', check=False).stderr
    assert node.run(['cat', f'{static}/index.html'], user='www-data').stdout == 'front'
    ok(node, f'user-remove {OTHER}')
    node.run(['rm', '-rf', '/srv/open'])

    # Another release without a reload; user-add and unit-install leave it live; and back to an app.
    ok(node, f'live-static {ID} 8')
    assert get('/').text == 'second' and get('/any/where').text == 'page' and get('/any/where.js').status == 404
    ok(node, f'user-add {ID}')
    ok(node, f'unit-install {ID}\n{LIMITS}')
    entry = node.read(f'/etc/tmpfiles.d/{user}.conf')
    assert f'/source/8/static\nz /run/nanoscale/apps/{ID}/live - {user} {user} -\n' in entry and get('/').text == 'second'
    assert not node.output('find', '/etc/systemd/system', '-type', 'l', '-name', f'{user}@*')
    ok(node, f'unit-start {ID} b')
    ok(node, f'live-switch {ID} b')
    ok(node, f'site-install {ID}\n{site("helper.apps.test")}')
    node.wait_fetch('/pid', host='helper.apps.test')
    assert node.owner_and_mode(f'/run/nanoscale/apps/{ID}/live').startswith('root:root ') and '\nz ' not in node.read(f'/etc/tmpfiles.d/{user}.conf')


def test_the_sandbox_of_an_app(project):
    node = project
    ok(node, f'user-add {OTHER}')
    node.run(['touch', '/root/secret', '/home/secret', f'/opt/nanoscale/sites/{OTHER}/data/secret'])
    mine = f'/opt/nanoscale/sites/{ID}'

    def works(perl):
        answer = in_app(node, perl)
        assert answer.startswith('yes '), (perl, answer)
        return answer[4:]

    def fails(perl):
        answer = in_app(node, perl)
        assert answer.startswith('no '), (perl, answer)

    assert works('"$<"') == node.output('id', '-u', f'nanoscale-{ID}')
    for place in (f'{mine}/source/x', f'{mine}/data/x', '/tmp/x', '/var/tmp/x', '/dev/shm/x'):
        works(f'open(my $f, ">", "{place}") ? 1 : undef')
    for place in (f'{mine}/x', '/etc/x', '/usr/x', '/opt/nanoscale/x', '/run/x', '/var/x', '/opt/nanoscale/bin/x', '/boot/x', '/sys/x', '/proc/sys/kernel/hostname'):
        fails(f'open(my $f, ">", "{place}") ? 1 : undef')
    for place in ('/etc/shadow', '/root/secret', '/home/secret', f'/opt/nanoscale/sites/{OTHER}/data/secret', '/etc/nginx/nginx.conf', '/etc/sudoers', '/proc/1/environ',
                  '/dev/mem', '/dev/kmsg', '/proc/kmsg'):
        fails(f'open(my $f, "<", "{place}") ? 1 : undef')
    assert works('join ",", map { s{.*/}{}r } glob "/opt/nanoscale/sites/*"') == ID
    assert works('join ",", sort map { s{.*/}{}r } glob "/opt/nanoscale/*"') in ('bin,lib,runtimes,sites', 'bin,lib,runtimes,sites,specs')
    # Its own socket, for requests to itself; nobody else's is there.
    works(f'use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un("/run/nanoscale/apps/{ID}/a.sock")) ? 1 : undef')
    fails(f'chmod(0777, "/run/nanoscale/apps/{ID}/a.sock") ? 1 : undef')
    assert works('join ",", map { glob "$_/*" } "/run/nanoscale", glob "/run/nanoscale/*/*"') == f'/run/nanoscale/apps,/run/nanoscale/apps/{ID}/a.sock'
    for path in ('/run/nanoscale/helper.sock', '/run/nanoscale/agent.sock', f'/run/nanoscale/apps/{ID}/b.sock', '/run/dbus/system_bus_socket', '/run/systemd/private',
                 '/run/systemd/journal/socket', '/run/systemd/journal/stdout', '/run/systemd/journal/dev-log', '/dev/log'):
        fails(f'use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un("{path}")) ? 1 : undef')
        fails(f'use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); connect($s, pack_sockaddr_un("{path}")) ? 1 : undef')
    fails('socket(my $s, 17, 3, 0) ? 1 : undef')                        # packets as they are
    fails('syscall(272, 0x10000000) == 0 ? 1 : undef')                 # unshare(CLONE_NEWUSER)
    fails('syscall(165, "none", "/tmp", "tmpfs", 0, 0) == 0 ? 1 : undef')  # mount
    fails('syscall(105, 0) == 0 ? 1 : undef')                          # setuid(0)
    fails('syscall(321, 0, 0, 0) >= 0 ? 1 : undef')                    # bpf
    fails('kill(0, 1) ? 1 : undef')
    works('open(my $f, ">", "/tmp/s"); chmod(0755, "/tmp/s") ? 1 : undef')
    fails('chmod(04755, "/tmp/s") ? 1 : undef')
    assert works('my @p = grep { m{/\\d+$} } glob "/proc/*"; scalar @p') in '123456'
    # Package scripts start a shell, and programs of the release.
    assert works('`/bin/sh -c "echo hello"`') == 'hello\n'
    assert works(f'open(my $f, ">", "{mine}/source/run"); print $f "#!/bin/sh\\necho run"; close $f; chmod 0755, "{mine}/source/run"; `{mine}/source/run`') == 'run\n'
    mounts = [line.split() for line in works('`cat /proc/self/mountinfo`').splitlines()]
    writable = {fields[4] for fields in mounts if 'rw' in fields[5].split(',')} - {'/tmp', '/var/tmp', '/proc', f'{mine}/source', f'{mine}/data'}
    assert all(mount.startswith('/dev/') for mount in writable), writable
    ok(node, f'user-remove {OTHER}')


def test_scores_of_the_units(project):
    node = project
    for unit in (f'nanoscale-{ID}@a.service', f'nanoscale-build-{ID}.service'):
        text = node.output('systemd-analyze', 'security', '--no-pager', unit)
        score = float(text.rsplit(': ', 1)[1].split()[0])
        assert score <= 1.5, text
    text = node.output('systemd-analyze', 'security', '--no-pager', 'nanoscale-helper@x.service')
    assert float(text.rsplit(': ', 1)[1].split()[0]) <= 2.5, text


def test_an_app_that_sleeps_is_woken_by_a_request_and_started_at_boot(node_maker):
    node = node_maker('boot')
    node.run(['systemctl', 'disable', '--now', 'nanoscale-agent.socket', 'nanoscale-agent.service'], check=False)
    for project, boot, host in ((ID, 0, 'wakes.apps.test'), (OTHER, 1, 'boots.apps.test')):
        ok(node, f'user-add {project}')
        ok(node, f'unit-install {project}\n{LIMITS.replace("start_on_boot 0", f"start_on_boot {boot}")}')
        stand_in(node, project)
        ok(node, f'site-install {project}\n{site(host)}')
        ok(node, f'live-switch {project} b')
        ok(node, f'unit-start {project} b')
        node.wait_fetch('/pid', host=host)
    ok(node, f'user-add {STATIC}')
    ok(node, f'unit-install {STATIC}\n{LIMITS.replace("start_on_boot 0", "start_on_boot 1")}')
    make_static(node, STATIC, 3, **{'index.html': 'files'})
    ok(node, f'live-switch {STATIC} a')
    ok(node, f'live-static {STATIC} 3')
    ok(node, f'site-install {STATIC}\n{site("files.apps.test", static=1)}')
    node.run(['sync'])
    node.power_kill()
    node.boot()
    node.wait_active('nginx.service')
    wait_until(lambda: node.state(f'nanoscale-{OTHER}@b.service') == 'active', 20, 0.2, 'the app that starts at boot')
    assert node.state(f'nanoscale-{ID}@b.service') == 'inactive'
    assert node.wait_fetch('/pid', host='wakes.apps.test').status == 200
    assert node.wait_fetch('/pid', host='boots.apps.test').status == 200
    assert node.output('readlink', f'/run/nanoscale/apps/{ID}/live') == 'b.sock'
    assert node.owner_and_mode(f'/run/nanoscale/apps/{ID}') == 'root:www-data 0750'
    assert node.wait_fetch('/', host='files.apps.test').text == 'files'
    assert node.owner_and_mode(f'/run/nanoscale/apps/{STATIC}/live').startswith(f'nanoscale-{STATIC}:nanoscale-{STATIC} ')
    for unit in ('a.socket', 'b.socket', 'a.service', 'b.service'):
        assert node.state(f'nanoscale-{STATIC}@{unit}') == 'inactive'
    for project in (ID, OTHER, STATIC):
        remove(node, project)


class Answer:
    """What curl on the node got: its exit code, and of the answer status, header fields (lower-case names) and body."""

    def __init__(self, node, url, *options):
        scheme, rest = url.split('://')
        host = rest.split('/')[0]
        port = 443 if scheme == 'https' else 80
        result = node.run(['curl', '-sk', '-i', '--max-time', '60', '--noproxy', '*', '--resolve', f'{host}:{port}:127.0.0.1', *options, url], check=False)
        head, _, self.body = result.stdout.replace('\r', '').partition('\n\n')
        first, *fields = head.splitlines() or ['']
        self.code = result.returncode
        self.status = int(first.split()[1]) if first else 0
        self.fields = {key.lower(): value for key, _, value in (field.partition(': ') for field in fields)}


def certificate(node, name):
    """A self-signed one, where the agent would put it. Its serial number."""
    node.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/root/key', '-out', '/root/chain', '-days', '30',
              '-subj', f'/CN={name}', '-addext', f'subjectAltName=DNS:{name}'])
    path = f'/opt/nanoscale/certificates/{name}.pem'
    node.write(f'{path}.new', node.read('/root/key') + node.read('/root/chain'), 0o640, 'nanoscale:www-data')
    node.run(['mv', '-f', f'{path}.new', path])
    serial = node.output('openssl', 'x509', '-in', '/root/chain', '-noout', '-serial')
    node.run(['rm', '/root/key', '/root/chain'])
    return serial


def served_serial(node, name):
    chain = node.run(['openssl', 's_client', '-connect', '127.0.0.1:443', '-servername', name], input='', check=False).stdout
    return node.output('openssl', 'x509', '-noout', '-serial', input=chain)


def test_certificates_are_read_at_each_handshake(project):
    node = project
    serial = certificate(node, 'shop.test')
    ok(node, f'site-install {ID}\n' + names('host helper.apps.test', 'secure_host shop.test', 'secure_host none.test', 'redirect_host www.shop.test shop.test', 'hsts 1'))
    wait_until(lambda: Answer(node, 'https://shop.test/pid').status == 200, 60, 0.5, 'the site over TLS')
    assert served_serial(node, 'shop.test') == serial
    answer = Answer(node, 'https://shop.test/headers')
    assert answer.fields['strict-transport-security'] == 'max-age=31536000'
    assert 'X-Forwarded-Proto: https' in answer.body and 'Host: shop.test' in answer.body
    assert 'strict-transport-security' not in Answer(node, 'http://helper.apps.test/pid').fields
    for url, target in (('http://shop.test/a?b', 'https://shop.test/a?b'), ('http://www.shop.test/a?b', 'http://shop.test/a?b')):
        answer = Answer(node, url)
        assert (answer.status, answer.fields['location']) == (301, target)
    # A name without a file, with a broken one, with one that the workers may not read: its own trouble.
    for spoil in (lambda: None, lambda: node.write('/opt/nanoscale/certificates/none.test.pem', 'junk', 0o640, 'nanoscale:www-data'),
                  lambda: (certificate(node, 'none.test'), node.run(['chmod', '0600', '/opt/nanoscale/certificates/none.test.pem']))):
        spoil()
        ok(node, 'nginx-reload')
        assert Answer(node, 'https://none.test/pid').code == 35 and Answer(node, 'https://shop.test/pid').status == 200
    node.run(['chmod', '0640', '/opt/nanoscale/certificates/none.test.pem'])
    assert Answer(node, 'https://none.test/pid').status == 200
    renewed = certificate(node, 'shop.test')
    assert renewed != serial and served_serial(node, 'shop.test') == renewed, 'without a reload'
    # One name's certificate does not vouch for another name.
    assert Answer(node, 'https://shop.test/pid', '-H', 'Host: none.test').status == 421
    assert Answer(node, 'https://unknown.test/pid', '-H', 'Host: shop.test').status == 421
    assert Answer(node, 'https://unknown.test/pid').status == 404
    for user in (f'nanoscale-{ID}', 'nobody'):
        assert not node.run(['cat', '/opt/nanoscale/certificates/shop.test.pem'], user=user, check=False).ok
    ok(node, f'user-add {OTHER}')
    for line in ('host shop.test', 'secure_host shop.test', 'redirect_host shop.test other.apps.test', 'host www.shop.test'):
        answer = ask(node, f'site-install {OTHER}\n' + names('host other.apps.test', line))
        assert answer == f'error conflict another site has the name {line.split()[1]}\n', answer
    ok(node, f'user-remove {OTHER}')
    node.run(['rm', '/opt/nanoscale/certificates/shop.test.pem', '/opt/nanoscale/certificates/none.test.pem'])


def test_challenges_are_answered_for_every_name(project):
    node, path = project, '/opt/nanoscale/acme/webroot/.well-known/acme-challenge'
    assert node.owner_and_mode('/opt/nanoscale/acme/webroot') == 'nanoscale:www-data 2750'
    node.run(['bash', '-c', f'mkdir -p {path} && printf answer > {path}/token && ln -s /etc/passwd {path}/link'], user='nanoscale')
    ok(node, f'site-install {ID}\n' + names('host helper.apps.test', 'secure_host shop.test', 'redirect_host www.shop.test shop.test', 'allow 203.0.113.0/24', 'gate 1',
                                            'maintenance 1'))
    wait_until(lambda: Answer(node, 'http://helper.apps.test/pid').status == 403, 60, 0.5, 'the site to be closed')
    for host in ('helper.apps.test', 'shop.test', 'www.shop.test', 'unknown.test'):
        answer = Answer(node, f'http://{host}/.well-known/acme-challenge/token')
        assert (answer.status, answer.body, answer.fields['content-type']) == (200, 'answer', 'text/plain'), host
        for missing in ('link', 'none', ''):
            assert Answer(node, f'http://{host}/.well-known/acme-challenge/{missing}').status in (403, 404), (host, missing)
    node.run(['rm', '-r', '/opt/nanoscale/acme/webroot/.well-known'])


# One that is to end says so in its title, and takes no more connections.
WORKERS = r'''for (glob "/proc/[0-9]*/cmdline") { open(my $f, "<", $_) or next; local $/; my $c = <$f> // ""; $c =~ s/\0+$//; print "$_\n" if $c eq "nginx: worker process" }'''


@pytest.mark.parametrize('static', [0, 1])
def test_protections_of_a_site(project, static):
    node, gate = project, f'/opt/nanoscale/gates/{ID}'
    if static:
        make_static(node, ID, 3, **{'index.html': 'files'})
        ok(node, f'live-static {ID} 3')

    def workers():
        """Of nginx, those that still take connections."""
        found = set(node.output('perl', '-e', WORKERS).splitlines())
        assert found, 'nginx has no worker'
        return found

    def install(*lines):
        before = workers()
        ok(node, f'site-install {ID}\n' + names('host helper.apps.test', f'static {static}', *lines))
        if lines:  # else the site may be as it was, and nothing is reloaded
            wait_until(lambda: not before & workers(), 60, 0.1, 'workers with the new configuration alone')

    def get(*options):
        return Answer(node, 'http://helper.apps.test/' if static else 'http://helper.apps.test/headers', *options)

    def wait(status, *options):
        wait_until(lambda: get(*options).status == status, 60, 0.5, f'status {status}')
    install()
    wait(200)
    hash_ = node.output('openssl', 'passwd', '-6', '-stdin', input='s3cret')
    node.write(gate, f'visitor:{hash_}\n', 0o640, 'nanoscale:www-data')
    install('gate 1')
    wait(401)
    wait(401, '-u', 'visitor:wrong')  # a worker of before that is about to close may take one more
    answer = get('-u', 'visitor:s3cret')
    assert answer.status == 200 and 'uthorization' not in answer.body
    node.run(['rm', gate])
    assert get('-u', 'visitor:s3cret').status == 403
    install('allow 203.0.113.0/24', 'allow 2001:db8::/32')
    wait(403)
    install('allow 203.0.113.0/24', 'allow 127.0.0.0/8')
    wait(200)
    install('headers 1', 'hsts 1')
    wait_until(lambda: 'x-frame-options' in get().fields, 60, 0.5, 'the header fields')
    fields = get().fields
    assert (fields['x-content-type-options'], fields['x-frame-options'], fields['referrer-policy']) == ('nosniff', 'SAMEORIGIN', 'strict-origin-when-cross-origin')
    assert 'strict-transport-security' not in fields
    install('rate 1')
    many = ['curl', '-s', '-Z', '--parallel-immediate', '--noproxy', '*', '-o', '/dev/null', '-w', '%{http_code} ', '-H', 'Host: helper.apps.test', 'http://127.0.0.1/?[1-30]']
    wait_until(lambda: '429' in node.output(*many), 60, 0.5, 'the limit')
    install('maintenance 1')
    wait(503)
    answer = Answer(node, 'http://helper.apps.test/any/file.js')
    assert answer.status == 503 and 'maintenance' in answer.body and answer.fields['retry-after'] == '300' and answer.fields['cache-control'] == 'no-store'
    install('maintenance 0', 'gate 0', 'rate 0', 'headers 0', 'hsts 0')
    wait(200)


def test_acme_answers_the_agent_alone(node):
    """What the program says before certbot has its turn."""
    client = CLIENT.replace('helper.sock', 'acme.sock')
    text = 'host shop.test\nserver https://acme.test/dir\nchallenge hook\nhook /nonexistent/hook\nend\n'
    assert node.owner_and_mode('/run/nanoscale/acme.sock') == 'root:nanoscale 0660'
    said = node.run(['perl', '-e', client], input=text, user='nanoscale', check=False, timeout=180).stdout
    assert said == 'error other /nonexistent/hook is not an executable file that root alone can write to\n'
    assert 'Permission denied' in node.run(['perl', '-e', client], input=text, user='www-data', check=False).stderr
    argv = ['setpriv', '--reuid=www-data', '--regid=nanoscale', '--clear-groups', '--', 'perl', '-e', client]

    def one_free():  # MaxConnections=1: the one before may not be over yet
        answer = node.run(argv, input=text, check=False).stdout
        return answer and answer == 'error other only the agent may ask\n'
    wait_until(one_free, 60, 0.5, 'the refusal')


def test_the_helper_is_small(node):
    """What root runs fits into an afternoon's reading: fewer than 1,000 lines of code, comments and blank lines aside."""
    import pathlib
    lines = [line.strip() for path in (pathlib.Path(__file__).parents[2] / 'agent/helper').glob('*.[ch]') for line in path.read_text().splitlines()]
    code = [line for line in lines if line and not line.startswith(('/*', '*', '//'))]
    assert 300 < len(code) < 1000
