# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a node and its apps use, as they use it: series, newest values, /metrics; through sleep, restarts of the agent and its sudden end."""
import json
import time

import pytest

import exposition
from apps_inline import api, deploy, remove
from nodes import wait_until
from switching import agent_is_ready, app, set_up_sleep, settle, show, wait_status, url

SOCKET = '/run/nanoscale/agent.sock'
FILES = '/opt/nanoscale/data/statistics'
# /burn works for so many ms, in pieces, so that it still answers; /hold keeps so many MiB.
SERVER = r'''
const http = require('node:http'), kept = [];
http.createServer((request, response) => {
  const at = new URL(request.url, 'http://localhost'), n = Number(at.searchParams.get('n'));
  if (at.pathname === '/hold') kept.push(Buffer.alloc(n << 20, 1));
  if (at.pathname === '/burn') {
    const end = Date.now() + n;
    const piece = () => { const until = Date.now() + 50; while (Date.now() < until); if (Date.now() < end) setImmediate(piece); };
    piece();
  }
  response.end('MARKER');
}).listen(process.env.PORT);
'''


@pytest.fixture(scope='module')
def node(lab, git):
    node = lab.node('stats', 'installed')
    set_up_sleep(node)
    git.create_repo('busy', app('busy', SERVER))
    deploy(node, git.url('busy'), '--name', 'busy', '--idle', 'never')
    yield node
    lab.remove(node)


def get(node, path, status=200):
    answer = node.fetch_unix(SOCKET, path, timeout=60)
    assert answer.status == status, (path, answer.text)
    return answer


def series(node, what, range_='hour'):
    return get(node, f'/api/{what}/statistics?range={range_}').json()


def known(values):
    return [value for value in values if value is not None]


def metrics(node):
    answer = get(node, '/metrics')
    assert answer.headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8'
    return exposition.parse(answer.text)


def sample(families, name, **labels):
    return families[name]['samples'].get(tuple(sorted(labels.items())))


def own_name(node):
    return api(node, 'servers', 'list')['servers'][0]['name']


def test_reader_of_metrics_is_strict():
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{p="a\\"b",q=""} 1\na_total 2.5e3\n'
    assert exposition.parse(good)['a_total']['samples'][(('p', 'a"b'), ('q', ''))] == 1
    for bad in (good[:-1], good.replace(' 1\n', ' one\n'), good.replace('{p', '{1p'), good.replace('\\"', '"'), good + 'b 1\n', good.replace('counter', 'gauge'),
                good + 'a_total 3\n', good.replace('q=', 'p='), good.replace('# TYPE a_total counter\n', ''), good.replace(' 2.5e3', ' -1'), good + good, good + '\n'):
        with pytest.raises(AssertionError):
            exposition.parse(bad)


def test_processor_and_memory_of_an_app_rise_with_its_work(node):
    wait_until(lambda: len(known(series(node, 'projects/busy')['series']['cpu_percent'])) >= 2, 90, 1, 'two samples of the app')
    before = show(node, 'busy')['statistics']
    assert node.fetch(url('busy', '/hold?n=60'), timeout=60).text == 'busy'
    assert node.fetch(url('busy', '/burn?n=60000'), timeout=60).text == 'busy'

    def risen():
        now = show(node, 'busy')['statistics']
        # On a machine that is busy with other things it gets less than one processor.
        return now['cpu_percent'] is not None and now['cpu_percent'] > 5 and now['memory_bytes'] > (50 << 20) and now
    now = wait_until(risen, 90, 1, 'processor time and memory of the app')
    assert now['cpu_seconds'] > before['cpu_seconds']
    assert max(known(series(node, 'projects/busy')['series']['cpu_percent'])) > 5
    assert max(known(series(node, 'projects/busy')['series']['memory_bytes'])) > 50 << 20
    for range_ in ('day', 'month'):
        answer = series(node, 'projects/busy', range_)
        assert len(known(answer['series']['memory_bytes'])) >= 1, range_


def test_form_of_series(node):
    name = own_name(node)
    for range_, step, count in (('hour', 10, 360), ('day', 60, 1440), ('month', 900, 2880)):
        for what in (f'servers/{name}', 'projects/busy'):
            answer = series(node, what, range_)
            assert (answer['range'], answer['step_seconds'], answer['count']) == (range_, step, count)
            assert {len(values) for values in answer['series'].values()} == {count}
            began = time.time() - count * step
            started = time.mktime(time.strptime(answer['start'][:19], '%Y-%m-%dT%H:%M:%S')) - time.timezone
            assert abs(started - began) <= 2 * step + 60 and started % step == 0
    assert get(node, '/api/projects/busy/statistics?range=year', 400).json()['type'] == 'malformed-query'
    assert get(node, '/api/servers/nowhere/statistics', 404).json()['type'] == 'server-absent'
    assert get(node, '/api/projects/nothing/statistics', 404).json()['type'] == 'project-absent'
    assert series(node, f"servers/{api(node, 'servers', 'list')['servers'][0]['id']}")['count'] == 360


def test_values_of_the_node(node):
    now = api(node, 'servers', 'list')['servers'][0]['statistics']
    assert 0 <= now['cpu_percent'] <= 100 and now['processors'] >= 1
    assert 0 < now['memory_bytes'] < now['memory_total_bytes'] and 0 < now['disk_bytes'] < now['disk_total_bytes']
    assert len(now['load_averages']) == 3 and now['uptime_seconds'] > 0
    values = series(node, f'servers/{own_name(node)}')['series']
    assert all(known(values[key]) for key in values), values.keys()
    # Something that is fetched goes through the node's interface.
    node.fetch(url('busy'), timeout=30)
    assert metrics(node)['nanoscale_node_network_received_bytes_total']['samples'][()] > 0


def test_metrics(node):
    families = metrics(node)
    assert sample(families, 'nanoscale_project_status', project='busy', status='live') == 1
    assert sum(value for key, value in families['nanoscale_project_status']['samples'].items() if ('project', 'busy') in key) == 1
    assert sample(families, 'nanoscale_project_cpu_seconds_total', project='busy') > 0
    assert sample(families, 'nanoscale_project_memory_bytes', project='busy') > 1 << 20
    assert sample(families, 'nanoscale_project_deployments_total', project='busy') >= 1
    assert sample(families, 'nanoscale_node_cpu_seconds_total', mode='user') > 0
    assert 0 < sample(families, 'nanoscale_agent_anonymous_memory_bytes') < 64 << 20
    assert sample(families, 'nanoscale_agent_sample_cpu_seconds') > 0


def test_asleep_is_zero_and_wakes_are_counted(node):
    wakes = sample(metrics(node), 'nanoscale_project_wakes_total', project='busy')
    node.run(['nanoscale', 'sleep', 'busy'], timeout=180)
    settle(node, 'busy')

    def zero():
        now = show(node, 'busy')['statistics']
        return now['cpu_percent'] == 0 and now['memory_bytes'] == 0
    wait_until(zero, 60, 1, 'an app that takes nothing')
    assert series(node, 'projects/busy')['series']['memory_bytes'][-3:].count(0) >= 1
    assert sample(metrics(node), 'nanoscale_project_status', project='busy', status='sleeping') == 1
    assert node.fetch(url('busy'), timeout=60).text == 'busy'
    wait_status(node, 'busy', 'live')
    wait_until(lambda: sample(metrics(node), 'nanoscale_project_wakes_total', project='busy') == wakes + 1, 30, 0.5, 'the wake that was counted')
    wait_until(lambda: show(node, 'busy')['statistics']['memory_bytes'] > 1 << 20, 60, 1, 'the memory of the app that woke')


@pytest.mark.parametrize('how', ['restart', 'SIGKILL', 'stop'])
def test_samples_survive_the_agent(node, how):
    """As often as it ends, what was measured stays; what was not measured is no number."""
    name = own_name(node)
    wait_until(lambda: (show(node, 'busy')['statistics'] or {}).get('cpu_percent') is not None, 90, 1, 'a sample')
    before = series(node, f'servers/{name}')
    seconds = show(node, 'busy')['statistics']['cpu_seconds']
    if how == 'SIGKILL':
        node.run(['systemctl', 'kill', '--kill-who=main', '-s', 'KILL', 'nanoscale-agent.service'])
    elif how == 'restart':
        node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    else:
        node.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
        time.sleep(31)  # three samples that nobody takes
        node.run(['systemctl', 'start', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
    agent_is_ready(node)
    after = series(node, f'servers/{name}')
    old = {at: value for at, value in zip(times(before), before['series']['memory_bytes']) if value is not None}
    new = dict(zip(times(after), after['series']['memory_bytes']))
    # The step under way may get a second sample; what is older than an hour is gone.
    kept = [at for at in old if at in new and at < max(old)]
    assert kept and all(new[at] == old[at] for at in kept)
    if how == 'stop':
        app_ = series(node, 'projects/busy')
        for values in (new, dict(zip(times(app_), app_['series']['memory_bytes']))):
            assert len([at for at in values if max(old) < at < newest(node) and values[at] is None]) >= 2, values
    wait_until(lambda: (show(node, 'busy')['statistics'] or {}).get('cpu_percent') is not None, 90, 1, 'a rate again')
    assert show(node, 'busy')['statistics']['cpu_seconds'] >= seconds


def newest(node):
    """When the newest sample of the node was taken, once there is one."""
    return wait_until(lambda: max(at for at, value in pairs(series(node, f'servers/{own_name(node)}')) if value is not None), 60, 1, 'a sample')


def pairs(answer):
    return list(zip(times(answer), answer['series']['memory_bytes']))


def times(answer):
    started = int(time.mktime(time.strptime(answer['start'][:19], '%Y-%m-%dT%H:%M:%S')) - time.timezone)
    return [started + i * answer['step_seconds'] for i in range(answer['count'])]


def test_damaged_file_begins_anew_and_is_said(node):
    node.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
    stopped = time.time()
    node.run(['dd', 'if=/dev/zero', f'of={FILES}/node', 'bs=64', 'count=1', 'conv=notrunc'])
    node.run(['systemctl', 'start', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
    agent_is_ready(node)
    assert f'{FILES}/node was damaged' in node.journal_text('nanoscale-agent.service')
    newest(node)
    assert all(at > stopped - 20 for at, value in pairs(series(node, f'servers/{own_name(node)}')) if value is not None)
    assert node.owner_and_mode(f'{FILES}/node') == 'nanoscale:nanoscale 0600'


def test_command_line(node):
    out = node.output('nanoscale', 'servers', 'show', own_name(node))
    assert 'last 30 days' in out and ' free\n' in out
    assert 'last hour' in node.output('nanoscale', 'projects', 'stats', 'busy')
    assert sorted(json.loads(node.output('nanoscale', 'projects', 'stats', 'busy', '--json'))) == ['day', 'hour', 'month', 'project']


def test_a_removed_project_leaves_no_file(node, git):
    git.create_repo('gone', app('gone', SERVER))
    deploy(node, git.url('gone'), '--name', 'gone', '--idle', 'never')
    project = show(node, 'gone')['id']
    wait_until(lambda: node.exists(f'{FILES}/{project}'), 60, 1, 'the file of a project')
    remove(node, 'gone')
    wait_until(lambda: not node.exists(f'{FILES}/{project}'), 60, 1, 'the file to be gone')
