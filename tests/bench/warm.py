# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests a second through nginx to an app that is awake, against plain nginx → the same app on TCP with kept connections.

Beside them the processor time that the node took for a request, which other work on the machine disturbs far less than it does the rate.

Both in one node: the same nginx, the same port 80, the same server.js, the same node binary, access log off. Left: the app as NanoScale deployed it
(its sandbox, its limits, the unix socket, the site that the helper wrote). Right: the app without a sandbox on 127.0.0.1, and the site that one
writes by hand. wrk asks from the hub, on the other end of a virtual cable: it is the same for both."""
import re

from apps_inline import api, deploy, node_app
from nodes import BASE_DOMAIN, run

from measure import Bench, Target, cpu_seconds, in_turn, median, medians, ratios, spread

CONNECTIONS = 32
PAIRS, SECONDS = 15, 3
ANSWER = 'hello from a small server'
SERVER = r'''
const http = require('node:http');
http.createServer((request, response) => { response.end('MARKER'); }).listen(process.env.PORT, process.env.HOST);
'''
NANOSCALE, PLAIN = f'tiny.{BASE_DOMAIN}', 'plain.bench.test'
PORT = 4321
# As the site of a project, with the name of the upstream and what a unix socket and a sandbox need taken away; `keepalive` as documented by nginx.
SITE = f'''upstream bench-plain {{
    server 127.0.0.1:{PORT};
    keepalive {CONNECTIONS};
}}
server {{
    listen 80;
    server_name {PLAIN};
    access_log off;
    location / {{
        proxy_pass http://bench-plain;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
'''


def load(lab, node, host, seconds):
    """One run of wrk: requests a second, and requests. An answer that is not a good one makes the run worthless."""
    out = run(['ip', 'netns', 'exec', lab.hub.namespace, 'wrk', '-t', '1', '-c', str(CONNECTIONS), '-d', f'{seconds}s',
               '-H', f'Host: {host}', f'http://{node.address}/'], timeout=seconds + 30).stdout
    if 'Non-2xx' in out or 'Socket errors' in out:
        raise RuntimeError(f'{host}: requests failed under load:\n{out}')
    return float(re.search(r'^Requests/sec:\s+([\d.]+)$', out, re.M)[1]), int(re.search(r'^\s+(\d+) requests in ', out, re.M)[1])


def start_plain(node, runtime):
    node.write('/srv/bench/server.js', SERVER.replace('MARKER', ANSWER))
    node.run(['systemd-run', '-q', '--unit=bench-plain', '--uid=www-data', f'--setenv=PORT={PORT}', '--setenv=HOST=127.0.0.1',
              '--setenv=NODE_ENV=production', f'/opt/nanoscale/runtimes/node-{runtime}/bin/node', '/srv/bench/server.js'])
    node.write('/etc/nginx/conf.d/bench-plain.conf', SITE)
    node.run(['nginx', '-t'])
    node.run(['systemctl', 'reload', 'nginx.service'])


def runtime_of(node, project, what):
    """The version of node or bun that a project is built and started with, from what the runner reads."""
    spec = node.read(f'/opt/nanoscale/specs/{api(node, "projects", "show", project)["id"]}/build')
    return re.search(rf'^{what} (\S+)$', spec, re.M)[1]


def measure(lab, short):
    seconds, pairs = (2, 2) if short else (SECONDS, PAIRS)
    git, node = lab.git, lab.node('bench', 'installed')
    git.create_repo('tiny', node_app(ANSWER, server=SERVER))
    deploy(node, git.url('tiny'), '--name', 'tiny')
    runtime = runtime_of(node, 'tiny', 'node')
    start_plain(node, runtime)
    for host in (NANOSCALE, PLAIN):
        assert node.wait_fetch('/', host=host).text == ANSWER, host
    cpu = {NANOSCALE: [], PLAIN: []}

    def ask(host):
        before = cpu_seconds(node)
        rate, requests = load(lab, node, host, seconds)
        cpu[host].append((cpu_seconds(node) - before) * 1e6 / requests)
        return rate
    sides = {'nanoscale': lambda: ask(NANOSCALE), 'plain': lambda: ask(PLAIN)}
    for side in sides.values():
        side()  # both programs compile what is hot
    for values in cpu.values():
        values.clear()
    rounds = in_turn(sides, pairs, 'requests/s', pause=0.5)
    found = ratios(rounds, 'nanoscale', 'plain')
    return {'ratio': median(found)}, {
        'requests_per_second': medians(rounds, 0), 'ratio_range': spread(found),
        'cpu_us_per_request': {'nanoscale': median(cpu[NANOSCALE], 1), 'plain': median(cpu[PLAIN], 1)},
        'ratio_cpu': median([plain / ours for ours, plain in zip(cpu[NANOSCALE], cpu[PLAIN])]), 'pairs': pairs, 'seconds_each': seconds,
        'connections': CONNECTIONS, 'node': runtime, 'nginx': node.run(['nginx', '-v']).stderr.strip().rsplit('/', 1)[-1]}


BENCH = Bench('warm', 'requests/s through nginx and an awake app, against plain nginx and the same app on TCP with kept connections',
              [Target('ratio', '', at_least=1.10)], measure)
