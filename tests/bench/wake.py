# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first request to an app that sleeps, until its last byte, through nginx and in the strict sandbox.

Against starting the same app by hand: the same release, node binary and user, without sandbox, limits and nginx, and asking every 0.5 ms until it
answers. Both by one small client in the node (firstanswer.c), which has been started before the clock runs.

wake: armed, its sandbox stands and the runner waits in it. wake-deep: asleep, only the socket is there, so that the sandbox is built in the
measured time. wake-peer: armed, against what systemd has of its own for this: nginx, then systemd-socket-proxyd, which starts the app and
waits until it is ready, in a unit with the seed's six directives."""
import time

from measure import Bench, Target, in_turn, median, medians, ratios, spread
from sleeper import CLIENT, QUIET, deploy_next, deploy_tiny, place_client

PAIRS = 9
PEER, PEER_PORT = 'peer.bench.test', 4323


def compare(left, right, pairs, short):
    """{'woken': …, 'other': …} in seconds, in turn, after one that is not counted."""
    if not short:
        left()
        right()
    return in_turn({'woken': lambda: left() * 1000, 'other': lambda: right() * 1000}, pairs, 'ms')


def versions(app):
    return app.node.run([f'/opt/nanoscale/runtimes/node-{app.spec()["node"]}/bin/node', '--version']).stdout.strip()


def against_by_hand(kind):
    def measure(lab, short):
        node, pairs = lab.node('bench', 'installed'), 1 if short else PAIRS
        place_client(lab, node)
        fields, detail = {}, {'pairs': pairs}
        for word, make in (('tiny', deploy_tiny), ('next', deploy_next)):
            app = make(lab, node)
            rounds = compare(lambda app=app: app.woken(kind), app.by_hand, pairs, short)
            found = ratios(rounds, 'woken', 'other')
            fields[f'ratio_{word}'] = median(found)
            detail[word] = {'ms_median': medians(rounds, 1), 'ratio_range': spread(found), 'as_told_by_the_agent': app.status()['sleep']['wakes']}
            detail['node'] = versions(app)
        return fields, detail
    return measure


class Peer:
    """By hand: a socket, systemd-socket-proxyd behind it, and the app behind that."""

    def __init__(self, app):
        self.app, self.node = app, app.node
        spec = app.spec()
        directory = f'/opt/nanoscale/sites/{app.id}/source/{spec["release"]}'
        units = {
            'bench-peer.socket': '[Socket]\nListenStream=/run/bench-peer.sock\n',
            'bench-peer.service': '[Unit]\nRequires=bench-peer-app.service\nAfter=bench-peer-app.service\nStartLimitIntervalSec=0\n'
                                  f'[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd 127.0.0.1:{PEER_PORT}\n',
            # The readiness wait: the proxy is started when the app accepts. Every 0.5 ms, which is kinder to it than what one writes by hand.
            'bench-peer-app.service': '[Unit]\nStartLimitIntervalSec=0\n'
                                      f'[Service]\nUser={app.user}\nWorkingDirectory={directory}\nEnvironment=PORT={PEER_PORT} HOST=127.0.0.1 NODE_ENV=production\n'
                                      f'ExecStart=/opt/nanoscale/runtimes/node-{spec["node"]}/bin/node server.js\nExecStartPost={CLIENT} wait {PEER_PORT}\n'
                                      'ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nNoNewPrivileges=yes\nProtectProc=invisible\n'
                                      f'ReadWritePaths={directory}\n'}
        for name, text in units.items():
            self.node.write(f'/etc/systemd/system/{name}', text)
        self.node.write('/etc/nginx/conf.d/bench-peer.conf', f'''server {{
    listen 80;
    server_name {PEER};
    access_log off;
    location / {{
        proxy_pass http://unix:/run/bench-peer.sock;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_read_timeout 1h;
    }}
}}
''')
        self.node.run(['systemctl', 'daemon-reload'])
        self.node.run(['systemctl', 'start', 'bench-peer.socket'])
        self.node.run(['nginx', '-t'])
        self.node.run(['systemctl', 'reload', 'nginx.service'])
        self.node.wait_fetch('/', host=PEER)

    def woken(self):
        self.node.run(['systemctl', 'stop', 'bench-peer.service', 'bench-peer-app.service'])
        for unit, state in (('bench-peer.service', 'inactive'), ('bench-peer-app.service', 'inactive'), ('bench-peer.socket', 'active')):
            if self.node.state(unit) != state:
                raise RuntimeError(f'{unit} is {self.node.state(unit)} instead of {state}')
        time.sleep(QUIET)
        return self.app.first_answer(PEER)


def against_peer(lab, short):
    node, pairs = lab.node('bench', 'installed'), 1 if short else PAIRS
    place_client(lab, node)
    app = deploy_tiny(lab, node)
    peer = Peer(app)
    rounds = compare(lambda: app.woken('armed'), peer.woken, pairs, short)
    found = ratios(rounds, 'woken', 'other')
    return {'ratio': median(found)}, {'ms_median': medians(rounds, 1), 'ratio_range': spread(found), 'pairs': pairs, 'node': versions(app),
                                      'systemd': node.output('systemctl', '--version').split()[1]}


BENCHES = [
    Bench('wake', 'first request to an armed app, through nginx, in the strict sandbox, against starting the same app by hand',
          [Target('ratio_tiny', '', at_most=0.95), Target('ratio_next', '', at_most=1.00)], against_by_hand('armed')),
    Bench('wake-deep', 'the same for an app that is asleep',
          [Target('ratio_tiny', '', at_most=1.90), Target('ratio_next', '', at_most=1.15)], against_by_hand('asleep')),
    Bench('wake-peer', 'an armed tiny app against nginx, systemd-socket-proxyd and the app with a readiness wait and the six directives',
          [Target('ratio', '', at_most=0.40)], against_peer),
]
