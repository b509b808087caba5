# SPDX-License-Identifier: AGPL-3.0-or-later
"""The virtual machine: the distribution's kernel and cgroup v2 alone, as users' servers have. Emulated, so the apps are tiny."""
import time

import pytest

from apps_inline import api, deploy, last_deployment, node_app
from nodes import BASE_DOMAIN

HUNGRY = 'const http = require("http"); const a = [];' \
         'http.createServer((q, s) => { if (q.url === "/eat") { for (;;) a.push(Buffer.alloc(8 << 20, 1)); } s.end("tiny"); }).listen(process.env.PORT);'


@pytest.fixture(scope='module')
def tiny(vm, git):
    git.create_repo('tiny', node_app(server=HUNGRY))
    vm.run(['nanoscale', 'projects', 'create', 'tiny', '--repo', git.url('tiny'), '--memory', '128', '--build-memory', '160', '--tasks', '64'])
    deploy(vm, 'tiny', timeout=900)
    yield api(vm, 'projects', 'show', 'tiny')['id']
    git.remove_repo('tiny')


def test_a_tiny_app_is_built_and_served(vm, tiny):
    assert vm.wait_fetch(f'http://tiny.{BASE_DOMAIN}/', timeout=180).text == 'tiny'
    assert vm.output('stat', '-f', '-c', '%T', '/sys/fs/cgroup') == 'cgroup2fs'


def test_limits_are_the_kernel_s(vm, tiny):
    cgroup = vm.state(f'nanoscale-{tiny}@a.service', 'ControlGroup')
    assert int(vm.read(f'/sys/fs/cgroup{cgroup}/memory.max')) == 128 << 20
    assert int(vm.read(f'/sys/fs/cgroup{cgroup}/pids.max')) == 64


def test_app_out_of_memory_is_named(vm, tiny):
    with pytest.raises(Exception):
        # The answer never comes: nginx says 502, or the connection ends.
        assert vm.fetch(f'http://tiny.{BASE_DOMAIN}/eat', timeout=180).status == 200
    deadline = time.monotonic() + 300
    while 'out of memory' not in (text := vm.output('nanoscale', 'logs', 'tiny', '-n', '50')):
        assert time.monotonic() < deadline, text
        time.sleep(1)
    assert vm.wait_fetch(f'http://tiny.{BASE_DOMAIN}/', timeout=180).text == 'tiny'


def test_build_out_of_memory_is_named(vm, tiny, git):
    git.push('tiny', node_app(server=HUNGRY, scripts={'start': 'node server.js', 'build': 'node -e "const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))"'}))
    assert deploy(vm, 'tiny', timeout=900, check=False).returncode == 1
    failure = last_deployment(vm, 'tiny')['failure']
    assert 'ut of memory' in failure['sentence'] and '160' in failure['sentence'], failure
    assert vm.fetch(f'http://tiny.{BASE_DOMAIN}/', timeout=180).text == 'tiny'


def test_build_fork_bomb_is_held(vm, tiny, git):
    bomb = 'const { spawn } = require("child_process"); let n = 0; for (let i = 0; i < 700; i++) { const c = spawn("sleep", ["30"]); c.on("error", () => n++); }' \
           'setTimeout(() => { console.log("refused " + n); process.exit(4); }, 8000);'
    git.push('tiny', {**node_app(server=HUNGRY, scripts={'start': 'node server.js', 'build': 'node bomb.js'}), 'bomb.js': bomb})
    vm.run(['nanoscale', 'projects', 'set', 'tiny', '--build-memory', '1024'])
    assert deploy(vm, 'tiny', timeout=900, check=False).returncode == 1
    deployment = last_deployment(vm, 'tiny')
    assert deployment['failure']['exit_code'] == 4, deployment['failure']
    refused = next(line for line in deployment['failure']['last_lines'] if line.startswith('refused'))
    assert int(refused.split()[1]) > 100


def test_reboot_all_up_again(vm, tiny):
    vm.power_kill()
    vm.boot()
    assert vm.wait_fetch(f'http://tiny.{BASE_DOMAIN}/', timeout=180).text == 'tiny'
    vm.wait_active('nanoscale-agent.service', timeout=180)
    assert api(vm, 'projects', 'show', 'tiny')['status'] == 'live'
