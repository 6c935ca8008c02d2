#!/usr/bin/python3
"""What the data path senses of backends: who is ejected, who is not, and how it ends."""
# SPDX-License-Identifier: Apache-2.0
import json
import signal

from lib import case, proc
from lib.balancer import Balancer, binary, pool
from lib.demo_farm import DemoFarm


class SensingTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def farm(self, listener=None, **options):
        (self.dir / 'password').write_text('any\n')
        self.servers = {name: DemoFarm(self, name) for name in ('b1', 'b2')}
        pools = {'main': pool({name: server.address for name, server in self.servers.items()},
                              balance='round-robin', **options)}
        return Balancer(self, pools, listener).start()

    def load(self, balancer, tunnels, *, sources=1, hold='1s'):
        """The words of a load whose tunnels, from so many addresses, carry enough to count."""
        addresses = ','.join(f'127.0.1.{i + 1}' for i in range(sources))
        return [str(binary()), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', str(tunnels),
                '--rate', '50/s', '--hold', hold, '--depth', 'ppp', '--payload', '100KiB/s',
                '--user', 'any', '--password-file', str(self.dir / 'password'),
                '--source', addresses, '--json']

    def run_load(self, balancer, tunnels, **options):
        """How many tunnels came up."""
        done = proc.run(self.load(balancer, tunnels, **options), timeout=60)
        report = json.loads(done.stdout)
        return report['came_up']

    def ejection(self, balancer, backend='main/b1'):
        return balancer.backends()[backend]['ejection']

    def went(self, balancer):
        return [e['fields'] for e in balancer.events()
                if e['what'] == 'backend main/b1' and 'went' in e['fields']]

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

    def test_a_tunnel_that_carries_one_way_is_shown_and_a_dead_one_is_closed(self):
        balancer = self.farm({'rhythm': '1s'})
        client = self.start(self.load(balancer, 1, hold='60s'), 'client')
        established = self.wait(lambda: balancer.sessions('--liveness', 'established'), 10,
                                'a tunnel')[0]
        server = self.servers[established['backend']]
        server.fault('no_echo')
        shown = self.wait(lambda: balancer.sessions('--liveness', 'one_way'), 10, 'silence')[0]
        self.assertEqual(shown['id'], established['id'])
        self.assertGreater(shown['backend_idle_seconds'], 1.2)
        self.assertIn('one_way', balancer.ok('session', 'list'))
        self.assertIn('sstplb_sessions_liveness{pool="main",backend="'
                      f'{established["backend"]}",liveness="one_way"}} 1',
                      balancer.get('/metrics')[1])
        client.send_signal(signal.SIGSTOP)
        self.addCleanup(client.send_signal, signal.SIGCONT)
        self.wait(lambda: 'reason=dead' in balancer.process.log(), 10, 'the tunnel to be dead')
        self.assertEqual(balancer.sessions(), [])
        balancer.stop()


if __name__ == '__main__':
    case.main()
