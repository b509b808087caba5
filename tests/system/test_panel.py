# SPDX-License-Identifier: AGPL-3.0-or-later
"""The dashboard on 443 of an orchestrator: which names have it, how its pages come, what every answer carries, and what reaches the agent."""
import gzip
import re
import socket
import ssl
import tarfile

import pytest

from nodes import wait_until

SETUP = '/opt/nanoscale/lib/setup'
CONFIG = '/opt/nanoscale/config/config.json'
DASHBOARD = '/opt/nanoscale/dashboard'
LIMIT = 60


@pytest.fixture(scope='module')
def build(lab):
    """The tar file that scripts/build-dashboard made of this tree."""
    return lab.cache.dashboard()


@pytest.fixture(scope='module')
def files(build):
    with tarfile.open(build) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


@pytest.fixture(scope='module')
def panel(lab, build):
    node = lab.node('panel', 'installed')
    node.put(build, '/root/' + build.name)
    set_up(node, '--dashboard', '/root/' + build.name)
    wait_until(lambda: ask(node, '/').status == 200, LIMIT, 0.5, 'the dashboard')
    yield node
    lab.remove(node)


def set_up(node, *arguments):
    return node.run([SETUP, 'install', *arguments], via='pid1', timeout=300)


def ask(node, path, host=None, **options):
    """The path goes out as it is written: nothing is resolved or escaped on the way."""
    return node.fetch(f'https://{host or node.address}{path}', **options)


# Who has it

def test_without_a_build_a_page_says_how_to_get_one(node_maker):
    node = node_maker('plain')
    answer = ask(node, '/')
    assert answer.status == 200 and '--dashboard' in answer.text and "default-src 'none'" in answer.headers['Content-Security-Policy']
    assert ask(node, '/api/health').json()['status'] == 'ok'


def test_every_address_has_it_and_a_foreign_name_does_not(panel):
    for host in (panel.address, f'{panel.address}:443', '203.0.113.9', '[2001:db8::1]'):
        assert panel.fetch('https://node/', headers={'Host': host}).status == 200, host
    for host in ('panel.example', 'evil.example', '1.2.3.4.example', 'localhost', '_', 'x1.2.3.4'):
        assert panel.fetch('https://node/', headers={'Host': host}).status == 404, host
        assert panel.fetch('https://node/api/health', headers={'Host': host}).status == 404, host


def test_a_domain_of_the_settings_has_it_too(panel):
    before = panel.read(CONFIG)
    try:
        panel.run(['tee', CONFIG], input=before.replace('{', '{ "dashboard": { "domain": "panel.example" },', 1))
        set_up(panel)
        # With a certificate of its own, self-signed until an authority gives one.
        wait_until(lambda: panel.fetch('https://panel.example/').status == 200, LIMIT, 0.5, 'the domain')
        assert panel.fetch('https://other.example/').status == 404
        assert panel.fetch('https://node/', headers={'Host': 'panel.example'}).status == 421
        assert panel.fetch('http://node/x?y=1', headers={'Host': 'panel.example'}).headers['Location'] == 'https://panel.example/x?y=1'
    finally:
        panel.run(['tee', CONFIG], input=before)
        set_up(panel)
    wait_until(lambda: panel.fetch('https://panel.example/').status == 404, LIMIT, 0.5, 'no domain')


def test_plain_http_leads_to_https(panel):
    answer = panel.fetch(f'http://{panel.address}/projects/shop?tab=logs')
    assert (answer.status, answer.headers['Location']) == (301, f'https://{panel.address}/projects/shop?tab=logs')
    assert panel.fetch('http://node/', headers={'Host': 'evil.example'}).status == 404


# The pages

@pytest.mark.parametrize('path,file', [
    ('/', 'index.html'), ('/login', 'login.html'), ('/projects', 'projects.html'), ('/projects/new', 'projects/new.html'),
    ('/projects/shop', 'projects/_.html'), ('/projects/shop?tab=deployments', 'projects/_.html'), ('/projects/shop.txt', 'projects/_.txt'),
    ('/projects/shop/deployments/d3', 'projects/_/deployments/_.html'), ('/projects/shop/deployments/d3.txt', 'projects/_/deployments/_.txt'),
    ('/servers/fra1', 'servers/_.html'), ('/projects/shop/__next._tree.txt', 'projects/_/__next._tree.txt'),
])
def test_deep_links(panel, files, path, file):
    answer = ask(panel, path)
    assert answer.status == 200 and answer.body == files[file]
    assert answer.headers['Cache-Control'] == 'no-cache'
    assert answer.headers['Content-Type'].split(';')[0] == ('text/plain' if file.endswith('.txt') else 'text/html')


def test_what_there_is_not(panel, files):
    for path in ('/nothing', '/projects/a/b/c', '/projects/a.b', '/servers/x/y', '/.git/config', '/../../etc/passwd', '/projects/%2e%2e/%2e%2e/BUILD_ID/x'):
        answer = ask(panel, path)
        assert answer.status in (400, 404), path
        assert answer.status == 400 or answer.body == files['404.html'], path


def test_an_unneeded_slash_leads_to_the_page_and_nowhere_else(panel):
    answer = ask(panel, '/projects/?a=1')
    assert (answer.status, answer.headers['Location']) == (308, '/projects?a=1')
    for path in ('//evil.example/', '/%5cevil.example/', '/%09/evil.example/', '/%0d%0aX-Own:1/', '/\\evil.example/'):
        answer = ask(panel, path)
        target = answer.headers.get('Location', '')
        assert 'X-Own' not in answer.headers and re.fullmatch(r'(/[A-Za-z0-9][A-Za-z0-9_.-]*)?', target), (path, target)


def test_scripts_stay_a_year_and_the_build_before_is_still_there(panel, build, files, lab):
    script = next(name for name in sorted(files) if name.startswith('_next/static/') and name.endswith('.js') and name + '.gz' in files)
    answer = ask(panel, f'/{script}')
    assert answer.body == files[script] and answer.headers['Cache-Control'] == 'public, max-age=31536000, immutable'
    small = ask(panel, f'/{script}', headers={'Accept-Encoding': 'gzip'})
    assert small.headers['Content-Encoding'] == 'gzip' and gzip.decompress(small.body) == files[script] and 'Accept-Encoding' in small.headers['Vary']
    assert ask(panel, '/_next/static/nothing.js').status == 404
    # Another build, of which only the name and one script are other ones.
    other = lab.directory / 'other.tar'
    changed = {name: data for name, data in files.items() if name not in (script, f'{script}.gz')} | {'BUILD_ID': b'0123456789abcdef\n', '_next/static/other.js': b'1'}
    with tarfile.open(other, 'w') as tar:
        for name, data in changed.items():
            path = lab.directory / 'member'
            path.write_bytes(data)
            tar.add(path, name)
    panel.put(other, '/root/other.tar')
    set_up(panel, '--dashboard', '/root/other.tar')
    assert panel.output('readlink', f'{DASHBOARD}/current') == '0123456789abcdef'
    assert ask(panel, '/_next/static/other.js').status == 200
    kept = ask(panel, f'/{script}')
    assert kept.status == 200 and kept.body == files[script] and 'Content-Security-Policy' in kept.headers
    set_up(panel)
    assert panel.output('readlink', f'{DASHBOARD}/current') == '0123456789abcdef', 'a repair changed the build'
    set_up(panel, '--dashboard', '/root/' + build.name)
    assert ask(panel, '/_next/static/other.js').status == 200, 'the build before is gone'
    assert len(panel.output('ls', '-A', DASHBOARD).split()) == 4


@pytest.mark.parametrize('members', [{}, {'BUILD_ID': b'../../../etc\n', 'index.html': b'', '404.html': b''}, {'BUILD_ID': b'0' * 16, 'index.html': b''}, 'link'])
def test_a_file_that_is_no_build_is_refused(panel, lab, members):
    before = panel.output('readlink', f'{DASHBOARD}/current')
    bad, member = lab.directory / 'bad.tar', lab.directory / 'member'
    with tarfile.open(bad, 'w') as tar:
        for name, data in ({'BUILD_ID': b'0' * 16, 'index.html': b'', '404.html': b''} if members == 'link' else members).items():
            member.write_bytes(data)
            tar.add(member, name)
        if members == 'link':
            info = tarfile.TarInfo('passwd')
            info.type, info.linkname = tarfile.SYMTYPE, '/etc/passwd'
            tar.addfile(info)
    panel.put(bad, '/root/bad.tar')
    done = panel.run([SETUP, 'install', '--dashboard', '/root/bad.tar'], via='pid1', timeout=300, check=False)
    assert done.returncode != 0 and 'not a dashboard' in done.stderr
    assert panel.output('readlink', f'{DASHBOARD}/current') == before and not panel.exists(f'{DASHBOARD}/.new')
    assert ask(panel, '/').status == 200


# What every answer carries

@pytest.mark.parametrize('path', ['/', '/login', '/projects/shop', '/projects/', '/nothing', '/_next/static/nothing.js', '/BUILD_ID', '/api/health',
                                  '/api/auth/state', '/api/nothing', '/api/auth/nothing'])
def test_headers(panel, path):
    answer = ask(panel, path)
    for name, value in (('X-Content-Type-Options', 'nosniff'), ('Referrer-Policy', 'strict-origin-when-cross-origin'), ('X-Frame-Options', 'DENY'),
                        ('Cross-Origin-Opener-Policy', 'same-origin')):
        assert answer.headers.get_all(name) == [value], (name, answer.headers.items())
    policies = answer.headers.get_all('Content-Security-Policy')
    assert len(policies) == 1
    policy = dict(part.split(None, 1) for part in policies[0].split('; '))
    assert policy['default-src'] == "'none'" and policy['frame-ancestors'] == "'none'" and policy['base-uri'] == "'none'"
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/]{43}='", policy['script-src'])
    # The certificate is self-signed: with this a browser would let nobody in.
    assert 'Strict-Transport-Security' not in answer.headers
    assert len(answer.headers.get_all('Cache-Control')or ['']) == 1
    assert not re.search(r'\d', answer.headers.get('Server', ''))


def test_the_pages_run_only_scripts_that_the_policy_allows(panel, files):
    import base64
    import hashlib
    allowed = re.search(r"'sha256-([^']+)'", ask(panel, '/').headers['Content-Security-Policy'])[1]
    for name in (n for n in files if n.endswith('.html')):
        for attributes, body in re.findall(r'<script(?![^>]*\ssrc=)([^>]*)>([\s\S]*?)</script>', files[name].decode()):
            if 'type="' not in attributes:
                assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() == allowed, name


# The API

def test_the_agent_hears_the_address_of_who_asks(panel):
    """What the client says of itself does not count: 40 wrong sign-ins under 40 names are those of one address."""
    seen = set()
    for n in range(40):
        answer = ask(panel, '/api/auth/login', method='POST', body={'user': 'nobody', 'password': 'wrong wrong wrong'},
                     headers={'X-Nanoscale-Address': f'203.0.113.{n}', 'X-Forwarded-For': f'203.0.113.{n}', 'Origin': f'https://{panel.address}'})
        seen.add(answer.status)
        if answer.status == 429:
            assert int(answer.headers['Retry-After']) > 0
            break
    assert 429 in seen


def test_bodies_that_are_too_large(panel):
    for path, size in (('/api/projects', 2 * 1024 * 1024 + 1), ('/api/auth/login', 64 * 1024 + 1), ('/projects', 2048)):
        answer = ask(panel, path, method='POST', body=b'x' * size, headers={'Content-Type': 'application/json'})
        assert answer.status == 413, path
        assert 'Content-Security-Policy' in answer.headers
        if path.startswith('/api/'):
            assert answer.json()['type'] == 'too-large'


def test_while_the_agent_is_away_there_is_an_answer_that_programs_read(panel):
    panel.run(['systemctl', 'stop', 'nanoscale-web.socket', 'nanoscale-agent.service'], via='pid1')
    try:
        answer = ask(panel, '/api/health')
        assert (answer.status, answer.json()['type'], answer.headers.get_all('Cache-Control')) == (503, 'unavailable', ['no-store'])
        assert ask(panel, '/').status == 200
    finally:
        panel.run(['systemctl', 'start', 'nanoscale-web.socket', 'nanoscale-agent.service'], via='pid1')
    wait_until(lambda: ask(panel, '/api/health').status == 200, LIMIT, 0.5, 'the API after the agent is back')


# TLS

@pytest.mark.parametrize('version,works', [(ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
def test_versions_of_tls(panel, version, works):
    context = ssl._create_unverified_context()
    context.set_ciphers('ALL:@SECLEVEL=0')  # so that it is not this end that refuses
    context.minimum_version = context.maximum_version = version
    with panel.connect(443, LIMIT) as connection:
        if works:
            with context.wrap_socket(connection) as secure:
                assert secure.version() == {ssl.TLSVersion.TLSv1_2: 'TLSv1.2', ssl.TLSVersion.TLSv1_3: 'TLSv1.3'}[version]
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(connection)


def test_http2_is_spoken(panel):
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(['h2', 'http/1.1'])
    with panel.connect(443, LIMIT) as connection, context.wrap_socket(connection) as secure:
        assert secure.selected_alpn_protocol() == 'h2'


def test_ciphers_without_forward_secrecy_are_refused(panel):
    for ciphers in ('kRSA:@SECLEVEL=0', 'aNULL:@SECLEVEL=0', 'CBC:@SECLEVEL=0', 'SHA1:@SECLEVEL=0'):
        context = ssl._create_unverified_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            continue  # this OpenSSL has none of them to offer
        with panel.connect(443, LIMIT) as connection, pytest.raises((ssl.SSLError, socket.timeout, ConnectionError)):
            context.wrap_socket(connection)


# Who has it not

def test_a_worker_has_none(panel):
    """Last: the node is no orchestrator afterwards."""
    panel.run(['sed', '-i', 's/"orchestrator"/"worker"/', CONFIG])
    panel.write('/opt/nanoscale/config/identity.json', '{}\n', 0o600, 'nanoscale:nanoscale')
    panel.run(['tee', '-a', '/opt/nanoscale/lib/installed'], input=f'orchestrator bare.test 4000 {"0" * 64}\n')
    panel.run([SETUP, 'install'], via='pid1', timeout=300, check=False)
    assert not panel.exists('/etc/nginx/conf.d/nanoscale-dashboard.conf')
    wait_until(lambda: ask(panel, '/').status == 404, LIMIT, 0.5, '404 on 443 of a worker')
    for path in ('/', '/api/health', '/login'):
        answer = ask(panel, path)
        assert answer.status == 404 and 'Content-Security-Policy' not in answer.headers
