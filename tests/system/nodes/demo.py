# SPDX-License-Identifier: AGPL-3.0-or-later
"""scripts/demo.sh: NanoScale, installed by its own installer in a container with a real systemd, serves the sample app from a git URL."""
import argparse
import os
import re
import socket
import sys
import threading
import time

from . import REPOSITORY, CommandFailed, Lab, configure, files_of, new_artefacts, settings, until_interrupted
from .cache import repository_tar

# A browser resolves every name below .localhost to this machine by itself, so that the app's own host name can be opened as it is.
DOMAIN = 'nanoscale.localhost'
NAME = 'shop'


def forward(node, port):
    """Hands connections to 127.0.0.1:port on to the node's port 80."""
    listener = socket.create_server(('127.0.0.1', port))

    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(client):
        try:
            with client, node.connect(80) as server:
                server.settimeout(None)
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()
        except OSError:
            pass

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def free_port():
    wanted = int(os.environ.get('NANOSCALE_DEMO_PORT', '8080'))
    try:
        with socket.create_server(('127.0.0.1', wanted)):
            return wanted
    except OSError:
        return 0


def heading(text):
    print(f'\n==> {text}', flush=True)


def show_page(body):
    """The first lines of what a reader sees of a page, without markup."""
    text = re.sub(r'<(script|style)[^>]*>.*?</\1>', ' ', body, flags=re.S)
    text = re.sub(r'<(br|/p|/h\d|/li|/div|/title)[^>]*>', '\n', text)
    text = re.sub(r'<[^>]+>', '', text)
    return [' '.join(line.split()) for line in text.splitlines() if line.strip()][:8]


def run(lab, check):
    sample = REPOSITORY / 'examples/nextjs'
    heading('a container with systemd, and a git server')
    git = lab.git
    git.create_repo(NAME, files_of(sample), message='The shop opens')
    node = lab.node('demo', 'bare', apt_cache=True)
    node.unpack(repository_tar(), '/root/nanoscale')

    heading(f'in the container: ./scripts/install.sh --role orchestrator --base-domain {DOMAIN}')
    node.run(['/root/nanoscale/scripts/install.sh', '--role', 'orchestrator', '--base-domain', DOMAIN, '--yes'],
             cwd='/root/nanoscale', timeout=1800, stream=sys.stdout.fileno(), via='pid1')
    # The git server's authority and the machine's npm registry: only this machine needs them.
    configure(node, settings())

    heading(f'in the container: nanoscale deploy {git.url(NAME)} --name {NAME}')
    node.run(['nanoscale', 'deploy', git.url(NAME), '--name', NAME], timeout=1200, stream=sys.stdout.fileno(), via='pid1')

    heading(f'http://{NAME}.{DOMAIN}/ through nginx')
    start = time.monotonic()
    page = node.wait_fetch('/', host=f'{NAME}.{DOMAIN}', timeout=20)
    if '<html' not in page.text:
        raise RuntimeError(f'what answered is not the app: {page!r}')
    print(f'    {page.status} {page.reason}, {len(page.body)} bytes, {(time.monotonic() - start) * 1000:.0f} ms')
    for line in show_page(page.text):
        print(f'    | {line}')
    if check:
        return
    port = forward(node, free_port())
    print(f'''
==> open and type next
    open     http://{NAME}.{DOMAIN}:{port}/   (in a browser on this machine)
    or       curl -H 'Host: {NAME}.{DOMAIN}' http://127.0.0.1:{port}/
    a shell  {node.enter_script()}   (from another terminal, as root)
             nanoscale projects list
             nanoscale logs {NAME} --follow
             nanoscale env set {NAME} GREETING=hello
             nanoscale deploy {NAME}
             systemctl list-units 'nanoscale*'

Runs until Ctrl-C and then leaves nothing behind.''', flush=True)
    until_interrupted()
    print('\nremoving the container', flush=True)


def main():
    parser = argparse.ArgumentParser(prog='scripts/demo.sh', description='NanoScale in a container with its own systemd, with the sample app deployed in it.')
    parser.add_argument('--check', action='store_true', help='end by itself: exit code 0 only if the page was served')
    options = parser.parse_args()
    # A number of its own, so that the demo can run while the tests do.
    instance = int(os.environ.get('NANOSCALE_TEST_INSTANCE', '9'))
    artefacts = new_artefacts()
    try:
        with Lab(instance, artefacts) as lab:
            try:
                run(lab, options.check)
            except Exception:
                print(f'\njournals and consoles are kept in {lab.collect("demo")}', file=sys.stderr)
                raise
    except (CommandFailed, TimeoutError, RuntimeError, OSError) as error:
        print(f'\nthe demo failed: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nstopped', file=sys.stderr)
        return 0 if not options.check else 1
    if options.check:
        print('\nthe page was served: ok')
    return 0


if __name__ == '__main__':
    sys.exit(main())
