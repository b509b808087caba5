# SPDX-License-Identifier: AGPL-3.0-or-later
"""What breaks between an orchestrator and its workers, and what is true afterwards."""
import json
import threading
import time

import pytest

import cluster
from cluster import (LIMIT, Cut, Stream, ask, begin, call, check_complete, configure, create, deploy, deployments, finish, join, make_candidate, make_orchestrator,
                     restart_agent, server, wait_offline, wait_online)
from nodes import run, wait_until
from switching import url

CUT_SECONDS = 5  # how long a cut of the network lasts that nobody is to notice

# Each step takes as long as the repository says, so that something can happen in it.
SLOW = r'''
const seconds = require('./seconds.json');
const http = require('node:http');
const step = process.argv[2];
if (step !== 'serve') {
  let left = seconds[step] * 2;
  const timer = setInterval(() => { console.log(`${step} ${left}`); if (--left < 0) clearInterval(timer); }, 500);
} else {
  setTimeout(() => http.createServer((request, response) => response.end('MARKER')).listen(process.env.PORT), seconds.serve * 1000);
}
'''


def slow(marker, install=0, build=0, serve=0):
    return {'package.json': json.dumps({'name': 'app', 'private': True, 'scripts': {'start': 'node slow.js serve', 'build': 'node slow.js build'}}),
            'slow.js': SLOW.replace('MARKER', marker), 'seconds.json': json.dumps({'install': install, 'build': build, 'serve': serve})}


@pytest.fixture(scope='module')
def boss(lab, git):
    node = make_orchestrator(lab, 'fboss')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def worker(lab, boss, git):
    """A worker on which idle apps sleep at once; its project is `slow`."""
    node = make_candidate(lab, 'fw')
    join(boss, node)
    configure(node, {'sleep': {'shortest_idle_seconds': 1, 'doze_seconds': 0}})
    wait_online(boss, 'fw')
    git.create_repo('slow', slow('first'))
    create(boss, git, 'slow', 'fw', install_command='node slow.js install', build_command='npm run build', start_command='node slow.js serve', idle_seconds=0)
    deploy(boss, 'slow')
    assert node.wait_fetch(url('slow')).text == 'first'
    yield node
    lab.heal()
    lab.remove(node)


@pytest.fixture(scope='module')
def other(lab, boss):
    node = make_candidate(lab, 'fx')
    join(boss, node)
    wait_online(boss, 'fx')
    yield node
    lab.remove(node)


@pytest.fixture(autouse=True)
def healed(lab):
    yield
    lab.heal()


def one_of(node, deployment, project='slow'):
    assert [d['id'] for d in deployments(node, project)].count(deployment) == 1
    return [d for d in deployments(node, project) if d['id'] == deployment][0]


def check_same(boss, worker, deployment):
    """Both say the same of it, and it is there once."""
    here, there = (ask(node, 'GET', f'/api/deployments/{deployment}') for node in (boss, worker))
    assert here == there
    assert one_of(boss, deployment) == one_of(worker, deployment)


# --- cuts of the network -----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('ways', ['both', 'there', 'back'])
def test_network_cut_in_every_step(boss, worker, git, ways):
    """Three cuts in one deployment: while it fetches and installs, while it builds and is started, while it is checked and switched to."""
    git.push('slow', slow(f'cut {ways}', 6, 4, 6))
    wait_online(boss, 'fw')
    count = len(deployments(boss, 'slow'))
    deployment = begin(boss, 'slow')
    stream = Stream(boss, f'/api/deployments/{deployment}/events')
    for step in (None, 'build', 'check'):
        if step:
            stream.wait_step(step)
        with Cut(boss, worker, ways):
            time.sleep(CUT_SECONDS)
    finish(boss, deployment)
    stream.wait_end()
    check_complete(stream)
    assert [e['data']['name'] for e in stream.events if e['event'] == 'step' and e['data']['result'] == 'ok'] == [
        'fetch', 'install', 'build', 'release', 'start', 'check']
    check_same(boss, worker, deployment)
    assert len(deployments(worker, 'slow')) == count + 1
    assert worker.fetch(url('slow')).text == f'cut {ways}'


def test_lost_answer_and_the_same_again_make_one_deployment(boss, worker, git):
    """The worker has taken the call; its answer and the end of the connection never arrive."""
    git.push('slow', slow('lost answer', 0, 0, 0))
    wait_online(boss, 'fw')
    before, answers = len(deployments(worker, 'slow')), []

    def submit():
        answers.append(call(boss, 'POST', '/api/projects/slow/deployments', {'id': 'lostanswer01'}, timeout=300))
    with Cut(boss, worker, 'back'):
        thread = threading.Thread(target=submit)
        thread.start()
        wait_until(lambda: call(worker, 'GET', '/api/deployments/lostanswer01').status == 200, LIMIT, 0.1, 'the worker has the deployment')
        worker.run(['systemctl', 'restart', 'nginx.service'])
    thread.join(300)
    # The orchestrator has asked again by itself, or says that it does not know; then whoever asked asks again, with the same id.
    answer = answers[0]
    if answer.status == 503:
        assert answer.json()['type'] == 'server-unreachable', answer
        wait_online(boss, 'fw')
        answer = call(boss, 'POST', '/api/projects/slow/deployments', {'id': 'lostanswer01'})
    assert answer.status == 202 and answer.json()['id'] == 'lostanswer01', answer
    finish(boss, 'lostanswer01')
    # Once more, long after.
    assert call(boss, 'POST', '/api/projects/slow/deployments', {'id': 'lostanswer01'}).json()['state'] == 'live'
    assert len(deployments(worker, 'slow')) == before + 1
    check_same(boss, worker, 'lostanswer01')


def test_a_third_of_all_packets_lost(boss, worker, git):
    git.push('slow', slow('lossy', 1, 1, 1))
    wait_online(boss, 'fw')
    with Cut(boss, worker, percent=30):
        def asked():
            answer = call(boss, 'POST', '/api/projects/slow/deployments', {'id': 'lossylossy01'}, timeout=300)
            assert answer.status == 202, answer
            return True
        wait_until(asked, 300, 1, 'the worker has taken it')
        finish(boss, 'lossylossy01', seconds=300)
    check_same(boss, worker, 'lossylossy01')
    assert worker.fetch(url('slow')).text == 'lossy'


# --- power cuts --------------------------------------------------------------------------------------------------------------------------------

def test_without_the_orchestrator_the_worker_goes_on(boss, worker, git):
    """Its power fails during a deployment, which ends all the same; then the worker serves, sleeps, wakes and reboots on its own."""
    git.push('slow', slow('alone', 3, 3, 0))
    wait_online(boss, 'fw')
    ask(boss, 'PATCH', '/api/projects/slow', {'idle_seconds': 1})
    deployment = begin(boss, 'slow')
    stream = Stream(boss, f'/api/deployments/{deployment}/events')
    stream.wait_step('install')
    boss.power_kill()
    finish(worker, deployment)
    wait_until(lambda: ask(worker, 'GET', '/api/projects/slow')['status'] == 'sleeping', LIMIT, 0.3, 'it sleeps')
    assert worker.fetch(url('slow'), timeout=LIMIT).text == 'alone'
    worker.reboot()
    assert worker.wait_fetch(url('slow'), timeout=LIMIT).text == 'alone'
    boss.boot()
    boss.wait_active(cluster.AGENT, LIMIT)
    wait_online(boss, 'fw')
    stream.wait_end()
    check_complete(stream)
    assert stream.connections >= 2
    check_same(boss, worker, deployment)
    ask(boss, 'PATCH', '/api/projects/slow', {'idle_seconds': 0})


def test_power_cut_of_the_worker_in_a_deployment(boss, worker, git):
    before = worker.fetch(url('slow'), timeout=LIMIT).text
    git.push('slow', slow('never', 0, 600, 0))
    deployment = begin(boss, 'slow')
    stream = Stream(boss, f'/api/deployments/{deployment}/events')
    stream.wait_step('build')
    worker.power_kill()
    worker.boot()
    assert worker.wait_fetch(url('slow'), timeout=LIMIT).text == before
    worker.wait_active(cluster.AGENT, LIMIT)
    wait_online(boss, 'fw')
    failure = finish(boss, deployment, 'failed')['failure']
    assert failure['step'] == 'build' and failure['sentence'].endswith('.') and 'stopped' in failure['sentence'], failure
    stream.wait_end()
    check_complete(stream)
    check_same(boss, worker, deployment)
    git.push('slow', slow('again'))
    deploy(boss, 'slow')
    assert worker.fetch(url('slow')).text == 'again'


# --- away and back -----------------------------------------------------------------------------------------------------------------------------

CLOCK = r'''
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *t) {
        int r = (int) syscall(SYS_clock_gettime, id, t);
        if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
                t->tv_sec += OFFSET;
        return r;
}
time_t time(time_t *ret) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        return ret ? (*ret = t.tv_sec) : t.tv_sec;
}
int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
        struct timespec t;
        (void) zone;
        clock_gettime(CLOCK_REALTIME, &t);
        *ret = (struct timeval) { t.tv_sec, t.tv_nsec / 1000 };
        return 0;
}
'''
DROPIN = '/run/systemd/system/nanoscale-agent.service.d/clock.conf'


def set_clock(node, offset, directory):
    """Nodes share the machine's clock, so the agent of one is given another: all that it asks the time of tells it so much more. 0: as it was."""
    if offset:
        source, library = directory / 'clock.c', directory / f'clock{offset}.so'
        source.write_text(CLOCK.replace('OFFSET', f'({offset})'))
        run(['gcc', '-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source])
        node.put(library, f'/usr/local/lib/{library.name}')
        node.write(DROPIN, f'[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/{library.name}\n')
    else:
        node.run(['rm', '-f', DROPIN])
    node.run(['systemctl', 'daemon-reload'])
    restart_agent(node)


def test_offline_with_its_reason_and_back_by_itself(boss, worker, other, tmp_path):
    """One worker's cable is out; another's clock is a minute ahead, then a minute behind, then its agent is down: each is named as what it is."""
    wait_online(boss, 'fw')
    wait_online(boss, 'fx')
    set_clock(other, 60, tmp_path)
    worker.cut()
    start = time.monotonic()
    shown = wait_until(lambda: server(boss, 'fw') if server(boss, 'fw')['status'] == 'offline' else None, LIMIT, 0.3, 'fw is offline')
    took = time.monotonic() - start
    assert took <= 60, f'noticed after {took:.0f} s'
    assert len(shown['reason']) > 10, shown
    # Settings change here, and arrive when it is back; what it would have to do is refused, with the reason.
    assert ask(boss, 'PATCH', '/api/projects/slow', {'memory_mib': 301})['pending'] is True
    assert ask(boss, 'PATCH', '/api/projects/slow/env', {'set': {'WHILE': 'away'}})['pending'] is True
    shown = ask(boss, 'GET', '/api/projects/slow')
    assert shown['status'] == 'unreachable' and shown['memory_mib'] == 301
    for path in ('deployments', 'restart', 'sleep'):
        refused = call(boss, 'POST', f'/api/projects/slow/{path}', {})
        assert refused.status == 503 and refused.json()['type'] == 'server-offline' and 'nothing was done' in refused.json()['detail'], refused
    assert call(boss, 'GET', '/api/logs/slow').status == 503
    # The clock.
    ahead = wait_offline(boss, 'fx', 'clock differs by')
    assert 58 <= ahead['clock_difference_seconds'] <= 62 and f'{ahead["clock_difference_seconds"]} s' in ahead['reason'], ahead
    set_clock(other, -60, tmp_path)
    behind = wait_offline(boss, 'fx', 'clock differs by -')
    assert -62 <= behind['clock_difference_seconds'] <= -58, behind
    # An agent that is down is told from a server that is.
    other.run(['systemctl', 'stop', *cluster.UNITS])
    wait_offline(boss, 'fx', 'agent is not running')
    other.run(['systemctl', 'start', *cluster.UNITS[:-1]])
    set_clock(other, 0, tmp_path)
    worker.join()
    for name in ('fw', 'fx'):
        back = wait_online(boss, name)
        assert back['reason'] is None and back['clock_difference_seconds'] is None
    wait_until(lambda: ask(worker, 'GET', '/api/projects/slow')['memory_mib'] == 301, LIMIT, 0.3, 'the settings arrive')
    assert 'WHILE' in [e['key'] for e in ask(worker, 'GET', '/api/projects/slow/env')['env']]
    assert 'pending' not in ask(boss, 'GET', '/api/projects/slow')
