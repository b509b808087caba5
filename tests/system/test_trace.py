# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every program that is started during a whole deployment, as the kernel saw it: none of ours starts a shell, and no argument has a secret."""
import os
import re
import signal
import subprocess

import pytest

from apps_inline import deploy, node_app, remove
from nodes import BASE_DOMAIN, wait_until

SECRET = 'tr4ce-c4nary-51d2'
# What runs as ours, by the name that the kernel keeps (15 characters at most), before it becomes something else.
OURS = {'agent', 'nanoscale-helpe', 'nanoscale-run', '(agent)', '(oscale-helper)', '(nanoscale-run)'}
SHELLS = {'sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'busybox'}
LINE = re.compile(r'^\d+<(?P<who>.*?)> execve(?:at)?\((?:AT_FDCWD, )?"(?P<path>[^"]*)", \[(?P<argv>.*?)\]')


@pytest.fixture
def trace(orchestrator, tmp_path):
    """Follows PID 1 of the node, the agent and all their children."""
    output = tmp_path / 'execs'
    inner = orchestrator.state('nanoscale-agent.service', 'MainPID')
    agent = next(p for p in children(orchestrator.leader) if in_namespace(p) == inner)
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-s', '65536', '--decode-pids=comm', '-e', 'trace=execve,execveat', '-e', 'signal=none',
                               '-o', str(output), '-p', str(orchestrator.leader), '-p', str(agent)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: tracer.poll() is not None or traced_by(agent) == traced_by(orchestrator.leader) == tracer.pid, what='strace')
    assert tracer.poll() is None, 'strace could not attach'

    def stop():
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(180)
        return [m.groupdict() for m in map(LINE.match, output.read_text(errors='replace').splitlines()) if m], output.read_text(errors='replace')
    yield stop
    if tracer.poll() is None:
        tracer.kill()
        tracer.wait()


def children(pid):
    """All descendants of a process."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/stat') as f:
                parents[int(entry)] = int(f.read().rsplit(')', 1)[1].split()[1])
        except OSError:
            continue
    found, front = [], [int(pid)]
    while front:
        front = [c for c, p in parents.items() if p in front]
        found += front
    return found


def in_namespace(pid):
    """The process's number inside its own PID namespace, as text."""
    with open(f'/proc/{pid}/status') as f:
        return next(line for line in f if line.startswith('NSpid:')).split()[-1]


def traced_by(pid):
    with open(f'/proc/{pid}/status') as f:
        return int(next(line for line in f if line.startswith('TracerPid:')).split()[1])


def test_no_shell_of_ours_and_no_secret_in_any_argument(orchestrator, git, trace):
    # A start and a build through package scripts: their shells are bun's and npm's own doing, which shows that the trace sees shells.
    git.create_repo('traced', node_app('traced', {'start': 'npm run serve', 'serve': 'node server.js', 'build': 'npm run work', 'work': 'node -e 0'}))
    try:
        orchestrator.run(['nanoscale', 'projects', 'create', 'traced', '--repo', git.url('traced')], via='pid1')
        orchestrator.run(['nanoscale', 'env', 'set', 'traced', '--file', '-'], input=f'SECRET={SECRET}\n', via='pid1')
        deploy_output = orchestrator.run(['nanoscale', 'deploy', 'traced'], via='pid1', timeout=900)
        assert orchestrator.wait_fetch(f'http://traced.{BASE_DOMAIN}/env/SECRET').json() == SECRET
        orchestrator.run(['nanoscale', 'projects', 'delete', 'traced', '--yes'], via='pid1')
    finally:
        execs, text = trace()
        remove(orchestrator, 'traced')
        git.remove_repo('traced')
    assert deploy_output.ok
    started = {os.path.basename(e['path']) for e in execs}
    assert {'nanoscale-helper', 'nanoscale-run', 'git', 'node', 'systemctl', 'useradd', 'nginx'} <= started, started
    shells = [e for e in execs if os.path.basename(e['path']) in SHELLS]
    assert shells, 'the trace has no shell at all, though npm starts one'
    assert [e for e in shells if e['who'] in OURS] == []
    assert SECRET not in text
