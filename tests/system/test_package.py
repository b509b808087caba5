# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Debian package with the dashboard in it: on a server that has neither compiler nor Node.js, removed, put back, purged."""
import re

import pytest

from apps_inline import deploy, node_app, processes
from nodes import BASE_DOMAIN, run, wait_until
from nodes.cache import configure, repository_tar, settings
from test_install import ours

PLACE = '/root/nanoscale'
DEB = '/root/nanoscale.deb'
URL = f'http://packed.{BASE_DOMAIN}/'


@pytest.fixture(scope='module')
def package(lab):
    return lab.cache.package()


@pytest.fixture(scope='module')
def server(lab, git, package):
    node = lab.node('packaged', 'bare')
    node.unpack(repository_tar(), PLACE)
    node.put(package, DEB)
    yield node
    lab.remove(node)


def apps(node):
    return [line.split()[0] for line in node.output('systemctl', 'list-units', '--no-legend', '--plain', 'nanoscale-*@*.service').splitlines()
            if re.match(r'nanoscale-[a-z0-9]{12}@', line)]


def apt(node, *argv):
    return node.run(['apt-get', '-y', '-qq', '--no-install-recommends', *argv], timeout=900, via='pid1')


def asset(node):
    """The page of /, and the first script that it wants."""
    page = wait_until(lambda: (a := node.fetch(f'https://{node.address}/')).status == 200 and a, what='the dashboard')
    return page, node.fetch(f'https://{node.address}' + re.search(r'<script src="(/_next/[^"]+\.js)"', page.text)[1])


def test_what_is_in_it(package):
    files = run(['dpkg-deb', '-c', package]).stdout.splitlines()
    assert [f for f in files if f.endswith(' ./opt/nanoscale/lib/dashboard.tar')]
    for line in files:
        mode, owner = line.split()[:2]
        assert owner == 'root/root' and 's' not in mode and (mode[0] == 'l' or mode[8] == '-'), line
    assert run(['dpkg-deb', '-I', package, 'conffiles'], check=False).returncode != 0
    wanted = run(['dpkg-deb', '-f', package, 'Depends']).stdout
    assert 'nginx' in wanted and 'libmicrohttpd12' in wanted and 'node' not in wanted.lower().replace('nanoscale', '')


def test_from_a_package_to_an_app_and_the_dashboard(server, git):
    said = server.run([f'{PLACE}/scripts/install.sh', '--role', 'orchestrator', '--base-domain', BASE_DOMAIN, '--yes', '--deb', DEB], cwd=PLACE,
                      timeout=1200, via='pid1').stdout
    assert 'Claim code' in said, said
    for tool in ('gcc', 'meson', 'node', 'bun'):
        assert server.run(['which', tool], check=False).returncode != 0, f'{tool} came with it'
    page, script = asset(server)
    assert 'NanoScale' in page.text and script.status == 200 and 'javascript' in script.headers['Content-Type']
    configure(server, settings())
    git.create_repo('packed', node_app('from a package'))
    deploy(server, git.url('packed'), '--name', 'packed')
    assert server.wait_fetch(URL).text == 'from a package'


def test_the_same_again_changes_nothing(server):
    def state():
        files, accounts, units = ours(server)
        return [line.rpartition(' ')[0] for line in files], accounts, units, [p for p in processes(server) if 'server.js' in p[1]]
    before = state()
    began = {name: server.state(name, 'InvocationID') for name in apps(server)}
    apt(server, 'install', '--reinstall', DEB)
    assert state() == before  # but for the times at which dpkg put the files there
    assert {name: server.state(name, 'InvocationID') for name in began} == began and began, 'the app was stopped'
    assert server.fetch(URL).text == 'from a package'


def test_removed_it_keeps_what_people_made(server):
    apt(server, 'remove', 'nanoscale')
    assert [words for _, words in processes(server) if words.startswith('/opt/nanoscale')] == []
    assert server.exists('/opt/nanoscale/data/nanoscale.db') and server.exists('/opt/nanoscale/config/config.json')
    apt(server, 'install', DEB)
    server.wait_active('nanoscale-agent.service')
    assert server.wait_fetch(URL, timeout=120).text == 'from a package'
    assert asset(server)[1].status == 200


def test_purged_it_leaves_nothing(server, git):
    apt(server, 'purge', 'nanoscale')
    assert ours(server) == ([], [], [])
    # An /opt in which nothing is left is not there any more, either.
    assert server.output('find', '/opt', '/run', '/etc', '/usr/local', '/var/lib', '/var/log', '-name', '*nanoscale*', '-not', '-path', '/var/lib/dpkg/*', check=False) == ''
    assert server.run(['nginx', '-t'], check=False).ok
    git.remove_repo('packed')
