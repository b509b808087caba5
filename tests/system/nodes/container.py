# SPDX-License-Identifier: AGPL-3.0-or-later
"""A container with systemd as PID 1: systemd-nspawn over an overlay, in a network namespace and cgroups of its own.

The node's root is the machine's root (no user namespace), so only code of our own and hostile code *inside NanoScale's sandbox* runs here."""
import os
import pathlib
import signal
import socket
import subprocess
import time

from . import machine, net
from .fetch import fetch_unix
from .node import Node
from .proc import ENVIRONMENT, PATIENCE, CommandFailed, Result, run, wait_until

CGROUPS = pathlib.Path('/sys/fs/cgroup')
PURE_V2 = (CGROUPS / 'cgroup.controllers').exists()
CONTROLLERS = [''] if PURE_V2 else ['systemd', 'unified', 'freezer', 'memory', 'cpu', 'cpuacct', 'pids', 'blkio', 'devices']


def cgroups(name):
    return [CGROUPS / c / name for c in CONTROLLERS if (CGROUPS / c).is_dir()]


def end_cgroups(name):
    """Ends every process of a node and removes its cgroups, deepest first."""
    for path in cgroups(name):
        for _ in range(1200):
            if not path.is_dir():
                break
            for directory, _, _ in os.walk(path, topdown=False):
                try:
                    for pid in (pathlib.Path(directory) / 'cgroup.procs').read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                except (OSError, ProcessLookupError):
                    pass
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
            if path.is_dir():
                time.sleep(0.05)


class Container(Node):
    kind = 'container'

    def __init__(self, lab, name, address, lower, upper=None, apt_cache=False, binds=(), disk_mib=0):
        """lower: directories of the image, topmost first. upper: where changes go (a layer that is being made), else the node's own directory.
        disk_mib: changes go to a disk of their own of this size, so that power_loss() works."""
        super().__init__(lab, name, address)
        self.machine = lab.prefix + name
        self.root = self.directory / 'root'
        self.disk = self.directory / 'disk.img' if disk_mib else None
        if self.disk:
            run(['truncate', '-s', f'{disk_mib}M', self.disk])
            run(['mkfs.ext4', '-q', '-F', self.disk])
            self._mount_disk()
        self.upper = pathlib.Path(upper) if upper else self.directory / ('disk/upper' if self.disk else 'upper')
        self.work = self.upper.with_name(self.upper.name + '.work')
        self.lower, self.binds = lower, list(binds)
        self.debs = self.directory / 'debs' if apt_cache else None
        if self.debs:
            lab.cache.lend_debs(self.debs)
            self.binds.append((self.debs, '/var/cache/apt/archives'))
        self.process = self.leader = None
        self._mount()
        self._prepare()

    def _mount(self):
        for d in (self.root, self.upper, self.work):
            d.mkdir(parents=True, exist_ok=True)
        lower = ':'.join(map(str, self.lower))
        run(['mount', '-t', 'overlay', 'overlay', '-o', f'lowerdir={lower},upperdir={self.upper},workdir={self.work}', self.root])

    def _mount_disk(self):
        (self.directory / 'disk').mkdir(exist_ok=True)
        run(['mount', '-o', 'loop', self.disk, self.directory / 'disk'])

    def place(self, path, text):
        """Writes a file of /etc while the node is down. Replaces a link instead of following it out of the node."""
        target = self.root / path.lstrip('/')
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)

    def _prepare(self):
        self.place('/etc/hostname', f'{self.name}\n')
        self.place('/etc/hosts', self.lab.hosts(self.name))
        self.place('/etc/resolv.conf', machine.resolv_conf())
        self.place('/etc/apt/sources.list', '\n'.join(machine.apt_sources()) + '\n')
        self.place('/etc/apt/apt.conf.d/90machine', '\n'.join(machine.apt_options()) + '\n')
        for n, block in enumerate(machine.extra_certificates()):
            self.place(f'/usr/local/share/ca-certificates/machine-{n}.crt', block)
        self.place('/usr/local/share/ca-certificates/test-nodes.crt', self.lab.cache.authority_text())
        # The bundle by hand as well: update-ca-certificates writes the same once a package runs it.
        self.place('/etc/ssl/certs/ca-certificates.crt', machine.CERTIFICATES.read_text() + self.lab.cache.authority_text())
        identity = self.root / 'etc/machine-id'
        # A layer keeps its own: the journal's directories, with the rights that the installer gave, are named by it.
        if not identity.exists() or len(identity.read_text().strip()) != 32:
            self.place('/etc/machine-id', os.urandom(16).hex() + '\n')

    def update_hosts(self):
        if self.running:
            self.run(['tee', '/etc/hosts'], input=self.lab.hosts(self.name))
        else:
            self.place('/etc/hosts', self.lab.hosts(self.name))

    # Power
    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def boot(self, timeout=600):
        assert not self.running, f'{self.name} runs already'
        end_cgroups(self.machine)
        namespace = self.lab.hub.plug(self.name, self.address)
        groups = cgroups(self.machine)
        for path in groups:
            path.mkdir(exist_ok=True)

        def enter_cgroups():
            # With --keep-unit and no systemd on the machine, all containers would share one cgroup, /payload, and stop each other's units.
            for path in groups:
                (path / 'cgroup.procs').write_text(str(os.getpid()))

        notify = self.directory / 'notify'
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, open(self.console, 'ab') as log:
            s.bind(str(notify))
            argv = ['systemd-nspawn', '-q', '-D', str(self.root), '--boot', f'--machine={self.machine}', '--keep-unit', '--register=no',
                    f'--network-namespace-path=/run/netns/{namespace}', '--console=read-only', '--notify-ready=yes', '--link-journal=no',
                    '--capability=CAP_NET_ADMIN', '--resolv-conf=off', '--timezone=off', *(f'--bind={a}:{b}' for a, b in self.binds)]
            env = {**ENVIRONMENT, 'NOTIFY_SOCKET': str(notify), 'SYSTEMD_NSPAWN_API_VFS_WRITABLE': 'network'}
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True,
                                            preexec_fn=enter_cgroups)
            try:
                self._await_ready(s, timeout)
            except BaseException:
                end_cgroups(self.machine)
                self.process.wait()
                raise
        self._enforce_limits()
        return self

    def _await_ready(self, s, timeout):
        end = time.monotonic() + timeout
        s.settimeout(0.5)
        while time.monotonic() < end:
            try:
                message = s.recv(4096).decode()
            except socket.timeout:
                if self.process.poll() is not None:
                    break
                continue
            lines = message.splitlines()
            for line in lines:
                # The only reliable way to the inner PID 1: nspawn's children include a short-lived outer one.
                if line.startswith('X_NSPAWN_LEADER_PID='):
                    self.leader = int(line.split('=')[1])
            if 'READY=1' in lines:
                return
        tail = self.console.read_bytes()[-1500:].decode(errors='replace')
        raise RuntimeError(f'{self.name} did not boot within {timeout} s; its console says:\n{tail}')

    def _enforce_limits(self):
        """nspawn mounts v1 controllers read-only, so that MemoryMax, TasksMax and CPUQuota would be ignored without a word."""
        if PURE_V2:
            return
        for c in ('memory', 'cpu', 'cpuacct', 'pids', 'devices'):
            self.run(['mount', '-o', 'remount,bind,rw,nosuid,nodev,noexec', f'/sys/fs/cgroup/{c}'])
        self.run(['systemctl', 'daemon-reexec'])

    def power_kill(self):
        """As a power cut for processes. What was written stays (the machine's page cache lives on), synced or not."""
        os.kill(self.leader, signal.SIGKILL)  # killing nspawn instead would leave the inner PID 1 running on the same disk
        self.process.wait(PATIENCE)
        end_cgroups(self.machine)
        self.process = self.leader = None

    def power_loss(self):
        """As power_kill, and what was not synced is lost too: the node goes on with a copy of its disk as it was at that moment."""
        assert self.disk, 'power_loss() needs a node with disk_mib'
        self.pause()
        copy = self.disk.with_name('disk-after.img')
        run(['cp', '--sparse=always', self.disk, copy], timeout=600)
        self.resume()  # a frozen process cannot die; what it writes now goes to the disk that is given up
        self.power_kill()
        run(['umount', self.root])
        run(['umount', self.directory / 'disk'])
        copy.rename(self.disk)
        self._mount_disk()
        self._mount()

    def power_off(self, timeout=PATIENCE):
        os.kill(self.leader, signal.SIGRTMIN + 4)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.power_kill()
            raise TimeoutError(f'{self.name} did not power off within {timeout} s') from None
        end_cgroups(self.machine)
        self.process = self.leader = None

    def reboot(self):
        self.power_off()
        return self.boot()

    def pause(self):
        self._freeze(True)

    def resume(self):
        self._freeze(False)

    def _freeze(self, on):
        """Returns when no process of it runs any more: the kernel has only begun with it when the file is written."""
        if PURE_V2:
            directory, wanted = CGROUPS / self.machine, f'frozen {on:d}'
            (directory / 'cgroup.freeze').write_text(f'{on:d}')
            wait_until(lambda: wanted in (directory / 'cgroup.events').read_text().splitlines(), what=f'{self.name}: {wanted}')
        else:
            state, wanted = CGROUPS / 'freezer' / self.machine / 'freezer.state', 'FROZEN' if on else 'THAWED'
            state.write_text(wanted)
            wait_until(lambda: state.read_text().strip() == wanted, what=f'{self.name}: {wanted}')

    # Network
    def cut(self):
        self.lab.hub.cable(self.name, False)

    def join(self):
        self.lab.hub.cable(self.name, True)

    def silent_cut(self, target, percent=100):
        """What this node sends to `target` is lost, `percent` of it; the other way stays open. healed by lab.heal()."""
        self.lab.hub.filter(self.lab.hub.cuts + [(self.address, target.address, percent)])

    def connect(self, port, timeout=60):
        """A connected TCP socket, from the hub's side of the cable."""
        return net.connect(self.lab.hub.namespace, (self.address, port), timeout)

    def connect_from_inside(self, port, address='127.0.0.1', timeout=60):
        """The same from within the node's network, as a process of the node has it."""
        return net.connect(self.machine, (address, port), timeout)

    def fetch_unix(self, path, target, **options):
        """A request over a unix socket of the node, as root."""
        return fetch_unix(f'/proc/{self.leader}/root{path}', target, **options)

    # Commands
    def run(self, argv, check=True, input=None, timeout=120, user=None, env=None, cwd=None, stream=None, binary=False, via='enter'):
        """Runs a command in the node. via='enter': at once, with all of the machine's capabilities and no system call filter.
        via='pid1': as a transient unit of the node's systemd, with only what a process of this node may do; for everything that must be as on a server."""
        if not self.running:
            raise RuntimeError(f'{self.name} is not running')
        variables = {**ENVIRONMENT, **(env or {})}
        if via == 'pid1':
            command = ['systemd-run', '-q', '--wait', '--pipe', '--collect', *(f'--setenv={k}={v}' for k, v in variables.items()),
                       *([f'--uid={user}'] if user else []), *([f'--working-directory={cwd}'] if cwd else []), '--', *argv]
            variables = ENVIRONMENT
        else:
            command = [*(['env', '-C', cwd] if cwd else []), *(['setpriv', f'--reuid={user}', f'--regid={user}', '--init-groups', '--'] if user else []), *argv]
        result = run(['nsenter', '-t', self.leader, '-m', '-p', '-n', '-u', '-i', '-C', '--', '/usr/bin/env', '-i',
                      *(f'{k}={v}' for k, v in variables.items()), *command], False, input, timeout, stream=stream, binary=binary)
        if check and result.returncode != 0:
            raise CommandFailed(argv, Result(result.returncode, '' if binary else result.stdout, result.stderr if not binary else ''))
        return result

    def enter_script(self):
        """A file whose call, by root, gives a shell in the node, or runs the command in its arguments."""
        path = self.directory / 'enter'
        path.write_text(f"""#!/bin/sh
[ $# -gt 0 ] || set -- /bin/bash -l
exec nsenter -t {self.leader} -m -p -n -u -i -C -- /usr/bin/env -i -C /root PATH={ENVIRONMENT["PATH"]} HOME=/root LANG=C.UTF-8 TERM="${{TERM:-dumb}}" "$@"
""")
        path.chmod(0o755)
        return path

    def memory(self):
        """Bytes that the whole node uses now."""
        if PURE_V2:
            return int((CGROUPS / self.machine / 'memory.current').read_text())
        return int((CGROUPS / 'memory' / self.machine / 'memory.usage_in_bytes').read_text())

    def collect(self, target):
        frozen = not PURE_V2 and self.running and (CGROUPS / 'freezer' / self.machine / 'freezer.state').read_text().strip() != 'THAWED'
        if frozen:
            self.resume()
        target = super().collect(target)
        if not self.running:
            # A node that is down: its journals are read from its disk by the machine's own journalctl.
            for d in sorted((self.root / 'var/log/journal').glob('*')):
                text = run(['journalctl', '--no-pager', '-q', '-a', '-o', 'short-precise', '-D', d], check=False).stdout
                (target / f'journal-{d.name}.txt').write_text(text)
        return target

    def remove(self, keep_upper=False):
        if self.running:
            self.power_kill()
        end_cgroups(self.machine)
        if self.debs:
            self.lab.cache.take_debs_back(self.debs)
        run(['umount', self.root], check=False)
        if os.path.ismount(self.root):
            run(['umount', '-l', self.root])
        if self.disk:
            run(['umount', self.directory / 'disk'], check=False)
        self.lab.hub.unplug(self.name)
        run(['rm', '-rf', '--one-file-system', self.directory, self.work, *([] if keep_upper else [self.upper])], timeout=300)
