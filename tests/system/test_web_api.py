# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a dashboard stands on: events of everything that changes, here and on a worker; the audit log of it; and answers as docs/openapi.json has them."""
import contextlib
import csv
import io
import json
import pathlib
import re

import pytest

from cluster import (LIMIT, Stream, ask, call, create, database, deploy, join, make_candidate, make_orchestrator, restart_agent, server, wait_offline, wait_online)
from nodes import wait_until
from switching import app, url

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = 'hunter2-hunter2-hunter2'


@pytest.fixture(scope='module')
def boss(lab, git):
    node = make_orchestrator(lab, 'web')
    git.create_repo('near', app('near'))
    git.create_repo('far', app('far'))
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def worker(lab, boss):
    node = make_candidate(lab, 'w1')
    join(boss, node)
    wait_online(boss, 'w1')
    yield node
    lab.remove(node)


class Listener:
    """Follows /api/events; a test asks for what must come, and goes on behind it."""

    def __init__(self, node):
        self.stream, self.at = Stream(node, '/api/events'), 0
        self.next('ready', lambda data: data['version'])

    def next(self, name, fits=lambda data: True, seconds=LIMIT):
        """The next event of that name that fits."""
        def look():
            for i in range(self.at, len(self.stream.events)):
                event = self.stream.events[i]
                if event['event'] == name and fits(event['data']):
                    self.at = i + 1
                    return event['data']
            seen = [(e['event'], e['data'].get('name'), e['data'].get('status') or e['data'].get('state')) for e in self.stream.events[self.at:]]
            raise AssertionError(f'no {name} that fits in {seen[-20:]}')
        return wait_until(look, seconds, 0.2, f'the event {name}')


@pytest.fixture
def listener(boss):
    made = Listener(boss)
    yield made
    made.stream.over.set()


def is_project(name, status=None, kind=None):
    return lambda data: data['name'] == name and status in (None, data['status']) and kind in (None, data['sleep']['kind'])


def visit(node, name):
    """A visitor wakes it without asking the agent; at first the instance that is about to stop may answer."""
    def awake():
        assert node.fetch(url(name), timeout=LIMIT).text == name
        return ask(node, 'GET', f'/api/projects/{name}')['status'] == 'live'
    wait_until(awake, LIMIT, 0.3, f'{name} is awake')


# --- events ------------------------------------------------------------------------------------------------------------------------------------

def test_a_project_from_its_making_to_its_end(boss, git, listener):
    made = create(boss, git, 'near', 'web')
    assert listener.next('project', is_project('near', 'new'))['id'] == made['id']
    deployed = deploy(boss, 'near')
    # In whatever order they come among each other: each object's last event says how it is in the end.
    start = listener.at
    listener.next('project', is_project('near', 'deploying'))
    listener.at = start
    ended = listener.next('deployment', lambda data: data['id'] == deployed['id'] and data['state'] == 'live')
    assert ended['project'] == 'near' and 'steps' not in ended
    listener.at = start
    assert listener.next('project', is_project('near', 'live'))['latest_deployment']['id'] == deployed['id']
    usage = listener.next('usage', lambda data: any(p['id'] == made['id'] and p['memory_bytes'] for p in data['projects']))
    own, = [s for s in usage['servers'] if s['id'] == server(boss, 'web')['id']]
    assert own['memory_bytes'] > 0 and own['cpu_percent'] >= 0
    ask(boss, 'POST', '/api/projects/near/sleep', {})
    listener.next('project', is_project('near', 'sleeping', 'armed'))
    visit(boss, 'near')
    assert listener.next('project', lambda data: is_project('near', 'live')(data) and data['sleep']['wakes']['count'] == 1)
    ask(boss, 'POST', '/api/projects/near/domains', {'name': 'shop.example'})
    listener.next('project', lambda data: [d['name'] for d in data.get('domains', [])] == ['shop.example'])
    ask(boss, 'PATCH', '/api/projects/near/env', {'set': {'PASSWORD': SECRET}})
    listener.next('project', lambda data: data['name'] == 'near' and data['env_count'] == 1)
    ask(boss, 'DELETE', '/api/projects/near')
    listener.next('project-removed', lambda data: data == {'id': made['id']})
    assert SECRET not in json.dumps(listener.stream.events)


def test_a_project_on_a_worker(boss, worker, git, listener):
    created = create(boss, git, 'far', 'w1')
    deployed = deploy(boss, 'far')
    start = listener.at
    listener.next('project', is_project('far', 'live'))
    listener.at = start
    ended = listener.next('deployment', lambda data: data['id'] == deployed['id'] and data['state'] == 'live')
    assert (ended['project'], ended['project_id']) == ('far', created['id'])
    assert [d['id'] for d in ask(boss, 'GET', '/api/deployments?limit=1')['deployments']] == [deployed['id']]
    # Nobody asks for it through the orchestrator: the worker says itself that something has changed.
    worker.run(['nanoscale', 'sleep', 'far'], timeout=LIMIT)
    listener.next('project', is_project('far', 'sleeping', 'armed'))
    visit(worker, 'far')
    listener.next('project', is_project('far', 'live'))
    usage = listener.next('usage', lambda data: any(p['id'] == created['id'] and p['memory_bytes'] for p in data['projects']))
    assert {s['id'] for s in usage['servers']} == {server(boss, name)['id'] for name in ('web', 'w1')}


def test_a_server_goes_away_and_comes_back(boss, worker, listener):
    worker.cut()
    try:
        wait_offline(boss, 'w1', '')
        start = listener.at
        assert listener.next('server', lambda data: data['name'] == 'w1' and data['status'] == 'offline')['reason']
        listener.at = start
        listener.next('project', is_project('far', 'unreachable'))
    finally:
        worker.join()
    wait_online(boss, 'w1')
    start = listener.at
    listener.next('server', lambda data: data['name'] == 'w1' and data['status'] == 'online')
    listener.at = start
    listener.next('project', is_project('far', 'live'))


def test_connects_again_after_a_restart(boss, worker, listener):
    restart_agent(boss)
    listener.next('ready')
    ask(boss, 'PATCH', '/api/projects/far', {'branch': 'main', 'idle_seconds': 901})
    listener.next('project', lambda data: data['name'] == 'far' and data['idle_seconds'] == 901)
    assert listener.stream.connections == 2


# --- the audit log -----------------------------------------------------------------------------------------------------------------------------

def entries(node, query=''):
    return ask(node, 'GET', f'/api/audit?limit=500{query}')['entries']


def test_audit_has_all_of_it(boss, worker):
    """What the tests above have done, and who."""
    rows = entries(boss)
    done = {(r['action'], r['project'], r['status']) for r in rows}
    assert {('project.create', 'near', 201), ('project.deploy', 'near', 202), ('project.sleep', 'near', 200), ('domain.add', 'near', 201), ('project.env', 'near', 200),
            ('project.delete', 'near', 204), ('project.create', 'far', 201), ('project.deploy', 'far', 202), ('project.change', 'far', 200),
            ('cluster.generate-token', None, 201), ('cluster.join', None, 201)} <= done, done
    assert {r['actor']['kind'] for r in rows if r['action'].startswith('project')} == {'root'}
    joined, = [r for r in rows if r['action'] == 'cluster.join']
    assert (joined['actor']['kind'], joined['address']) == ('system', worker.address)
    added, = [r for r in rows if r['action'] == 'domain.add']
    assert added['target'] == 'shop.example'
    assert [r['id'] for r in rows] == sorted((r['id'] for r in rows), reverse=True)
    # What the worker was told at its own socket stands in its own log.
    assert [(r['action'], r['project']) for r in entries(worker)] == [('project.sleep', 'far')]


def test_audit_names_users_and_refusals(boss):
    boss.run(['useradd', '--groups', 'nanoscale', 'mia'])
    boss.run(['useradd', 'eve'])
    boss.run(['nanoscale', 'projects', 'set', 'far', '--idle', '16m'], user='mia', timeout=LIMIT)
    assert not boss.run(['nanoscale', 'projects', 'set', 'far', '--idle', '17m'], user='eve', check=False, timeout=LIMIT).ok
    for _ in range(3):
        assert not boss.run(['nanoscale', 'projects', 'set', 'nothere', '--idle', '17m'], user='mia', check=False, timeout=LIMIT).ok
    by_mia = entries(boss, '&actor=mia')
    assert {(r['action'], r['project'], r['status'], r['detail']) for r in by_mia} >= {('project.change', 'far', 200, 'idle_seconds, scale_to_zero')}
    assert all(r['actor'] == {'kind': 'user', 'name': 'mia'} and r['address'] is None for r in by_mia)
    assert [r for r in by_mia if r['status'] == 404 and r['project'] is None]
    # Whoever may not even ask is seen to have asked; unless the socket's mode has turned them away before.
    assert all(r['status'] == 403 for r in entries(boss, '&actor=eve'))


def test_audit_as_a_table(boss):
    answer = call(boss, 'GET', '/api/audit?format=csv')
    assert answer.status == 200 and answer.headers['Content-Type'].startswith('text/csv') and 'attachment' in answer.headers['Content-Disposition']
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(r['id']) for r in rows] == [r['id'] for r in entries(boss)]
    said = boss.run(['nanoscale', 'audit', '--project', 'near'], timeout=LIMIT).stdout
    assert 'project.delete' in said and 'far' not in said
    assert boss.run(['nanoscale', 'audit', '--csv'], timeout=LIMIT).stdout.splitlines()[0].startswith('id,at,actor_kind,actor,')


def test_no_secret_is_in_it(boss, git):
    """One wherever a request has a place for it; the file of the database, with its log, has none of them."""
    create(boss, git, 'near', 'web')
    body = {SECRET: SECRET, 'name': SECRET, 'set': {'A': SECRET}, 'env': {'A': SECRET}, 'gate': {'user': 'u', 'password': SECRET}, 'key': SECRET, 'chain': SECRET,
            'branch': SECRET, 'password': SECRET, 'current': SECRET, 'user': SECRET, 'code': SECRET, 'logo': SECRET, 'server': SECRET}
    document = json.loads((ROOT / 'docs/openapi.json').read_text())
    asked = 0
    for path, operations in document['paths'].items():
        for method, operation in operations.items():
            if method == 'get' or path in ('/api/projects/{project}', '/api/metrics/token') and method == 'delete':
                continue
            for project in ('near', SECRET):
                target = re.sub(r'\{\w+\}', SECRET, path.replace('{project}', project))
                answer = call(boss, method.upper(), f'{target}?a={SECRET}', body if 'requestBody' in operation else None)
                assert answer.status < 500 or answer.status == 503, (method, target, answer)
                asked += 1
    assert asked > 40
    with contextlib.closing(database(boss)) as db:
        rows = db.execute('SELECT * FROM audit').fetchall()
    assert len(rows) > 30 and SECRET not in repr(rows)
    ask(boss, 'PATCH', '/api/projects/near/env', {'set': {'A': SECRET}})
    with contextlib.closing(database(boss)) as db:
        assert SECRET not in repr(db.execute('SELECT * FROM audit').fetchall())
    ask(boss, 'DELETE', '/api/projects/near')


# --- answers as they are described -------------------------------------------------------------------------------------------------------------

def fits(document, schema, value, where):
    """What of JSON Schema the document uses."""
    if '$ref' in schema:
        named = document
        for part in schema['$ref'].removeprefix('#/').split('/'):
            named = named[part]
        fits(document, named, value, where)
        return
    if 'anyOf' in schema:
        problems = []
        for one in schema['anyOf']:
            try:
                fits(document, one, value, where)
                return
            except AssertionError as problem:
                problems.append(problem)
        raise problems[-1] if value is None else problems[0]
    types = {'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'object': dict, 'array': list, 'null': type(None)}
    wanted = schema.get('type', [])
    wanted = wanted if isinstance(wanted, list) else [wanted]
    assert not wanted or any(isinstance(value, types[t]) and (t == 'boolean' or not isinstance(value, bool)) for t in wanted), (where, wanted, value)
    assert 'enum' not in schema or value in schema['enum'], (where, value)
    assert 'pattern' not in schema or value is None or re.search(schema['pattern'], value), (where, value)
    if isinstance(value, dict) and 'properties' in schema:
        missing = [name for name in schema.get('required', []) if name not in value]
        unknown = [name for name in value if name not in schema['properties']]
        assert not missing and not unknown, (where, missing, unknown)
        for name, member in value.items():
            fits(document, schema['properties'][name], member, f'{where}.{name}')
    if isinstance(value, list):
        for i, member in enumerate(value):
            fits(document, schema.get('items', {}), member, f'{where}[{i}]')


def test_answers_are_as_described(boss, worker):
    document = json.loads((ROOT / 'docs/openapi.json').read_text())
    deployed = ask(boss, 'GET', '/api/projects/far')['latest_deployment']['id']
    ask(boss, 'POST', '/api/projects/far/domains', {'name': 'far.example'})
    names = {'project': 'far', 'server': 'w1', 'id': deployed, 'domain': 'far.example'}
    seen = 0
    for path, operations in document['paths'].items():
        operation = operations.get('get', {})
        schema = operation.get('responses', {}).get('200', {}).get('content', {}).get('application/json', {}).get('schema')
        if schema is None or operation['x-scope'] == 'account' or path in ('/api/me', '/api/auth/state'):
            continue
        fits(document, schema, ask(boss, 'GET', path.format(**names)), path)
        seen += 1
    assert seen >= 18
    problem = call(boss, 'GET', '/api/projects/nothere')
    fits(document, document['components']['schemas']['Problem'], problem.json(), 'problem')


def test_settings_and_logo(boss, listener):
    logo = 'data:image/png;base64,iVBORw0KGgo='
    assert call(boss, 'GET', '/api/site/logo').status == 404
    shown = ask(boss, 'PATCH', '/api/settings', {'site_name': 'Ours', 'logo': logo})
    assert (shown['site_name'], shown['logo'], shown['acme']['server'][:8]) == ('Ours', logo, 'https://')
    answer = call(boss, 'GET', '/api/site/logo')
    assert (answer.status, answer.headers['Content-Type'], answer.headers['X-Content-Type-Options']) == (200, 'image/png', 'nosniff')
    restart_agent(boss)
    assert ask(boss, 'GET', '/api/settings')['site_name'] == 'Ours'
    assert ask(boss, 'PATCH', '/api/settings', {'site_name': None, 'logo': None})['site_name'] == 'NanoScale'
    assert ask(boss, 'PATCH', '/api/settings', {'base_domain': 'x.example'}, status=422)['field'] == 'base_domain'
