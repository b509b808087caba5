# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fixtures: nodes are booted once for the whole run and shared; what a test changes for others it puts back, or takes a node of its own."""
import pathlib

import pytest

from acme import Authority
from nodes import Lab, new_artefacts, say

# About how long a file takes, in seconds, so that the long ones are begun first; of a file that is not here 100 is assumed.
SECONDS = {'test_dashboard': 280, 'test_cluster': 150, 'test_cluster_attacks': 120, 'test_cluster_failures': 220, 'test_deploy': 300, 'test_domains': 110, 'test_domains_attacks': 60,
           'test_domains_failures': 110,
           'test_helper': 200, 'test_install': 120, 'test_nodes': 60, 'test_package': 110, 'test_sandbox': 20, 'test_secrets': 40, 'test_trace': 30, 'test_units_journal': 60, 'test_web_api': 200}


def pytest_addoption(parser):
    parser.addoption('--artefacts', default=None, help='directory for journals and consoles of failed tests')
    parser.addoption('--queue', default=None, help='directory that several runs at once share, so that each takes the next file that none has taken')
    parser.addoption('--only', default=None, help='the names of files, without their ending, of which the tests are run')
    parser.addoption('--progress', default=None, help='file that gets a line for each test')


def in_parts(items):
    """The tests by file, as [(name, tests)]; all files that use the virtual machine are one part, since it boots for a minute. Longest first."""
    parts = {}
    machine = {i.path for i in items if 'vm' in i.fixturenames}
    for item in items:
        parts.setdefault('vm' if item.path in machine else item.path.stem, []).append(item)
    return sorted(parts.items(), key=lambda part: (part[0] != 'vm', -SECONDS.get(part[0], 100), part[0]))


def pytest_collection_modifyitems(config, items):
    if config.option.only:
        items[:] = [item for item in items if item.path.stem in config.option.only.split()]


def pytest_runtestloop(session):
    """With --queue: parts until there are no more. A part is taken by making its file."""
    if not session.config.option.queue or session.config.option.collectonly or session.testsfailed:
        return None
    queue, parts = pathlib.Path(session.config.option.queue), in_parts(session.items)

    def take():
        for name, items in parts:
            try:
                (queue / name).touch(exist_ok=False)
                return items
            except FileExistsError:
                continue
        return []
    items = take()
    while items:
        following = []
        for this, after in zip(items, [*items[1:], None]):
            # What a test's fixtures are kept for is the next test, so that is to be known before this one ends.
            following = following if after else take()
            session.config.hook.pytest_runtest_protocol(item=this, nextitem=after or (following[0] if following else None))
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        items = following
    return True


@pytest.fixture(scope='session')
def lab(request):
    directory = request.config.getoption('--artefacts') or new_artefacts()
    with Lab(artefacts=directory) as lab:
        request.config.lab = lab
        yield lab
        request.config.lab = None


@pytest.fixture(scope='session')
def git(lab):
    """The git server, https://git.test."""
    return lab.git


@pytest.fixture(scope='session')
def authority(lab):
    """The authority for certificates, acme.test, and the DNS of those who use it."""
    return Authority(lab)


@pytest.fixture(scope='session')
def orchestrator(lab, git):
    """The shared node with NanoScale, role orchestrator. A test that reboots, cuts or breaks it uses `node_maker` instead."""
    return lab.node('orch', 'installed')


@pytest.fixture(scope='session')
def bare_node(lab):
    """A shared minimal Debian without NanoScale."""
    return lab.node('bare', 'bare')


@pytest.fixture(scope='session')
def vm(lab, git):
    """The shared virtual machine with NanoScale."""
    return lab.vm('vm', 'installed')


@pytest.fixture
def node_maker(lab):
    """node_maker('n1', 'installed') → a container for this test alone; removed after it."""
    made = []

    def make(name, layer='installed', **options):
        node = lab.node(name, layer, **options)
        made.append(node)
        return node
    yield make
    for node in made:
        lab.remove(node)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps the journals at the moment of failure, before fixtures remove the nodes."""
    outcome = yield
    report = outcome.get_result()
    if item.config.option.progress and (not report.passed or report.when == 'call'):
        with open(item.config.option.progress, 'a') as file:
            when = '' if report.when == 'call' else f', {report.when}'
            file.write(f'  {"ok  " if report.passed else "FAIL"}  {report.nodeid} ({report.duration:.1f} s{when})\n')
    lab = getattr(item.config, 'lab', None)
    if report.failed and lab is not None:
        where = lab.collect(f'{item.name}-{report.when}')
        if where:
            report.sections.append(('Journals and consoles', f'kept in {where}'))
            say(f'{item.name} failed; journals and consoles: {where}')
