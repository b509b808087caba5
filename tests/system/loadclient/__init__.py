# SPDX-License-Identifier: AGPL-3.0-or-later
"""Load that notices everything: a client that never repeats a request and checks every answer (loadclient.c), and the app that it asks.

    load = Load(lab, node, f'shop.{BASE_DOMAIN}', rate=500).start()
    ...                                      # deploy, sleep, roll back
    result = load.stop()                     # {"sent": …, "ok": …, "failed": 0, "instances": …, …}
    lost, twice, cut = check_posts(posts_of(node, project_id), result)
"""
import collections
import json
import os
import pathlib
import signal
import subprocess

from nodes import run
from nodes.proc import ENVIRONMENT

SOURCE = pathlib.Path(__file__).with_name('loadclient.c')
# Where the app writes down what it was sent, in its data directory: all instances of a project append to one file, before they answer.
RECORD = 'posts'

# MARKER makes releases differ. A streamed answer comes in five pieces over about 100 ms, so that some are always under way.
SERVER = r'''
const http = require('node:http');
const fs = require('node:fs');
const record = fs.openSync(`${process.env.DATA_DIR || '.'}/posts`, 'a');
const instance = `${process.env.NANOSCALE_RELEASE ?? 'MARKER'}-${process.pid}-${Date.now()}`;
const bodyOf = (id) => `${id}:${'.'.repeat(Number(id.slice(id.lastIndexOf('-') + 1)) % 1000)}`;

function stream(response, body) {
  const size = Math.ceil(body.length / 5);
  const timer = setInterval(() => {
    response.write(body.slice(0, size));
    body = body.slice(size);
    if (body === '') { clearInterval(timer); response.end(); }
  }, 20);
}

http.createServer((request, response) => {
  const [, kind, id] = request.url.split('/');
  response.setHeader('X-Instance', instance);
  if (kind === 'get') {
    response.end(bodyOf(id));
  } else if (kind === 'stream') {
    stream(response, bodyOf(id));
  } else if (kind === 'post') {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      fs.writeSync(record, `${body === bodyOf(id) ? id : 'cut ' + id}\n`);
      response.end(body);
    });
  } else {
    response.end('MARKER');
  }
}).listen(process.env.PORT, process.env.HOST);
'''


def compile_client(directory, source=SOURCE):
    """The program, made anew: a second, and never an old one."""
    program = pathlib.Path(directory) / source.stem
    run(['gcc', '-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', program, source])
    return program


class Load:
    """One run of the client, from the hub to port 80 of a node."""

    def __init__(self, lab, node, host, connections=32, rate=0, limit=0, timeout=60, port=80):
        self.process = None
        self.prefix = f'{os.urandom(4).hex()}-'
        self.argv = ['ip', 'netns', 'exec', lab.hub.namespace, str(compile_client(lab.directory)), node.address, str(port), host, self.prefix,
                     str(connections), str(rate), str(limit), str(timeout)]

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=ENVIRONMENT)
        return self

    @property
    def running(self):
        return self.process.poll() is None

    def wait(self, timeout=600):
        """Its result once it has sent `limit` requests."""
        try:
            out, errors = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise TimeoutError(f'the load did not end within {timeout} s') from None
        if self.process.returncode not in (0, 1):
            raise RuntimeError(f'loadclient: {errors or self.process.returncode}')
        return json.loads(out)

    def stop(self, timeout=120):
        """Ends it after the answers that are under way, and returns its result."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.running:
            self.process.kill()
            self.process.communicate()


def check_posts(lines, result):
    """(lost, twice, cut): ids of the client's POSTs that the app never wrote down, more than once, or with another body than was sent."""
    counts = collections.Counter(lines)
    sent = [f'{result["prefix"]}post-{n}' for n in range(result['posts'])]
    return [i for i in sent if not counts[i] and not counts[f'cut {i}']], [i for i in sent if counts[i] > 1], [i for i in sent if counts[f'cut {i}']]


def posts_of(node, project):
    """What all instances of a project wrote down."""
    return node.read(f'/opt/nanoscale/sites/{project}/data/{RECORD}').splitlines()
