#!/usr/bin/python3
"""Storms: places at a backend, who waits and who is refused, slow start, drains beside places."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import time

from lib import case, proc, streams
from lib.balancer import Balancer, binary, pool
from lib.demo_farm import DemoFarm
from lib.sensing import networks

HELLO = streams.client_hello('vpn.test')
# A server is a moment behind: it ends a handshake when the last of it, which the balancer has seen
# pass, is read there. On a busy machine it looks as if there were more at once, not many more.
BEHIND = 2
INTERNAL_ERROR = b'\x15\x03\x03\x00\x02\x02\x50'


class StormsTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def farm(self, *names, probe=None, global_=None, **options):
        """Demo servers behind a balancer of two workers; by default nobody is ejected."""
        (self.dir / 'password').write_text('any\n')
        self.servers = {name: DemoFarm(self, name) for name in names}
        options = {'ejection': {'enabled': False}, **options}
        if probe:
            options['probe'] = probe
        pools = {'main': pool({name: server.address for name, server in self.servers.items()},
                              **options)}
        return Balancer(self, pools, global_=global_ or {}).start()

    def load(self, balancer, tunnels, *options, hold='1s', rate='500/s'):
        """The words of a load of tunnels up to an address, each of a network of its own."""
        addresses = ','.join(networks(tunnels))
        return [str(binary()), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', str(tunnels),
                '--rate', rate, '--hold', hold, '--depth', 'ppp', '--user', 'any',
                '--password-file', str(self.dir / 'password'), '--source', addresses, '--json',
                *options]

    def report(self, load):
        """What a load that was started told, when it has ended."""
        load.wait_exit(30)
        return json.loads(load.log()[load.log().index('{'):])  # its progress comes first

    def greet(self, balancer, source=None):
        """A client that says hello and nothing more."""
        sock = streams.connect(balancer.port, source)
        self.addCleanup(sock.close)
        sock.sendall(HELLO)
        return sock

    def pending(self, balancer, backend='b1'):
        return balancer.metric('sstplb_backend_pending', backend=backend)

    def queued(self, balancer, backend='b1'):
        return balancer.metric('sstplb_backend_queue', backend=backend)

    def refused(self, balancer, reason):
        return balancer.metric('sstplb_sessions_refused_total', reason=reason)

    # ---- places ----

    def test_two_workers_share_the_places_of_a_slow_backend(self):
        balancer = self.farm('b1', max_pending_per_backend=3)
        server = self.servers['b1']
        server.fault('slow', 150)
        load = self.start(self.load(balancer, 24), 'load')
        shown = self.wait(lambda: re.search(r' \+(\d+) queued', balancer.ok('backend', 'list')),
                          10, 'a queue in `backend list`')
        self.assertLessEqual(int(shown.group(1)), 21)
        self.wait(lambda: self.queued(balancer) > 0, 10, 'the queue in the metrics')
        most = 0
        while load.running():
            most = max(most, self.pending(balancer))
        self.assertGreaterEqual(most, 3)
        self.assertLessEqual(most, 3 + 2, 'a worker that looks for a place counts for a moment')
        report = self.report(load)
        self.assertEqual((report['came_up'], report['failed']), (24, 0), report)
        self.assertLessEqual(server.counters()['most_in_tls'], 3 * BEHIND)
        self.assertEqual((self.pending(balancer), self.queued(balancer)), (0, 0))
        waited = balancer.metric('sstplb_backend_queue_wait_seconds_count', backend='b1')
        self.assertGreater(waited, 10)
        balancer.stop()

    def test_who_finds_no_room_is_told_by_an_alert_or_a_reset(self):
        for how in ('alert', 'reset'):
            with self.subTest(on_overload=how):
                self.dir = self.class_dir / how
                self.dir.mkdir()
                balancer = self.farm('b1', max_pending_per_backend=1, max_queued_per_backend=2,
                                     queue_timeout='1s', on_overload=how, handshake_timeout='30s')
                self.servers['b1'].fault('hang_at_tls')
                told = ('eof', INTERNAL_ERROR) if how == 'alert' else ('reset', b'')
                self.greet(balancer)
                self.wait(lambda: self.pending(balancer) == 1, 5, 'a handshake')
                began = time.monotonic()
                waiting = [self.greet(balancer, f'127.0.0.{i}') for i in (2, 3)]
                self.wait(lambda: self.queued(balancer) == 2, 5, 'a full queue')
                self.assertEqual(streams.read_end(self.greet(balancer, '127.0.0.4')), told)
                self.assertLess(time.monotonic() - began, 1, 'at once')
                for sock in waiting:
                    self.assertEqual(streams.read_end(sock), told)
                    sock.close()
                self.assertGreater(time.monotonic() - began, 0.99)
                self.wait(lambda: self.refused(balancer, 'queue_timeout') == 2, 5, 'two refusals')
                balancer.stop()

    def test_clients_that_say_nothing_do_not_keep_the_places(self):
        balancer = self.farm('b1', max_pending_per_backend=2, handshake_timeout='1s')
        # The server's fault at first, then the clients'.
        for fault, signals in (('hang_at_tls', 2), ('none', 2)):
            self.servers['b1'].fault(fault)
            held = [self.greet(balancer) for _ in range(2)]
            self.wait(lambda: self.pending(balancer) == 2, 5, 'both places to be taken')
            load = self.start(self.load(balancer, 1), f'load_{fault}')
            self.wait(lambda: self.queued(balancer) == 1, 5, 'a third to wait')
            self.servers['b1'].fault('none')
            self.assertEqual(self.report(load)['came_up'], 1)
            for sock in held:
                self.assertNotEqual(streams.read_end(sock)[0], 'timeout')
            self.assertEqual(
                balancer.metric('sstplb_backend_signals_total', signal='silent'), signals)
        self.assertEqual(
            balancer.metric('sstplb_sessions_closed_total', reason='handshake_timeout'), 4)
        balancer.stop()

    # ---- slow start ----

    def placed(self, balancer, sources):
        """{source: backend} of a session from each, which ends then."""
        told = {}
        for source in sources:
            with streams.connect(balancer.port, source) as sock:
                sock.sendall(HELLO)
                streams.read_exactly(sock, 5)
                session = balancer.sessions('--source', source)
                told[source] = session[0]['backend'] if session else None
        return told

    def test_a_backend_that_comes_back_gets_its_clients_little_by_little(self):
        balancer = self.farm('b1', 'b2', slow_start='8s', max_load=0,
                             probe={'kind': 'tcp', 'interval': '200ms', 'fast_interval': '100ms',
                                    'rise': 1, 'fall': 1})
        balancer.wait_health('up', 'main/b1', 'main/b2')
        sources = [f'127.0.2.{i + 1}' for i in range(60)]
        explain = lambda: {s: balancer.ask('explain', '--source', s)['backend'] for s in sources}
        before = explain()
        own = [s for s in sources if before[s] == 'b2']
        self.assertGreater(len(own), 15)
        self.servers['b2'].fault('refuse')
        balancer.wait_health('down', 'main/b2')
        self.servers['b2'].fault('none')
        balancer.wait_health('up', 'main/b2')
        self.assertRegex(balancer.ok('backend', 'list'), r'100 \(slow start \d+%\)')
        early = self.placed(balancer, own[:8])
        self.assertLess(list(early.values()).count('b2'), 8, 'some go elsewhere at first')
        self.wait(lambda: 'slow start' not in balancer.ok('backend', 'list'), 15, 'its end')
        self.assertEqual(explain(), before)
        self.assertEqual(set(self.placed(balancer, own[:8]).values()), {'b2'})
        balancer.stop()

    def test_a_backend_that_is_readmitted_starts_slowly_too(self):
        balancer = self.farm('b1', 'b2', slow_start='5s', balance='round-robin',
                             ejection={'base_time': '1s', 'min_failures': 3})
        self.servers['b1'].fault('close_at_accept')
        # With enough of a payload to show that the others are well.
        self.start(self.load(balancer, 20, '--payload', '100KiB/s'), 'load').wait_exit(30)
        self.wait(lambda: balancer.backends()['main/b1']['ejection'], 10, 'b1 to be ejected')
        self.servers['b1'].fault('none')
        self.wait(lambda: balancer.backends()['main/b1']['share'] < 1, 10, 'b1 to be back')
        self.assertIsNone(balancer.backends()['main/b1']['ejection'])
        accepted = self.servers['b1'].counters()['accepted']
        self.assertEqual(self.report(self.start(self.load(balancer, 20), 'again'))['came_up'], 20)
        # Half of them are its own when nothing holds it back.
        self.assertLess(self.servers['b1'].counters()['accepted'] - accepted, 10)
        balancer.stop()

    # ---- drains ----

    def test_a_drain_does_not_flood_the_others(self):
        for where in ('pool', 'global'):
            with self.subTest(pace=where):
                self.dir = self.class_dir / f'drain_{where}'
                self.dir.mkdir()
                pace = '20/s'
                balancer = self.farm(
                    'b1', 'b2', balance='round-robin', max_pending_per_backend=2,
                    drain={'pace': pace} if where == 'pool' else {'pace': '1000/s'},
                    global_={'drain_pace': pace} if where == 'global' else {})
                load = self.start(self.load(balancer, 24, '--retry', '100ms', hold='60s',
                                            rate='100/s'), 'load')
                tunnels = lambda name: self.servers[name].counters()['tunnels']
                self.wait(lambda: tunnels('b1') + tunnels('b2') == 24, 15, 'all tunnels')
                for server in self.servers.values():
                    server.fault('slow', 100)
                most = tunnels('b1')
                self.assertGreater(most, 8)
                began = time.monotonic()
                balancer.ok('backend', 'remove', 'main/b1')
                self.wait(lambda: tunnels('b2') == 24, 20, 'all to be at b2')
                self.assertGreater(time.monotonic() - began, most / 20 - 0.2, 'the pace')
                self.assertLessEqual(self.servers['b2'].counters()['most_in_tls'], 2 * BEHIND)
                self.assertEqual(self.refused(balancer, 'queue_timeout'), 0)
                load.stop()
                balancer.stop()


if __name__ == '__main__':
    case.main()
