# SPDX-License-Identifier: AGPL-3.0-or-later
"""Static sites, from a git URL to a page: found in what a build leaves, served by nginx alone, switched and rolled back like apps. What nginx
makes of hostile files is in test_helper.py, which builds are static sites in tests/unit/runner."""
import json
import time

import pytest

from apps_inline import api, deploy, last_deployment, node_app, processes, remove
from nodes import BASE_DOMAIN, Link, wait_until

VITE = {
    'package.json': json.dumps({'name': 'spa', 'private': True, 'type': 'module', 'scripts': {'dev': 'vite', 'build': 'vite build', 'preview': 'vite preview'},
                                'devDependencies': {'vite': '^7'}}),
    'index.html': '<!doctype html><title>spa</title><div id="app"></div><script type="module" src="/src/main.js"></script>\n',
    'src/main.js': 'import "./main.css";\ndocument.querySelector("#app").textContent = location.pathname;\n',
    'src/main.css': '#app { color: red }\n' * 200,
    'public/robots.txt': 'User-agent: *\n',
}


def url(project, path='/'):
    return f'http://{project}.{BASE_DOMAIN}{path}'


def pages(marker):
    return {'index.html': f'<h1>{marker}</h1>', 'about/index.html': 'about', '404.html': 'lost', '.env': 'SECRET=1', 'passwd': Link('/etc/passwd'),
            'package.json': None, 'server.js': None, 'build.js': None}


def built(marker):
    """A site that its build makes; what the build is made of stays out of it."""
    script = f'const fs = require("fs"); fs.mkdirSync("dist/docs", {{ recursive: true }}); fs.writeFileSync("dist/index.html", "{marker}");' \
             'fs.writeFileSync("dist/docs/page.html", "page"); fs.symlinkSync("/etc/passwd", "dist/passwd"); fs.symlinkSync("/opt/nanoscale", "dist/all");'
    return {'package.json': json.dumps({'name': 'site', 'private': True, 'scripts': {'build': 'node build.js'}}), 'build.js': script, 'server-key.txt': 'secret'}


@pytest.fixture(scope='module')
def site(orchestrator, git):
    git.create_repo('pages', pages('first'))
    deploy(orchestrator, git.url('pages'), '--name', 'pages')
    yield orchestrator
    remove(orchestrator, 'pages', 'spa')


def running(node, project):
    """Units and processes of the project: a static site has none."""
    show = api(node, 'projects', 'show', project)
    uid = int(node.output('id', '-u', f'nanoscale-{show["id"]}'))
    units = node.output('systemctl', 'list-units', '--plain', '--no-legend', '--state=active,activating', f'nanoscale-{show["id"]}@*')
    return [unit.split()[0] for unit in units.splitlines()], [words for owner, words in processes(node) if owner == uid]


def releases(node, project):
    return [(r['number'], r['kind'], r['live']) for r in api(node, 'releases', project)['releases']]


def test_pages_are_served_without_a_process(site):
    front = site.wait_fetch(url('pages'))
    assert front.text == '<h1>first</h1>' and front.headers['Content-Type'].startswith('text/html') and 'ETag' in front.headers
    assert site.fetch(url('pages', '/about')).text == 'about'
    for path in ('/none', '/passwd', '/.env', '/.git/HEAD', '/index.html/x'):
        answer = site.fetch(url('pages', path))
        assert (answer.status, answer.text) == (404, 'lost'), path
    assert running(site, 'pages') == ([], [])
    assert releases(site, 'pages') == [(1, 'static', True)]
    assert api(site, 'projects', 'show', 'pages')['status'] == 'live'


def test_the_log_says_what_it_found(site):
    done = last_deployment(site, 'pages')
    log = site.output('nanoscale', 'deployments', 'show', done['id'], '--log')
    assert 'static site' in log and '1 symbolic links, 1 names that begin with a dot' in log


def test_a_build_replaces_pages_and_rollback_brings_them_back(site, git):
    git.push('pages', built('second'), message='build it')
    deploy(site, git.url('pages'), '--name', 'pages')
    wait_until(lambda: site.fetch(url('pages')).text == 'second', 20, 0.1, 'the second release')
    assert site.fetch(url('pages', '/docs/page')).text == 'page'
    for path in ('/passwd', '/all/config/config.json', '/server-key.txt', '/build.js', '/package.json', '/about'):
        assert site.fetch(url('pages', path)).status == 404, path
    site.run(['nanoscale', 'rollback', 'pages'], timeout=180)
    assert site.fetch(url('pages')).text == '<h1>first</h1>'
    assert releases(site, 'pages') == [(2, 'static', False), (1, 'static', True)]


def test_no_request_fails_while_releases_change(site):
    """nginx alone answers: a switch is one rename."""
    seen, until, switches = set(), time.monotonic() + 300, 0
    while switches < 2 and time.monotonic() < until:
        site.run(['nanoscale', 'rollback', 'pages', str(2 - switches), '--no-follow'], timeout=180)
        marker = ('second', '<h1>first</h1>')[switches]
        while True:
            answer = site.fetch(url('pages'))
            assert answer.status == 200 and answer.text in ('second', '<h1>first</h1>'), answer
            seen.add(answer.text)
            if answer.text == marker:
                break
            assert time.monotonic() < until
        wait_until(lambda: api(site, 'projects', 'show', 'pages')['status'] == 'live', 30, 0.2, 'an end of the rollback')
        switches += 1
    assert switches == 2 and len(seen) == 2


def test_sleep_makes_no_sense_and_restart_is_harmless(site):
    answer = site.run(['nanoscale', 'sleep', 'pages'], check=False, timeout=180)
    assert answer.returncode != 0 and 'static site' in answer.stderr, answer
    site.run(['nanoscale', 'restart', 'pages'], timeout=180)
    assert site.fetch(url('pages')).text == '<h1>first</h1>' and running(site, 'pages') == ([], [])


def test_pages_outlive_the_agent(site):
    site.run(['systemctl', 'stop', 'nanoscale-agent.service'])
    try:
        assert site.fetch(url('pages')).text == '<h1>first</h1>'
    finally:
        site.run(['systemctl', 'start', 'nanoscale-agent.service'])
        wait_until(lambda: site.run(['nanoscale', 'status'], check=False).returncode == 0, 30, 0.2, 'the agent')


def test_a_site_becomes_an_app_and_a_site_again(site, git):
    git.push('pages', node_app('an app now'), message='an app')
    deploy(site, git.url('pages'), '--name', 'pages')
    wait_until(lambda: site.fetch(url('pages')).text == 'an app now', 20, 0.1, 'the app')
    assert len(running(site, 'pages')[1]) >= 1
    git.push('pages', pages('third'), message='pages again')
    deploy(site, git.url('pages'), '--name', 'pages')
    wait_until(lambda: site.fetch(url('pages')).text == '<h1>third</h1>', 20, 0.1, 'the pages')
    wait_until(lambda: running(site, 'pages') == ([], []), 30, 0.2, 'the end of the app')
    show = api(site, 'projects', 'show', 'pages')
    top = f'/opt/nanoscale/sites/{show["id"]}/source'
    assert [(kind, live) for _, kind, live in releases(site, 'pages')][:2] == [('static', True), ('app', False)]
    modes = [site.owner_and_mode(f'{top}/{number}').split()[-1] for number, _, _ in releases(site, 'pages')[:2]]
    assert modes == ['0711', '0700'] and not site.exists(f'{top}/{releases(site, "pages")[0][0]}/index.html'), modes


def test_vite_single_page_app(site, git):
    git.create_repo('spa', VITE)
    deploy(site, git.url('spa'), '--name', 'spa')
    front = site.wait_fetch(url('spa'))
    script = front.text.split('src="', 1)[1].split('"', 1)[0]
    assert script.startswith('/assets/')
    for path in ('/deep/link', '/deep/'):
        answer = site.fetch(url('spa', path))
        assert (answer.status, answer.text) == (200, front.text), path
    asset = site.fetch(url('spa', script), headers={'Accept-Encoding': 'gzip'})
    assert asset.status == 200 and 'javascript' in asset.headers['Content-Type'] and 'immutable' in asset.headers['Cache-Control']
    style = front.text.split('href="/assets/', 1)[1].split('"', 1)[0]
    assert site.fetch(url('spa', f'/assets/{style}')).headers['Content-Type'].startswith('text/css')
    assert site.fetch(url('spa', '/assets/none.js')).status == 404
    assert site.fetch(url('spa', '/robots.txt')).text == 'User-agent: *\n'
    assert running(site, 'spa') == ([], [])
