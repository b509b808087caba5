# SPDX-License-Identifier: AGPL-3.0-or-later
"""An orchestrator with two workers: how they join, what the orchestrator does on them, and how they leave."""
import contextlib
import json
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

import cluster
from apps_inline import api
from cluster import (AGENT, IDENTITY, LIMIT, Stream, ask, begin, call, configure, create, database, deploy, deployments, finish, install, join, join_by_hand, join_string,
                     make_candidate, make_orchestrator, new_tls_key, pin, restart_agent, server, wait_offline, wait_online)
from loadclient import SERVER, Load, check_posts, posts_of
from nodes import BASE_DOMAIN, net, wait_until
from nodes.cache import settings
from switching import url

# The load client's app, which also prints a line when it is asked to, and says what is in its environment.
TALKER = SERVER.replace("  if (kind === 'get') {", "  if (kind === 'say') {\n    console.log(`said ${id}`);\n    response.end(id);\n"
                        "  } else if (kind === 'env') {\n    response.end(JSON.stringify(process.env[id] ?? null));\n  } else if (kind === 'get') {", 1)


def talker(marker, **package):
    return {'package.json': json.dumps({'name': 'app', 'private': True, 'scripts': {'start': 'node server.js'}, **package}),
            'server.js': TALKER.replace('MARKER', marker)}


@pytest.fixture(scope='module')
def boss(lab, git):
    node = make_orchestrator(lab, 'boss')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def w1(lab, boss):
    node = make_candidate(lab, 'w1')
    command, = re.findall(r'^\s*(\./scripts/install\.sh --join \S+)$', boss.output('nanoscale', 'servers', 'add', '--no-wait'), re.MULTILINE)
    node.joined = node.run(['bash', *command.split(), '--base-domain', BASE_DOMAIN], cwd='/root/nanoscale', timeout=900, via='pid1')
    configure(node, settings())
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def w2(lab, boss):
    """Named `second`; what a test takes from it, it gives back."""
    node = make_candidate(lab, 'w2')
    join(boss, node, '--name', 'second')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def shop(boss, w1, git):
    """The project on w1 that most tests use: its id."""
    wait_online(boss, 'w1')
    git.create_repo('shop', talker('one'))
    said = boss.run(['nanoscale', 'deploy', git.url('shop'), '--name', 'shop', '--server', 'w1', '--env', 'COLOUR=red', '--env', 'PASSWORD=hunter2-hunter2'], timeout=600)
    assert 'shop.' + BASE_DOMAIN in said.stdout, said
    return ask(boss, 'GET', '/api/projects/shop')['id']


# --- joining -----------------------------------------------------------------------------------------------------------------------------------

def test_join_by_the_printed_command(boss, w1):
    shown = wait_online(boss, 'w1')
    assert (shown['ip_address'], shown['reason']) == (w1.address, None)
    assert shown['version'] == server(boss, 'boss')['version'] and shown['statistics']
    assert 'joined' in w1.joined.stdout
    assert w1.owner_and_mode(IDENTITY) == 'nanoscale:nanoscale 0600'
    # The key is sealed on both sides: neither file has it, and the answer to the join is the only time that it is on a wire.
    identity = json.loads(w1.read(IDENTITY))
    assert identity['server_id'] == shown['id'] and not re.search(r'"[0-9a-f]{64}"', json.dumps(identity['secret']))
    with contextlib.closing(database(boss)) as db:
        (sealed, known), = db.execute('SELECT secret_key, public_key FROM servers WHERE name = ?', ('w1',))
    assert known == pin(w1) and not re.fullmatch('[0-9a-f]{64}', sealed)


def test_a_second_run_of_the_installer_keeps_the_identity(boss, w1):
    before, key = w1.read(IDENTITY), pin(w1)
    w1.run(['/root/nanoscale/scripts/install.sh', '--yes'], timeout=900, via='pid1')
    assert (w1.read(IDENTITY), pin(w1)) == (before, key)
    wait_online(boss, 'w1')


def test_tokens_are_good_once_and_for_ten_minutes(lab, boss, w1):
    """What does not work leaves a candidate that is none; what works in the end uses the token that a mistake did not use up."""
    node = make_candidate(lab, 'w3')
    try:
        install(node, 'ns1.' + 'A' * 32 + f'.{pin(boss)}.{boss.address}:4000', check=False)
        assert not node.exists(IDENTITY)
        text = join_by_hand(node, 'ns1.' + 'A' * 32 + f'.{pin(boss)}.{boss.address}:4000', 'w3').stderr
        assert 'not one of this orchestrator' in text, text
        old = join_string(boss)
        with contextlib.closing(database(boss)) as db, db:
            db.execute('UPDATE join_tokens SET created_at_ms = created_at_ms - 601000, expires_at_ms = expires_at_ms - 601000 WHERE used_at_ms = 0')
        text = join_by_hand(node, old, 'w3').stderr
        assert 'has expired' in text and 'ten minutes' in text, text
        good = join_string(boss)
        # A name that is taken, and the key of another machine: refused, and the token is still good.
        text = join_by_hand(node, good, 'w1').stderr
        assert 'name w1 exists' in text and '--name' in text, text
        own = pin(node)
        node.run(['tee', '/opt/nanoscale/tls/public/pin'], input=pin(w1) + '\n')
        text = join_by_hand(node, good, 'w3').stderr
        assert 'w1 has the same TLS key' in text and '/opt/nanoscale/tls' in text, text
        node.run(['tee', '/opt/nanoscale/tls/public/pin'], input=own + '\n')
        assert not node.exists(IDENTITY)
        assert join_by_hand(node, good, 'w3').ok
        text = join_by_hand(node, good, 'w4').stderr
        assert 'has been used' in text, text
        with contextlib.closing(database(boss)) as db:
            assert good.split('.')[1] not in '\n'.join(map(str, db.execute('SELECT * FROM join_tokens')))
        restart_agent(node)
        wait_online(boss, 'w3')
        ask(boss, 'DELETE', '/api/servers/w3', status=204)
        assert good.split('.')[1] not in cluster.agent_journal(boss) + cluster.agent_journal(node) + boss.journal_text() + node.journal_text()
    finally:
        lab.remove(node)


class Impostor:
    """A TLS server with a key of its own at the hub's address; keeps what is sent to it after the handshake."""

    def __init__(self, lab, directory):
        self.address, self.handshakes, self.received = lab.hub.client, 0, b''
        files = [str(directory / name) for name in ('key.pem', 'cert.pem')]
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files[0], '-out', files[1],
                        '-days', '2', '-subj', '/CN=boss'], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(files[1], files[0])
        self.context.set_alpn_protocols(['h2', 'http/1.1'])
        with net.inside(lab.hub.namespace):
            self.listener = socket.create_server((self.address, 4000))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(LIMIT)
                with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as secure:
                    self.handshakes += 1
                    while b'seen' not in self.received and (piece := secure.recv(65536)):
                        self.received += piece

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_who_has_another_key_than_the_string_gets_no_token(lab, boss, w1, tmp_path):
    impostor = Impostor(lab, tmp_path)
    try:
        string = join_string(boss)
        result = join_by_hand(w1, string.replace(f'{boss.address}:', f'{impostor.address}:'), 'w9')
        assert not result.ok and 'another key' in result.stderr and 'do not join' in result.stderr, result
        assert string.split('.')[1].encode() not in impostor.received and b'POST' not in impostor.received and b'join' not in impostor.received
        # The same with the right key would have gone through: it is the key that was missed, not the server.
        assert w1.run(['curl', '-sk', '-m', str(LIMIT), '--http1.1', '-d', 'seen', f'https://{impostor.address}:4000/'], check=False).returncode in (52, 56)
        assert b'seen' in impostor.received and impostor.handshakes >= 2
    finally:
        impostor.close()


# --- an app on a worker ------------------------------------------------------------------------------------------------------------------------

def test_deployed_there_and_nowhere_else(boss, w1, shop):
    assert w1.wait_fetch(url('shop')).text == 'one'
    shown = api(boss, 'projects', 'show', 'shop')
    assert (shown['id'], shown['status'], shown['live_release'], shown['server']) == (shop, 'live', 1, 'w1')
    assert not boss.exists(f'/opt/nanoscale/sites/{shop}') and boss.fetch(url('shop')).status == 404
    assert [p['name'] for p in api(boss, 'projects', 'list')['projects']] == ['shop']
    # A worker's own command line shows what it has, and leaves changes to the orchestrator.
    assert [p['name'] for p in api(w1, 'projects', 'list')['projects']] == ['shop']
    refused = w1.run(['nanoscale', 'env', 'set', 'shop', 'A=1'], check=False)
    assert not refused.ok and 'orchestrator' in refused.stderr, refused


def test_redeployed_rolled_back_and_restarted_under_load(lab, boss, w1, shop, git):
    git.push('shop', talker('two'))
    with Load(lab, w1, f'shop.{BASE_DOMAIN}', connections=8, rate=60) as load:
        deploy(boss, 'shop')
        finish(boss, ask(boss, 'POST', '/api/projects/shop/rollback', {})['id'])
        finish(boss, ask(boss, 'POST', '/api/projects/shop/restart', {})['id'])
        result = load.stop()
    assert result['failed'] == 0 and result['ok'] == result['sent'] > 0 and result['instances'] >= 3, result
    assert check_posts(posts_of(w1, shop), result) == ([], [], [])
    assert w1.fetch(url('shop')).text == 'one'
    kinds = [d['kind'] for d in deployments(boss, 'shop')]
    assert kinds == ['restart', 'rollback', 'deploy', 'deploy'] and kinds == [d['kind'] for d in deployments(w1, 'shop')]
    assert [r['number'] for r in ask(boss, 'GET', '/api/projects/shop/releases')['releases']] == [2, 1]
    # The list of all projects has each of them, with the end that it came to.
    def listed():
        return [(d['id'], d['state']) for d in ask(boss, 'GET', '/api/deployments')['deployments'] if d['project'] == 'shop']
    def all_told():
        wanted = [(d['id'], 'live') for d in deployments(boss, 'shop')]
        assert listed() == wanted, (listed(), wanted)
        return True
    wait_until(all_told, LIMIT, 0.3, 'all that was told')


def test_events_and_log_of_a_deployment_come_from_there(boss, w1, shop):
    stream = Stream(boss, f'/api/deployments/{deployments(boss, "shop")[0]["id"]}/events')
    stream.wait_end()
    cluster.check_complete(stream)
    newest = [d['id'] for d in deployments(boss, 'shop') if d['kind'] == 'deploy'][0]
    here, there = (call(node, 'GET', f'/api/deployments/{newest}/log') for node in (boss, w1))
    assert here.body == there.body and here.headers['Content-Type'] == there.headers['Content-Type'] and len(here.body) > 100


def test_logs_are_followed_across_the_cluster(boss, w1, shop):
    stream = Stream(boss, '/api/logs/shop?lines=10&follow=1', resume=False)
    try:
        wait_until(lambda: stream.connections, LIMIT, 0.1, 'the stream has begun')
        for word in ('first', 'second'):
            assert w1.fetch(url('shop', f'/say/{word}')).text == word
            stream.wait_line(f'said {word}', 60)
    finally:
        stream.stop()
    text = boss.run(['nanoscale', 'logs', 'shop'], timeout=LIMIT).stdout
    assert 'said first' in text and 'said second' in text


def test_variables_are_set_there_and_shown_masked_here(boss, w1, shop):
    assert w1.fetch(url('shop', '/env/COLOUR')).json() == 'red'
    shown = ask(boss, 'PATCH', '/api/projects/shop/env', {'set': {'COLOUR': 'blue', 'NEW': 'x'}, 'unset': ['PASSWORD']})
    assert {e['key'] for e in shown['env']} == {'COLOUR', 'NEW'} and shown['changed_since_deploy']
    assert w1.fetch(url('shop', '/env/COLOUR')).json() == 'red'
    finish(boss, ask(boss, 'POST', '/api/projects/shop/restart', {})['id'])
    # A connection to the one before that is not older than two seconds is used once more.
    wait_until(lambda: [w1.fetch(url('shop', f'/env/{key}')).json() for key in ('COLOUR', 'NEW', 'PASSWORD')] == ['blue', 'x', None], 30, 0.1,
               'the new variables')
    shown = call(boss, 'GET', '/api/projects/shop/env')
    assert 'blue' not in shown.text and not shown.json()['changed_since_deploy']
    refused = call(boss, 'PATCH', '/api/projects/shop/env', {'set': {'A=B': 'x'}})
    assert refused.status == 422 and refused.json()['type'] == 'invalid-env'


def test_settings_are_checked_there_and_taken_back_here(boss, w1, shop):
    assert ask(boss, 'PATCH', '/api/projects/shop', {'memory_mib': 300})['memory_mib'] == 300
    assert ask(w1, 'GET', '/api/projects/shop')['memory_mib'] == 300
    # The worker's shortest time is its own setting, which this orchestrator does not know: the refusal is the worker's, and nothing has changed.
    refused = call(boss, 'PATCH', '/api/projects/shop', {'idle_seconds': 1})
    assert refused.status == 422 and refused.json()['field'] == 'idle_seconds'
    assert [ask(node, 'GET', '/api/projects/shop')['idle_seconds'] for node in (boss, w1)] == [900, 900]


def test_another_name_there_or_nowhere(boss, w1, shop):
    def names():
        return [ask(node, 'GET', f'/api/projects/{shop}')['name'] for node in (boss, w1)]
    assert ask(boss, 'PATCH', '/api/projects/shop', {'name': 'store'})['host'] == f'store.{BASE_DOMAIN}'
    assert names() == ['store', 'store']
    entry, = ask(boss, 'GET', '/api/audit?action=project.change&project=shop&limit=1')['entries']
    assert (entry['detail'], entry['target'], entry['status']) == ('name', 'store', 200)
    assert w1.wait_fetch(url('store')).text == 'one' and w1.wait_fetch(url('shop'), status=404)
    # What the worker has to refuse: its old address is one of its domains there.
    ask(boss, 'POST', '/api/projects/store/domains', {'name': f'store.{BASE_DOMAIN}'}, status=201)
    refused = call(boss, 'PATCH', '/api/projects/store', {'name': 'shop'})
    assert refused.status == 409 and refused.json()['field'] == 'name' and 'Remove that domain first' in refused.json()['detail']
    assert names() == ['store', 'store']
    ask(boss, 'DELETE', f'/api/projects/store/domains/store.{BASE_DOMAIN}', status=204)
    # A name does not wait for a server that is away, as other settings do.
    w1.run(['systemctl', 'stop', *cluster.UNITS])
    try:
        for known_to_be_away in (False, True):
            refused = call(boss, 'PATCH', '/api/projects/store', {'name': 'shop'})
            assert refused.status == 503, refused
            assert 'store' in [p['name'] for p in ask(boss, 'GET', '/api/projects')['projects'] if p['id'] == shop]
            assert call(boss, 'GET', '/api/projects/shop').status == 404
            if not known_to_be_away:
                wait_offline(boss, 'w1', '')
    finally:
        w1.run(['systemctl', 'start', *cluster.UNITS[:-1]])
    wait_online(boss, 'w1')
    # Nor does it stay when whoever asked does not wait for a server that hangs; what others change meanwhile does.
    w1.run(['systemctl', 'kill', '--kill-who=main', '--signal=STOP', AGENT])
    try:
        asking = threading.Thread(target=lambda: pytest.raises(OSError, call, boss, 'PATCH', '/api/projects/store', {'name': 'shop'}, 4))
        asking.start()
        time.sleep(1)
        assert ask(boss, 'PATCH', f'/api/projects/{shop}', {'memory_mib': 333})['pending']
        asking.join()
        wait_until(lambda: [(p['name'], p['memory_mib']) for p in ask(boss, 'GET', '/api/projects')['projects'] if p['id'] == shop] == [('store', 333)],
                   LIMIT, 0.1, 'the old name')
    finally:
        w1.run(['systemctl', 'kill', '--kill-who=main', '--signal=CONT', AGENT])
    wait_online(boss, 'w1')
    wait_until(lambda: ask(w1, 'GET', f'/api/projects/{shop}')['memory_mib'] == 333 and names() == ['store', 'store'], LIMIT, 0.3, 'both agree')
    ask(boss, 'PATCH', '/api/projects/store', {'name': 'shop', 'memory_mib': 300})
    assert names() == ['shop', 'shop']
    assert w1.wait_fetch(url('shop')).text == 'one'


def test_sleep_and_wake_there(boss, w1, shop):
    assert ask(boss, 'POST', '/api/projects/shop/sleep', {'kind': 'asleep'})['status'] == 'sleeping'
    assert ask(boss, 'GET', '/api/projects/shop')['sleep']['kind'] == 'asleep'
    # A visitor wakes it without anybody's help; at first the instance that is about to stop may answer.
    wait_until(lambda: w1.fetch(url('shop'), timeout=LIMIT).text == 'one' and ask(boss, 'GET', '/api/projects/shop')['status'] == 'live', LIMIT, 1,
               'it is awake, and the orchestrator sees it')
    assert ask(boss, 'POST', '/api/projects/shop/sleep', {'kind': 'armed'})['sleep']['kind'] == 'armed'
    ask(boss, 'POST', '/api/projects/shop/wake', {})
    wait_until(lambda: ask(boss, 'GET', '/api/projects/shop')['status'] == 'live', LIMIT, 0.3, 'it is awake')
    # Written down when the app has taken its first request.
    wait_until(lambda: [w['kind'] for w in ask(boss, 'GET', '/api/projects/shop/wakes')['wakes']] == ['armed', 'asleep'], LIMIT, 0.3, 'both wakes')
    assert ask(boss, 'GET', '/api/projects/shop/wakes') == ask(w1, 'GET', '/api/projects/shop/wakes')


def test_statistics_come_from_there(boss, w1, shop):
    assert ask(boss, 'GET', '/api/projects/shop')['statistics'].keys() == ask(w1, 'GET', '/api/projects/shop')['statistics'].keys()
    assert ask(boss, 'GET', '/api/projects/shop/statistics').keys() == ask(w1, 'GET', '/api/projects/shop/statistics').keys()
    assert server(boss, 'w1')['statistics'].keys() == server(boss, 'boss')['statistics'].keys()
    assert ask(boss, 'GET', '/api/servers/w1/statistics').keys() == ask(boss, 'GET', '/api/servers/boss/statistics').keys()


def test_cancel_there(boss, w1, shop, git):
    git.push('shop', talker('never', scripts={'start': 'node server.js', 'build': 'node -e "setTimeout(() => {}, 600000)"'}))
    deployment = begin(boss, 'shop')
    wait_until(lambda: ask(boss, 'GET', f'/api/deployments/{deployment}')['state'] == 'build', LIMIT, 0.3, 'it builds')
    refused = call(boss, 'POST', '/api/projects/shop/deployments', {})
    assert refused.status == 409 and refused.json()['type'] == 'deployment-running'
    assert ask(boss, 'POST', f'/api/deployments/{deployment}/cancel', {})
    finish(boss, deployment, 'canceled')
    assert w1.fetch(url('shop')).text == 'one'
    wait_until(lambda: not w1.output('systemctl', 'list-units', '--state=active,activating,deactivating', '--no-legend', 'nanoscale-build-*'), LIMIT, 0.3, 'the build is stopped')


# --- domains -----------------------------------------------------------------------------------------------------------------------------------

def holds(node, text):
    """Whether the agent's memory has this text anywhere."""
    return node.run(['perl', '-e', '''my $text = <STDIN>; chomp $text; my $pid = $ARGV[0]; open my $maps, "<", "/proc/$pid/maps" or die; open my $mem, "<", "/proc/$pid/mem" or die;
for (<$maps>) { /^(\\w+)-(\\w+) rw/ or next; my ($at, $end) = (hex $1, hex $2); sysseek $mem, $at, 0; my $all = "";
while ($at < $end) { my $n = sysread $mem, $all, $end - $at, length $all or last; $at += $n } print "found\\n" if index($all, $text) >= 0 }''',
                     node.output('systemctl', 'show', '--value', '--property=MainPID', AGENT).strip()], input=text + '\n').stdout


def test_a_domain_there_gets_its_certificate_there(lab, boss, w1, shop, authority, tmp_path):
    name, pem = 'far.test', '/opt/nanoscale/certificates/far.test.pem'
    resolver, config, path = w1.read('/etc/resolv.conf'), w1.read(cluster.CONFIG), f'/api/projects/shop/domains/{name}'
    authority.point(name, w1.address)
    w1.write('/etc/resolv.conf', f'nameserver {authority.node.address}\n')
    configure(w1, authority.settings())
    wait_online(boss, 'w1')

    def wait_for(**wanted):
        return wait_until(lambda: (o := ask(boss, 'GET', path)) and {key: o[key] for key in wanted} == wanted and o, 300, 0.3, f'{name}: {wanted}')

    def warned():
        return [w['sentence'] for w in server(boss, 'w1')['warnings'] if name in w['sentence']]

    def put(directory):
        body = {'chain': (directory / f'{name}.pem').read_text(), 'key': (directory / f'{name}.key').read_text()}
        return call(boss, 'PUT', f'{path}/certificate', body), body['key'].splitlines()[1]
    try:
        assert ask(boss, 'POST', '/api/projects/shop/domains', {'name': name})['name'] == name
        assert wait_for(state='valid')['not_after']
        wait_until(lambda: w1.fetch(f'https://{name}/', ca=authority.root()).text == 'one', LIMIT, 0.2, f'https://{name}/')
        assert w1.owner_and_mode(pem) == 'nanoscale:www-data 0640' and not boss.exists(pem) and not warned()
        wait_until(lambda: [d['state'] for d in ask(boss, 'GET', '/api/domains')['domains'] if d['name'] == name] == ['valid'], LIMIT, 0.3, 'the list says so as well')
        # A key that is brought passes through the orchestrator.
        for directory, days in (('other', 100), ('brought', 10)):
            (tmp_path / directory).mkdir()
            lab.cache.sign(tmp_path / directory, name, days=days)
        (tmp_path / 'other' / f'{name}.key').write_text((tmp_path / 'brought' / f'{name}.key').read_text())
        answer, key = put(tmp_path / 'other')
        assert answer.status == 422 and answer.json()['field'] == 'key', answer
        answer, key = put(tmp_path / 'brought')
        assert answer.status == 200 and answer.json()['source'] == 'own', answer
        wait_until(lambda: w1.fetch(f'https://{name}/', ca=authority.ca).text == 'one', LIMIT, 0.2, 'the certificate that was brought')
        assert key not in answer.text and key not in boss.journal_text()
        # What parsed it keeps no copy. (On the orchestrator the buffers of the connection to w1, which are nghttp2's, go on to hold the last frames.)
        assert holds(w1, name) and not holds(w1, key)
        wait_for(source='own', ends_soon=True)
        assert len(wait_until(warned, LIMIT, 0.3, 'a warning')) == 1
        ask(boss, 'DELETE', path, status=204)
        wait_until(lambda: not w1.exists(pem) and not warned(), LIMIT, 0.3, 'nothing is left of it')
    finally:
        w1.write('/etc/resolv.conf', resolver)
        w1.run(['tee', cluster.CONFIG], input=config)
        restart_agent(w1)
        wait_online(boss, 'w1')


# --- class D of docs/design/5-security.md ------------------------------------------------------------------------------------------------------

def files_of_project(node, project):
    """Path and content of every file that NanoScale made for a project outside its own directory, without what names this one."""
    shown = ask(node, 'GET', f'/api/projects/{project}')
    paths = node.output('find', '/etc', '/run/nanoscale', '/opt/nanoscale', '-xdev', '-path', f'*{shown["id"]}*', '(', '-type', 'f', '-o', '-type', 'l', ')',
                        '-not', '-path', '/opt/nanoscale/sites/*', '-not', '-path', '/opt/nanoscale/data/*').splitlines()
    uid = node.output('id', '-u', f'nanoscale-{shown["id"]}')

    def neutral(text):
        for word, instead in ((shown['id'], 'ID'), (project, 'NAME'), (uid, 'UID'), (shown['live_commit'], 'COMMIT'), (shown['latest_deployment']['id'], 'DEPLOYMENT')):
            text = text.replace(word, instead)
        return text
    found = {}
    for path in paths:
        kind = node.output('stat', '-c', '%F %a %U:%G', '--', path)
        content = node.output('readlink', path) if kind.startswith('symbolic') else node.read(path)
        found[neutral(path)] = (neutral(kind), neutral(content))
    return found


def test_the_same_project_is_rendered_alike_here_and_there(boss, w1, shop, git):
    draft = {'memory_mib': 200, 'cpu_percent': 150, 'tasks_max': 99, 'health_path': '/say/health', 'port': 4321, 'idle_seconds': 120, 'drain_seconds': 7,
             'env': {'PLAIN': 'x', 'HARD': 'a "b" \'c\' $d `e` \\f %n\n#;\t{}'}, 'domain': 'NAME.example.org'}
    for name, where in (('twina', 'boss'), ('twinb', 'w1')):
        git.create_repo(name, talker('twin'))
        create(boss, git, name, where, **{**draft, 'domain': f'{name}.example.org'})
        deploy(boss, name)
    here, there = files_of_project(boss, 'twina'), files_of_project(w1, 'twinb')
    assert len([p for p in here if p.startswith('/etc/systemd/system/')]) >= 3 and any('nginx' in p for p in here), here.keys()
    assert here.keys() == there.keys()
    assert {p: (here[p], there[p]) for p in here if here[p] != there[p]} == {}
    assert [node.fetch(url(name, '/env/HARD')).json() for node, name in ((boss, 'twina'), (w1, 'twinb'))] == [draft['env']['HARD']] * 2
    for name in ('twina', 'twinb'):
        ask(boss, 'DELETE', f'/api/projects/{name}', status=204)


# --- moving ------------------------------------------------------------------------------------------------------------------------------------

def move_of(boss, name):
    return ask(boss, 'GET', f'/api/projects/{name}').get('move')


def wait_move(boss, name, *states):
    """Until the move is in one of these states (None: over, and the old place is removed), and not in another final one."""
    def reached():
        state = (move_of(boss, name) or {}).get('state')
        assert state in states or state not in ('failed', None), move_of(boss, name)
        return [state] if state in states else None
    return wait_until(reached, 300, 0.2, f'the move of {name} is {states}')[0]


@pytest.fixture(scope='module')
def mover(boss, w1, w2, git):
    """A project on w1 that moves around."""
    wait_online(boss, 'w1')
    wait_online(boss, 'second')
    git.create_repo('mover', talker('one'))
    create(boss, git, 'mover', 'w1', install_command='', build_command='', env={'COLOUR': 'green'})
    deploy(boss, 'mover')
    return ask(boss, 'GET', '/api/projects/mover')['id']


def test_moves_under_load_and_no_request_fails(lab, boss, w1, w2, mover):
    host = f'mover.{BASE_DOMAIN}'
    with Load(lab, w1, host, connections=4, rate=40) as before:
        asked = ask(boss, 'POST', '/api/projects/mover/move', {'server': 'second', 'linger_seconds': 20})
        assert asked['move']['state'] == 'queued' and asked['server'] == 'w1', asked
        assert call(boss, 'POST', '/api/projects/mover/deployments', {}).json()['type'] == 'project-moving'
        assert call(boss, 'DELETE', '/api/projects/mover').json()['type'] == 'project-moving'
        wait_move(boss, 'mover', 'lingering')
        with Load(lab, w2, host, connections=4, rate=40) as after:  # names point there from now on
            time.sleep(3)
            there = after.stop()
        here = before.stop()
    for result in (here, there):
        assert result['failed'] == 0 and result['ok'] == result['sent'] > 0, result
    shown = ask(boss, 'GET', '/api/projects/mover')
    assert (shown['server'], shown['status'], shown['id']) == ('second', 'live', mover), shown
    assert w2.fetch(url('mover', '/env/COLOUR')).json() == 'green'
    wait_move(boss, 'mover', None)
    assert call(w1, 'GET', f'/api/projects/{mover}').status == 404
    assert w1.output('find', '/opt/nanoscale/sites', '/etc/systemd/system', '/etc/nginx', '-name', f'*{mover}*') == ''
    assert w2.fetch(url('mover')).text == 'one'


def test_a_move_that_fails_leaves_everything_as_it_was(boss, w1, w2, mover):
    ask(boss, 'PATCH', '/api/projects/mover', {'build_command': 'node not-there.js'})
    ask(boss, 'POST', '/api/projects/mover/move', {'server': 'w1'})
    wait_move(boss, 'mover', 'failed')
    assert 'build' in move_of(boss, 'mover')['failure'] or 'failed' in move_of(boss, 'mover')['failure']
    shown = ask(boss, 'GET', '/api/projects/mover')
    assert (shown['server'], shown['status']) == ('second', 'live'), shown
    assert w2.fetch(url('mover')).text == 'one'
    assert call(w1, 'GET', f'/api/projects/{mover}').status == 404
    ask(boss, 'PATCH', '/api/projects/mover', {'build_command': ''})


def test_a_move_goes_on_after_the_agent_was_killed(boss, w1, w2, mover):
    """To the orchestrator's own node, which is one as any other; killed in each of its states."""
    name = ask(boss, 'GET', '/api/servers')['servers'][0]['name']
    assert name == 'boss'
    ask(boss, 'POST', '/api/projects/mover/move', {'server': 'boss', 'linger_seconds': 2})
    for _ in range(3):
        boss.run(['systemctl', 'kill', '--kill-who=main', '-s', 'KILL', AGENT])
        boss.wait_active(AGENT, LIMIT)
        wait_until(lambda: call(boss, 'GET', '/api/health').status == 200, LIMIT, 0.2, 'the agent')
        time.sleep(1.5)
    state = wait_move(boss, 'mover', None, 'failed', 'lingering')
    if state == 'failed':  # a build that the agent did itself ends with it; that is said, and nothing is lost
        assert w2.fetch(url('mover')).text == 'one'
        ask(boss, 'POST', '/api/projects/mover/move', {'server': 'boss', 'linger_seconds': 2})
    wait_move(boss, 'mover', None)
    assert boss.fetch(url('mover')).text == 'one'
    assert call(w2, 'GET', f'/api/projects/{mover}').status == 404


def test_a_server_is_drained_and_takes_projects_again(boss, w1, w2, mover, git):
    said = boss.run(['nanoscale', 'projects', 'move', 'mover', 'second', '--yes', '--linger', '1'], timeout=600)
    assert 'mover is live on second' in said.stdout, said
    wait_move(boss, 'mover', None)
    said = boss.run(['nanoscale', 'servers', 'drain', 'second', '--yes', '--linger', '1'], timeout=600, check=False)
    assert said.ok, said
    assert server(boss, 'second')['draining'] and server(boss, 'second')['projects'] == 0
    where = ask(boss, 'GET', '/api/projects/mover')['server']
    assert where in ('boss', 'w1') and {'boss': boss, 'w1': w1}[where].fetch(url('mover')).text == 'one'
    refused = call(boss, 'POST', '/api/projects', {'name': 'late', 'repo_url': git.url('mover'), 'server': 'second'})
    assert refused.json()['type'] == 'server-draining', refused
    boss.run(['nanoscale', 'servers', 'undrain', 'second'])
    assert not server(boss, 'second')['draining']
    boss.run(['nanoscale', 'projects', 'delete', 'mover', '--yes'])


# --- keys and addresses ------------------------------------------------------------------------------------------------------------------------

def test_a_changed_key_of_a_worker_is_shown_and_not_accepted(boss, w2):
    before = wait_online(boss, 'second')
    w2.run(['cp', '-a', '/opt/nanoscale/tls', '/root/tls-kept'])
    new_tls_key(w2)
    # Also calls over a connection that was open end: nginx lets its old processes go when they are idle.
    shown = wait_offline(boss, 'second', 'key')
    assert shown['id'] == before['id']
    refused = call(boss, 'POST', '/api/projects', {'name': 'nowhere', 'repo_url': 'https://git.test/nowhere.git', 'server': 'second'})
    assert refused.status == 503 and refused.json()['type'] == 'server-offline' and 'key' in refused.json()['detail']
    with contextlib.closing(database(boss)) as db:
        (known,), = db.execute('SELECT public_key FROM servers WHERE name = ?', ('second',))
    assert known != pin(w2)
    w2.run(['rm', '-rf', '/opt/nanoscale/tls'])
    w2.run(['mv', '/root/tls-kept', '/opt/nanoscale/tls'])
    w2.run(['systemctl', 'reload', 'nginx.service'])
    wait_online(boss, 'second')


def test_another_shared_key(boss, w1, shop):
    for _ in range(3):
        before = w1.read(IDENTITY)
        assert ask(boss, 'POST', '/api/servers/w1/rotate-key', {})['status'] == 'online'
        assert ask(boss, 'GET', '/api/projects/shop/releases')['releases']
        # The first call with it makes it the only one; which is on the disk, sealed, before anything is answered.
        after = json.loads(w1.read(IDENTITY))
        assert after['secret'] != json.loads(before)['secret'] and 'next' not in after
    for node in (w1, boss):
        restart_agent(node)
        # A node that was just started takes no request of the second in which it began.
        wait_until(lambda: call(boss, 'GET', '/api/projects/shop/releases').status == 200, LIMIT, 0.3, 'calls go on')
    # What an interrupted exchange leaves: the worker has a next key that the orchestrator never used. The old one is good, and the next exchange works.
    assert ask(boss, 'POST', '/api/servers/w1/rotate-key', {})['status'] == 'online'
    assert ask(boss, 'GET', '/api/projects/shop/releases')['releases']


def other_address(node):
    return node.address.rsplit('.', 1)[0] + '.2' + node.address.rsplit('.', 1)[1]


def test_a_worker_that_moves_says_so(boss, w2):
    wait_online(boss, 'second')
    new = other_address(w2)
    w2.run(['ip', 'address', 'add', f'{new}/24', 'dev', 'eth0'])
    configure(w2, {'cluster': {'address': new}})
    wait_until(lambda: server(boss, 'second')['ip_address'] == new, LIMIT, 0.3, 'the new address is known')
    wait_online(boss, 'second')
    configure(w2, {'cluster': {'address': w2.address}})
    wait_until(lambda: server(boss, 'second')['ip_address'] == w2.address, LIMIT, 0.3, 'the old address is back')
    w2.run(['ip', 'address', 'del', f'{new}/24', 'dev', 'eth0'])
    wait_online(boss, 'second')


def test_an_orchestrator_that_moves_is_served_on(boss, w1, shop):
    """Workers do not find it any more, and need not: it calls them."""
    new = other_address(boss)

    def move(old, now):
        boss.run(['ip', 'address', 'del', f'{old}/24', 'dev', 'eth0'])
        boss.run(['ip', 'address', 'add', f'{now}/24', 'dev', 'eth0'])
        boss.run(['ip', 'route', 'replace', 'default', 'via', boss.lab.hub.gateway])
    move(boss.address, new)
    try:
        restart_agent(w1)
        restart_agent(boss)
        assert not w1.run(['curl', '-sk', '-m', '5', f'https://{boss.address}:4000/api/health'], check=False).ok
        wait_until(lambda: call(boss, 'GET', '/api/projects/shop/releases').status == 200, LIMIT, 0.3, 'calls go on')
        wait_online(boss, 'w1')
        finish(boss, ask(boss, 'POST', '/api/projects/shop/restart', {})['id'])
        assert w1.fetch(url('shop')).text == 'one'
    finally:
        move(new, boss.address)
        restart_agent(boss)  # or the kernel takes half a minute to find out that its connections are dead
    wait_online(boss, 'w1')


# --- leaving -----------------------------------------------------------------------------------------------------------------------------------

def test_deleted_here_gone_there(boss, w1, shop):
    ask(boss, 'DELETE', '/api/projects/shop', status=204)
    for node in (boss, w1):
        assert call(node, 'GET', '/api/projects/shop').status == 404
    left = w1.output('find', '/etc', '/run', '/opt/nanoscale', '/var/lib', '-xdev', '-path', f'*{shop}*')
    assert left == '' and shop not in w1.read('/etc/passwd')
    assert w1.fetch(url('shop')).status == 404
    assert shop not in w1.output('systemctl', 'list-units', '--all', '--no-legend', 'nanoscale-*')


def test_the_same_machine_joins_again_with_its_projects(boss, w2, git):
    before = wait_online(boss, 'second')
    git.create_repo('stays', talker('stays'))
    project = create(boss, git, 'stays', 'second')['id']
    deploy(boss, 'stays')
    w2.run(['systemctl', 'stop', *cluster.UNITS])
    w2.run(['rm', IDENTITY])
    result = join_by_hand(w2, join_string(boss), 'second')
    assert result.ok, result
    w2.run(['systemctl', 'start', *cluster.UNITS])
    after = wait_online(boss, 'second')
    assert after['id'] == before['id'] and after['projects'] == 1
    git.push('stays', talker('stays on'))
    deploy(boss, 'stays')
    assert w2.fetch(url('stays')).text == 'stays on' and ask(w2, 'GET', '/api/projects/stays')['id'] == project


def test_a_server_with_projects_is_removed_by_force_and_they_serve_on(boss, w2):
    refused = call(boss, 'DELETE', '/api/servers/second')
    assert refused.status == 409 and refused.json()['type'] == 'server-in-use' and '1 project is on second' in refused.json()['detail']
    assert not boss.run(['nanoscale', 'servers', 'remove', 'second', '--yes'], check=False).ok
    boss.run(['nanoscale', 'servers', 'remove', 'second', '--force', '--yes'])
    assert call(boss, 'GET', '/api/servers/second').status == 404 and call(boss, 'GET', '/api/projects/stays').status == 404
    assert 'has been removed from the cluster' in cluster.agent_journal(w2)
    assert w2.fetch(url('stays')).text == 'stays on'
    # It is its own master now, also after a restart.
    restart_agent(w2)
    w2.run(['nanoscale', 'restart', 'stays'], timeout=LIMIT)
    assert w2.fetch(url('stays')).text == 'stays on'
    assert call(boss, 'DELETE', '/api/servers/boss').status == 409


def test_a_dead_server_is_removed_and_learns_of_it(lab, boss, git):
    node = make_candidate(lab, 'w4')
    try:
        join(boss, node)
        wait_online(boss, 'w4')
        node.power_kill()
        ask(boss, 'DELETE', '/api/servers/w4', status=204)
        assert [s['name'] for s in ask(boss, 'GET', '/api/servers')['servers'] if s['name'] == 'w4'] == []
        node.boot()
        node.wait_active(cluster.AGENT, LIMIT)
        wait_until(lambda: 'has been removed from the cluster' in cluster.agent_journal(node), LIMIT, 0.5, 'it learns that it was removed')
        assert json.loads(node.read(IDENTITY))['removed_at_ms'] > 0
    finally:
        lab.remove(node)
