#!/usr/bin/python3
"""Probes of the daemon against servers of the demo farm: shared, bounded, without anything left
behind; and what it makes of the certificates that they show."""
# SPDX-License-Identifier: Apache-2.0
import json
import signal
import time

from lib import case, demo_farm, proc, sstp
from lib.balancer import Balancer, binary, pool, toml

QUICK = {'interval': '100ms', 'fast_interval': '50ms', 'timeout': '2s'}


class ProbesTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def test_pools_at_one_address_share_each_probe(self):
        farm = demo_farm.DemoFarm(self, kind='softether')
        probe = {**QUICK, 'sni': 'vpn.sstp.test'}  # One name for all: the questions are the same.
        pools = {name: pool({'vpn1': farm.port}, probe=probe) for name in ('a', 'b', 'c')}
        balancer = Balancer(self, pools, {'route': [
            {'sni': [f'{name}.sstp.test'], 'pool': name} for name in ('b', 'c')]}).start()
        balancer.wait_health('up', 'a/vpn1', 'b/vpn1', 'c/vpn1')
        self.wait(lambda: farm.counters()['posts'] >= 20, 15, 'twenty probes')
        before = farm.counters()['posts']
        answers = {name: balancer.metric('sstplb_probes_total', pool=name) for name in pools}
        after = farm.counters()['posts']
        for name, count in answers.items():
            self.assertLessEqual(before - 3, count, name)  # Those before the last pool joined.
            self.assertLessEqual(count, after, name)
        for name in pools:
            balancer.wait_told('server learned', backend=f'{name}/vpn1', server='softether',
                           was='-', configured='auto')
        balancer.stop()
        farm.wait_nothing_left()

    def test_the_budget_bounds_what_an_address_gets(self):
        farm = demo_farm.DemoFarm(self)
        probe = {**QUICK, 'interval': '50ms', 'budget': '5/s burst 2', 'sni': 'vpn.sstp.test'}
        other = {**probe, 'sni': 'ras.sstp.test'}  # Another question to the same address.
        balancer = Balancer(self, {'a': pool({'vpn1': farm.port}, probe=probe),
                                   'b': pool({'vpn1': farm.port}, probe=other)},
                            {'route': [{'sni': ['vpn.sstp.test'], 'pool': 'b'}]}).start()
        balancer.wait_health('up', 'a/vpn1', 'b/vpn1')
        for name in ('a', 'b'):  # Both get their turn.
            self.wait(lambda name=name: balancer.metric('sstplb_probes_postponed_total',
                                                        pool=name) >= 3,
                      15, 'probes that the budget puts off')
        # Without it there would be 40 a second.
        rate, burst = 5, 2
        begun = time.monotonic()
        before = farm.counters()['posts']
        self.wait(lambda: farm.counters()['posts'] >= before + 15, 30, 'fifteen posts')
        posts = farm.counters()['posts'] - before
        self.assertLessEqual(posts, burst + rate * (time.monotonic() - begun) + 1)
        balancer.stop()
        farm.wait_nothing_left()

    def test_a_server_that_says_200_and_ack_and_aborts_is_full(self):
        farm = demo_farm.DemoFarm(self, kind='sstp-server')
        balancer = Balancer(self, {'main': pool({'vpn1': farm.port}, probe={
            **QUICK, 'depth': 'call', 'server': 'sstp-server'})}).start()
        balancer.wait_health('up', 'main/vpn1')
        farm.fault('abort_after_ack')
        balancer.wait_health('down', 'main/vpn1', timeout=30)
        probe = balancer.backends()['main/vpn1']['probe']
        self.assertEqual(probe['outcome'], 'server_full')
        self.assertIn('given out', probe['hint'])
        farm.fault('none')
        balancer.wait_health('up', 'main/vpn1', timeout=30)
        balancer.stop()
        farm.wait_nothing_left()

    def test_a_full_server_is_not_asked_for_one_place_more(self):
        farm = demo_farm.DemoFarm(self, kind='sstp-server', addresses=3)
        main = pool({'vpn1': farm.port}, probe={**QUICK, 'depth': 'call', 'server': 'sstp-server'})
        main['backend'][0]['max_sessions'] = 3
        balancer = Balancer(self, {'main': main}).start()
        balancer.wait_health('up', 'main/vpn1')

        def probe():
            return balancer.backends()['main/vpn1']['probe']

        def dial():  # As far as it takes for an address.
            client = sstp.Tunnel(('127.0.0.1', balancer.port))
            self.addCleanup(client.close)
            return client.connect().post().call()

        def no_calls_but_posts(what):
            self.wait(lambda: 'asked post, not call' in (probe()['note'] or ''), 15, what)
            farm.wait_counters(open=len(balancer.sessions()))
            before = farm.counters()
            self.wait(lambda: farm.counters()['posts'] >= before['posts'] + 8, 15, 'eight posts')
            self.assertEqual(farm.counters()['calls'], before['calls'])
            self.assertEqual(balancer.health('main/vpn1'), 'up')
            self.assertEqual(balancer.metric('sstplb_probes_total', outcome='server_full'), 0)

        clients = [dial(), dial()]
        no_calls_but_posts('the last place to be left to a client')
        clients.append(dial())
        no_calls_but_posts('the server to be full')
        for client in clients[1:]:
            client.disconnect()
            client.close()
        before = farm.counters()['calls']
        self.wait(lambda: farm.counters()['calls'] >= before + 2, 15, 'calls again')
        self.wait(lambda: not probe()['note'], 15, 'a probe as configured')
        self.assertEqual(balancer.health('main/vpn1'), 'up')
        clients[0].disconnect()
        balancer.stop()
        farm.wait_nothing_left()

    def test_calls_under_way_are_ended_in_order_by_what_stops_their_probe(self):
        farms = {name: demo_farm.DemoFarm(self, name, kind='sstp-server')
                 for name in ('vpn1', 'vpn2')}
        probe = {**QUICK, 'timeout': '30s', 'depth': 'call', 'server': 'sstp-server'}
        balancer = Balancer(self, {'main': pool({n: f.port for n, f in farms.items()},
                                                probe=probe)}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2')

        def reload():
            balancer.config['pool']['main']['probe']['path'] = '/other/'
            balancer.write_config()
            balancer.ok('reload')

        for what, stop, name in (
                ('upgrade', balancer.upgrade, 'vpn1'), ('reload', reload, 'vpn1'),
                ('remove', lambda: balancer.ok('backend', 'remove', 'main/vpn2'), 'vpn2')):
            with self.subTest(what):
                farm = farms[name]
                farm.fault('http_status', 503)
                posts = farm.counters()['posts']
                self.wait(lambda: farm.counters()['posts'] >= posts + 2, 10, 'no call to be left')
                before = farm.counters()
                farm.fault('hang_at_call')  # The call has come, and is not answered.
                self.wait(lambda: farm.counters()['calls'] > before['calls'], 10, 'a call')
                farm.fault('none')
                stop()
                self.wait(lambda: farm.counters()['aborts'] > before['aborts'], 10, 'its goodbye')
                self.assertEqual(farm.counters()['half_open_left'], 0)
        farms['vpn2'].wait_nothing_left()
        # The same with calls that are answered, at whatever moment.
        balancer.wait_health('up', 'main/vpn1')
        for _ in range(3):
            balancer.upgrade()
            balancer.ok('reload')
        self.assertEqual(balancer.health('main/vpn1'), 'up')
        balancer.stop()
        farms['vpn1'].wait_nothing_left()

    def test_the_certificates_of_the_farm(self):
        good = demo_farm.DemoFarm(self, 'vpn1', days=90, names=['*.sstp.test'])
        short = demo_farm.DemoFarm(self, 'vpn2', days=5, names=['www.sstp.test', 'vpn.sstp.test'])
        farm = pool({'vpn1': good.port, 'vpn2': short.port},
                    probe={**QUICK, 'certificate_warn': '14d'})
        balancer = Balancer(self, {'main': farm}, {'route': [
            {'sni': ['vpn.sstp.test', 'ras.sstp.test'], 'pool': 'main'}]}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2')
        balancer.wait_told('certificate expires', backend='main/vpn2')
        balancer.wait_told('certificate does not cover', backend='main/vpn2',
                       missing='ras.sstp.test')
        differ = balancer.wait_told('certificates differ', pool='main')
        self.assertRegex(differ['certificates'], r'vpn1: \w{8} vpn2: \w{8}')
        shown = {n: b['certificate'] for n, b in balancer.backends().items()}
        self.assertEqual(shown['main/vpn1']['findings'], {})
        self.assertEqual(set(shown['main/vpn2']['findings']), {'expires', 'names'})
        self.assertEqual(shown['main/vpn2']['ocsp'], None)
        self.assertFalse(shown['main/vpn1']['verified'])

        def metric(name, **labels):
            return balancer.metric(f'sstplb_backend_certificate_{name}', pool='main', **labels)

        self.assertEqual(metric('mismatch'), 1)
        self.assertEqual(metric('trouble', backend='vpn1'), 0)
        self.assertEqual(metric('trouble', backend='vpn2', finding='names'), 1)
        self.assertEqual(metric('trouble', backend='vpn2', finding='expires'), 1)
        self.assertEqual(metric('trouble', backend='vpn2', finding='revoked'), 0)
        self.assertEqual(metric('changes_total'), 0)
        self.assertIn('lacks ras.sstp.test', balancer.ok('backend', 'list'))

        # The second is renewed: by one that fits, but is still not the first's.
        short.stop()
        demo_farm.DemoFarm(self, 'vpn2-renewed', port=short.port, days=90,
                           names=['vpn.sstp.test', 'ras.sstp.test'])
        changed = balancer.wait_told('certificate changed', backend='main/vpn2')
        self.assertEqual(changed['was'], shown['main/vpn2']['sha256'])
        balancer.wait_health('up', 'main/vpn2')
        self.assertEqual(metric('changes_total', backend='vpn2'), 1)
        self.assertEqual(metric('trouble'), 0)
        self.assertEqual(metric('mismatch'), 1)
        self.assertEqual(len(balancer.told('certificates differ')), 1, 'told once')
        balancer.stop()


class ProbeCommandTest(case.EndToEndCase):
    """`sstplb probe`, as a person and as a script reads it."""

    # Fault, outcome, a message of the server, a part of the hint.
    ROWS = [
        (['none'], 'ok', 'call_disconnect_ack', None),
        (['nak'], 'call_nak', 'call_connect_nak', None),
        (['abort_after_ack'], 'server_full', 'call_abort', 'given out'),
        (['http_status', 503], 'http_status', 'HTTP/1.1 503 Service Unavailable', 'out of ports'),
        (['close_at_accept'], 'closed_at_once', None, 'PROXY header'),
    ]
    KEYS = {'address', 'good', 'outcome', 'meaning', 'detail', 'hint', 'note', 'took_seconds',
            'steps', 'status_line', 'server_header', 'server', 'hash_mask', 'fits', 'said'}
    TLS_KEYS = {'version', 'cipher', 'alpn', 'chain', 'ocsp', 'ocsp_next_update', 'certificate'}

    def setUp(self):
        super().setUp()
        binary()
        self.farm = demo_farm.DemoFarm(self, kind='sstp-server', days=40)

    def probe(self, *options):
        return proc.run([binary(), 'probe', self.farm.address, '--depth', 'call', '--server',
                         'sstp-server', *options])

    def test_the_text(self):
        for fault, outcome, came_line, hint in self.ROWS:
            with self.subTest(fault=fault):
                self.farm.fault(*fault)
                done = self.probe()
                self.assertEqual(done.returncode, 0 if outcome == 'ok' else 1, done.stdout)
                self.assertRegex(done.stdout, rf'(?m)^{outcome} +\d+\.\d ms  \w')
                self.assertRegex(done.stdout, r'(?m)^tcp +\d+\.\d ms  connected to 127\.0\.0\.1:')
                if came_line:
                    self.assertRegex(done.stdout, r'(?m)^tls +\d+\.\d ms  TLSv1\.3 ')
                    self.assertRegex(done.stdout, r' valid  .*, (39|40) days left\n')
                    self.assertRegex(done.stdout, r' sent  SSTP_DUPLEX_POST /sra_')
                    self.assertRegex(done.stdout, rf' came  {came_line}')
                    self.assertIn('--tls-versions', done.stdout)
                self.assertEqual('SHA-256' in done.stdout, outcome in ('ok', 'server_full'))
                fits = 'fits                 server = "sstp-server"\n' in done.stdout
                self.assertEqual(fits, outcome in ('ok', 'call_nak', 'server_full'))
                self.assertEqual(hint in done.stdout if hint else 'hint' not in done.stdout, True)
                self.farm.wait_nothing_left()

    def test_the_json(self):
        for fault, outcome, came_line, hint in self.ROWS:
            with self.subTest(fault=fault):
                self.farm.fault(*fault)
                done = self.probe('--json')
                self.assertEqual(done.returncode, 0 if outcome == 'ok' else 1, done.stdout)
                said = json.loads(done.stdout)
                self.assertEqual(set(said) - {'tls'}, self.KEYS)
                self.assertEqual((said['outcome'], said['good']), (outcome, outcome == 'ok'))
                self.assertIn(hint or '', said['hint'])
                self.assertEqual(said['steps'][0]['step'], 'tcp')
                self.assertEqual('tls' in said, came_line is not None)
                acked = outcome in ('ok', 'server_full')
                self.assertEqual(said['hash_mask'], 3 if acked else None)
                self.assertEqual(bool(said['fits']), acked or outcome == 'call_nak')
                if not came_line:
                    self.assertEqual(said['said'], [])
                    continue
                self.assertEqual(set(said['tls']), self.TLS_KEYS)
                self.assertIn(said['tls']['certificate']['days_left'], (39, 40))
                self.assertIn(said['tls']['chain'][0]['days_left'], (39, 40))
                self.assertEqual(said['tls']['ocsp_next_update'], None)
                came = [m['lines'][0] for m in said['said'] if m['by'] == 'server']
                self.assertTrue(any(line.startswith(came_line) for line in came), came)
                self.farm.wait_nothing_left()

    def test_every_version_and_cipher(self):
        done = self.probe('--tls-versions')
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r'(?m)^TLSv1\.3 +taken  TLS_')
        self.assertNotIn('--tls-versions tries', done.stdout)
        scan = json.loads(self.probe('--tls-versions', '--json').stdout)['tls_scan']
        self.assertEqual([v['version'] for v in scan['versions']],
                         ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
        self.assertEqual({v['trouble'] for v in scan['versions']}, {''})
        self.farm.wait_nothing_left()


class CtrlCTest(case.EndToEndCase):
    """A call under way is ended in order: sstp-server would lose an address for ever."""

    def setUp(self):
        super().setUp()
        binary()
        self.farm = demo_farm.DemoFarm(self, kind='sstp-server')
        self.farm.fault('hang_at_call')
        self.config = self.dir / 'check.toml'
        self.config.write_text(toml({
            'listener': {'vpn': {'bind': ['127.0.0.1:443'], 'pool': 'main'}},
            'pool': {'main': pool({'vpn1': self.farm.port},
                                  probe={'depth': 'call', 'timeout': '30s', 'interval': '60s'})}}))

    def commands(self):
        return {'probe': ['probe', self.farm.address, '--depth', 'call', '--timeout', '30s'],
                'check': ['check', '-c', self.config, '--online', '--within', '60s']}

    def start_calling(self, name):
        calls = self.farm.counters()['calls']
        process = self.start([binary(), *self.commands()[name]], name)
        self.wait(lambda: self.farm.counters()['calls'] > calls, 10, 'a call')
        return process

    def test_the_first_ends_the_call(self):
        for name, number in (('probe', signal.SIGINT), ('probe', signal.SIGTERM),
                             ('check', signal.SIGINT), ('check', signal.SIGTERM)):
            with self.subTest(command=name, signal=number):
                aborts = self.farm.counters()['aborts']
                process = self.start_calling(name)
                process.send_signal(number)
                code = process.wait_exit(10)
                said = process.log()
                self.assertEqual(self.farm.counters()['aborts'], aborts + 1, said)
                self.farm.wait_nothing_left()
                if name == 'probe':
                    self.assertEqual(code, 1, said)
                    self.assertRegex(said, r'(?m)^cancelled ')
                else:
                    self.assertGreaterEqual(code, 0, said)
                    self.assertIn('backend_not_asked', said)

    def test_the_second_ends_it_at_once(self):
        for name in self.commands():
            with self.subTest(command=name):
                self.farm.fault('hang_at_call')
                aborts = self.farm.counters()['aborts']
                process = self.start_calling(name)
                self.farm.fault('never_close')  # The goodbye takes its two seconds.
                process.send_signal(signal.SIGINT)
                self.wait(lambda: self.farm.counters()['aborts'] > aborts, 10, 'the goodbye')
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait_exit(5), -signal.SIGINT)


if __name__ == '__main__':
    case.main()
