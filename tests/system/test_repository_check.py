# SPDX-License-Identifier: AGPL-3.0-or-later
"""POST /api/repositories/check: what it finds in repositories on git.test, what hostile ones get out of it, and what is left afterwards."""
import json
import threading

import pytest

from nodes import wait_until

PACKAGE = {'dependencies': {'next': '^15.1.0'}, 'scripts': {'build': 'next build', 'start': 'next start'}}


@pytest.fixture(autouse=True)
def nothing_is_left(orchestrator):
    yield
    wait_until(lambda: orchestrator.run(['systemctl', 'list-units', '--no-legend', 'nanoscale-repository@*'], check=False).stdout.strip() == '',
               60, 0.5, 'the end of all checks')
    assert orchestrator.output('find', '/tmp', '/var/tmp', '-name', 'nanoscale-repository-*') == ''


def check(node, **body):
    """(status, document)"""
    done = node.run(['curl', '-sS', '--max-time', '60', '--unix-socket', '/run/nanoscale/agent.sock', '-H', 'Content-Type: application/json', '-w', '\n%{http_code}',
                     '-d', '@-', 'http://localhost/api/repositories/check'], input=json.dumps(body), timeout=90)
    text, _, status = done.stdout.rpartition('\n')
    return int(status), json.loads(text)


@pytest.fixture
def repo(git):
    made = []

    def make(name, files, **options):
        git.create_repo(name, files, **options)
        made.append(name)
        return git.url(name)
    yield make
    for name in made:
        git.remove_repo(name)


def test_an_app(orchestrator, repo):
    url = repo('seen', {'package.json': json.dumps(PACKAGE), 'bun.lock': '{}', 'README.md': 'x'}, branch='trunk', message='feat: first')
    status, found = check(orchestrator, repo_url=url)
    assert status == 200, found
    assert found['reachable'] is True and found['default_branch'] == 'trunk' and found['branches'] == ['trunk'] and found['complete'] is True
    assert found['commit']['subject'] == 'feat: first' and found['commit']['author'] == 'Ada Byron' and len(found['commit']['id']) == 40
    assert (found['framework'], found['framework_version'], found['node_version']) == ('nextjs', '^15.1.0', None)
    assert (found['install_command'], found['build_command'], found['start_command']) == ('bun install --frozen-lockfile', 'bun run build', 'bun run start')
    assert found['root_directories'] == ['.']


def test_a_monorepo_and_a_branch(orchestrator, repo, git):
    url = repo('mono', {'package.json': '{"workspaces":["apps/*"]}', 'package-lock.json': '{}', 'apps/web/package.json': '{"devDependencies":{"vite":"7.0.0"}}'})
    git.push('mono', {'docs/index.html': 'x'}, branch='docs')
    status, found = check(orchestrator, repo_url=url, root_directory='apps/web')
    assert (status, found['framework'], found['install_command']) == (200, 'vite', 'npm ci --no-audit --no-fund')
    assert found['root_directories'] == ['apps/web', '.'] and sorted(found['branches']) == ['docs', 'main']
    status, found = check(orchestrator, repo_url=url, branch='docs', root_directory='docs')
    assert (status, found['framework'], found['build_command']) == (200, 'static', None)


def test_what_cannot_be_read(orchestrator, repo, git):
    url = repo('plain', {'a': 'b'})
    for body in ({'repo_url': git.url('absent')}, {'repo_url': 'https://nowhere.invalid/a.git'}, {'repo_url': url, 'branch': 'absent'}, {'repo_url': url, 'root_directory': 'absent'}):
        status, problem = check(orchestrator, **body)
        assert (status, problem['type']) == (422, 'repository-unreachable'), (body, problem)
    for body in ({}, {'repo_url': 'http://git.test/a.git'}, {'repo_url': 'https://u:p@git.test/a.git'}, {'repo_url': url, 'branch': '--upload-pack=x'},
                 {'repo_url': url, 'root_directory': '../x'}, {'repo_url': url, 'root_directory': 7}, {'repo_url': 'https://git.test/a.git\u0000b'}):
        status, problem = check(orchestrator, **body)
        assert status in (400, 422) and problem['type'] != 'repository-unreachable', (body, problem)
    status, found = check(orchestrator, repo_url=url)
    assert (status, found['framework'], found['start_command'], found['root_directories']) == (200, None, None, [])


def test_large_files_names_and_links(orchestrator, repo):
    deep = '/'.join(['d' * 200] * 10)
    url = repo('hostile', {'package.json': '{"scripts":{"start":"' + 'x' * 400000 + '"}}', f'{deep}/package.json': '{}', 'n' * 250: 'x', 'a\nb/package.json': '{}'})
    status, found = check(orchestrator, repo_url=url)
    assert (status, found['framework'], found['start_command']) == (200, None, None), 'a package.json of 400 KB was read'
    assert found['root_directories'] == ['.']


def test_a_server_that_says_nothing(orchestrator, git):
    """It takes the connection and stays silent: the answer comes all the same."""
    git.node.write('/run/systemd/system/silent.service', '[Service]\nExecStart=/usr/bin/perl -MIO::Socket::INET -e \'my $s = IO::Socket::INET->new(LocalPort => 4443, Listen => 9, '
                                                         'ReuseAddr => 1) or die; my @c; while (my $c = $s->accept) { push @c, $c }\'\n')
    git.node.run(['systemctl', 'daemon-reload'], via='pid1')
    git.node.run(['systemctl', 'start', 'silent.service'], via='pid1')
    try:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(check(orchestrator, repo_url='https://git.test:4443/a.git'))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kinds = sorted((status, problem['type']) for status, problem in answers)
        assert kinds == [(422, 'repository-unreachable')] * 2 + [(503, 'busy')] * 2, answers
    finally:
        git.node.run(['systemctl', 'stop', 'silent.service'], via='pid1')


def test_who_may_ask_the_program(orchestrator):
    """The socket is the group's, but the agent alone says which addresses may be asked."""
    assert orchestrator.owner_and_mode('/run/nanoscale/repository.sock') == 'root:nanoscale 0660'
    for user, group in (('daemon', 'daemon'), ('daemon', 'nanoscale')):
        done = orchestrator.run(['setpriv', f'--reuid={user}', f'--regid={group}', '--clear-groups', 'curl', '-sS', '--max-time', '20', '--unix-socket',
                                 '/run/nanoscale/repository.sock', 'telnet://localhost'], input='repo https://git.test/seen.git\nend\n', check=False)
        assert 'branch' not in done.stdout and 'default' not in done.stdout
