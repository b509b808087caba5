# SPDX-License-Identifier: AGPL-3.0-or-later
"""The dashboard as its user has it: Debian's Chromium, an orchestrator, a worker. The tests are one walk, in this order, with one browser.

NANOSCALE_SCREENSHOTS names a directory for the pictures of every page (scripts/screenshots.sh); without it they are with the artefacts."""
import os
import re

import pytest

from browser import Browser
from cluster import BASE_DOMAIN, configure, make_candidate, make_orchestrator, server, settings
from nodes import wait_until

SETUP = '/opt/nanoscale/lib/setup'
USER, PASSWORD = 'ada', 'a lantern in the harbour'
# path, title, name of the picture
PAGES = [['/', 'Overview', 'overview'], ['/servers', 'Servers', 'servers']]
OPEN_PAGES = [['/login', 'Sign in', 'login'], ['/setup', 'No set-up code is open', 'setup']]
SCRIPTS_MAX = 200 << 10


@pytest.fixture(scope='module')
def panel(lab):
    node = make_orchestrator(lab, 'dash')
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
def browser(lab, panel):
    browser = Browser(lab, panel, lab.artefacts / 'dashboard')
    yield browser
    browser.close()


@pytest.fixture(scope='module')
def pictures(lab):
    return os.environ.get('NANOSCALE_SCREENSHOTS') or str(lab.artefacts / 'dashboard/pages')


def claim_code(node, *arguments):
    return re.search(r'\b[A-Z0-9]{4}(-[A-Z0-9]{4}){2}\b', node.run(['nanoscale', 'claim', *arguments]).stdout)[0]


def test_first_run(panel, browser):
    code = claim_code(panel)
    wrong = code[:-1] + ('A' if code[-1] != 'A' else 'B')
    assert browser.step('claimWrongly', code=wrong, user=USER, password=PASSWORD, says='code') == 'true'
    browser.step('claim', code=code, user=USER, password=PASSWORD)


def test_a_server_joins_by_the_command_that_is_shown(panel, worker, browser):
    command = browser.step('addServer')
    joined = re.search(r"ns1\.[A-Za-z0-9_.-]+", command)[0]
    assert 'scripts/install.sh' in command
    worker.run(['/root/nanoscale/scripts/install.sh', '--join', '-', '--base-domain', BASE_DOMAIN], input=joined + '\n', timeout=900, via='pid1')
    configure(worker, settings())
    path = browser.step('serverIsThere', name='worker')
    assert path == f'/servers/{server(panel, "worker")["id"]}'
    browser.step('reloadKeeps', path=path, title='worker')
    PAGES.append([path, 'worker', 'server'])


def test_sign_out_and_in(browser):
    assert browser.step('signOut', user=USER) == '/login'
    assert browser.step('signInOnTheWayTo', path='/servers', title='Servers', user=USER, password=PASSWORD) == '/servers'


def test_keyboard_alone(browser):
    browser.step('signOut', user=USER)
    browser.step('byKeyboard', user=USER, password=PASSWORD)


def test_themes_stay(browser):
    for theme in ('Light', 'Dark'):
        browser.step('setTheme', user=USER, theme=theme)


def test_axe_finds_nothing(browser):
    assert browser.step('accessible', pages=PAGES) == []
    assert browser.step('overlaysAccessible', user=USER) == []


@pytest.mark.parametrize('width', [360, 390])
def test_no_page_is_wider_than_a_phone(browser, width):
    assert browser.step('tooWide', pages=PAGES, width=width) == []


def test_first_load(browser, record_property):
    figures = browser.step('load', path='/', title='Overview')
    record_property('load', figures)
    print('figures of /:', figures)
    assert 0 < figures['script_bytes'] <= SCRIPTS_MAX and figures['layout_shift'] == 0, figures


def test_pictures(browser, pictures):
    assert len(browser.step('pictures', pages=PAGES, directory=pictures)) == 4 * len(PAGES)


def test_pages_without_a_session(browser, pictures):
    browser.step('signOut', user=USER)
    assert browser.step('accessible', pages=OPEN_PAGES) == []
    assert browser.step('tooWide', pages=OPEN_PAGES, width=360) == []
    assert len(browser.step('pictures', pages=OPEN_PAGES, directory=pictures)) == 4 * len(OPEN_PAGES)
