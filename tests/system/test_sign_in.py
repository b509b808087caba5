# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may do what at https://SERVER/api/: sessions, tokens of each scope and strangers, against every route of docs/openapi.json; and what an attacker tries
with somebody else's browser, an old session, many guesses or false headers."""
import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import re
import struct
import threading
import time

import pytest

from cluster import LIMIT, ask, create, database, deploy, make_orchestrator, restart_agent
from nodes import wait_until
from switching import app

ROOT = pathlib.Path(__file__).resolve().parents[2]
USER, PASSWORD, NEW_PASSWORD = 'ada', 'canary-of-a-lantern-harbour', 'canary-of-another-lantern'
OPEN = {('GET', '/api/health'), ('GET', '/api/site/logo'), ('GET', '/api/auth/state'), ('POST', '/api/auth/setup'), ('POST', '/api/auth/login')}
WEB = '/run/nanoscale/web.sock'
COOKIE = '__Host-nanoscale'


@pytest.fixture(scope='module')
def boss(lab, git):
    node = make_orchestrator(lab, 'door')
    git.create_repo('shop', app('shop'))
    create(node, git, 'shop', 'door')
    deploy(node, 'shop')
    yield node
    lab.remove(node)


def routes():
    """(method, path, scope) of all that has a door there."""
    document = json.loads((ROOT / 'docs/openapi.json').read_text())
    for path, operations in document['paths'].items():
        for method, operation in operations.items():
            if path != '/metrics':
                yield method.upper(), path, operation['x-scope']


def filled(path, **names):
    return re.sub(r'\{(\w+)\}', lambda found: names.get(found[1], 'nothere'), path)


def body_of(method):
    return {} if method in ('POST', 'PATCH', 'PUT') else None


class Client:
    """A browser with its cookie, or a program with its token. What has to do with signing in goes to the agent's socket, as nginx would pass it on, since
    nginx lets an address ask for that every two seconds only; unless `nginx` is set."""

    def __init__(self, node, cookie=None, token=None, nginx=False):
        self.node, self.cookie, self.token, self.nginx, self.origin = node, cookie, token, nginx, f'https://{node.address}'

    def __call__(self, method, path, body=None, **headers):
        headers = {name.replace('_', '-'): value for name, value in headers.items() if value is not None}
        if self.cookie:
            headers.setdefault('Cookie', f'{COOKIE}={self.cookie}')
            headers.setdefault('Origin', self.origin)
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        if path.startswith('/api/auth/') and not self.nginx:
            headers.setdefault('X-Nanoscale-Address', '203.0.113.7')
            return self.node.fetch_unix(WEB, path, method=method, body=body, headers=headers, timeout=LIMIT, host=self.node.address)
        return self.node.fetch(f'https://{self.node.address}{path}', method=method, body=body, headers=headers, timeout=LIMIT)

    def get(self, path):
        answer = self('GET', path)
        assert answer.status == 200, (path, answer)
        return answer.json()


def cookie_of(answer):
    """With all that keeps it with this server and out of scripts."""
    given = [line for line in answer.headers.get_all('Set-Cookie') or [] if line.startswith(f'{COOKIE}=')]
    assert len(given) == 1, answer
    value, *attributes = given[0].split('; ')
    assert {'Secure', 'HttpOnly', 'SameSite=Lax', 'Path=/'} <= set(attributes) and not [a for a in attributes if a.startswith('Domain')]
    return value.partition('=')[2]


def problem(answer):
    return answer.status, json.loads(answer.text or '{}').get('type') if 'json' in answer.headers.get('Content-Type', '') else answer.text[:200]


def sign_in(node, password=PASSWORD, **more):
    answer = Client(node)('POST', '/api/auth/login', {'user': USER, 'password': password, **more}, Origin=f'https://{node.address}')
    assert answer.status == 200, answer
    return Client(node, cookie_of(answer))


def claim(node, password, *options):
    code = re.search(r'Claim code: (\S+)', node.run(['nanoscale', 'claim', *options], timeout=LIMIT).stdout)[1]
    answer = Client(node)('POST', '/api/auth/setup', {'code': code, 'user': USER, 'password': password}, Origin=f'https://{node.address}')
    assert answer.status == 201, answer
    return Client(node, cookie_of(answer))


@pytest.fixture(scope='module')
def owner(boss):
    return claim(boss, PASSWORD)


@pytest.fixture(scope='module')
def tokens(boss, owner):
    made = {scope: owner('POST', '/api/tokens', {'name': scope, 'scope': scope}).json()['token'] for scope in ('read', 'deploy', 'admin')}
    return {scope: Client(boss, token=token) for scope, token in made.items()}


def state(node):
    """All that a request could have changed, but what is noted of requests themselves."""
    with contextlib.closing(database(node)) as db:
        return [db.execute(f'SELECT * FROM {table} ORDER BY 1').fetchall()
                for table in ('projects', 'deployments', 'domains', 'servers', 'users', 'join_tokens')]


# Q, H: strangers

def test_a_stranger_gets_nothing_of_any_route(boss, owner):
    before = state(boss)
    strangers = [Client(boss), Client(boss, cookie='A' * 32), Client(boss, cookie="' OR 1=1 --"), Client(boss, token='nst_' + 'A' * 32), Client(boss, token='x')]
    asked = 0
    for method, path, scope in routes():
        for stranger in strangers:
            answer = stranger(method, filled(path, project='shop', server='door'), body_of(method), Origin=stranger.origin)
            if stranger.token:
                assert problem(answer) == (401, 'wrong-token') or scope == 'none', (method, path, answer)
            elif scope == 'none':
                assert answer.status == 404, (method, path)
            elif (method, path) in OPEN:
                assert answer.status in (200, 401, 404, 422, 429), (method, path, answer)
            else:
                assert problem(answer) == (401, 'not-signed-in'), (method, path, answer)
            assert 'shop' not in answer.text.replace(path, ''), (method, path)
            asked += 1
    assert asked > 60 * len(strangers)
    assert state(boss) == before


def test_paths_that_look_like_others(boss):
    """What nginx hands on is what the agent checks."""
    for path in ('/api//projects', '/api/./projects', '/api/health/../projects', '/api/%70rojects', '/api/projects/', '/api/projects%00', '/API/projects', '/api/health%2f..%2fprojects',
                 '/api/projects;x=1', '/internal/projects', '/api/../internal/projects', '/api/metrics', '/metrics'):
        answer = Client(boss)('GET', path)
        assert answer.status in (301, 308, 400, 401, 404), (path, answer)
        assert 'shop' not in answer.text, path


# I: scopes

def test_a_token_does_what_its_scope_has_and_no_more(boss, tokens):
    before = state(boss)
    wider = {'open': 0, 'read': 1, 'deploy': 2, 'admin': 3, 'account': 9}
    asked = 0
    for method, path, scope in routes():
        if scope == 'none':
            continue
        for name, client in tokens.items():
            if wider[scope] > wider[name]:
                answer = client(method, filled(path, project='shop', server='door'), body_of(method))
                assert problem(answer) == (403, 'scope-wanted'), (name, method, path, answer)
                asked += 1
            if name == 'read' and method != 'GET' and (method, path) not in OPEN:
                assert wider[scope] > 1, (method, path)
    assert asked > 70
    assert state(boss) == before
    assert tokens['read']('GET', '/api/projects/shop').status == 200
    assert tokens['deploy']('POST', '/api/projects/shop/restart', {}).status == 202
    wait_until(lambda: ask(boss, 'GET', '/api/projects/shop')['status'] == 'live', LIMIT, 0.5, 'the restart')
    assert tokens['admin']('PATCH', '/api/projects/shop', {'idle_seconds': 902}).status == 200


def test_two_identities_are_none(boss, owner, tokens):
    answer = Client(boss, cookie=owner.cookie, token=tokens['read'].token)('GET', '/api/projects')
    assert problem(answer) == (400, 'two-identities')


# G: what is not there, or not one's own

def test_foreign_ids_are_absent(boss, owner, tokens):
    asked = 0
    for method, path, scope in routes():
        if '{' not in path or scope == 'none':
            continue
        for client in [owner] + ([tokens['admin']] if scope != 'account' else []):
            body = body_of(method)
            body = {'/certificate': {'chain': 'x', 'key': 'y'}, '/env': {'set': {'A': '1'}} if body is not None else None}.get(path[path.rindex('/'):], body)
            answer = client(method, filled(path), body)
            assert answer.status == 404, (method, path, answer)
            assert answer.json()['type'].endswith('-absent'), (method, path, answer)
            asked += 1
    assert asked > 50


# Other people's pages

@pytest.mark.parametrize('origin', ['https://evil.example', 'null', 'http://{host}', 'https://{host}.evil.example', 'https://evil.example/{host}', 'https://{host}:444', None])
def test_a_foreign_page_cannot_use_the_cookie(boss, owner, origin):
    before = state(boss)
    origin = origin and origin.format(host=boss.address)
    for method, path, scope in routes():
        if method == 'GET' or scope == 'none':
            continue
        answer = Client(boss)(method, filled(path, project='shop', server='door'), body_of(method), Cookie=f'{COOKIE}={owner.cookie}', Origin=origin)
        assert problem(answer) == (403, 'foreign-origin'), (method, path, answer)
    assert state(boss) == before


def test_a_form_cannot_send_what_is_taken(boss, owner):
    for kind in ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', ''):
        answer = owner('POST', '/api/tokens', b'{"name":"form","scope":"admin"}', Content_Type=kind)
        assert problem(answer) == (415, 'not-json'), kind
    for method in ('GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'):
        answer = owner(method, '/api/auth/logout')
        assert answer.status in (404, 405, 501), method
        assert not answer.headers.get('Access-Control-Allow-Origin')
    assert owner('GET', '/api/me').status == 200


# L: whom the server takes itself to be

def test_no_header_names_the_server(boss, owner):
    for headers in ({'X-Forwarded-Host': 'evil.example'}, {'Forwarded': 'host=evil.example'}, {'X-Forwarded-Proto': 'http'}, {'X-Host': 'evil.example'}):
        answer = owner('POST', '/api/cluster/generate-token', {}, **{k.replace('-', '_'): v for k, v in headers.items()})
        assert answer.status == 201 and 'evil.example' not in answer.text, headers
    answer = boss.fetch(f'https://{boss.address}/api/me', headers={'Host': 'evil.example', 'Cookie': f'{COOKIE}={owner.cookie}'})
    assert answer.status == 404 and 'shop' not in answer.text


# K: sessions end

def test_a_session_is_never_the_visitors_choice(boss, owner):
    chosen = 'F' * 32
    answer = Client(boss)('POST', '/api/auth/login', {'user': USER, 'password': PASSWORD}, Cookie=f'{COOKIE}={chosen}', Origin=f'https://{boss.address}')
    assert answer.status == 200 and cookie_of(answer) != chosen
    assert Client(boss, cookie=chosen)('GET', '/api/me').status == 401
    fresh = Client(boss, cookie=cookie_of(answer))
    assert fresh('POST', '/api/auth/logout', {}).status == 204
    assert fresh('GET', '/api/me').status == 401 and owner('GET', '/api/me').status == 200


class Open(threading.Thread):
    """A stream that is read until it ends."""

    def __init__(self, client, path):
        super().__init__(daemon=True)
        self.client, self.path, self.answer = client, path, None
        self.start()

    def run(self):
        self.answer = self.client('GET', self.path)


def test_another_password_ends_the_other_sessions_and_their_streams(boss, owner):
    other = sign_in(boss)
    streams = [Open(other, '/api/events'), Open(other, '/api/logs/shop?follow=1')]
    time.sleep(1)
    assert all(s.is_alive() for s in streams)
    assert owner('POST', '/api/me/password', {'current': 'wrong wrong wrong', 'password': NEW_PASSWORD}).status == 401
    assert other('GET', '/api/me').status == 200
    assert owner('POST', '/api/me/password', {'current': PASSWORD, 'password': NEW_PASSWORD}).status == 204
    assert other('GET', '/api/me').status == 401 and owner('GET', '/api/me').status == 200
    for stream in streams:
        stream.join(LIMIT)
        assert not stream.is_alive(), f'{stream.path} goes on without a session'
    restart_agent(boss)
    assert other('GET', '/api/me').status == 401 and owner('GET', '/api/me').status == 200
    assert Client(boss)('POST', '/api/auth/login', {'user': USER, 'password': PASSWORD}, Origin=owner.origin).status == 401
    assert owner('POST', '/api/me/password', {'current': NEW_PASSWORD, 'password': PASSWORD}).status == 204


def test_a_session_ended_from_another_one(boss, owner):
    other = sign_in(boss)
    mine, = [s['id'] for s in owner.get('/api/me/sessions')['sessions'] if s['current']]
    others = [s['id'] for s in owner.get('/api/me/sessions')['sessions'] if not s['current']]
    for one in others:
        assert owner('DELETE', f'/api/me/sessions/{one}').status == 204
    assert other('GET', '/api/me').status == 401
    assert [s['id'] for s in owner.get('/api/me/sessions')['sessions']] == [mine]


def test_a_revoked_token_and_its_stream_end(boss, owner):
    made = owner('POST', '/api/tokens', {'name': 'short', 'scope': 'read', 'days': 1}).json()
    program = Client(boss, token=made['token'])
    stream = Open(program, '/api/events')
    time.sleep(1)
    assert stream.is_alive() and program('GET', '/api/projects').status == 200
    assert owner('DELETE', f'/api/tokens/{made["id"]}').status == 204
    stream.join(LIMIT)
    assert not stream.is_alive() and program('GET', '/api/projects').status == 401


def test_what_runs_out_hears_no_more(boss, owner):
    made = owner('POST', '/api/tokens', {'name': 'a-day', 'scope': 'read', 'days': 1}).json()
    program, other = Client(boss, token=made['token']), sign_in(boss)
    newest = max((s for s in owner.get('/api/me/sessions')['sessions'] if not s['current']), key=lambda s: s['created_at'])['id']
    for client, table, row in ((program, 'api_tokens', made['id']), (other, 'sessions', newest)):
        stream = Open(client, '/api/logs/shop?follow=1')
        time.sleep(1)
        assert stream.is_alive()
        with contextlib.closing(database(boss)) as db:
            db.execute(f'UPDATE {table} SET expires_at_ms = ? WHERE id = ?', (int(time.time() * 1000) + 500, row))
            db.commit()
        time.sleep(1)
        assert client('GET', '/api/projects').status == 401, table  # which must not take it from under the stream
        stream.join(60)
        assert not stream.is_alive() and client('GET', '/api/projects').status == 401, table
    assert owner('DELETE', f'/api/tokens/{made["id"]}').status == 204


# The second factor

def code_of(secret, offset=0):
    counter = int(time.time()) // 30 + offset
    digest = hmac.new(base64.b32decode(secret), struct.pack('>Q', counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f'{(struct.unpack(">I", digest[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}'


def test_a_second_factor(boss, owner):
    secret = owner('POST', '/api/me/second-factor', {'password': PASSWORD}).json()['secret']
    assert owner('POST', '/api/me/second-factor/confirm', {'code': '000000' if code_of(secret) != '000000' else '000001'}).status == 422
    codes = owner('POST', '/api/me/second-factor/confirm', {'code': code_of(secret)}).json()['recovery_codes']
    assert len(set(codes)) == 10
    login = {'user': USER, 'password': PASSWORD}

    def enter(**more):
        return Client(boss)('POST', '/api/auth/login', {**login, **more}, Origin=owner.origin)
    assert problem(enter()) == (401, 'code-wanted')
    assert enter(code=code_of(secret, -40)).status == 401
    # Each code is good once: the one that has confirmed it, the next one, a recovery code.
    assert enter(code=code_of(secret)).status == 401
    next_code = code_of(secret, 1)
    assert enter(code=next_code).status == 200 and enter(code=next_code).status == 401
    assert enter(code=codes[0].lower()).status == 200 and enter(code=codes[0]).status == 401
    assert owner.get('/api/me')['user']['recovery_codes_left'] == 9
    for path in ('/api/me', '/api/me/sessions', '/api/settings', '/api/audit'):
        answer = owner('GET', path).text
        assert secret not in answer and codes[1] not in answer, path
    # The password alone takes it off nobody's account.
    assert owner('POST', '/api/me/second-factor/remove', {'password': PASSWORD, 'code': '123456'}).status == 401
    assert owner('POST', '/api/me/second-factor/remove', {'password': PASSWORD, 'code': codes[2]}).status == 204
    assert enter().status == 200


# M: guessing

def test_guesses_are_limited_whatever_the_headers_say(boss, owner):
    """Of one address, over all names and all that it claims to be; who is signed in goes on, and so do other addresses."""
    statuses = []
    for n in range(14):
        answer = Client(boss, nginx=True)('POST', '/api/auth/login', {'user': f'nobody{n}', 'password': 'wrong wrong wrong'}, Origin=owner.origin, X_Nanoscale_Address=f'198.51.100.{n}',
                              X_Forwarded_For=f'198.51.100.{n}', X_Real_IP=f'198.51.100.{n}', Cookie=f'{COOKIE}={"B" * 31}{n % 10}', User_Agent=f'browser {n}')
        statuses.append(answer.status)
    assert 429 in statuses and statuses.count(401) <= 10 and statuses[-1] == 429, statuses
    answer = Client(boss, nginx=True)('POST', '/api/auth/login', {'user': USER, 'password': PASSWORD}, Origin=owner.origin)
    assert answer.status == 429 and int(answer.headers['Retry-After']) > 0
    assert owner('GET', '/api/me').status == 200
    # From the server itself, which is another address.
    inside = boss.run(['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Content-Type: application/json', '-H', 'Origin: https://127.0.0.1', '--data-binary', '@-',
                       'https://127.0.0.1/api/auth/login'], input=json.dumps({'user': USER, 'password': PASSWORD}), timeout=LIMIT)
    assert inside.stdout == '200', inside
    restart_agent(boss)


def test_health_answers_while_passwords_are_tried(boss, owner):
    """Hashing is a child's work: neither it nor its queue is in the way of anybody else."""
    over = threading.Event()

    def flood():
        while not over.is_set():
            Client(boss)('POST', '/api/auth/login', {'user': 'nobody', 'password': 'wrong wrong wrong'}, Origin=owner.origin)
    threads = [threading.Thread(target=flood, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert owner('GET', '/api/projects').status == 200
    finally:
        over.set()
        for thread in threads:
            thread.join(LIMIT)
    restart_agent(boss)


# O: secrets

def test_no_secret_in_answers_files_or_journals(boss, owner, tokens):
    secrets = [PASSWORD, NEW_PASSWORD, owner.cookie, *(t.token for t in tokens.values())]
    with contextlib.closing(database(boss)) as db:
        rows = '\n'.join(db.iterdump())
    journal = boss.run(['journalctl', '--no-pager', '-o', 'export'], timeout=LIMIT).stdout
    log = boss.run(['cat', '/var/log/nginx/access.log', '/var/log/nginx/error.log'], check=False).stdout
    answers = '\n'.join(owner('GET', path).text for path in ('/api/me', '/api/me/sessions', '/api/tokens', '/api/settings', '/api/audit', '/api/projects', '/api/servers', '/api/auth/state'))
    for secret in secrets:
        for name, text in (('the database', rows), ('a journal', journal), ("nginx's log", log), ('an answer', answers)):
            assert secret not in text, f'{secret} stands in {name}'
    known = Client(boss).get('/api/auth/state')
    assert known['user'] is None and known['version'] is None and Client(boss).get('/api/health') == {'status': 'ok'}


# The way back in, last: it ends everything else

def test_a_code_of_root_gives_the_account_back(boss, owner):
    plain = boss.run(['nanoscale', 'claim'], check=False, timeout=LIMIT)
    assert not plain.ok and '--reset' in plain.stderr
    boss.run(['useradd', 'mallory'])
    assert not boss.run(['nanoscale', 'claim', '--reset'], user='mallory', check=False, timeout=LIMIT).ok
    again = claim(boss, NEW_PASSWORD, '--reset')
    assert again.get('/api/me')['user']['name'] == USER
    assert owner('GET', '/api/me').status == 401
    assert Client(boss)('POST', '/api/auth/login', {'user': USER, 'password': PASSWORD}, Origin=owner.origin).status == 401
    rows = ask(boss, 'GET', '/api/audit?action=auth&limit=100')['entries']
    assert {r['action'] for r in rows} >= {'auth.claim', 'auth.setup', 'auth.login'}
