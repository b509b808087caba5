# SPDX-License-Identifier: AGPL-3.0-or-later
"""An app that sleeps and wakes in a node, the same app started by hand, and how long either takes to answer."""
import time

from apps_inline import api, deploy, node_app
from loadclient import compile_client
from nodes import BASE_DOMAIN, REPOSITORY, files_of, wait_until

SOCKET = '/run/nanoscale/agent.sock'
CLIENT = '/srv/bench/firstanswer'
PORT_BY_HAND = 4322
# What a machine does behind an answer (a drain, a log, a garbage collection) is over before the next measurement begins.
QUIET = 1.0
NODE = '22'
SAMPLE = 'examples/nextjs'
TINY = r'''
const http = require('node:http');
http.createServer((request, response) => { response.end('hello from a small server'); }).listen(process.env.PORT, process.env.HOST);
'''


def call(node, method, path, body=None, status=(200,), timeout=120):
    """A request to the agent's HTTP API."""
    answer = node.fetch_unix(SOCKET, path, method=method, body=body, timeout=timeout)
    if answer.status not in status:
        raise RuntimeError(f'{method} {path}: {answer!r}')
    return answer.json()


def place_client(lab, node):
    """Our own client in the node, so that nothing but nginx, kernel and app are in the measured time."""
    program = compile_client(lab.directory, REPOSITORY / 'tests/bench/firstanswer.c')
    node.write(CLIENT, program.read_bytes(), 0o755)


def deploy_tiny(lab, node, name='tiny'):
    lab.git.create_repo(name, node_app(server=TINY))
    deploy(node, lab.git.url(name), '--name', name, '--start', 'node server.js', '--node', NODE)
    return Sleeper(node, name)


def deploy_next(lab, node, name='shop'):
    lab.git.create_repo(name, files_of(REPOSITORY / SAMPLE))
    deploy(node, lab.git.url(name), '--name', name, '--node', NODE, timeout=1500)
    return Sleeper(node, name)


class Sleeper:
    """A deployed project."""

    def __init__(self, node, name):
        self.node, self.name, self.host = node, name, f'{name}.{BASE_DOMAIN}'
        self.id = api(node, 'projects', 'show', name)['id']
        self.user = f'nanoscale-{self.id}'
        node.wait_fetch('/', host=self.host, timeout=60)

    @property
    def slot(self):
        """The one that `live` points to."""
        return self.node.output('readlink', f'/run/nanoscale/apps/{self.id}/live')[0]

    def unit(self, slot, kind='service'):
        return f'{self.user}@{slot}.{kind}'

    def status(self):
        return call(self.node, 'GET', f'/api/projects/{self.name}')

    def spec(self):
        lines = self.node.read(f'/opt/nanoscale/specs/{self.id}/{self.slot}').splitlines()
        return dict(line.split(' ', 1) for line in lines if ' ' in line)

    # Asleep
    def fall_asleep(self, kind):
        """Returns when `live` points to a slot of that kind. Asks again while another switch is not over (its drain, mostly)."""
        path = f'/api/projects/{self.name}/sleep'

        def asked():
            answer = self.node.fetch_unix(SOCKET, path, method='POST', body={'kind': kind}, timeout=120)
            if answer.status != 200 and not (answer.status == 409 and 'busy' in answer.text):
                raise RuntimeError(f'{path}: {answer!r}')
            return answer.status == 200
        wait_until(asked, 180, 0.2, f'{self.name} goes to sleep')

    def sleep(self, kind):
        """Returns when all that belongs to it is over: the old slot is gone, the new one waits."""
        self.fall_asleep(kind)
        wait_until(lambda: self.settled(kind), 60, 0.1, f'{self.name} {kind}')
        time.sleep(QUIET)
        if not self.settled(kind):
            raise RuntimeError(f'{self.name} was woken by something else than this benchmark')

    def settled(self, kind):
        live = self.slot
        other = 'b' if live == 'a' else 'a'
        return self._is(live, kind) and self.node.state(self.unit(other)) in ('inactive', 'failed')

    def _is(self, slot, kind):
        unit = self.node.state(self.unit(slot), 'ActiveState', 'MainPID')
        if kind == 'asleep':
            return unit['ActiveState'] in ('inactive', 'failed') and self.node.state(self.unit(slot, 'socket')) == 'active'
        return unit['ActiveState'] == 'active' and self.program(unit['MainPID']).startswith('nanoscale-run')

    def program(self, pid):
        return self.node.run(['cat', f'/proc/{pid}/comm'], check=False).stdout

    # Answers, in seconds
    def first_answer(self, host=None, path='/'):
        """Through nginx, from the start of the connection until the last byte."""
        return int(self.node.output(CLIENT, 'ask', '80', host or self.host, path)) / 1e6

    def woken(self, kind):
        self.sleep(kind)
        return self.first_answer()

    def by_hand(self, path='/'):
        """Starts the same release as the same user with the same node binary, without sandbox and limits, in the same cgroup tree."""
        spec = self.spec()
        node, root = f'/opt/nanoscale/runtimes/node-{spec["node"]}/bin/node', spec.get('root', '')
        program, *arguments = spec['start'].split()
        if program != 'node':
            raise RuntimeError(f'{self.name} starts with {spec["start"]}')
        time.sleep(QUIET)
        env = {'PORT': str(PORT_BY_HAND), 'HOST': '127.0.0.1', 'HOSTNAME': '127.0.0.1', 'NODE_ENV': 'production', 'NEXT_TELEMETRY_DISABLED': '1'}
        result = self.node.run([CLIENT, 'start', str(PORT_BY_HAND), path, node, *arguments], user=self.user, env=env,
                               cwd=f'/opt/nanoscale/sites/{self.id}/source/{spec["release"]}/{root}', via='pid1')
        return int(result.stdout) / 1e6
