# SPDX-License-Identifier: AGPL-3.0-or-later
"""A virtual machine as a node: Debian's kernel and cgroup v2 alone, as users' servers have. Emulated unless NANOSCALE_TEST_KVM=1, so ten times slower than a container.

It sits behind qemu's user-mode network: it reaches the package registries and the other nodes; from outside only PORTS are reached, over loopback."""
import json
import os
import shlex
import signal
import socket
import subprocess
import time

from . import machine
from .node import Node
from .proc import ENVIRONMENT, PATIENCE, CommandFailed, Result, run, say, wait_until

PORTS = (22, 80, 443)
ADDRESS, GATEWAY, RESOLVER = '10.0.2.15', '10.0.2.2', '10.0.2.3'


class QemuEnded(Exception):
    """It did so by itself; to wait on would be in vain."""


def _free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def make_image(target, node, packages):
    """Fills the directory `target` with disk.img, vmlinuz, initrd.img, key, key.pub. Made from a container, into which the kernel and what a machine needs
    besides are installed: a third of the time of a tree from nothing."""
    target.mkdir()
    run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test nodes', '-f', target / 'key'])
    # A fifth of the usual initrd, which takes as long to unpack as the rest of the start: what this one machine needs, not any one.
    node.write('/etc/initramfs-tools/conf.d/small', 'MODULES=list\n')
    node.write('/etc/initramfs-tools/modules', 'virtio_pci\nvirtio_blk\next4\ncrc32c_generic\n')
    node.run(['apt-get', 'update', '-qq'], timeout=300)
    node.run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *packages], timeout=1200)
    node.write('/etc/systemd/network/10-node.network',
               f'[Match]\nName=e*\n\n[Network]\nAddress={ADDRESS}/24\nGateway={GATEWAY}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n')
    node.write('/etc/fstab', '/dev/vda / ext4 errors=remount-ro 0 1\n')
    # Emulated, a start can take longer than systemd's usual patience.
    node.write('/etc/systemd/system.conf.d/slow.conf', '[Manager]\nDefaultTimeoutStartSec=300s\nDefaultDeviceTimeoutSec=300s\n')
    node.run(['install', '-d', '-m', '700', '/root/.ssh'])
    node.write('/root/.ssh/authorized_keys', (target / 'key.pub').read_text(), 0o600)
    node.run(['systemctl', 'enable', '-q', 'systemd-networkd.service', 'ssh.service'])
    node.run(['systemctl', 'mask', '-q', 'serial-getty@ttyS0.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'e2scrub_reap.service'])
    node.power_off()
    for name, pattern in (('vmlinuz', 'vmlinuz-*'), ('initrd.img', 'initrd.img-*')):
        found = sorted((node.root / 'boot').glob(pattern))[-1]
        (target / name).write_bytes(found.read_bytes())
    run(['truncate', '-s', '6G', target / 'disk.img'])
    run(['mkfs.ext4', '-q', '-F', '-d', node.root, target / 'disk.img'], timeout=600)


def _accelerator():
    """Software, unless asked otherwise: a machine that is a virtual one itself may have /dev/kvm and then refuse registers of the processor, or never run
    the first instruction."""
    return ['-accel', 'kvm', '-cpu', 'max'] if os.environ.get('NANOSCALE_TEST_KVM') == '1' else ['-accel', 'tcg,thread=multi', '-cpu', 'max']


class VirtualMachine(Node):
    kind = 'virtual machine'

    def __init__(self, lab, name, address, layer='installed', memory_mib=1024, disk=None):
        super().__init__(lab, name, address)
        image = lab.cache.vm() if layer == 'bare' else lab.cache.vm_installed()
        self.kernel = lab.cache.vm()
        self.disk = self.directory / 'disk.img'
        run(['cp', '--sparse=always', '--reflink=auto', image / 'disk.img', self.disk], timeout=600)
        self.memory_mib = memory_mib
        self.process = self.ports = None
        self._prepared = False

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    # Power
    def boot(self, timeout=1200):
        assert not self.running, f'{self.name} runs already'
        # A port that was free is taken by another process before qemu has it: rarely, and hardly twice.
        for last in (False, False, False, False, True):
            self._start()
            try:
                wait_until(self._answers, timeout, 1, f'an answer of {self.name} after its start')
                break
            except QemuEnded as error:
                if last or 'host forwarding' not in str(error):
                    raise
            except TimeoutError as error:
                raise TimeoutError(f'{error}; its console says:\n{self._serial()[-1500:]}') from None
        if not self._prepared:
            self._prepare()
            self._prepared = True
        self.run(['systemctl', 'is-system-running', '--wait'], check=False, timeout=timeout)
        return self

    def _start(self):
        self.ports = {port: _free_port() for port in PORTS}
        forwards = ''.join(f',hostfwd=tcp:127.0.0.1:{mine}-:{port}' for port, mine in self.ports.items())
        (self.directory / 'qmp').unlink(missing_ok=True)
        argv = ['qemu-system-x86_64', '-name', self.lab.prefix + self.name, *_accelerator(), '-smp', '2', '-m', str(self.memory_mib),
                '-display', 'none', '-monitor', 'none', '-no-reboot', '-serial', f'file:{self.directory}/serial.log',
                '-qmp', f'unix:{self.directory}/qmp,server=on,wait=off', '-kernel', str(self.kernel / 'vmlinuz'),
                '-initrd', str(self.kernel / 'initrd.img'), '-append', 'root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=1',
                '-drive', f'file={self.disk},format=raw,if=virtio,cache=writeback', '-device', 'virtio-rng-pci',
                '-netdev', f'user,id=net0{forwards}', '-device', 'virtio-net-pci,netdev=net0,id=card0']
        with open(self.console, 'ab') as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True)

    def _serial(self):
        path = self.directory / 'serial.log'
        return path.read_text(errors='replace') if path.exists() else ''

    def _answers(self):
        if not self.running:
            raise QemuEnded(f'{self.name}: qemu ended with code {self.process.returncode}: {self.console.read_text(errors="replace")[-800:]}')
        return self.run(['true'], check=False, timeout=90).ok

    def _prepare(self):
        files = {'/etc/hostname': f'{self.name}\n', '/etc/hosts': self.lab.hosts(self.name), '/etc/resolv.conf': f'nameserver {RESOLVER}\n',
                 '/etc/apt/sources.list': '\n'.join(machine.apt_sources()) + '\n', '/etc/apt/apt.conf.d/90machine': '\n'.join(machine.apt_options()) + '\n',
                 '/usr/local/share/ca-certificates/test-nodes.crt': self.lab.cache.authority_text(),
                 '/etc/ssl/certs/ca-certificates.crt': machine.CERTIFICATES.read_text() + self.lab.cache.authority_text()}
        for n, block in enumerate(machine.extra_certificates()):
            files[f'/usr/local/share/ca-certificates/machine-{n}.crt'] = block
        for path, text in files.items():
            self.write(path, text)
        self.run(['hostname', self.name])

    def update_hosts(self):
        if self.running and self._prepared:
            self.run(['tee', '/etc/hosts'], input=self.lab.hosts(self.name))

    def power_kill(self):
        """A power cut: what the guest's kernel had not written to its disk is lost."""
        self._forget_ssh()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process = None

    def power_off(self, timeout=600):
        self.run(['systemctl', '--no-block', 'poweroff'], check=False, timeout=PATIENCE)
        self._forget_ssh()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.power_kill()
            raise TimeoutError(f'{self.name} did not power off within {timeout} s') from None
        self.process = None

    def reboot(self):
        self.power_off()
        return self.boot()

    def _qmp(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(str(self.directory / 'qmp'))
            stream = s.makefile('rw')
            stream.readline()  # the greeting
            for request in ({'execute': 'qmp_capabilities'}, {'execute': command, 'arguments': arguments}):
                stream.write(json.dumps(request) + '\n')
                stream.flush()
                answer = json.loads(stream.readline())
                while 'event' in answer:
                    answer = json.loads(stream.readline())
                if 'error' in answer:
                    raise RuntimeError(f'{command}: {answer["error"]}')

    def pause(self):
        self._qmp('stop')

    def resume(self):
        self._qmp('cont')

    def cut(self):
        self._qmp('set_link', name='card0', up=False)

    def join(self):
        self._qmp('set_link', name='card0', up=True)

    # Commands
    def _ssh(self):
        return ['ssh', '-F', 'none', '-i', self.kernel / 'key', '-p', self.ports[22], '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                '-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4', '-o', 'ConnectTimeout=60', '-o', 'ControlMaster=auto',
                '-o', f'ControlPath={self.directory}/ssh-{self.ports[22]}', '-o', 'ControlPersist=300', 'root@127.0.0.1', '--']

    def _forget_ssh(self):
        """The shared connection would otherwise be tried again after the next start."""
        argv = self._ssh()
        run([*argv[:-2], '-O', 'exit', argv[-2]], check=False, timeout=PATIENCE)

    def run(self, argv, check=True, input=None, timeout=120, user=None, env=None, cwd=None, stream=None, binary=False, via='enter'):
        """As Container.run; both ways are processes of the guest's own here."""
        if not self.running:
            raise RuntimeError(f'{self.name} is not running')
        variables = {**ENVIRONMENT, **(env or {})}
        if via == 'pid1':
            command = ['systemd-run', '-q', '--wait', '--pipe', '--collect', *(f'--setenv={k}={v}' for k, v in variables.items()),
                       *([f'--uid={user}'] if user else []), *([f'--working-directory={cwd}'] if cwd else []), '--', *argv]
        else:
            command = [*(['env', '-C', cwd] if cwd else []), *(['setpriv', f'--reuid={user}', f'--regid={user}', '--init-groups', '--'] if user else []), *argv]
        command = ['env', '-i', *(f'{k}={v}' for k, v in variables.items()), *command]
        result = run([*self._ssh(), shlex.join(map(str, command))], False, input, timeout, stream=stream, binary=binary)
        if check and result.returncode != 0:
            raise CommandFailed(argv, Result(result.returncode, '' if binary else result.stdout, '' if binary else result.stderr))
        return result

    def connect(self, port, timeout=60):
        if port not in self.ports:
            raise ValueError(f'port {port} of a virtual machine is not forwarded (only {PORTS})')
        s = socket.create_connection(('127.0.0.1', self.ports[port]), timeout)
        return s

    def collect(self, target):
        target = super().collect(target)
        (target / 'serial.log').write_text(self._serial())
        return target

    def remove(self):
        if self.running:
            self.power_kill()
        end = time.monotonic() + 60
        while time.monotonic() < end and run(['rm', '-rf', self.directory], check=False, timeout=60).returncode:
            time.sleep(0.2)
        if self.directory.exists():
            say(f'{self.directory} could not be removed')
