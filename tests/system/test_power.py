# SPDX-License-Identifier: AGPL-3.0-or-later
"""What survives a power cut and a killed agent."""
from apps_inline import api, deploy, last_deployment, node_app
from nodes import BASE_DOMAIN, wait_until


def test_power_cut_apps_answer_without_the_agent(node_maker, git):
    node = node_maker('power', disk_mib=4096)
    git.create_repo('steady', node_app('steady'))
    deploy(node, git.url('steady'), '--name', 'steady', '--env', 'A=kept')
    assert node.wait_fetch(f'http://steady.{BASE_DOMAIN}/').text == 'steady'
    # The agent is not to help: it does not start at the next boot. sync: that choice is ours, and must not be lost with the power.
    node.run(['systemctl', 'disable', 'nanoscale-agent.service', 'nanoscale-agent.socket'])
    node.run(['sync', '-f', '/etc/systemd/system'])
    node.power_loss()
    node.boot()
    assert node.state('nanoscale-agent.service') == 'inactive'
    assert node.wait_fetch(f'http://steady.{BASE_DOMAIN}/').text == 'steady'
    assert node.fetch(f'http://steady.{BASE_DOMAIN}/env/A').json() == 'kept'
    node.run(['systemctl', 'enable', '--now', 'nanoscale-agent.socket', 'nanoscale-agent.service'])
    node.wait_active('nanoscale-agent.service')
    # The agent checks the whole database at its start and refuses a damaged one: that it runs is the proof.
    shown = api(node, 'projects', 'show', 'steady')
    assert shown['status'] == 'live' and shown['live_release'] == 1
    git.push('steady', node_app('steady again'))
    deploy(node, 'steady')
    assert node.wait_fetch(f'http://steady.{BASE_DOMAIN}/').text == 'steady again'
    git.remove_repo('steady')


def test_agent_killed_in_the_middle_of_a_build(orchestrator, git):
    """The build is given up honestly, its unit is stopped, the old release serves on, and the next deployment works."""
    git.create_repo('mid', node_app('before'))
    deploy(orchestrator, git.url('mid'), '--name', 'mid')
    git.push('mid', node_app('never', {'start': 'node server.js', 'build': 'node -e "setTimeout(() => {}, 600000)"'}))
    started = api(orchestrator, 'deploy', 'mid', '--no-follow')
    wait_until(lambda: api(orchestrator, 'deployments', 'show', started['id'])['state'] == 'build', every=0.3, what='the build')
    orchestrator.run(['systemctl', 'kill', '--kill-who=main', '-s', 'KILL', 'nanoscale-agent.service'])

    def failed():
        shown = orchestrator.run(['nanoscale', 'deployments', 'show', started['id']], check=False)
        return shown.ok and 'failed' in shown.stdout
    wait_until(failed, every=0.3, what='the end of the deployment')
    assert 'agent was stopped' in last_deployment(orchestrator, 'mid')['failure']['sentence']
    assert orchestrator.fetch(f'http://mid.{BASE_DOMAIN}/').text == 'before'
    git.push('mid', node_app('after'))
    deploy(orchestrator, 'mid')
    assert orchestrator.wait_fetch(f'http://mid.{BASE_DOMAIN}/').text == 'after'
    orchestrator.run(['nanoscale', 'projects', 'delete', 'mid', '--yes'])
    git.remove_repo('mid')
