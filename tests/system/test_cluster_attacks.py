# SPDX-License-Identifier: AGPL-3.0-or-later
"""Classes W, X and Y of docs/design/5-security.md: attacks on the protocol, an orchestrator that has turned against its worker, and a worker that has
turned against its orchestrator. Each enemy has a real key, and stands behind a real node's port 4000."""
import contextlib
import json
import os
import re
import socket
import time

import pytest

import signing
from apps_inline import node_app
from cluster import AGENT, LIMIT, agent_journal, ask, call, configure, finish, install, join_string, make_candidate, make_orchestrator, new_tls_key, pin, restart_agent, server
from gateway import answer_of, exchange, read_all, request, secure
from nodes import wait_until
from nodes.cache import settings
from switching import url

ENEMY_KEY = bytes(range(32))
VICTIM_ID = 'victim000001'  # what the hostile orchestrator calls its worker
ORCHESTRATOR_MEMORY = 48 * 1024 * 1024  # anonymous memory of an agent, whatever it is sent


class Enemy:
    """What the hostile node answers: to a joining worker as its orchestrator, to the true orchestrator as its worker."""

    def __init__(self):
        self.health, self.streams, self.others = (200, {}), {}, (404, {})

    def __call__(self, line, headers, body):
        method, target, _ = line.split(' ')
        if target == '/api/cluster/join':
            return 201, {'server_id': VICTIM_ID, 'secret_key': ENEMY_KEY.hex()}
        if target == '/internal/hello':
            return 200, {}
        if target == '/internal/health':
            return self.health
        for part, answer in self.streams.items():
            if part in target:
                return answer
        return self.others


@pytest.fixture(scope='module')
def enemy(lab):
    node = lab.node('enemy', 'installed')
    new_tls_key(node)
    with signing.Actor(node, Enemy()) as actor:
        yield actor
    lab.remove(node)


@pytest.fixture(scope='module')
def victim(lab, enemy):
    """A worker of the enemy's."""
    node = make_candidate(lab, 'victim')
    install(node, 'ns1.' + 'A' * 32 + f'.{pin(enemy.node)}.{enemy.node.address}:4000')
    configure(node, settings())
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def caller(victim):
    caller = signing.Caller(victim, VICTIM_ID, ENEMY_KEY)
    wait_until(lambda: caller.send('POST', '/internal/health', {})[0] == 200, LIMIT, 0.3, 'the worker answers its orchestrator')
    return caller


def main_pid(node):
    return int(node.state(AGENT, 'MainPID'))


def anonymous_memory(node):
    return int(re.search(r'RssAnon:\s+(\d+) kB', node.read(f'/proc/{main_pid(node)}/status'))[1]) * 1024


# --- Y: the protocol ---------------------------------------------------------------------------------------------------------------------------

def refusal_of(node, data):
    """All of an answer but its time."""
    with secure(node) as connection:
        connection.sendall(data)
        return re.sub(rb'(?m)^Date: .*\r\n', b'', read_all(connection))


def changed(signed, **values):
    """Headers of which some are other ones, or left out with None."""
    result = {**signed, **{f'X-Cluster-{name.capitalize()}': value for name, value in values.items()}}
    return {name: value for name, value in result.items() if value is not None}


def flip(digits, at):
    return digits[:at] + ('0' if digits[at] != '0' else '1') + digits[at + 1:]


def forgeries(caller):
    """Name and bytes of requests, each with one thing wrong."""
    target, body = '/internal/health', b'{"version": "0.2.0"}'

    def good(**options):
        return caller.signed('POST', target, body, **options)

    def sent(signed, method='POST', to=target, content=body):
        return signing.text(method, to, signed, content)
    now = int(time.time())
    for name in ('server', 'timestamp', 'nonce', 'signature', 'binding'):
        yield f'no {name}', sent(changed(good(), **{name: None}))
        yield f'empty {name}', sent(changed(good(), **{name: ''}))
    yield 'no header at all', sent({})
    for name in ('signature', 'binding'):
        for at in (0, 31, 63):
            right = good()
            yield f'{name} flipped at {at}', sent(changed(right, **{name: flip(right[f'X-Cluster-{name.capitalize()}'], at)}))
        right = good()[f'X-Cluster-{name.capitalize()}']
        for what, value in (('short', right[:63]), ('long', right + '0'), ('upper case', right.upper()), ('zero', '0' * 64)):
            yield f'{name} {what}', sent(changed(good(), **{name: value}))
    right = good()
    yield 'signature and binding swapped', sent(changed(right, signature=right['X-Cluster-Binding'], binding=right['X-Cluster-Signature']))
    yield 'binding of another request', sent(changed(good(), binding=good()['X-Cluster-Binding']))
    yield 'body truncated', sent(good(), content=body[:-1])
    yield 'body longer', sent(good(), content=body + b' ')
    yield 'body changed', sent(good(), content=body.replace(b'0.2.0', b'0.2.1'))
    yield 'body gone', sent(good(), content=b'')
    yield 'another path', sent(good(), to='/internal/leave')
    yield 'a query more', sent(good(), to=f'{target}?x')
    yield 'another query', sent(caller.signed('POST', f'{target}?a=1', body), to=f'{target}?a=2')
    yield 'another method', signing.text('GET', '/internal/projects/aaaaaaaaaaaa', caller.signed('DELETE', '/internal/projects/aaaaaaaaaaaa'))
    yield 'another server', sent(changed(good(), server='victim000002'))
    yield 'signed for another server', sent(changed(signing.headers(ENEMY_KEY, 'POST', target, 'victim000002', body), server=VICTIM_ID))
    for value in ('VICTIM000001', '../../../etc', 'victim00001', 'victim0000011', "' OR 1=1--  "):
        yield f'server {value!r}', sent(signing.headers(ENEMY_KEY, 'POST', target, value, body))
    yield 'another key', sent(signing.headers(bytes(32), 'POST', target, VICTIM_ID, body))
    for value in (f'+{now}', f'0{now}', f'0x{now:x}', f'{now}.0', f'-{now}', '', '0', '9' * 11, '9' * 19, f'{now} ', f'{now}\t1'):
        signed = good(timestamp=value)
        if value.strip() != str(now):
            yield f'timestamp {value!r}', sent(signed)
    for value in ('0' * 31, '0' * 33, 'A' * 32, 'g' * 32, '', '0' * 30 + '..'):
        yield f'nonce {value!r}', sent(good(nonce=value))
    # The boundary between body and timestamp, which the first MAC does not see.
    stamp = str(now)
    yield 'a digit moved from the timestamp to the body', sent(changed(good(timestamp=stamp), timestamp=stamp[1:]), content=body + stamp[:1].encode())


def test_every_refusal_looks_the_same(victim, caller):
    unknown = refusal_of(victim, signing.text('POST', '/internal/health', signing.headers(os.urandom(32), 'POST', '/internal/health', 'nobody000001', b'{}'), b'{}'))
    assert unknown.startswith(b'HTTP/1.1 401 ') and b'not accepted' in unknown
    names = []
    for name, data in forgeries(caller):
        names.append(name)
        answer = refusal_of(victim, data)
        # Who holds the key learns how far the clocks are apart, and nobody else does.
        if name.startswith('timestamp') and b'clock_difference_seconds' in answer:
            assert name in ("timestamp '0'", f"timestamp '{'9' * 11}'"), (name, answer)
        else:
            assert answer == unknown, (name, answer)
    assert len(names) >= 60
    assert caller.send('POST', '/internal/health', {})[0] == 200
    assert 'Refused a call to the gateway from ' in agent_journal(victim)


def test_a_request_counts_once(victim, caller):
    data = signing.text('POST', '/internal/health', caller.signed('POST', '/internal/health', b'{}'), b'{}')
    assert exchange(victim, data)[0] == 200
    for _ in range(3):
        assert exchange(victim, data)[0] == 401
    # A nonce again, in another request.
    nonce = os.urandom(16).hex()
    assert caller.send('POST', '/internal/health', {}, nonce=nonce)[0] == 200
    assert caller.send('POST', '/internal/health', {'x': 1}, nonce=nonce)[0] == 401
    # A forgery does not use up the nonce of the true one.
    signed = caller.signed('POST', '/internal/health', b'{}')
    assert exchange(victim, signing.text('POST', '/internal/health', changed(signed, signature='0' * 64), b'{}'))[0] == 401
    assert exchange(victim, signing.text('POST', '/internal/health', signed, b'{}'))[0] == 200


def test_a_restart_forgets_no_request(victim, caller):
    data = signing.text('POST', '/internal/health', caller.signed('POST', '/internal/health', b'{}'), b'{}')
    assert exchange(victim, data)[0] == 200
    restart_agent(victim)
    assert exchange(victim, data)[0] == 401
    wait_until(lambda: caller.send('POST', '/internal/health', {})[0] == 200, LIMIT, 0.5, 'new requests are accepted')
    assert exchange(victim, data)[0] == 401


def test_clocks(victim, caller):
    assert caller.send('POST', '/internal/health', {}, timestamp=int(time.time() + 25))[0] == 200
    # From before its start an agent accepts nothing: it does not know any more what it has seen.
    wait_until(lambda: caller.send('POST', '/internal/health', {}, timestamp=int(time.time() - 20))[0] == 200, LIMIT, 1, 'a clock that is 20 s behind')
    for offset in (-31, 60, 86400, -86400):
        status, answer = caller.send('POST', '/internal/health', {}, timestamp=int(time.time() + offset))
        assert status == 401 and abs(json.loads(answer)['clock_difference_seconds'] - offset) <= 30, answer


OPEN = ['/api/projects', '/api/servers', '/api/cluster/generate-token', '/metrics', '/api/health/../projects', '/internal', '/internal/', '/internal/exec',
        '/internal/hello', '/internal/projects', '/internal/projects/', '/internal/projects/aaaaaaaaaaaa/exec', '/internal/projects//restart',
        '/internal/projects/../../etc', '/internal/projects/%2e%2e/restart', '/internal/projects/aaaaaaaaaaaa%00/restart', '/internal/logs/', '/internal/files/x']


def test_what_is_not_in_the_list_is_not_there(victim, caller):
    listed = {('GET', '/api/health'), ('GET', '/metrics'), ('POST', '/internal/projects'), ('POST', '/internal/health')}
    for target in [*OPEN, '/internal/health', '/internal/deploy', '/internal/key', '/internal/leave']:
        for method in ('GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', *(['POST'] if target in OPEN else [])):
            if (method, target) not in listed:
                status, answer = caller.send(method, target)
                assert status in (400, 404, 405) and b'nanoscale' not in answer.lower(), (method, target, status, answer)
    assert caller.send('GET', '/metrics')[0] in (401, 403, 404)  # the key of nodes is no token for it
    assert caller.send('POST', '/internal/health', {})[0] == 200


def test_bodies_have_a_limit_before_who_asks_is_known(victim, caller):
    assert exchange(victim, request('POST', '/internal/deploy', body=b'x' * (64 * 1024 + 1)))[0] == 413
    assert exchange(victim, request('POST', '/internal/projects', body=b'x' * (1024 * 1024 + 1)))[0] == 413
    assert exchange(victim, request('POST', '/internal/projects', body=b'x' * (1024 * 1024)))[0] == 401


# --- W: a hostile orchestrator -----------------------------------------------------------------------------------------------------------------

NASTY = ['../../etc/passwd', '/etc/passwd', '..', '-rf', '--upload-pack=touch /tmp/pwned', '$(touch /tmp/pwned)', '`touch /tmp/pwned`', ';touch /tmp/pwned', '|touch /tmp/pwned',
         '&& touch /tmp/pwned', 'a\nb', 'a\rb', 'a\tb', 'a b', "a'b", 'a"b', 'a\\b', 'a%sb', '%n%n', '{{7*7}}', '\u202e', '\u0130', 'ä', '\x1b[2J', '\x7f', 'x' * 70000, '', ' ', '.',
         'a/../b', 'a//b', '~root', '*', '?', '!', '#', '@', '+', 'null', 'true', '0', 'NaN']
WRONG = [None, True, 0, -1, 1.5, 10 ** 18, [], {}, [[]], {'a': {}}]


def snapshot(node):
    """Every file of the node's own with its content's hash, but for what the system writes all the time, data of the agent, and what the project has
    (it may be put to sleep)."""
    where = ('/etc /usr/local /usr/bin /usr/sbin /root /home /srv /boot /tmp /var/tmp /var/spool /opt/nanoscale -xdev -not -path "/opt/nanoscale/data/*" '
             '-not -path "/opt/nanoscale/runtimes/*" -not -path "*/systemd-private-*" -not -path "/root/nanoscale/*"')
    script = f'find {where} -printf "%m %U %G %y %p %l\\n"; find {where} -type f -exec sha256sum {{}} +'
    return {line for line in node.output('sh', '-c', script, timeout=300).splitlines() if 'preyprey0001' not in line}


def hostile_calls(project):
    """Every route of a worker, with every nasty value in every place."""
    routes = [('GET', ''), ('DELETE', ''), ('GET', '/deployments'), ('GET', '/releases'), ('POST', '/rollback'), ('POST', '/restart'), ('POST', '/sleep'), ('POST', '/wake'),
              ('GET', '/wakes'), ('GET', '/statistics'), ('GET', '/env')]
    for bad in ('aaaaaaaaaaaa', 'nanoscale', 'AAAAAAAAAAAA', '..aaaaaaaaaa', 'root', 'a' * 63, 'a' * 64, '-rf', '0', '_', '~'):
        for method, rest in routes:
            yield method, f'/internal/projects/{bad}{rest}', {} if method == 'POST' else b''
        for method, path in (('GET', 'deployments/{}'), ('POST', 'deployments/{}/cancel'), ('GET', 'deployments/{}/log'), ('GET', 'deployments/{}/events'), ('GET', 'logs/{}')):
            yield method, '/internal/' + path.format(bad), {} if method == 'POST' else b''
    for bad in [*NASTY, *WRONG]:
        yield 'POST', '/internal/projects', {'id': bad, 'settings': {'name': 'x', 'repo_url': 'https://git.test/x.git'}, 'env': {}}
        yield 'POST', '/internal/projects', {'id': 'aaaaaaaaaaaa', 'settings': bad, 'env': {}}
        yield 'POST', '/internal/projects', {'id': 'aaaaaaaaaaaa', 'settings': {'name': 'x', 'repo_url': 'https://git.test/x.git'}, 'env': bad if bad != {} else []}
        for key in ('project', 'id', 'commit'):
            if bad is not None or key == 'project':
                yield 'POST', '/internal/deploy', {'project': project, 'branch': 'no-such-branch', **{key: bad}}
        yield 'POST', f'/internal/projects/{project}/rollback', {'release': bad if bad is not None else 'x'}
        yield 'POST', f'/internal/projects/{project}/restart', {'id': bad if bad is not None else 'x'}
        yield 'POST', f'/internal/projects/{project}/sleep', {'kind': bad if bad is not None else 'x'}
        yield 'POST', '/internal/key', {'secret_key': bad}
    for bad in FIELDS['branch']:
        if bad is not None:
            yield 'POST', '/internal/deploy', {'project': project, 'branch': bad}
    for key in ('LD_PRELOAD', 'LD_LIBRARY_PATH', 'LISTEN_FDS', 'NANOSCALE_RELEASE', 'PATH', 'HOME', 'PORT', 'A=B', 'A B', '', '1A', 'A\n', 'ä', '-', 'A' * 300):
        yield 'POST', '/internal/projects', {'id': project, 'settings': {}, 'env': {key: 'x'}}
    for value in ('x' * 40000, 'a\0b', *WRONG):
        yield 'POST', '/internal/projects', {'id': project, 'settings': {}, 'env': {'A': value}}
    yield 'POST', '/internal/projects', {'id': project, 'settings': {}, 'env': {f'K{n}': 'v' for n in range(2000)}}


# Fields of a project, and values that no check may let through.
FIELDS = {
    'name': [n for n in NASTY if n not in ('null', 'true', '0')] + WRONG[1:],
    'repo_url': ['file:///etc', 'http://git.test/x.git', 'ssh://git.test/x', 'https://user:pw@git.test/x.git', 'https://git.test/x.git --upload-pack=x', 'ext::sh -c id',
                 '-oProxyCommand=x', 'https://git.test/$(id).git', '', *WRONG],
    'branch': ['--upload-pack=x', '-b', '..', 'a..b', 'a b', 'a\nb', 'refs/heads/\x1b', '@{', 'a.lock', '', *WRONG],
    'root_directory': ['../..', '/etc', 'a/../../b', 'a\nb', 'a\0b', *WRONG],
    'static_directory': ['../..', '/etc', 'a/../../b', 'a\nb', *WRONG],
    'install_command': ['a; b', 'a && b', 'a | b', 'a $(b)', 'a `b`', 'a > /etc/passwd', 'a < b', 'a & b', 'a\nb', '"a', *WRONG],
    'start_command': ['a; b', 'a && b', 'a | b', 'a $(b)', 'a `b`', 'a > b', '', *WRONG],
    'node_version': ['../20', '20; id', 'latest', '', *WRONG],
    'domain': ['*.example.org', 'a b', 'a;b', 'a{b}', 'example.org;}', '-a.b', 'localhost', '1.2.3.4', 'a\nb.example.org', *WRONG[1:]],
    'health_path': ['x', '/a b', '/a\nb', '/;}', '/"', '/${x}', *WRONG],
    'port': [0, -1, 65536, 22.5, '3000', None], 'memory_mib': [0, -1, 10 ** 9, '1', None, 1.5], 'cpu_percent': [0, -1, 10 ** 9], 'tasks_max': [0, -1, 10 ** 9],
    'idle_seconds': [-1, 1, 10 ** 12], 'drain_seconds': [0, -1, 10 ** 9], 'exclusive': [0, 'yes', None], 'build_memory_mib': [0, 10 ** 9], 'build_seconds': [0, 10 ** 9],
}


def test_a_hostile_orchestrator_gets_into_its_projects_and_nowhere_else(victim, caller, git):
    git.create_repo('prey', node_app('prey'))
    settings_of = {'name': 'prey', 'repo_url': git.url('prey'), 'idle_seconds': 0}
    caller.ask('POST', '/internal/projects', {'id': 'preyprey0001', 'settings': settings_of, 'env': {'A': 'kept'}}, 201)
    caller.ask('POST', '/internal/deploy', {'project': 'preyprey0001', 'id': 'preydeploy01'}, 202)
    finish(victim, 'preydeploy01')
    before, pid, identity = snapshot(victim), main_pid(victim), victim.read('/opt/nanoscale/config/identity.json')
    shown = ask(victim, 'GET', '/api/projects/prey')

    wrong = []
    for method, target, body in hostile_calls('preyprey0001'):
        status, answer = caller.send(method, target, body)
        if status not in (400, 404, 409, 413, 422):
            wrong.append((method, target, str(body)[:200], status, answer[:200]))
    for field, values in FIELDS.items():
        for value in values:
            for project, more in (('preyprey0001', {}), ('aaaaaaaaaaaa', {'name': 'other', 'repo_url': git.url('prey')})):
                body = {'id': project, 'settings': {**more, field: value}, 'env': {'A': 'kept'}}
                status, answer = caller.send('POST', '/internal/projects', body)
                if status not in (400, 409, 422):
                    wrong.append((field, str(value)[:80], project, status, answer[:200]))
    # The name of another project it gets for none. Another one for its own it may give, as it may change any setting of it.
    assert caller.send('POST', '/internal/projects', {'id': 'bbbbbbbbbbbb', 'settings': settings_of, 'env': {}})[0] == 409
    caller.ask('POST', '/internal/projects', {'id': 'bbbbbbbbbbbb', 'settings': {**settings_of, 'name': 'other'}, 'env': {}}, 201)
    assert caller.send('POST', '/internal/projects', {'id': 'bbbbbbbbbbbb', 'settings': settings_of, 'env': {}})[0] == 409
    caller.ask('DELETE', '/internal/projects/bbbbbbbbbbbb', status=204)
    for name in ('prey2', 'prey'):
        caller.ask('POST', '/internal/projects', {'id': 'preyprey0001', 'settings': {**settings_of, 'name': name}, 'env': {'A': 'kept'}}, 200)
        assert victim.wait_fetch(url(name)).text == 'prey'
    assert victim.wait_fetch(url('prey2'), status=404)
    # What is no JSON, too deep, or twice there.
    for raw in (b'', b'{', b'[]', b'"x"', b'[' * 60000, b'{"a":' * 10000, b'{"id":"a","id":"b"}', b'\xff\xfe', b'{"id":"\x00"}', b'{"id":"\\u0000"}'):
        for target in ('/internal/projects', '/internal/deploy', '/internal/key', '/internal/projects/preyprey0001/sleep'):
            status, answer = caller.send('POST', target, raw)
            if status not in (400, 422) and not (raw == b'' and target.endswith('sleep')):
                wrong.append((target, raw[:20], status, answer[:200]))
    assert not wrong, '\n'.join(map(str, wrong))

    assert main_pid(victim) == pid and victim.read('/opt/nanoscale/config/identity.json') == identity
    after = snapshot(victim)
    assert (after - before, before - after) == (set(), set())
    assert not victim.exists('/tmp/pwned')
    assert [p['name'] for p in ask(victim, 'GET', '/api/projects')['projects']] == ['prey']
    now = ask(victim, 'GET', '/api/projects/prey')
    assert {k: v for k, v in now.items() if k in settings_of or k in ('start_command', 'domain', 'env_count')} == {
        k: v for k, v in shown.items() if k in settings_of or k in ('start_command', 'domain', 'env_count')}
    assert victim.fetch(url('prey')).text == 'prey' and victim.fetch(url('prey', '/env/A')).json() == 'kept'
    assert anonymous_memory(victim) < ORCHESTRATOR_MEMORY


def test_code_of_a_hostile_orchestrator_runs_as_its_project(victim, caller, git):
    """What it can do: deploy. As whom that runs, what it says."""
    git.create_repo('taken', node_app('taken'))
    caller.ask('POST', '/internal/projects', {'id': 'takentaken01', 'settings': {'name': 'taken', 'repo_url': git.url('taken'), 'idle_seconds': 0}, 'env': {}}, 201)
    caller.ask('POST', '/internal/deploy', {'project': 'takentaken01', 'id': 'takendeploy1'}, 202)
    finish(victim, 'takendeploy1')
    who = victim.wait_fetch(url('taken', '/who')).json()
    assert who['user'] == 'nanoscale-takentaken01' and who['uid'] >= 50000
    assert caller.send('DELETE', '/internal/projects/takentaken01')[0] == 204


def test_an_exchanged_key_makes_the_old_one_worthless(victim, caller):
    new = signing.Caller(victim, VICTIM_ID, bytes(range(1, 33)))
    assert new.send('POST', '/internal/health', {})[0] == 401
    caller.ask('POST', '/internal/key', {'secret_key': new.key.hex()})
    assert caller.send('POST', '/internal/health', {})[0] == 200, 'the old one is good until the new one is used'
    assert new.send('POST', '/internal/health', {})[0] == 200
    assert caller.send('POST', '/internal/health', {})[0] == 401
    restart_agent(victim)
    wait_until(lambda: new.send('POST', '/internal/health', {})[0] == 200, LIMIT, 0.5, 'the new key is good after a restart')
    assert caller.send('POST', '/internal/health', {})[0] == 401
    new.ask('POST', '/internal/key', {'secret_key': caller.key.hex()})
    assert caller.send('POST', '/internal/health', {})[0] == 200


# --- X: a hostile worker -----------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def boss(lab, git):
    """The true orchestrator, with a project of its own."""
    node = make_orchestrator(lab, 'aboss')
    git.create_repo('own', node_app('own'))
    ask(node, 'POST', '/api/projects', {'name': 'own', 'repo_url': git.url('own')})
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def hostile(boss, enemy):
    """The enemy as a worker of that one, under the name `hostile`: what it calls the orchestrator with."""
    string = join_string(boss)
    token = string.split('.')[1]
    body = {'token': token, 'name': 'hostile', 'ip': enemy.node.address, 'port': 4000, 'public_key': pin(enemy.node), 'version': '0.2.0'}
    status, answer = exchange(boss, request('POST', '/api/cluster/join', ['Content-Type: application/json'], json.dumps(body).encode()))
    assert status == 201, answer
    answer = json.loads(answer)
    return signing.Caller(boss, answer['server_id'], bytes.fromhex(answer['secret_key']))


def beat(enemy, hostile, answer):
    """Lets the orchestrator ask how its worker is, and have that answer."""
    enemy.answer.health = answer

    def asked():
        enemy.take()
        assert hostile.send('POST', '/internal/hello', {})[0] == 200
        wait_until(lambda: any('/internal/health' in line for line, _, _ in enemy.requests), 15, 0.05, 'the orchestrator asks')
        return True
    wait_until(asked, LIMIT, 0.1, 'the orchestrator asks')


def check_alive(boss, pid):
    start = time.monotonic()
    assert ask(boss, 'GET', '/api/servers')['servers'] and ask(boss, 'GET', '/api/projects')['projects'][0]['name'] == 'own'
    took = time.monotonic() - start
    assert took < 30, f'the orchestrator took {took:.1f} s to answer'
    assert main_pid(boss) == pid
    assert anonymous_memory(boss) < ORCHESTRATOR_MEMORY, anonymous_memory(boss)


def drip(connection):
    """An answer that never ends, a byte now and then."""
    connection.sendall(b'HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n{')
    for _ in range(40):
        connection.sendall(b' ')
        time.sleep(0.25)


def endless(connection):
    """An answer that never ends, as fast as it goes."""
    connection.sendall(b'HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n[')
    end = time.monotonic() + 20
    while time.monotonic() < end:
        connection.sendall(b'0,' * 50000)


def lies(own):
    many = 4 * 1000 * 1000
    yield 'nothing', (200, b'')
    yield 'no JSON', (200, b'<html>')
    yield 'a number', (200, b'1')
    yield 'a list', (200, b'[]')
    yield 'a list of lists', (200, b'{"x":[' + b'[],' * (many // 3 - 10) + b'[]]}')
    yield 'deep', (200, b'{"x":' + b'[' * (many - 10))
    yield 'deep and closed', (200, b'{"x":' + b'[' * 1500 + b']' * 1500 + b'}')
    yield 'long', (200, b'{"version":"' + b'x' * many + b'"}')
    yield 'too long', (200, b'{"version":"' + b'x' * (many * 3) + b'"}')
    yield 'names twice', (200, b'{"version":"1","version":"2"}')
    yield 'wrong kinds', (200, {'version': 7, 'statistics': 'x', 'projects': {'id': own}, 'projects_version': [], 'certificate_not_after': {}})
    yield 'wrong kinds in the list', (200, {'projects': [None, 1, 'x', [], {}, {'id': 5}, {'id': own}, {'id': own, 'name': 'stolen', 'status': 'failed', 'server': 'x'}]})
    yield 'many projects', (200, {'projects': [{'id': f'{n:012d}', 'name': f'p{n}'} for n in range(40000)]})
    yield 'control characters', (200, {'version': '1\n<3>Forged line\x1b[2J', 'name': '\x1b[2J'})
    yield 'elsewhere', (302, {})
    yield 'refused', (401, {'clock_difference_seconds': 10 ** 18})
    yield 'refused with a text', (401, {'clock_difference_seconds': '7; rm'})
    yield 'refused with a lie', (401, {'clock_difference_seconds': -47})
    yield 'gone', (410, {})
    yield 'an odd status', (599, {})
    yield 'dripping', drip
    yield 'endless', endless


def test_whatever_a_worker_says_of_itself(boss, enemy, hostile):
    pid, own = main_pid(boss), ask(boss, 'GET', '/api/projects/own')
    for name, answer in lies(own['id']):
        beat(enemy, hostile, answer)
        check_alive(boss, pid)
    beat(enemy, hostile, (200, {'version': '0.2.0'}))
    wait_until(lambda: server(boss, 'hostile')['status'] == 'online', LIMIT, 0.3, 'an honest answer counts again')
    assert ask(boss, 'GET', '/api/projects/own') == own
    shown = server(boss, 'hostile')
    assert len(json.dumps(shown)) < 65536
    lines = agent_journal(boss).splitlines()
    assert not any(line.startswith('Forged') or '\x1b' in line for line in lines)


def test_hello_of_one_worker_says_nothing_of_others(boss, hostile):
    """Its own address is all that it can change, and only to what can be a server's."""
    before = {s['name']: s['ip_address'] for s in ask(boss, 'GET', '/api/servers')['servers']}
    for address in ('0.0.0.0', '169.254.169.254', '224.0.0.1', '::', '../..', 'a b', 'x\ny', 7, None, [], 'x' * 300):
        assert hostile.send('POST', '/internal/hello', {'ip': address, 'server_id': 'x', 'name': 'boss'})[0] == 200
        assert {s['name']: s['ip_address'] for s in ask(boss, 'GET', '/api/servers')['servers']} == before, address
    data = signing.text('POST', '/internal/hello', hostile.signed('POST', '/internal/hello', b'{}'), b'{}')
    assert [exchange(boss, data)[0] for _ in range(2)] == [200, 401]
    for method, target in (('GET', '/api/projects'), ('POST', '/internal/projects'), ('POST', '/internal/deploy'), ('POST', '/internal/health'), ('DELETE', '/api/servers/boss')):
        assert hostile.send(method, target)[0] == 404
    assert signing.Caller(boss, VICTIM_ID, ENEMY_KEY).send('POST', '/internal/hello', {})[0] == 401


def test_a_second_join_with_its_key_and_floods_of_wrong_tokens(boss, hostile, enemy):
    body = {'token': 'A' * 32, 'name': 'hostile', 'ip': enemy.node.address, 'port': 4000, 'public_key': pin(enemy.node), 'version': '0.2.0'}
    for change in ({}, {'token': ''}, {'token': None}, {'token': 'x' * 7000}, {'name': '../x'}, {'public_key': 'x'}, {'port': 0}, {'ip': '::'}, {'version': 'x\ny'}):
        status, _ = exchange(boss, request('POST', '/api/cluster/join', ['Content-Type: application/json'], json.dumps({**body, **change}).encode()))
        assert status in (401, 403, 422, 429), (change, status)
    assert hostile.send('POST', '/internal/hello', {})[0] == 200


def flood(connection):
    connection.sendall(b'HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n')
    line = b'event: log\ndata: {"at":"2025-01-01T00:00:00.000Z","line":"' + b'x' * 4000 + b'","slot":"a"}\n\n'
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        connection.sendall(line * 16)


def silent(connection):
    connection.sendall(b'HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n')
    with contextlib.suppress(OSError):
        connection.recv(1)


def reader(boss, path):
    """A client of the orchestrator that asks for a stream, and reads nothing."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(LIMIT)
    s.connect(f'/proc/{boss.leader}/root/run/nanoscale/agent.sock')
    s.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
    return s


def test_streams_of_a_worker_hold_nobody_up(boss, enemy, hostile):
    pid = main_pid(boss)
    beat(enemy, hostile, (200, {'version': '0.2.0'}))
    wait_until(lambda: server(boss, 'hostile')['status'] == 'online', LIMIT, 0.3, 'it is online')
    enemy.answer.others = (200, b'[[[')  # to the project that is pushed to it, and to all else
    call(boss, 'POST', '/api/projects', {'name': 'trap', 'repo_url': 'https://git.test/trap.git', 'server': 'hostile'})
    project, = [p['id'] for p in ask(boss, 'GET', '/api/projects')['projects'] if p['name'] == 'trap']
    enemy.answer.streams = {f'/internal/logs/{project}': flood}
    fast = reader(boss, f'/api/logs/{project}?follow=1')
    slow = [reader(boss, f'/api/logs/{project}?follow=1') for _ in range(4)]
    for _ in range(4):  # what one reads, while four do not
        got = 0
        while got < 2 * 1024 * 1024:
            piece = fast.recv(1 << 20)
            assert piece, 'the stream ended'
            got += len(piece)
        check_alive(boss, pid)
    for s in (fast, *slow):
        s.close()
    enemy.answer.streams = {f'/internal/logs/{project}': silent}
    quiet = [reader(boss, f'/api/logs/{project}?follow=1') for _ in range(4)]
    check_alive(boss, pid)
    for s in quiet:
        s.close()
    # Answers to calls that wait for one.
    for body in (b'', b'{', b'[' * 100000, b'"x"', json.dumps({'id': 'own'}).encode()):
        enemy.answer.streams, enemy.answer.others = {}, (200, body)
        for method, path in (('GET', '/releases'), ('POST', '/deployments'), ('POST', '/sleep'), ('GET', '/env'), ('GET', '')):
            call(boss, method, f'/api/projects/trap{path}', {} if method == 'POST' else None)
            check_alive(boss, pid)
    enemy.answer.others = (404, {})
    beat(enemy, hostile, (200, {'version': '0.2.0'}))


def test_plain_http_and_an_older_tls_are_not_spoken(boss, victim):
    for node in (boss, victim):
        with node.connect(4000, LIMIT) as connection:
            connection.sendall(request('POST', '/internal/health', body=b'{}'))
            assert answer_of(read_all(connection))[0] in (0, 400)
