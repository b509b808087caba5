# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nodes' network: a bridge in a namespace of its own, one namespace a node, and one way out to the package registries.

    root namespace --veth-- [hub: bridge br0] --veth-- [n1: eth0]
                                              --veth-- [n2: eth0]"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import socket

from .proc import run

CLONE_NEWNET = 0x40000000
FORWARD_WAS_OFF = pathlib.Path('/run/nanoscale-test-forward')
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f'setns: {os.strerror(error)}')


@contextlib.contextmanager
def inside(name):
    """In this block, sockets of this thread are made in the namespace `name`; they stay there when the block ends."""
    with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{name}') as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def connect(name, address, timeout=60):
    """A TCP connection made in the namespace `name`. No name is looked up there: `address` has an IP address."""
    with inside(name):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        s.settimeout(timeout)
        s.connect(address)
        return s
    except BaseException:
        s.close()
        raise


@contextlib.contextmanager
def _forwarding():
    """The switch of the machine's kernel, held against other labs."""
    with open(FORWARD_WAS_OFF, 'a') as lock, open('/proc/sys/net/ipv4/ip_forward', 'r+') as switch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield switch


class Hub:
    def __init__(self, prefix, subnet):
        self.prefix, self.subnet = prefix, subnet
        self.namespace = f'{prefix}hub'
        self.uplink = f'{prefix}up'
        self.table = f'{prefix}net'.replace('-', '_')
        self.gateway, self.client = f'{subnet}.1', f'{subnet}.254'
        self.cuts = []
        self._iptables = False

    def up(self):
        ns = self.namespace
        run(['ip', 'netns', 'add', ns])
        run(['ip', '-n', ns, 'link', 'set', 'lo', 'up'])
        run(['ip', '-n', ns, 'link', 'add', 'br0', 'type', 'bridge'])
        run(['ip', '-n', ns, 'link', 'set', 'br0', 'up'])
        run(['ip', '-n', ns, 'addr', 'add', f'{self.client}/24', 'dev', 'br0'])
        run(['ip', '-n', ns, 'route', 'add', 'default', 'via', self.gateway])
        run(['ip', 'link', 'add', self.uplink, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', ns])
        run(['ip', '-n', ns, 'link', 'set', 'uplink', 'master', 'br0', 'up'])
        run(['ip', 'addr', 'add', f'{self.gateway}/24', 'dev', self.uplink])
        run(['ip', 'link', 'set', self.uplink, 'up'])
        with _forwarding() as f:
            if f.read().strip() == '0':
                FORWARD_WAS_OFF.write_text('1')  # for the lab that is the last to go
                f.seek(0)
                f.write('1')
            # The newline before the closing brace is needed: nft reads `drop }` as one statement otherwise.
            run(['nft', '-f', '-'], input=f'table ip {self.table} {{\n chain post {{\n type nat hook postrouting priority 100;\n'
                                          f' ip saddr {self.subnet}.0/24 ip daddr != {self.subnet}.0/24 masquerade\n }}\n}}\n')
        # A container engine on the machine may have set the policy of FORWARD to DROP.
        rules = run(['iptables', '-S', 'FORWARD'], check=False).stdout if os.path.exists('/usr/sbin/iptables') else ''
        if '-P FORWARD DROP' in rules:
            self._iptables = True
            for end in ('-s', '-d'):
                run(['iptables', '-I', 'FORWARD', end, f'{self.subnet}.0/24', '-j', 'ACCEPT'])

    def down(self):
        if self._iptables:
            for end in ('-s', '-d'):
                run(['iptables', '-D', 'FORWARD', end, f'{self.subnet}.0/24', '-j', 'ACCEPT'], check=False)
        with _forwarding() as f:
            run(['nft', 'delete', 'table', 'ip', self.table], check=False)
            if FORWARD_WAS_OFF.read_text() and 'nsT' not in run(['nft', 'list', 'tables'], check=False).stdout:
                f.write('0')
                FORWARD_WAS_OFF.write_text('')
        run(['ip', 'link', 'del', self.uplink], check=False)
        run(['ip', 'netns', 'del', self.namespace], check=False)

    def plug(self, name, address):
        """A fresh namespace and cable for a node. Fresh at every boot, since firewall rules live in the namespace and would outlive a power cut;
        with a fixed MAC address, since the others still have the old one in their ARP tables and would drop traffic for a while."""
        ns, port = self.prefix + name, f'v-{name}'
        self.unplug(name)
        mac = '02:ac:3e:00:00:%02x' % int(address.rsplit('.', 1)[1])
        run(['ip', 'netns', 'add', ns])
        run(['ip', '-n', self.namespace, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', ns])
        run(['ip', '-n', self.namespace, 'link', 'set', port, 'master', 'br0', 'up'])
        run(['ip', '-n', ns, 'link', 'set', 'lo', 'up'])
        run(['ip', '-n', ns, 'link', 'set', 'eth0', 'up'])
        run(['ip', '-n', ns, 'addr', 'add', f'{address}/24', 'dev', 'eth0'])
        run(['ip', '-n', ns, 'route', 'add', 'default', 'via', self.gateway])
        return ns

    def unplug(self, name):
        if os.path.exists(f'/run/netns/{self.prefix}{name}'):
            run(['ip', '-n', self.namespace, 'link', 'del', f'v-{name}'], check=False)
            run(['ip', 'netns', 'del', self.prefix + name], check=False)

    def cable(self, name, up):
        run(['ip', '-n', self.namespace, 'link', 'set', f'v-{name}', 'up' if up else 'down'])

    def filter(self, cuts):
        """Drops silently on the bridge. cuts: list of (from address, to address, percent); the whole set is replaced."""
        rules = ''
        for source, target, percent in cuts:
            chance = '' if percent >= 100 else f'numgen random mod 100 < {int(percent)} '
            rules += f' ip saddr {source} ip daddr {target} {chance}drop\n'
        text = 'table bridge part\ndelete table bridge part\n'
        if rules:
            text += f'table bridge part {{\n chain cutf {{\n type filter hook forward priority 0; policy accept;\n{rules} }}\n}}\n'
        run(['ip', 'netns', 'exec', self.namespace, 'nft', '-f', '-'], input=text)
        self.cuts = list(cuts)
