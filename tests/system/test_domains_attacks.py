# SPDX-License-Identifier: AGPL-3.0-or-later
"""Attacks on certificates: by names, through certbot's directory, the webroot, the handshake, and as one of the users on the node (docs/design/5-security.md).
What a hostile app in its sandbox sees of all this is in test_attack.py."""
import json

import pytest

from acme import CERTBOT, CERTIFICATES, LIMIT, WEBROOT, Domains, serial
from nodes import run, wait_until

CHALLENGES = f'{WEBROOT}/.well-known/acme-challenge'
NASTY = ['', '.', '..', 'localhost', 'shop', 'SHOP.test', 'Shop.Test', '*.test', '*.shop.test', 'shop.test.', '.shop.test', 'shop..test', '-shop.test', 'shop-.test',
         '--pre-hook=id', '-d.test', '../shop.test', '../../etc/passwd', 'a/../b.test', '/etc/passwd', 'shop.test/..', 'a b.test', 'a,b.test', 'a.test,b.test', 'a.test b.test',
         'a.test\nhost b.test', 'a.test\r\nX: y', 'a.test\tb', 'a.test\u0000b.test', 'a;id.test', '$(id).test', '`id`.test', 'a|id.test', "a'b.test", 'a"b.test', 'a{b}.test',
         'a;}server{listen.test', 'a\\b.test', 'a%2e%2e.test', 'a_b.test', 'käse.test', 'shop.te\u200bst', '127.0.0.1', '10.99.0.1', '::1', '[::1].test', '1.2.3.4.5', 'a.test:80',
         'user@a.test', 'https://a.test', f'{"a" * 64}.test', f'{".".join(["a" * 60] * 5)}.test', 'a.' * 150 + 'test', 'x' * 5000]
ACME = '''use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => "/run/nanoscale/acme.sock") or die "connect: $!\\n";
local $/; print $s scalar <STDIN>; $s->flush; $s->shutdown(1); print scalar <$s>;'''


@pytest.fixture(scope='module')
def site(lab, git, authority):
    site = Domains(lab, git, authority, 'attacks')
    for project in ('calm', 'shop'):
        authority.point(f'{project}.test', site.node.address)
        site.add(project, f'{project}.test')
        site.wait(project, f'{project}.test', 'valid')
    for project in ('calm', 'shop'):
        site.has_https(f'{project}.test', project)
    yield site
    lab.remove(site.node)


def state_of(site):
    """All that a run of certbot, or of anything else, would change."""
    return site.authority.asked(), site.node.output('find', CERTIFICATES, '/opt/nanoscale/data/acme', '-printf', '%p %T@\n'), site.call('GET', '/api/domains').json()


def test_nasty_names_are_refused_before_anything_runs(site):
    before = state_of(site)
    for name in NASTY:
        answer = site.call('POST', '/api/projects/shop/domains', json.dumps({'name': name}))
        if '\0' in name:
            assert answer.status == 400, answer
        else:
            assert answer.status == 422 and answer.json()['field'] == 'name', (name, answer)
    for value in (None, 1, True, [], ['a.test'], {'a.test': 1}):
        assert site.call('POST', '/api/projects/shop/domains', json.dumps({'name': value})).status == 422, value
    for name in ('calm.test', 'calm.apps.test', 'none.apps.test'):
        assert site.call('POST', '/api/projects/shop/domains', json.dumps({'name': name})).status == 409, name
    for path in ('..', '%2e%2e', '../../etc/passwd', '..%2f..%2fetc%2fpasswd', 'calm.test', '%00', 'shop.test%2f..', 'SHOP.TEST'):
        for method, rest in (('GET', ''), ('DELETE', ''), ('POST', '/check'), ('PUT', '/certificate')):
            answer = site.call(method, f'/api/projects/shop/domains/{path}{rest}', '{}' if method in ('POST', 'PUT') else None)
            assert answer.status in (400, 404, 405, 413, 422), (method, path, answer)
    assert state_of(site) == before


def ask(site, text, user='nanoscale'):
    """What nanoscale-acme answers; it serves one at a time, so that one may not be over yet."""
    return wait_until(lambda: site.node.run(['perl', '-e', ACME], input=text, user=user, check=False, timeout=180).stdout, LIMIT, 0.3, 'an answer')


def test_the_program_that_asks_checks_for_itself(site):
    """Even an agent that was taken over gets nothing else run by it, or told to certbot."""
    before = state_of(site)
    rest = f'server {site.authority.directory()}\nchallenge webroot\n'
    texts = [f'host {name}\n{rest}end\n' for name in ('--pre-hook=id', '../x.test', 'a,b.test', 'SHOP.test', '*.test', 'localhost', 'a b.test', '10.0.0.1', '$(id).test')]
    texts += [f'host a.test\n{rest}{line}\nend\n' for line in ('pre_hook id', 'hook /bin/sh', 'email -x@a.test', 'email a b@c.test', 'ca ../../etc/passwd', 'ca -x', 'force 2', 'dry-run 1')]
    texts += [f'host a.test\nserver {server}\nchallenge webroot\nend\n' for server in ('file:///etc/passwd', 'http://acme.test/', 'https://a@b.test/', '--pre-hook=id')]
    texts += [f'host a.test\nserver {site.authority.directory()}\nchallenge hook\nhook {hook}\nend\n' for hook in ('/bin/sh;id', '../bin/sh', '/opt/nanoscale/data/acme/hook', '/tmp/hook')]
    texts += [rest + 'end\n', f'host a.test\n{rest}', '', 'x' * 100_000, ''.join(f'host a{n}.test\n' for n in range(200)) + rest + 'end\n']
    for path in ('/opt/nanoscale/data/acme/hook', '/tmp/hook'):
        site.node.write(path, '#!/bin/sh\nid >/opt/nanoscale/data/acme/ran\n', 0o755, 'nanoscale:nanoscale')
    for text in texts:
        assert ask(site, text).startswith('error '), text[:200]
    site.node.run(['rm', '/opt/nanoscale/data/acme/hook', '/tmp/hook'])
    assert site.authority.asked() == before[0] and not site.node.exists('/opt/nanoscale/data/acme/ran')


def test_nothing_in_certbots_directory_is_run_by_root(site):
    """It belongs to nanoscale, and so whoever takes the agent over can write hooks into it."""
    node, marker = site.node, '/var/tmp/hook-ran'
    node.run(['install', '-d', '-m', '1777', marker])
    hook = f'touch {marker}/$(id -u)'
    script = f'#!/bin/sh\n{hook}\n'
    top = CERTBOT.rsplit('/', 1)[0]
    for kind in ('pre', 'post', 'deploy'):
        node.write(f'{CERTBOT}/renewal-hooks/{kind}/evil', script, 0o755, 'nanoscale:nanoscale')
    for path in (f'{top}/.config/letsencrypt/cli.ini', f'{CERTBOT}/cli.ini'):
        node.write(path, f'pre-hook = {hook}\ndeploy-hook = {hook}\n', 0o644, 'nanoscale:nanoscale')
    conf = f'{CERTBOT}/renewal/shop.test.conf'
    node.run(['sed', '-i', rf's|^\[renewalparams\]$|[renewalparams]\npre_hook = {hook}\nrenew_hook = {hook}|', conf])
    assert 'pre_hook' in node.read(conf)
    before = site.served('shop.test')
    site.check('shop', 'shop.test', force=True)
    wait_until(lambda: site.served('shop.test') not in ('', before), LIMIT, 0.3, 'a new certificate')
    # Debian's own renewal, which root runs twice a day.
    assert node.output('systemctl', 'is-enabled', 'certbot.timer', check=False) == 'masked'
    assert not node.run(['systemctl', 'start', 'certbot.timer'], check=False).ok
    node.run(['systemctl', 'start', 'certbot.service'], check=False, timeout=LIMIT)
    ran = node.output('ls', marker).split()
    assert ran in ([], [node.output('id', '-u', 'nanoscale')]), 'as the agent itself at most'
    assert node.output('find', CERTBOT, CERTIFICATES, '(', '-user', 'root', '-o', '-group', 'root', ')') == ''
    assert all(node.output('systemctl', 'show', '-p', name, '--value', 'nanoscale-acme@x.service') == value for name, value in
               (('User', 'nanoscale'), ('NoNewPrivileges', 'yes'), ('CapabilityBoundingSet', ''), ('PrivateUsers', 'yes')))
    node.run(['rm', '-r', f'{CERTBOT}/renewal-hooks', f'{CERTBOT}/cli.ini', f'{top}/.config', marker])


def test_a_link_in_the_webroot_leads_nowhere(site):
    node = site.node
    node.run(['bash', '-ec', f'mkdir -p {CHALLENGES}; cd {CHALLENGES}; echo answer >token; ln -s /etc/passwd link; ln -s /etc etc; ln -s token same; ln {CHALLENGES}/token hard;'
                             f'ln -s {CERTIFICATES}/shop.test.pem key; ln -s /opt/nanoscale all'], user='nanoscale')
    for host in ('shop.test', 'unknown.test', 'shop.apps.test'):
        base = f'http://{host}/.well-known/acme-challenge'
        assert node.fetch(f'{base}/token').text == 'answer\n', host
        for path in ('link', 'etc/passwd', 'same', 'key', 'all/config/config.json', '..%2f..%2f..%2f..%2fconfig/config.json', '%2e%2e/%2e%2e/%2e%2e/config/config.json', ''):
            assert node.fetch(f'{base}/{path}').status in (400, 403, 404), (host, path)
        answer = node.fetch(f'{base}/token')
        assert answer.headers['Content-Type'].partition(';')[0] == 'text/plain' and answer.status == 200
    # The directory itself as a link.
    node.run(['bash', '-ec', f'mv {WEBROOT}/.well-known {WEBROOT}/kept; ln -s / {WEBROOT}/.well-known'], user='nanoscale')
    assert node.fetch('http://shop.test/.well-known/acme-challenge/token').status in (403, 404)
    assert node.fetch('http://shop.test/.well-known/etc/passwd').status in (301, 404)
    node.run(['rm', '-r', f'{WEBROOT}/.well-known', f'{WEBROOT}/kept'])
    # Something of root's in its way would break all that comes: the program makes its own directories, and has them.
    before = site.served('shop.test')
    site.check('shop', 'shop.test', force=True)
    wait_until(lambda: site.served('shop.test') not in ('', before), LIMIT, 0.3, 'a new certificate')


def shown_to(site, name):
    """Numbers of the certificates that come after a handshake with these bytes as its name, as openssl sends them: unchecked."""
    result = site.node.run(['openssl', 's_client', '-connect', '127.0.0.1:443', '-servername', name], input='', check=False, timeout=120)
    if '-----BEGIN CERTIFICATE' not in result.stdout:
        return ''
    return serial(run(['openssl', 'x509', '-outform', 'DER'], input=result.stdout, binary=True).stdout)


def test_names_of_a_handshake_lead_to_no_other_file(site):
    """A certificate lies beside the directory, and below it, where a name with slashes or dots would find it."""
    node, cache = site.node, site.lab.cache
    directory = node.directory / 'evil'
    directory.mkdir()
    cache.sign(directory, 'evil.test')
    pem = (directory / 'evil.test.key').read_text() + (directory / 'evil.test.pem').read_text()
    evil = serial(run(['openssl', 'x509', '-in', directory / 'evil.test.pem', '-outform', 'DER'], binary=True).stdout)
    node.run(['install', '-d', f'{CERTIFICATES}/sub'])
    for path in ('/opt/nanoscale/evil.pem', f'{CERTIFICATES}/sub/evil.pem', f'{CERTIFICATES}/evil.pem', f'{CERTIFICATES}/..pem', '/opt/nanoscale/evil.test.pem'):
        node.write(path, pem, 0o644)
    others = {site.served('calm.test'), evil, ''} - {''}
    for name in ('../evil', '../evil.test', 'sub/evil', './evil', 'evil', '.', '..', '/opt/nanoscale/evil', '..%2fevil', 'shop.test/../evil', 'shop.test/../../evil', '../certificates/calm.test',
                 'shop.test\\..\\evil', 'a' * 255, 'a.' * 120 + 'test', 'shop.test\n', 'shop.test.', ' shop.test', '$ssl_server_name', 'x;y.test'):
        assert shown_to(site, name) not in others, name
    assert shown_to(site, 'SHOP.TEST') in ('', site.served('shop.test')) and shown_to(site, 'shop.test') == site.served('shop.test')
    assert node.fetch('https://shop.test/', ca=site.root).text == 'shop'
    node.run(['rm', '-r', '/opt/nanoscale/evil.pem', '/opt/nanoscale/evil.test.pem', *(f'{CERTIFICATES}/{name}' for name in ('sub', 'evil.pem', '..pem'))])


def test_users_of_the_node_and_what_is_theirs(site):
    """nginx's workers read, the agent writes, and nobody else has anything to do with keys, gates and challenges."""
    node = site.node
    project = site.call('PATCH', '/api/projects/calm', {'gate': {'user': 'visitor', 'password': 'correct horse'}}).json()
    gate = f'/opt/nanoscale/gates/{project["id"]}'
    wait_until(lambda: node.exists(gate), what='the gate')
    pem, live = f'{CERTIFICATES}/shop.test.pem', f'{CERTBOT}/live/shop.test/privkey.pem'
    modes = {path: node.owner_and_mode(path) for path in (CERTIFICATES, pem, WEBROOT, gate)}
    assert modes == {CERTIFICATES: 'nanoscale:www-data 2750', pem: 'nanoscale:www-data 0640', WEBROOT: 'nanoscale:www-data 2750', gate: 'nanoscale:www-data 0640'}
    assert 'correct horse' not in node.read(gate)

    def may(user, *argv):
        return node.run(list(argv), user=user, check=False).ok
    assert may('www-data', 'cat', pem) and may('www-data', 'cat', gate) and may('nanoscale', 'cat', live)
    assert not may('www-data', 'cat', live)
    for path in (CERTIFICATES, WEBROOT, '/opt/nanoscale/gates', '/opt/nanoscale/data/acme'):
        for user in ('www-data', 'nobody', f'nanoscale-{project["id"]}'):
            assert not may(user, 'touch', f'{path}/new'), (user, path)
    for user in ('nobody', f'nanoscale-{project["id"]}'):
        for path in (pem, gate, live):
            assert not may(user, 'cat', path) and not may(user, 'ls', path), (user, path)
    assert not may('www-data', 'tee', pem) and not may('www-data', 'rm', pem) and not may('www-data', 'chmod', '0644', pem)
    assert site.call('PATCH', '/api/projects/calm', {'gate': None}).status == 200
    wait_until(lambda: not node.exists(gate), what='no gate')
    assert 'PRIVATE KEY' not in node.journal_text() and 'PRIVATE KEY' not in node.journal_text(namespace='nanoscale')
