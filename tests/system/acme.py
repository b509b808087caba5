# SPDX-License-Identifier: AGPL-3.0-or-later
"""An authority for certificates on a node of its own (acme.test: Debian's pebble), the DNS that it and the nodes see, and who visits the sites that got one.

nginx stands before pebble: it counts what is asked, can say that there is a limit, and can be switched off, while pebble, which keeps all in its memory,
goes on. Two of them run, since how long a certificate is good for is a setting of the whole: `directory()`, and `directory(brief=True)` with certificates
that are due for renewal within minutes. pebble resolves names by another server than the nodes, so that the two can differ."""
import http.client
import json
import ssl
import threading
import time

from nodes import configure, wait_until
from nodes.fetch import Response

AGENT = '/run/nanoscale/agent.sock'
CERTIFICATES = '/opt/nanoscale/certificates'
CERTBOT = '/opt/nanoscale/data/acme/config'
WEBROOT = '/opt/nanoscale/acme/webroot'
LIMIT = 300  # seconds for whatever has certbot in it, on a busy machine
# brief: due after two thirds of it, and it must not be over before certbot has it.
PORTS = {False: 14000, True: 14001}
SECONDS = {False: 90 * 86400, True: 100}
LIMITED = 'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s: see https://acme.test/docs/rate-limits/'

FRONT = r'''
log_format asked '$request_method $uri $status';
%s
'''
SERVER = r'''
server {
        listen %(port)d ssl;
        server_name acme.test;
        ssl_certificate /etc/pebble/server.pem;
        ssl_certificate_key /etc/pebble/server.key;
        access_log /var/log/nginx/asked.log asked;
        proxy_set_header Host $http_host;
        location / {
                proxy_pass https://127.0.0.1:%(inner)d;
        }
        location = /order-plz {
                default_type application/problem+json;
                add_header Retry-After 86400 always;
                if (-f /run/limited) {
                        return 429 '{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "%(limited)s", "status": 429}';
                }
                proxy_pass https://127.0.0.1:%(inner)d;
        }
}
'''


class Authority:
    host = 'acme.test'

    def __init__(self, lab):
        self.lab, self.node = lab, lab.node('acme', 'acme')
        self.ca = lab.cache.authority() / 'ca.pem'
        servers = [SERVER % {'port': port, 'inner': port + 100, 'limited': LIMITED} for port in PORTS.values()]
        self.node.write('/etc/nginx/sites-enabled/acme.conf', FRONT % ''.join(servers))
        for view, address, port in (('authority', '127.0.0.1:8053', 8055), ('nodes', ':53', 8056)):
            self._start(f'dns-{view}', 'pebble-challtestsrv', '-dns01', address, '-management', f':{port}', '-defaultIPv4', '', '-defaultIPv6', '',
                        '-http01', '', '-https01', '', '-tlsalpn01', '')
        for brief, port in PORTS.items():
            config = {'listenAddress': f'127.0.0.1:{port + 100}', 'managementListenAddress': f'0.0.0.0:{port + 1000}', 'certificate': '/etc/pebble/server.pem',
                      'privateKey': '/etc/pebble/server.key', 'httpPort': 80, 'tlsPort': 443, 'certificateValidityPeriod': SECONDS[brief],
                      'retryAfter': {'authz': 1, 'order': 1}}
            self.node.write(f'/etc/pebble/{port}.json', json.dumps({'pebble': config}))
            self._start(f'pebble-{port}', 'pebble', '-config', f'/etc/pebble/{port}.json', '-dnsserver', '127.0.0.1:8053')
        self.up()
        for brief in PORTS:
            wait_until(lambda brief=brief: self.node.fetch(self.directory(brief), ca=self.ca).status == 200, what='pebble')

    def _start(self, unit, *argv):
        self.node.run(['systemd-run', '-q', f'--unit={unit}', '--setenv=PEBBLE_VA_NOSLEEP=1', '--setenv=PEBBLE_WFE_NONCEREJECT=0', '--', *argv])

    def directory(self, brief=False):
        return f'https://{self.host}:{PORTS[brief]}/dir'

    def root(self, brief=False):
        """File with the certificate that all of its certificates lead to."""
        path = self.node.directory / f'root-{brief:d}.pem'
        path.write_text(self.node.fetch(f'https://{self.host}:{PORTS[brief] + 1000}/roots/0', ca=self.ca).text)
        return path

    def settings(self, brief=False):
        return {'acme': {'server': self.directory(brief), 'ca': '/etc/ssl/certs/ca-certificates.crt', 'email': 'ops@example.test'}}

    # What is asked of it
    def asked(self):
        """The requests so far, as lines 'METHOD PATH STATUS'."""
        return self.node.run(['cat', '/var/log/nginx/asked.log'], check=False).stdout.splitlines()

    def limit(self, on):
        self.node.run(['touch', '/run/limited'] if on else ['rm', '/run/limited'])

    def down(self):
        self.node.run(['systemctl', 'stop', 'nginx.service'])

    def up(self):
        self.node.run(['systemctl', 'restart', 'nginx.service'])

    # DNS
    def _tell(self, view, verb, **what):
        port = {'authority': 8055, 'nodes': 8056}[view]
        answer = wait_until(lambda: self.node.fetch(f'http://{self.host}:{port}/{verb}', method='POST', body=what), what='the DNS server')
        assert answer.status == 200, answer

    def point(self, name, *addresses, views=('authority', 'nodes')):
        """What the name resolves to from now on; without addresses it has none."""
        for view in views:
            self._tell(view, 'clear-servfail', host=name)
            self._tell(view, 'clear-a', host=name)
            if addresses:
                self._tell(view, 'add-a', host=name, addresses=list(addresses))

    def break_name(self, name):
        for view in ('authority', 'nodes'):
            self._tell(view, 'set-servfail', host=name)


class Domains:
    """A node with the projects `calm` and `shop`, static sites that say their name, whose certificates come from the authority."""

    def __init__(self, lab, git, authority, name, brief=False):
        self.lab, self.git, self.authority, self.node = lab, git, authority, lab.node(name)
        # Before the node's DNS is the authority's, which knows no registry of runtimes.
        for project in ('calm', 'shop'):
            self._project(project)
        self.node.write('/etc/resolv.conf', f'nameserver {authority.node.address}\n')
        self.root = authority.root()
        self.settings(authority.settings(brief))

    def settings(self, settings):
        configure(self.node, settings)

    def call(self, method, path, body=None):
        return self.node.fetch_unix(AGENT, path, method=method, body=body, timeout=120)

    def _project(self, name):
        repository = f'{self.node.name}-{name}'
        self.git.create_repo(repository, {'index.html': name})
        self.node.run(['nanoscale', 'deploy', self.git.url(repository), '--name', name], timeout=600)
        self.node.wait_fetch(f'http://{name}.apps.test/')

    def add(self, project, name, **more):
        answer = self.call('POST', f'/api/projects/{project}/domains', {'name': name, **more})
        assert answer.status == 201, answer
        return answer.json()

    def change(self, project, name, **what):
        answer = self.call('PATCH', f'/api/projects/{project}/domains/{name}', what)
        assert answer.status == 200, answer

    def show(self, project, name):
        answer = self.call('GET', f'/api/projects/{project}/domains/{name}')
        assert answer.status == 200, answer
        return answer.json()

    def check(self, project, name, force=False):
        answer = self.call('POST', f'/api/projects/{project}/domains/{name}/check', {'force': force})
        assert answer.status == 202, answer

    def wait(self, project, name, state, problem=None):
        """Until the domain is in the state, with that kind of problem."""
        def ask():
            found = self.show(project, name)
            return found if found['state'] == state and (found['problem'] or {}).get('type') == problem else None
        try:
            return wait_until(ask, LIMIT, 0.2, f'{name} {state}, {problem}')
        except TimeoutError as error:
            raise TimeoutError(f'{error}; it is {self.show(project, name)}') from None

    def has_https(self, name, text='shop', root=None):
        """Waits until it is so for every request: after nginx is reloaded, a worker of before may answer once more."""
        root = root or self.root

        def ask():
            return all(self.node.fetch(f'https://{name}/', ca=root).text == text for _ in range(10))
        wait_until(ask, LIMIT, 0.2, f'https://{name}/')

    def served(self, name):
        """Number of the certificate that a client is shown, as openssl prints it; '' when there is no handshake."""
        try:
            return serial(handshake(self.node, name))
        except OSError:
            return ''

    def stored(self, name):
        text = self.node.output('openssl', 'x509', '-in', f'{CERTIFICATES}/{name}.pem', '-noout', '-serial', check=False)
        return text.removeprefix('serial=')


def context(ca=None):
    return ssl.create_default_context(cafile=str(ca)) if ca else ssl._create_unverified_context()


def handshake(node, name, using=None):
    """The certificate (DER) shown to who asks for `name`, from outside the node."""
    with (using or context()).wrap_socket(node.connect(443, 120), server_hostname=name) as connection:
        return connection.getpeercert(binary_form=True)


def serial(der):
    """The number in a certificate: Certificate → tbsCertificate → [0] version → INTEGER."""
    def step(at):
        length, at = der[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7f
            length, at = int.from_bytes(der[at:at + n], 'big'), at + n
        return at, length
    at, _ = step(0)
    at, _ = step(at)
    start, length = step(at)
    start, length = step(start + length)
    return der[start:start + length].hex().upper().removeprefix('00')


class Visitors:
    """Ask for sites all the time, each time over a new connection, and notice all that is not as it should be. ca: who must vouch for https.

    with Visitors(node, {'https://shop.test/': 'shop'}, ca=root) as visitors: …
    visitors.failures == [] and visitors.count > 0; visitors.serials has the certificates that were shown, in order"""

    def __init__(self, node, sites, ca=None, threads=1):
        self.node, self.sites, self.context = node, sites, context(ca)
        self.count, self.failures, self.serials = 0, [], []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._stop.is_set():
            for url, wanted in self.sites.items():
                try:
                    answer, number = self._visit(url)
                    problem = None if (answer.status, answer.text) == (200, wanted) else repr(answer)
                except (OSError, http.client.HTTPException) as error:
                    number, problem = None, repr(error)
                with self._lock:
                    self.count += 1
                    if problem:
                        self.failures.append(f'{time.strftime("%H:%M:%S")} {url}: {problem}')
                    if number and number not in self.serials:
                        self.serials.append(number)
            time.sleep(0.02)  # the machine has other things to do, too

    def _visit(self, url):
        scheme, _, host = url.rstrip('/').partition('://')
        number, connection = None, http.client.HTTPConnection(host, timeout=120)
        connection.sock = self.node.connect(443 if scheme == 'https' else 80, 120)
        try:
            if scheme == 'https':
                connection.sock = self.context.wrap_socket(connection.sock, server_hostname=host)
                number = serial(connection.sock.getpeercert(binary_form=True))
            connection.request('GET', '/', headers={'Connection': 'close'})
            raw = connection.getresponse()
            return Response(raw, raw.read()), number
        finally:
            connection.close()
