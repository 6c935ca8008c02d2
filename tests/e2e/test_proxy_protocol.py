#!/usr/bin/python3
"""HAProxy and nginx in front of sstplb and behind it, with the PROXY protocol between.

What counts is the client's address as the server at the far end names it.
"""
# SPDX-License-Identifier: Apache-2.0
import socket
import ssl

from lib import ca, case, peers, sstp, streams
from lib.balancer import Balancer, binary, pool

PROBE = {'kind': 'tls', 'interval': '500ms', 'fast_interval': '200ms', 'timeout': '1s', 'rise': 1,
         'fall': 2}


def ask(port, name, source=None):
    """(what the server says, 'ADDRESS:PORT' of this client), over TLS with that SNI."""
    context = sstp.client_context()
    raw = socket.create_connection(('127.0.0.1', port), timeout=10,
                                   source_address=source and (source, 0))
    with context.wrap_socket(raw, server_hostname=name) as tls:
        here = '%s:%d' % tls.getsockname()[:2]
        answer = b''
        try:
            tls.sendall(f'GET / HTTP/1.0\r\nHost: {name}\r\n\r\n'.encode())
            while more := tls.recv(4096):
                answer += more
        except (ssl.SSLError, ConnectionError):
            pass  # nginx says its line and closes on us, whatever we have sent.
    return answer.decode().rpartition('\r\n\r\n')[2].strip(), here


class ProxyProtocolTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()
        cls.certificate = ca.Authority(cls.class_dir / 'ca').issue('vpn.test')

    def servers_behind(self, accept_proxy):
        return {'haproxy': peers.start_haproxy_backend(self, self.certificate,
                                                       accept_proxy=accept_proxy),
                'nginx': peers.start_nginx_backend(self, self.certificate,
                                                   accept_proxy=accept_proxy)}

    def balancer(self, versions, servers, **listener):
        """Pool 'v2-nginx' speaks v2 to nginx and is found by the name v2-nginx.test, and so on."""
        pools = {f'{v}-{name}': pool({name: port}, proxy_protocol=v, probe=PROBE)
                 for v in versions for name, port in servers.items()}
        routes = [{'sni': [f'{p}.test'], 'pool': p} for p in pools]
        balancer = Balancer(self, pools, {'route': routes, **listener}).start()
        balancer.wait_health('up', *(f'{p}/{p.partition("-")[2]}' for p in pools))
        return balancer

    def test_the_far_end_learns_the_clients_address(self):
        balancer = self.balancer(('v1', 'v2'), self.servers_behind(True),
                                 accept_proxy=['127.0.0.1/32'])
        fronts = {'haproxy v1': peers.start_haproxy_front(self, balancer.port, 'send-proxy'),
                  'haproxy v2': peers.start_haproxy_front(
                      self, balancer.port,
                      'send-proxy-v2 proxy-v2-options crc32c,unique-id'),
                  'nginx v1': peers.start_nginx_front(self, balancer.port, proxy_protocol=True),
                  'none': balancer.port}
        for front, port in fronts.items():
            for version in ('v1', 'v2'):
                for server in ('haproxy', 'nginx'):
                    with self.subTest(front=front, version=version, server=server):
                        said, here = ask(port, f'{version}-{server}.test', source='127.9.8.7')
                        self.assertEqual(said.split(' ')[:2], [server, here])
        balancer.stop()

    def test_version_2_carries_name_and_id(self):
        balancer = self.balancer(('v2',), self.servers_behind(True))
        ids = set()
        for _ in range(3):
            said, _ = ask(balancer.port, 'v2-haproxy.test')
            self.assertRegex(said, r' authority=v2-haproxy\.test id=[0-9A-F]+$')
            ids.add(said.rpartition('id=')[2])
        self.assertEqual(len(ids), 3, 'an id is for one session')
        balancer.stop()

    def test_without_the_protocol_behind_the_balancer_is_the_client(self):
        balancer = self.balancer(('none',), self.servers_behind(False),
                                 accept_proxy=['127.0.0.1/32'])
        front = peers.start_haproxy_front(self, balancer.port, 'send-proxy-v2')
        for server in ('haproxy', 'nginx'):
            said, _ = ask(front, f'none-{server}.test', source='127.9.8.7')
            self.assertRegex(said, rf'^{server} 127\.0\.0\.1:\d+')
        balancer.stop()

    def test_a_probe_needs_the_header_the_server_wants(self):
        servers = self.servers_behind(True)
        pools = {}
        for version, want in (('same', 'up'), ('v1', 'up'), ('none', 'down')):
            pools[f'{version}-{want}'] = pool(servers, proxy_protocol='v2',
                                              probe={**PROBE, 'proxy_protocol': version})
        balancer = Balancer(self, pools).start()
        for name in pools:
            want = name.rpartition('-')[2]
            balancer.wait_health(want, f'{name}/haproxy', f'{name}/nginx')
        balancer.stop()

    def test_who_has_to_send_a_header_and_who_must_not(self):
        echo = streams.NamedEcho(self, 'b1')
        balancer = Balancer(self, {'main': pool({'b1': echo.port})},
                            {'accept_proxy': ['127.0.0.1/32'], 'hello_timeout': '2s'}).start()
        hello = streams.client_hello('a.test')
        v1 = b'PROXY TCP4 198.51.100.7 203.0.113.1 4000 443\r\n'
        for source, bytes_sent, served in (('127.0.0.1', v1 + hello, True),
                                           ('127.0.0.1', hello, False),
                                           ('127.5.5.5', hello, True),
                                           ('127.5.5.5', v1 + hello, False)):
            with self.subTest(source=source, header=bytes_sent.startswith(v1)):
                sock = streams.connect(balancer.port, source)
                self.addCleanup(sock.close)
                sock.sendall(bytes_sent)
                if served:
                    self.assertEqual(streams.read_record(sock), b'b1')
                else:
                    how, data = streams.read_end(sock, 5)
                    self.assertIn(how, ('eof', 'reset'))
                    self.assertNotIn(b'b1', data)
                sock.close()
        balancer.wait_sessions(0)
        balancer.stop()

    def test_rules_look_at_the_client_and_not_at_the_balancer_in_front(self):
        echo = streams.NamedEcho(self, 'b1')
        balancer = Balancer(self, {'main': pool({'b1': echo.port})},
                            {'accept_proxy': ['127.0.0.1/32'], 'deny': ['127.66.0.0/16']}).start()
        front = peers.start_haproxy_front(self, balancer.port, 'send-proxy-v2')
        session = streams.Session(self, front, 'a.test', source='127.9.8.7')
        self.assertEqual(session.backend, 'b1')
        self.assertEqual([s['client'].rpartition(':')[0] for s in balancer.sessions()],
                         ['127.9.8.7'])
        sock = streams.connect(front, '127.66.0.1')
        self.addCleanup(sock.close)
        sock.sendall(streams.client_hello('a.test'))
        how, data = streams.read_end(sock, 5)
        self.assertIn(how, ('eof', 'reset'))
        self.assertEqual(data, b'')
        balancer.stop()


if __name__ == '__main__':
    case.main()
