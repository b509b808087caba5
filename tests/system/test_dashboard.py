# SPDX-License-Identifier: AGPL-3.0-or-later
"""The dashboard as its user has it: Debian's Chromium, an orchestrator, a worker. The tests are one walk, in this order, with one browser.

NANOSCALE_SCREENSHOTS names a directory for the pictures of every page (scripts/screenshots.sh); without it they are with the artefacts."""
import json
import os
import re
import time

import pytest

from browser import Browser
from cluster import BASE_DOMAIN, ask, call, configure, database, finish, make_candidate, make_orchestrator, server, settings
from nodes import wait_until

SETUP = '/opt/nanoscale/lib/setup'
USER, FIRST_PASSWORD, PASSWORD = 'ada', 'a kite above the dunes', 'a lantern in the harbour'
# path, title, name of the picture, status of the document where it is not 200; the walk adds the pages of what it makes
PAGES = [['/', 'Overview', 'overview'], ['/projects', 'Projects', 'projects'], ['/projects/new', 'New project', 'new-project'],
         ['/servers', 'Servers', 'servers'], ['/activity', 'Activity', 'activity'], ['/nothing', 'Page not found', 'not-found', 404]]
OPEN_PAGES = [['/login', 'Sign in', 'login'], ['/setup', 'No set-up code is open', 'setup-closed']]
TABS = ['overview', 'deployments', 'logs', 'environment', 'domains', 'settings', 'danger']
SECTIONS = ['account', 'sessions', 'tokens', 'second-factor', 'metrics']
DOMAIN = 'shop.test'
SCRIPTS_MAX = 200 << 10
MANY = 1000
# A journal takes some 12,500 lines of an app within 30 s.
LINES_PER_SECOND, SECONDS = 5000, 2

SHOP = r'''
const text = 'TEXT';
let written = 0;
// Many lines: ?rate= a second, for ?seconds=; the last one says so.
function flood(rate, seconds) {
  const begin = Date.now(), all = rate * seconds;
  const timer = setInterval(() => {
    const due = Math.min(all, Math.floor((Date.now() - begin) / 1000 * rate));
    let lines = '';
    for (; written < due; written++) lines += `\x1b[32minfo\x1b[0m request ${written} took ${written % 97} ms\n`;
    process.stdout.write(lines);
    if (due < all) return;
    clearInterval(timer);
    written = 0;
    setTimeout(() => console.log('that was all'), 300);
  }, 20);
}
require('node:http').createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/flood') flood(Number(url.searchParams.get('rate')), Number(url.searchParams.get('seconds')));
  else console.log(`visited ${url.pathname}`);
  response.end(`${text}, ${process.env.GREETING ?? 'no greeting'}`);
}).listen(process.env.PORT);
'''
BUILD = '''let n = 0; const timer = setInterval(() => { console.log(`page ${++n} of 6`); if (n === 6) clearInterval(timer); }, 300);'''


def shop(text, build=BUILD):
    return {'package.json': json.dumps({'name': 'shop', 'private': True, 'scripts': {'build': 'node build.js', 'start': 'node server.js'}}),
            'build.js': build, 'server.js': SHOP.replace('TEXT', text)}


@pytest.fixture(scope='module')
def panel(lab):
    node = make_orchestrator(lab, 'dash')
    configure(node, {'builds': {'registry': 'https://packages.example/npm'}})  # for the pictures: nothing is built there
    build = lab.cache.dashboard()
    node.put(build, f'/root/{build.name}')
    node.run([SETUP, 'install', '--dashboard', f'/root/{build.name}'], via='pid1', timeout=300)
    wait_until(lambda: node.fetch(f'https://{node.address}/').status == 200, what='the dashboard')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def worker(lab):
    node = make_candidate(lab, 'worker')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def browser(lab, panel, worker, git, authority):
    # All nodes are there before it: one that comes changes the network, and Chromium ends what is open.
    browser = Browser(lab, panel, lab.artefacts / 'dashboard', {f'shop.{BASE_DOMAIN}': worker, DOMAIN: worker})
    yield browser
    browser.close()


@pytest.fixture(scope='module')
def pictures(lab):
    return os.environ.get('NANOSCALE_SCREENSHOTS') or str(lab.artefacts / 'dashboard/pages')


def claim_code(node, *arguments):
    return re.search(r'^Claim code: (\w{4}-\w{4}-\w{4})', node.run(['nanoscale', 'claim', *arguments]).stdout)[1]


def project(panel):
    return ask(panel, 'GET', '/api/projects/shop')


def served(worker):
    return worker.wait_fetch(f'http://shop.{BASE_DOMAIN}/').text


def ended(panel, path, state='live'):
    """The deployment whose page this is, once the API says that it ended so."""
    return finish(panel, path.rpartition('/')[2], state)


# --- the first run, and a server ---------------------------------------------------------------------------------------------------------------

def test_first_run(panel, browser):
    code = claim_code(panel)
    wrong = code[:-1] + ('A' if code[-1] != 'A' else 'B')
    assert browser.step('claimWrongly', code=wrong, user=USER, password=FIRST_PASSWORD, says='The code is wrong') == 'true'
    browser.step('claim', code=code, user=USER, password=FIRST_PASSWORD)


def test_a_server_joins_by_the_command_that_is_shown(panel, worker, browser, authority):
    script, *words = browser.step('addServer').split()
    assert script == './scripts/install.sh'
    worker.run([f'/root/nanoscale/{script}', *words, '--base-domain', BASE_DOMAIN], timeout=900, via='pid1')
    # Before a page follows anything there: a stream that breaks, since the agent is started anew, is a complaint of the page.
    configure(worker, {**settings(), **authority.settings()})
    path = browser.step('serverIsThere', name='worker')
    assert path == f'/servers/{server(panel, "worker")["id"]}'
    browser.step('reloadKeeps', path=path, title='worker')
    PAGES.append([path, 'worker', 'server'])


# --- a project -----------------------------------------------------------------------------------------------------------------------------------

def test_a_project_from_its_address(panel, worker, browser, git):
    git.create_repo('webshop', shop('first'), message='Open the shop')
    found = browser.step('newProject', url=git.url('webshop'), name='shop', server='worker')
    assert found == {'name': 'webshop', 'branch': 'main', 'build': 'bun run build', 'start': 'bun run start'}
    path = browser.step('follow', line='page 3 of 6', state='Live')
    deployment = ended(panel, path)
    assert deployment['number'] == 1 and project(panel)['server'] == 'worker' and served(worker) == 'first, no greeting'
    PAGES.append([path, 'Open the shop', 'deployment'])


def test_visit(browser):
    assert browser.step('visit', name='shop') == 'first, no greeting'


def test_a_push_that_breaks_the_build(panel, worker, browser, git):
    git.push('webshop', shop('second', "require('./colours');"), message='Colours')
    browser.step('deploy', name='shop')
    path = browser.step('follow', state='Failed')
    assert ended(panel, path, 'failed')['failure']['step'] == 'build' and served(worker) == 'first, no greeting'
    why = browser.step('readWhy', name='shop')
    assert why['path'] == path and why['title'] == 'The module ./colours was not found' and './colours' in why['lines'], why
    assert why['remedies'] == ['Deploy again']
    PAGES.append([path, 'Colours', 'deployment-failed'])


def test_a_push_that_goes_live_and_is_rolled_back(panel, worker, browser, git):
    git.push('webshop', shop('thrid'), message='Say third')
    browser.step('deploy', name='shop')
    ended(panel, browser.step('follow', state='Live'))
    assert served(worker) == 'thrid, no greeting'
    deployment = ended(panel, browser.step('rollBack', name='shop', release=1))
    assert deployment['kind'] == 'rollback' and project(panel)['live_release'] == 1 and served(worker) == 'first, no greeting'


def test_sleep_and_a_visit_that_wakes(panel, browser):
    browser.step('sleep', name='shop')
    shown = project(panel)
    assert shown['status'] == 'sleeping' and shown['sleep']['kind'] == 'armed' and shown['sleep']['wakes']['count'] == 0
    time.sleep(2.5)  # so long nginx uses a connection to the one that was awake, which is still there for it
    assert browser.step('visit', name='shop') == 'first, no greeting'
    browser.step('isAwake')
    assert wait_until(lambda: project(panel)['sleep']['wakes']['count'] == 1, what='the wake')


def test_a_variable_counts_after_the_restart(panel, worker, browser):
    path = browser.step('addVariable', name='shop', key='GREETING', value='good morning')
    assert ended(panel, path)['kind'] == 'restart' and served(worker) == 'first, good morning'
    env = ask(panel, 'GET', '/api/projects/shop/env')
    assert [v['key'] for v in env['env']] == ['GREETING'] and not env['changed_since_deploy']


def test_logs(worker, browser):
    browser.step('openLogs', name='shop')
    worker.wait_fetch(f'http://shop.{BASE_DOMAIN}/through-the-door')
    browser.step('logHas', line='visited /through-the-door')


def test_a_log_with_many_lines_a_second(worker, browser, record_property):
    worker.fetch(f'http://shop.{BASE_DOMAIN}/flood?rate={LINES_PER_SECOND}&seconds={SECONDS}')
    figures = browser.step('busyLog', ms=SECONDS * 1000, last='that was all')
    record_property('log', figures)
    print(f'{LINES_PER_SECOND} lines a second:', figures)
    assert figures['longest_task_ms'] < 1000, figures


def test_a_domain_from_its_record_to_https(worker, browser, authority):
    # Its DNS is the authority's from here on, which knows no registry: nothing is built after this.
    worker.write('/etc/resolv.conf', f'nameserver {authority.node.address}\n')
    assert browser.step('addDomain', name='shop', domain=DOMAIN) == [DOMAIN, worker.address]
    authority.point(DOMAIN, worker.address)
    browser.step('domainIsValid', domain=DOMAIN)
    # While nginx is reloaded, a worker of before may still answer.
    root = authority.root()
    wait_until(lambda: worker.fetch(f'https://{DOMAIN}/', ca=root).text == 'first, good morning', what=f'https://{DOMAIN}/')
    assert browser.step('visit', name='shop') == 'first, good morning'


# --- who is signed in --------------------------------------------------------------------------------------------------------------------------

def test_password_and_token(panel, browser):
    browser.step('changePassword', old=FIRST_PASSWORD, password=PASSWORD)
    token = browser.step('createToken', name='ci')
    asked = {method: panel.fetch(f'https://{panel.address}/api/projects', method=method, headers={'Authorization': f'Bearer {token}'}).status
             for method in ('GET', 'POST')}
    assert asked == {'GET': 200, 'POST': 403}


def test_sign_out_and_in(browser):
    assert browser.step('signOut', user=USER) == '/login'
    assert browser.step('signInOnTheWayTo', path='/servers', title='Servers', user=USER, password=PASSWORD) == '/servers'


def test_keyboard_alone(browser):
    browser.step('signOut', user=USER)
    browser.step('byKeyboard', user=USER, password=PASSWORD)


def test_themes_stay(browser):
    for theme in ('Light', 'Dark'):
        browser.step('setTheme', user=USER, theme=theme)


# --- how it looks ------------------------------------------------------------------------------------------------------------------------------

def test_every_page_is_accessible_and_fits_a_phone(browser, pictures):
    pages = PAGES + [[f'/projects/shop?tab={tab}', 'shop', f'project-{tab}'] for tab in TABS]
    pages += [['/settings', 'Settings', 'settings']] + [[f'/settings?tab={section}', 'Settings', f'settings-{section}'] for section in SECTIONS]
    assert browser.step('look', pages=pages, directory=pictures) == []
    assert browser.step('overlaysAccessible', user=USER) == []


def test_first_load(browser, record_property):
    figures = browser.step('load', path='/', title='Overview')
    record_property('load', figures)
    print('figures of /:', figures)
    assert 0 < figures['script_bytes'] <= SCRIPTS_MAX and figures['layout_shifts'] == [], figures


def test_a_thousand_projects(panel, browser, record_property):
    here = server(panel, 'dash')['id']
    with database(panel) as rows:
        rows.executemany('INSERT INTO projects (id, server_id, name, repo_url, env_vars, port) VALUES (?, ?, ?, ?, ?, 3000)',
                         [(f'zz{n:06}', here, f'zz-{n:04}', f'https://git.test/zz-{n:04}.git', '') for n in range(MANY - 1)])
    figures = browser.step('longList', count=MANY, last=f'zz-{MANY - 2:04}')
    record_property('list', figures)
    print(f'{MANY} projects:', figures)
    with database(panel) as rows:
        rows.execute("DELETE FROM projects WHERE name LIKE 'zz-%'")
    assert figures['scrolling']['median_ms'] < 50 and max(f['longest_task_ms'] for f in figures.values()) < 1000, figures


# --- the end -----------------------------------------------------------------------------------------------------------------------------------

def test_another_name(panel, worker, browser):
    newest = project(panel)['latest_deployment']['id']
    browser.step('rename', name='shop', to='store')
    assert call(panel, 'GET', '/api/projects/shop').status == 404
    panel.run(['nanoscale', 'projects', 'rename', 'store', 'bazaar'])
    browser.step('isCalled', name='bazaar')
    browser.step('openByOldName', old='store', name='bazaar', deployment=newest)
    assert worker.wait_fetch(f'http://bazaar.{BASE_DOMAIN}/').text == 'first, good morning'
    panel.run(['nanoscale', 'projects', 'rename', 'bazaar', 'shop'])


def test_delete(panel, worker, browser):
    browser.step('deleteProject', name='shop')
    assert call(panel, 'GET', '/api/projects/shop').status == 404
    assert worker.wait_fetch(f'http://shop.{BASE_DOMAIN}/', status=404)


def test_pages_without_a_session(panel, browser, pictures):
    browser.step('signOut', user=USER)
    assert browser.step('look', pages=OPEN_PAGES, directory=pictures) == []
    claim_code(panel, '--reset')
    assert browser.step('look', pages=[['/setup', 'Create your account', 'setup']], directory=pictures) == []
