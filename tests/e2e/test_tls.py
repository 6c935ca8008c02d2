#!/usr/bin/python3
"""TLS clients through sstplb: openssl s_client, curl and hand-fed handshakes.

sstplb passes TLS through: certificates, versions and tickets are the backends' own.
"""
# SPDX-License-Identifier: Apache-2.0
import shutil
import ssl
import time
import unittest

from lib import ca, case, peers, proc, streams
from lib.balancer import Balancer, binary, pool

UNRECOGNIZED_NAME = 112


class TlsTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()
        cls.ca = ca.Authority(cls.class_dir / 'ca')
        cls.a = cls.ca.issue('a.test')
        cls.b = cls.ca.issue('*.wild.test')

    def der(self, certificate):
        return ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())

    def routed(self, **listener):
        """a.test leads to server a, one label below wild.test to server b; default: a."""
        pools = {'a': pool({'a1': peers.start_tls_server(self, self.a)}),
                 'b': pool({'b1': peers.start_tls_server(self, self.b)})}
        routes = [{'sni': ['a.test'], 'pool': 'a'}, {'sni': ['*.wild.test'], 'pool': 'b'}]
        return Balancer(self, pools, {'route': routes, 'unknown_sni': 'refuse', **listener}).start()

    def test_the_certificate_is_the_backends_in_every_version(self):
        balancer = self.routed()
        for version in ('tls1_2', 'tls1_3'):
            with self.subTest(version=version):
                seen = peers.s_client(balancer.port, f'-{version}', name='a.test', ca=self.ca.cert)
                self.assertEqual(seen.returncode, 0, seen.text)
                self.assertEqual(seen.version, version.replace('tls', 'TLSv').replace('_', '.'))
                self.assertTrue(seen.verified, seen.text)
                self.assertEqual(seen.certificate.strip(), self.a.cert.read_text().strip())
        balancer.stop()

    @unittest.skipUnless(shutil.which('curl'), 'curl is not installed')
    def test_curl_gets_its_page(self):
        balancer = self.routed()
        done = proc.run(['curl', '--silent', '--show-error', '--fail', '--max-time', '10', '--cacert',
                         self.ca.cert, '--resolve', f'a.test:{balancer.port}:127.0.0.1',
                         f'https://a.test:{balancer.port}/'])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('s_server', done.stdout)
        balancer.stop()

    def test_the_name_picks_the_pool(self):
        balancer = self.routed()
        for name, subject in (('a.test', 'a.test'), ('A.TEST', 'a.test'),
                              (None, 'a.test'), ('x.wild.test', '*.wild.test'),
                              ('VPN-7.Wild.Test', '*.wild.test'),
                              (f'a.test:{balancer.port}', 'a.test'), ('a.test.', 'a.test')):
            with self.subTest(name=name):
                self.assertEqual(peers.s_client(balancer.port, name=name).subject, subject)
        balancer.stop()

    def test_a_refused_name_is_told_so_in_tls(self):
        balancer = self.routed()
        for name in ('b.test', 'wild.test', 'x.y.wild.test', 'xa.test'):
            for version in ('-tls1_2', '-tls1_3'):
                with self.subTest(name=name, version=version):
                    seen = peers.s_client(balancer.port, version, name=name)
                    self.assertEqual(seen.alert, UNRECOGNIZED_NAME, seen.text)
                    self.assertNotEqual(seen.returncode, 0)
        self.assertEqual(
            balancer.metric('sstplb_sessions_refused_total', reason='unknown_sni'), 8)
        balancer.stop()

    def test_no_name_can_be_refused(self):
        balancer = self.routed(no_sni='refuse')
        self.assertEqual(peers.s_client(balancer.port).alert, UNRECOGNIZED_NAME)
        self.assertEqual(peers.s_client(balancer.port, name='a.test').subject, 'a.test')
        balancer.stop()

    def test_a_client_that_comes_back_resumes(self):
        backends = {f's{i}': peers.start_tls_server(self, self.a) for i in range(3)}
        balancer = Balancer(self, {'main': pool(backends, max_load=0)}).start()
        for i, version in enumerate(['tls1_2', 'tls1_3'] * 4):
            source = f'127.1.{i}.1'
            with self.subTest(version=version, source=source):
                ticket = self.dir / f'{i}.session'
                first = peers.s_client(balancer.port, f'-{version}', '-sess_out', ticket,
                                       bind=source, name='a.test')
                self.assertEqual((first.returncode, first.resumed), (0, False), first.text)
                again = peers.s_client(balancer.port, f'-{version}', '-sess_in', ticket,
                                       bind=source, name='a.test')
                self.assertEqual((again.returncode, again.resumed), (0, True), again.text)
        self.assertGreaterEqual(
            sum(b['sessions_opened'] > 0 for b in balancer.backends().values()), 2)
        balancer.stop()

    def test_what_is_not_tls_is_refused_and_not_passed_on(self):
        balancer = self.routed()
        for first in (b'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', b'SSH-2.0-OpenSSH_9.2\r\n',
                      bytes(64), b'\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00'):
            with self.subTest(first=first):
                sock = streams.connect(balancer.port)
                self.addCleanup(sock.close)
                sock.sendall(first)
                how, data = streams.read_end(sock, 4)
                self.assertIn(how, ('eof', 'reset'))
                self.assertNotIn(b'HTTP', data)
        self.assertEqual(balancer.backends()['a/a1']['sessions_opened'], 0)
        balancer.stop()

    def test_silent_and_slow_clients_end_at_the_hello_timeout(self):
        balancer = self.routed(hello_timeout='1s', tcp={'defer_accept': False})
        hello = streams.client_hello('a.test')
        for what, first, drip in (('silent', b'', b''), ('stuck', hello[:100], b''),
                                  ('dripping', hello[:5], hello[5:])):
            with self.subTest(what):
                begun = time.monotonic()
                sock = streams.connect(balancer.port)
                self.addCleanup(sock.close)
                sock.sendall(first)
                for byte in drip[:40]:  # a byte each 100 ms: always progress, never a hello
                    sock.settimeout(0.1)
                    try:
                        sock.sendall(bytes([byte]))
                        if sock.recv(100) == b'':
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                else:
                    self.assertIn(streams.read_end(sock, 4)[0], ('eof', 'reset'))
                self.assertGreater(time.monotonic() - begun, 0.7)
                self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(
            balancer.metric('sstplb_sessions_refused_total', reason='hello_timeout'), 3)
        balancer.stop()

    def test_a_hello_in_the_smallest_pieces_is_routed_by_its_name(self):
        balancer = self.routed()

        def byte_by_byte(sock):
            def send(hello):
                for byte in hello:
                    sock.sendall(bytes([byte]))
                    time.sleep(0.001)  # So that every byte is a segment of its own.
            return send

        def in_records(size):
            return lambda sock: lambda hello: sock.sendall(streams.split_records(hello, size))

        def in_records_byte_by_byte(sock):
            return lambda hello: byte_by_byte(sock)(streams.split_records(hello, 100))

        for how, sender in (('bytes', byte_by_byte), ('records of 100', in_records(100)),
                            ('records of 5', in_records(5)), ('both', in_records_byte_by_byte)):
            for name, certificate in (('x.wild.test', self.b), ('a.test', self.a)):
                with self.subTest(how=how, name=name):
                    sock = streams.connect(balancer.port)
                    with sock:  # s_server serves one at a time
                        seen = streams.handshake(sock, name, sender(sock))
                    self.assertEqual(seen, self.der(certificate))
        balancer.stop()


if __name__ == '__main__':
    case.main()
