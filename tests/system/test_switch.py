# SPDX-License-Identifier: AGPL-3.0-or-later
"""Deploy, rollback and restart are one mechanism: no request is lost, and a release that does not work never gets one."""
import json
import threading
import time

import pytest

from apps_inline import api, deploy, last_deployment, remove
from nodes import wait_until
from switching import SERVER, agent_is_ready, app, check_invariants, live_slot, open_slots, set_enough, set_up_sleep, settle, show, starts, url


class Visitor(threading.Thread):
    """Asks again and again, never twice for the same; keeps what went wrong."""
    def __init__(self, node, project, path='/', pause=0.02):
        super().__init__(daemon=True)
        self.node, self.address, self.pause = node, url(project, path), pause
        self.answers, self.wrong, self.over = {}, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                answer = self.node.fetch(self.address, timeout=180)
                if answer.status == 200:
                    self.answers[answer.text] = self.answers.get(answer.text, 0) + 1
                else:
                    self.wrong.append((time.time(), answer.status, answer.text[:80]))
            except OSError as error:
                self.wrong.append((time.time(), repr(error)))
            time.sleep(self.pause)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(200)


@pytest.fixture(scope='module')
def node(lab, git):
    node = lab.node('switch', 'installed')
    set_up_sleep(node)
    git.create_repo('turn', app('one'))
    deploy(node, git.url('turn'), '--name', 'turn')
    yield node
    lab.remove(node)


def test_deploy_rollback_restart_under_requests(node, git):
    git.push('turn', app('two'))
    with Visitor(node, 'turn') as visitor:
        deploy(node, 'turn')
        settle(node, 'turn')
        node.run(['nanoscale', 'rollback', 'turn'], timeout=180)
        settle(node, 'turn')
        node.run(['nanoscale', 'rollback', 'turn', '2'], timeout=180)
        settle(node, 'turn')
        node.run(['nanoscale', 'restart', 'turn'], timeout=180)
    assert visitor.wrong == [] and set(visitor.answers) == {'one', 'two'}
    check_invariants(node, 'turn', 'two')
    kinds = [d['kind'] for d in api(node, 'deployments', 'list', 'turn')['deployments']]
    assert kinds == ['restart', 'rollback', 'rollback', 'deploy', 'deploy']


def test_receipt_tells_what_the_switch_came_to(node):
    receipt = last_deployment(node, 'turn')['receipt']
    assert receipt['started_at'] < receipt['healthy_at'] <= receipt['switched_at'] <= receipt['drained_at']
    assert receipt['healthy_ms'] > 0 and receipt['connections_cut'] == 0
    text = node.output('nanoscale', 'deployments', 'show', 'turn')
    assert 'drained' in text


def test_restart_takes_new_variables(node):
    assert node.fetch(url('turn', '/env?name=COLOUR')).json() is None
    node.run(['nanoscale', 'env', 'set', 'turn', 'COLOUR=red'])
    assert node.fetch(url('turn', '/env?name=COLOUR')).json() is None
    node.run(['nanoscale', 'restart', 'turn'], timeout=180)
    settle(node, 'turn')  # until then a connection that nginx keeps may still lead to the previous one, for two seconds
    assert node.fetch(url('turn', '/env?name=COLOUR')).json() == 'red'


def test_rollback_to_what_is_not_there(node):
    for release in ('77', '2'):
        result = node.run(['nanoscale', 'rollback', 'turn', release], check=False)
        assert not result.ok and 'release' in result.stderr.lower(), result


BROKEN = {
    'crashes': "console.error('no database'); process.exit(3);",
    'answers 500': "require('node:http').createServer((q, s) => { s.statusCode = 500; s.end('ill') }).listen(process.env.PORT);",
    'ends with 0': 'process.exit(0);',
}


@pytest.mark.parametrize('what', BROKEN)
def test_broken_release_gets_no_request(node, git, what):
    git.push('turn', app('broken', BROKEN[what]))
    with Visitor(node, 'turn', pause=0.05) as visitor:
        if what == 'answers 500':  # the whole minute of the health check is not waited for
            deploy(node, 'turn', '--no-follow')
            wait_until(lambda: last_deployment(node, 'turn')['state'] in ('check', 'failed'), every=0.5, what='the health check')
            time.sleep(5)  # in which it is asked for its health more than once
            node.run(['nanoscale', 'deployments', 'cancel', 'turn'])
        else:
            assert not deploy(node, 'turn', check=False).ok
        settle(node, 'turn')
    assert visitor.wrong == [] and set(visitor.answers) == {'two'}
    if what == 'crashes':
        failure = last_deployment(node, 'turn')['failure']
        assert failure['step'] in ('start', 'check') and '3' in failure['sentence'] and 'no database' in '\n'.join(failure['last_lines']), failure
    check_invariants(node, 'turn', 'two')


def test_long_exchanges_cross_a_deploy(node, git):
    """A slow download and an open WebSocket of half a minute are finished by the instance that they began with; an upload of 30 s arrives."""
    git.push('turn', app('three'))
    project, results, begun, enough = show(node, 'turn')['id'], {}, threading.Semaphore(0), threading.Event()

    def download():
        s = node.connect(80)
        s.settimeout(120)
        s.sendall(f'GET /drip HTTP/1.0\r\nHost: {url("turn")[7:-1]}\r\n\r\n'.encode())
        seen = b''
        while piece := s.recv(4096):
            if b'\r\n\r\n' not in seen and b'\r\n\r\n' in seen + piece:
                begun.release()
            seen += piece
        results['download'] = seen.decode().split('\r\n\r\n', 1)[1]

    def upload():
        s = node.connect(80)
        s.settimeout(120)
        s.sendall(f'POST /upload HTTP/1.1\r\nHost: {url("turn")[7:-1]}\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n'.encode())
        for _ in range(60):
            s.sendall(b'x' * 1000)
            time.sleep(0.5)
        seen = b''
        while piece := s.recv(4096):
            seen += piece
        results['upload'] = seen.decode()

    def socket():
        s = node.connect(80)
        s.settimeout(120)
        s.sendall(f'GET / HTTP/1.1\r\nHost: {url("turn")[7:-1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'.encode())
        assert b' 101 ' in s.recv(4096)
        begun.release()
        enough.wait(600)
        s.sendall(b'still there')
        results['socket'] = s.recv(100)
        s.close()
    before = node.fetch(url('turn', '/who')).json()['instance']
    threads = [threading.Thread(target=target) for target in (download, upload, socket)]
    for thread in threads:
        thread.start()
    assert begun.acquire(timeout=180) and begun.acquire(timeout=180), 'both are under way'
    deploy(node, 'turn')
    assert node.fetch(url('turn')).text == 'three'
    assert len(open_slots(node, project)) == 2, 'the old one drains'
    time.sleep(21)
    enough.set()
    set_enough(node, project)
    for thread in threads:
        thread.join(200)
    set_enough(node, project, False)
    lines = results['download'].splitlines()
    assert len(lines) > 40 and lines == [before] * (len(lines) - 1) + ['end']
    assert '"length":60000' in results['upload']  # nginx collects it; whichever is live when it is complete gets it, once
    assert results['socket'] == b'still there'
    settle(node, 'turn')
    receipt = last_deployment(node, 'turn')['receipt']
    assert receipt['connections_cut'] == 0 and receipt['connections_drained'] >= 2 and receipt['drain_ms'] > 20000
    check_invariants(node, 'turn', 'three')


def test_drain_time_has_an_end(node):
    """Who stays longer than the project's drain time is cut, and the receipt says so."""
    node.run(['nanoscale', 'projects', 'set', 'turn', '--drain', '3s'])
    s = node.connect(80)
    s.sendall(f'GET /drip HTTP/1.1\r\nHost: {url("turn")[7:-1]}\r\n\r\n'.encode())
    assert b' 200 ' in s.recv(4096)
    node.run(['nanoscale', 'restart', 'turn'], timeout=180)
    settle(node, 'turn')
    receipt = last_deployment(node, 'turn')['receipt']
    assert receipt['connections_cut'] == 1 and receipt['drain_ms'] < 60000
    s.close()
    node.run(['nanoscale', 'projects', 'set', 'turn', '--drain', '120s'])
    check_invariants(node, 'turn', 'three')


ALONE = r'''{
const fs = require('node:fs'), lock = `${process.env.DATA_DIR}/lock`;
let held; try { held = fs.openSync(lock, 'wx'); } catch { fs.appendFileSync(`${process.env.DATA_DIR}/collisions`, 'x'); process.exit(5); }
const bye = () => { fs.unlinkSync(lock); process.exit(0); };
process.on('SIGTERM', bye); process.on('SIGINT', bye);
}'''


def test_exclusive_app_never_runs_twice(node, git):
    """It takes a lock in its data directory and dies where that is taken. Visitors wait while one goes and the other comes; none is lost, and a release that
    does not start makes the old one come back."""
    server = ALONE + SERVER
    git.create_repo('alone', app('first', server))
    deploy(node, git.url('alone'), '--name', 'alone')
    node.run(['nanoscale', 'projects', 'set', 'alone', '--exclusive', 'on'])  # what runs was not started as such, and is waited for all the same
    git.push('alone', app('second', server))
    with Visitor(node, 'alone', pause=0.05) as visitor:
        deploy(node, 'alone')
        settle(node, 'alone')
        node.run(['nanoscale', 'restart', 'alone'], timeout=180)
        settle(node, 'alone')
        node.run(['nanoscale', 'sleep', 'alone'], timeout=180)
        settle(node, 'alone')
        git.push('alone', app('third', 'process.exit(3);'))
        assert not deploy(node, 'alone', check=False).ok
        settle(node, 'alone')
    assert visitor.wrong == [] and set(visitor.answers) == {'first', 'second'}
    check_invariants(node, 'alone', 'second')
    assert not node.exists(f'/opt/nanoscale/sites/{show(node, "alone")["id"]}/data/collisions')
    remove(node, 'alone')


def test_data_directory_survives_everything(node):
    project = show(node, 'turn')['id']
    assert [release for _, release, _ in starts(node, project)][:3] == ['1', '2', '1']


def test_agent_killed_at_any_moment_of_a_switch(node, git):
    """Eight moments. Whatever the agent was about, afterwards `live` is on a healthy slot and the other one is gone; nobody noticed."""
    project = show(node, 'turn')['id']
    with Visitor(node, 'turn', pause=0.03) as visitor:
        for step in range(8):
            started = threading.Thread(target=lambda: node.run(['nanoscale', 'restart', 'turn'], check=False, timeout=180))
            started.start()
            time.sleep(0.35 * step + 0.1)
            node.run(['systemctl', 'kill', '--kill-who=main', '-s', 'KILL', 'nanoscale-agent.service'])
            started.join(200)
            agent_is_ready(node)
            check_invariants(node, 'turn', 'three')
            assert live_slot(node, project) in 'ab'
    assert visitor.wrong == [] and set(visitor.answers) == {'three'}
    assert all(d['finished_at'] for d in api(node, 'deployments', 'list', 'turn')['deployments'])


def test_posts_arrive_exactly_once(node):
    sent, failed = [], []
    over = threading.Event()

    def post():
        while not over.is_set():
            name = f'post-{len(sent)}'
            sent.append(name)
            answer = node.fetch(url('turn', '/count'), method='POST', body=name, timeout=180)
            if answer.status != 200 or answer.text != name:
                failed.append((name, answer.status))
    thread = threading.Thread(target=post)
    thread.start()
    for verb in (['restart'], ['sleep'], ['restart'], ['sleep']):
        node.run(['nanoscale', *verb, 'turn'], timeout=180)
        settle(node, 'turn')
    over.set()
    thread.join(200)
    written = node.read(f'/opt/nanoscale/sites/{show(node, "turn")["id"]}/data/posts').splitlines()
    assert failed == [] and len(sent) > 50 and written == sent, json.dumps({'sent': len(sent), 'written': len(written)})
