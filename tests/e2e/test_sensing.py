#!/usr/bin/python3
"""What the data path senses of backends: who is ejected, who is not, and how it ends."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import socket
import ssl
import threading

from lib import case
from lib.sensing import SensingCase, networks


class SensingTest(SensingCase):
    def test_a_full_backend_is_ejected_and_its_tunnels_live_on(self):
        balancer = self.farm()
        held = self.start(self.load(balancer, 4, sources=4, hold='60s'), 'held')
        self.servers['b1'].wait_counters(connected=2)
        self.servers['b1'].fault('close_at_accept')
        self.run_load(balancer, 20, sources=20)
        ejection = self.wait(lambda: self.ejection(balancer), 10, 'b1 to be ejected')
        self.assertEqual(ejection['signal'], 'closed_at_once')
        self.assertGreaterEqual(ejection['failures'], 5)
        self.assertEqual(self.went(balancer)[-1]['went'], 'ejected')
        backend = balancer.backends()['main/b1']
        self.assertEqual((backend['admin'], backend['ready']), ('active', False))
        self.assertEqual(backend['sessions_active'], 2)
        self.assertIn('ejected, closed_at_once', balancer.ok('backend', 'list'))
        self.assertIn('ejected for another', balancer.ok('explain', '--source', '192.0.2.1'))
        page = balancer.get('/metrics')[1]
        self.assertIn('sstplb_backend_ejected{pool="main",backend="b1"} 1', page)
        self.assertIn('sstplb_backend_ejections_total{pool="main",backend="b1",'
                      'signal="closed_at_once"} 1', page)
        self.assertEqual(self.run_load(balancer, 10, sources=10), 10)
        # The operator knows better.
        self.servers['b1'].fault('none')
        balancer.ok('backend', 'enable', 'main/b1')
        self.assertIsNone(self.ejection(balancer))
        self.assertEqual(self.went(balancer)[-1]['cause'], 'operator')
        before = self.servers['b1'].counters()['connected']
        self.assertEqual(self.run_load(balancer, 4, sources=4), 4)
        self.assertEqual(self.servers['b1'].counters()['connected'], before + 2)
        self.assertTrue(held.running())
        self.assertGreaterEqual(self.servers['b1'].counters()['tunnels'], 2)
        balancer.stop()

    def test_one_client_ejects_nobody_and_an_ejection_ends(self):
        balancer = self.farm(ejection={'base_time': '1s', 'min_failures': 3})
        self.servers['b1'].fault('tls_alert')
        self.run_load(balancer, 40, sources=2)
        # What these have shown is judged before what comes next.
        self.run_load(balancer, 20, sources=1)
        self.assertEqual(self.went(balancer), [])
        self.run_load(balancer, 20, sources=20)
        gone = self.wait(lambda: self.went(balancer), 10, 'b1 to be ejected')
        self.assertEqual(gone[0]['signal'], 'alert_server')
        self.servers['b1'].fault('none')
        self.wait(lambda: self.went(balancer)[-1].get('cause') == 'time_up', 10, 'b1 to be back')
        balancer.stop()

    def test_who_does_tls_and_leaves_ejects_nobody(self):
        balancer = self.farm()
        self.assertEqual(self.run_load(balancer, 4, sources=4), 4)
        with self.alone(balancer):
            for source in [*networks(8), *(f'127.9.9.{i + 1}' for i in range(5))]:
                self.tls(balancer, source)
        self.assertEqual(self.run_load(balancer, 2, sources=2), 2)
        self.wait(lambda: self.sensed(balancer)['other_sources'] >= 1, 10, 'b2 to have shown itself')
        self.assertEqual(self.sensed(balancer)['failures'], 0)
        self.assertEqual(balancer.metric('sstplb_backend_signals_total', signal='died_early'), 0)
        self.assertEqual(self.went(balancer), [])
        balancer.stop()

    def test_one_network_ejects_nobody(self):
        balancer = self.farm()
        self.assertEqual(self.run_load(balancer, 4, sources=4), 4)
        self.servers['b1'].fault('close_at_accept')
        with self.alone(balancer):
            for i in range(20):
                with contextlib.suppress(OSError):
                    self.tls(balancer, f'127.9.9.{i + 1}')
        self.wait(lambda: self.sensed(balancer)['failures'] == 2, 10, 'b1 to have failed for two')
        self.assertGreaterEqual(self.sensed(balancer)['other_sources'], 2)
        self.assertEqual(balancer.metric('sstplb_backend_failing_sources', backend='b1'), 2)
        self.assertEqual(self.went(balancer), [])
        balancer.stop()

    def test_what_fails_everywhere_ejects_nobody(self):
        balancer = self.farm(servers=('b1', 'b2', 'b3'), ejection={'min_failures': 2})
        for server in self.servers.values():
            server.fault('close_at_accept')
        self.run_load(balancer, 24, sources=24)
        self.wait(lambda: self.sensed(balancer)['sources'] >= 6, 10, 'all to have shown themselves')
        for name in balancer.backends():
            self.assertEqual(self.went(balancer, name), [])
        balancer.stop()

    def test_no_more_than_the_share_is_out_and_a_reload_ends_it(self):
        balancer = self.farm(servers=('b1', 'b2', 'b3', 'b4', 'b5'),
                             ejection={'min_failures': 2, 'max_share': 0.2, 'base_time': '10m'})
        for name in ('b1', 'b2'):
            self.servers[name].fault('tls_alert')
        self.run_load(balancer, 50, sources=50)

        def out():
            return [name for name, b in balancer.backends().items() if b['ejection']]

        self.wait(out, 10, 'one to be ejected')
        self.run_load(balancer, 20, sources=20)
        self.assertEqual(len(out()), 1, out())
        balancer.config['pool']['main']['ejection']['max_share'] = 0.4
        balancer.write_config()
        balancer.ok('reload')
        self.wait(lambda: out() == ['main/b1', 'main/b2'], 10, out)
        balancer.config['pool']['main']['ejection']['enabled'] = False
        balancer.write_config()
        balancer.ok('reload')
        self.wait(lambda: not out(), 10, 'both to be back')
        self.assertEqual(self.went(balancer)[-1]['cause'], 'switched_off')
        balancer.stop()

    def test_the_time_grows(self):
        balancer = self.farm(ejection={'base_time': '1s', 'min_failures': 2})
        self.assertEqual(self.run_load(balancer, 4, sources=4), 4)
        self.servers['b1'].fault('tls_alert')
        for times in (1, 2):
            with self.alone(balancer):
                self.run_load(balancer, 4, sources=4)
            ejected = self.wait(lambda: [w for w in self.went(balancer)
                                         if w.get('times') == str(times)], 10, 'b1 to be ejected')[0]
            self.assertEqual(ejected['for'], f'{times}.0s')
            self.wait(lambda: self.went(balancer)[-1]['went'] == 'readmitted', 10, 'its time')
        balancer.stop()


class BrokenServer:
    """Begins a TLS handshake with everybody and closes in the middle."""

    def __init__(self, test):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.socket.getsockname()[1]
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        test.addCleanup(thread.join)
        test.addCleanup(self.socket.close)
        test.addCleanup(self.socket.shutdown, socket.SHUT_RDWR)

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b'\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03')


class FullServer:
    """Its queue is full: the kernel does not answer who connects."""

    def __init__(self, test):
        listening = socket.create_server(('127.0.0.1', 0), backlog=0)
        test.addCleanup(listening.close)
        port = listening.getsockname()[1]
        self.address = f'127.0.0.1:{port}'
        while True:
            one = socket.socket()
            test.addCleanup(one.close)
            one.settimeout(0.3)
            try:
                one.connect(('127.0.0.1', port))
            except TimeoutError:
                return


class SignalsTest(SensingCase):
    def test_each_fault_has_its_signal_and_ejects(self):
        broken, full = BrokenServer(self), FullServer(self)
        balancer = self.farm(kind='rras:any:any', connect_timeout='500ms',
                             more={'broken': broken.address, 'full': full.address},
                             ejection={'min_failures': 3, 'max_share': 1.0, 'base_time': '10m'})
        for name in ('main/broken', 'main/full'):
            balancer.ok('backend', 'weight', name, '0')
        self.assertEqual(self.run_load(balancer, 6, sources=6), 6)

        def loads(**options):
            return lambda: self.run_load(balancer, 3, sources=3, **options)

        def cut_off():
            """They wait for a while, and then the server is gone."""
            client = self.start(self.load(balancer, 3, sources=3), 'cut_off')
            self.wait(lambda: len(found := balancer.sessions()) == 3 and
                      min(s['age_seconds'] for s in found) > 1.1, 10, 'clients that wait')
            self.servers['b1'].drop()
            client.wait_exit(10)

        def doubts(version):
            def run():
                for source in networks(3):
                    with self.assertRaises(ssl.SSLCertVerificationError):
                        self.tls(balancer, source, verify=True, version=version)
            return run

        rows = [
            # what b1 does, or who is in its place; its clients; what is seen
            ('refuse', loads(), 'connect_refused'),
            ('full', loads(), 'connect_timeout'),
            ('close_at_accept', loads(), 'closed_at_once'),
            ('hang_at_accept', cut_off, 'silent'),
            ('tls_alert', loads(), 'alert_server'),
            ('none', doubts(ssl.TLSVersion.TLSv1_2), 'alert_client'),
            ('none', doubts(ssl.TLSVersion.TLSv1_3), 'alert_client'),
            ('broken', loads(), 'handshake_broken'),
            ('close_after_post', loads(), 'died_early'),
            ('nak', loads(), 'died_early'),
            ('abort_call', loads(), 'died_early'),
            ('none', loads(password='wrong'), 'died_early'),
        ]
        for fault, clients, word in rows:
            with self.subTest(fault=fault, signal=word):
                name = fault if fault in ('full', 'broken') else 'b1'
                if name == 'b1':
                    self.servers['b1'].fault(fault)
                before = balancer.metric('sstplb_backend_signals_total', backend=name, signal=word)
                with self.alone(balancer, f'main/{name}'):
                    clients()
                ejection = self.wait(lambda: self.ejection(balancer, f'main/{name}'), 10,
                                     f'{name} to be ejected')
                self.assertEqual((ejection['signal'], ejection['failures']), (word, 3))
                self.assertEqual(balancer.metric('sstplb_backend_signals_total', backend=name,
                                                 signal=word), before + 3)
            self.servers['b1'].fault('none')
            balancer.ok('backend', 'weight', f'main/{name}', '100' if name == 'b1' else '0')
            balancer.ok('backend', 'enable', f'main/{name}')
        balancer.stop()


if __name__ == '__main__':
    case.main()
