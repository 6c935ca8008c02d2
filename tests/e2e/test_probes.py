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

    def told(self, balancer, what):
        return [e['fields'] for e in balancer.events() if e['what'] == what]

    def wait_told(self, balancer, what, **fields):
        """Until such an event is there: its fields."""
        def found():
            for said in self.told(balancer, what):
                if all(said.get(k) == v for k, v in fields.items()):
                    return said
            return None

        return self.wait(found, 10, lambda: f'{what} {fields}, has: {balancer.events()}')

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
            self.wait_told(balancer, 'server learned', backend=f'{name}/vpn1', server='softether',
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

    def test_the_certificates_of_the_farm(self):
        good = demo_farm.DemoFarm(self, 'vpn1', days=90, names=['*.sstp.test'])
        short = demo_farm.DemoFarm(self, 'vpn2', days=5, names=['www.sstp.test', 'vpn.sstp.test'])
        farm = pool({'vpn1': good.port, 'vpn2': short.port},
                    probe={**QUICK, 'certificate_warn': '14d'})
        balancer = Balancer(self, {'main': farm}, {'route': [
            {'sni': ['vpn.sstp.test', 'ras.sstp.test'], 'pool': 'main'}]}).start()
        balancer.wait_health('up', 'main/vpn1', 'main/vpn2')
        self.wait_told(balancer, 'certificate expires', backend='main/vpn2')
        self.wait_told(balancer, 'certificate does not cover', backend='main/vpn2',
                       missing='ras.sstp.test')
        differ = self.wait_told(balancer, 'certificates differ', pool='main')
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
        changed = self.wait_told(balancer, 'certificate changed', backend='main/vpn2')
        self.assertEqual(changed['was'], shown['main/vpn2']['sha256'])
        balancer.wait_health('up', 'main/vpn2')
        self.assertEqual(metric('changes_total', backend='vpn2'), 1)
        self.assertEqual(metric('trouble'), 0)
        self.assertEqual(metric('mismatch'), 1)
        self.assertEqual(len(self.told(balancer, 'certificates differ')), 1, 'told once')
        balancer.stop()


if __name__ == '__main__':
    case.main()
