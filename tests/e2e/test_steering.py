#!/usr/bin/python3
"""Steering sstplb while it runs: commands, drain, reload, state over a restart, the end."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import signal
import socket
import time

from lib import case, proc, streams
from lib.balancer import Balancer, binary, echo_farm, pool

NAME = 'vpn.test'


class SteeringTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def session(self, balancer, name=NAME, source=None):
        return streams.Session(self, balancer.port, name, source)

    def sessions(self, balancer, count, **more):
        return [self.session(balancer, **more) for _ in range(count)]

    def assert_alive(self, *sessions):
        for session in sessions:
            self.assertTrue(session.alive(), f'session at {session.backend}')

    def wait_new_sessions_at(self, balancer, *names):
        """New sessions reach these backends and no other."""
        seen = {s.backend for s in self.sessions(balancer, 3 * len(names))}
        self.assertEqual(seen, set(names))

    # ---- backends ----

    def test_a_drained_backend_keeps_its_sessions_and_gets_no_new_ones(self):
        balancer = echo_farm(self, 'b1', 'b2', 'b3').start()
        old = self.sessions(balancer, 6)
        balancer.ok('backend', 'drain', 'main/b1')
        self.assertEqual(balancer.backends()['main/b1']['admin'], 'draining')
        self.wait_new_sessions_at(balancer, 'b2', 'b3')
        self.assert_alive(*old)
        self.assertEqual(balancer.active('main/b1'), 2)
        balancer.ok('backend', 'enable', 'main/b1')
        self.wait_new_sessions_at(balancer, 'b1', 'b2', 'b3')
        balancer.stop()

    def test_drain_within_closes_the_rest_and_wait_says_so(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        old = self.sessions(balancer, 4)
        drained = [s for s in old if s.backend == 'b1']
        begun = time.monotonic()
        done = balancer.command('backend', 'drain', 'main/b1', '--within', '1s', '--wait')
        # The answer is no: it did not become empty by itself.
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertGreater(time.monotonic() - begun, 0.7)
        self.assertLess(time.monotonic() - begun, 5)
        for session in drained:
            self.assertIn(session.ended(), ('eof', 'reset'))
        self.assertEqual(balancer.active('main/b1'), 0)
        self.assertEqual(balancer.metric('sstplb_sessions_closed_total', reason='drained'), 2)
        self.assert_alive(*(s for s in old if s.backend == 'b2'))
        balancer.stop()

    def test_drain_wait_returns_when_the_last_session_has_gone(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        old = self.sessions(balancer, 4)
        waiting = proc.Process([balancer.binary, 'backend', 'drain', 'main/b1', '--wait'],
                               self.dir / 'drain.log', env={'SSTPLB_SOCKET': str(balancer.socket)})
        self.addCleanup(waiting.stop)
        self.wait(lambda: balancer.backends()['main/b1']['admin'] == 'draining', 5, 'the drain')
        self.assertTrue(waiting.running())
        for session in old:
            session.close()
        self.assertEqual(waiting.wait_exit(5), 0, waiting.tail())
        balancer.stop()

    def test_disable_enable_and_weight(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        old = self.sessions(balancer, 2)
        balancer.ok('backend', 'disable', 'main/b2')
        self.assertEqual(balancer.backends()['main/b2']['admin'], 'disabled')
        self.wait_new_sessions_at(balancer, 'b1')
        self.assertTrue(next(s for s in old if s.backend == 'b1').alive())
        balancer.ok('backend', 'enable', 'main/b2')
        balancer.ok('backend', 'weight', 'main/b1', '7')
        self.assertEqual(balancer.backends()['main/b1']['weight'], 7)
        self.assertEqual(balancer.command('backend', 'weight', 'main/b1', 'many').returncode, 2)
        balancer.stop()

    def test_add_and_remove(self):
        balancer = echo_farm(self, 'b1').start()
        late = streams.NamedEcho(self, 'b2')
        balancer.ok('backend', 'add', 'main/b2', f'127.0.0.1:{late.port}')
        self.wait_new_sessions_at(balancer, 'b1', 'b2')
        self.assertNotEqual(balancer.command('backend', 'add', 'main/b2',
                                             f'127.0.0.1:{late.port}').returncode, 0)
        balancer.ok('session', 'close', '--backend', 'main/b2')
        self.wait(lambda: balancer.active('main/b2') == 0, 5, 'its sessions to end')
        balancer.ok('backend', 'remove', 'main/b2')
        self.assertEqual(set(balancer.backends()), {'main/b1'})
        self.wait_new_sessions_at(balancer, 'b1')
        balancer.stop()

    def test_unknown_names_are_refused_with_a_hint(self):
        balancer = echo_farm(self, 'b1').start()
        for words in (('drain', 'main/b9'), ('enable', 'other/b1'), ('remove', 'main/b9')):
            done = balancer.command('backend', *words)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertRegex(done.stdout + done.stderr, r'b9|other')
        balancer.stop()

    def test_without_a_daemon_commands_exit_3(self):
        balancer = echo_farm(self, 'b1')
        for words in (('status',), ('backend', 'list'), ('session', 'list')):
            done = balancer.command(*words)
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn(str(balancer.socket), done.stderr)

    def test_decisions_outlive_a_restart(self):
        balancer = echo_farm(self, 'b1', 'b2', 'b3')
        balancer.config['global']['state_file'] = str(self.dir / 'state')
        balancer.start()
        balancer.ok('backend', 'drain', 'main/b1')
        balancer.ok('backend', 'weight', 'main/b2', '55')
        late = streams.NamedEcho(self, 'b4')
        balancer.ok('backend', 'add', 'main/b4', f'127.0.0.1:{late.port}')
        balancer.stop()
        balancer.start()
        now = balancer.backends()
        self.assertEqual(now['main/b1']['admin'], 'draining')
        self.assertEqual(now['main/b2']['weight'], 55)
        self.assertEqual(set(now), {'main/b1', 'main/b2', 'main/b3', 'main/b4'})
        self.wait_new_sessions_at(balancer, 'b2', 'b3', 'b4')
        balancer.stop()

    # ---- a backend that goes down with live sessions ----

    def probed(self, on_down):
        """A balancer whose one backend is probed many times a second, with two live sessions."""
        echo = streams.NamedEcho(self, 'b1')
        probe = {'kind': 'tcp', 'interval': '100ms', 'fast_interval': '50ms', 'fall': 3}
        balancer = Balancer(self, {'main': pool({'b1': echo.port}, probe=probe, on_down=on_down)},
                            name=f'sstplb-{on_down}').start()
        balancer.wait_health('up', 'main/b1')
        return echo, balancer, self.sessions(balancer, 2)

    def assert_refused(self, balancer):
        sock = streams.connect(balancer.port)
        self.addCleanup(sock.close)
        sock.sendall(streams.client_hello(NAME))
        self.assertIn(streams.read_end(sock)[0], ('eof', 'reset'))

    def wait_probes(self, balancer, count):
        """So many probes more have ended."""
        def ended():
            return balancer.metric('sstplb_probes_total', backend='b1')

        until = ended() + count
        self.wait(lambda: ended() >= until, 10, f'{count} probes')

    def test_sessions_of_a_dead_backend_are_closed_if_on_down_says_so(self):
        echo, balancer, old = self.probed('close')
        echo.stop_listening()
        for session in old:
            self.assertIn(session.ended(10), ('eof', 'reset'))
        self.assertEqual(balancer.health('main/b1'), 'down')
        balancer.wait_sessions(0)
        self.assertEqual(len(re.findall('session close .*reason=backend_down',
                                        balancer.process.log())), 2)
        self.assertEqual(
            balancer.metric('sstplb_sessions_closed_total', reason='backend_down'), 2)
        balancer.stop()

    def test_sessions_of_a_dead_backend_live_if_on_down_is_keep(self):
        echo, balancer, old = self.probed('keep')
        echo.stop_listening()
        balancer.wait_health('down', 'main/b1')
        self.wait_probes(balancer, 5)
        self.assert_alive(*old)
        self.assert_refused(balancer)
        balancer.stop()

    def test_a_full_backend_keeps_its_sessions_until_it_dies(self):
        echo, balancer, old = self.probed('close')
        echo.full = True
        balancer.wait_health('down', 'main/b1')
        self.assertEqual(balancer.backends()['main/b1']['probe']['outcome'], 'closed_at_once')
        self.wait_probes(balancer, 5)
        self.assert_alive(*old)
        self.assert_refused(balancer)
        echo.stop_listening()  # down already, and now dead too
        for session in old:
            self.assertIn(session.ended(10), ('eof', 'reset'))
        balancer.wait_sessions(0)
        self.assertEqual(
            balancer.metric('sstplb_sessions_closed_total', reason='backend_down'), 2)
        balancer.stop()

    # ---- configuration ----

    def test_a_reload_changes_what_it_says_and_touches_no_session(self):
        for how in ('SIGHUP', 'reload'):
            with self.subTest(how):
                balancer = echo_farm(self, 'b1', 'b2', name=f'sstplb-{how}').start()
                old = self.sessions(balancer, 2)
                late = streams.NamedEcho(self, 'b3')
                members = balancer.config['pool']['main']['backend']
                balancer.config['pool']['main']['backend'] = members[1:] + [
                    {'name': 'b3', 'address': f'127.0.0.1:{late.port}'}]
                balancer.write_config()
                if how == 'SIGHUP':
                    balancer.process.send_signal(signal.SIGHUP)
                else:
                    plan = balancer.ok('reload', '--dry-run')
                    self.assertIn('b3', plan)
                    self.assertNotIn('main/b3', balancer.backends())
                    balancer.ok('reload')
                self.wait(lambda: 'main/b3' in balancer.backends(), 5, 'the reload')
                self.wait_new_sessions_at(balancer, 'b2', 'b3')
                self.assert_alive(*old)
                balancer.stop()

    def test_a_reload_changes_socket_options_in_place(self):
        def mss(session):
            """What the listening side allowed this client at the start."""
            return session.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

        def backlogs():
            """Of the listening sockets, one for each worker."""
            lines = proc.run(['ss', '-Hltn', f'sport = :{balancer.port}']).stdout.splitlines()
            return [int(line.split()[2]) for line in lines]

        def reload(**tcp):
            balancer.config['listener']['vpn']['tcp'] = tcp
            balancer.write_config()
            return balancer.ok('reload')

        balancer = echo_farm(self, 'b1', listener={'tcp': {'backlog': 99}}).start()
        old = self.session(balancer)
        before = mss(old)
        self.assertGreater(before, 1300)
        said = reload(backlog=55, mss=1300)
        self.assertIn('listener.vpn.tcp.mss: 0 -> 1300', said)
        self.assertRegex(said, r'(?m)^warning: pool\.main: \[single_backend\]')
        self.assertNotIn('restart', said)
        self.wait(lambda: backlogs() == [55, 55], 5, lambda: f'the backlogs: {backlogs()}')
        for session in self.sessions(balancer, 8):
            self.assertLessEqual(mss(session), 1300)
        self.assertEqual(mss(old), before)
        self.assert_alive(old)

        reload(backlog=54)
        self.wait(lambda: backlogs() == [54, 54], 5, lambda: f'the backlogs: {backlogs()}')
        for session in self.sessions(balancer, 8):
            self.assertEqual(mss(session), before, 'unset is the choice of the kernel')

        said = reload(backlog=54, congestion='no_such_thing')
        self.assertRegex(said, r'warning: listener\.vpn\.tcp\.congestion: the kernel refuses it')
        balancer.process.wait_line('option refused .*listener.vpn.tcp.congestion', 5)
        self.assert_alive(old, self.session(balancer))
        balancer.stop()

    def test_an_invalid_configuration_is_refused_whole(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        old = self.sessions(balancer, 2)
        good = balancer.config_path.read_text()
        bad = good.replace('name = "b2"', 'name = "b7"') + '\n[pool.main.nonsense]\nx = 1\n'
        balancer.write_config(bad)
        done = balancer.command('reload')
        self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
        self.assertIn('nonsense', done.stdout + done.stderr)
        balancer.process.send_signal(signal.SIGHUP)
        balancer.process.wait_line('nonsense', 5)
        self.assertEqual(set(balancer.backends()), {'main/b1', 'main/b2'})
        self.assert_alive(*old)
        self.wait_new_sessions_at(balancer, 'b1', 'b2')
        balancer.stop()

    def test_the_exported_configuration_is_one(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        balancer.ok('backend', 'weight', 'main/b1', '42')
        balancer.ok('backend', 'drain', 'main/b2')
        text = balancer.ok('config', 'export')
        self.assertIn('42', text)
        self.assertIn('draining', text)
        path = self.dir / 'export.toml'
        path.write_text(text)
        done = proc.run([balancer.binary, 'check', '-c', path])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        balancer.write_config(text)
        balancer.ok('reload')
        self.assertEqual(balancer.ok('config', 'export'), text)
        balancer.stop()

    def test_check_reports_every_error_with_its_place(self):
        path = self.dir / 'bad.toml'
        path.write_text('[listener.vpn]\nbind = ["127.0.0.1:0"]\npool = "nowhere"\n'
                        '[pool.main]\nbalance = "rr"\ncolour = "red"\n'
                        '[[pool.main.backend]]\nname = "a"\naddress = "10.0.0.1:443"\n')
        done = proc.run([binary(), 'check', '-c', path])
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        said = done.stdout + done.stderr
        for line, word in ((3, 'nowhere'), (5, 'rr'), (6, 'colour')):
            self.assertRegex(said, rf'bad\.toml:{line}:\d+: .*{word}')

    # ---- sessions ----

    def test_sessions_are_listed_filtered_shown_and_closed(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        one = self.session(balancer, 'one.test', '127.1.1.1')
        two = self.session(balancer, 'two.test', '127.2.2.2')
        self.assertEqual(len(balancer.sessions()), 2)
        by_name, = balancer.sessions('--sni', 'one.test')
        by_source, = balancer.sessions('--source', '127.1.0.0/16')
        by_backend, = balancer.sessions('--backend', f'main/{one.backend}')
        self.assertEqual(by_name['id'], by_source['id'])
        self.assertEqual(by_name['id'], by_backend['id'])
        self.assertEqual(balancer.sessions('--older', '1h'), [])
        self.assertEqual(by_name['client'], '127.1.1.1:%d' % one.sock.getsockname()[1])
        self.assertEqual((by_name['sni'], by_name['pool'], by_name['backend']),
                         ('one.test', 'main', one.backend))
        shown = balancer.ask('session', 'show', by_name['id'])
        self.assertEqual(shown['id'], by_name['id'])
        self.assertGreater(shown['to_backend_bytes'], 100)
        balancer.ok('session', 'close', by_name['id'])
        self.assertIn(one.ended(), ('eof', 'reset'))
        self.assert_alive(two)
        self.assertEqual(balancer.command('session', 'show', by_name['id']).returncode, 1)
        balancer.stop()

    def test_explain_tells_the_truth(self):
        echoes = {f'b{i}': streams.NamedEcho(self, f'b{i}') for i in range(1, 6)}
        balancer = Balancer(
            self, {'main': pool({n: e.port for n, e in echoes.items()}, max_load=0)},
            {'route': [{'sni': ['known.test'], 'pool': 'main'}], 'unknown_sni': 'refuse'}).start()
        balancer.ok('backend', 'disable', 'main/b3')
        for i in range(1, 9):
            source = f'127.3.{i}.1'
            told = balancer.ask('explain', '--source', source, '--sni', 'known.test')
            self.assertEqual(told['pool'], 'main')
            got = self.session(balancer, 'known.test', source).backend
            self.assertEqual(told['backend'], got, told)
            self.assertNotEqual(got, 'b3')
        self.assertIn('b3', json.dumps(told))
        refused = balancer.command('explain', '--source', '127.3.1.1', '--sni', 'strange.test',
                                   '--json')
        self.assertEqual(refused.returncode, 1, 'the answer is no')
        told = json.loads(refused.stdout)
        self.assertEqual(told['route'], 'refused: unknown_sni')
        self.assertFalse(told.get('backend'), told)
        self.assertEqual(len(balancer.sessions()), 8)
        balancer.stop()

    def test_explaining_moves_nobody(self):
        echoes = {f'b{i}': streams.NamedEcho(self, f'b{i}') for i in range(1, 4)}
        balancer = Balancer(
            self, {'main': pool({n: e.port for n, e in echoes.items()},
                                balance='round-robin')}).start()
        turns = []
        for _ in range(6):
            told = {balancer.ask('explain', '--source', '127.3.1.1')['backend'] for _ in range(10)}
            turns.append(self.session(balancer).backend)
            self.assertEqual(told, {turns[-1]})
        self.assertEqual(turns[:3], turns[3:], 'each in its turn')
        self.assertEqual(len(set(turns)), 3)
        balancer.stop()

    def test_events_tell_what_happened(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        balancer.ok('backend', 'drain', 'main/b1')
        session = self.session(balancer)
        session.close()
        balancer.wait_sessions(0)
        said = json.dumps(balancer.events())
        self.assertIn('b1', said)
        self.assertIn('drain', said)
        follow = proc.Process([balancer.binary, 'events', '--follow'], self.dir / 'follow.log',
                              env={'SSTPLB_SOCKET': str(balancer.socket)})
        self.addCleanup(follow.stop)
        follow.wait_line('b1', 5)
        balancer.ok('backend', 'disable', 'main/b2')
        follow.wait_line('b2.*disable|disable.*b2', 5)
        balancer.stop()

    def test_status_is_for_people_and_json_for_scripts(self):
        balancer = echo_farm(self, 'b1', 'b2').start()
        self.session(balancer)
        text = balancer.ok('status')
        for word in ('vpn', 'main', 'b1', 'b2'):
            self.assertIn(word, text)
        self.assertNotIn('\x1b', text, 'no colour when nobody looks')
        self.assertEqual(balancer.ask('status')['sessions_active'], 1)
        balancer.stop()

    # ---- the end ----

    def test_sigterm_lets_sessions_finish(self):
        balancer = echo_farm(self, 'b1', global_={'shutdown_grace': '20s'}).start()
        session = self.session(balancer)
        balancer.process.send_signal(signal.SIGTERM)
        self.wait(lambda: not proc.accepts(balancer.port), 5, 'the listener to close')
        self.assert_alive(session)
        self.assertNotEqual(balancer.get('/readyz')[0], 200)
        done = balancer.command('reload')
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn('stopping', done.stderr)
        self.assertFalse(proc.accepts(balancer.port), 'a reload must not open it again')
        session.close()
        self.assertEqual(balancer.process.wait_exit(5), 0, balancer.process.tail())
        self.assertFalse(balancer.socket.exists())

    def test_sigterm_ends_the_rest_after_the_grace_time(self):
        balancer = echo_farm(self, 'b1', global_={'shutdown_grace': '1s'}).start()
        session = self.session(balancer)
        begun = time.monotonic()
        balancer.process.send_signal(signal.SIGTERM)
        self.assertEqual(balancer.process.wait_exit(8), 0, balancer.process.tail())
        self.assertGreater(time.monotonic() - begun, 0.8)
        self.assertIn(session.ended(), ('eof', 'reset'))

    def test_caps_refuse_what_is_over_them(self):
        balancer = echo_farm(self, 'b1', listener={'max_sessions_per_source': 2}).start()
        self.sessions(balancer, 2, source='127.4.4.4')
        third = streams.connect(balancer.port, '127.4.4.4')
        self.addCleanup(third.close)
        third.sendall(streams.client_hello(NAME))
        self.assertIn(streams.read_end(third)[0], ('eof', 'reset'))
        self.assert_alive(self.session(balancer, source='127.4.4.5'))
        self.assertEqual(
            balancer.metric('sstplb_sessions_refused_total', reason='source_sessions'), 1)
        balancer.stop()


if __name__ == '__main__':
    case.main()
