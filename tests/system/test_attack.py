# SPDX-License-Identifier: AGPL-3.0-or-later
"""Class V of docs/design/5-security.md: a hostile package script and a hostile app, in their own sandboxes on a real node, against real targets."""
import pathlib
import re

import pytest

from apps_inline import api, deploy, last_deployment, node_app, remove
from nodes import BASE_DOMAIN, files_of, wait_until

HOSTILE = pathlib.Path(__file__).resolve().parent / 'apps/hostile'
# What must be there, so that an attack that was forgotten is seen.
WANTED = {'delete-system', 'delete-nanoscale', 'overwrite-programs', 'read-sites', 'read-env', 'read-secrets', 'read-process', 'write-memory', 'kill-others', 'sudo',
          'set-uid', 'user-namespace', 'write-unit', 'crontab', 'helper-socket', 'agent-socket', 'app-sockets', 'system-sockets', 'journal-forge', 'metadata',
          'port-4000', 'listen-80', 'forge-step', 'fork-bomb', 'memory'}


@pytest.fixture(scope='module')
def hostile(orchestrator, git):
    """A victim with secrets and an open socket; something that listens on the metadata service's address; then the attacker."""
    node = orchestrator
    git.create_repo('victim', node_app('victim'))
    deploy(node, git.url('victim'), '--name', 'victim', '--env', 'SECRET=v1ct1m-secret')
    assert node.wait_fetch(f'http://victim.{BASE_DOMAIN}/').text == 'victim'
    victim = api(node, 'projects', 'show', 'victim')['id']
    # nginx answers on every address of the node: with this one it plays the metadata service.
    node.run(['ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo'])
    # Both are there for who may reach them, else a blocked attack would prove nothing.
    wait_until(lambda: node.run(['curl', '-s', '-k', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', 'https://127.0.0.1:4000/'], check=False).stdout == '404',
               60, 0.3, 'port 4000')
    wait_until(lambda: node.run(['curl', '-s', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', 'http://169.254.169.254/'], check=False).stdout == '301',
               20, 0.3, 'the metadata address')
    node.write('/opt/nanoscale/certificates/victim.pem', 'a key', 0o640, 'nanoscale:www-data')
    git.create_repo('hostile', files_of(HOSTILE))
    node.run(['nanoscale', 'projects', 'create', 'hostile', '--repo', git.url('hostile'), '--install', 'npm install', '--start', 'node server.js',
              '--env', f'ATTACK_SITES={victim}', '--build-memory', '768', '--memory', '512'])
    deploy(node, 'hostile', timeout=900)
    yield node
    node.run(['rm', '-f', '/opt/nanoscale/certificates/victim.pem'])
    node.run(['ip', 'address', 'del', '169.254.169.254/32', 'dev', 'lo'], check=False)
    remove(node, 'hostile', 'victim')


def attacks_of_build(node):
    log = node.output('nanoscale', 'deployments', 'show', last_deployment(node, 'hostile')['id'], '--log')
    return {m[1]: (m[2], m[3]) for m in re.finditer(r'ATTACK ([a-z0-9-]+): (blocked|SUCCEEDED) ?(.*)', log)}


def test_hostile_postinstall_gets_nowhere(hostile):
    found = attacks_of_build(hostile)
    assert WANTED <= set(found), WANTED - set(found)
    assert {name: detail for name, (outcome, detail) in found.items() if outcome != 'blocked'} == {}


def test_hostile_app_gets_nowhere(hostile):
    report = hostile.wait_fetch(f'http://hostile.{BASE_DOMAIN}/report', timeout=180).json()
    assert WANTED - {'fork-bomb', 'memory'} <= set(report)
    assert {name: r['detail'] for name, r in report.items() if r['succeeded']} == {}


def test_fork_bomb_of_the_app_is_held(hostile):
    report = hostile.fetch(f'http://hostile.{BASE_DOMAIN}/attack/fork-bomb', timeout=180).json()
    assert not report['fork-bomb']['succeeded'], report


def test_victim_agent_and_machine_are_unharmed(hostile):
    assert hostile.fetch(f'http://victim.{BASE_DOMAIN}/env/SECRET').json() == 'v1ct1m-secret'
    assert hostile.state('nanoscale-agent.service') == 'active'
    assert hostile.run(['nginx', '-t'], check=False).ok
    assert hostile.output('find', '/', '-xdev', '-perm', '/6000', '-user', f'nanoscale-{api(hostile, "projects", "show", "hostile")["id"]}') == ''


def test_a_link_in_a_repository_leads_nowhere(orchestrator, git):
    """Symbolic links to secrets: the app's user cannot follow them, and nothing of ours does."""
    from nodes import Link
    git.create_repo('links', {**node_app(server='const fs = require("fs"); const read = (p) => { try { return fs.readFileSync(p, "utf8"); } catch (e) { return e.code; } };'
                                                'require("http").createServer((q, s) => s.end(JSON.stringify(["shadow", "key", "unit"].map(read)))).listen(process.env.PORT);'),
                              'shadow': Link('/etc/shadow'), 'key': Link('/opt/nanoscale/data/seal.key'), 'unit': Link('/proc/1/environ')})
    deploy(orchestrator, git.url('links'), '--name', 'links')
    answers = orchestrator.wait_fetch(f'http://links.{BASE_DOMAIN}/').json()
    assert all(a in ('EACCES', 'ENOENT', 'EPERM') for a in answers), answers
    remove(orchestrator, 'links')
    git.remove_repo('links')
