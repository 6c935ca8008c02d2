#!/usr/bin/python3
"""A live handoff: another process takes over, and no tunnel, byte or client is lost."""
# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import os
import signal
import socket
import threading

from lib import case, handoff, proc, streams
from lib.balancer import Balancer, binary, pool
from lib.demo_farm import DemoFarm

SANITIZED = bool(os.environ.get('SSTPLB_SANITIZE'))


class HandoffTest(handoff.HandoffCase):
    # ---- one handoff ----

    def test_both_directions_go_on_and_nothing_of_the_old_process_is_left(self):
        backend = streams.Backend(self)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})}).start()
        client, server = self.pair(balancer, backend)
        before = balancer.sessions()
        said = balancer.upgrade()
        self.assertIn('took over 1 sessions', said)
        client.sendall(b'to the new one')
        self.assertEqual(streams.read_exactly(server, 14), b'to the new one')
        server.sendall(b'and back')
        self.assertEqual(streams.read_exactly(client, 8), b'and back')
        after = balancer.sessions()
        for field in ('id', 'client', 'sni', 'listener', 'pool', 'backend', 'backend_address'):
            self.assertEqual(after[0][field], before[0][field], field)
        self.assertGreaterEqual(after[0]['age_seconds'], before[0]['age_seconds'])
        self.assertEqual(after[0]['to_backend_bytes'], before[0]['to_backend_bytes'] + 14)
        self.assertEqual(balancer.active('main/b1'), 1)
        self.assertEqual(balancer.metric('sstplb_handoffs_total', result='taken_over'), 1)
        self.assertEqual(balancer.metric('sstplb_handoff_sessions_total'), 1)
        self.assertEqual(balancer.metric('sstplb_handoff_pause_seconds_count'), 1)
        events = {event['what'] for event in balancer.events()}
        self.assertIn('took over', events)
        client.close()
        self.assertEqual(streams.read_end(server)[0], 'eof')
        server.close()
        balancer.wait_sessions(0)
        self.assertEqual(balancer.active('main/b1'), 0)
        balancer.stop()

    def test_bulk_and_echo_go_on_byte_for_byte(self):
        servers = [streams.StreamServer(self, f'server{i}') for i in range(3)]
        balancer = Balancer(self, {'main': pool({f's{i}': s.port for i, s in enumerate(servers)},
                                                balance='least-sessions')}).start()
        self.streams_during(balancer, balancer.upgrade, '--mixed',
                            '--concurrency', '80' if SANITIZED else '200', '--seconds', '6',
                            '--seed', '21')
        balancer.stop()
        self.assertEqual([server.finish()['failed'] for server in servers], [0, 0, 0])

    def test_ten_in_a_row_under_load_are_as_good_as_one(self):
        server = streams.StreamServer(self)
        balancer = Balancer(self, {'main': pool({'s': server.port})}).start()
        fds = []

        count, concurrency = (5, 60) if SANITIZED else (10, 150)

        def ten():
            for _ in range(count):
                balancer.upgrade()
                fds.append(sum('pipe' not in what for what in
                               balancer.process.open_fds().values()))

        self.streams_during(balancer, ten, '--mixed', '--concurrency', str(concurrency),
                            '--seconds', '20', '--seed', '22')
        self.assertEqual(balancer.metric('sstplb_handoffs_total', result='taken_over'), count)
        self.assertEqual(balancer.metric('sstplb_handoff_pause_seconds_count'), count)
        self.wait(lambda: balancer.sessions() == [], 10, 'the sessions to be over')
        quiet = len(balancer.process.open_fds())
        self.assertLess(quiet, 60, f'after ten handoffs, under load {fds}')
        balancer.stop()
        self.assertEqual(server.finish()['failed'], 0)

    def test_new_clients_meet_no_refusal(self):
        balancer = self.balancer(self.echoes('a', 'b'))
        ended = threading.Event()
        outcome = {'served': 0, 'failed': []}

        def knock():
            while not ended.is_set():
                try:
                    with socket.create_connection(('127.0.0.1', balancer.port), timeout=10) as sock:
                        sock.sendall(handoff.HELLO)
                        streams.read_record(sock, 10)
                    outcome['served'] += 1
                except (OSError, AssertionError) as error:
                    outcome['failed'].append(repr(error))

        knockers = [streams.background(knock) for _ in range(8)]
        for _ in range(5):
            balancer.upgrade()
        ended.set()
        for knocker in knockers:
            knocker.join()
        self.assertEqual(outcome['failed'], [])
        self.assertGreater(outcome['served'], 50 if SANITIZED else 200)

    def test_who_asks_meanwhile_is_answered_by_one_of_the_two(self):
        balancer = self.balancer(self.echoes('a'))
        sessions = [streams.Session(self, balancer.port) for _ in range(5)]
        ended = threading.Event()
        answers = []

        def ask():
            while not ended.is_set():
                answers.append(balancer.command('status', '--json'))

        askers = [streams.background(ask) for _ in range(3)]
        for _ in range(4):
            balancer.upgrade()
        ended.set()
        for asker in askers:
            asker.join()
        self.assertEqual([a for a in answers if a.returncode != 0], [])
        self.assertEqual({json.loads(a.stdout)['sessions_active'] for a in answers}, {5})
        self.assertTrue(all(session.alive() for session in sessions))

    # ---- sessions in every state ----

    def test_bytes_that_were_read_and_not_yet_written_arrive_once(self):
        backend = streams.Backend(self, rcvbuf=4096)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})}).start()
        client, server = self.pair(balancer, backend)
        payload = os.urandom(4 * 1024 * 1024)
        sender = streams.background(client.sendall, payload)
        self.wait(lambda: balancer.sessions()[0]['to_backend_bytes'] > 100000, 10, 'a stall')
        balancer.upgrade()
        self.assertEqual(streams.read_exactly(server, len(payload)), payload)
        sender.join()
        balancer.upgrade()
        server.sendall(b'done')
        self.assertEqual(streams.read_exactly(client, 4), b'done')

    def test_a_direction_that_has_ended_stays_ended_and_the_other_goes_on(self):
        backend = streams.Backend(self)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})}).start()
        for first in ('client', 'server'):
            with self.subTest(first=first):
                client, server = self.pair(balancer, backend)
                one, other = (client, server) if first == 'client' else (server, client)
                one.shutdown(socket.SHUT_WR)
                self.assertEqual(streams.read_end(other), ('eof', b''))
                balancer.upgrade()
                other.sendall(b'still here')
                self.assertEqual(streams.read_exactly(one, 10), b'still here')
                other.close()
                self.assertEqual(streams.read_end(one), ('eof', b''))
                balancer.wait_sessions(0)

    def test_a_reset_during_the_handoff_is_passed_on(self):
        backend = streams.Backend(self)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})}).start()
        pairs = [self.pair(balancer, backend) for _ in range(200)]
        upgrading = streams.background(balancer.ok, 'upgrade')
        # One after the other, from before its begin to after its end.
        for client, server in pairs:
            streams.reset(client)
            self.assertEqual(streams.read_end(server)[0], 'reset')
            server.close()
        upgrading.join()
        balancer.follow(balancer.ask('status')['pid'])
        balancer.wait_sessions(0)

    def test_a_hello_that_is_half_read_is_read_to_its_end(self):
        backend = streams.Backend(self)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})}).start()
        client = streams.connect(balancer.port)
        self.addCleanup(client.close)
        client.sendall(handoff.HELLO[:100])
        self.wait(lambda: len(balancer.sessions()) == 1, 5, 'the session')
        balancer.upgrade()
        self.assertEqual(balancer.sessions()[0]['phase'], 'greeting')
        client.sendall(handoff.HELLO[100:])
        server, got = backend.accept()
        self.addCleanup(server.close)
        self.assertEqual(got, handoff.HELLO)

    def test_the_client_that_a_proxy_header_named_stays_the_client(self):
        backend = streams.Backend(self)
        balancer = Balancer(self, {'main': pool({'b1': backend.port})},
                            {'accept_proxy': ['127.0.0.1/32']}).start()
        header = b'PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n'
        whole = streams.connect(balancer.port)
        half = streams.connect(balancer.port)
        for sock in (whole, half):
            self.addCleanup(sock.close)
        whole.sendall(header + handoff.HELLO[:50])
        half.sendall(header[:20])
        self.wait(lambda: len(balancer.sessions()) == 2, 5, 'both')
        self.wait(lambda: '198.51.100.7:4711' in {s['client'] for s in balancer.sessions()}, 5,
                  'the header to be read')
        balancer.upgrade()
        whole.sendall(handoff.HELLO[50:])
        half.sendall(header[20:] + handoff.HELLO)
        for _ in range(2):
            server, got = backend.accept()
            self.addCleanup(server.close)
            self.assertEqual(got, handoff.HELLO)
        self.assertEqual({s['client'] for s in balancer.sessions()}, {'198.51.100.7:4711'})

    def test_a_session_that_is_connecting_reaches_a_backend(self):
        # A backend whose queue is full does not answer: the attempt hangs until the next one.
        full = socket.create_server(('127.0.0.1', 0), backlog=0)
        self.addCleanup(full.close)
        stuffing = []
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
            stuffing.append(sock)
        echo = streams.NamedEcho(self, 'echo')
        balancer = Balancer(self, {'main': pool(
            {'full': full.getsockname()[1], 'echo': echo.port}, balance='round-robin',
            connect_timeout='3s', connect_attempts=2)}).start()
        client = streams.connect(balancer.port)
        self.addCleanup(client.close)
        other = streams.connect(balancer.port)
        self.addCleanup(other.close)
        client.sendall(handoff.HELLO)
        other.sendall(handoff.HELLO)
        self.wait(lambda: 'connecting' in {s['phase'] for s in balancer.sessions()}, 5,
                  'one to be connecting')
        balancer.upgrade()
        self.assertEqual({streams.read_record(s, 10) for s in (client, other)}, {b'echo'})
        for sock in stuffing:
            sock.close()

    # ---- what comes along ----

    def test_decisions_drains_affinity_and_limits_come_along(self):
        a, b, c = self.echoes('a', 'b', 'c')
        balancer = Balancer(self, {'main': pool({'a': a.port, 'b': b.port}, balance='source-ip')},
                            {'max_sessions_per_source': 3}).start()
        sessions = [streams.Session(self, balancer.port, source='127.0.1.1') for _ in range(3)]
        home = sessions[0].backend
        balancer.ok('backend', 'add', 'main/c', f'127.0.0.1:{c.port}', '--weight', '50')
        balancer.ok('backend', 'weight', 'main/b', '70')
        balancer.ok('backend', 'drain', f'main/{home}', '--within', '1h')
        before = balancer.backends()
        balancer.upgrade()
        after = balancer.backends()
        self.assertEqual(after['main/c']['added'], True)
        self.assertEqual(after['main/b']['weight'], 70)
        for field in ('since', 'begins', 'deadline', 'remaining'):
            self.assertEqual(after[f'main/{home}']['drain'][field],
                             before[f'main/{home}']['drain'][field], field)
        # Three are there already, and the limit counts them.
        with socket.create_connection(('127.0.0.1', balancer.port), timeout=5,
                                      source_address=('127.0.1.1', 0)) as one_more:
            one_more.sendall(handoff.HELLO)
            self.assertIn(streams.read_end(one_more)[0], ('eof', 'reset'))
        balancer.ok('backend', 'drain', '--undo', f'main/{home}')
        sessions.pop().close()
        balancer.wait_sessions(2)
        self.assertEqual(streams.Session(self, balancer.port, source='127.0.1.1').backend, home)

    def test_a_drain_goes_on_at_its_pace(self):
        balancer = self.balancer(self.echoes('a'))
        sessions = [streams.Session(self, balancer.port) for _ in range(12)]
        balancer.ok('backend', 'drain', 'main/a', '--pace', '4/s')
        self.wait(lambda: balancer.active('main/a') <= 10, 5, 'the first to be closed')
        balancer.upgrade()
        self.wait(lambda: balancer.active('main/a') == 0, 10, 'the last to be closed')
        self.assertEqual({session.ended() for session in sessions}, {'eof'})
        self.assertGreaterEqual(
            balancer.metric('sstplb_sessions_closed_total', reason='drained'), 3)

    def test_health_does_not_flap(self):
        good, = self.echoes('good')
        dead = proc.free_port()
        balancer = Balancer(self, {'main': {**pool({'good': good.port, 'dead': dead}),
                                            'probe': {'kind': 'tcp', 'interval': '1s',
                                                      'fall': 1}}}).start()
        balancer.wait_health('up', 'main/good')
        balancer.wait_health('down', 'main/dead')
        for _ in range(3):
            balancer.upgrade()
            now = balancer.backends()
            self.assertEqual((now['main/good']['health'], now['main/dead']['health']),
                             ('up', 'down'))
            self.assertEqual(streams.Session(self, balancer.port).backend, 'good')
        changes = [event for event in balancer.events() if event['what'].startswith('backend ')]
        self.assertEqual(changes, [])

    def test_ejections_and_slow_start_come_along(self):
        good, dead = DemoFarm(self, 'good'), proc.free_port()
        (self.dir / 'password').write_text('any\n')
        balancer = Balancer(self, {'main': pool({'good': good.address, 'dead': dead},
                                                balance='round-robin', slow_start='1h',
                                                ejection={'base_time': '10m'})}).start()
        balancer.ok('backend', 'disable', 'main/good')
        balancer.ok('backend', 'enable', 'main/good')
        done = proc.run([balancer.binary, 'load', f'127.0.0.1:{balancer.port}', '--tunnels', '12',
                         '--hold', '1s', '--depth', 'ppp', '--payload', '100KiB/s',
                         '--user', 'any', '--password-file', str(self.dir / 'password'),
                         '--source', ','.join(f'127.0.{i + 1}.1' for i in range(12)), '--json'],
                        timeout=60)
        self.assertEqual(json.loads(done.stdout)['came_up'], 12)
        before = self.wait(lambda: balancer.backends()['main/dead']['ejection'] and
                           balancer.backends(), 10, 'an ejection')
        balancer.upgrade()
        after = balancer.backends()
        was, now = before['main/dead']['ejection'], after['main/dead']['ejection']
        for field in ('signal', 'times', 'failures', 'sources', 'other_failures', 'other_sources'):
            self.assertEqual(now[field], was[field], field)
        for field in ('since', 'until'):
            moved = (datetime.datetime.fromisoformat(now[field]) -
                     datetime.datetime.fromisoformat(was[field]))
            self.assertLess(abs(moved.total_seconds()), 1.5, field)
        self.assertFalse(after['main/dead']['ready'])
        share = after['main/good']['share']
        self.assertLess(share, 0.5)
        self.assertGreaterEqual(share, before['main/good']['share'])
        balancer.stop()

    def test_a_removed_backend_goes_on_draining(self):
        a, b = self.echoes('a', 'b')
        balancer = Balancer(self, {'main': pool({'a': a.port, 'b': b.port}, balance='round-robin')
                                   }).start()
        sessions = [streams.Session(self, balancer.port) for _ in range(4)]
        balancer.ok('backend', 'remove', 'main/a')
        self.assertTrue(balancer.backends()['main/a']['removed'])
        balancer.upgrade()
        self.assertTrue(balancer.backends()['main/a']['removed'])
        self.assertEqual(balancer.active('main/a'), 2)
        self.assertTrue(all(session.alive() for session in sessions))
        for session in sessions:
            if session.backend == 'a':
                session.close()
        self.wait(lambda: 'main/a' not in balancer.backends(), 10, 'it to be gone')

    # ---- a new configuration comes with it ----

    def test_what_a_reload_cannot_change_is_changed(self):
        a, b = self.echoes('a', 'b')
        balancer = Balancer(self, {'main': pool({'a': a.port, 'b': b.port}, balance='round-robin')
                                   }).start()
        sessions = [streams.Session(self, balancer.port) for _ in range(20)]
        old_http, old_port = balancer.http_port, balancer.port
        for workers in (1, 4, 2):
            balancer.config['global']['workers'] = workers
            balancer.http_port = proc.free_port()
            balancer.config['admin']['http'] = f'127.0.0.1:{balancer.http_port}'
            balancer.write_config()
            self.assertIn('upgrade', balancer.ok('reload'))
            balancer.upgrade()
            self.assertEqual(balancer.ask('status')['workers'], workers)
            self.assertEqual(balancer.get('/healthz')[0], 200)
            self.assertTrue(all(session.alive() for session in sessions))
            sessions += [streams.Session(self, balancer.port) for _ in range(4)]
        self.assertFalse(proc.accepts(old_http))
        # Listeners and backends that come and go are changed as a reload would.
        balancer.port = proc.free_port()
        balancer.config['listener']['vpn']['bind'] = [f'127.0.0.1:{balancer.port}']
        balancer.config['pool']['main']['backend'] = [
            {'name': 'b', 'address': f'127.0.0.1:{b.port}'}]
        balancer.write_config()
        balancer.upgrade()
        self.assertFalse(proc.accepts(old_port))
        self.assertEqual(streams.Session(self, balancer.port).backend, 'b')
        self.assertTrue(all(session.alive() for session in sessions))
        self.assertTrue(balancer.backends()['main/a']['removed'])
        ids = [session['id'] for session in balancer.sessions()]
        self.assertEqual(len(ids), len(set(ids)))
        balancer.stop()

    def test_another_admin_socket_takes_the_place_of_the_old_one(self):
        balancer = self.balancer(self.echoes('a'))
        session = streams.Session(self, balancer.port)
        old = balancer.socket
        said = {}
        balancer.socket = old.with_name('other.sock')
        balancer.config['admin']['socket'] = str(balancer.socket)
        balancer.write_config()
        balancer.process.send_signal(signal.SIGUSR2)
        self.wait(balancer.socket.exists, 10, 'the new socket')
        self.wait(lambda: balancer.command('status').returncode == 0, 10, 'an answer')
        balancer.follow(balancer.ask('status')['pid'])
        self.assertTrue(session.alive(), said)
        self.assertFalse(old.exists())
        self.assertFalse(old.with_name('admin.sock.handoff').exists())
        balancer.upgrade()
        balancer.stop()
        self.assertEqual(list(balancer.socket.parent.iterdir()), [])

    # ---- other ways to ask ----

    def test_a_signal_upgrades(self):
        balancer = self.balancer(self.echoes('a'))
        session = streams.Session(self, balancer.port)
        before = balancer.process.pid
        balancer.process.send_signal(signal.SIGUSR2)
        self.wait(lambda: balancer.ask('status')['pid'] != before, 15, 'the new process')
        balancer.follow(balancer.ask('status')['pid'])
        self.assertTrue(session.alive())

    def test_a_process_that_is_started_by_hand_takes_over(self):
        balancer = self.balancer(self.echoes('a'))
        session = streams.Session(self, balancer.port)
        old = balancer.process
        new = self.start([binary(), 'run', '-c', balancer.config_path, '--takeover'], 'new')
        self.assertEqual(old.wait_exit(15), 0)
        balancer.process = new
        self.wait(lambda: balancer.ask('status')['pid'] == new.pid, 10, 'the new one to answer')
        self.assertTrue(session.alive())
        balancer.stop()


if __name__ == '__main__':
    case.main()
