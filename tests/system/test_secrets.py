# SPDX-License-Identifier: AGPL-3.0-or-later
"""Env vars: the app has them; nobody and nothing else does. And who owns what on a node."""
import json

import pytest

from apps_inline import api, deploy, node_app, processes, remove
from nodes import BASE_DOMAIN

SECRET = 'c4n4ry-7f3a9e-with "quotes" $HOME `id` \\ and #'
PRINTS_SECRET = {'start': 'node server.js', 'build': 'node -e "console.log(\'value=\' + process.env.SECRET); console.error(\'again \' + process.env.SECRET)"'}


@pytest.fixture(scope='module')
def vault(orchestrator, git):
    git.create_repo('vault', node_app('vault', PRINTS_SECRET))
    git.create_repo('other', node_app('other'))
    orchestrator.run(['nanoscale', 'projects', 'create', 'vault', '--repo', git.url('vault')])
    orchestrator.run(['nanoscale', 'env', 'set', 'vault', '--file', '-'], input=f'SECRET={json.dumps(SECRET)}\nLINES="one\\ntwo"\n')
    deploy(orchestrator, 'vault')
    deploy(orchestrator, git.url('other'), '--name', 'other')
    yield orchestrator
    remove(orchestrator, 'vault', 'other')


def test_the_app_sees_them(vault):
    assert vault.wait_fetch(f'http://vault.{BASE_DOMAIN}/env/SECRET').json() == SECRET
    assert vault.fetch(f'http://vault.{BASE_DOMAIN}/env/LINES').json() == 'one\ntwo'


def test_another_app_does_not(vault):
    assert vault.wait_fetch(f'http://other.{BASE_DOMAIN}/env/SECRET').json() is None


def test_no_log_answer_or_process_list_has_them(vault):
    project = api(vault, 'projects', 'show', 'vault')
    newest = api(vault, 'deployments', 'list', 'vault')['deployments'][0]['id']
    log = vault.output('nanoscale', 'deployments', 'show', newest, '--log')
    assert 'value=[SECRET]' in log and 'again [SECRET]' in log
    places = {
        'build log': log,
        'answers': json.dumps([project, api(vault, 'env', 'list', 'vault'), api(vault, 'deployments', 'show', newest)]),
        'journal of the apps': vault.journal_text(namespace='nanoscale'),
        'journal of the system': vault.journal_text(),
        'process list': '\n'.join(words for _, words in processes(vault)),
        'database and logs': vault.run(['grep', '-rlaF', 'c4n4ry-7f3a9e', '/opt/nanoscale/data', '/opt/nanoscale/specs', '/opt/nanoscale/config'], check=False).stdout,
        'units and sites': vault.run(['grep', '-rlaF', 'c4n4ry-7f3a9e', '/etc/systemd', '/etc/nginx', '/run/systemd', '/etc/tmpfiles.d'], check=False).stdout,
    }
    assert [place for place, text in places.items() if 'c4n4ry-7f3a9e' in text or (place.startswith(('database', 'units')) and text)] == []


def test_another_user_cannot_read_them(vault):
    vault_id, other_id = (api(vault, 'projects', 'show', name)['id'] for name in ('vault', 'other'))
    for user in (f'nanoscale-{other_id}', 'www-data', 'nanoscale', 'nobody'):
        assert not vault.run(['cat', f'/etc/default/nanoscale-{vault_id}'], user=user, check=False).ok, user
    pid = vault.state(f'nanoscale-{vault_id}@a.service', 'MainPID')
    assert not vault.run(['cat', f'/proc/{pid}/environ'], user=f'nanoscale-{other_id}', check=False).ok


def test_list_is_masked_and_unset_works(vault):
    listed = api(vault, 'env', 'list', 'vault')['env']
    assert {e['key'] for e in listed} == {'SECRET', 'LINES'}
    assert all(set(e['masked']) == {'•'} for e in listed)
    vault.run(['nanoscale', 'env', 'unset', 'vault', 'LINES'])
    assert [e['key'] for e in api(vault, 'env', 'list', 'vault')['env']] == ['SECRET']
    deploy(vault, 'vault')
    assert vault.wait_fetch(f'http://vault.{BASE_DOMAIN}/env/LINES').json() is None


def test_owners_and_modes(vault):
    """The table of docs/design/interfaces.md."""
    project = api(vault, 'projects', 'show', 'vault')
    i, release = project['id'], project['live_release']
    user = f'nanoscale-{i}:nanoscale-{i}'
    wanted = {
        '/opt/nanoscale': 'root:nanoscale 0755',
        **{f'/opt/nanoscale/bin/{b}': 'root:root 0755' for b in ('', 'agent', 'nanoscale-helper', 'nanoscale-run', 'nanoscale')},
        '/opt/nanoscale/lib/nanoscale-listen.so': 'root:root 0755',
        '/opt/nanoscale/config': 'nanoscale:nanoscale 0750',
        '/opt/nanoscale/config/config.json': 'nanoscale:nanoscale 0640',
        '/opt/nanoscale/data': 'nanoscale:nanoscale 0700',
        '/opt/nanoscale/data/nanoscale.db': 'nanoscale:nanoscale 0600',
        '/opt/nanoscale/data/seal.key': 'nanoscale:nanoscale 0600',
        '/opt/nanoscale/data/logs': 'nanoscale:nanoscale 0700',
        '/opt/nanoscale/runtimes': 'nanoscale:nanoscale 0755',
        '/opt/nanoscale/specs': 'nanoscale:nanoscale 0755',
        f'/opt/nanoscale/specs/{i}': 'nanoscale:nanoscale 0755',
        f'/opt/nanoscale/specs/{i}/build': 'nanoscale:nanoscale 0644',
        '/opt/nanoscale/sites': 'root:root 0711',
        f'/opt/nanoscale/sites/{i}': f'{user.split(":")[0]}:www-data 0710',
        f'/opt/nanoscale/sites/{i}/source': f'{user} 0711',
        f'/opt/nanoscale/sites/{i}/data': f'{user} 0700',
        f'/opt/nanoscale/sites/{i}/cache': f'{user} 0700',
        f'/opt/nanoscale/sites/{i}/source/{release}': f'{user} 0700',
        '/run/nanoscale': 'root:nanoscale 0755',
        '/run/nanoscale/agent.sock': 'root:nanoscale 0660',
        '/run/nanoscale/helper.sock': 'root:nanoscale 0660',
        f'/run/nanoscale/apps/{i}': 'root:www-data 0750',
        f'/run/nanoscale/apps/{i}/{vault.output("readlink", f"/run/nanoscale/apps/{i}/live")}': f'nanoscale-{i}:www-data 0660',
        f'/etc/tmpfiles.d/nanoscale-{i}.conf': 'root:root 0644',
        f'/etc/default/nanoscale-{i}': f'root:nanoscale-{i} 0640',
        f'/etc/systemd/system/nanoscale-{i}@.service': 'root:root 0644',
        f'/etc/systemd/system/nanoscale-{i}@.socket': 'root:root 0644',
        f'/etc/systemd/system/nanoscale-build-{i}.service': 'root:root 0644',
        f'/etc/nginx/sites-available/nanoscale-{i}.conf': 'root:root 0644',
        '/etc/nginx/conf.d/nanoscale.conf': 'root:root 0644',
    }
    found = {path: vault.owner_and_mode(path) for path in wanted}
    assert found == wanted


def test_agent_cannot_replace_what_root_runs(vault):
    """The agent is one bug away from hostile code: it must not be able to put a program where root would run it."""
    for target in ('/opt/nanoscale/bin', '/opt/nanoscale/lib', '/opt/nanoscale/bin/nanoscale-helper'):
        assert not vault.run(['mv', target, target + '.old'], user='nanoscale', check=False).ok, target
    assert not vault.run(['touch', '/opt/nanoscale/bin/x'], user='nanoscale', check=False).ok
