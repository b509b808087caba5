# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images that take long to make and are kept between runs: each has a name with a hash of all that it was made from, so a stale one is never used.

    base-HASH       a bare minimal Debian server, by mmdebstrap
    git-HASH        changes over base: nginx, fcgiwrap, git
    acme-HASH       changes over base: pebble, and nginx before it
    installed-HASH  changes over base: NanoScale, installed there by scripts/install.sh from a clone
    package-HASH.deb  the Debian package with the dashboard, by packaging/build-deb
    dashboard-HASH.tar  the dashboard, built on this machine by scripts/build-dashboard
    destdir-HASH    the binaries, built on this machine; for nodes that are too slow to build them
    vm-HASH         disk, kernel and initrd of a virtual machine
    authority/      a private CA, made once a machine
    debs/           packages that nodes' apt fetched
An image is made under another name and renamed when it is complete. Runs at the same time share them: one makes an image, the others wait for it."""
import contextlib
import fcntl
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile
import time

from . import machine
from .container import Container
from .proc import ENVIRONMENT, run, say, timed

ROOT = pathlib.Path(os.environ.get('NANOSCALE_TEST_CACHE', '/var/cache/nanoscale-test'))
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
RECIPE = '3'  # to be raised when the way in which images are made changes
BASE_PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'ca-certificates', 'iproute2']
# With what install.sh --from would install: apt is tried out in containers, and is slow under emulation.
VM_PACKAGES = ['linux-image-cloud-amd64', 'udev', 'kmod', 'openssh-server', 'procps', 'systemd-timesyncd', 'ca-certificates', 'curl', 'dbus', 'git', 'iproute2',
               'nftables', 'nginx-light', 'openssl', 'sudo', 'libarchive13', 'libcurl4', 'libjansson4', 'libmicrohttpd12', 'libsodium23', 'libsqlite3-0']
GIT_PACKAGES = ['nginx-light', 'fcgiwrap', 'git']
ACME_PACKAGES = ['pebble', 'nginx-light']
# What the installed product depends on. A change elsewhere (documents, tests) does not make a new image.
PRODUCT = ['VERSION', 'meson.build', 'meson_options.txt', 'agent', 'packaging', 'scripts/install.sh', 'scripts/security']
BASE_DOMAIN = 'apps.test'


def digest(*parts):
    return hashlib.sha256('\0'.join(map(str, parts)).encode()).hexdigest()[:12]


def repository_files():
    """Tracked files and new ones, as a commit of everything would have; without git, all but build directories."""
    out = subprocess.run(['git', '-c', 'safe.directory=*', '-C', str(REPOSITORY), 'ls-files', '-z', '-co', '--exclude-standard'],
                         capture_output=True, env=ENVIRONMENT, check=False)
    if out.returncode == 0:
        names = [n for n in out.stdout.decode().split('\0') if n]
    else:
        skip = {'.git', 'node_modules', '__pycache__', '.next'}
        names = [str((pathlib.Path(d) / f).relative_to(REPOSITORY)) for d, dirs, files in os.walk(REPOSITORY)
                 if dirs.__setitem__(slice(None), [x for x in dirs if x not in skip and not x.startswith('build')]) is None for f in files]
    return sorted(n for n in set(names) if os.path.lexists(REPOSITORY / n))


def product_hash():
    h = hashlib.sha256()
    for name in repository_files():
        if any(name == p or name.startswith(p + '/') for p in PRODUCT):
            path = REPOSITORY / name
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            h.update(f'{name}\0{os.access(path, os.X_OK)}\0{len(content)}\0'.encode() + content)
    return h.hexdigest()[:12]


def repository_tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as tar:
        for name in repository_files():
            tar.add(REPOSITORY / name, name, recursive=False)
    return buffer.getvalue()


def settings():
    """What a node's config.json needs on this machine; it never comes into the repository."""
    bundle, registry = '/etc/ssl/certs/ca-certificates.crt', machine.npm_registry()
    config = {'builds': {'ca': bundle}, 'network': {'allow_private_repositories': True}}
    if registry:
        config['builds']['registry'] = registry
        config['runtimes'] = {'registry': registry}
    return config


def merge(into, other):
    for key, value in other.items():
        into[key] = merge(into.get(key, {}), value) if isinstance(value, dict) else value
    return into


def configure(node, config):
    """Merges into the node's config.json, with owner and mode as they are, and restarts the agent."""
    path = '/opt/nanoscale/config/config.json'
    present = json.loads(node.read(path)) if node.exists(path) else None
    text = json.dumps(merge(present or {}, config), indent=2) + '\n'
    if present is None:
        node.write(path, text, 0o640, 'nanoscale:nanoscale')
    else:
        node.run(['tee', path], input=text)
    node.run(['systemctl', 'restart', 'nanoscale-agent.service'], via='pid1')
    node.wait_active('nanoscale-agent.service')


def install(node, arguments=(), stream=None, place='/root/nanoscale', timeout=1800, dashboard='none'):
    """The README's command, in a clone, as the node's own process. Returns the Result. dashboard: 'none', a file of the node's, or None: it builds it."""
    node.unpack(repository_tar(), place)
    pages = ['--dashboard', dashboard] if dashboard else []
    return node.run([f'{place}/scripts/install.sh', '--role', 'orchestrator', '--base-domain', BASE_DOMAIN, '--yes', *pages, *arguments],
                    cwd=place, timeout=timeout, stream=stream, via='pid1')


def clear(path):
    """Removes a tree that a killed run may have left half made, with mounts in it."""
    mounts = [line.split()[4] for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f'{path}/')), key=len, reverse=True):
        run(['umount', '-l', mount], check=False)
    run(['rm', '-rf', '--one-file-system', path], timeout=300)


class Cache:
    def __init__(self, lab):
        self.lab, self.broken = lab, {}
        ROOT.mkdir(parents=True, exist_ok=True)

    # apt locks its archive without waiting, so every node has a directory of its own with links to the packages.
    def lend_debs(self, directory):
        (directory / 'partial').mkdir(parents=True, exist_ok=True)
        (ROOT / 'debs').mkdir(exist_ok=True)
        for deb in (ROOT / 'debs').glob('*.deb'):
            with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
                os.link(deb, directory / deb.name)

    def take_debs_back(self, directory):
        for deb in directory.glob('*.deb'):
            with contextlib.suppress(FileExistsError):
                os.link(deb, ROOT / 'debs' / deb.name)

    @contextlib.contextmanager
    def _made(self, name, text):
        """Yields (path, None) where the image is there, else (path, temporary path) to make it at; one maker of it at a time on this machine."""
        path = ROOT / name
        if name in self.broken:
            raise RuntimeError(f'{text} failed before in this run: {self.broken[name]}')
        if path.exists():
            os.utime(path)
            yield path, None
            return
        with open(ROOT / f'.{name}.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                yield path, None
                return
            temporary = ROOT / f'{name}.tmp'
            clear(temporary)
            clear(f'{temporary}.work')
            try:
                with timed(text):
                    yield path, temporary
            except Exception as error:
                self.broken[name] = error  # it takes minutes, and would fail again for every test that asks
                raise
            run(['rm', '-rf', '--one-file-system', f'{temporary}.work'])
            temporary.rename(path)
            os.unlink(lock.name)  # who waits for it, or makes a new one, finds the image there
        self._prune(name.split('-')[0], keep=3)

    def _prune(self, kind, keep):
        """Images of older trees; the ones that another run has mounted or just used are left."""
        mounts = pathlib.Path('/proc/self/mountinfo').read_text()
        found = sorted((p for p in ROOT.glob(f'{kind}-*') if not p.name.endswith(('.tmp', '.work'))), key=lambda p: p.stat().st_mtime, reverse=True)
        for path in found[keep:]:
            if str(path) not in mounts and time.time() - path.stat().st_mtime > 3600:
                run(['rm', '-rf', '--one-file-system', path], timeout=300)

    # The private certificate authority
    def authority(self):
        """Directory with ca.pem, ca.key, and git.test's server.pem and server.key."""
        with self._made('authority', 'making a private certificate authority') as (path, temporary):
            if temporary:
                temporary.mkdir()
                curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
                run(['openssl', 'req', '-x509', *curve, '-keyout', temporary / 'ca.key', '-out', temporary / 'ca.pem', '-days', '3650',
                     '-subj', '/CN=NanoScale test nodes', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'])
                run(['openssl', 'req', *curve, '-keyout', temporary / 'server.key', '-out', temporary / 'server.csr', '-subj', '/CN=git.test'])
                (temporary / 'ext').write_text('subjectAltName=DNS:git.test,DNS:*.git.test\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n')
                run(['openssl', 'x509', '-req', '-in', temporary / 'server.csr', '-CA', temporary / 'ca.pem', '-CAkey', temporary / 'ca.key',
                     '-CAcreateserial', '-days', '3650', '-extfile', temporary / 'ext', '-out', temporary / 'server.pem'])
        return path

    def sign(self, directory, name, *names, days=3650):
        """NAME.pem and NAME.key in the directory: a server's, for its names, by the private authority."""
        authority, directory = self.authority(), pathlib.Path(directory)
        run(['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', directory / f'{name}.key',
             '-out', directory / f'{name}.csr', '-subj', f'/CN={name}'])
        (directory / f'{name}.ext').write_text(f'subjectAltName={",".join(f"DNS:{n}" for n in (name, *names))}\n'
                                               'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n')
        run(['openssl', 'x509', '-req', '-in', directory / f'{name}.csr', '-CA', authority / 'ca.pem', '-CAkey', authority / 'ca.key',
             '-set_serial', str(int.from_bytes(os.urandom(8), 'big')), '-days', str(days), '-extfile', directory / f'{name}.ext', '-out', directory / f'{name}.pem'])

    def authority_text(self):
        return (self.authority() / 'ca.pem').read_text()

    # Trees
    def _bootstrap(self, target, packages):
        options = [f'--aptopt={o}' for o in machine.apt_options()]
        exclude = [f'--dpkgopt=path-exclude=/usr/share/{d}/*' for d in ('man', 'locale', 'doc', 'info')]
        run(['mmdebstrap', '-q', '--mode=root', '--format=directory', '--variant=minbase', f'--include={",".join(packages)}',
             '--aptopt=APT::Install-Recommends "false"', '--dpkgopt=force-unsafe-io', *exclude, *options, machine.RELEASE, target,
             *machine.apt_sources()], timeout=1200)
        (target / 'etc/machine-id').write_text('')
        (target / 'etc/apt/apt.conf.d/91nodes').write_text('APT::Keep-Downloaded-Packages "true";\nDPkg::Lock::Timeout "300";\n')
        (target / 'var/log/journal').mkdir(exist_ok=True)

    def base(self):
        with self._made('base-' + digest(RECIPE, machine.RELEASE, *BASE_PACKAGES), 'making the base image (a bare Debian)') as (path, temporary):
            if temporary:
                self._bootstrap(temporary, BASE_PACKAGES)
        return path

    def _layer(self, name, text, make):
        """A layer is the upper directory of a container in which make(node) ran and which was then switched off."""
        base = self.base()
        with self._made(name, text) as (path, temporary):
            if temporary:
                node = Container(self.lab, 'layer', f'{self.lab.subnet}.9', [base], temporary, apt_cache=True)
                done = False
                try:
                    node.boot()
                    make(node)
                    node.power_off()
                    done = True
                finally:
                    if not done and self.lab.artefacts:
                        say(f'kept what tells why: {node.collect(self.lab.artefacts / "layer")}')
                    node.remove(keep_upper=done)
        return path

    def git(self):
        authority = self.authority()

        def make(node):
            from .git import NGINX_SITE
            node.run(['apt-get', 'update', '-qq'], timeout=300)
            node.run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *GIT_PACKAGES], timeout=600)
            node.put(authority / 'server.pem', '/etc/nginx/server.pem')
            node.write('/etc/nginx/server.key', (authority / 'server.key').read_text(), 0o600)
            node.write('/etc/nginx/sites-available/git.conf', NGINX_SITE)
            node.run(['ln', '-sf', '/etc/nginx/sites-available/git.conf', '/etc/nginx/sites-enabled/git.conf'])
            node.run(['rm', '-f', '/etc/nginx/sites-enabled/default'])
            node.run(['mkdir', '-p', '/srv/git'])
            node.run(['nginx', '-t'])
            node.run(['systemctl', 'enable', 'nginx.service', 'fcgiwrap.socket'])
        from .git import NGINX_SITE as site
        name = 'git-' + digest(RECIPE, self.base().name, self.authority_text(), site, *GIT_PACKAGES)
        return self._layer(name, 'making the git server', make)

    def acme(self):
        """An authority for certificates, acme.test: what is started on it, acme.py says."""
        def make(node):
            with tempfile.TemporaryDirectory() as directory:
                self.sign(directory, 'acme.test')
                node.run(['apt-get', 'update', '-qq'], timeout=300)
                node.run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *ACME_PACKAGES], timeout=600)
                node.write('/etc/pebble/server.pem', (pathlib.Path(directory) / 'acme.test.pem').read_text())
                node.write('/etc/pebble/server.key', (pathlib.Path(directory) / 'acme.test.key').read_text(), 0o600)
            node.run(['rm', '-f', '/etc/nginx/sites-enabled/default'])
        name = 'acme-' + digest(RECIPE, self.base().name, self.authority_text(), *ACME_PACKAGES)
        return self._layer(name, 'making the authority for certificates', make)

    def installed(self):
        def make(node):
            log = self.lab.directory / 'install.log'
            with open(log, 'wb') as stream:
                try:
                    install(node, stream=stream)
                except Exception:
                    if self.lab.artefacts:
                        self.lab.artefacts.mkdir(parents=True, exist_ok=True)
                        (self.lab.artefacts / 'install.log').write_bytes(log.read_bytes())
                    raise RuntimeError('install.sh failed; the end of its output:\n' + log.read_text(errors='replace')[-3000:]) from None
            configure(node, settings())
        name = 'installed-' + digest(RECIPE, self.base().name, product_hash(), self.authority_text(), json.dumps(settings()))
        return self._layer(name, 'installing NanoScale with scripts/install.sh (compiles it; kept for the next run)', make)

    def destdir(self):
        """A tree as `meson install --destdir` leaves it, for install.sh --from."""
        with self._made('destdir-' + product_hash(), 'building the binaries on this machine') as (path, temporary):
            if temporary:
                build = ROOT / f'{path.name}.build'
                run(['rm', '-rf', build])
                run(['meson', 'setup', build, REPOSITORY, '--buildtype=debugoptimized', '--prefix=/opt/nanoscale', '-Dtests=false'], timeout=300)
                # The tests are not needed, and half of the time.
                targets = [os.path.relpath(name, build) for name in json.loads(run(['meson', 'introspect', '--installed', build]).stdout)
                           if name.startswith(f'{build}/')]
                run(['ninja', '-C', build, '-j2', *targets], timeout=1800)
                run(['meson', 'install', '-C', build, '--no-rebuild', '--strip', '--destdir', temporary], timeout=300)
                run(['rm', '-rf', build])
        return path

    def dashboard(self):
        """A build of the dashboard, for install.sh --dashboard. The packages that it needs are kept for the next one."""
        script = REPOSITORY / 'scripts/build-dashboard'
        name = run([script, '--id']).stdout.strip()
        with self._made(f'dashboard-{name}.tar', 'building the dashboard') as (path, temporary):
            if temporary:
                run([script, '--work', ROOT / 'dashboard.work', '--keep', '--output', temporary], timeout=1800, env=dict(os.environ))
        return path

    def package(self):
        machine.need(machine.PACKAGE_TOOLS)
        dashboard = self.dashboard()
        with self._made(f'package-{digest(product_hash(), dashboard.name)}.deb', 'building the Debian package') as (path, temporary):
            if temporary:
                work = ROOT / f'{path.name}.tmp.work'
                run([REPOSITORY / 'packaging/build-deb', work, dashboard], timeout=1800, env={**ENVIRONMENT, 'DEB_BUILD_OPTIONS': 'parallel=2'})
                made, = work.glob('nanoscale_*.deb')
                made.rename(temporary)
        return path

    # Virtual machines
    def vm(self):
        from .vm import make_image
        machine.need(machine.VM_TOOLS)
        base = self.base()
        name = 'vm-' + digest(RECIPE, base.name, 'from a container', 'small initrd', *VM_PACKAGES)
        with self._made(name, 'making the disk of a virtual machine') as (path, temporary):
            if temporary:
                node = Container(self.lab, 'vmimage', f'{self.lab.subnet}.7', [base], apt_cache=True)
                try:
                    node.boot()
                    make_image(temporary, node, VM_PACKAGES)
                finally:
                    node.remove()
        return path

    def vm_installed(self):
        """A disk where install.sh --from ran: the binaries come from this machine, since compiling under emulation takes too long."""
        from .vm import VirtualMachine
        binaries = self.destdir()
        name = 'vminst-' + digest(RECIPE, self.vm().name, product_hash(), self.authority_text(), json.dumps(settings()))
        with self._made(name, 'installing NanoScale in a virtual machine') as (path, temporary):
            if temporary:
                node = VirtualMachine(self.lab, 'vmlayer', f'{self.lab.subnet}.8', layer='bare')
                log = self.lab.directory / 'install-vm.log'
                try:
                    node.boot()
                    node.put(binaries, '/root/binaries')
                    with open(log, 'wb') as stream:
                        install(node, ['--from', '/root/binaries'], stream=stream, timeout=2400)
                    configure(node, settings())
                    node.power_off()
                    temporary.mkdir()
                    node.disk.rename(temporary / 'disk.img')
                except Exception:
                    if self.lab.artefacts:
                        say(f'kept what tells why: {node.collect(self.lab.artefacts / "layer")}')
                        if log.exists():
                            (self.lab.artefacts / 'install-vm.log').write_bytes(log.read_bytes())
                    raise
                finally:
                    node.remove()
        return path
