# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the nodes take over from the machine that they run on: package sources, certificates, resolver, npm registry.

None of it stands in the repository: a mirror or a proxy that works on the machine works in the nodes, and nothing else is assumed."""
import glob
import os
import pathlib
import re
import shutil

from .proc import run, say

RELEASE = 'bookworm'
CERTIFICATES = pathlib.Path('/etc/ssl/certs/ca-certificates.crt')
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
# program that must be there, package that brings it
CONTAINER_TOOLS = [('mmdebstrap', 'mmdebstrap'), ('systemd-nspawn', 'systemd-container'), ('ip', 'iproute2'), ('nft', 'nftables'),
                   ('openssl', 'openssl'), ('git', 'git'), ('nsenter', 'util-linux'), ('tar', 'tar'), ('mount', 'mount')]
BROWSER_TOOLS = [('chromium', 'chromium')]
PACKAGE_TOOLS = [('dpkg-buildpackage', 'dpkg-dev'), ('dh', 'debhelper')]
VM_TOOLS = [('qemu-system-x86_64', 'qemu-system-x86'), ('mkfs.ext4', 'e2fsprogs'), ('ssh', 'openssh-client'), ('ssh-keygen', 'openssh-client')]


def need(tools):
    """Installs what is missing; costs nothing when all is there."""
    path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    packages = sorted({package for program, package in tools if not shutil.which(program, path=path)})
    if not os.path.exists(KEYRING):
        packages.append('debian-archive-keyring')
    if packages:
        say('installing ' + ' '.join(packages))
        run(['apt-get', 'update', '-qq'], check=False, timeout=300)
        run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *packages], timeout=900)


def _deb822(text):
    """The stanzas of a .sources file as dictionaries; a continued field is joined by spaces."""
    for stanza in re.split(r'\n[ \t]*\n', text):
        fields, key = {}, None
        for line in stanza.splitlines():
            if line.startswith('#'):
                continue
            if line[:1] in (' ', '\t') and key:
                fields[key] += ' ' + line.strip()
            elif ':' in line:
                key, value = line.split(':', 1)
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields:
            yield fields


def apt_sources():
    """The machine's own sources of the release's suites, as one-line entries: third-party sources stay out, since a bare server has none."""
    lines = []
    for name in ['/etc/apt/sources.list', *sorted(glob.glob('/etc/apt/sources.list.d/*'))]:
        try:
            text = pathlib.Path(name).read_text()
        except OSError:
            continue
        if name.endswith('.sources'):
            for f in _deb822(text):
                if f.get('enabled', 'yes') == 'no' or 'deb' not in f.get('types', '').split():
                    continue
                for uri in f.get('uris', '').split():
                    for suite in f.get('suites', '').split():
                        lines.append((uri, suite, f.get('components', 'main').split()))
        elif name.endswith('.list'):
            for line in text.splitlines():
                match = re.match(r'deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$', line)
                if match:
                    lines.append((match[1], match[2], match[3].split()))
    suites = {RELEASE, f'{RELEASE}-updates', f'{RELEASE}-security'}
    found = [f'deb [signed-by={KEYRING}] {uri} {suite} main' for uri, suite, components in lines if suite in suites and 'main' in components]
    mirror = os.environ.get('NANOSCALE_TEST_MIRROR')
    if mirror:
        found = [f'deb [signed-by={KEYRING}] {mirror} {RELEASE} main']
    if not found:
        raise RuntimeError(f'no Debian {RELEASE} source in /etc/apt: set NANOSCALE_TEST_MIRROR to the address of a mirror')
    return list(dict.fromkeys(found))


def apt_options():
    """The machine's settings on how archives are reached (proxy, dates): without them its sources may not work in a node."""
    wanted = re.compile(r'Acquire::(https?::(.*::)?(Proxy|CaInfo|Verify-Peer)|Check-Valid-Until|Check-Date|Retries) ', re.I)
    dump = run(['apt-config', 'dump', '--format', '%f "%v";%n', 'Acquire']).stdout
    return [line for line in dump.splitlines() if wanted.match(line) and '""' not in line]


def pem_blocks(text):
    return re.findall(r'-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?', text, re.S)


def extra_certificates():
    """Authorities that this machine trusts beyond Debian's own list, such as the one of a company's proxy."""
    usual = set()
    for name in glob.glob('/usr/share/ca-certificates/mozilla/*.crt'):
        usual.update(''.join(b.split()) for b in pem_blocks(pathlib.Path(name).read_text()))
    bundle = pem_blocks(CERTIFICATES.read_text()) if CERTIFICATES.exists() else []
    return [b if b.endswith('\n') else b + '\n' for b in bundle if ''.join(b.split()) not in usual]


def resolv_conf():
    """A resolver on the machine's loopback cannot be reached from a node: then systemd-resolved's list of real ones is taken."""
    for name in ('/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'):
        try:
            text = pathlib.Path(name).read_text()
        except OSError:
            continue
        servers = re.findall(r'^nameserver\s+(\S+)', text, re.M)
        if any(not s.startswith('127.') and s != '::1' for s in servers):
            return '\n'.join(line for line in text.splitlines() if not re.match(r'nameserver\s+(127\.|::1)', line)) + '\n'
    return ''


def npm_registry():
    """None where the machine has no npm: the product then fetches runtimes from their makers."""
    npm = shutil.which('npm')
    if not npm:
        return None
    # With the machine's own environment: it may be a variable that sets the registry.
    url = run([npm, 'config', 'get', 'registry'], check=False, env=dict(os.environ), cwd='/').stdout.strip()
    return url if url.startswith('http') else None


def npm_options():
    """Lines for an .npmrc in a node, for tools that are run there by hand."""
    url = npm_registry()
    return f'registry={url}\n' if url else ''
