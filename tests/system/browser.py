# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian's Chromium in the nodes' network, driven by apps/dashboard/e2e/serve.mjs: one browser, to which steps are told one after the other."""
import json
import os
import queue
import subprocess
import threading

from nodes import BASE_DOMAIN, REPOSITORY, machine, net, run
from nodes.cache import ROOT

BUILD = REPOSITORY / 'scripts/build-dashboard'
SERVE = REPOSITORY / 'apps/dashboard/e2e/serve.mjs'
PATIENCE = 900  # a step has limits of its own; this is for a browser that hangs


def _node():
    """Node, and the directory with the dashboard's packages: the ones with which it is built."""
    out = run([BUILD, '--work', ROOT / 'dashboard.work', '--run', 'node', '-p', 'JSON.stringify([process.execPath, process.cwd()])'],
              timeout=900, env=dict(os.environ)).stdout
    return json.loads(out.splitlines()[-1])


class StepFailed(AssertionError):
    pass


class Browser:
    def __init__(self, lab, node, pictures, names=None):
        """names: {host name: node that serves it}; every other site is the node's own."""
        machine.need(machine.BROWSER_TOOLS)
        program, directory = _node()
        rules = [f'MAP {name} {other.address}' for name, other in {**(names or {}), f'*.{BASE_DOMAIN}': node}.items()]
        options = {'base': f'https://{node.address}', 'names': ', '.join(rules), 'pictures': str(pictures)}
        env = {'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8'}
        # A child is in the network namespace of the thread that starts it.
        with net.inside(lab.hub.namespace):
            self.process = subprocess.Popen([program, SERVE, json.dumps(options)], cwd=directory, env=env, text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def step(self, name, /, **arguments):
        """Does it and returns its value; a failure says where its picture is."""
        self.process.stdin.write(json.dumps({'step': name, 'arguments': arguments}) + '\n')
        self.process.stdin.flush()
        line = self.answers.get(timeout=PATIENCE)
        if line is None:
            raise StepFailed(f'{name}: the browser has ended with code {self.process.wait()}')
        answer = json.loads(line)
        if not answer['ok']:
            raise StepFailed(f'{name}: {answer["error"]}\npicture: {answer["picture"]}')
        return answer['value']

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
