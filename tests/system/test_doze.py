# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dozing on a kernel and swap of the node's own: the virtual machine has cgroup v2 and what nanoscale-swap sets up."""
import re

import pytest

from test_helper import CHECK, FILL, ID, LIMITS, ask, in_app, memory_of, ok, remove, site, stand_in


@pytest.fixture
def project(vm):
    # The agent would tidy up what it does not know.
    vm.run(['systemctl', 'stop', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
    ok(vm, f'user-add {ID}')
    ok(vm, f'unit-install {ID}\n{LIMITS}')
    stand_in(vm, ID)
    ok(vm, f'site-install {ID}\n{site("helper.apps.test")}')
    ok(vm, f'live-switch {ID} a')
    ok(vm, f'unit-start {ID} a')
    vm.wait_fetch('/pid', host='helper.apps.test', timeout=180)
    yield vm
    remove(vm, ID)
    vm.run(['systemctl', 'start', 'nanoscale-agent.socket', 'nanoscale-agent.service'])


def test_a_dozing_app_leaves_memory_and_comes_back_whole(project):
    vm = project
    swaps = vm.read('/proc/swaps')
    assert len(swaps.splitlines()) == 2, swaps
    assert in_app(vm, FILL % 10000) == f'yes {10000 * 4096}'
    before = memory_of(vm, ID)
    answer = ask(vm, f'slot-doze {ID} a\nend\n')
    assert re.fullmatch(r'ok \d+\n', answer)
    after = memory_of(vm, ID)
    assert before > 40_000_000 and after < 0.2 * before and int(answer.split()[1]) > 0.8 * before, (before, answer, after)
    # Every page is as it was, and what the app uses is in memory again.
    assert in_app(vm, CHECK) == 'yes 10000'
    assert memory_of(vm, ID) > 40_000_000
