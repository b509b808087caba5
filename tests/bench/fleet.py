# SPDX-License-Identifier: AGPL-3.0-or-later
"""One orchestrator and many simulated workers (fleet_sim.py), which joined, were given projects and are asked how they are as real ones are.

cpu_percent: of one core, all threads of the agent, over a minute in which nobody asks it for anything. anon_mib: its anonymous memory after that, or after
the lists were read, whichever is more. projects_p99_ms, servers_p99_ms: a page of 100 at the agent's socket by one client, while the beats go on.
offline_noticed_s: from the moment when workers take requests and answer no more (the slowest way to find out) until the last of them is shown as offline."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

from gateway import SOCKET as GATEWAY
from nodes import REPOSITORY, say, wait_until
from nodes.proc import run

from measure import Bench, Target
from sleeper import SOCKET

WORKERS, PROJECTS = 1000, 10
FIRST_PORT = 10001
CLIENTS = 8
SECONDS, ASKED, MUTED = 60, 500, 10
SETTLE = 15  # a beat of each, and what follows from it
PATIENCE = 900
NGINX = '''worker_processes 1;
worker_rlimit_nofile 16384;
pid /run/fleet.pid;
error_log /var/log/nginx/fleet.log;
events { worker_connections 8192; }
http {
	access_log off;
	# A key of its own for each worker, read when a connection begins.
	ssl_certificate /etc/nginx/fleet/$server_port.pem;
	ssl_certificate_key /etc/nginx/fleet/$server_port.pem;
	ssl_protocols TLSv1.3;
	ssl_session_tickets off;
	ssl_session_cache off;
	keepalive_timeout 2m;
	keepalive_requests 1000000;
	keepalive_time 24h;
	client_body_buffer_size 64k;
	proxy_read_timeout 10m;
	upstream fleet { server unix:/run/fleet.sock; keepalive 64; }
	server {
		%s
		location / {
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header X-Sim-Port $server_port;
			proxy_next_upstream off;
			proxy_buffering off;
			proxy_pass http://fleet;
		}
	}
}
'''


# What the public key of an elliptic curve of 256 bits begins with, in a certificate; the pin is the hash of that and the 65 bytes behind it.
SPKI = bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d030107034200')


def make_key(directory, port):
    """Makes the file of key and certificate; the key's pin."""
    path = directory / f'{port}.pem'
    run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=node',
         '-keyout', path, '-out', directory / f'{port}.certificate'])
    certificate = (directory / f'{port}.certificate').read_text()
    (directory / f'{port}.certificate').unlink()
    with open(path, 'a') as file:
        file.write(certificate)
    path.chmod(0o644)  # a worker process of nginx reads it; it is good for nothing else
    der = ssl.PEM_cert_to_DER_cert(certificate)
    at = der.index(SPKI)
    return hashlib.sha256(der[at:at + len(SPKI) + 65]).hexdigest()


class Line(http.client.HTTPConnection):
    """A connection to a unix socket of a node that is kept."""

    def __init__(self, node, path):
        super().__init__('agent', timeout=120)
        self.path = f'/proc/{node.leader}/root{path}'

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None, status=(200,)):
        headers = {'Content-Type': 'application/json'} if body is not None else {}
        self.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.getresponse()
        data = answer.read()
        if answer.status not in status:
            raise RuntimeError(f'{method} {path}: {answer.status} {data[:300]!r}')
        return json.loads(data) if data else None


class Simulator:
    """The workers: nginx in a node, and the program behind it on the machine, which is reached over a socket in the node."""

    def __init__(self, lab, count):
        self.node, self.ports = lab.node('fleet', 'git'), range(FIRST_PORT, FIRST_PORT + count)
        self.lock = threading.Lock()
        directory = lab.directory / 'fleet-keys'
        directory.mkdir()
        with concurrent.futures.ThreadPoolExecutor(2) as makers:
            self.pins = dict(zip(self.ports, makers.map(lambda port: make_key(directory, port), self.ports)))
        self.node.put(directory, '/etc/nginx/fleet')

    def start(self, version):
        argv = [sys.executable, str(REPOSITORY / 'tests/bench/fleet_sim.py'), f'/proc/{self.node.leader}/root/run/fleet.sock', version]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # it listens
        listen = '\n\t\t'.join(f'listen {port} ssl http2 backlog=64;' for port in self.ports)
        self.node.write('/etc/nginx/fleet.conf', NGINX % listen)
        self.node.run(['nginx', '-c', '/etc/nginx/fleet.conf'])

    def tell(self, **command):
        with self.lock:
            self.process.stdin.write(json.dumps(command) + '\n')
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('the simulator has ended')
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


class Subject:
    def __init__(self, lab, workers):
        self.node, self.simulator = lab.node('bench', 'installed'), Simulator(lab, workers)
        self.lines = threading.local()
        self.simulator.start(self.ask('GET', '/api/health')['version'])

    def ask(self, method, path, body=None, status=(200,), at=SOCKET):
        """Over a connection of this thread's own."""
        kept = self.lines.__dict__
        if at == GATEWAY:  # none is kept there
            with contextlib.closing(Line(self.node, at)) as line:
                return line.ask(method, path, body, status)
        if at not in kept:
            kept[at] = Line(self.node, at)
        return kept[at].ask(method, path, body, status)

    def each(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            return list(clients.map(function, items))

    def join(self, port):
        """As `agent --join` does it, but at the agent's side of nginx, which lets one address join twelve times a minute."""
        string = self.ask('POST', '/api/cluster/generate-token', {}, (201,))['join']
        answer = self.ask('POST', '/api/cluster/join', {'token': string.split('.')[1], 'name': f'sim-{port}', 'ip': self.simulator.node.address, 'port': port,
                                                        'public_key': self.simulator.pins[port], 'version': 'simulated'}, (201,), GATEWAY)
        self.simulator.tell(port=port, server=answer['server_id'], secret=answer['secret_key'])

    def gather(self):
        """All join; then each is given its projects, over the API."""
        project = {'repo_url': 'https://git.test/tiny.git', 'env': {f'KEY_{i}': f'value {i}' for i in range(5)}}
        self.simulator.tell(template=self.ask('POST', '/api/projects', {**project, 'name': 'template'}, (201,)))
        begin = time.monotonic()
        self.each(self.join, self.simulator.ports)
        joined = time.monotonic() - begin
        self.await_online()
        begin = time.monotonic()
        self.each(lambda item: self.ask('POST', '/api/projects', {**project, 'name': f'app-{item[0]}-{item[1]}', 'server': f'sim-{item[0]}'}, (201,)),
                  [(port, n) for n in range(PROJECTS) for port in self.simulator.ports])
        placed = time.monotonic() - begin
        say(f'{len(self.simulator.ports)} workers joined in {joined:.0f} s, and were given {PROJECTS} projects each in {placed:.0f} s')
        return {'join_s': round(joined, 1), 'place_s': round(placed, 1)}

    def online(self):
        return sum(server['status'] == 'online' for server in self.servers() if server['name'].startswith('sim-'))

    def servers(self):
        return list(self.walk('servers'))

    def walk(self, what):
        after = ''
        while after is not None:
            answer = self.ask('GET', f'/api/{what}?limit=100{after}')
            yield from answer[what]
            after = f'&after={answer["next"]}' if answer.get('next') else None

    def await_online(self):
        wait_until(lambda: self.online() == len(self.simulator.ports), PATIENCE, 0.5, 'all workers online')

    def restart(self):
        """As after an upgrade: everything in the database, no connection, and all workers have something to say."""
        self.lines = threading.local()
        self.node.run(['systemctl', 'restart', 'nanoscale-agent.service'], via='pid1')
        begin = time.monotonic()
        self.await_online()
        return time.monotonic() - begin

    def pid(self):
        return self.node.state('nanoscale-agent.service', 'MainPID')

    def anon_mib(self, when):
        text = self.node.read(f'/proc/{self.pid()}/smaps_rollup')
        value = int(re.search(r'^Anonymous: +(\d+) kB$', text, re.M)[1]) / 1024
        say(f'{when}: {value:.1f} MiB of anonymous memory')
        return round(value, 1)

    def cpu(self, seconds):
        """(agent, simulator, beats per second) in per cent of a core."""
        pid = self.pid()

        def used():
            lines = self.node.output('sh', '-c', f'cat /proc/{pid}/task/*/schedstat').splitlines()
            return sum(int(line.split()[0]) for line in lines) / 1e9, self.simulator.tell(count=True)
        (before, counted), begin = used(), time.monotonic()
        time.sleep(seconds)
        (after, counts), passed = used(), time.monotonic() - begin
        say(f'the agent used {(after - before) / passed * 100:.2f} % of a core')
        return [(after - before) / passed * 100, (counts['cpu_seconds'] - counted['cpu_seconds']) / passed * 100, (counts['health'] - counted['health']) / passed]

    def latency(self, what, times):
        """Milliseconds of pages, in turn through the whole list, until their last byte."""
        found, after = [], ''
        self.lines = threading.local()  # the agent has closed what was silent for a minute
        while len(found) < times:
            begin = time.monotonic()
            answer = self.ask('GET', f'/api/{what}?limit=100{after}')
            found.append((time.monotonic() - begin) * 1000)
            after = f'&after={answer["next"]}' if answer.get('next') else ''
            time.sleep(0.02)
        return sorted(found)

    def notice(self, count):
        """Seconds until each of `count` workers that answer no more is shown as offline."""
        self.lines = threading.local()
        ports = list(self.simulator.ports)[::len(self.simulator.ports) // count][:count]  # their turns are spread over the ten seconds
        begin, noticed = time.monotonic(), {}
        self.simulator.tell(mute=ports)

        def all_seen():
            for port in ports:
                if port not in noticed and self.ask('GET', f'/api/servers/sim-{port}')['status'] == 'offline':
                    noticed[port] = time.monotonic() - begin
            return len(noticed) == count
        wait_until(all_seen, 300, 0.1, 'workers that do not answer are shown as offline')
        return sorted(noticed.values())


def percentile(values, part):
    return round(values[min(len(values) - 1, int(len(values) * part))], 2)


def measure(lab, short):
    subject = Subject(lab, 100 if short else WORKERS)
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(subject.simulator.stop)
        detail = subject.gather()
        counted = subject.simulator.tell(count=True)  # some beats came before the simulator knew the worker's key
        detail['online_after_restart_s'] = round(subject.restart(), 1)
        time.sleep(SETTLE)
        known = sum(project['status'] != 'unreachable' for project in subject.walk('projects')) - 1
        cpu, simulator, beats = subject.cpu(10 if short else SECONDS)
        idle = subject.anon_mib('asked for nothing')
        pages = {what: subject.latency(what, 50 if short else ASKED) for what in ('projects', 'servers')}
        used = subject.anon_mib('lists were read')
        noticed = subject.notice(1 if short else MUTED)
        counts = {key: value - counted[key] for key, value in subject.simulator.tell(count=True).items()}
    if counts['refused'] or counts['absent'] or known != len(subject.simulator.ports) * PROJECTS:
        raise RuntimeError(f'{known} projects are known; the simulator says: {counts}')
    return {'cpu_percent': round(cpu, 2), 'anon_mib': max(idle, used), 'projects_p99_ms': percentile(pages['projects'], 0.99),
            'servers_p99_ms': percentile(pages['servers'], 0.99), 'offline_noticed_s': round(noticed[-1], 1)}, {
        **detail, 'workers': len(subject.simulator.ports), 'projects': known, 'beats_per_second': round(beats, 1), 'anon_mib_idle': idle,
        'anon_mib_lists_read': used, 'p50_ms': {what: percentile(values, 0.5) for what, values in pages.items()},
        'offline_noticed_each_s': [round(value, 1) for value in noticed], 'simulator_cpu_percent': round(simulator, 1), 'simulator': counts}


BENCH = Bench('fleet', f'one orchestrator with {WORKERS} simulated workers and {WORKERS * PROJECTS} projects',
              [Target('cpu_percent', '%', at_most=5), Target('anon_mib', 'MiB', at_most=64), Target('projects_p99_ms', 'ms', at_most=20),
               Target('servers_p99_ms', 'ms', at_most=20), Target('offline_noticed_s', 's', at_most=35)], measure)
