# SPDX-License-Identifier: AGPL-3.0-or-later
"""A domain's way to HTTPS, and renewals under load, against an authority on this machine (tests/system/acme.py: pebble, which does not keep anybody waiting).

The first is from the call that adds the domain to the first answer over TLS that the authority's root vouches for, asked for every 20 ms; nearly all of it
is certbot, which is a program in Python and is started for each certificate. The second: visitors ask all the while, each time over a new connection whose
certificate is verified, and repeat nothing; the certificate is renewed ten times, and each of the ten must have been seen by one of them, or the benchmark
fails. Another project's site is visited as well, over http and https."""
import statistics
import time

from acme import LIMIT, Authority, Domains, Visitors
from nodes import say, wait_until

from measure import Bench, Target

DOMAINS, RENEWALS, VISITORS = 5, 10, 4


def until_https(site, name):
    site.authority.point(name, site.node.address)
    begin = time.monotonic()
    site.add('shop', name)
    wait_until(lambda: site.node.fetch(f'https://{name}/', ca=site.root, timeout=60).text == 'shop', LIMIT, 0.02, f'https://{name}/')
    seconds = time.monotonic() - begin
    site.wait('shop', name, 'valid')
    return seconds


def renew(site, name, visitors):
    before, begin = site.served(name), time.monotonic()
    site.check('shop', name, force=True)
    wait_until(lambda: site.served(name) not in ('', before), LIMIT, 0.1, 'a new certificate')
    wait_until(lambda: site.stored(name) in visitors.serials, LIMIT, 0.1, 'a visitor who sees it')
    return time.monotonic() - begin


def measure(lab, short):
    domains, renewals = (1, 2) if short else (DOMAINS, RENEWALS)
    site = Domains(lab, lab.git, Authority(lab), 'bench')
    site.authority.point('calm.test', site.node.address)
    site.add('calm', 'calm.test')
    site.wait('calm', 'calm.test', 'valid')
    site.has_https('calm.test', 'calm')
    names = [f'shop{n}.test' for n in range(domains)]
    https = [until_https(site, name) for name in names]
    say('from adding a domain to HTTPS: ' + ', '.join(f'{s:.1f} s' for s in https))
    site.has_https(names[0])
    with Visitors(site.node, {'http://calm.apps.test/': 'calm', 'https://calm.test/': 'calm'}, site.root) as others, \
            Visitors(site.node, {f'https://{names[0]}/': 'shop'}, site.root, threads=VISITORS) as visitors:
        renewed = [renew(site, names[0], visitors) for _ in range(renewals)]
    say(f'{renewals} renewals, {visitors.count:,} requests, {len(visitors.failures)} failed')
    if len(visitors.serials) != renewals + 1:
        raise RuntimeError(f'{renewals} renewals, but {len(visitors.serials)} certificates were seen: they were not all under load')
    return {'https_s': round(statistics.median(https), 2), 'renewals': renewals, 'sent': visitors.count, 'failed': len(visitors.failures) + len(others.failures)}, {
        'https_s': [round(s, 2) for s in https], 'renewal_s_median': round(statistics.median(renewed), 2), 'visitors': VISITORS,
        'other_site_sent': others.count, 'other_site_failed': len(others.failures), 'examples': (visitors.failures + others.failures)[:5]}


BENCH = Bench('domains', 'from adding a domain to HTTPS against an authority on this machine (median of five); requests lost during ten renewals',
              [Target('https_s', 's', at_most=10), Target('renewals', '', at_least=RENEWALS), Target('sent', '', at_least=1000), Target('failed', '', at_most=0)], measure)
