#!/usr/bin/python3
"""sstplb in front of real SSTP servers: three SoftEther VPN servers and Debian's broken one.

Tunnels are real: PPP gets an address from the server and ICMP echo is answered by the gateway at
the far end. A backend is recognised by its certificate, which the client sees unchanged.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import time

from lib import case, peers, pinger, proc, softether, sstp, sstpc
from lib.balancer import Balancer, binary, pool
from lib.softether import NAME

FALL, INTERVAL, TIMEOUT = 3, 1, 1
MARGIN = 2.0  # seconds, for a busy machine
PROBE = {'kind': 'sstp', 'interval': f'{INTERVAL}s', 'fast_interval': f'{INTERVAL}s',
         'timeout': f'{TIMEOUT}s', 'rise': 2, 'fall': FALL}


def sources(count, block):
    return [f'127.{block}.0.{i + 1}' for i in range(count)]


class FarmTest(softether.FarmCase):
    def farm(self, *names, **more):
        return super().farm(*names, probe=PROBE, **more)

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

    def test_many_at_once_come_up_one_after_the_other(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', max_pending_per_backend=1,
                                                     queue_timeout='30s')},
                            global_={'workers': 1}).start()
        balancer.wait_health('up', 'main/vpn1')
        password = self.dir / 'password'
        password.write_text(softether.PASSWORD)
        load = self.start([binary(), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', '20',
                           '--rate', '200/s', '--hold', '2s', '--depth', 'ppp', '--sni', NAME,
                           '--user', softether.USER, '--password-file', password, '--timeout', '20s',
                           '--source', ','.join(sources(20, 4)), '--json'], 'load')
        most = 0
        while load.running():
            most = max(most, len(balancer.sessions('--liveness', 'handshaking')))
        report = json.loads(load.log()[load.log().index('{'):])  # its progress comes first
        self.assertEqual((report['came_up'], report['failed']), (20, 0), report)
        self.assertEqual(most, 1)
        self.assertGreater(balancer.metric('sstplb_backend_queue_wait_seconds_count'), 0)
        balancer.stop()

    def test_a_server_that_was_restarted_starts_slowly(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', slow_start='1h',
                                                     balance='round-robin')}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2')
        self.assertEqual(balancer.backends()['main/vpn2']['share'], 1)
        self.servers['vpn2'].kill()
        balancer.wait_health('down', 'main/vpn2')
        self.servers['vpn2'].start()
        balancer.wait_health('up', 'main/vpn2')
        self.assertLess(balancer.backends()['main/vpn2']['share'], 0.05)
        tunnels = self.open(balancer, sources(6, 5))
        # One in fifty is of its share; two in a row would be by turns.
        self.assertLess([self.server_of(t) for t in tunnels].count('vpn2'), 3)
        for tunnel in tunnels:
            tunnel.disconnect()
        balancer.stop()

    def test_upgrades_do_not_lose_a_ping(self):
        def connection(tunnel):
            """The client's socket: its number in the kernel, and both its addresses."""
            tls = tunnel.tls
            return os.fstat(tls.fileno()).st_ino, tls.getsockname(), tls.getpeername()

        def listed():
            return {s['client']: (s['id'], s['backend'], s['backend_address'])
                    for s in balancer.sessions()}

        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', 'vpn3',
                                                     balance='round-robin')}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2', 'main/vpn3')
        tunnels = self.open(balancer, sources(6, 7))
        self.assertEqual({self.server_of(t) for t in tunnels}, {'vpn1', 'vpn2', 'vpn3'})
        connections, before = [connection(t) for t in tunnels], listed()
        self.assertEqual(len(before), 6)
        pingers = [pinger.Pinger(tunnel) for tunnel in tunnels]
        for _ in range(3):
            sent = [p.sent for p in pingers]
            balancer.upgrade()
            self.assertEqual(listed(), before)
            self.wait(lambda was=sent: all(p.sent > n + 5 or p.broken()
                                           for p, n in zip(pingers, was)), 10, 'pings to go on')
        for p in pingers:
            p.stop()
            self.assertIsNone(p.error)
            self.assertGreater(p.sent, 15)
            self.assertEqual(p.lost, 0, f'{self.server_of(p.tunnel)}: lost {p.lost} of {p.sent}')
        self.assertEqual([connection(t) for t in tunnels], connections)
        for tunnel in tunnels:
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
                                   server_name=NAME, ca=self.authorities['vpn1'].cert)
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
        done = proc.run([binary(), 'probe', self.servers['vpn1'].address, '--depth', 'call'])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in (r'sent  SSTP_DUPLEX_POST /sra_', r'came  HTTP/1\.1 200 OK',
                     r'came  call_connect_ack, crypto binding with SHA-256, 48 bytes',
                     r'sent  call_disconnect', r'came  call_disconnect_ack',
                     r'the backend closed', r'fits +server = "softether"'):
            self.assertRegex(done.stdout, line)
        done = proc.run([binary(), 'probe', self.servers['debian'].address])
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def probe(self, name, *more):
        done = proc.run([binary(), 'probe', self.servers[name].address, '--json',
                         '--timeout', f'{TIMEOUT}s', *more])
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode == 0, report['good'])
        return report

    def test_the_truth_table_on_the_real_one(self):
        vpn = self.servers['vpn1']
        for depth in ('post', 'call'):  # Learned at either depth; SHA-256 alone is offered.
            report = self.probe('vpn1', '--depth', depth)
            self.assertEqual((report['outcome'], report['server']), ('ok', 'softether'))
        close = report['steps'][-1]
        self.assertEqual(close['step'], 'close')
        self.assertLess(close['took_seconds'], 0.5, 'it closes by itself after 25 ms')
        report = self.probe('vpn1', '--server', 'rras')
        self.assertEqual((report['outcome'], report['note']),
                         ('ok', 'configured as rras, answers like softether'))
        report = self.probe('vpn1', '--proxy-protocol', 'v2', '--server', 'softether')
        self.assertEqual(report['outcome'], 'proxy_rejected')
        self.assertIn('"none"', report['hint'])
        report = self.probe('debian', '--server', 'softether')
        self.assertEqual(report['outcome'], 'http_timeout')
        self.assertIn('Debian', report['hint'])
        self.assertEqual(self.probe('debian', '--kind', 'tls')['outcome'], 'ok')

        self.addCleanup(vpn.enable_sstp, True)
        vpn.enable_sstp(False)
        report = self.probe('vpn1', '--server', 'softether')
        self.assertEqual((report['outcome'], report['status_line']),
                         ('http_status', 'HTTP/1.1 501 Method Not Implemented'))
        self.assertIn('switched off', report['hint'])
        vpn.enable_sstp(True)
        self.addCleanup(vpn.thaw)
        vpn.freeze()
        self.assertEqual(self.probe('vpn1', '--depth', 'call')['outcome'], 'tls_timeout')
        vpn.thaw()
        self.wait(lambda: self.probe('vpn1')['good'], 10, 'the server to answer again')

        report = self.probe('vpn1', '--tls-versions')
        taken = {v['version']: v['taken'] for v in report['tls_scan']['versions']}
        self.assertEqual(taken['TLSv1'], [])
        self.assertIn('ECDHE-RSA-AES256-GCM-SHA384', taken['TLSv1.2'])
        self.assertIn('TLS_AES_256_GCM_SHA384', taken['TLSv1.3'])

    def test_probes_leave_nothing_on_the_real_one(self):
        def connections():
            listing = self.servers['vpn2'].vpncmd('ConnectionList')
            return sum(line.startswith('Connection Name') for line in listing.splitlines())

        before = connections()
        for depth in ('post', 'call'):
            for _ in range(20):
                self.assertTrue(self.probe('vpn2', '--depth', depth)['good'])
        self.wait(lambda: connections() <= before, 10,
                  lambda: f'{before} connections as before, there are {connections()}')
        self.assertEqual(self.servers['vpn2'].sessions(), 0)

    def test_the_daemon_learns_what_its_servers_are(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2')}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2')
        for name in ('main/vpn1', 'main/vpn2'):
            self.wait(lambda name=name: balancer.backends()[name]['probe']['server'] == 'softether',
                      10, f'{name} to be known')
        told = [e['fields'] for e in balancer.events() if e['what'] == 'server learned']
        self.assertCountEqual([(t['backend'], t['server'], t['was']) for t in told],
                              [(f'main/{n}', 'softether', '-') for n in ('vpn1', 'vpn2')])
        balancer.stop()

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
