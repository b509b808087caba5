# SPDX-License-Identifier: AGPL-3.0-or-later
"""The units that NanoScale runs and makes: their exposure as systemd counts it, and the directives that the specification demands."""
import re

import pytest

from apps_inline import api, deploy, node_app, remove

DEMANDED = ['ProtectSystem=strict', 'ProtectHome=yes', 'PrivateTmp=yes', 'NoNewPrivileges=yes', 'ProtectProc=invisible',
            'ReadWritePaths=/opt/nanoscale/sites/{id}/source']


@pytest.fixture(scope='module')
def project(orchestrator, git):
    git.create_repo('boxed', node_app('boxed'))
    deploy(orchestrator, git.url('boxed'), '--name', 'boxed')
    yield api(orchestrator, 'projects', 'show', 'boxed')['id']
    remove(orchestrator, 'boxed')


def exposure(node, unit):
    """The overall exposure level of a unit, 0 (safe) to 10."""
    text = node.output('systemd-analyze', 'security', '--no-pager', unit)
    return float(re.search(r'Overall exposure level for \S+: ([0-9.]+)', text)[1])


def test_exposure_of_all_units(orchestrator, project):
    found = {unit: exposure(orchestrator, unit) for unit in (
        f'nanoscale-{project}@a.service', f'nanoscale-build-{project}.service', 'nanoscale-agent.service', 'nanoscale-helper@.service', 'nanoscale-acme@.service')}
    print(found)
    app, build, agent, helper, acme = found.values()
    assert app <= 1.5 and build <= 1.5, found
    assert agent <= 2.5 and helper <= 2.5 and acme <= 2, found


def test_directives_of_the_specification(orchestrator, project):
    app, build = (orchestrator.read(f'/etc/systemd/system/{unit}').splitlines()
                  for unit in (f'nanoscale-{project}@.service', f'nanoscale-build-{project}.service'))
    assert [d for d in DEMANDED if d.format(id=project) not in app] == []
    # A build writes its whole home, in one mount.
    assert [d for d in DEMANDED if not d.startswith('ReadWritePaths') and d not in build] == []
    assert [d for d in build if d.startswith('ReadWritePaths')] == [f'ReadWritePaths=/opt/nanoscale/sites/{project}']


def test_no_text_of_a_user_in_unit_files(orchestrator, project):
    text = orchestrator.output('cat', f'/etc/systemd/system/nanoscale-{project}@.service', f'/etc/systemd/system/nanoscale-{project}@.socket',
                               f'/etc/systemd/system/nanoscale-build-{project}.service')
    assert 'boxed' not in text and 'git.test' not in text and 'bun' not in text
