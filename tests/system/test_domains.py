# SPDX-License-Identifier: AGPL-3.0-or-later
"""Domains from adding one to its removal, with certificates from an authority (acme.py), as who visits the sites sees it. What goes wrong is in
test_domains_failures.py. `calm` is the other site: it is visited all the while, and must not notice anything."""
import base64
import contextlib
import ssl
import time

import pytest

from acme import CERTBOT, CERTIFICATES, LIMIT, Domains, Visitors, context, handshake, serial
from cluster import database
from nodes import run, say, wait_until

RENEWALS = 10
# What is taken for an ECDSA certificate, as they all are.
CIPHERS = {'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'}


@pytest.fixture(scope='module')
def site(lab, git, authority):
    site = Domains(lab, git, authority, 'domains', brief=True)
    for name in ('calm.test', 'brief.test', 'shop.test', 'www.shop.test', 'own.test'):
        authority.point(name, site.node.address)
    # Its certificate is due soon; by then the authority is the other one.
    site.add('calm', 'brief.test')
    site.wait('calm', 'brief.test', 'valid')
    site.has_https('brief.test', 'calm', authority.root(brief=True))
    site.brief = site.served('brief.test')
    site.settings(authority.settings())
    site.add('calm', 'calm.test')
    site.wait('calm', 'calm.test', 'valid')
    site.has_https('calm.test', 'calm')
    with Visitors(site.node, {'http://calm.apps.test/': 'calm', 'https://calm.test/': 'calm'}, site.root) as site.visitors:
        yield site
    lab.remove(site.node)


def get(site, url, ca='root', **options):
    return site.node.fetch(url, ca=site.root if ca == 'root' else ca, timeout=120, **options)


def wait_get(site, url, status=200, **options):
    """While nginx is reloaded, a worker of before may still answer after one of the new ones has."""
    return wait_until(lambda: (answer := get(site, url, **options)).status == status and answer, 60, 0.1, f'{status} from {url}')


def protect(site, **settings):
    answer = site.call('PATCH', '/api/projects/shop', settings)
    assert answer.status == 200, answer
    return answer.json()


def test_a_domain_gets_https(site):
    begin = time.monotonic()
    assert site.add('shop', 'shop.test')['state'] in ('waiting', 'issuing')
    answer = wait_until(lambda: (a := get(site, 'https://shop.test/')).status == 200 and a, LIMIT, 0.05, 'https://shop.test/')
    say(f'from adding a domain to HTTPS: {time.monotonic() - begin:.1f} s')
    assert answer.text == 'shop' and 'Strict-Transport-Security' not in answer.headers
    found = site.wait('shop', 'shop.test', 'valid')
    assert found['primary'] and not found['problem'] and not found['ends_soon'] and found['source'] == 'acme'
    assert site.call('GET', '/api/projects/shop').json()['url'] == 'https://shop.test'
    answer = wait_get(site, 'http://shop.test/a?b=c', 301, ca=None)
    assert answer.headers['Location'] == 'https://shop.test/a?b=c'
    assert site.node.owner_and_mode(f'{CERTIFICATES}/shop.test.pem') == 'nanoscale:www-data 0640'
    assert get(site, 'http://shop.apps.test/', ca=None).text == 'shop', 'its first name is still there'


def test_renewals_are_not_noticed(site):
    """The certificate is changed ten times while the site is visited; every answer is right, every handshake is verified, and each certificate is seen."""
    with Visitors(site.node, {'https://shop.test/': 'shop'}, site.root, threads=3) as visitors:
        for _ in range(RENEWALS):
            before = site.served('shop.test')
            site.check('shop', 'shop.test', force=True)
            wait_until(lambda before=before: site.served('shop.test') not in ('', before), LIMIT, 0.2, 'a new certificate')
            wait_until(lambda: visitors.serials[-1] == site.stored('shop.test'), LIMIT, 0.1, 'a visitor who sees it')
    say(f'{RENEWALS} renewals, {visitors.count} requests, {len(visitors.failures)} failed')
    assert not visitors.failures
    assert len(visitors.serials) == RENEWALS + 1 and visitors.count > RENEWALS
    assert not site.wait('shop', 'shop.test', 'valid')['problem']


def test_a_certificate_is_renewed_when_it_is_due(site):
    """Nobody asks for it; the new one is of the authority that is set now."""
    found = wait_until(lambda: (n := site.served('brief.test')) not in ('', site.brief) and n, LIMIT, 0.5, 'a renewed certificate')
    assert found == site.stored('brief.test')
    assert get(site, 'https://brief.test/').text == 'calm'
    assert not site.wait('calm', 'brief.test', 'valid')['ends_soon']


def test_www_leads_to_the_domain(site):
    answer = site.call('POST', '/api/projects/shop/domains', {'name': 'www.shop.test', 'redirect_to': 'none.test'})
    assert answer.status == 422 and answer.json()['field'] == 'redirect_to', answer
    site.add('shop', 'www.shop.test', redirect_to='shop.test')
    site.wait('shop', 'www.shop.test', 'valid')
    for scheme in ('http', 'https'):
        answer = wait_get(site, f'{scheme}://www.shop.test/a?b=c', 301)
        assert answer.headers['Location'] in ('https://shop.test/a?b=c', f'{scheme}://shop.test/a?b=c')
    # An authority is not sent on.
    assert get(site, 'http://www.shop.test/.well-known/acme-challenge/none', ca=None).status == 404


def test_hsts_is_a_choice(site):
    site.change('shop', 'shop.test', hsts=True)
    wait_until(lambda: get(site, 'https://shop.test/').headers['Strict-Transport-Security'] == 'max-age=31536000', 60, 0.1, 'the header field')
    assert 'Strict-Transport-Security' not in get(site, 'http://shop.test/', ca=None).headers
    assert 'Strict-Transport-Security' not in get(site, 'https://calm.test/').headers
    site.change('shop', 'shop.test', hsts=False)
    wait_until(lambda: 'Strict-Transport-Security' not in get(site, 'https://shop.test/').headers, 60, 0.1, 'no header field')


def test_unknown_names_learn_nothing(site):
    for url, status in (('http://unknown.test/', 404), ('https://unknown.test/', 404), (f'https://{site.node.address}/', 200), (f'http://{site.node.address}/', 301)):
        answer = get(site, url, ca=None)  # its address has the dashboard
        assert answer.status == status and 'shop' not in str(answer.headers) + answer.text, url
    shown = handshake(site.node, 'unknown.test')
    text = run(['openssl', 'x509', '-inform', 'DER', '-noout', '-text'], input=shown, binary=True).stdout
    assert b'shop' not in text and b'calm' not in text and serial(shown) not in (site.served('shop.test'), site.served('calm.test'))


def test_one_name_is_not_asked_under_another(site):
    """What came over shop.test's handshake is no request to calm.test: 421, and a browser opens a connection of its own."""
    for shown, asked in (('shop.test', 'calm.test'), ('calm.test', 'shop.test'), ('unknown.test', 'shop.test')):
        with context().wrap_socket(site.node.connect(443, 120), server_hostname=shown) as connection:
            connection.sendall(f'GET / HTTP/1.1\r\nHost: {asked}\r\nConnection: close\r\n\r\n'.encode())
            assert connection.recv(12) == b'HTTP/1.1 421', (shown, asked)


def agreed(site, least, most, ciphers):
    """(version, cipher, session ticket) of a handshake with shop.test; None when there is none."""
    c = context(site.root)
    c.set_ciphers(ciphers)
    c.minimum_version, c.maximum_version = least, most
    try:
        with c.wrap_socket(site.node.connect(443, 120), server_hostname='shop.test') as connection:
            return connection.version(), connection.cipher()[0], connection.session.has_ticket
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_scan_of_what_tls_it_speaks(site):
    v = ssl.TLSVersion
    for old in (v.TLSv1, v.TLSv1_1):
        assert agreed(site, old, old, 'ALL:@SECLEVEL=0') is None, old
    names = {c['name'] for c in _all_ciphers() if c['protocol'] != 'TLSv1.3'}
    assert len(names) > 30 and CIPHERS < names
    found = {name: agreed(site, v.TLSv1_2, v.TLSv1_2, f'{name}:@SECLEVEL=0') for name in names}
    assert {name for name, how in found.items() if how} == CIPHERS
    assert all(how == ('TLSv1.2', name, False) for name, how in found.items() if how), found
    assert agreed(site, v.TLSv1_3, v.TLSv1_3, 'DEFAULT')[0] == 'TLSv1.3'
    c = context(site.root)
    c.set_alpn_protocols(['h2', 'http/1.1'])
    with c.wrap_socket(site.node.connect(443, 120), server_hostname='shop.test') as connection:
        assert connection.selected_alpn_protocol() == 'h2' and connection.compression() is None
        chain = connection.getpeercert()
    assert chain['subjectAltName'] == (('DNS', 'shop.test'),)


def _all_ciphers():
    c = context()
    c.set_ciphers('ALL:COMPLEMENTOFALL:@SECLEVEL=0')
    return c.get_ciphers()


def warned(site):
    """Sentences of the node's warnings on certificates of domains."""
    server, = site.call('GET', '/api/servers').json()['servers']
    return [w['sentence'] for w in server['warnings'] if w['type'] == 'domain-certificate-expires']


def test_a_certificate_of_ones_own(site, tmp_path):
    cache = site.lab.cache
    cache.sign(tmp_path, 'own.test')
    cache.sign(tmp_path, 'other.test')
    for name, days in (('expired', -1), ('soon', 10)):
        (tmp_path / name).mkdir()
        cache.sign(tmp_path / name, 'own.test', days=days)
    # A chain whose second certificate did not sign the first.
    (tmp_path / 'broken.pem').write_text((tmp_path / 'own.test.pem').read_text() + (tmp_path / 'other.test.pem').read_text())
    site.add('shop', 'own.test')
    site.wait('shop', 'own.test', 'valid')
    asked, before = site.authority.asked(), site.served('own.test')

    def put(chain, key):
        body = {'chain': (tmp_path / chain).read_text(), 'key': (tmp_path / key).read_text()}
        return site.call('PUT', '/api/projects/shop/domains/own.test/certificate', body)
    for chain, key, field, sentence in (('own.test.pem', 'other.test.key', 'key', 'not that of the first certificate'),
                                        ('other.test.pem', 'other.test.key', 'chain', 'not for this domain'),
                                        ('expired/own.test.pem', 'expired/own.test.key', 'chain', 'has expired'),
                                        ('broken.pem', 'own.test.key', 'chain', 'out of order'),
                                        ('own.test.key', 'own.test.key', 'chain', 'no certificate'),
                                        ('own.test.pem', 'own.test.pem', 'key', 'no private key')):
        answer = put(chain, key)
        assert (answer.status, answer.json()['field']) == (422, field) and sentence in answer.json()['detail'], (chain, key, answer)
        assert (tmp_path / key).read_text().splitlines()[1] not in answer.text
    assert site.served('own.test') == before
    answer = put('own.test.pem', 'own.test.key')
    assert answer.status == 200 and answer.json()['source'] == 'own', answer
    wait_until(lambda: get(site, 'https://own.test/', ca=site.authority.ca).text == 'shop', 60, 0.1, 'the certificate that was brought')
    assert site.stored('own.test') == site.served('own.test') != before
    assert site.authority.asked() == asked, 'nobody was asked for it'
    assert warned(site) == []
    assert put('soon/own.test.pem', 'soon/own.test.key').json()['ends_soon']
    assert ['own.test' in sentence for sentence in warned(site)] == [True]
    assert put('own.test.pem', 'own.test.key').status == 200 and warned(site) == []
    key = (tmp_path / 'own.test.key').read_text().splitlines()[1]
    assert key not in site.node.journal_text() and key not in site.call('GET', '/api/projects/shop/domains/own.test').text


def test_protections(site):
    protect(site, gate={'user': 'visitor', 'password': 'correct horse'})
    answer = wait_get(site, 'https://shop.test/', 401)
    assert 'correct horse' not in site.call('GET', '/api/projects/shop').text
    for secret, status in (('visitor:correct horse', 200), ('visitor:wrong horse', 401), ('other:correct horse', 401)):
        headers = {'Authorization': 'Basic ' + base64.b64encode(secret.encode()).decode()}
        wait_get(site, 'https://shop.test/', status, headers=headers)
    # A challenge has no password, and http is sent on without one.
    assert get(site, 'http://shop.test/.well-known/acme-challenge/none', ca=None).status == 404
    protect(site, gate=None, allow=['203.0.113.0/24'])
    wait_get(site, 'https://shop.test/', 403)
    protect(site, allow=['203.0.113.0/24', f'{site.lab.subnet}.0/24'])
    wait_get(site, 'https://shop.test/')
    protect(site, allow=[], maintenance=True)
    answer = wait_get(site, 'https://shop.test/', 503)
    assert 'maintenance' in answer.text and answer.headers['Retry-After']
    protect(site, maintenance=False, security_headers=True)
    answer = wait_get(site, 'https://shop.test/')
    wait_until(lambda: get(site, 'https://shop.test/').headers['X-Frame-Options'] == 'SAMEORIGIN', 60, 0.1, 'the header fields')
    assert get(site, 'https://shop.test/').headers['X-Content-Type-Options'] == 'nosniff'
    protect(site, security_headers=False, rate=1)
    wait_until(lambda: 429 in [get(site, 'https://shop.test/').status for _ in range(10)], 120, 0.1, 'the limit')
    protect(site, rate=0)
    wait_until(lambda: [get(site, 'https://shop.test/').status for _ in range(10)] == [200] * 10, 60, 0.1, 'no limit')


def test_nothing_is_left_of_a_domain_that_is_removed(site):
    answer = site.call('DELETE', '/api/projects/shop/domains/shop.test')
    assert answer.status == 409, 'www.shop.test leads there'
    for name in ('www.shop.test', 'shop.test'):
        answer = site.call('DELETE', f'/api/projects/shop/domains/{name}')
        assert answer.status == 204, answer
        wait_get(site, f'https://{name}/', 404, ca=None)
        wait_get(site, f'http://{name}/', 404, ca=None)
    answer = site.call('DELETE', '/api/projects/shop')
    assert answer.status in (202, 204), answer
    wait_get(site, 'https://own.test/', 404, ca=None)
    wait_until(lambda: site.node.output('find', CERTIFICATES, CERTBOT, '(', '-name', '*shop.test*', '-o', '-name', '*own.test*', ')') == '', LIMIT, 0.5, 'no files')
    assert [d['name'] for d in site.call('GET', '/api/domains').json()['domains']] == ['brief.test', 'calm.test']
    assert site.node.run(['nginx', '-t'], check=False).ok


def test_the_other_site_was_there_throughout(site):
    assert not site.visitors.failures and site.visitors.count > 100
    assert site.visitors.serials == [site.served('calm.test')]


# --- names of the server itself; after the visitors, whose http://calm.apps.test/ leads to https from here on --------------------------------------

# Puts and takes the record away where the authority looks, as one of a DNS provider does.
HOOK = r'''#!/bin/bash
set -eu
verb=set-txt
[ -z "${CERTBOT_AUTH_OUTPUT+x}" ] || verb=clear-txt
body="{\"host\":\"_acme-challenge.$CERTBOT_DOMAIN.\",\"value\":\"$CERTBOT_VALIDATION\"}"
exec 3<>/dev/tcp/acme.test/8055
printf 'POST /%s HTTP/1.0\r\nHost: acme.test\r\nContent-Length: %d\r\n\r\n%s' "$verb" "${#body}" "$body" >&3
read -r line <&3
[[ $line == *' 200 '* ]]
'''


def with_hook(site):
    site.settings({'acme': {**site.authority.settings()['acme'], 'hook': '/usr/local/bin/dns-hook'}})


def own_name(site, name):
    found = [d for d in site.call('GET', '/api/domains').json()['domains'] if d['name'] == name]
    assert not found or found[0]['project'] is None
    return found[0] if found else None


def wait_own(site, name, state):
    def look():
        found = own_name(site, name)
        return found if found and found['state'] == state else None
    return wait_until(look, LIMIT, 0.3, f'{name} {state}')


def nginx_workers(site):
    return site.node.output('sh', '-c', 'grep -lsa "[n]ginx: worker" /proc/[0-9]*/cmdline')


def forget_wildcard(site):
    """certbot's part of it, so that the next one is another one."""
    site.node.run(['rm', '-rf', f'{CERTBOT}/live/_.apps.test', f'{CERTBOT}/renewal/_.apps.test.conf', f'{CERTBOT}/archive/_.apps.test'])


def test_one_certificate_for_all_apps(site):
    assert own_name(site, '*.apps.test') is None
    site.node.write('/usr/local/bin/dns-hook', HOOK, 0o755)
    with_hook(site)
    found = wait_own(site, '*.apps.test', 'valid')
    assert found['not_after'] and not found['problem'] and found['source'] == 'acme'
    site.has_https('calm.apps.test', 'calm')
    assert wait_get(site, 'http://calm.apps.test/x', 301, ca=None).headers['Location'] == 'https://calm.apps.test/x'
    assert site.call('GET', '/api/projects/calm').json()['url'] == 'https://brief.test', 'its domain is what it shows'
    # What comes later has it at once; a name that no project has is nobody's.
    site.node.write('/etc/resolv.conf', 'nameserver 192.0.2.1\n')
    site.git.create_repo('domains-late', {'index.html': 'late'})
    site.node.run(['nanoscale', 'deploy', site.git.url('domains-late'), '--name', 'late'], timeout=600)
    site.node.write('/etc/resolv.conf', f'nameserver {site.authority.node.address}\n')
    site.has_https('late.apps.test', 'late')
    assert site.call('GET', '/api/projects/late').json()['url'] == 'https://late.apps.test'
    assert site.served('late.apps.test') == site.served('calm.apps.test')
    assert get(site, 'https://none.apps.test/', ca=None).status == 404
    assert '*.apps.test' in site.node.run(['nanoscale', 'domains', 'list'], timeout=60).stdout


def test_a_name_with_a_certificate_of_its_own_falls_back_to_that_one(site):
    wildcard = site.served('late.apps.test')
    site.authority.point('late.apps.test', site.node.address)
    site.add('late', 'late.apps.test')
    site.wait('late', 'late.apps.test', 'valid')
    wait_until(lambda: site.served('late.apps.test') not in ('', wildcard), LIMIT, 0.3, 'its own certificate')
    # Its address is somebody else's as soon as it has another name.
    refused = site.call('PATCH', '/api/projects/late', {'name': 'later'})
    assert refused.status == 409 and refused.json()['field'] == 'name'
    assert site.call('DELETE', '/api/projects/late/domains/late.apps.test').status == 204
    wait_until(lambda: site.served('late.apps.test') == wildcard, LIMIT, 0.3, 'the one for all')
    site.has_https('late.apps.test', 'late')


def test_another_name_has_https_at_once(site):
    assert site.call('PATCH', '/api/projects/late', {'name': 'panel'}).json()['url'] == 'https://panel.apps.test'
    site.has_https('panel.apps.test', 'late')
    wait_until(lambda: not site.node.exists(f'{CERTIFICATES}/late.apps.test.pem'), LIMIT, 0.3, 'the end of its old certificate')
    assert site.call('PATCH', '/api/projects/panel', {'name': 'late'}).status == 200
    site.has_https('late.apps.test', 'late')


def test_a_renewed_wildcard_is_served_without_a_reload(site):
    before, workers = site.served('calm.apps.test'), nginx_workers(site)
    forget_wildcard(site)
    with contextlib.closing(database(site.node)) as db:
        db.execute("UPDATE domains SET next_try_ms = 0 WHERE name = '*.apps.test'")
        db.commit()
    with_hook(site)
    wait_until(lambda: site.served('calm.apps.test') not in ('', before), LIMIT, 0.3, 'the new certificate')
    assert nginx_workers(site) == workers
    site.has_https('late.apps.test', 'late')


def test_a_hook_that_others_can_write_to_is_not_run(site):
    site.node.run(['chown', 'nanoscale', '/usr/local/bin/dns-hook'])
    site.node.run(['rm', f'{CERTIFICATES}/_.apps.test.pem'])
    forget_wildcard(site)
    with_hook(site)
    found = wait_own(site, '*.apps.test', 'failed')
    assert 'root alone' in found['problem']['sentence']
    # The apps are where they were, over http.
    wait_get(site, 'http://calm.apps.test/', ca=None)


def test_the_dashboard_has_a_domain(site):
    """From the settings to a certificate of the authority; a project's domain stays as it is."""
    site.authority.point('panel.test', site.node.address)
    site.settings({'dashboard': {'domain': 'panel.test'}, **site.authority.settings()})
    site.node.run(['/opt/nanoscale/lib/setup', 'install'], via='pid1', timeout=300)
    wait_own(site, 'panel.test', 'valid')
    answer = wait_until(lambda: site.node.fetch('https://panel.test/api/health', ca=site.root), LIMIT, 0.3, 'the dashboard')
    assert answer.status == 200
    assert get(site, 'https://calm.test/').text == 'calm'
    assert wait_get(site, 'http://panel.test/', 301, ca=None).headers['Location'] == 'https://panel.test/'
    # Under the server's address it is still there, with the certificate of before.
    assert site.node.fetch(f'https://{site.node.address}/api/health').status == 200
    answer = site.call('POST', '/api/projects/calm/domains', {'name': 'panel.test'})
    assert answer.status == 409 and 'server itself' in answer.json()['detail']
    assert 'https://panel.test/setup' in site.node.run(['nanoscale', 'claim'], timeout=60).stdout
