# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a git URL to an answer through nginx: what a user sees of it, on a real node."""
import base64
import json
import os
import pathlib

import pytest

from apps_inline import api, bun_app, deploy, last_deployment, node_app, processes, remove
from nodes import BASE_DOMAIN, files_of, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPS = pathlib.Path(__file__).resolve().parent / 'apps'


def url(project, path='/'):
    return f'http://{project}.{BASE_DOMAIN}{path}'


@pytest.fixture(scope='module')
def side_by_side(orchestrator, git):
    """Four apps of four kinds, live at the same time."""
    git.create_repo('shop', files_of(ROOT / 'examples/nextjs'))
    git.create_repo('plain', node_app('plain node'))
    git.create_repo('bunny', bun_app())
    git.create_repo('echo', files_of(APPS / 'ws-echo'))
    for name in ('plain', 'bunny', 'echo', 'shop'):
        deploy(orchestrator, git.url(name), '--name', name, '--env', 'GREETING=hello', timeout=900)
    yield orchestrator
    remove(orchestrator, 'plain', 'bunny', 'echo', 'shop')


def test_nextjs_page_route_and_asset(side_by_side):
    page = side_by_side.wait_fetch(url('shop'))
    assert '<html' in page.text and 'hello' in page.text
    answer = side_by_side.fetch(url('shop', '/api/echo'), method='POST', body={'cart': [1, 2, 3]})
    assert answer.status == 200 and json.loads(answer.json()['body']) == {'cart': [1, 2, 3]}
    asset = side_by_side.fetch(url('shop', '/hello.txt'))
    assert asset.status == 200 and asset.body == (ROOT / 'examples/nextjs/public/hello.txt').read_bytes()


def test_plain_node_and_bun(side_by_side):
    assert side_by_side.wait_fetch(url('plain')).text == 'plain node'
    assert side_by_side.wait_fetch(url('bunny')).text == 'hello from bun'
    assert side_by_side.fetch(url('plain'), method='POST', body='x=1').json() == {'got': 'x=1'}


def test_each_runs_as_its_own_user(side_by_side):
    uids = [side_by_side.fetch(url(name, '/who')).json()['uid'] for name in ('plain', 'bunny')]
    assert len(set(uids)) == 2
    assert all(50000 <= uid <= 59999 for uid in uids)
    ids = [api(side_by_side, 'projects', 'show', name)['id'] for name in ('plain', 'bunny', 'echo', 'shop')]
    users = {side_by_side.state(f'nanoscale-{i}@{slot}.service', 'User') for i in ids for slot in 'a'}
    assert users == {f'nanoscale-{i}' for i in ids}


def test_websocket_echo(side_by_side):
    """Handshake and one masked text frame by hand: what comes back is what went in."""
    s = side_by_side.connect(80)
    s.settimeout(120)
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall((f'GET / HTTP/1.1\r\nHost: echo.{BASE_DOMAIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
               f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n').encode())
    head = b''
    while b'\r\n\r\n' not in head:
        piece = s.recv(4096)
        assert piece, head
        head += piece
    assert b' 101 ' in head.split(b'\r\n')[0], head
    text, mask = b'over the wire', os.urandom(4)
    s.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text)))
    frame = head.split(b'\r\n\r\n', 1)[1]
    while text not in frame:
        piece = s.recv(4096)
        assert piece, frame
        frame += piece
    s.close()


def test_server_sent_events_come_at_once(side_by_side):
    """The first event is there before the last one is sent, for which the app waits: nothing on the way collects them."""
    s = side_by_side.connect(80)
    s.settimeout(120)
    s.sendall(f'GET /events HTTP/1.1\r\nHost: plain.{BASE_DOMAIN}\r\nConnection: close\r\n\r\n'.encode())
    seen = b''
    while b'data: first' not in seen:
        piece = s.recv(4096)
        assert piece, seen
        seen += piece
    assert b'data: last' not in seen
    side_by_side.fetch(url('plain', '/go-on'))
    while b'data: last' not in seen:
        piece = s.recv(4096)
        assert piece, seen
        seen += piece
    s.close()


def test_client_address_and_scheme_reach_the_app(side_by_side):
    forged = {'X-Forwarded-For': '6.6.6.6', 'X-Real-IP': '6.6.6.6', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example'}
    seen = side_by_side.fetch(url('plain', '/headers'), headers=forged).json()
    assert seen['host'] == f'plain.{BASE_DOMAIN}'
    assert seen['x-forwarded-proto'] == 'http'
    assert seen['x-forwarded-host'] == f'plain.{BASE_DOMAIN}'
    assert '6.6.6.6' not in seen['x-forwarded-for'] and seen['x-forwarded-for'].count('.') == 3
    assert seen['x-real-ip'] == seen['x-forwarded-for']


def test_unknown_host_gets_nothing(side_by_side):
    assert side_by_side.fetch('/', host='nobody.example').status == 404


@pytest.mark.parametrize('name,files,options', [
    ('npm-chain', node_app('through npm', {'start': 'npm run serve', 'serve': 'node server.js'}), ['--start', 'npm start']),
    ('bun-chain', node_app('through bun', {'start': 'bun run serve', 'serve': 'node server.js'}), []),
    ('direct', node_app('direct'), ['--start', 'node server.js']),
])
def test_start_chains_reach_the_socket(orchestrator, git, name, files, options):
    git.create_repo(name, files)
    try:
        deploy(orchestrator, git.url(name), '--name', name, *options)
        assert orchestrator.wait_fetch(url(name)).text == files['server.js'].split("marker = '")[1].split("'")[0]
    finally:
        remove(orchestrator, name)
        git.remove_repo(name)


def test_next_start_without_standalone_output(orchestrator, git):
    """The sample with one line of its configuration less: the release keeps node_modules, and `bun run start` runs `next start`."""
    files = files_of(ROOT / 'examples/nextjs')
    config = files['next.config.ts'].decode()
    assert 'output: "standalone",' in config
    files['next.config.ts'] = config.replace('output: "standalone",', '')
    git.create_repo('next-plain', files)
    try:
        deploy(orchestrator, git.url('next-plain'), '--name', 'next-plain', timeout=900)
        assert '<html' in orchestrator.wait_fetch(url('next-plain')).text
        answer = orchestrator.fetch(url('next-plain', '/api/echo'), method='POST', body='plain')
        assert answer.json()['body'] == 'plain'
        assert orchestrator.fetch(url('next-plain', '/hello.txt')).status == 200
    finally:
        remove(orchestrator, 'next-plain')
        git.remove_repo('next-plain')


@pytest.fixture(scope='module')
def blog(orchestrator, git):
    first = git.create_repo('blog', node_app('first'), message='the first post', author='Ada Byron <ada@example.test>')
    deploy(orchestrator, git.url('blog'), '--name', 'blog')
    yield first
    remove(orchestrator, 'blog')


def test_push_then_deploy_again(orchestrator, git, blog):
    assert orchestrator.wait_fetch(url('blog')).text == 'first'
    deployment = last_deployment(orchestrator, 'blog')
    assert deployment['commit'] == blog and deployment['subject'] == 'the first post' and 'Ada Byron' in deployment['author']
    assert [s['name'] for s in deployment['steps']][0] == 'fetch' and all(s['result'] == 'ok' for s in deployment['steps'])
    second = git.push('blog', node_app('second'))
    deploy(orchestrator, 'blog')
    assert orchestrator.wait_fetch(url('blog')).text == 'second'
    shown = api(orchestrator, 'projects', 'show', 'blog')
    assert shown['live_release'] == 2 and shown['live_commit'] == second and shown['status'] == 'live'


def test_another_branch_and_an_exact_commit(orchestrator, git, blog):
    git.push('blog', node_app('on the side'), branch='feature/side')
    deploy(orchestrator, 'blog', '--branch', 'feature/side')
    assert orchestrator.wait_fetch(url('blog')).text == 'on the side'
    deploy(orchestrator, 'blog', '--commit', blog)
    assert orchestrator.wait_fetch(url('blog')).text == 'first'


def failing(orchestrator, project, *argv):
    """Deploys what must fail; the old release answers before, while and after."""
    before = orchestrator.wait_fetch(url(project)).text
    result = deploy(orchestrator, project, *argv, check=False)
    assert result.returncode == 1, result
    assert orchestrator.fetch(url(project)).text == before
    deployment = last_deployment(orchestrator, project)
    assert deployment['state'] == 'failed'
    return deployment, result.stdout + result.stderr


def test_a_build_that_fails_changes_nothing(orchestrator, git, blog):
    git.push('blog', node_app('broken', {'start': 'node server.js', 'build': 'node -e "console.log(\'about to fail\'); process.exit(3)"'}))
    deployment, shown = failing(orchestrator, 'blog')
    assert deployment['failure']['step'] == 'build' and deployment['failure']['exit_code'] == 3
    assert any('about to fail' in line for line in deployment['failure']['last_lines'])
    assert 'about to fail' in shown and '3' in shown


def test_a_start_that_crashes_changes_nothing(orchestrator, git, blog):
    git.push('blog', node_app(server='console.log("no luck today"); process.exit(7);'))
    deployment, shown = failing(orchestrator, 'blog')
    assert deployment['failure']['step'] in ('start', 'check') and deployment['failure']['exit_code'] == 7
    assert 'no luck today' in shown


def test_an_app_that_only_answers_errors_changes_nothing(orchestrator, git, blog):
    git.push('blog', node_app(server='require("http").createServer((q, s) => { s.statusCode = 500; s.end(); }).listen(process.env.PORT);'
                                     'setTimeout(() => process.exit(9), 8000);'))
    deployment, _ = failing(orchestrator, 'blog')
    assert deployment['failure']['step'] == 'check'


def test_a_branch_that_is_not_there_says_so(orchestrator, blog):
    deployment, shown = failing(orchestrator, 'blog', '--branch', 'nowhere')
    assert deployment['failure']['step'] == 'fetch'
    assert 'nowhere' in shown


def test_out_of_memory_in_a_build_reads_as_such(orchestrator, git, blog):
    git.push('blog', node_app('hungry', {'start': 'node server.js', 'build': 'node -e "const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))"'}))
    orchestrator.run(['nanoscale', 'projects', 'set', 'blog', '--build-memory', '256'])
    deployment, shown = failing(orchestrator, 'blog')
    assert 'ut of memory' in deployment['failure']['sentence'] and '256' in deployment['failure']['sentence']
    assert 'build_memory' in shown or 'build-memory' in shown
    orchestrator.run(['nanoscale', 'projects', 'set', 'blog', '--build-memory', '2048'])


def test_time_limit_of_a_build_reads_as_such(orchestrator, git, blog):
    git.push('blog', node_app('slow', {'start': 'node server.js', 'build': 'node -e "setTimeout(() => {}, 600000)"'}))
    orchestrator.run(['nanoscale', 'projects', 'set', 'blog', '--build-seconds', '12'])
    deployment, _ = failing(orchestrator, 'blog')
    assert 'limit of 12 s' in deployment['failure']['sentence']
    orchestrator.run(['nanoscale', 'projects', 'set', 'blog', '--build-seconds', '1200'])


def test_cancel_ends_the_build(orchestrator, git, blog):
    git.push('blog', node_app('endless', {'start': 'node server.js', 'build': 'node -e "setTimeout(() => {}, 600000)"'}))
    started = api(orchestrator, 'deploy', 'blog', '--no-follow')
    def state():
        return api(orchestrator, 'deployments', 'show', started['id'])['state']
    wait_until(lambda: state() == 'build', every=0.3, what='the build')
    orchestrator.run(['nanoscale', 'deployments', 'cancel', started['id']])
    project = api(orchestrator, 'projects', 'show', 'blog')
    wait_until(lambda: orchestrator.state(f'nanoscale-build-{project["id"]}.service') in ('inactive', 'failed'), every=0.3, what='the end of the build')
    wait_until(lambda: state() == 'canceled', every=0.3, what='the end of the deployment')
    assert [words for _, words in processes(orchestrator) if 'setTimeout' in words] == []


def test_logs_show_what_the_app_prints(orchestrator, git, blog):
    git.push('blog', node_app(server='console.log("ready to serve"); require("http").createServer((q, s) => { console.log("got " + q.url); s.end("x"); }).listen(process.env.PORT);'))
    deploy(orchestrator, 'blog')
    orchestrator.wait_fetch(url('blog', '/something'))
    def logged():
        text = orchestrator.output('nanoscale', 'logs', 'blog', '-n', '200')
        return text if 'got /something' in text else None
    assert 'ready to serve' in wait_until(logged, every=0.3, what='the line of the request')


def test_a_build_keeps_its_colours_and_nothing_else(orchestrator, git, blog):
    files = node_app('coloured', {'start': 'node server.js', 'build': 'node build.js'})
    git.push('blog', {**files, 'build.js': r"console.log('\x1b[35mpink\x1b[2J\x1b]0;title\x07\x1b[39m of ' + process.env.HUE)"})
    deploy(orchestrator, 'blog', '--env', 'HUE=deep-and-secret')
    newest = last_deployment(orchestrator, 'blog')['id']
    log = orchestrator.fetch_unix('/run/nanoscale/agent.sock', f'/api/deployments/{newest}/log').text
    assert '\x1b[35mpink\x1b[39m of [HUE]' in log
    shown = orchestrator.output('nanoscale', 'deployments', 'show', newest, '--log')
    assert 'pink of [HUE]' in shown and '\x1b' not in shown


def test_another_name_is_another_address(orchestrator, git):
    rename = ['nanoscale', 'projects', 'rename']
    git.create_repo('before', node_app('the same'))
    git.create_repo('next', node_app('the next one'))
    deploy(orchestrator, git.url('before'), '--name', 'before')
    project = api(orchestrator, 'projects', 'show', 'before')
    unit = f'nanoscale-{project["id"]}@a.service'
    began = orchestrator.state(unit, 'MainPID'), orchestrator.state(unit, 'InvocationID')
    try:
        for name, word in (('new', 'Choose another name'), ('UP', 'lower-case letters'), ('before.', 'lower-case letters')):
            refused = orchestrator.run([*rename, 'before', name], check=False)
            assert refused.returncode == 1 and word in refused.stderr, refused
        shown = orchestrator.run([*rename, 'before', 'after']).stdout
        assert f'after.{BASE_DOMAIN}' in shown
        assert orchestrator.wait_fetch(url('after')).text == 'the same'
        assert orchestrator.wait_fetch(url('before'), status=404)
        assert (orchestrator.state(unit, 'MainPID'), orchestrator.state(unit, 'InvocationID')) == began, 'the app noticed nothing'
        renamed = api(orchestrator, 'projects', 'show', 'after')
        assert renamed['id'] == project['id'] and renamed['latest_deployment']['project'] == 'after'
        assert renamed['url'] == f'http://after.{BASE_DOMAIN}'
        # The name that is free now is another project's at once, and neither can take the other's.
        deploy(orchestrator, git.url('next'), '--name', 'before')
        assert orchestrator.wait_fetch(url('before')).text == 'the next one'
        taken = orchestrator.run([*rename, 'after', 'before'], check=False)
        assert taken.returncode == 1 and 'A project with the name before exists' in taken.stderr
        deploy(orchestrator, 'after')
        assert orchestrator.wait_fetch(url('after')).text == 'the same'
        # They exchange their names.
        for names in (('after', 'aside'), ('before', 'after'), ('aside', 'before')):
            orchestrator.run([*rename, *names])
        wait_until(lambda: [orchestrator.fetch(url(n)).text for n in ('before', 'after')] == ['the same', 'the next one'], what='the exchange')
    finally:
        remove(orchestrator, 'before', 'after', 'aside')


def test_deleted_project_leaves_nothing(orchestrator, git):
    git.create_repo('gone', node_app('gone soon'))
    deploy(orchestrator, git.url('gone'), '--name', 'gone', '--env', 'A=1')
    project = api(orchestrator, 'projects', 'show', 'gone')['id']
    orchestrator.run(['nanoscale', 'projects', 'delete', 'gone', '--yes'])
    assert orchestrator.fetch(url('gone')).status in (404, 502) or orchestrator.wait_fetch(url('gone'), status=404)
    left = orchestrator.output('find', '/etc', '/opt/nanoscale', '/run/nanoscale', '-name', f'*{project}*')
    assert left == ''
    assert orchestrator.run(['id', f'nanoscale-{project}'], check=False).returncode != 0
    # When it forgets a unit that is gone is systemd's business.
    wait_until(lambda: orchestrator.output('systemctl', 'list-units', '--all', '--no-legend', f'nanoscale-{project}*', f'nanoscale-build-{project}*') == '')
    git.remove_repo('gone')


def test_a_private_repository_host_is_refused_unless_allowed(orchestrator, git, node_maker):
    """The node's own setting allows it here; without the setting the same deployment is refused before anything is fetched."""
    node = node_maker('strict')
    config = json.loads(node.read('/opt/nanoscale/config/config.json'))
    config.setdefault('network', {})['allow_private_repositories'] = False
    node.write('/opt/nanoscale/config/config.json', json.dumps(config), mode=0o640, owner='nanoscale:nanoscale')
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    git.create_repo('inside', node_app())
    result = deploy(node, git.url('inside'), '--name', 'inside', check=False)
    assert result.returncode == 1
    assert 'not public' in result.stdout + result.stderr
    git.remove_repo('inside')


def test_deploy_with_sudo_as_the_way_to_the_helper(git, node_maker):
    """The same deployment, with the agent asking the helper by `sudo -n` and the shipped sudoers file."""
    from nodes.cache import configure, install
    node = node_maker('sudoer')
    configure(node, {'helper': {'transport': 'sudo'}})
    install(node)
    git.create_repo('by-sudo', node_app('by sudo'))
    deploy(node, git.url('by-sudo'), '--name', 'by-sudo')
    assert node.wait_fetch(url('by-sudo')).text == 'by sudo'
    assert node.state('nanoscale-helper.socket', 'NAccepted') == '0'
    assert 'COMMAND=/opt/nanoscale/bin/nanoscale-helper' in node.journal_text(extra=['_COMM=sudo'])
    node.run(['nanoscale', 'projects', 'delete', 'by-sudo', '--yes'])
    git.remove_repo('by-sudo')
