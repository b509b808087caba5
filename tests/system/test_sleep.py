# SPDX-License-Identifier: AGPL-3.0-or-later
"""Idle apps fall asleep and wake on the first request, which is not lost, at whatever moment it comes; also with the agent stopped."""
import threading
import time

import pytest

from apps_inline import api, deploy, processes, remove
from nodes import BASE_DOMAIN, wait_until
from switching import agent_is_ready, app, check_invariants, live_slot, open_slots, running_slots, set_enough, set_up_sleep, settle, show, starts, status, url, wait_status


@pytest.fixture(scope='module')
def node(lab, git):
    node = lab.node('sleep', 'installed')
    set_up_sleep(node)
    git.create_repo('nap', app('nap'))
    deploy(node, git.url('nap'), '--name', 'nap', '--idle', 'never')
    yield node
    lab.remove(node)


def nod_off(node, project='nap', *options):
    node.run(['nanoscale', 'sleep', project, *options], timeout=180)
    settle(node, project)


def user_processes(node, project):
    uid = int(node.output('id', '-u', f'nanoscale-{show(node, project)["id"]}'))
    return [words for owner, words in processes(node) if owner == uid]


def test_idle_app_falls_asleep_and_wakes(node):
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', '2s'])
    wait_status(node, 'nap', 'sleeping/armed')
    settle(node, 'nap')
    shown = show(node, 'nap')
    assert shown['sleep']['ram_saved_bytes'] > 5 << 20, shown
    assert len(user_processes(node, 'nap')) == 1 and 'nanoscale-run' in user_processes(node, 'nap')[0]
    # While it sleeps this changes nothing; once awake it stays so for long enough to be seen.
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', '1h'])
    assert status(node, 'nap') == 'sleeping/armed'
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    wait_status(node, 'nap', 'live')
    wakes = wait_until(lambda: api(node, 'wakes', 'nap')['wakes'])
    assert wakes[0]['kind'] == 'armed' and 10 < wakes[0]['duration_ms'] < 60000
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', '2s'])
    wait_status(node, 'nap', 'sleeping/armed')
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', 'never'])
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    check_invariants(node, 'nap', 'nap')


def test_asleep_is_a_socket_alone(node):
    nod_off(node, 'nap', '--deep')
    assert status(node, 'nap') == 'sleeping/asleep'
    project = show(node, 'nap')['id']
    # Its start's report may still be on its way.
    wait_until(lambda: user_processes(node, 'nap') == [], 60, 0.2, 'no process')
    assert open_slots(node, project) == [live_slot(node, project)]
    before = len(starts(node, project))
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    assert len(starts(node, project)) == before + 1
    wait_until(lambda: api(node, 'wakes', 'nap')['wakes'][0]['kind'] == 'asleep')
    check_invariants(node, 'nap', 'nap')


def test_armed_becomes_asleep_in_time(node):
    nod_off(node)
    assert status(node, 'nap') == 'sleeping/armed'
    nod_off(node, 'nap', '--deep')
    assert status(node, 'nap') == 'sleeping/asleep'
    node.run(['nanoscale', 'wake', 'nap'], timeout=180)
    assert status(node, 'nap') == 'live'


def test_agent_is_not_needed_for_a_wake(node):
    for options in ([], ['--deep']):
        nod_off(node, 'nap', *options)
        node.run(['systemctl', 'stop', 'nanoscale-agent.service', 'nanoscale-agent.socket'])
        assert node.fetch(url('nap'), timeout=180).text == 'nap'
        node.run(['systemctl', 'start', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
        agent_is_ready(node)
        wait_status(node, 'nap', 'live')
        check_invariants(node, 'nap', 'nap')


def test_armed_is_known_again_after_a_restart_of_the_agent(node):
    nod_off(node)
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    agent_is_ready(node)
    wait_status(node, 'nap', 'sleeping/armed')
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    wait_status(node, 'nap', 'live')


def test_a_thousand_connections_to_a_sleeping_app(node):
    """All are there before the first answer is; one start serves them all."""
    project = show(node, 'nap')['id']
    for options in ([], ['--deep']):
        nod_off(node, 'nap', *options)
        before = len(starts(node, project))
        connections = []
        for _ in range(1000):
            s = node.connect(80)
            s.settimeout(120)
            connections.append(s)
        request = f'GET / HTTP/1.1\r\nHost: nap.{BASE_DOMAIN}\r\nConnection: close\r\n\r\n'.encode()
        for s in connections:
            s.sendall(request)
        wrong = []
        for s in connections:
            seen = b''
            while piece := s.recv(4096):
                seen += piece
            if b' 200 ' not in seen.split(b'\r\n')[0] or not seen.endswith(b'nap'):
                wrong.append(seen[:100])
            s.close()
        assert wrong == []
        assert len(starts(node, project)) == before + 1
        check_invariants(node, 'nap', 'nap')


@pytest.mark.parametrize('kind', ['websocket', 'silent'])
def test_open_connection_keeps_it_awake(node, kind):
    project = show(node, 'nap')['id']
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    wait_status(node, 'nap', 'live')
    s = node.connect(80)
    s.settimeout(120)
    if kind == 'websocket':
        s.sendall(f'GET / HTTP/1.1\r\nHost: nap.{BASE_DOMAIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'.encode())
        assert b' 101 ' in s.recv(4096)
    else:  # a request whose answer takes its time
        s.sendall(f'GET /hold HTTP/1.1\r\nHost: nap.{BASE_DOMAIN}\r\nConnection: close\r\n\r\n'.encode())
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', '2s'])
    end = time.monotonic() + 6
    while time.monotonic() < end:
        assert status(node, 'nap') == 'live'
        time.sleep(0.5)
    if kind == 'websocket':
        s.sendall(b'echo')
        assert s.recv(100) == b'echo'
    else:
        set_enough(node, project)
        assert b' 200 ' in s.recv(4096)
        set_enough(node, project, False)
    s.close()
    wait_status(node, 'nap', 'sleeping/armed')
    node.run(['nanoscale', 'projects', 'set', 'nap', '--idle', 'never'])


def test_request_at_each_moment_of_falling_asleep(node):
    """20 steps of 60 ms from the command on, in every other one two requests; each request is answered, by whichever instance is there."""
    for step in range(20):
        node.run(['nanoscale', 'wake', 'nap'], timeout=180)
        settle(node, 'nap')
        sleeper = threading.Thread(target=lambda: node.run(['nanoscale', 'sleep', 'nap'], check=False, timeout=180))
        sleeper.start()
        time.sleep(0.06 * step)
        answers = [node.fetch(url('nap'), timeout=180).text for _ in range(1 + step % 2)]
        sleeper.join(60)
        assert set(answers) == {'nap'}, step
    check_invariants(node, 'nap', 'nap')


def test_sleeping_app_sleeps_on_after_a_reboot_and_wakes(node):
    nod_off(node)
    node.reboot()
    agent_is_ready(node)
    wait_until(lambda: status(node, 'nap') in ('sleeping/armed', 'sleeping/asleep'), every=0.3)
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    check_invariants(node, 'nap', 'nap')


def test_crash_loop_is_given_up_and_taken_up_again(node):
    """The visitor reads a friendly page with 503 and Retry-After; systemd does not start the app for each request; when the cause is gone it runs again."""
    project = show(node, 'nap')['id']
    data = f'/opt/nanoscale/sites/{project}/data'
    node.run(['touch', f'{data}/broken'])
    node.fetch(url('nap', '/crash'))
    wait_until(lambda: node.fetch(url('nap'), timeout=180).status == 503)
    wait_status(node, 'nap', 'crashed')
    answer = node.fetch(url('nap'))
    assert answer.status == 503 and int(answer.headers['Retry-After']) > 0 and '<html' in answer.text
    shown = show(node, 'nap')
    assert 'code 7' in shown['crash']['sentence'] and 'this app is broken' in '\n'.join(shown['crash']['last_lines']), shown['crash']
    assert 'crashed' in node.output('nanoscale', 'projects', 'show', 'nap')
    settle(node, 'nap')
    before = len(starts(node, project))
    for _ in range(200):
        assert node.fetch(url('nap')).status == 503
    assert len(starts(node, project)) < before + 20  # the agent's own attempts, of which a slow machine sees some
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    agent_is_ready(node)
    assert status(node, 'nap') == 'crashed', 'it is not forgotten'
    node.run(['rm', f'{data}/broken'])
    node.run(['nanoscale', 'wake', 'nap'], timeout=180)
    assert node.fetch(url('nap'), timeout=180).text == 'nap'
    check_invariants(node, 'nap', 'nap')


def test_single_crash_costs_nobody_else_a_request(node):
    node.run(['nanoscale', 'restart', 'nap'], timeout=180)
    settle(node, 'nap')
    before = node.fetch(url('nap', '/who')).json()['instance']
    assert node.fetch(url('nap', '/crash')).status == 503
    assert node.fetch(url('nap', '/who'), timeout=180).json()['instance'] != before
    check_invariants(node, 'nap', 'nap')


def test_app_that_never_sleeps_is_started_again_without_a_visitor(node):
    project = show(node, 'nap')['id']
    before = len(starts(node, project))
    node.fetch(url('nap', '/crash'))
    wait_until(lambda: len(starts(node, project)) == before + 1)
    wait_status(node, 'nap', 'live')


def test_what_cannot_sleep_says_so(node, git):
    git.create_repo('fresh', app('fresh'))
    node.run(['nanoscale', 'projects', 'create', 'fresh', '--repo', git.url('fresh')])
    result = node.run(['nanoscale', 'sleep', 'fresh'], check=False)
    assert not result.ok and 'Deploy the project first' in result.stderr
    remove(node, 'fresh')
    assert running_slots(node, show(node, 'nap')['id'])
