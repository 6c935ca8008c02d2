#!/usr/bin/python3
"""The relay: every byte, every FIN and every RST goes where it belongs, and nothing is left over."""
# SPDX-License-Identifier: Apache-2.0
import os
import resource
import socket
import time

from lib import case, streams
from lib.balancer import Balancer, binary, pool

SANITIZED = bool(os.environ.get('SSTPLB_SANITIZE'))
MIB = 1024 * 1024


class StreamsTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        streams.stream_check()
        super().setUpClass()
        # Two sockets and two pipes for each of 500 sessions are more than the usual 1024.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
        cls.hello = cls.class_dir / 'hello.bin'
        cls.hello.write_bytes(streams.client_hello('vpn.test'))

    def through(self, sessions, *options, listener=None, hello=True, **pool_options):
        """So many sessions over three backends; the books have to balance at both ends."""
        servers = [streams.StreamServer(self, f'server{i}') for i in range(3)]
        backends = {f's{i}': server.port for i, server in enumerate(servers)}
        balancer = Balancer(self, {'main': pool(backends, **pool_options)}, listener).start()
        before = balancer.sockets()
        if hello:
            options += ('--hello', str(self.hello))
        tally = streams.run_streams(balancer.port, '--sessions', str(sessions), *options)
        self.assertEqual((tally['sessions'], tally['failed']), (sessions, 0), tally)
        self.wait(lambda: balancer.sockets() <= before, 10,
                  lambda: f'{balancer.sockets() - before} sockets to be closed')
        self.assertEqual(balancer.sessions(), [])
        self.assertEqual(balancer.metric('sstplb_sessions_opened_total'), sessions)
        self.assertEqual(balancer.metric('sstplb_sessions_active'), 0)
        balancer.stop()
        ends = [server.finish() for server in servers]
        self.assertEqual([end['failed'] for end in ends], [0, 0, 0], ends)
        self.assertEqual(sum(end['sessions'] for end in ends), sessions)
        self.assertEqual(sum(end['bytes_in'] for end in ends), tally['bytes_out'])
        self.assertEqual(sum(end['bytes_out'] for end in ends), tally['bytes_in'])
        print(f'  {sessions} sessions in {tally["seconds"]:.1f} s, '
              f'{(tally["bytes_in"] + tally["bytes_out"]) / MIB:.0f} MiB, '
              f'per backend {[end["sessions"] for end in ends]}')
        return ends

    def test_10000_sequential_sessions(self):
        ends = self.through(10000, '--spread', '--max-size', '200000', '--seed', '11')
        self.assertGreater(min(end['sessions'] for end in ends), 1000)

    def test_500_concurrent_sessions(self):
        self.through(2000, '--spread', '--concurrency', '500', '--max-size', '1000000', '--seed',
                     '12', balance='least-sessions')

    def test_streams_that_are_not_tls(self):
        self.through(500, '--concurrency', '50', '--seed', '13', hello=False,
                     listener={'not_tls': 'pool'}, balance='round-robin')

    def pair(self, balancer, backend):
        """A client and the backend's end of the same session, hello already through."""
        client = streams.connect(balancer.port)
        self.addCleanup(client.close)
        hello = streams.client_hello('vpn.test')
        client.sendall(hello)
        server, got = backend.accept()
        self.addCleanup(server.close)
        self.assertEqual(got, hello)
        return client, server

    def one_backend(self, **more):
        backend = streams.Backend(self, **more)
        return Balancer(self, {'main': pool({'b1': backend.port})}).start(), backend

    def spliced(self, client, server):
        """Application data both ways, after which a balancer may have stopped looking."""
        client.sendall(streams.record(b'ping'))
        self.assertEqual(streams.read_record(server), b'ping')
        server.sendall(streams.record(b'pong'))
        self.assertEqual(streams.read_record(client), b'pong')

    def test_a_reset_is_passed_on_as_a_reset(self):
        balancer, backend = self.one_backend()
        for phase in ('after the hello', 'later'):
            for who in ('client', 'backend'):
                with self.subTest(who=who, phase=phase):
                    client, server = self.pair(balancer, backend)
                    if phase == 'later':
                        self.spliced(client, server)
                    first, other = (client, server) if who == 'client' else (server, client)
                    streams.reset(first)
                    self.assertEqual(streams.read_end(other)[0], 'reset')
        balancer.wait_sessions(0)
        for reason in ('client_reset', 'backend_reset'):
            self.assertEqual(balancer.metric('sstplb_sessions_closed_total', reason=reason), 2)
        balancer.stop()

    def test_either_side_may_finish_first(self):
        balancer, backend = self.one_backend()
        big = os.urandom(3 * MIB)
        for who in ('client', 'backend'):
            for looked_at in (True, False):
                with self.subTest(who=who, looked_at=looked_at):
                    client, server = self.pair(balancer, backend)
                    if not looked_at:
                        self.spliced(client, server)
                    first, other = (client, server) if who == 'client' else (server, client)
                    first.sendall(b'last words')
                    first.shutdown(socket.SHUT_WR)
                    self.assertEqual(streams.read_end(other), ('eof', b'last words'))
                    # The other direction lives on, for as long as it likes and as much as it has.
                    sender = streams.background(other.sendall, big)
                    got = streams.read_exactly(first, len(big))
                    sender.join(5)
                    self.assertTrue(got == big)
                    other.close()
                    self.assertEqual(streams.read_end(first), ('eof', b''))
        balancer.wait_sessions(0)
        balancer.stop()

    def test_an_idle_session_notices_the_end_at_once(self):
        balancer, backend = self.one_backend()
        client, server = self.pair(balancer, backend)
        self.spliced(client, server)
        time.sleep(0.3)  # idle is what is tested
        begun = time.monotonic()
        server.close()
        self.assertEqual(streams.read_end(client), ('eof', b''))
        self.assertLess(time.monotonic() - begun, 0.5)
        balancer.stop()

    def test_a_receiver_that_stalls_holds_the_sender_and_no_memory(self):
        """Ten clients read nothing while their servers send all they can."""
        balancer, backend = self.one_backend()
        block = os.urandom(64 * 1024)
        pairs = [self.pair(balancer, backend) for _ in range(10)]
        for client, server in pairs:
            self.spliced(client, server)
        before = balancer.process.rss()
        sent = [self.send_all_it_takes(server, block) for _, server in pairs]
        # What the kernel's own buffers hold on a path of two connections, and not more.
        self.assertLess(max(sent), 40 * MIB, sent)
        grown = balancer.process.rss() - before
        self.assertLess(grown, (64 if SANITIZED else 8) * MIB)
        for (client, server), total in zip(pairs, sent):
            server.shutdown(socket.SHUT_WR)
            how, got = streams.read_end(client, 10)
            self.assertEqual((how, len(got)), ('eof', total))
            self.assertTrue(got == (block * (total // len(block) + 1))[:total], 'wrong bytes')
        balancer.stop()

    @staticmethod
    def send_all_it_takes(sock, block, limit=200 * MIB):
        """Sends block after block until nothing moves for a while; returns the number of bytes."""
        sock.settimeout(0.3)
        total = 0
        try:
            while total < limit:
                total += sock.send(block[total % len(block):])
        except TimeoutError:
            pass
        return total


if __name__ == '__main__':
    case.main()
