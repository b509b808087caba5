# SPDX-License-Identifier: AGPL-3.0-or-later
"""The door for other nodes, port 4000: who gets through nginx, in what form, and how much of it."""
import json
import re
import ssl
import time

import pytest

import gateway
from gateway import LIMIT, Recorder, answer_of, context, exchange, pin_of, read_all, request, secure, wait_for_requests
from nodes import wait_until

TLS = '/opt/nanoscale/tls'


@pytest.fixture(scope='module')
def gate(lab):
    node = lab.node('gate', 'installed')
    yield node
    lab.remove(node)


@pytest.fixture(scope='module')
def standing(gate):
    with Recorder(gate) as recorder:
        yield recorder


@pytest.fixture
def recorder(standing):
    """In the agent's place from the first test that asks for it."""
    standing.release()
    standing.take()
    return standing


# TLS

def test_nothing_older_than_tls_1_3(gate):
    with secure(gate) as connection:
        assert connection.version() == 'TLSv1.3'
        assert connection.cipher()[0] in ('TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256')
    with pytest.raises(ssl.SSLError, match='(?i)protocol.version'):
        secure(gate, using=context(most=ssl.TLSVersion.TLSv1_2))


def test_http_2_where_it_is_offered_and_no_session_twice(gate):
    using = context(protocols=['h2', 'http/1.1'])
    with secure(gate, using=using) as connection:
        assert connection.selected_alpn_protocol() == 'h2'
    using = context(protocols=['http/1.1'])
    with secure(gate, using=using) as connection:
        connection.sendall(request('GET', '/nothing'))
        assert answer_of(read_all(connection))[0] == 404
        session = connection.session
    again = using.wrap_socket(gate.connect(4000, LIMIT), server_hostname='node', session=session)
    with again:
        assert not again.session_reused
    out = gate.output('curl', '-sk', '--http2', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', 'https://127.0.0.1:4000/nothing')
    assert out == '2 404'


def test_key_and_pin(gate):
    modes = {path: gate.owner_and_mode(f'{TLS}{path}') for path in ('', '/key.pem', '/certificate.pem', '/public', '/public/pin', '/public/not_after')}
    assert modes == {'': 'root:root 0711', '/key.pem': 'root:root 0600', '/certificate.pem': 'root:root 0644', '/public': 'root:root 0755',
                     '/public/pin': 'root:root 0644', '/public/not_after': 'root:root 0644'}
    assert not gate.run(['cat', f'{TLS}/key.pem'], user='nanoscale', check=False).ok
    pin = gate.output('cat', f'{TLS}/public/pin', user='nanoscale')
    for port in (4000, 443):
        with secure(gate, port) as connection:
            assert pin_of(connection.getpeercert(True)) == pin
    ends = int(gate.output('cat', f'{TLS}/public/not_after', user='nanoscale'))
    assert 9.9 < (ends - time.time()) / 86400 / 365 < 10.1


def test_plain_http_gets_no_answer(gate):
    with gate.connect(4000, LIMIT) as connection:
        connection.sendall(request('GET', '/api/health'))
        assert read_all(connection) == b''


def test_port_443_knows_nobody(gate):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with secure(gate, 443, context(least=version, most=version)) as connection:
            connection.sendall(request('GET', '/api/health'))
            status, body = answer_of(read_all(connection))
            assert status == 404 and b'nanoscale' not in body.lower()


# Sockets

def test_the_agent_gets_its_sockets_by_name(gate):
    pid = gate.state('nanoscale-agent.service', 'MainPID')
    names = dict(v.split('=', 1) for v in gate.read(f'/proc/{pid}/environ').split('\0') if '=' in v)['LISTEN_FDNAMES']
    assert sorted(names.split(':')) == ['agent', 'gateway', 'web']
    assert json.loads(gate.output('curl', '-s', '--unix-socket', '/run/nanoscale/agent.sock', 'http://localhost/api/health'))['status'] == 'ok'


def test_nginx_alone_may_use_the_gateway_socket(gate):
    assert gate.owner_and_mode(gateway.SOCKET) == 'root:www-data 0660'
    for user in ('nanoscale', 'daemon'):
        refused = gate.run(['curl', '-s', '-m', '20', '--unix-socket', gateway.SOCKET, 'http://x/'], user=user, check=False)
        assert refused.returncode == 7, (user, refused)


def test_no_other_port_is_open(gate):
    out = gate.output('ss', '-Htuln')
    ports = {re.search(r':(\d+)$', line.split()[4])[1] for line in out.splitlines()}
    assert ports == {'80', '443', '4000'}, out


# What goes through

@pytest.mark.parametrize('target', ['/', '/api/projects', '/internal', '/internal/', '/metrics/', '/api/cluster/join/x', '/api/cluster/generate-token', '/API/health',
                                    '/api/health?x', '/api/cluster/join?token=x', '/Internal/health', '/.well-known/x'])
def test_other_paths_are_not_there(recorder, gate, target):
    assert exchange(gate, request('GET', target)) == (404, b'Not found.\n')
    assert recorder.take() == []


@pytest.mark.parametrize('target', ['/internal/../api/projects', '/api/../internal/health', '/internal/%2e%2e/api/projects', '/internal/..%2fapi', '//internal/health',
                                    '/internal//health', '/internal/./health', '/./internal/health', '/internal/health%00', '/internal/x;y', '/internal/x\\y',
                                    '/internal/x#/internal/y', '/%69nternal/health', '/x/%2e%2e/internal/health', '/internal/health/', '/internal/..', '/api/health/.',
                                    '/internal/h\xe9', 'internal/health', '*'])
def test_two_ways_to_write_a_path_do_not_get_through(recorder, gate, target):
    status, _ = exchange(gate, request('GET', target).replace(target.encode(), target.encode('latin-1')))
    assert status in (400, 404)
    assert recorder.take() == []


@pytest.mark.parametrize('method,target', [
    ('GET', '/api/health'), ('POST', '/api/cluster/join'), ('GET', '/internal/health'), ('PUT', '/internal/projects/abcdefghijkl/env'),
    ('DELETE', '/internal/projects/abcdefghijkl?a=%2F..%2f&b=//&c=+x%20&&'), ('GET', '/internal/logs/a.b-c_d~e?after=12&x=?')])
def test_a_request_arrives_as_it_was_sent(recorder, gate, method, target):
    body = b'{"a": "\x00\xff\r\n\r\n"}' if method in ('POST', 'PUT') else b''
    assert exchange(gate, request(method, target, ['Content-Type: application/json', 'X-Cluster-Nonce: 00ff'], body)) == (200, b'through')
    (line, headers, got), = recorder.take()
    assert line == f'{method} {target} HTTP/1.1'
    assert got == body
    assert ('x-cluster-nonce', '00ff') in headers and ('content-type', 'application/json') in headers


def test_over_http_2_too(recorder, gate):
    gate.run(['sh', '-c', 'printf \'{"x":1}\' >/tmp/body'])
    out = gate.output('curl', '-sk', '--http2', '--path-as-is', '-X', 'PUT', '--data-binary', '@/tmp/body', '-H', 'X-Nanoscale-Address: 10.1.1.1', '-w', ' %{http_version}',
                      'https://127.0.0.1:4000/internal/projects/abcdefghijkl/env?x=%2F..')
    assert out == 'through 2'
    (line, headers, body), = recorder.take()
    assert line == 'PUT /internal/projects/abcdefghijkl/env?x=%2F.. HTTP/1.1' and body == b'{"x":1}'
    assert [v for k, v in headers if k == 'x-nanoscale-address'] == ['127.0.0.1']


def test_what_a_client_says_of_itself_is_replaced(recorder, gate):
    lies = ['X-Nanoscale-Address: 10.1.1.1', 'x-nanoscale-address: 10.1.1.2', 'X_Nanoscale_Address: 10.1.1.3', 'X-Nanoscale-Address : 10.1.1.4', 'X-Forwarded-For: 10.1.1.5',
            'Forwarded: for=10.1.1.6', 'X-Real-IP: 10.1.1.7', 'X-Forwarded-Host: lie', 'Via: lie', 'Cookie: lie', 'Proxy: lie', 'TE: trailers', 'Trailer: lie', 'Upgrade: h2c',
            'Keep-Alive: lie', 'Connection: X-Nanoscale-Address, Upgrade']
    with secure(gate) as connection:
        own = connection.getsockname()[0]
        connection.sendall(request('GET', '/internal/health', lies))
        status, _ = answer_of(read_all(connection))
    found = recorder.take()
    # A blank before the colon is malformed, and nginx may refuse it as a whole; then the rest is sent without it.
    if status != 200:
        assert found == []
        assert exchange(gate, request('GET', '/internal/health', [x for x in lies if ' :' not in x]))[0] == 200
        found = recorder.take()
    (_, headers, _), = found
    assert [v for k, v in headers if 'address' in k] == [own]
    assert '10.1.1.' not in str(headers) and 'lie' not in str(headers)
    assert dict(headers)['host'] == 'gateway' and dict(headers)['connection'] == 'close'
    assert {'te', 'trailer', 'upgrade', 'keep-alive', 'forwarded', 'via', 'cookie', 'proxy', 'x-real-ip'} & {k for k, _ in headers} == set()


@pytest.mark.parametrize('headers', [['Content-Length: 3', 'Transfer-Encoding: chunked'], ['Content-Length: 3', 'Content-Length: 4'], ['Content-Length: -1'],
                                     ['Content-Length: 3, 3'], ['Transfer-Encoding: xchunked'], ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']])
def test_no_second_request_hides_in_a_first(recorder, gate, headers):
    hidden = b'0\r\n\r\nGET /internal/hidden HTTP/1.1\r\nHost: x\r\n\r\n'
    exchange(gate, request('POST', '/internal/health', headers) + hidden)
    assert [line for line, _, _ in recorder.take() if 'hidden' in line] == []


def test_answers_cannot_send_nginx_elsewhere(recorder, gate):
    """The recorder answers with X-Accel-Redirect."""
    assert exchange(gate, request('GET', '/internal/health')) == (200, b'through')
    assert [line for line, _, _ in recorder.take()] == ['GET /internal/health HTTP/1.1']


# How much goes through

@pytest.mark.parametrize('target,most', [('/internal/projects', 1 << 20), ('/api/cluster/join', 8192), ('/api/health', 1024)])
def test_bodies_have_a_limit(recorder, gate, target, most):
    wait_until(lambda: exchange(gate, request('POST', target, body=b'x' * most))[0] == 200, LIMIT, 6, 'the limit of joins')
    assert len(recorder.take()[-1][2]) == most
    head = request('POST', target, [f'Content-Length: {most + 1}', 'Expect: 100-continue'])
    assert exchange(gate, head)[0] == 413
    chunks = b'%x\r\n%s\r\n0\r\n\r\n' % (most + 1, b'x' * (most + 1))
    assert exchange(gate, request('POST', target, ['Transfer-Encoding: chunked']) + chunks)[0] in (0, 413)
    assert recorder.take() == []


def test_a_body_is_kept_off_the_disk(recorder, gate):
    recorder.hold()
    before = gate.output('find', '/var/lib/nginx', '-type', 'f')
    with secure(gate) as connection:
        connection.sendall(request('PUT', '/internal/projects/abcdefghijkl/env', body=b'x' * (1 << 20)))
        wait_for_requests(recorder, 1)
        files = gate.run(['sh', '-c', 'ls -l /proc/[0-9]*/fd'], check=False).stdout
        recorder.release()
        assert answer_of(read_all(connection))[0] == 200
    assert '/var/log/nginx/error.log' in files, 'the descriptors of nginx are not seen'
    assert '/var/lib/nginx' not in files and gate.output('find', '/var/lib/nginx', '-type', 'f') == before


def test_slow_senders_are_cut_and_hold_nobody_up(recorder, gate):
    silent = gate.connect(4000, LIMIT)
    half_a_head, half_a_body = secure(gate), secure(gate)
    half_a_head.sendall(b'GET /internal/health HTTP/1.1\r\nHost: x\r\nX-Y: ')
    half_a_body.sendall(request('POST', '/internal/health', ['Content-Length: 100']) + b'half')
    assert exchange(gate, request('GET', '/internal/health'))[0] == 200
    for connection in (silent, half_a_head, half_a_body):
        with connection:
            assert answer_of(read_all(connection))[0] in (0, 408)  # the end comes: a socket that stays open fails by its limit
    assert [line for line, _, _ in recorder.take()] == ['GET /internal/health HTTP/1.1']


def joins(node, source, target, count=30):
    """How often an address may join, when it tries `count` times in a row."""
    out = node.output('curl', '-sk', '-m', str(LIMIT), '--interface', source, '-X', 'POST', '-d', '{}', *(['-o', '/dev/null'] * count), '-w', '%{http_code}\\n',
                      *([f'https://{target}:4000/api/cluster/join'] * count), timeout=LIMIT * 2)
    codes = out.split()
    assert len(codes) == count and set(codes) <= {'200', '429'}, out
    return codes.count('200')


def test_joins_are_limited_by_address(recorder, gate):
    start = time.monotonic()
    first = joins(gate, '127.0.0.1', '127.0.0.1')
    assert 11 <= first <= 12 + (time.monotonic() - start) / 5
    assert first < 30, 'no attempt was refused'
    assert len([line for line, _, _ in recorder.take() if 'join' in line]) == first, 'what is refused must not reach the agent'
    # Another address is not held up, nor is this one's own work.
    assert joins(gate, '127.0.0.2', '127.0.0.1') >= 11
    assert gate.output('curl', '-sk', 'https://127.0.0.1:4000/internal/health') == 'through'


def test_a_network_of_ipv6_counts_as_one(recorder, gate):
    for address in ('fd00:99::1', 'fd00:99::2', 'fd00:98::1'):
        gate.run(['ip', '-6', 'address', 'add', f'{address}/128', 'dev', 'lo', 'nodad'])
    start = time.monotonic()
    total = joins(gate, 'fd00:99::1', '[fd00:99::1]') + joins(gate, 'fd00:99::2', '[fd00:99::1]')
    assert 11 <= total <= 12 + (time.monotonic() - start) / 5
    assert total < 60
    assert joins(gate, 'fd00:98::1', '[fd00:99::1]') >= 11
    assert ('x-nanoscale-address', 'fd00:98::1') in recorder.take()[-1][1]


def test_requests_at_the_same_time_are_limited_by_address(recorder, gate):
    recorder.hold()
    connections = [secure(gate) for _ in range(70)]
    for connection in connections[:64]:
        connection.sendall(request('GET', '/internal/health'))
    wait_for_requests(recorder, 64)
    for connection in connections[64:]:
        connection.sendall(request('GET', '/internal/health'))
        assert answer_of(read_all(connection))[0] == 429
    assert gate.output('curl', '-sk', '-m', str(LIMIT), '-o', '/dev/null', '-w', '%{http_code}', 'https://127.0.0.1:4000/nothing') == '404'
    recorder.release()
    assert [answer_of(read_all(c))[0] for c in connections[:64]] == [200] * 64
    assert exchange(gate, request('GET', '/internal/health'))[0] == 200
