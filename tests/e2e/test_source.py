#!/usr/bin/python3
"""pool.source: which address a backend sees, with the three hosts that it takes.

    client ---- balancer ---- backend
        10.1.0.0/24   10.2.0.0/24        the same with fd01::/64 and fd02::/64

Each is a network namespace; the balancer's is that of this test.
"""
# SPDX-License-Identifier: Apache-2.0
import collections

from lib import case, namespace, streams
from lib.balancer import Balancer, binary, pool

PORT = 443
TABLE = '100'


def setUpModule():
    binary()
    namespace.enter()
    # The backend answers to clients' addresses, by way of this host, which has to take that for its
    # own: the commands of docs/troubleshooting.md.
    for family, everything in (('-4', '0.0.0.0/0'), ('-6', '::/0')):
        namespace.run('ip', family, 'rule', 'add', 'iif', 'to-backend', 'lookup', TABLE)
        namespace.run('ip', family, 'route', 'add', 'local', everything, 'dev', 'lo',
                      'table', TABLE)


class SourceTest(case.EndToEndCase):
    def setUp(self):
        super().setUp()
        self.class_dir.chmod(0o755)
        self.client = namespace.Neighbour(self, 'client', ('10.1.0.1/24', '10.1.0.2/24'),
                                          ('fd01::1/64', 'fd01::2/64'))
        self.backend = namespace.Neighbour(self, 'backend', ('10.2.0.1/24', '10.2.0.2/24'),
                                           ('fd02::1/64', 'fd02::2/64'))
        for address in ('10.2.0.8/24', '10.2.0.9/24'):
            namespace.run('ip', 'address', 'add', address, 'dev', self.backend.link)
        namespace.run('ip', 'address', 'add', 'fd02::8/64', 'dev', self.backend.link, 'nodad')
        with self.backend.inside():
            self.four = streams.NamedEcho(self, 'four', ('10.2.0.2', PORT))
            self.six = streams.NamedEcho(self, 'six', ('fd02::2', PORT))

    def balancer(self, source, **more):
        """Pool `four` at port 444 and `six` at 446, each with one backend, on all addresses."""
        probe = {'kind': 'tcp', 'interval': '200ms'}
        pools = {'four': pool({'b': f'10.2.0.2:{PORT}'}, source=source, probe=probe),
                 'six': pool({'b': f'[fd02::2]:{PORT}'}, source=source, probe=probe)}
        balancer = Balancer(self, pools, {'bind': ['10.1.0.1:444', '[fd01::1]:444']}, **more)
        balancer.config['listener']['six'] = {'bind': ['10.1.0.1:446', '[fd01::1]:446'],
                                              'pool': 'six'}
        balancer.start()
        balancer.wait_health('up', 'four/b', 'six/b')
        return balancer

    def session(self, host, port, echo):
        """(the client's address, the address that the backend saw)"""
        with self.client.inside():
            session = streams.Session(self, port, host=host)
        self.assertTrue(session.alive(), 'bytes go both ways')
        self.assertEqual(session.backend, echo.name)
        return session.sock.getsockname()[:2], echo.clients[-1]

    def test_the_addresses_of_a_list_take_turns(self):
        balancer = self.balancer(['10.2.0.8', 'fd02::8', '10.2.0.9'])
        seen = collections.Counter(self.session('10.1.0.1', 444, self.four)[1][0]
                                   for _ in range(16))
        self.assertEqual(set(seen), {'10.2.0.8', '10.2.0.9'})
        seen = {self.session('10.1.0.1', 446, self.six)[1][0] for _ in range(4)}
        self.assertEqual(seen, {'fd02::8'}, 'of the family of the backend')
        balancer.stop()

    def test_transparent_shows_the_address_of_the_client(self):
        # With what global.user leaves of root's rights.
        balancer = self.balancer('transparent', global_={'user': 'nobody'})
        for host, port, echo in (('10.1.0.1', 444, self.four), ('fd01::1', 446, self.six)):
            with self.subTest(echo.name):
                client, seen = self.session(host, port, echo)
                self.assertEqual(seen, client)
        balancer.stop()

    def test_transparent_serves_a_client_of_the_other_family_from_its_own_address(self):
        balancer = self.balancer('transparent')
        self.assertRegex(self.session('10.1.0.1', 446, self.six)[1][0], r'^fd02::[18]$')
        self.assertRegex(self.session('fd01::1', 444, self.four)[1][0], r'^10\.2\.0\.[189]$')
        balancer.stop()

    def test_without_a_source_the_host_chooses(self):
        balancer = self.balancer('')
        self.assertRegex(self.session('10.1.0.1', 444, self.four)[1][0], r'^10\.2\.0\.[189]$')
        balancer.stop()


if __name__ == '__main__':
    case.main()
