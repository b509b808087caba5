# SPDX-License-Identifier: AGPL-3.0-or-later
"""An app that tells which instance of it answers, and what must be true of a project between two switches."""
import json

from apps_inline import api
from nodes import BASE_DOMAIN, wait_until

# Each instance has a name of its own. POST /count writes the id that it was sent, once, where the next instance finds it.
SERVER = r'''
const http = require('node:http'), fs = require('node:fs'), crypto = require('node:crypto');
const data = process.env.DATA_DIR, instance = crypto.randomUUID(), marker = 'MARKER';
fs.appendFileSync(`${data}/starts`, `${instance} ${process.env.NANOSCALE_RELEASE} ${Date.now()}\n`);
if (fs.existsSync(`${data}/broken`)) { console.error('this app is broken'); process.exit(7); }
const enough = () => fs.existsSync(`${data}/enough`);
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/crash') process.exit(9);
  if (url.pathname === '/env') return response.end(JSON.stringify(process.env[url.searchParams.get('name')] ?? null));
  if (url.pathname === '/who') return response.end(JSON.stringify({ marker, instance, release: process.env.NANOSCALE_RELEASE, pid: process.pid }));
  if (url.pathname === '/drip') { /* a line each half second, until the file `enough` is in the data directory */
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write(`${instance}\n`);
    const timer = setInterval(() => { response.write(`${instance}\n`); if (enough()) { clearInterval(timer); response.end('end\n'); } }, 500);
    return;
  }
  if (url.pathname === '/hold') { /* no answer until then */
    const timer = setInterval(() => { if (enough()) { clearInterval(timer); response.end(marker); } }, 100);
    return;
  }
  let length = 0, body = '';
  request.on('data', (chunk) => { length += chunk.length; if (length < 100000) body += chunk; });
  request.on('end', () => {
    if (url.pathname === '/count') { fs.appendFileSync(`${data}/posts`, body + '\n'); return response.end(body); }
    if (url.pathname === '/upload') return response.end(JSON.stringify({ length, instance }));
    response.end(marker);
  });
});
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
});
server.listen(process.env.PORT);
'''


def url(project, path='/'):
    return f'http://{project}.{BASE_DOMAIN}{path}'


def app(marker, server=SERVER, **package):
    return {'package.json': json.dumps({'name': 'app', 'private': True, 'scripts': {'start': 'node server.js'}, **package}),
            'server.js': server.replace('MARKER', marker)}


def show(node, project):
    return api(node, 'projects', 'show', project)


def status(node, project):
    """live, sleeping/armed, crashed, …"""
    shown = show(node, project)
    kind = shown['sleep']['kind']
    return shown['status'] + (f'/{kind}' if kind else '')


def wait_status(node, project, wanted):
    def reached():
        now = status(node, project)
        assert now == wanted, now
        return True
    wait_until(reached, every=0.3, what=f'{project}: {wanted}')


def settle(node, project):
    """Until nothing is under way any more: the slot that is not live is gone."""
    def settled():
        shown = show(node, project)
        return shown['status'] != 'deploying' and len(open_slots(node, shown['id'])) <= 1 and len(running_slots(node, shown['id'])) <= 1
    wait_until(settled, every=0.3, what=f'{project}: one slot, and nothing under way')


def open_slots(node, project_id):
    names = node.run(['ls', f'/run/nanoscale/apps/{project_id}'], check=False).stdout.split()
    return sorted(name[0] for name in names if name.endswith('.sock'))


def running_slots(node, project_id):
    return [slot for slot in 'ab' if node.state(f'nanoscale-{project_id}@{slot}.service') not in ('inactive', 'failed')]


def live_slot(node, project_id):
    return node.output('readlink', f'/run/nanoscale/apps/{project_id}/live')[0]


def set_enough(node, project_id, on=True):
    """Ends what the app is to do until then."""
    node.run([*(['touch'] if on else ['rm', '-f']), f'/opt/nanoscale/sites/{project_id}/data/enough'])


def starts(node, project_id):
    """[instance, release, time] of every start of the app, from its data directory."""
    return [line.split() for line in node.read(f'/opt/nanoscale/sites/{project_id}/data/starts').splitlines()]


def check_invariants(node, project, marker):
    """`live` is a slot that answers with the release that the database names; the other slot has neither a socket nor a process; the units that
    the next boot starts are the live slot's."""
    settle(node, project)
    shown = show(node, project)
    slot, other = live_slot(node, shown['id']), {'a': 'b', 'b': 'a'}[live_slot(node, shown['id'])]
    answer = node.fetch(url(project, '/who'), timeout=120).json()
    assert answer['marker'] == marker and int(answer['release']) == shown['live_release'], (answer, shown['live_release'])
    assert open_slots(node, shown['id']) == [slot]
    assert other not in running_slots(node, shown['id'])
    wanted = node.output('ls', '/etc/systemd/system/sockets.target.wants').split()
    assert f'nanoscale-{shown["id"]}@{slot}.socket' in wanted and f'nanoscale-{shown["id"]}@{other}.socket' not in wanted
    assert f' {slot}.sock' in node.read(f'/etc/tmpfiles.d/nanoscale-{shown["id"]}.conf')


def set_up_sleep(node, **settings):
    """Idle times of seconds, which only tests want."""
    config = json.loads(node.read('/opt/nanoscale/config/config.json'))
    config['sleep'] = {'shortest_idle_seconds': 1, 'doze_seconds': 0, **settings}
    node.run(['tee', '/opt/nanoscale/config/config.json'], input=json.dumps(config))
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    node.wait_active('nanoscale-agent.service')


def agent_is_ready(node):
    wait_until(lambda: node.run(['nanoscale', 'status'], check=False).ok, every=0.1, what='an answer of the agent')
