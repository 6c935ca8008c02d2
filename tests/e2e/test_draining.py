#!/usr/bin/python3
"""Draining: pace, window, order, deadline, undo, a begin in the future, a restart, the budget."""
# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import select
import signal
import time

from lib import case, proc, streams
from lib.balancer import Balancer, binary, echo_farm, pool

NAME = 'vpn.test'
# The balancer looks at its drains five times a second; the rest is for a busy machine.
SLACK = 0.6


def when(text):
    """An RFC 3339 time of the API as seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def await_ends(sessions, timeout):
    """[(seconds since 1970, session)] in the order in which they ended; what did not is not in it."""
    by_socket = {s.sock: s for s in sessions}
    ends, until = [], time.monotonic() + timeout
    while by_socket and (left := until - time.monotonic()) > 0:
        for sock in select.select(list(by_socket), [], [], left)[0]:
            if streams.read_end(sock, 5)[0] == 'timeout':
                raise AssertionError('bytes, and no end')
            ends.append((time.time(), by_socket.pop(sock)))
    return ends


class DrainingTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def sessions(self, balancer, count):
        return [streams.Session(self, balancer.port, NAME) for _ in range(count)]

    def drain(self, balancer, backend, *options):
        """Begins it, and gives what the balancer says of it."""
        return balancer.ask('backend', 'drain', backend, *options)['drain']

    def closed(self, balancer, reason):
        return balancer.metric('sstplb_sessions_closed_total', reason=reason)

    def assert_alive(self, sessions):
        for session in sessions:
            self.assertTrue(session.alive(), f'session at {session.backend}')

    def assert_order(self, ends, order):
        """Those that end in the same step end at several workers, in no order."""
        self.assertEqual(len(ends), len(order))
        for position, (_, session) in enumerate(ends):
            self.assertAlmostEqual(position, order.index(session), delta=2)

    # ---- how fast ----

    def test_a_pace_is_kept(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        all_of_them = self.sessions(balancer, 48)
        mine = [s for s in all_of_them if s.backend == 'b1']
        drain = self.drain(balancer, 'main/b1', '--pace', '8/s')
        self.assertEqual((drain['remaining'], drain['pace_per_second']), (24, 8))
        self.assertAlmostEqual(when(drain['estimated_end']) - when(drain['begins']), 3, delta=0.1)
        ends = await_ends(mine, 15)
        self.assertEqual(len(ends), 24)
        begins = when(drain['begins'])
        for count, (at, _) in enumerate(ends, 1):
            self.assertGreater(at - begins, count / 8 - 0.1, f'number {count} is too early')
            self.assertLess(at - begins, count / 8 + SLACK, f'number {count} is too late')
        self.assert_alive(s for s in all_of_them if s.backend == 'b2')
        self.assertEqual(self.closed(balancer, 'drained'), 24)
        self.assertEqual(balancer.metric('sstplb_drain_remaining_sessions', backend='b1'), 0)
        balancer.stop()

    def test_a_window_is_filled_evenly_up_to_its_deadline(self):
        balancer = echo_farm(self, 'b1').start()
        mine = self.sessions(balancer, 20)
        drain = self.drain(balancer, 'main/b1', '--within', '4s')
        begins, deadline = when(drain['begins']), when(drain['deadline'])
        self.assertAlmostEqual(deadline - begins, 4, delta=0.01)
        self.assertEqual(drain['estimated_end'], drain['deadline'])
        ends = await_ends(mine, 15)
        self.assertEqual(len(ends), 20)
        for count, (at, _) in enumerate(ends, 1):
            self.assertGreater(at - begins, count / 5 - 0.1, f'number {count} is too early')
            self.assertLess(at - begins, count / 5 + SLACK, f'number {count} is too late')
        self.assertGreaterEqual(ends[-1][0], deadline)
        balancer.stop()

    def test_with_a_pace_the_rest_goes_at_the_deadline(self):
        balancer = echo_farm(self, 'b1').start()
        mine = self.sessions(balancer, 30)
        waiting = balancer.command('backend', 'drain', 'main/b1', '--within', '2s', '--pace',
                                   '4/s', '--wait')
        self.assertEqual(waiting.returncode, 1, waiting.stdout + waiting.stderr)
        self.assertRegex(waiting.stderr, r'the time was up: the last 2\d were closed')
        self.assertRegex(waiting.stdout, r'main/b1: 30 sessions left, closed in [12]')
        self.assertEqual(len(await_ends(mine, 5)), 30)
        balancer.stop()

    def test_a_drain_that_ends_at_its_pace_is_a_yes(self):
        balancer = echo_farm(self, 'b1').start()
        self.sessions(balancer, 4)
        done = balancer.command('backend', 'drain', 'main/b1', '--pace', '10/s', '--wait')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('main/b1: 4 sessions left, empty in about 1', done.stdout)
        self.assertTrue(done.stdout.endswith('main/b1: 0 sessions left\n'), done.stdout)
        balancer.stop()

    def test_two_drains_share_the_budget(self):
        balancer = echo_farm(self, 'b1', 'b2', global_={'drain_pace': '10/s'}).start()
        mine = self.sessions(balancer, 30)
        for backend in ('main/b1', 'main/b2'):
            self.drain(balancer, backend, '--pace', '100/s')
        begun = time.time()
        ends = await_ends(mine, 15)
        self.assertEqual(len(ends), 30)
        for count, (at, _) in enumerate(ends, 1):
            # What is not used for a while may come at once, but no more than half a second's.
            self.assertGreater(at - begun, (count - 6) / 10 - 0.1, f'number {count} is too early')
        self.assertLess(ends[-1][0] - begun, 3 + SLACK)
        half = [s.backend for _, s in ends[:16]]
        self.assertAlmostEqual(half.count('b1'), half.count('b2'), delta=5)
        balancer.stop()

    # ---- who first ----

    def test_the_longest_idle_go_first(self):
        balancer = echo_farm(self, 'b1').start()
        mine = self.sessions(balancer, 8)
        # Heard of last in another order than they came.
        order = [mine[i] for i in (5, 7, 6, 4, 1, 3, 0, 2)]
        self.assert_alive(order)
        self.drain(balancer, 'main/b1', '--pace', '5/s', '--idle-first')
        self.assert_order(await_ends(mine, 15), order)
        balancer.stop()

    def test_else_the_oldest_go_first(self):
        balancer = echo_farm(self, 'b1').start()
        mine = self.sessions(balancer, 8)
        self.assert_alive(reversed(mine))
        self.drain(balancer, 'main/b1', '--pace', '5/s')
        self.assert_order(await_ends(mine, 15), mine)
        balancer.stop()

    # ---- undo, begin, restart ----

    def test_undo_ends_it_and_the_rest_lives(self):
        balancer = echo_farm(self, 'b1').start()
        mine = self.sessions(balancer, 20)
        self.drain(balancer, 'main/b1', '--pace', '10/s')
        self.wait(lambda: balancer.active('main/b1') < 18, 5, 'the first to be closed')
        balancer.ok('backend', 'drain', 'main/b1', '--undo')
        left = balancer.active('main/b1')
        self.assertGreater(left, 0)
        self.assertIsNone(balancer.backends()['main/b1']['drain'])
        self.assertEqual(len(await_ends(mine, 1)), 20 - left)
        self.assertEqual(self.sessions(balancer, 1)[0].backend, 'b1')
        self.assertEqual(balancer.command('backend', 'drain', 'main/b1', '--undo').returncode, 1)
        balancer.stop()

    def test_a_drain_begins_when_it_is_told_to(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        mine = [s for s in self.sessions(balancer, 4) if s.backend == 'b1']
        waiting = proc.Process([balancer.binary, 'backend', 'drain', 'main/b1', '--at', '2s',
                                '--pace', '20/s', '--wait'],
                               self.dir / 'drain.log', env={'SSTPLB_SOCKET': str(balancer.socket)})
        self.addCleanup(waiting.stop)
        waiting.wait_line('begins in', 5)
        before = balancer.backends()['main/b1']
        self.assertEqual(before['admin'], 'active')
        begins = when(before['drain']['begins'])
        self.assertIn('begins in', balancer.ok('status'))
        self.assertEqual({s.backend for s in self.sessions(balancer, 4)}, {'b1', 'b2'})
        self.assertLess(time.time(), begins, 'too slow for this test')
        ends = await_ends(mine, 10)
        self.assertEqual(len(ends), 2)
        self.assertGreater(ends[0][0], begins)
        self.assertEqual(waiting.wait_exit(10), 0, waiting.tail())
        self.assertEqual(balancer.backends()['main/b1']['admin'], 'draining')
        self.assertEqual({s.backend for s in self.sessions(balancer, 4)}, {'b2'})
        balancer.stop()

    def test_a_begin_is_undone(self):
        balancer = echo_farm(self, 'b1').start()
        self.drain(balancer, 'main/b1', '--at', '10m')
        balancer.ok('backend', 'drain', 'main/b1', '--undo')
        now = balancer.backends()['main/b1']
        self.assertEqual((now['admin'], now['drain']), ('active', None))
        balancer.stop()

    def test_a_drain_goes_on_after_a_crash(self):
        balancer = echo_farm(self, 'b1', 'b2')
        balancer.config['global']['state_file'] = str(self.dir / 'state')
        balancer.start()
        told = self.drain(balancer, 'main/b1', '--within', '4s', '--pace', '2/s', '--idle-first')
        later = self.drain(balancer, 'main/b2', '--at', '1h', '--within', '1h')
        kept = json.loads((self.dir / 'state').read_text())
        self.assertEqual(kept['sstplb_state'], 2)
        balancer.process.send_signal(signal.SIGKILL)
        balancer.process.wait_exit(5)
        balancer.start()
        now = balancer.backends()
        self.assertEqual(now['main/b1']['admin'], 'draining')
        self.assertEqual(now['main/b2']['admin'], 'active')
        for key in ('since', 'begins', 'deadline', 'pace_per_second', 'idle_first'):
            self.assertEqual(now['main/b1']['drain'][key], told[key], key)
            self.assertEqual(now['main/b2']['drain'][key], later[key], key)
        self.assertEqual({s.backend for s in self.sessions(balancer, 2)}, {'b2'})
        balancer.stop()

    # ---- the whole balancer ----

    def test_the_whole_balancer_is_drained_and_taken_back(self):
        balancer = echo_farm(self, 'b1', 'b2', global_={'drain_notice': '2s'}).start()
        mine = self.sessions(balancer, 20)
        self.assertEqual(balancer.get('/readyz')[0], 200)
        told = balancer.ask('drain', '--pace', '5/s', '--idle-first')['drain']
        begins = when(told['begins'])
        self.assertAlmostEqual(begins - when(told['since']), 2, delta=0.01)
        # Who stands in front is told first; clients are still taken.
        status, text = balancer.get('/readyz')
        self.assertEqual(status, 503)
        self.assertIn('drain', text)
        mine += self.sessions(balancer, 2)
        self.assertLess(time.time(), begins, 'too slow for this test')
        self.wait(lambda: not proc.accepts(balancer.port), 5, 'the listener to refuse')
        self.assertGreater(time.time(), begins)
        ends = await_ends(mine[:10], 15)
        self.assertEqual(len(ends), 10)
        for count, (at, _) in enumerate(ends, 1):
            self.assertGreater(at - begins, count / 5 - 0.1, f'number {count} is too early')
            self.assertLess(at - begins, count / 5 + 2 * SLACK, f'number {count} is too late')
        self.assertIn('draining', balancer.ok('status'))
        balancer.ok('drain', '--undo')
        self.wait(lambda: proc.accepts(balancer.port), 5, 'the listener to take clients')
        self.assertEqual(balancer.get('/readyz')[0], 200)
        alive = [s for s in mine if s.alive()]
        self.assertGreater(len(alive), 5)
        self.assert_alive(self.sessions(balancer, 8) + alive)
        self.assertEqual(balancer.command('drain', '--undo').returncode, 1)
        balancer.stop()

    def test_a_balancer_that_is_drained_is_empty_in_time(self):
        balancer = echo_farm(self, 'b1', 'b2', global_={'drain_notice': '0s'}).start()
        mine = self.sessions(balancer, 12)
        done = balancer.command('drain', '--within', '2s', '--wait')
        # The last one was closed by the deadline.
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('sstplb: 12 sessions left, closed in 2', done.stdout)
        self.assertEqual(len(await_ends(mine, 2)), 12)
        self.assertEqual(self.closed(balancer, 'drained'), 12)
        self.assertEqual(balancer.command('drain', '--wait').returncode, 0, 'it is empty')
        balancer.stop()

    # ---- a backend that dies, the end ----

    def test_sessions_of_a_dead_backend_are_drained_until_it_is_back(self):
        echo = streams.NamedEcho(self, 'b1')
        probe = {'kind': 'tcp', 'interval': '100ms', 'fast_interval': '50ms', 'fall': 3}
        main = pool({'b1': echo.port}, probe=probe, on_down='drain', drain={'pace': '4/s'})
        balancer = Balancer(self, {'main': main}).start()
        balancer.wait_health('up', 'main/b1')
        mine = self.sessions(balancer, 20)
        echo.stop_listening()
        self.wait(lambda: balancer.active('main/b1') < 19, 10, 'the drain')
        now = balancer.backends()['main/b1']
        self.assertEqual((now['admin'], now['drain']['cause']), ('active', 'down'))
        self.assertEqual(now['drain']['pace_per_second'], 4)
        self.assertIn('drained,', balancer.ok('status'))
        streams.NamedEcho(self, 'b1', at=('127.0.0.1', echo.port))
        balancer.wait_health('up', 'main/b1')
        left = balancer.active('main/b1')
        self.assertGreater(left, 0)
        self.assertIsNone(balancer.backends()['main/b1']['drain'])
        self.assertEqual(len(await_ends(mine, 1)), 20 - left)
        balancer.stop()

    def test_sigterm_spreads_the_end_over_the_grace_time(self):
        balancer = echo_farm(self, 'b1', 'b2', global_={'shutdown_grace': '4s'}).start()
        mine = self.sessions(balancer, 20)
        order = mine[10:] + mine[:10]
        self.assert_alive(order)
        begun = time.time()
        balancer.process.send_signal(signal.SIGTERM)
        ends = await_ends(mine, 15)
        self.assert_order(ends, order)
        for count, (at, _) in enumerate(ends, 1):
            self.assertGreater(at - begun, count / 5 - 0.1, f'number {count} is too early')
            self.assertLess(at - begun, count / 5 + SLACK, f'number {count} is too late')
        self.assertEqual(balancer.process.wait_exit(5), 0, balancer.process.tail())
        self.assertEqual(balancer.process.log().count('reason=shutdown'), 20)


if __name__ == '__main__':
    case.main()
