#!/usr/bin/python3
"""sstplb in front of real SSTP servers: three SoftEther VPN servers and Debian's broken one.

Tunnels are real: PPP gets an address from the server and ICMP echo is answered by the gateway at
the far end. A backend is recognised by its certificate, which the client sees unchanged.
"""
# SPDX-License-Identifier: Apache-2.0
import ssl
import time

from lib import ca, case, peers, pinger, proc, softether, sstp, sstpc
from lib.balancer import Balancer, binary, pool

NAME = 'vpn.sstp.test'
FALL, INTERVAL, TIMEOUT = 3, 1, 1
MARGIN = 2.0  # seconds, for a busy machine
PROBE = {'kind': 'sstp', 'interval': f'{INTERVAL}s', 'fast_interval': f'{INTERVAL}s',
         'timeout': f'{TIMEOUT}s', 'rise': 2, 'fall': FALL}


def sources(count, block):
    return [f'127.{block}.0.{i + 1}' for i in range(count)]


class FarmTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()
        cls.ca = ca.Authority(cls.class_dir / 'ca')
        cls.servers, cls.by_certificate = {}, {}
        for name in ('vpn1', 'vpn2', 'vpn3'):
            (cls.class_dir / name).mkdir()
            certificate = ca.Authority(cls.class_dir / name / 'ca').issue(NAME, rsa=True)
            if name == 'vpn1':  # All of them would do; sstpc verifies one.
                certificate = cls.ca.issue(NAME, rsa=True)
            cls.servers[name] = softether.SoftEther(name, cls.class_dir / name / 'server',
                                                    certificate=certificate)
            der = ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())
            cls.by_certificate[der] = name
        cls.servers['debian'] = softether.SoftEther('debian', cls.class_dir / 'debian',
                                                    kind='broken')
        for server in cls.servers.values():
            cls.addClassCleanup(server.kill)
        softether.start_all(cls.servers.values())

    def farm(self, *names, **more):
        return pool({name: self.servers[name].port for name in names}, probe=PROBE, **more)

    def open(self, balancer, addresses, **more):
        tunnels = pinger.open_tunnels(balancer.port, softether.USER, softether.PASSWORD, addresses,
                                      sni=NAME, **more)
        for tunnel in tunnels:
            self.addCleanup(tunnel.close)
        return tunnels

    def server_of(self, tunnel):
        return self.by_certificate[tunnel.certificate]

    def test_a_server_dies_and_comes_back_and_the_others_never_notice(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', 'vpn3',
                                                     balance='round-robin')}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2', 'main/vpn3')

        tunnels = self.open(balancer, sources(6, 1))
        self.assertEqual({self.server_of(t) for t in tunnels}, {'vpn1', 'vpn2', 'vpn3'})
        for tunnel in tunnels:
            self.assertEqual(tunnel.ping(count=5).received, 5, self.server_of(tunnel))
        self.assertEqual(len(balancer.sessions()), 6)

        pingers = [pinger.Pinger(tunnel) for tunnel in tunnels]
        dead = [p for p in pingers if self.server_of(p.tunnel) == 'vpn2']
        rest = [p for p in pingers if self.server_of(p.tunnel) != 'vpn2']
        killed = time.monotonic()
        self.servers['vpn2'].kill()
        self.wait(lambda: all(p.broken() for p in dead), 2, 'the dead server\'s clients to be told')
        # Not yet marked down, perhaps; a refused connection goes to the next candidate.
        new = self.open(balancer, sources(3, 2))
        self.assertNotIn('vpn2', {self.server_of(t) for t in new})
        balancer.wait_health('down', 'main/vpn2', timeout=FALL * INTERVAL + TIMEOUT + MARGIN)
        self.assertLess(time.monotonic() - killed, FALL * INTERVAL + TIMEOUT + MARGIN)
        for tunnel in new:
            self.assertEqual(tunnel.ping(count=3).received, 3)

        self.servers['vpn2'].start()
        balancer.wait_health('up', 'main/vpn2', timeout=2 * INTERVAL + TIMEOUT + MARGIN)
        again = self.open(balancer, sources(3, 3))
        self.assertIn('vpn2', {self.server_of(t) for t in again})
        for tunnel in again:
            self.assertEqual(tunnel.ping(count=3).received, 3)

        for p in rest:
            p.stop()
            self.assertIsNone(p.error)
            self.assertGreater(p.sent, 20)
            self.assertEqual(p.lost, 0, f'{self.server_of(p.tunnel)}: lost {p.lost} of {p.sent}')
            p.tunnel.disconnect()
        for p in dead:
            p.tunnel.close()
        for tunnel in new + again:
            tunnel.disconnect()
        balancer.wait_sessions(0)
        balancer.stop()

    def test_a_client_comes_back_to_its_server(self):
        # With so few sessions a bound on the load would send every second one elsewhere.
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', 'vpn3', max_load=0)}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2', 'main/vpn3')
        for source in sources(12, 4):
            seen = set()
            for tls in ('1.2', '1.3', None):
                tunnel = sstp.Tunnel(('127.0.0.1', balancer.port), source=source, tls=tls, sni=NAME)
                seen.add(self.server_of(tunnel.connect().post().call()))
                tunnel.disconnect()
            self.assertEqual(len(seen), 1, source)
        balancer.stop()

    def test_the_client_of_debian_gets_through(self):
        balancer = Balancer(self, {'main': self.farm('vpn1')}).start()
        balancer.wait_health('up', 'main/vpn1')
        client = sstpc.open_tunnel(self, balancer.port, softether.USER, softether.PASSWORD,
                                   server_name=NAME, ca=self.ca.cert)
        self.assertRegex(client.process.log(), 'Connection Established')
        self.assertEqual(client.ping(count=3).received, 3)
        snis = {session['sni'] for session in balancer.sessions()}
        self.assertIn(NAME, snis)
        client.stop()
        balancer.wait_sessions(0)
        balancer.stop()

    def test_a_server_that_is_up_for_everything_but_sstp(self):
        debian = {'debian': self.servers['debian'].port}
        quick = {'interval': '1s', 'fast_interval': '500ms', 'timeout': '1s'}
        pools = {'main': self.farm('vpn1', 'debian', balance='round-robin'),
                 'by-tcp': pool(debian, probe={'kind': 'tcp', **quick}),
                 'by-tls': pool(debian, probe={'kind': 'tls', **quick})}
        routes = [{'sni': ['tcp.test'], 'pool': 'by-tcp'}, {'sni': ['tls.test'], 'pool': 'by-tls'}]
        balancer = Balancer(self, pools, {'route': routes}).start()
        balancer.wait_health('up', 'main/vpn1', 'by-tcp/debian', 'by-tls/debian')
        balancer.wait_health('down', 'main/debian')
        for tunnel in self.open(balancer, sources(6, 5)):
            self.assertEqual(self.server_of(tunnel), 'vpn1')
            self.assertEqual(tunnel.ping(count=2).received, 2)
            tunnel.disconnect()
        self.assertEqual(balancer.backends()['main/debian']['sessions_opened'], 0)
        self.assertEqual(balancer.health('by-tls/debian'), 'up')
        self.assertEqual(balancer.health('main/debian'), 'down')
        balancer.stop()

    def test_a_frozen_server_and_one_with_sstp_switched_off(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', 'vpn3')}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2', 'main/vpn3')
        self.servers['vpn1'].freeze()  # TCP still connects, TLS hangs
        self.addCleanup(self.servers['vpn1'].thaw)
        self.addCleanup(self.servers['vpn3'].enable_sstp, True)
        self.servers['vpn3'].enable_sstp(False)  # TLS and HTTP work, the POST gets 501
        balancer.wait_health('down', 'main/vpn1', 'main/vpn3',
                             timeout=FALL * (INTERVAL + TIMEOUT) + MARGIN)
        self.assertEqual(balancer.health('main/vpn2'), 'up')
        tunnels = self.open(balancer, sources(4, 6))
        self.assertEqual({self.server_of(t) for t in tunnels}, {'vpn2'})
        self.servers['vpn1'].thaw()
        self.servers['vpn3'].enable_sstp(True)
        balancer.wait_health('up', 'main/vpn1', 'main/vpn3',
                             timeout=2 * (INTERVAL + TIMEOUT) + MARGIN)
        for tunnel in tunnels:
            tunnel.disconnect()
        balancer.stop()

    def test_the_probe_command_shows_each_step(self):
        balancer = binary()
        good, bad = (self.servers[n].address for n in ('vpn1', 'debian'))
        done = proc.run([balancer, 'probe', good])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = proc.run([balancer, 'probe', bad])
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_behind_haproxy_the_tunnel_still_works(self):
        balancer = Balancer(self, {'main': self.farm('vpn2')},
                            {'accept_proxy': ['127.0.0.1/32']}).start()
        balancer.wait_health('up', 'main/vpn2')
        front = peers.start_haproxy_front(self, balancer.port, 'send-proxy-v2')
        with sstp.Tunnel(('127.0.0.1', front), softether.USER, softether.PASSWORD, sni=NAME,
                         source='127.7.7.7') as tunnel:
            self.assertEqual(tunnel.reach().ping(count=3).received, 3)
            clients = [s['client'].rpartition(':')[0] for s in balancer.sessions()]
            self.assertEqual(clients, ['127.7.7.7'])
            tunnel.disconnect()
        balancer.stop()


if __name__ == '__main__':
    case.main()
