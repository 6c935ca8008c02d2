#!/usr/bin/python3
"""A handoff in which one of the two comes to grief, at every message of the conversation.

lib/handoff_relay.py stands between the two and kills or stops one of them before or after a
message. Whatever happens, one process has every tunnel, or, when the old one died too early, the
tunnels end and the new one serves.

The new one is not killed around TAKEN: it writes that into the old one's queue, and only then moves
bytes. A relay that holds TAKEN back makes a state that two processes cannot be in.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import re
import signal
import sys
import threading
import time

from lib import case, proc, streams
from lib.balancer import Balancer, binary, pool

HELLO = streams.client_hello('vpn.test')
RELAY = case.REPO / 'tests/e2e/lib/handoff_relay.py'
# In the order in which they come. The ACK is the first, that of SOCKETS.
AHEAD = ('new:HELLO', 'old:OFFER', 'old:SOCKETS', 'new:ACK', 'old:CONFIG', 'old:DECISIONS',
         'old:BACKENDS', 'old:AFFINITY', 'old:CONTROL', 'new:READY', 'old:SESSIONS')
FROZEN = ('old:MOTIONS', 'old:GREETINGS')


STREAMS = 'streams.test'


def points(messages):
    """Each message twice: the deed before it is passed on, and right after."""
    return [(at, when) for at in messages for when in ('before', 'after')]


def alive(pid):
    """Whether it is there, and more than a body."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
            return stat.read().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


class GriefCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        streams.stream_check()
        super().setUpClass()
        cls.hello = cls.class_dir / 'hello.bin'
        cls.hello.write_bytes(streams.client_hello(STREAMS))

    def setUp(self):
        super().setUp()
        self.handoffs = 0
        self.server = streams.StreamServer(self)
        self.echoes = [streams.NamedEcho(self, name) for name in ('a', 'b')]

    def balancer(self, name='sstplb'):
        """One that has all to tell, affinity too; stream_check's clients have their own pool."""
        return Balancer(self, {'main': pool({e.name: e.port for e in self.echoes},
                                            balance='source-ip'),
                               'streams': pool({'s': self.server.port})},
                        {'hello_timeout': '5m', 'route': [{'sni': [STREAMS], 'pool': 'streams'}]},
                        name=name).start()

    def half_greeted(self, balancer):
        """A client in the middle of its hello: without one there are no GREETINGS."""
        before = len(balancer.sessions())
        sock = streams.connect(balancer.port)
        self.addCleanup(sock.close)
        sock.sendall(HELLO[:100])
        balancer.wait_sessions(before + 1)
        return sock

    def live(self, balancer):
        return [streams.LiveStream(self, balancer.port, source=f'127.0.1.{i + 1}')
                for i in range(4)]

    def grief(self, balancer, at, before='', after=''):
        """Another process takes over, until it comes to grief: the relay. Its `new` is a pid."""
        self.handoffs += 1
        name = f'relay{self.handoffs}'
        # A socket's path may have 107 bytes, which a test's folder can exceed.
        path = balancer.socket.with_name(f'{name}.sock')
        deeds = [option for option in (f'--before={before}' if before else '',
                                       f'--after={after}' if after else '') if option]
        relay = self.start([sys.executable, '-B', RELAY,
                            '--old', balancer.socket.with_name('admin.sock.handoff'),
                            '--pid', str(balancer.process.pid), '--listen', path, '--at', at,
                            *deeds, '--', binary(), 'run', '-c', balancer.config_path,
                            '--takeover', path], name)
        relay.new = int(relay.wait_line(r'^new pid (\d+)').group(1))
        relay.wait_line(f'did {after or before}', 20)
        return relay

    def assert_gone(self, pid):
        self.wait(lambda: not alive(pid), 5, f'pid {pid} to end')

    def serves(self, balancer):
        session = streams.Session(self, balancer.port)
        self.assertTrue(session.alive())
        session.close()

    def goes_on(self, live):
        """Every one of the LiveStreams moves bytes."""
        before = [stream.trips for stream in live]
        self.wait(lambda: all(s.trips > was + 1 or s.broken for s, was in zip(live, before)), 10,
                  'bytes to move')
        self.assertEqual([stream.broken for stream in live if stream.broken], [])

    def greets(self, half):
        """A client that had said half its hello is served when it says the rest."""
        half.sendall(HELLO[100:])
        self.assertIn(streams.read_record(half).decode(), ('a', 'b'))


class Checked:
    """stream_check clients at a balancer, one after the other and two at a time, until finish()."""

    def __init__(self, test, balancer, hello):
        self._test = test
        self._stop = threading.Event()
        self._tallies = []
        test.addCleanup(self._stop.set)
        self._threads = [streams.background(self._run, balancer.port, hello, seed, seconds)
                         for seed, seconds in ((31, 3), (32, 5))]
        test.wait(lambda: balancer.ask('status')['sessions_active'] > 20, 10, 'streams to run')

    def _run(self, port, hello, seed, seconds):
        while not self._stop.is_set():
            self._tallies.append(streams.run_streams(
                port, '--hello', str(hello), '--spread', '--mixed', '--concurrency', '30',
                '--seconds', str(seconds), '--seed', str(seed)))
            seed += 2

    def stop(self):
        """No new ones begin; those that run go to their ends."""
        self._stop.set()

    def finish(self):
        self.stop()
        for thread in self._threads:
            thread.join(60)
        self._test.assertGreaterEqual(len(self._tallies), 2)
        self._test.assertEqual([t for t in self._tallies if t['failed']], [])


class NewProcessTest(GriefCase):
    """What happens to the new process before it has taken anything is no matter to anyone."""

    def setUp(self):
        super().setUp()
        self.one = self.balancer()
        self.half = self.half_greeted(self.one)
        self.tunnels = self.live(self.one)
        self.checked = Checked(self, self.one, self.hello)

    def old_goes_on(self):
        """The old process has counted a failure, and serves as ever."""
        self.wait(lambda: self.one.metric('sstplb_handoffs_total', result='failed') >=
                  self.handoffs, 10, f'failure {self.handoffs} to be counted')
        status = self.one.ask('status')
        self.assertEqual(status['pid'], self.one.process.pid)
        self.assertFalse(status['upgrade']['under_way'])
        self.serves(self.one)
        self.goes_on(self.tunnels)

    def finish(self):
        """All that could be lost is there, and the next upgrade is as good as any."""
        self.assertEqual(self.one.metric('sstplb_handoffs_total', result='failed'), self.handoffs)
        self.assertEqual(self.one.metric('sstplb_handoffs_total', result='taken_over'), 0)
        self.one.upgrade()
        self.goes_on(self.tunnels)
        self.greets(self.half)
        self.checked.finish()
        for stream in self.tunnels:
            stream.finish()
        self.one.stop()

    def test_killed_at_any_message_the_old_one_goes_on(self):
        for at, when in (*points(AHEAD + FROZEN + ('old:END', 'new:PREPARED')),
                         ('old:COMMIT', 'before')):
            with self.subTest(at=at, when=when):
                relay = self.grief(self.one, at, **{when: 'kill-new'})
                self.old_goes_on()
                self.assert_gone(relay.new)
        # COMMIT lies in its queue, and it never gets to read it.
        relay = self.grief(self.one, 'old:COMMIT', before='stop-new', after='kill-new')
        self.old_goes_on()
        self.assert_gone(relay.new)
        self.finish()

    def test_stopped_it_is_told_or_killed_and_the_old_one_goes_on(self):
        # Before it said PREPARED it can do nothing by itself: it is told, for when it wakes.
        for at, wait in (('old:SESSIONS', 5), ('old:END', 2)):
            with self.subTest(at=at):
                begun = time.monotonic()
                relay = self.grief(self.one, at, before='stop-new')
                if at == 'old:SESSIONS':
                    self.goes_on(self.tunnels)  # nothing stands still yet
                self.old_goes_on()
                self.assertLess(time.monotonic() - begun, wait + 3)
                os.kill(relay.new, signal.SIGCONT)
                relay.wait_exit(5)
                self.assertIn('no answer in time', relay.log())
        # After that it might believe the old one dead. (The relay is killed in its place.)
        for at in ('new:PREPARED', 'old:COMMIT'):
            with self.subTest(at=at):
                begun = time.monotonic()
                relay = self.grief(self.one, at, before='stop-new')
                self.old_goes_on()
                self.assertLess(time.monotonic() - begun, 5)
                self.assertEqual(relay.wait_exit(5), -signal.SIGKILL)
                self.assert_gone(relay.new)
        self.finish()

    def test_stopped_when_all_is_its_own_it_goes_on_when_woken(self):
        relay = self.grief(self.one, 'new:TAKEN', after='stop-new')
        self.one.process.wait_line('handed over', 5)
        os.kill(relay.new, signal.SIGCONT)
        self.one.follow(relay.new)
        self.goes_on(self.tunnels)
        self.greets(self.half)
        self.serves(self.one)
        self.checked.finish()
        for stream in self.tunnels:
            stream.finish()
        self.one.stop()


class OldProcessTest(GriefCase):
    def died(self, balancer, at, when):
        """The balancer is killed there, the new process answers in its place: the relay."""
        relay = self.grief(balancer, at, **{when: 'kill-old'})
        before = balancer.process
        self.assertEqual(before.wait_exit(5), -signal.SIGKILL)
        balancer.process = proc.Successor(relay.new, before)
        balancer.process.log_path = relay.log_path
        self.addCleanup(balancer.process.stop)
        self.wait(lambda: balancer.command('status').returncode == 0, 10,
                  lambda: f'the new process to answer:\n{relay.tail()}')
        self.assertEqual(balancer.ask('status')['pid'], relay.new)
        return relay

    def test_killed_before_it_has_told_all_its_sessions_end_and_the_new_one_serves(self):
        for i, (at, when) in enumerate((*points(AHEAD + FROZEN), ('old:END', 'before'))):
            with self.subTest(at=at, when=when):
                balancer = self.balancer(f'lost{i}')
                half, live = self.half_greeted(balancer), self.live(balancer)
                relay = self.died(balancer, at, when)
                if re.search('^old:GREETINGS', relay.log(), re.MULTILINE):
                    self.greets(half)  # all that was known of it has come
                    half.close()
                else:
                    self.assertNotEqual(streams.read_end(half, 5)[0], 'timeout')
                self.wait(lambda l=live: all(stream.broken for stream in l), 5,
                          'every tunnel to end')
                self.serves(balancer)
                self.assertEqual(
                    balancer.metric('sstplb_handoffs_total', result='taken_over'), 0)
                balancer.wait_sessions(0)
                balancer.upgrade()
                self.serves(balancer)
                balancer.stop()

    def test_killed_after_it_has_told_all_the_new_one_has_every_tunnel(self):
        running = []
        for i, (at, when) in enumerate((('old:END', 'after'), *points(
                ('new:PREPARED', 'old:COMMIT', 'new:TAKEN')))):
            with self.subTest(at=at, when=when):
                balancer = self.balancer(f'kept{i}')
                half, live = self.half_greeted(balancer), self.live(balancer)
                checked = Checked(self, balancer, self.hello)
                self.died(balancer, at, when)
                self.goes_on(live)
                self.greets(half)
                self.serves(balancer)
                balancer.upgrade()
                self.goes_on(live)
                checked.stop()
                running.append((balancer, checked, live))
        for balancer, checked, live in running:
            checked.finish()
            for stream in live:
                stream.finish()
            balancer.stop()

    def test_stopped_the_new_one_gives_up_and_woken_it_goes_on(self):
        balancer = self.balancer()
        half, live = self.half_greeted(balancer), self.live(balancer)
        begun = time.monotonic()
        relay = self.grief(balancer, 'new:PREPARED', before='stop-old')
        relay.wait_line('^new:ABORT', 15)
        self.assertLess(time.monotonic() - begun, 12)
        relay.wait_exit(10)
        self.assertIn('no answer in time', relay.log())
        os.kill(balancer.process.pid, signal.SIGCONT)
        self.wait(lambda: balancer.metric('sstplb_handoffs_total', result='failed') == 1, 5,
                  'the failure to be counted')
        self.assertEqual(balancer.ask('status')['pid'], balancer.process.pid)
        self.goes_on(live)
        self.greets(half)
        balancer.upgrade()
        for stream in live:
            stream.finish()
        balancer.stop()


if __name__ == '__main__':
    case.main()
