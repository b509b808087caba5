# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many projects on one node that nobody asks for anything: 500 asleep, and 100 armed.

The first project of each kind is deployed and put to sleep by the product; the others are copies of what the product made of it: user, home, release,
units, tmpfiles entry, specs, site, rows of the database, with id, name and uid replaced. So each is what a deployment leaves, without half an hour of
deployments. Some of them are asked at the end, and must answer.

bytes_per_project: what agent, systemd and nginx have more of anonymous memory (proportionally, nginx's processes share theirs) with 499 more projects
asleep, for each; both after nginx was reloaded twice: it holds two configurations for a moment, and keeps that heap. bytes_per_armed: all that the
cgroup of an armed slot is charged for, memory of the kernel's among it. reload_s: from the command until nginx's old workers are gone.
agent_cpu_percent: of one core, over a minute."""
import contextlib
import os
import sqlite3
import statistics
import time

from nodes import BASE_DOMAIN, say, wait_until
from nodes.container import CGROUPS, PURE_V2

from measure import Bench, Target, median
from sleeper import call, deploy_tiny

ASLEEP, ARMED = 500, 100
IDLE_SECONDS = 60
SETTLE = 5
DATABASE = '/opt/nanoscale/data/nanoscale.db'
AGENT = ['nanoscale-agent.socket', 'nanoscale-agent.service']
# What a project is on disk; {id} in a path or in a text becomes the copy's.
TEXTS = ['/etc/systemd/system/nanoscale-{id}@.service', '/etc/systemd/system/nanoscale-{id}@.socket', '/etc/systemd/system/nanoscale-build-{id}.service',
         '/etc/tmpfiles.d/nanoscale-{id}.conf', '/etc/nginx/sites-available/nanoscale-{id}.conf', '/etc/default/nanoscale-{id}',
         '/opt/nanoscale/specs/{id}/a', '/opt/nanoscale/specs/{id}/b', '/opt/nanoscale/specs/{id}/build']
LINKS = ['/etc/nginx/sites-enabled/nanoscale-{id}.conf', '/etc/systemd/system/sockets.target.wants/nanoscale-{id}@a.socket',
         '/etc/systemd/system/sockets.target.wants/nanoscale-{id}@b.socket']


class Copies:
    """Makes projects out of one that sleeps, in a node whose agent is stopped."""

    def __init__(self, node, first):
        self.node, self.first = node, first
        self.root = node.root
        # The node's own process sees what the node sees; this tree is only read and written while nothing in it changes.
        self.uids = {int(line.split(':')[2]) for line in self._path('/etc/passwd').read_text().splitlines()}

    def _path(self, path):
        return self.root / path.lstrip('/')

    def make(self, names):
        """{name: id} of the copies."""
        made, lines = {}, {'passwd': [], 'group': [], 'shadow': []}
        uid = 50000
        for n, name in enumerate(names):
            new = f'{self.first.name[:2]}{n:010d}'
            while uid in self.uids:
                uid += 1
            self.uids.add(uid)
            made[name] = new
            for file, into in lines.items():
                line = next(x for x in self._path(f'/etc/{file}').read_text().splitlines() if x.startswith(f'{self.first.user}:'))
                own = str(self.uid_of_first())
                into.append(line.replace(self.first.id, new).replace(f':{own}:', f':{uid}:').replace(f':{own}:', f':{uid}:'))
            self._files(new, name, uid)
        for file, new_lines in lines.items():
            with open(self._path(f'/etc/{file}'), 'a') as f:
                f.write(''.join(line + '\n' for line in new_lines))
        self._rows(made)
        return made

    def uid_of_first(self):
        return self._path(f'/opt/nanoscale/sites/{self.first.id}').stat().st_uid

    def _files(self, new, name, uid):
        old = self.first.id

        def text_of(text):
            return text.replace(old, new).replace(self.first.host, f'{name}.{BASE_DOMAIN}')
        for pattern in TEXTS:
            source = self._path(pattern.format(id=old))
            if not source.exists():
                continue
            target, there = self._path(pattern.format(id=new)), source.stat()
            if not target.parent.exists():
                target.parent.mkdir()
                os.chown(target.parent, source.parent.stat().st_uid, source.parent.stat().st_gid)
            target.write_text(text_of(source.read_text()))
            target.chmod(there.st_mode & 0o7777)
            os.chown(target, there.st_uid, uid if there.st_gid == self.uid_of_first() else there.st_gid)
        for pattern in LINKS:
            source = self._path(pattern.format(id=old))
            if source.is_symlink():
                self._path(pattern.format(id=new)).symlink_to(text_of(os.readlink(source)))
        self._tree(self._path(f'/opt/nanoscale/sites/{old}'), self._path(f'/opt/nanoscale/sites/{new}'), uid)

    def _tree(self, source, target, uid):
        own = self.uid_of_first()
        there = source.lstat()
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.is_dir():
            target.mkdir()
            for child in source.iterdir():
                self._tree(child, target / child.name, uid)
        else:
            target.write_bytes(source.read_bytes())
        os.chown(target, uid if there.st_uid == own else there.st_uid, uid if there.st_gid == own else there.st_gid, follow_symlinks=False)
        if not source.is_symlink():
            target.chmod(there.st_mode & 0o7777)

    def _rows(self, made):
        """Each row of the first project in each table, once more with the copy's ids."""
        with contextlib.closing(sqlite3.connect(self._path(DATABASE))) as database, database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
            deployments = [row[0] for row in database.execute('SELECT id FROM deployments WHERE project_id = ?', (self.first.id,))]
            for name, new in made.items():
                replaced = {self.first.id: new, self.first.name: name}
                # A deployment's id is one of a kind too; the copy's is of the same length.
                replaced |= {old: f'{new[:2]}{n:02d}{new[4:]}'[::-1] for n, old in enumerate(deployments)}
                for table in tables:
                    key = {'projects': 'id', 'deployments': 'project_id', 'releases': 'project_id', 'wakes': 'project_id'}.get(table)
                    if key:
                        self._copy(database, table, f'{key} = ?', (self.first.id,), replaced)
                for old in deployments:
                    self._copy(database, 'steps', 'deployment_id = ?', (old,), replaced)
        # The database was written as root: what SQLite left beside it is the agent's.
        self.node.run(['chown', '-R', 'nanoscale:nanoscale', os.path.dirname(DATABASE)])

    @staticmethod
    def _copy(database, table, where, values, replaced):
        for row in database.execute(f'SELECT * FROM {table} WHERE {where}', values).fetchall():
            database.execute(f'INSERT INTO {table} VALUES ({",".join("?" * len(row))})', [replaced.get(value, value) for value in row])


class Subject:
    def __init__(self, lab):
        self.node = lab.node('bench', 'installed')
        self.asleep = deploy_tiny(lab, self.node, 'asleep')
        self.armed = deploy_tiny(lab, self.node, 'armed')
        self.asleep.sleep('asleep')
        self.armed.sleep('armed')

    def copy(self, first, count):
        """Copies a project and starts what the next boot would start, and the agent."""
        slot, names = first.slot, [f'{first.name}-{n}' for n in range(count)]
        self.node.run(['systemctl', 'stop', *AGENT])
        made = Copies(self.node, first).make(names)
        self.node.run(['systemctl', 'daemon-reload'], timeout=300)
        self.node.run(['systemd-tmpfiles', '--create', *(f'nanoscale-{i}.conf' for i in made.values())], timeout=300)
        kinds = ['socket'] if first is self.asleep else ['socket', 'service']
        for kind in kinds:
            units = [f'nanoscale-{i}@{slot}.{kind}' for i in made.values()]
            for at in range(0, len(units), 50):
                self.node.run(['systemctl', 'start', *units[at:at + 50]], timeout=600)
        self.node.run(['nginx', '-t'])
        self.node.run(['systemctl', 'reload', 'nginx.service'])
        self.restart_agent()
        kind = 'asleep' if first is self.asleep else 'armed'
        wait_until(lambda: self.count(kind) == count + 1, 120, 1, f'{count + 1} projects {kind}')
        return made

    def restart_agent(self):
        """As the two sides of a difference have it: an agent that has just started."""
        self.node.run(['systemctl', 'stop', *AGENT])
        self.node.run(['systemctl', 'start', *AGENT])
        call(self.node, 'GET', '/api/health')
        time.sleep(SETTLE)

    def count(self, kind):
        found, path = 0, '/api/projects?limit=500'
        after = ''
        while True:
            answer = call(self.node, 'GET', path + after)
            found += sum(project['sleep']['kind'] == kind for project in answer['projects'])
            if not answer.get('next'):
                return found
            after = f'&after={answer["next"]}'

    def memory(self):
        """Anonymous memory, proportionally, of each program of the node."""
        script = r'''my %s; for my $p (glob "/proc/[0-9]*") { open(my $c, "<", "$p/comm") or next; chomp(my $n = <$c> // next); open(my $f, "<", "$p/smaps_rollup") or next;
while (<$f>) { $s{$n} += $2 * 1024 if /^Pss_(Anon): +(\d+) kB/ } } print "$_ $s{$_}\n" for sort keys %s;'''
        found = {}
        for line in self.node.output('perl', '-e', script).splitlines():
            name, value = line.rsplit(' ', 1)
            found[name] = int(value)
        return found

    def ours(self):
        """All in the state that they are in for most of their life: nginx reloaded (it holds two configurations meanwhile, and keeps that heap), the agent
        started and asked for nothing but one page of projects."""
        for _ in range(2):
            self.reload()
        self.restart_agent()
        call(self.node, 'GET', '/api/projects?limit=50')
        found = self.memory()
        values = {'agent': found.get('agent', 0), 'systemd': found.get('systemd', 0), 'nginx': found.get('nginx', 0)}
        if not all(values.values()):
            raise RuntimeError(f'agent, systemd or nginx is not among the programs of the node: {found}')
        say(', '.join(f'{name} {value / 2**20:.2f} MiB' for name, value in values.items()))
        return values

    def armed_bytes(self, ids):
        """(all that the cgroup is charged for, resident and anonymous memory of the runner) of each armed slot."""
        base, file = (CGROUPS / self.node.machine, 'memory.current') if PURE_V2 else (CGROUPS / 'memory' / self.node.machine, 'memory.usage_in_bytes')
        charged = [int(path.read_text()) for path in base.glob(f'**/nanoscale-*@?.service/{file}') if path.parent.name[10:22] in ids]
        script = r'''for my $p (glob "/proc/[0-9]*") { open(my $c, "<", "$p/comm") or next; next unless <$c> =~ /^nanoscale-run/; open(my $f, "<", "$p/smaps_rollup") or next;
my %v; while (<$f>) { $v{$1} = $2 * 1024 if /^(Rss|Anonymous|Pss): +(\d+) kB/ } print "$v{Rss} $v{Pss} $v{Anonymous}\n" }'''
        resident = [tuple(map(int, line.split())) for line in self.node.output('perl', '-e', script).splitlines()]
        return charged, resident

    def reload(self):
        """nginx -t and reload as the helper does it, until its old workers are gone."""
        def workers():
            script = 'for my $p (glob "/proc/[0-9]*") { open(my $f, "<", "$p/cmdline") or next; print "$p\n" if (<$f> // "") =~ /^nginx: worker process/ }'
            return set(self.node.output('perl', '-e', script).split())
        old = workers()
        begin = time.monotonic()
        self.node.run(['nginx', '-t'])
        self.node.run(['systemctl', 'reload', 'nginx.service'])
        wait_until(lambda: not old & workers(), 60, 0.01, 'new workers')
        return time.monotonic() - begin

    def agent_cpu(self, seconds):
        pid = self.node.state('nanoscale-agent.service', 'MainPID')

        def used():
            """Of all its threads, in seconds."""
            return sum(int(line.split()[0]) for line in self.node.output('sh', '-c', f'cat /proc/{pid}/task/*/schedstat').splitlines()) / 1e9
        before, begin = used(), time.monotonic()
        time.sleep(seconds)
        return (used() - before) / (time.monotonic() - begin) * 100


def measure(lab, short):
    asleep, armed = (20, 5) if short else (ASLEEP, ARMED)
    subject = Subject(lab)
    subject.restart_agent()
    few = subject.ours()
    sleepers = subject.copy(subject.asleep, asleep - 1)
    many = subject.ours()
    reloads = [subject.reload() for _ in range(1 if short else 5)]
    waiters = subject.copy(subject.armed, armed - 1)
    with_armed = subject.ours()
    charged, resident = subject.armed_bytes({subject.armed.id, *waiters.values()})
    if len(charged) != armed or len(resident) != armed:
        raise RuntimeError(f'{len(charged)} cgroups and {len(resident)} runners of {armed} armed slots')
    cpu = subject.agent_cpu(5 if short else IDLE_SECONDS)
    for name in (*list(sleepers)[:2], *list(waiters)[-2:]):
        begin = time.monotonic()
        subject.node.wait_fetch('/', host=f'{name}.{BASE_DOMAIN}', timeout=30)
        say(f'{name} answers, after {time.monotonic() - begin:.2f} s')
    per = {name: round((many[name] - few[name]) / (asleep - 1)) for name in many}
    return {'agent_cpu_percent': round(cpu, 3), 'bytes_per_project': sum(per.values()), 'bytes_per_armed': round(statistics.median(charged)),
            'reload_s': median(reloads)}, {
        'asleep': asleep, 'armed': armed, 'bytes_per_project_by_program': per, 'bytes_before': few, 'bytes_with_asleep': many,
        'armed_resident': [round(statistics.median(values)) for values in zip(*resident)], 'armed_resident_is': ['rss', 'pss', 'anonymous'],
        'bytes_per_armed_of_others': {name: round((with_armed[name] - many[name]) / (armed - 1)) for name in many},
        'reload_s_each': [round(value, 2) for value in reloads]}


BENCH = Bench('density', f'{ASLEEP} projects asleep on one node, and {ARMED} armed',
              [Target('agent_cpu_percent', '%', at_most=0.5), Target('bytes_per_project', 'B', at_most=32 * 1024),
               Target('bytes_per_armed', 'B', at_most=800 * 1024), Target('reload_s', 's', at_most=2)], measure)
