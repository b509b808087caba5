# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole of it: one lab has a hub, a git server and nodes; `with Lab() as lab` leaves nothing behind."""
import fcntl
import os
import pathlib
import re
import signal
import threading
import time

from . import machine
from .cache import Cache, ROOT, clear
from .container import CGROUPS, CONTROLLERS, Container, end_cgroups
from .git import GitServer
from .net import Hub
from .proc import run, say

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Lab:
    """Two labs at once do not collide when their numbers differ (NANOSCALE_TEST_INSTANCE, 0 to 99): names, addresses and lock have the number in them."""

    def __init__(self, instance=None, artefacts=None):
        self.instance = int(os.environ.get('NANOSCALE_TEST_INSTANCE', '0') if instance is None else instance)
        if not 0 <= self.instance <= 99:
            raise ValueError('NANOSCALE_TEST_INSTANCE is a number from 0 to 99')
        self.prefix = f'nsT{self.instance}-'
        self.subnet = f'10.99.{self.instance}'
        self.directory = ROOT / 'running' / str(self.instance)
        self.artefacts = pathlib.Path(artefacts) if artefacts else None
        self.hub = Hub(self.prefix, self.subnet)
        self.nodes, self.names = {}, {}
        self._git = self._lock = None
        self._next = 11

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        if os.geteuid() != 0:
            raise SystemExit('test nodes need root: network namespaces, mounts and cgroups are made')
        machine.need(machine.CONTAINER_TOOLS)
        ROOT.mkdir(parents=True, exist_ok=True)
        self._lock = open(ROOT / f'instance-{self.instance}.lock', 'a+')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or 'unknown'
            raise SystemExit(f'test nodes of instance {self.instance} are in use by process {holder}: '
                             'wait for it, or set NANOSCALE_TEST_INSTANCE to another number') from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        # Ended from outside, the nodes are still taken down.
        if threading.current_thread() is threading.main_thread():
            for number in INTERRUPTS:
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    signal.signal(number, _interrupt)
        try:
            self.clean()
            self.directory.mkdir(parents=True, exist_ok=True)
            self.cache = Cache(self)
            self.hub.up()
        except BaseException:
            self.close()
            raise
        return self

    def clean(self):
        """What an earlier run left that was killed: found by the prefix of its names, so nothing else can be hit."""
        for pid in self._leftover_vms():
            os.kill(pid, signal.SIGKILL)
        names = {p.name for c in CONTROLLERS for p in (CGROUPS / c).glob(f'{self.prefix}*')}
        for name in names:
            end_cgroups(name)
        for space in pathlib.Path('/run/netns').glob(f'{self.prefix}*') if os.path.isdir('/run/netns') else []:
            run(['ip', 'netns', 'del', space.name], check=False)
        run(['ip', 'link', 'del', self.hub.uplink], check=False)
        run(['nft', 'delete', 'table', 'ip', self.hub.table], check=False)
        clear(self.directory)
        if names:
            say(f'removed what an earlier run left: {", ".join(sorted(names))}')

    def _leftover_vms(self):
        marker = f'file={self.directory}/'.encode()
        for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if b'qemu-system' in line and marker in line:
                yield int(path.parent.name)

    def close(self):
        for node in list(self.nodes.values()):
            try:
                node.remove()
            except Exception as error:  # the others are still to be removed
                say(f'removing {node.name}: {error}')
        self.nodes.clear()
        self.hub.down()
        run(['rm', '-rf', '--one-file-system', self.directory], check=False, timeout=300)
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    # Nodes
    def hosts(self, own):
        """/etc/hosts of the node `own`; without an address for its own name sudo and others complain."""
        lines = ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', f'{self.subnet}.2 git.test git']
        lines += [f'{address} {name} {name}.test' for name, address in self.names.items() if name != 'git']
        if own not in self.names:
            lines.append(f'127.0.1.1 {own}')
        return '\n'.join(lines) + '\n'

    def _address(self, name):
        if name in self.nodes:
            raise ValueError(f'there is a node {name} already')
        if not re.fullmatch(r'[a-z][a-z0-9]{0,7}', name):
            raise ValueError(f'{name!r}: up to eight lower-case letters and digits')
        if name not in self.names:
            self.names[name], self._next = f'{self.subnet}.{self._next}', self._next + 1
        return self.names[name]

    def node(self, name, layer='installed', boot=True, **options):
        """A container. layer: 'bare' (a minimal Debian), 'installed' (NanoScale there, role orchestrator), 'git' or 'acme'."""
        lower = {'bare': lambda: [], 'installed': lambda: [self.cache.installed()], 'git': lambda: [self.cache.git()],
                 'acme': lambda: [self.cache.acme()]}[layer]()
        address = self._address(name)
        options.setdefault('apt_cache', layer == 'bare')
        node = self.nodes[name] = Container(self, name, address, [*lower, self.cache.base()], **options)
        for other in self.nodes.values():
            if other is not node:
                other.update_hosts()
        return node.boot() if boot else node

    def vm(self, name, layer='installed', boot=True, **options):
        from .vm import VirtualMachine
        machine.need(machine.VM_TOOLS)
        node = self.nodes[name] = VirtualMachine(self, name, self._address(name), layer, **options)
        return node.boot() if boot else node

    @property
    def git(self):
        """The git server; booted when it is first asked for."""
        if self._git is None:
            self.names['git'] = f'{self.subnet}.2'
            self._git = GitServer(self, self.node('git', 'git'))
            self._git.node.wait_active('nginx.service')
        return self._git

    def remove(self, node):
        self.nodes.pop(node.name)
        node.remove()

    def heal(self):
        """Undoes every cut and pause."""
        self.hub.filter([])
        for node in self.nodes.values():
            if node.running:
                node.resume()
                node.join()

    def collect(self, label):
        """Keeps the journals of all nodes; returns the directory."""
        if not self.artefacts:
            return None
        target = self.artefacts / re.sub(r'[^A-Za-z0-9_.-]+', '-', label)[:100]
        for node in self.nodes.values():
            try:
                node.collect(target)
            except Exception as error:  # one node that cannot be read must not hide the others
                say(f'keeping the journals of {node.name}: {error}')
        return target


def _interrupt(number, _frame):
    # Once: timeout(1) and impatient people send more than one, and the second would stop the taking down.
    for each in INTERRUPTS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(f'signal {number}')


def new_artefacts():
    """Where the evidence of this run goes; the directory is made when there is something to keep."""
    root = pathlib.Path(os.environ.get('NANOSCALE_TEST_ARTEFACTS', '/var/tmp/nanoscale-test'))
    return root / time.strftime('%Y%m%d-%H%M%S')
