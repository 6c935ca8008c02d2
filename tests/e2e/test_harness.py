#!/usr/bin/python3
"""The peers of the other tests, without the balancer: what fails here is not its fault.

Direct connections and HAProxy as a plain relay stand where sstplb stands in the other files.
"""
# SPDX-License-Identifier: Apache-2.0
import unittest

from lib import ca, case, mschap, peers, softether, sstp, sstpc, streams

NAME = 'vpn.sstp.test'


class PrimitivesTest(unittest.TestCase):
    def test_ms_chap_v2_gives_the_values_of_the_rfcs(self):
        authenticator = bytes.fromhex('5B5D7C7D7B3F2F3E3C2C602132262628')
        peer = bytes.fromhex('21402324255E262A28295F2B3A337C7E')
        response = mschap.nt_response(authenticator, peer, 'User', 'clientPass')
        self.assertEqual(response.hex(), '82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df')
        hlak = mschap.client_hlak('clientPass', response)
        self.assertEqual(hlak[16:].hex(), '8b7cdc149b993a1ba118cb153f56dccb')

    def test_a_split_hello_is_the_same_message(self):
        hello = streams.client_hello('a.test')
        split = streams.split_records(hello, 50)
        body, at = b'', 0
        while at < len(split):
            length = int.from_bytes(split[at + 3:at + 5], 'big')
            body += split[at + 5:at + 5 + length]
            at += 5 + length
        self.assertEqual(body, hello[5:])


class SoftEtherTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = ca.Authority(cls.class_dir / 'ca')
        cls.good = softether.SoftEther('good', cls.class_dir / 'good',
                                       certificate=cls.ca.issue(NAME, rsa=True))
        cls.broken = softether.SoftEther('broken', cls.class_dir / 'broken', kind='broken')
        cls.addClassCleanup(cls.good.kill)
        cls.addClassCleanup(cls.broken.kill)
        softether.start_all([cls.good, cls.broken])

    def test_a_tunnel_carries_pings(self):
        relay = peers.start_haproxy_front(self, self.good.port)
        for way, port, tls, auth in (('direct', self.good.port, '1.3', 'pap'),
                                     ('haproxy', relay, '1.2', 'mschapv2')):
            with self.subTest(way=way, tls=tls, auth=auth):
                with sstp.Tunnel(('127.0.0.1', port), softether.USER, softether.PASSWORD, tls=tls,
                                 auth=auth, sni=NAME) as tunnel:
                    self.assertEqual(tunnel.tls.version(), f'TLSv{tls}')
                    self.assertTrue(str(tunnel.ppp.address).startswith('192.168.30.'))
                    self.assertEqual(tunnel.reach().ping(count=5).received, 5)
                    tunnel.disconnect()

    def test_sstpc_carries_pings(self):
        client = sstpc.open_tunnel(self, self.good.port, softether.USER, softether.PASSWORD,
                                   server_name=NAME, ca=self.ca.cert)
        self.assertRegex(client.process.log(), 'Connection Established')
        self.assertEqual(client.ping(count=3).received, 3)

    def test_a_wrong_password_is_refused(self):
        for auth in ('pap', 'mschapv2'):
            with self.subTest(auth=auth), self.assertRaises(AssertionError):
                sstp.Tunnel(('127.0.0.1', self.good.port), softether.USER, 'wrong',
                            auth=auth).open()

    def test_debians_own_server_speaks_tls_and_never_sstp(self):
        tunnel = sstp.Tunnel(('127.0.0.1', self.broken.port), timeout=2).connect()
        self.addCleanup(tunnel.close)
        tunnel.tls.sendall(b'GET / HTTP/1.1\r\nHost: vpn\r\n\r\n')
        self.assertRegex(tunnel.tls.recv(100), b'^HTTP/1.1 403')
        tunnel = sstp.Tunnel(('127.0.0.1', self.broken.port), timeout=2).connect()
        self.addCleanup(tunnel.close)
        with self.assertRaisesRegex(sstp.SstpError, 'SSTP_DUPLEX_POST'):
            tunnel.post()


class StreamCheckTest(case.EndToEndCase):
    def test_streams_pass_a_relay_and_a_wrong_byte_is_noticed(self):
        server = streams.StreamServer(self)
        relay = peers.start_haproxy_front(self, server.port)
        tally = streams.run_streams(relay, '--sessions', '300', '--concurrency', '50', '--spread')
        self.assertEqual((tally['sessions'], tally['failed']), (300, 0), tally)
        self.assertEqual(server.finish()['failed'], 0)
        echo = streams.NamedEcho(self, 'not a stream server')
        tally = streams.run_streams(echo.port, '--sessions', '10')
        self.assertEqual(tally['failed'], 10, tally)


if __name__ == '__main__':
    case.main()
