# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every node can do, whether it is a container or a virtual machine."""
import io
import json
import os
import pathlib
import shlex
import tarfile

from .fetch import fetch
from .proc import PATIENCE, wait_until


class Node:
    """A Debian machine with systemd. Subclasses bring: run, boot, power_kill, power_off, pause, resume, cut, join, connect, running."""

    kind = ''

    def __init__(self, lab, name, address):
        self.lab, self.name, self.address = lab, name, address
        self.directory = lab.directory / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.console = self.directory / 'console.log'

    def __repr__(self):
        return f'<{self.kind} {self.name} {self.address}>'

    def output(self, *argv, **options):
        """Standard output of a command that must succeed, without the last newline."""
        return self.run(list(argv), **options).stdout.rstrip('\n')

    # Files. All of it runs inside the node, so that a link in it leads to where the node sees it, never to a file of the machine.
    def write(self, path, data, mode=0o644, owner='root:root'):
        user, group = owner.split(':')
        self.run(['install', '-D', '-m', f'{mode:o}', '-o', user, '-g', group, '/dev/stdin', path], input=data)

    def read(self, path, binary=False):
        return self.run(['cat', '--', path], binary=binary).stdout

    def exists(self, path):
        return self.run(['test', '-e', path], check=False).ok

    def put(self, source, path, exclude=()):
        """Copies a directory's contents, or one file, into the node."""
        source, buffer = pathlib.Path(source), io.BytesIO()
        with tarfile.open(fileobj=buffer, mode='w') as tar:
            if source.is_dir():
                target = path
                for child in sorted(source.iterdir()):
                    if child.name not in exclude:
                        tar.add(child, child.name, filter=_as_root)
            else:
                target, name = os.path.split(path)
                tar.add(source, name, filter=_as_root)
        self.unpack(buffer.getvalue(), target)

    def unpack(self, tar, path):
        self.run(['mkdir', '-p', path])
        self.run(['tar', '-C', path, '-x', '--no-same-owner'], input=tar, timeout=300)

    def get(self, path, target):
        """Copies a directory or file out of the node into the directory `target`."""
        parent, name = os.path.split(path.rstrip('/'))
        data = self.run(['tar', '-C', parent or '/', '-c', name], binary=True, timeout=300).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(target)

    def owner_and_mode(self, path):
        """'user:group 0755' of a path, the link itself where it is one."""
        user, group, mode = self.output('stat', '-c', '%U %G %a', '--', path).split()
        return f'{user}:{group} {int(mode, 8):04o}'

    # Journal
    def journal(self, unit=None, namespace=None, boot='0', extra=()):
        """Entries as dictionaries with text values, oldest first. boot=None: of all boots."""
        argv = ['journalctl', '-q', '-o', 'json', '--all', '--no-pager', *extra]
        if namespace:
            argv += [f'--namespace={namespace}']
        self.run(['journalctl', *([f'--namespace={namespace}'] if namespace else []), '--sync'], check=False)
        if boot is not None:
            argv += ['-b', boot]
        if unit:
            argv += [f'_SYSTEMD_UNIT={unit}']
        out = self.run(argv, check=False, timeout=PATIENCE).stdout
        return [{k: _text(v) for k, v in json.loads(line).items()} for line in out.splitlines() if line.startswith('{')]

    def journal_text(self, unit=None, namespace=None, **options):
        return '\n'.join(e.get('MESSAGE', '') for e in self.journal(unit, namespace, **options))

    # systemd
    def state(self, unit, *properties):
        """One property's value, or a dictionary of several. Without a name: ActiveState."""
        wanted = properties or ('ActiveState',)
        out = self.output('systemctl', 'show', '-p', ','.join(wanted), '--', unit)
        values = dict(line.split('=', 1) for line in out.splitlines() if '=' in line)
        return values if len(wanted) > 1 else values.get(wanted[0], '')

    def wait_active(self, unit, timeout=PATIENCE):
        wait_until(lambda: self.state(unit) == 'active', timeout, 0.2, f'{unit} active on {self.name}')

    # HTTP
    def fetch(self, url, host=None, method='GET', body=None, headers=None, timeout=60, ca=None):
        """A request from outside the node. `url` is a path, or an address whose host name goes into the Host header (no name is looked up)."""
        return fetch(lambda port, limit: self.connect(port, limit), url, host, method, body, headers, timeout, ca)

    def wait_fetch(self, url, status=200, timeout=PATIENCE, **options):
        """Asks until the status is there, and returns that answer: a reload of nginx is asynchronous."""
        def ask():
            answer = self.fetch(url, **options)
            return answer if answer.status == status else None
        return wait_until(ask, timeout, 0.1, f'{status} from {url} on {self.name}')

    # Evidence
    def evidence(self):
        """(file name, command) pairs whose output is kept when a test failed."""
        return [('units.txt', ['systemctl', '--no-pager', '--all', 'list-units', 'nanoscale*', 'nginx*']),
                ('failed.txt', ['systemctl', '--no-pager', '--failed']),
                ('nginx-error.log', ['cat', '/var/log/nginx/error.log']),
                ('processes.txt', ['ps', '-e', '-o', 'user:32,pid,ppid,rss,args'])]

    def collect(self, target):
        """Keeps what tells how it came: console, journals of all boots and namespaces, deployment logs."""
        target = pathlib.Path(target) / self.name
        target.mkdir(parents=True, exist_ok=True)
        if self.console.exists():
            (target / 'console.log').write_bytes(self.console.read_bytes())
        if not self.running:
            return target
        commands = [('journal.txt', ['journalctl', '--no-pager', '-q', '-a', '-o', 'short-precise']),
                    ('journal-nanoscale.txt', ['journalctl', '--no-pager', '-q', '-a', '-o', 'short-precise', '--namespace=nanoscale']),
                    *self.evidence()]
        for name, argv in commands:
            try:
                result = self.run(argv, check=False, timeout=60)
                if result.stdout:
                    (target / name).write_text(result.stdout)
            except (OSError, TimeoutError) as error:
                (target / name).write_text(f'{shlex.join(argv)}: {error}\n')
        try:
            if self.exists('/opt/nanoscale/data/logs'):
                self.get('/opt/nanoscale/data/logs', target)
        except Exception as error:  # a node in any state: what can be kept is kept
            (target / 'logs.error').write_text(f'{error}\n')
        return target


def _as_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = 'root'
    return info


def _text(value):
    """journalctl prints fields with control characters as arrays of bytes, and repeated fields as arrays of values."""
    if isinstance(value, list):
        if all(isinstance(v, int) for v in value):
            return bytes(value).decode(errors='replace')
        return _text(value[-1])
    return '' if value is None else value
