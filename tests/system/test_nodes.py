# SPDX-License-Identifier: AGPL-3.0-or-later
"""The test nodes themselves: a verb that does not do what it says makes every other test worthless."""
import json
import re
import ssl
import time

import pytest

from nodes import CommandFailed, Lab, Link, wait_until

SERVER = '''#!/bin/sh
exec perl -MIO::Socket::INET -e '
my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 9, ReuseAddr => 1) or die $!;
while (my $c = $s->accept) { my $n = ""; while (my $l = <$c>) { last if $l =~ /^\\r?$/; $n = $1 if $l =~ /^Host: (\\S+)/i }
print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($n) . "\\r\\n\\r\\n$n"; close $c }'
'''


@pytest.fixture(scope='module')
def served(bare_node):
    """The bare node with a tiny HTTP server that answers the host name it was asked for; perl is in every Debian."""
    bare_node.write('/usr/local/bin/serve', SERVER, 0o755)
    bare_node.write('/etc/systemd/system/serve.service', '[Service]\nExecStart=/usr/local/bin/serve\n[Install]\nWantedBy=multi-user.target\n')
    bare_node.run(['systemctl', 'enable', '--now', 'serve.service'])
    bare_node.wait_fetch('http://one.test:8000/')
    return bare_node


def test_base_is_a_bare_server(bare_node):
    assert bare_node.output('systemctl', 'is-system-running', '--wait') == 'running'
    assert bare_node.output('cat', '/proc/1/comm') == 'systemd'
    for program in ('sudo', 'nginx', 'gcc', 'git', 'curl', 'node', 'python3'):
        assert not bare_node.run(['which', program], check=False).ok, program
    assert not bare_node.exists('/opt/nanoscale')


def test_run_reports_code_output_and_time(bare_node):
    assert bare_node.run(['cat'], input='two\nlines').stdout == 'two\nlines'
    assert bare_node.run(['false'], check=False).returncode == 1
    with pytest.raises(CommandFailed, match='nowhere'):
        bare_node.run(['ls', '/nowhere'])
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        bare_node.run(['sleep', '600'], timeout=1)
    assert time.monotonic() - start < 120
    # Nothing of it goes on in the node; its PID 1 may need a moment to collect it.
    wait_until(lambda: 'sleep' not in bare_node.output('bash', '-c', 'cat /proc/[0-9]*/comm', check=False).split(), what='the end of the command')


def test_run_as_user_and_through_pid_1(bare_node):
    assert bare_node.output('id', '-un', user='www-data') == 'www-data'
    assert bare_node.output('id', '-un', user='www-data', via='pid1') == 'www-data'
    capabilities = re.search(r'CapEff:\s*(\S+)', bare_node.output('cat', '/proc/self/status', via='pid1'))[1]
    assert not int(capabilities, 16) & 1 << 16, 'a process of the node may not load kernel modules'
    assert bare_node.output('env', env={'COLOUR': 'a b'}, via='pid1').count('COLOUR=a b') == 1
    assert bare_node.output('pwd', cwd='/var/log', via='pid1') == '/var/log'


def test_environment_of_the_machine_stays_outside(bare_node, monkeypatch):
    monkeypatch.setenv('SSL_CERT_FILE', '/leak')
    assert '/leak' not in bare_node.output('env')


def test_copy_in_and_out(bare_node, tmp_path):
    (tmp_path / 'in/sub').mkdir(parents=True)
    (tmp_path / 'in/sub/file').write_bytes(b'\0\xff data')
    (tmp_path / 'in/link').symlink_to('sub/file')
    bare_node.put(tmp_path / 'in', '/srv/copied')
    assert bare_node.read('/srv/copied/link', binary=True) == b'\0\xff data'
    assert bare_node.owner_and_mode('/srv/copied/sub/file').startswith('root:root')
    bare_node.get('/srv/copied', tmp_path / 'out')
    assert (tmp_path / 'out/copied/sub/file').read_bytes() == b'\0\xff data'
    bare_node.write('/srv/secret', 'x', 0o640, 'root:www-data')
    assert bare_node.owner_and_mode('/srv/secret') == 'root:www-data 0640'


def test_fetch_sends_the_host_name(served):
    assert served.fetch('http://one.test:8000/').text == 'one.test'
    assert served.fetch('http://one.test:8000/', host='two.test').text == 'two.test'


def test_journal_by_unit_and_namespace(bare_node):
    bare_node.run(['systemd-run', '-q', '--wait', '--unit=talk', 'echo', 'plain line'])
    bare_node.run(['systemd-run', '-q', '--wait', '--unit=whisper', '-p', 'LogNamespace=aside', 'echo', 'line aside'])
    assert 'plain line' in bare_node.journal_text('talk.service')
    assert 'line aside' not in bare_node.journal_text('whisper.service')
    wait_until(lambda: 'line aside' in bare_node.journal_text('whisper.service', namespace='aside'), every=0.2)


# Where cgroups are v1, MemorySwapMax says nothing: a machine with swap would swap the zeros out for minutes.
HUNGRY = 'f=/sys/fs/cgroup/memory$(sed -n s/.*:memory://p /proc/self/cgroup)/memory.swappiness; [ ! -e "$f" ] || echo 0 >"$f"; exec tail /dev/zero'


@pytest.mark.parametrize('properties, argv, result', [
    (['MemoryMax=40M', 'MemorySwapMax=0'], ['bash', '-c', HUNGRY], ('signal', 'oom-kill')),
    (['TasksMax=5'], ['perl', '-e', 'for (1 .. 9) { my $pid = fork; exit 3 unless defined $pid; sleep 30, exit unless $pid }'], ('exit-code',)),
])
def test_limits_are_enforced(bare_node, properties, argv, result):
    options = [x for p in properties for x in ('-p', p)]
    bare_node.run(['systemd-run', '-q', '--wait', '--unit=limited', '-p', 'RemainAfterExit=no', *options, *argv], check=False, timeout=180)
    assert bare_node.state('limited.service', 'Result') in result
    bare_node.run(['systemctl', 'reset-failed', 'limited.service'])


def test_package_sources_work(bare_node):
    bare_node.run(['apt-get', 'update', '-qq'], timeout=300, via='pid1')
    assert 'Candidate: 1' in bare_node.output('apt-cache', 'policy', 'nginx-light')


def test_cut_and_join(served):
    served.cut()
    with pytest.raises(OSError):
        served.fetch('http://one.test:8000/', timeout=1)
    served.join()
    served.wait_fetch('http://one.test:8000/')


def test_silent_cut_is_one_way(lab, served, node_maker):
    other = node_maker('other', 'bare')

    def reaches(seconds):
        return other.run(['timeout', str(seconds), 'bash', '-c', '</dev/tcp/$0/8000', served.address], check=False).returncode
    assert reaches(120) == 0
    served.silent_cut(other)
    assert reaches(3) == 124
    served.wait_fetch('http://one.test:8000/')
    lab.heal()
    assert reaches(120) == 0


def test_pause_is_a_hung_host(served):
    served.pause()
    try:
        with served.connect(8000) as s:  # the kernel still accepts
            s.sendall(b'GET / HTTP/1.0\r\nHost: x\r\n\r\n')
            s.settimeout(1)
            with pytest.raises(TimeoutError):
                s.recv(1)
    finally:
        served.resume()
    served.wait_fetch('http://one.test:8000/')


def test_power_kill_and_boot_on_the_same_disk(node_maker):
    node = node_maker('power', 'bare')
    node.write('/srv/kept', 'kept')
    identity = node.read('/etc/machine-id')
    first = node.output('cat', '/proc/sys/kernel/random/boot_id'), node.leader
    node.power_kill()
    assert not node.running
    with pytest.raises(RuntimeError, match='not running'):
        node.run(['true'])
    node.boot()
    assert node.read('/srv/kept') == 'kept'
    assert node.read('/etc/machine-id') == identity
    assert node.leader != first[1]
    assert len([e for e in node.journal(boot=None) if 'Journal started' in e.get('MESSAGE', '')]) >= 2
    node.reboot()
    assert node.output('systemctl', 'is-system-running', '--wait') == 'running'


def test_git_server_is_trusted_by_nodes_and_by_no_one_else(lab, git):
    first = git.create_repo('sample', {'README': 'one\n', 'up': Link('/etc/shadow')})
    second = git.push('sample', {'README': 'two\n', 'gone': None}, 'second\n\nwith a body', 'Eve <eve@example.test>')
    side = git.push('sample', {'side': 'x'}, branch='feature/side')
    assert len({first, second, side}) == 3 and re.fullmatch('[0-9a-f]{40}', second)
    client = git.node
    env = {'GIT_SSL_CAINFO': '/etc/ssl/certs/ca-certificates.crt'}
    refs = client.output('git', 'ls-remote', git.url('sample'), env=env)
    assert f'{second}\trefs/heads/main' in refs and f'{side}\trefs/heads/feature/side' in refs
    client.run(['git', 'clone', '-q', '--depth', '1', git.url('sample'), '/root/sample'], env=env)
    assert client.read('/root/sample/README') == 'two\n'
    assert client.output('git', '-C', '/root/sample', 'log', '-1', '--format=%an %ae %s') == 'Eve eve@example.test second'
    assert client.output('readlink', '/root/sample/up') == '/etc/shadow'
    assert client.fetch('https://git.test/sample.git/HEAD', ca=lab.cache.authority() / 'ca.pem').status == 200
    with pytest.raises(ssl.SSLError):
        client.fetch('https://git.test/sample.git/HEAD', ca='/etc/ssl/certs/ca-certificates.crt')
    assert client.fetch('https://git.test/sample.git/git-receive-pack', method='POST', body=b'').status == 404
    assert client.fetch('https://git.test/absent.git/info/refs').status == 404


def test_registry_is_reached_from_a_node(bare_node):
    from nodes.machine import npm_registry
    import urllib.parse
    url = npm_registry()
    assert url, 'npm on this machine names no registry'
    host = urllib.parse.urlsplit(url).hostname
    bare_node.run(['bash', '-c', 'exec 3<>/dev/tcp/$0/443', host], timeout=20)


def test_a_second_run_is_told_to_wait(lab):
    with pytest.raises(SystemExit, match='NANOSCALE_TEST_INSTANCE'):
        Lab(instance=lab.instance).start()


def test_failed_tests_keep_their_journals(bare_node, tmp_path):
    bare_node.run(['systemd-run', '-q', '--wait', 'echo', 'evidence of a failure'])
    kept = bare_node.collect(tmp_path)
    assert 'evidence of a failure' in (kept / 'journal.txt').read_text()
    assert (kept / 'console.log').exists()


def test_power_loss_takes_what_was_not_synced(node_maker):
    node = node_maker('loss', 'bare', disk_mib=512)
    node.run(['bash', '-c', 'echo kept >/srv/synced; sync /srv/synced /srv; sync -f /srv; echo lost >/srv/unsynced'])
    node.power_loss()
    node.boot()
    assert node.read('/srv/synced') == 'kept\n'
    assert not node.exists('/srv/unsynced')


def test_orchestrator_is_ready(orchestrator):
    orchestrator.wait_active('nanoscale-agent.service')
    config = json.loads(orchestrator.read('/opt/nanoscale/config/config.json'))
    assert config['builds']['ca'] == '/etc/ssl/certs/ca-certificates.crt'
    assert config['network']['allow_private_repositories'] is True
    assert orchestrator.owner_and_mode('/opt/nanoscale/config/config.json') == 'nanoscale:nanoscale 0640'


@pytest.fixture(scope='module')
def bare_vm(lab):
    node = lab.vm('vm0', 'bare')
    yield node
    lab.remove(node)


def test_vm_has_its_own_kernel_and_cgroup_v2(bare_vm):
    assert bare_vm.output('stat', '-f', '-c', '%T', '/sys/fs/cgroup') == 'cgroup2fs'
    assert bare_vm.output('systemd-detect-virt', check=False) in ('qemu', 'kvm')
    assert 'memory' in bare_vm.read('/sys/fs/cgroup/cgroup.controllers')


def test_vm_runs_copies_and_reaches_out(bare_vm, git):
    assert bare_vm.output('printf', '%s', 'a b\'c"$d') == 'a b\'c"$d'
    assert bare_vm.run(['cat'], input='in').stdout == 'in'
    assert bare_vm.output('id', '-un', user='www-data', via='pid1') == 'www-data'
    bare_vm.write('/srv/file', b'\0\xff', 0o640, 'root:www-data')
    assert bare_vm.read('/srv/file', binary=True) == b'\0\xff'
    assert bare_vm.owner_and_mode('/srv/file') == 'root:www-data 0640'
    bare_vm.run(['bash', '-c', 'exec 3<>/dev/tcp/git.test/443'], timeout=20)
    bare_vm.run(['apt-get', 'update', '-qq'], timeout=300)


def test_vm_enforces_memory_by_the_oom_killer(bare_vm):
    bare_vm.run(['systemd-run', '-q', '--wait', '--unit=limited', '-p', 'MemoryMax=40M', '-p', 'MemorySwapMax=0', 'tail', '/dev/zero'], check=False)
    assert bare_vm.state('limited.service', 'Result') == 'oom-kill'


def test_vm_pause_cut_and_power(bare_vm):
    bare_vm.pause()
    with pytest.raises(TimeoutError):
        bare_vm.run(['true'], timeout=3)
    bare_vm.resume()
    bare_vm.run(['true'], timeout=180)
    bare_vm.write('/srv/kept', 'kept')
    bare_vm.run(['sync'])
    bare_vm.power_kill()
    bare_vm.boot()
    assert bare_vm.read('/srv/kept') == 'kept'
    bare_vm.power_off()
    assert not bare_vm.running
    bare_vm.boot()
