# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes wrong with one domain: DNS, the challenge, the authority's limits and absence, a lost file, a full disk. Each is told in words, harms no other
site (`calm` is visited all the while), and ends when its cause does."""
import datetime

import pytest

from acme import CERTBOT, CERTIFICATES, LIMIT, Domains, Visitors
from nodes import wait_until

SITES = {'http://calm.apps.test/': 'calm', 'https://calm.test/': 'calm'}


@pytest.fixture(scope='module')
def site(lab, git, authority):
    site = Domains(lab, git, authority, 'failures')
    for name in ('calm.test', 'steady.test'):
        authority.point(name, site.node.address)
        site.add('calm' if name == 'calm.test' else 'shop', name)
    site.wait('calm', 'calm.test', 'valid')
    site.wait('shop', 'steady.test', 'valid')
    site.has_https('calm.test', 'calm')
    site.has_https('steady.test')
    with Visitors(site.node, SITES, site.root) as site.visitors:
        yield site
    lab.remove(site.node)


@pytest.fixture(autouse=True)
def nothing_else_is_harmed(site):
    asked = site.visitors.count
    yield
    wait_until(lambda: site.visitors.count > asked + len(SITES), what='a visitor')
    assert not site.visitors.failures


def again_in(found):
    """Hours until it is tried again; 0 while it is."""
    if not found['next_try']:
        return 0
    then = datetime.datetime.fromisoformat(found['next_try'].replace('Z', '+00:00'))
    return (then - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 3600


@pytest.mark.parametrize('kind', ['none', 'elsewhere', 'also-elsewhere', 'broken'])
def test_nothing_is_asked_while_dns_is_wrong(site, kind):
    name, own = f'{kind}.test', site.node.address
    if kind == 'broken':
        site.authority.break_name(name)
    else:
        site.authority.point(name, *{'none': [], 'elsewhere': ['203.0.113.9'], 'also-elsewhere': [own, '203.0.113.9']}[kind])
    asked = site.authority.asked()
    site.add('shop', name)
    found = site.wait('shop', name, 'waiting', 'dns')
    sentence = found['problem']['sentence']
    assert name in sentence and own in sentence and ('203.0.113.9' in sentence) == ('elsewhere' in kind), sentence
    assert again_in(found) < 1
    assert site.authority.asked() == asked
    assert site.node.wait_fetch(f'http://{name}/').text == 'shop', 'without a certificate it is there by http'
    site.authority.point(name, own)
    site.check('shop', name)
    site.wait('shop', name, 'valid')
    site.has_https(name)


def test_a_challenge_that_fails(site):
    """The authority sees another address than this node does, where nobody answers."""
    site.authority.point('split.test', site.node.address)
    site.authority.point('split.test', site.authority.node.address, views=['authority'])
    site.add('shop', 'split.test')
    found = site.wait('shop', 'split.test', 'failed', 'challenge')
    assert found['problem']['sentence'].startswith('split.test: ') and 'acme-challenge' in found['problem']['sentence'], found
    assert 0.5 < again_in(found) <= 1
    site.authority.point('split.test', site.node.address)
    site.check('shop', 'split.test')
    site.wait('shop', 'split.test', 'valid')
    site.has_https('split.test')


def test_the_authority_has_a_limit(site):
    site.authority.point('many.test', site.node.address)
    site.authority.point('late.test')
    site.add('shop', 'late.test')
    site.wait('shop', 'late.test', 'waiting', 'dns')
    site.authority.limit(True)
    try:
        site.add('shop', 'many.test')
        found = site.wait('shop', 'many.test', 'failed', 'rate-limit')
        assert 'too many certificates' in found['problem']['sentence'] and 23 < again_in(found) <= 24, found
        # The limit is the account's: others wait as well, and none is asked for.
        site.authority.point('late.test', site.node.address)
        late = site.show('shop', 'late.test')
        assert late['problem']['type'] == 'rate-limit' and again_in(late) > 23, late
        # What is good stays so.
        site.check('shop', 'steady.test', force=True)
        steady = site.wait('shop', 'steady.test', 'valid', 'rate-limit')
        assert again_in(steady) > 23
        site.has_https('steady.test')
    finally:
        site.authority.limit(False)
    for name in ('many.test', 'late.test', 'steady.test'):
        site.check('shop', name)
        site.wait('shop', name, 'valid')
        site.has_https(name)


def test_the_authority_is_away(site):
    site.authority.point('away.test', site.node.address)
    before = site.served('steady.test')
    site.authority.down()
    try:
        site.add('shop', 'away.test')
        found = site.wait('shop', 'away.test', 'failed', 'unreachable')
        assert found['problem']['sentence'] and 0.5 < again_in(found) <= 1, found
        # The second time it waits for longer, and so on to a day.
        site.check('shop', 'away.test')
        wait_until(lambda: again_in(site.show('shop', 'away.test')) > 1.5, LIMIT, 0.5, 'a longer wait')
        site.check('shop', 'steady.test', force=True)
        site.wait('shop', 'steady.test', 'valid', 'unreachable')
        assert site.served('steady.test') == before
    finally:
        site.authority.up()
    for name in ('away.test', 'steady.test'):
        site.check('shop', name, force=True)
        site.wait('shop', name, 'valid')
        site.has_https(name)
    wait_until(lambda: site.served('steady.test') not in ('', before), LIMIT, 0.2, 'another certificate')
    settle(site)


def settle(site):
    """Waits until nothing is being done: valid domains show no sign of a renewal under way."""
    wait_until(lambda: all(d['next_try'] and again_in(d) > 0 for d in site.call('GET', '/api/domains').json()['domains'] if d['state'] == 'valid'), LIMIT, 0.2, 'an idle agent')


def restart(site):
    site.node.run(['systemctl', 'restart', 'nanoscale-agent.service'])
    wait_until(lambda: site.call('GET', '/api/health').status == 200, what='the agent')


@pytest.mark.parametrize('how', [['rm'], ['truncate', '-s', '100']])
def test_a_lost_or_damaged_file_comes_back(site, how):
    """From what certbot has kept, without a word to the authority."""
    number, asked = site.stored('steady.test'), site.authority.asked()
    assert number
    site.node.run([*how, f'{CERTIFICATES}/steady.test.pem'])
    assert site.served('steady.test') == ''
    restart(site)
    wait_until(lambda: site.served('steady.test') == number, LIMIT, 0.2, 'the same certificate')
    site.has_https('steady.test')
    assert site.authority.asked() == asked


def test_without_certbots_copy_a_new_one_is_asked_for(site):
    number = site.stored('steady.test')
    site.node.run(['rm', '-r', f'{CERTIFICATES}/steady.test.pem', *(f'{CERTBOT}/{d}/steady.test' for d in ('live', 'archive')), f'{CERTBOT}/renewal/steady.test.conf'])
    restart(site)
    wait_until(lambda: site.served('steady.test') not in ('', number), LIMIT, 0.5, 'another certificate')
    site.has_https('steady.test')


def test_an_agent_that_is_ended_while_it_asks_goes_on(site):
    site.authority.point('ended.test', site.node.address)
    site.add('shop', 'ended.test')
    site.wait('shop', 'ended.test', 'issuing')
    site.node.run(['systemctl', 'kill', '--signal=KILL', 'nanoscale-agent.service'])
    wait_until(lambda: site.call('GET', '/api/health').status == 200, what='the agent')
    site.wait('shop', 'ended.test', 'valid')
    site.has_https('ended.test')


def test_the_disk_of_the_certificates_is_full(site):
    node = site.node
    node.run(['bash', '-ec', f'cp -a {CERTIFICATES} /root/kept; mount -t tmpfs -o size=256k none {CERTIFICATES}; cp -a /root/kept/. {CERTIFICATES}'])
    assert node.owner_and_mode(CERTIFICATES) == 'nanoscale:www-data 2750'
    node.run(['dd', 'if=/dev/zero', f'of={CERTIFICATES}/filler', 'bs=4k'], check=False)
    restart(site)
    site.authority.point('full.test', node.address)
    site.add('shop', 'full.test')
    found = site.wait('shop', 'full.test', 'failed', 'disk')
    assert CERTIFICATES in found['problem']['sentence'] and 'No space left' in found['problem']['sentence'], found
    before = site.served('steady.test')
    site.check('shop', 'steady.test', force=True)
    site.wait('shop', 'steady.test', 'valid', 'disk')
    assert site.served('steady.test') == before
    site.has_https('steady.test')
    node.run(['rm', f'{CERTIFICATES}/filler'])
    asked = site.authority.asked()
    for name in ('full.test', 'steady.test'):
        site.check('shop', name)
        site.wait('shop', name, 'valid')
        site.has_https(name)
    wait_until(lambda: site.served('steady.test') not in ('', before), LIMIT, 0.2, 'the certificate that was got')
    assert site.authority.asked() == asked, 'the one that was got is taken'
    node.run(['bash', '-ec', f'rm -r /root/kept; cp -a {CERTIFICATES} /root/kept; umount -l {CERTIFICATES}; cp -a /root/kept/. {CERTIFICATES}'])


def test_the_disk_of_certbot_is_full(site):
    """Its log, its account, its certificate: whatever cannot be written, the reason is said."""
    node, top = site.node, '/opt/nanoscale/data/acme'
    size, mode = int(node.output('du', '-sk', top).split()[0]) + 64, node.owner_and_mode(top)
    node.run(['bash', '-ec', f'cp -a {top} /root/kept-acme; mount -t tmpfs -o size={size}k,mode=0700 none {top}; cp -a /root/kept-acme/. {top}; rm -r /root/kept-acme'])
    assert node.owner_and_mode(top) == mode
    node.run(['dd', 'if=/dev/zero', f'of={top}/filler', 'bs=4k'], check=False)
    try:
        site.authority.point('tight.test', node.address)
        site.add('shop', 'tight.test')
        site.wait('shop', 'tight.test', 'failed', 'disk')
    finally:
        node.run(['umount', '-l', top])
    site.check('shop', 'tight.test')
    site.wait('shop', 'tight.test', 'valid')
    site.has_https('tight.test')
