# SPDX-License-Identifier: AGPL-3.0-or-later
"""install.sh on a bare Debian: once, again, and off. And what it says to those who cannot use it."""
import pytest

from apps_inline import deploy, node_app, processes
from nodes import BASE_DOMAIN
from nodes.cache import configure, install, settings
from nodes.machine import npm_options

PLACE = '/root/nanoscale'


def ours(node):
    """Every file (with size, mode, owner and time of change), user, group and unit that NanoScale made."""
    files = node.output('find', '/etc', '/opt', '/usr/local', '/var/lib', '/var/log', '/run/nanoscale', '/usr/lib/systemd', '/usr/lib/tmpfiles.d', '/usr/lib/sysusers.d',
                        '(', '-path', '*nanoscale*', '-o', '-lname', '*nanoscale*', ')', '-not', '-path', '/opt/nanoscale/data/*',
                        '-not', '-path', '/opt/nanoscale/runtimes/*', '-not', '-path', '/var/log/journal/*', '-not', '-type', 's', '-printf', '%p %s %m %u:%g %T@\\n', check=False).splitlines()
    accounts = [line for name in ('passwd', 'group') for line in node.read(f'/etc/{name}').splitlines() if 'nanoscale' in line]
    units = node.run(['systemctl', 'list-unit-files', '--no-legend', 'nanoscale*'], check=False).stdout.splitlines()  # none: exit code 1
    return sorted(files), sorted(accounts), sorted(units)


@pytest.fixture(scope='module')
def fresh(lab, git):
    node = lab.node('fresh', 'bare')
    yield node
    lab.remove(node)


def test_install_from_a_clone_on_a_bare_server(fresh, git):
    before = ours(fresh)
    assert before == ([], [], [])
    fresh.write('/root/.npmrc', npm_options())
    result = install(fresh, dashboard=None, timeout=3600)
    assert 'nanoscale deploy' in result.stdout, 'the next step is not said'
    assert fresh.output('readlink', '/opt/nanoscale/dashboard/current') == fresh.output(f'{PLACE}/scripts/build-dashboard', '--id')
    fresh.wait_active('nanoscale-agent.service')
    assert fresh.output('nanoscale', 'status')
    configure(fresh, settings())
    git.create_repo('first-app', node_app('first app'))
    deploy(fresh, git.url('first-app'), '--name', 'first-app')
    assert fresh.wait_fetch(f'http://first-app.{BASE_DOMAIN}/').text == 'first app'


def test_again_changes_nothing(fresh):
    before = ours(fresh)
    pid = fresh.state('nanoscale-agent.service', 'MainPID')
    result = install(fresh, dashboard=None)
    assert ours(fresh) == before
    assert fresh.state('nanoscale-agent.service', 'MainPID') == pid, 'the agent was restarted without need'
    assert 'up to date' in result.stdout
    assert fresh.fetch(f'http://first-app.{BASE_DOMAIN}/').text == 'first app'


def test_again_repairs(fresh):
    fresh.run(['rm', '/etc/systemd/system/nanoscale-helper.socket', '/opt/nanoscale/lib/nanoscale-listen.so'])
    fresh.run(['chmod', '0777', '/opt/nanoscale/data'])
    install(fresh, dashboard=None)
    assert fresh.owner_and_mode('/opt/nanoscale/lib/nanoscale-listen.so') == 'root:root 0755'
    assert fresh.owner_and_mode('/opt/nanoscale/data') == 'nanoscale:nanoscale 0700'
    assert fresh.state('nanoscale-helper.socket') == 'active'


def test_uninstall_leaves_nothing(fresh, git):
    fresh.run([f'{PLACE}/scripts/install.sh', '--uninstall', '--yes'], via='pid1', cwd=PLACE, timeout=300)
    assert ours(fresh) == ([], [], [])
    assert fresh.output('find', '/opt', '/run', '/etc', '/usr/local', '/var/lib', '/var/log', '-name', '*nanoscale*') == ''
    assert fresh.output('systemctl', 'list-units', '--all', '--no-legend', '*nanoscale*') == ''
    assert [words for _, words in processes(fresh) if words.startswith('/opt/nanoscale')] == []
    assert fresh.run(['nginx', '-t'], check=False).ok
    git.remove_repo('first-app')


def test_without_root_it_says_so(bare_node):
    bare_node.put(__file__.rsplit('/tests/', 1)[0] + '/scripts/install.sh', '/tmp/ns/scripts/install.sh')
    bare_node.run(['chmod', '-R', 'a+rX', '/tmp/ns'])
    result = bare_node.run(['bash', '/tmp/ns/scripts/install.sh', '--role', 'orchestrator'], user='daemon', check=False)
    assert result.returncode != 0 and 'root' in result.stderr


@pytest.mark.parametrize('argv,word', [
    (['--role', 'king'], '--role'), (['--frobnicate'], '--frobnicate'), ([], '--role'), (['--role'], '--role'),
    (['--role', 'orchestrator', '--base-domain', 'no good;id'], '--base-domain'), (['--join', 'abc'], '--join'),
    (['--role', 'worker'], '--join'), (['--role', 'orchestrator', '--name', 'No good'], '--name'), (['--role', 'orchestrator', '--address', '10.0.0.1:4000'], '--address'),
])
def test_bad_arguments_name_the_option(bare_node, argv, word):
    bare_node.put(__file__.rsplit('/tests/', 1)[0] + '/scripts/install.sh', '/tmp/ns/scripts/install.sh')
    result = bare_node.run(['bash', '/tmp/ns/scripts/install.sh', *argv], check=False)
    assert result.returncode != 0
    assert word in result.stderr + result.stdout
    assert 'remedy' in result.stderr or 'usage' in result.stderr + result.stdout
