# SPDX-License-Identifier: AGPL-3.0-or-later
"""An app calls itself over TCP, on the port that it believes to listen on; that opens no way to anybody else's socket."""
import json

import pytest

from apps_inline import api, deploy, node_app, remove
from nodes import BASE_DOMAIN

APPS = '/run/nanoscale/apps'
# What both runtimes answer: /self/HOST asks http://HOST:PORT/other, /socket?path asks a unix socket, /see what there is below /run.
COMMON = r'''
const fs = require('node:fs'), net = require('node:net'), port = process.env.PORT;
const why = (e) => String(e.cause?.code ?? e.code ?? e);
function attempt(call) { try { return call(); } catch (e) { return why(e); } }
async function reach(path) {
  return await new Promise((done) => {
    const s = net.connect({ path }, () => { s.destroy(); done('connected'); });
    s.on('error', (e) => done(why(e)));
  });
}
async function answer(url) {
  const { pathname, searchParams } = new URL(url, 'http://app');
  if (pathname === '/other') return 'other MARKER';
  if (pathname.startsWith('/self/')) return await fetch(`http://${pathname.slice(6)}:${port}/other`).then((r) => r.text(), why);
  if (pathname === '/socket') return await reach(searchParams.get('path'));
  if (pathname === '/see') {
    const own = searchParams.get('own');
    return JSON.stringify({
      run: attempt(() => fs.readdirSync('/run/nanoscale')), apps: attempt(() => fs.readdirSync('/run/nanoscale/apps')),
      own: attempt(() => fs.readdirSync(`/run/nanoscale/apps/${own}`)),
      chmod: ['a', 'b'].map((slot) => attempt(() => fs.chmodSync(`/run/nanoscale/apps/${own}/${slot}.sock`, 0o777) ?? 'done')),
      unlink: ['a', 'b'].map((slot) => attempt(() => fs.unlinkSync(`/run/nanoscale/apps/${own}/${slot}.sock`) ?? 'done')),
    });
  }
  return 'MARKER';
}
process.on('SIGTERM', () => process.exit(143));
'''
NODE = COMMON + r'''
require('node:http').createServer(async (request, response) => response.end(await answer(request.url))).listen(port);
'''
BUN = COMMON + r'''
Bun.serve({ port, fetch: async (request) => new Response(await answer(request.url)) });
'''
NAMES = ('self-node', 'self-bun')


def app(kind, marker):
    if kind == 'self-node':
        return node_app(marker, server=NODE)
    return node_app(marker, scripts={'start': 'bun server.js'}, server=BUN)


def url(project, path='/'):
    return f'http://{project}.{BASE_DOMAIN}{path}'


@pytest.fixture(scope='module')
def node(orchestrator, git):
    for name in NAMES:
        git.create_repo(name, app(name, 'first'))
        deploy(orchestrator, git.url(name), '--name', name)
    yield orchestrator
    remove(orchestrator, *NAMES)
    for name in NAMES:
        git.remove_repo(name)


def id_of(node, name):
    return api(node, 'projects', 'show', name)['id']


def live_slot(node, name):
    return node.output('readlink', f'{APPS}/{id_of(node, name)}/live').strip()[0]


def check_asks_itself(node, name, marker):
    assert node.wait_fetch(url(name)).text == marker
    for host in ('localhost', '127.0.0.1', '[::1]', '0.0.0.0'):
        assert node.fetch(url(name, f'/self/{host}')).text == f'other {marker}', host


@pytest.mark.parametrize('name', NAMES)
def test_app_asks_itself(node, name):
    check_asks_itself(node, name, 'first')


@pytest.mark.parametrize('name', NAMES)
def test_each_slot_and_each_start_has_its_own_socket(node, git, name):
    """A switch makes the sockets anew; so does the mount in the sandbox, whether the agent or a request starts the slot."""
    seen = set()
    for marker in ('second', 'third'):
        git.push(name, app(name, marker))
        deploy(node, name)
        check_asks_itself(node, name, marker)
        seen.add(live_slot(node, name))
        unit = f'nanoscale-{id_of(node, name)}@{live_slot(node, name)}.service'
        node.run(['systemctl', 'stop', unit])
        assert node.state(unit, 'ActiveState') == 'inactive'
        check_asks_itself(node, name, marker)
        assert node.state(unit, 'ActiveState') == 'active'
    assert seen == {'a', 'b'}


@pytest.mark.parametrize('name', NAMES)
def test_the_first_request_may_need_the_app_itself(node, name):
    node.wait_fetch(url(name))
    node.run(['systemctl', 'stop', f'nanoscale-{id_of(node, name)}@{live_slot(node, name)}.service'])
    assert node.fetch(url(name, '/self/localhost')).text.startswith('other ')


def test_the_way_leads_to_nobody_else(node):
    """Neither the other slot's socket, nor another app's, nor any of ours is there; its own can be connected to and nothing more."""
    mine, other = (id_of(node, name) for name in NAMES)
    node.wait_fetch(url('self-node'))
    slot = live_slot(node, 'self-node')
    sockets = [f'{APPS}/{other}/{name}' for name in ('a.sock', 'b.sock', 'live')] + ['/run/nanoscale/agent.sock', '/run/nanoscale/helper.sock']
    there = node.output('find', '/run/nanoscale', '-name', '*.sock').split()
    assert f'{APPS}/{other}/{live_slot(node, "self-bun")}.sock' in there and '/run/nanoscale/agent.sock' in there
    for path in sockets + [f'{APPS}/{mine}/live', f'{APPS}/{mine}/{"b" if slot == "a" else "a"}.sock']:
        assert node.fetch(url('self-node', f'/socket?path={path}')).text == 'ENOENT', path
    assert node.fetch(url('self-node', f'/socket?path={APPS}/{mine}/{slot}.sock')).text == 'connected'

    seen = json.loads(node.fetch(url('self-node', f'/see?own={mine}')).text)
    assert seen['run'] == ['apps'] and seen['apps'] == [mine] and seen['own'] == [f'{slot}.sock']
    assert 'done' not in seen['chmod'] + seen['unlink'], seen
    assert seen['chmod']['ab'.index(slot)] == 'EROFS'
    assert node.owner_and_mode(f'{APPS}/{mine}/{slot}.sock') == f'nanoscale-{mine}:www-data 0660'
    assert node.fetch(url('self-node')).status == 200


def test_exit_143_after_sigterm_is_no_failure(node):
    """As the server of Next.js ends; a stop that was asked for is not to be shown as a crash."""
    node.wait_fetch(url('self-node'))
    unit = f'nanoscale-{id_of(node, "self-node")}@{live_slot(node, "self-node")}.service'
    node.run(['systemctl', 'stop', unit])
    assert node.state(unit, 'ExecMainStatus', 'Result', 'ActiveState') == {'ExecMainStatus': '143', 'Result': 'success', 'ActiveState': 'inactive'}
