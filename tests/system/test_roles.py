# SPDX-License-Identifier: AGPL-3.0-or-later
"""install.sh and the roles of nodes: the key that stays, strings to join with, who may not become what, and which ports ufw opens to whom."""
import re
import threading

import pytest

from apps_inline import processes
from gateway import LIMIT, pin_of, secure
from nodes import install, wait_until

PLACE = '/root/nanoscale'
TLS = '/opt/nanoscale/tls'
CONFIG = '/opt/nanoscale/config/config.json'
TOKEN, PIN = 'T0ken' * 6 + 'ab', '0123456789abcdef' * 4
JOIN = f'ns1.{TOKEN}.{PIN}.bare.test:4000'


@pytest.fixture(scope='module')
def node(lab):
    node = lab.node('roles', 'installed')
    yield node
    lab.remove(node)


def installer(node, *arguments, **options):
    if '--uninstall' not in arguments:
        arguments = ('--dashboard', 'none', *arguments)
    return node.run(['bash', f'{PLACE}/scripts/install.sh', *arguments], check=False, cwd=PLACE, via='pid1', timeout=900, **options)


def test_again_keeps_the_key_and_repairs_the_rest(node):
    pin, key = node.read(f'{TLS}/public/pin'), node.read(f'{TLS}/key.pem')
    assert 'up to date' in install(node).stdout
    assert node.read(f'{TLS}/key.pem') == key
    node.run(['chmod', '0644', f'{TLS}/key.pem'])
    node.run(['rm', '-r', f'{TLS}/public', f'{TLS}/certificate.pem', '/etc/nginx/conf.d/nanoscale-gateway.conf'])
    repaired = installer(node)  # without a role: what is here
    assert repaired.ok, repaired.stderr
    assert (node.read(f'{TLS}/public/pin'), node.read(f'{TLS}/key.pem')) == (pin, key)
    assert node.owner_and_mode(f'{TLS}/key.pem') == 'root:root 0600'

    def served():
        with secure(node) as connection:
            return pin_of(connection.getpeercert(True)) == pin.strip()
    wait_until(served, LIMIT, 0.5, 'port 4000 after the repair')


def test_a_node_of_an_older_version_gets_the_door_beside_other_sites(node_maker):
    """The agent runs without the second socket; and a site of the administrator's answers for unknown names on 443."""
    node = node_maker('older')
    confs = [f'/etc/nginx/conf.d/nanoscale-{name}.conf' for name in ('gateway', 'panel')]
    node.run(['systemctl', 'disable', '--now', 'nanoscale-gateway.socket'])
    node.run(['rm', '-r', '/etc/systemd/system/nanoscale-gateway.socket', TLS, *confs])
    node.run(['systemctl', 'daemon-reload'])
    node.run(['systemctl', 'reset-failed', 'nanoscale-agent.socket', 'nanoscale-agent.service'], check=False)
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    node.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=other', '-keyout', '/etc/nginx/other.key',
              '-out', '/etc/nginx/other.pem'])
    node.write('/etc/nginx/conf.d/other.conf', 'server { listen 443 ssl default_server; listen [::]:443 ssl default_server ipv6only=on; ssl_certificate other.pem; '
                                               'ssl_certificate_key other.key; return 200 other; }\n')
    done = installer(node)
    assert done.ok and 'on port 443' in done.stdout, done
    assert [node.exists(path) for path in confs] == [True, False]
    assert node.state('nanoscale-gateway.socket') == 'active'
    pid = node.state('nanoscale-agent.service', 'MainPID')
    assert 'gateway' in re.search(r'LISTEN_FDNAMES=([^\0]*)', node.read(f'/proc/{pid}/environ'))[1]
    assert node.wait_fetch('https://node/', timeout=LIMIT).text == 'other'
    wait_until(lambda: 'Not found' in node.fetch('https://node:4000/').text, LIMIT, 0.5, 'port 4000')
    node.run(['rm', '/etc/nginx/conf.d/other.conf'])
    assert installer(node).ok and node.exists(confs[1])
    node.wait_fetch('https://node/', 404, timeout=LIMIT)


def test_a_broken_key_is_not_replaced(node):
    key = node.read(f'{TLS}/key.pem')
    node.write(f'{TLS}/key.pem', 'broken', 0o600)
    refused = installer(node)
    assert not refused.ok and 'key.pem' in refused.stderr and 'remedy' in refused.stderr
    assert node.read(f'{TLS}/key.pem') == 'broken'
    node.write(f'{TLS}/key.pem', key, 0o600)
    assert installer(node).ok


def everything(node):
    return node.output('find', '/opt', '/etc', '/run/nanoscale', '/usr/local', '-newermt', '1970-01-02', '-not', '-path', '/etc/.pwd.lock', '-type', 'f', '-printf', '%p %T@ %m %U\\n', check=False)


def test_an_orchestrator_does_not_become_a_worker(node):
    before = everything(node)
    refused = installer(node, '--join', JOIN)
    assert not refused.ok and 'orchestrator' in refused.stderr and '--uninstall' in refused.stderr
    assert TOKEN not in refused.stdout + refused.stderr
    refused = installer(node, '--role', 'orchestrator', '--join', JOIN)
    assert not refused.ok and '--join' in refused.stderr
    assert everything(node) == before


@pytest.mark.parametrize('text', ['ns1', 'ns2' + JOIN[3:], JOIN[:-5], JOIN + '00', JOIN + ' x', JOIN.replace(PIN, PIN.upper()), JOIN.replace(TOKEN, TOKEN[1:]),
                                  JOIN.replace('bare.test', 'bare.test;id'), JOIN.replace('bare.test', '$(id).test'), JOIN.replace('bare.test', '0.0.0.0'),
                                  JOIN.replace('bare.test', '2001:db8::1'), JOIN.replace('4000', '0'), JOIN + 'x' * 400, ''])
def test_a_malformed_string_is_refused_before_anything_is_done(bare_node, text):
    node = bare_node
    node.put(__file__.rsplit('/tests/', 1)[0] + '/scripts/install.sh', f'{PLACE}/scripts/install.sh')
    before, packages = everything(node), node.output('dpkg-query', '-W')
    for arguments, given in ((['--join', '-'], text + '\n'), (['--join', text], '')):
        refused = node.run(['bash', f'{PLACE}/scripts/install.sh', *arguments], check=False, input=given)
        assert refused.returncode == 1 and '--join' in refused.stderr and 'remedy' in refused.stderr, refused
        assert TOKEN[1:] not in refused.stdout + refused.stderr
    assert (everything(node), node.output('dpkg-query', '-W')) == (before, packages)
    assert node.output('find', '/run', '-name', 'nanoscale*') == ''


def test_a_worker_does_not_become_an_orchestrator(bare_node):
    node = bare_node
    node.put(__file__.rsplit('/tests/', 1)[0] + '/scripts/install.sh', f'{PLACE}/scripts/install.sh')
    node.run(['install', '-d', '/opt/nanoscale/config'])
    node.write(CONFIG, '{ "role" :\n"worker" }\n')
    try:
        for arguments, word in ((['--role', 'orchestrator'], 'worker'), (['--role', 'worker'], '--join'), ([], '--join')):
            refused = node.run(['bash', f'{PLACE}/scripts/install.sh', *arguments], check=False)
            assert not refused.ok and word in refused.stderr and 'remedy' in refused.stderr
        assert node.output('find', '/opt/nanoscale', '-type', 'f') == CONFIG
    finally:
        node.run(['rm', '-r', '/opt/nanoscale'])


def rules(node):
    return {line for line in node.output('ufw', 'show', 'added').splitlines() if line.startswith('ufw ')}


@pytest.fixture
def unjoined(node_maker, bare_node):
    """A worker whose join did not succeed, as a power cut in the middle leaves it. Its orchestrator, bare.test, has nothing on port 4000."""
    node = node_maker('worker')
    node.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-gateway.socket', 'nanoscale-web.socket', 'nanoscale-agent.service'])
    node.run(['sed', '-i', 's/"orchestrator"/"worker"/', CONFIG])
    node.write('/root/string', JOIN + '\n', 0o600)
    return node


def who_shows_the_token(node):
    """Processes with the token in their arguments, which every user can read, and files that hold it."""
    shown = [words for _, words in processes(node) if TOKEN in words]
    kept = node.output('grep', '-rl', '-e', f'{TOKEN[:16]}[{TOKEN[16]}]{TOKEN[17:]}', '/opt', '/etc', '/run', '/tmp', '/var/log', '/var/lib', '/root/.bash_history', check=False)
    return shown, kept.split()


def test_the_string_is_in_no_argument_and_stays_nowhere(unjoined):
    node, done = unjoined, []
    # ufw is to be installed, and the lock of dpkg is taken: so the installer stands still where it can be looked at.
    node.write('/root/lock.py', 'import fcntl, os, time\nf = open("/var/lib/dpkg/lock-frontend", "w")\nfcntl.lockf(f, fcntl.LOCK_EX)\nopen("/root/locked", "w").close()\n'
                                'while not os.path.exists("/root/unlock"):\n    time.sleep(0.1)\n')
    locker = threading.Thread(target=lambda: node.run(['python3', '/root/lock.py'], timeout=900))
    locker.start()
    try:
        wait_until(lambda: node.exists('/root/locked'), LIMIT, 0.2, 'the lock of dpkg')
        command = ['bash', '-c', f'exec {PLACE}/scripts/install.sh --with-ufw --join "$(cat /root/string)"']
        run = threading.Thread(target=lambda: done.append(node.run(command, check=False, via='pid1', cwd=PLACE, timeout=900)))
        run.start()
        wait_until(lambda: {'script', 'apt'} <= {'apt' if 'apt-get -y' in words and ' install ' in words else 'script' if 'install.sh --with-ufw --join -' in words else ''
                                                 for _, words in processes(node)}, 300, 0.2, 'the installer at its packages')
        shown, _ = who_shows_the_token(node)
    finally:
        node.run(['touch', '/root/unlock'])
    locker.join(LIMIT)
    run.join(900)
    assert shown == []
    # Nobody answers at that address: it says so, and the agent of a node that belongs nowhere is not started.
    refused, = done
    assert refused.returncode == 1 and 'join' in refused.stderr and 'bare.test' in refused.stderr and 'remedy' in refused.stderr, refused
    assert TOKEN not in refused.stdout + refused.stderr + node.journal_text()
    assert who_shows_the_token(node) == ([], [])
    assert node.state('nanoscale-agent.service') != 'active'


def can_reach(node, other, port):
    return node.run(['timeout', '20', 'bash', '-c', f'exec 3<>/dev/tcp/{other.address}/{port}'], check=False).ok


def test_ufw_opens_4000_of_a_worker_to_its_orchestrator_alone(unjoined, bare_node, node):
    worker = unjoined
    # What a join leaves behind, with another orchestrator's content: the rules are made from the address, before the agent looks at it.
    worker.write('/opt/nanoscale/config/identity.json', '{}\n', 0o600, 'nanoscale:nanoscale')
    worker.run(['tee', '-a', '/opt/nanoscale/lib/installed'], input=f'orchestrator bare.test 4000 {PIN}\n')
    installer(worker, '--with-ufw')
    rule = 'ufw allow from {} to any port 4000 proto tcp'
    assert {'ufw allow 22/tcp', 'ufw allow 80/tcp', 'ufw allow 443/tcp', rule.format(bare_node.address)} == rules(worker)
    assert can_reach(bare_node, worker, 4000)
    assert can_reach(node, worker, 443) and not can_reach(node, worker, 4000)
    # The orchestrator's name moves to another address, and the rule with it.
    hosts = worker.read('/etc/hosts').replace(f'{bare_node.address} bare bare.test', f'{node.address} bare.test')
    worker.run(['tee', '/etc/hosts'], input=hosts)
    installer(worker)
    assert rule.format(node.address) in rules(worker) and rule.format(bare_node.address) not in rules(worker)
    assert can_reach(node, worker, 4000) and not can_reach(bare_node, worker, 4000)
    # The same string again goes on from there; another one does not.
    again = installer(worker, '--join', '-', input=JOIN)
    assert 'joined before' in again.stdout
    other = installer(worker, '--join', '-', input=JOIN.replace(PIN, PIN[::-1]))
    assert not other.ok and 'belongs to the orchestrator bare.test' in other.stderr and 'remedy' in other.stderr
    off = installer(worker, '--uninstall', '--yes')
    assert off.ok and rules(worker) == set(), off


def test_ufw_opens_4000_of_an_orchestrator_and_uninstall_closes_all(node):
    done = installer(node, '--with-ufw')
    assert done.ok, done.stderr
    assert {'ufw allow 22/tcp', 'ufw allow 80/tcp', 'ufw allow 443/tcp', 'ufw allow 4000/tcp'} <= rules(node)
    for port in (80, 443, 4000):
        node.connect(port, LIMIT).close()
    off = installer(node, '--uninstall', '--yes')
    assert off.ok, off.stderr
    assert rules(node) == set()
    assert 'inactive' in node.output('ufw', 'status')
    assert node.output('find', '/etc/nginx', '/opt', '/run', '-name', '*nanoscale*') == ''
    open_ports = {re.search(r':(\d+)$', line.split()[3])[1] for line in node.output('ss', '-Htln').splitlines()}
    assert open_ports <= {'80'}
