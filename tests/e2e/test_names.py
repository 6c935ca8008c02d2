#!/usr/bin/python3
"""Backends by host name: found, followed where they go, kept while nobody answers."""
# SPDX-License-Identifier: Apache-2.0
import tempfile

from lib import case, dns, namespace, streams
from lib.balancer import Balancer, binary, pool

NAME = 'vpn1.farm.test'
PORT = 5443
# A name is asked for again after 5 s at the soonest, after failures 2 s, 4 s, ... later.
FOLLOWED = 15


def setUpModule():
    binary()
    namespace.enter()
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as resolv:
        resolv.write('nameserver 127.0.0.1\n')
        resolv.flush()
        namespace.run('mount', '--bind', resolv.name, '/etc/resolv.conf')


class NamesTest(case.EndToEndCase):
    def setUp(self):
        super().setUp()
        self.dns = dns.Server(self)
        self.old = streams.NamedEcho(self, 'old', ('127.0.0.11', PORT))
        self.new = streams.NamedEcho(self, 'new', ('127.0.0.12', PORT))
        self.six = streams.NamedEcho(self, 'six', ('::1', PORT))

    def balancer(self, **probe):
        return Balancer(self, {'main': pool({'b1': f'{NAME}:{PORT}'},
                                            probe={'kind': 'none', **probe})}).start()

    def wait_resolved(self, balancer, address):
        self.wait(lambda: balancer.backends()['main/b1']['resolved'] == address, FOLLOWED,
                  lambda: f'{address}, is {balancer.backends()["main/b1"]["resolved"]}')

    def assert_new_sessions_at(self, balancer, name):
        for _ in range(4):  # both workers
            self.assertEqual(streams.Session(self, balancer.port).backend, name)

    def test_a_backend_that_moves_is_followed(self):
        self.dns.table[NAME] = ['127.0.0.11']
        balancer = self.balancer(kind='tcp', interval='100ms', fast_interval='50ms')
        balancer.wait_health('up', 'main/b1')
        self.wait_resolved(balancer, f'127.0.0.11:{PORT}')
        live = streams.Session(self, balancer.port)
        self.assertEqual(live.backend, 'old')

        self.dns.table[NAME] = ['127.0.0.12']
        self.wait_resolved(balancer, f'127.0.0.12:{PORT}')
        balancer.process.wait_line(f'resolved .*address=127.0.0.12:{PORT} was=127.0.0.11', 5)
        self.assert_new_sessions_at(balancer, 'new')
        self.assertTrue(live.alive(), 'a session stays where it is')
        self.new.stop_listening()  # and the probe went along
        balancer.wait_health('down', 'main/b1')

        self.dns.table[NAME] = ['::1']
        self.wait_resolved(balancer, f'[::1]:{PORT}')
        balancer.wait_health('up', 'main/b1')
        self.assert_new_sessions_at(balancer, 'six')
        balancer.stop()

    def test_a_look_up_that_fails_takes_nothing_away(self):
        self.dns.table[NAME] = ['127.0.0.11']
        balancer = self.balancer()
        self.wait_resolved(balancer, f'127.0.0.11:{PORT}')
        for code, said in ((dns.SERVER_FAILURE, f'cannot resolve {NAME}'),
                           (dns.NO_SUCH_NAME, f'cannot resolve {NAME}: .*not found')):
            self.dns.table[NAME] = code
            balancer.process.wait_line(
                f'resolve failed backend=main/b1 kept=127.0.0.11:{PORT} error=.*{said}', FOLLOWED)
            self.assert_new_sessions_at(balancer, 'old')
        self.dns.table[NAME] = ['127.0.0.12']
        self.wait_resolved(balancer, f'127.0.0.12:{PORT}')
        self.assert_new_sessions_at(balancer, 'new')
        balancer.stop()

    def test_a_name_that_nobody_knows_yet_waits_for_its_answer(self):
        balancer = self.balancer()
        balancer.process.wait_line('resolve failed backend=main/b1 kept=- error', 5)
        self.assertEqual(balancer.get('/readyz')[0], 503)
        sock = streams.connect(balancer.port)
        self.addCleanup(sock.close)
        sock.sendall(streams.client_hello(NAME))
        self.assertIn(streams.read_end(sock)[0], ('eof', 'reset'))
        self.dns.table[NAME] = ['127.0.0.11', '127.0.0.12']
        self.wait(lambda: balancer.get('/readyz')[0] == 200, FOLLOWED, 'an address')
        self.assertEqual(streams.Session(self, balancer.port).backend, 'old')
        balancer.stop()


if __name__ == '__main__':
    case.main()
