#!/usr/bin/python3
"""Whether tunnels still breathe: what is shown of them, and which are closed."""
# SPDX-License-Identifier: Apache-2.0
import signal
import socket

from lib import case, proc, streams
from lib.balancer import Balancer, pool
from lib.demo_farm import DemoFarm
from lib.sensing import SensingCase


class LivenessTest(SensingCase):
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

    def test_a_tunnel_whose_sides_are_both_silent_is_quiet_first(self):
        balancer = self.farm({'rhythm': '2s'})
        client = self.start(self.load(balancer, 1, hold='60s'), 'client')
        tunnel = self.wait(lambda: balancer.sessions('--liveness', 'established'), 10,
                           'a tunnel')[0]
        self.servers[tunnel['backend']].fault('no_echo')
        client.send_signal(signal.SIGSTOP)
        self.addCleanup(client.send_signal, signal.SIGCONT)
        quiet = self.wait(lambda: balancer.sessions('--liveness', 'quiet'), 10, 'silence')[0]
        self.assertEqual(quiet['id'], tunnel['id'])
        for side in ('client', 'backend'):
            self.assertGreaterEqual(quiet[f'{side}_idle_seconds'], 2.5, side)
        shown = balancer.ok('session', 'show', str(tunnel['id']))
        self.assertRegex(shown, r'quiet \(client silent for [2-9]\S*, backend for [2-9]\S*\)')
        self.assertRegex(balancer.ok('session', 'list'), r'LIVENESS +AGE +IDLE(.|\n)* quiet +\d\S* +[2-9]')
        self.wait(lambda: 'reason=dead' in balancer.process.log(), 10, 'the tunnel to be dead')
        balancer.stop()

    def test_a_stuck_handshake_is_dead_and_without_a_rhythm_it_stays(self):
        server = DemoFarm(self)
        server.fault('hang_at_tls')
        balancer = Balancer(self, {'main': pool({'b1': server.address})}, {'rhythm': '1s'})
        off = proc.free_port()
        balancer.config['listener']['off'] = {'bind': [f'127.0.0.1:{off}'], 'pool': 'main',
                                              'rhythm': '0s'}
        balancer.start()
        hello = streams.client_hello('vpn.test')
        for port in (balancer.port, off):
            client = socket.create_connection(('127.0.0.1', port), 5)
            self.addCleanup(client.close)
            client.sendall(hello)
        self.wait(lambda: len(balancer.sessions('--liveness', 'handshaking')) == 2, 10,
                  'both handshakes')
        self.wait(lambda: 'reason=dead' in balancer.process.log(), 10, 'one to be dead')
        left, = balancer.sessions()
        self.assertEqual((left['listener'], left['liveness']), ('off', 'handshaking'))
        self.assertGreater(left['backend_idle_seconds'], 2)
        page = balancer.get('/metrics')[1]
        self.assertRegex(page, r'sstplb_session_silence_seconds_count\{pool="main"\} 1\n')
        balancer.stop()


if __name__ == '__main__':
    case.main()
