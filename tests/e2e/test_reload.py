#!/usr/bin/python3
"""Reload in place: every kind of change under live streams, refusals, and what is removed drains."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import signal
import socket
import time

from lib import case, proc, streams
from lib.balancer import Balancer, binary, pool

NAME = 'vpn.test'


class ReloadCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def farm(self, *names, **options):
        self.echoes = {name: streams.NamedEcho(self, name) for name in names}
        pools = {'main': pool({name: echo.port for name, echo in self.echoes.items()},
                              balance='round-robin', **options.pop('pool', {}))}
        return Balancer(self, pools, options.pop('listener', None), **options)

    def live(self, count, port=None, **more):
        """So many streams; with those that were begun before they are self.streams."""
        new = [streams.LiveStream(self, port or self.balancer.port, NAME, **more)
               for _ in range(count)]
        self.streams = getattr(self, 'streams', []) + new
        return new

    def assert_streams_run(self):
        """Every stream has moved on since now, and none has lost a byte."""
        before = [s.trips for s in self.streams]
        self.wait(lambda: all(s.broken or s.trips > b + 1 for s, b in zip(self.streams, before)),
                  20, lambda: f'the streams to move: {[s.trips for s in self.streams]}')
        self.assertEqual([s.broken for s in self.streams], [''] * len(self.streams))

    def members(self):
        return self.balancer.config['pool']['main']['backend']

    def member(self, name):
        return next(m for m in self.members() if m['name'] == name)

    def backend(self, name):
        return self.balancer.backends().get(name)

    def reached(self, count=8, **more):
        """Which backends new sessions reach."""
        asked = [streams.Session(self, self.balancer.port, NAME, **more) for _ in range(count)]
        for session in asked:
            session.close()
        return {session.backend for session in asked}

    def reload(self, *told):
        """Applies self.balancer.config; a dry run before it tells the same and changes nothing."""
        self.balancer.write_config()
        before = self.balancer.ok('config', 'export')
        plan = self.balancer.ok('reload', '--dry-run')
        self.assertEqual(self.balancer.ok('config', 'export'), before, 'a dry run is dry')
        said = self.balancer.ok('reload')
        self.assertEqual(plan.replace('not applied (dry run)', 'applied'), said)
        for line in told:
            self.assertIn(line, said)
        self.assert_streams_run()
        return said


class ReloadTest(ReloadCase):
    def test_every_kind_of_change_under_live_streams(self):
        balancer = self.balancer = self.farm('b1', 'b2', 'b3')
        config = balancer.config
        balancer.start()
        pid = balancer.ask('status')['pid']
        self.live(6)
        for step in (self.backends_change, self.a_backend_moves, self.a_backend_goes_and_comes,
                     self.pools_change, self.probes_change, self.listeners_change,
                     self.pools_come_and_go, self.limits_change, self.the_log_changes,
                     self.the_state_file_moves, self.what_needs_an_upgrade_waits):
            with self.subTest(step.__name__):
                step(balancer, config)
        self.assertEqual(balancer.ask('status')['pid'], pid)
        self.assertIn('no change, applied', balancer.ok('reload').splitlines()[-1])
        for stream in self.streams:
            stream.finish()
        self.assertGreater(min(s.trips for s in self.streams), 20)
        balancer.wait_sessions(0)
        balancer.stop()

    def backends_change(self, balancer, config):
        late = streams.NamedEcho(self, 'b4')
        self.members().append({'name': 'b4', 'address': f'127.0.0.1:{late.port}'})
        self.member('b1')['weight'] = 70
        self.member('b2')['max_sessions'] = 90
        self.reload(f'pool.main.backend.b4: added (127.0.0.1:{late.port})',
                    'pool.main.backend.b1.weight: 100 -> 70',
                    'pool.main.backend.b2.max_sessions: 0 -> 90')
        self.assertEqual(self.backend('main/b1')['weight'], 70)
        self.assertEqual(self.reached(), {'b1', 'b2', 'b3', 'b4'})
        self.member('b4')['admin'] = 'disabled'
        self.reload('pool.main.backend.b4.admin: active -> disabled')
        self.assertNotIn('b4', self.reached())

    def a_backend_moves(self, balancer, config):
        """New sessions go to the new address; those at the old one run on and count."""
        moved = streams.NamedEcho(self, 'b3-moved')
        old = balancer.active('main/b3')
        self.assertGreater(old, 0)
        self.member('b3')['address'] = f'127.0.0.1:{moved.port}'
        self.reload('pool.main.backend.b3.address')
        self.assertIn('b3-moved', self.reached())
        self.assertNotIn('b3', self.reached())
        self.assertGreaterEqual(balancer.active('main/b3'), 2)
        addresses = {s['backend_address'] for s in balancer.sessions('--backend', 'main/b3')}
        self.assertIn(f'127.0.0.1:{self.echoes["b3"].port}', addresses)

    def a_backend_goes_and_comes(self, balancer, config):
        """Without settings to drain it by its sessions run on, and it is listed till then."""
        gone = self.member('b1')
        self.members().remove(gone)
        self.reload('pool.main.backend.b1: removed')
        left = self.backend('main/b1')
        self.assertTrue(left['removed'])
        self.assertGreaterEqual(left['sessions_active'], 2)
        self.assertEqual((left['drain']['cause'], left['drain']['deadline']), ('removed', None))
        self.assertRegex(balancer.ok('backend', 'list'), r'main/b1 .*removed, draining, \d+ left')
        self.assertIn('removed, draining', balancer.ok('status'))
        self.assertGreaterEqual(
            balancer.metric('sstplb_drain_remaining_sessions', backend='b1'), 2)
        self.assertNotIn('sstplb_backend_up{pool="main",backend="b1"}', balancer.get('/metrics')[1])
        self.assertNotIn('b1', self.reached())
        self.assertNotIn('b1', balancer.ok('config', 'export'))
        refused = balancer.command('backend', 'enable', 'main/b1')
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn('is removed', refused.stderr)
        self.members().insert(0, gone)
        self.reload('pool.main.backend.b1: added')
        back = self.backend('main/b1')
        self.assertFalse(back['removed'])
        self.assertGreaterEqual(back['sessions_active'], 2, 'its sessions are its own again')

    def pools_change(self, balancer, config):
        main = config['pool']['main']
        for balance in ('source-ip', 'least-sessions', 'consistent-hash'):
            was = main['balance']
            main['balance'] = balance
            self.reload(f'pool.main.balance: {was} -> {balance}')
            self.assertEqual(balancer.ask('status')['pools'][0]['balance'], balance)
            asked = self.reached(3, source='127.5.5.5')
            self.assertTrue(balance == 'least-sessions' or len(asked) == 1, asked)
        main.update(balance='round-robin', connect_attempts=2, connect_timeout='1s',
                    tcp={'nodelay': False}, on_down='drain', drain={'pace': '', 'within': '1h'})
        self.reload('pool.main.tcp.nodelay: true -> false', 'pool.main.drain.within: "" -> 1h')
        main.update(drain={'within': ''})
        self.reload('pool.main.drain.within: 1h -> ""')

    def probes_change(self, balancer, config):
        config['pool']['main']['probe'] = {'kind': 'tcp', 'interval': '100ms',
                                           'fast_interval': '50ms'}
        self.reload('pool.main.probe.kind: none -> tcp')
        balancer.wait_health('up', 'main/b1', 'main/b2', 'main/b3')
        # Another kind, which these servers do not pass: what is at them runs on.
        config['pool']['main']['probe'].update(kind='tls', timeout='100ms', fall=2)
        config['pool']['main']['on_down'] = 'keep'
        self.reload('pool.main.probe.kind: tcp -> tls')
        balancer.wait_health('down', 'main/b1', 'main/b2', 'main/b3')
        self.assert_streams_run()
        config['pool']['main']['probe'] = {'kind': 'none'}
        self.reload('pool.main.probe.kind: tls -> none')
        self.assertEqual(balancer.health('main/b1'), 'unknown')
        self.assertEqual(self.backend('main/b1')['probe']['answered'], False)
        self.assertIn('b1', self.reached())

    def listeners_change(self, balancer, config):
        """One comes, gets limits and another address, and goes; its sessions stay."""
        first, second = proc.free_port(), proc.free_port()
        config['listener']['late'] = {'bind': [f'127.0.0.1:{first}'], 'pool': 'main'}
        self.reload(f'listener.late: added (["127.0.0.1:{first}"])')
        self.live(1, first)
        config['listener']['late'].update(max_sessions_per_source=1, idle_timeout='1h')
        self.reload('listener.late.max_sessions_per_source: 0 -> 1',
                    'listener.late.idle_timeout: 15m -> 1h')
        self.live(1, first, source='127.6.6.6')
        config['listener']['late']['max_sessions_per_source'] = 2
        self.reload('listener.late.max_sessions_per_source: 1 -> 2')
        self.live(1, first, source='127.6.6.6')  # who was counted before counts on
        third = streams.connect(first, '127.6.6.6')
        self.addCleanup(third.close)
        third.sendall(streams.client_hello(NAME))
        self.assertIn(streams.read_end(third)[0], ('eof', 'reset'))
        config['listener']['late']['bind'] = [f'127.0.0.1:{second}']
        self.reload('listener.late.bind')
        self.wait(lambda: not proc.accepts(first), 5, 'the old address to refuse')
        self.live(1, second, source='127.6.6.7')
        del config['listener']['late']
        self.reload('listener.late: removed')
        self.wait(lambda: not proc.accepts(second), 5, 'the listener to refuse')
        self.assert_streams_run()
        self.assertEqual(len(balancer.sessions('--listener', 'late')), 4)

    def pools_come_and_go(self, balancer, config):
        other = streams.NamedEcho(self, 'o1')
        config['pool']['other'] = pool({'o1': other.port})
        config['listener']['vpn']['route'] = [{'sni': ['other.test'], 'pool': 'other'}]
        self.reload('pool.other: added', 'listener.vpn.route.(other.test): added (pool other)')
        stream = streams.LiveStream(self, balancer.port, 'other.test')
        self.assertEqual(stream.backend, 'o1')
        self.streams.append(stream)
        config['pool'].pop('other')
        config['listener']['vpn'].pop('route')
        self.reload('pool.other: removed', 'listener.vpn.route.(other.test): removed')
        told = next(p for p in balancer.ask('status')['pools'] if p['name'] == 'other')
        self.assertTrue(told['removed'])
        self.assertEqual(self.backend('other/o1')['sessions_active'], 1)
        self.assertRegex(balancer.ok('status'), 'pool other +removed')
        later = streams.Session(self, balancer.port, 'other.test')
        self.assertNotEqual(later.backend, 'o1')
        later.close()
        self.streams.remove(stream)
        stream.finish()
        self.wait(lambda: self.backend('other/o1') is None, 5, 'the pool to be gone')
        self.assertNotIn('other', [p['name'] for p in balancer.ask('status')['pools']])
        balancer.process.wait_line('removed backend is empty.*other/o1', 5)

    def limits_change(self, balancer, config):
        config['global'].update(max_sessions=len(balancer.sessions()) + 1, shutdown_grace='3s',
                                drain_pace='20/s')
        self.reload('global.max_sessions: 0 -> ', 'global.shutdown_grace: 1s -> 3s',
                    'global.drain_pace: "" -> "20/s')
        self.assertEqual(balancer.ask('status')['max_sessions'], config['global']['max_sessions'])
        last = streams.Session(self, balancer.port, NAME)
        one_more = streams.connect(balancer.port)
        self.addCleanup(one_more.close)
        self.assertIn(streams.read_end(one_more)[0], ('eof', 'reset'))
        last.close()
        config['global']['max_sessions'] = 999999
        said = self.reload('global.max_sessions: ')
        self.assertIn('warning: global.max_sessions: the open-file limit allows only', said)
        config['global'].pop('max_sessions')
        self.reload('global.max_sessions: 999999 -> 0')

    def the_log_changes(self, balancer, config):
        def lines():
            return balancer.process.log().splitlines()

        config['global']['log'] = {'level': 'error'}
        self.reload('global.log.level: debug -> error')
        before = len(lines())
        self.reached(2)
        self.assertEqual(lines()[before:], [])
        config['global']['log'] = {'level': 'info', 'format': 'json'}
        self.reload('global.log.format: logfmt -> json')
        written = [json.loads(line)['event'] for line in lines()[before:]]
        self.assertIn('reloaded', written)
        config['global']['log'] = {'level': 'debug'}
        self.reload('global.log.format: json -> logfmt')
        self.assertRegex(lines()[-1], '^20.*Z (info|debug) ')

    def the_state_file_moves(self, balancer, config):
        """The decisions of now go to the new place; what is there already is kept, not read."""
        one, two = self.dir / 'one', self.dir / 'two'
        balancer.ok('backend', 'weight', 'main/b2', '55')
        config['global']['state_file'] = str(one)
        self.reload('global.state_file: "" -> ')
        self.assertEqual(json.loads(one.read_text())['decisions'][0]['weight'], 55)
        two.write_text('of somebody else\n')
        config['global']['state_file'] = str(two)
        said = self.reload('global.state_file: ')
        self.assertIn(f'{two} is there already', said)
        kept, = self.dir.glob('two.before-*')
        self.assertEqual(kept.read_text(), 'of somebody else\n')
        balancer.ok('backend', 'weight', 'main/b2', '56')
        self.assertEqual(json.loads(two.read_text())['decisions'][0]['weight'], 56)
        self.assertEqual(json.loads(one.read_text())['decisions'][0]['weight'], 55)
        balancer.ok('backend', 'reset', 'main/b2')
        config['global'].pop('state_file')
        self.reload('global.state_file: ')

    def what_needs_an_upgrade_waits(self, balancer, config):
        keep = json.loads(json.dumps(config))
        config['global'].update(workers=1, shutdown_grace='7s')
        config['global']['log'] = {'level': 'debug', 'target': str(self.dir / 'log')}
        config['admin']['socket_mode'] = '0600'
        said = self.reload('needs upgrade: global.workers: 2 -> 1', 'needs upgrade: admin.socket_',
                           'needs upgrade: global.log.target: ', 'sstplb upgrade',
                           'global.shutdown_grace: 3s -> 7s')
        self.assertNotIn('restart', said)
        self.assertEqual(balancer.ask('status')['workers'], 2)
        balancer.process.wait_line('needs upgrade .*global.workers', 5)
        self.assertFalse((self.dir / 'log').exists())
        balancer.config.clear()
        balancer.config.update(keep)
        self.reload('global.shutdown_grace: 7s -> 3s')

    # ---- refused ----

    def test_a_file_with_several_errors_changes_nothing_and_names_all(self):
        balancer = self.balancer = self.farm('b1', 'b2').start()
        self.live(4)
        before = balancer.ok('config', 'export')
        taken = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        config = balancer.config
        config['listener']['late'] = {'bind': [f'127.0.0.1:{port}'], 'pool': 'main'}
        config['global'].update(state_file=str(self.dir / 'no' / 'state'), max_sessions=50)
        self.members().pop()
        reasons = [rf'127\.0\.0\.1:{port}', r'global\.state_file: .*no/state']

        def refused(code):
            for how in ('dry', 'reload'):
                done = balancer.command('reload', *(['--dry-run'] if how == 'dry' else []))
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                for reason in reasons:
                    self.assertRegex(done.stderr, reason)
            lines = len(balancer.process.log().splitlines())
            balancer.process.send_signal(signal.SIGHUP)
            for reason in reasons:
                self.wait(lambda r=reason: any(
                    'reload refused' in line and re.search(r, line)
                    for line in balancer.process.log().splitlines()[lines:]), 5, reason)
            self.assertEqual(balancer.ok('config', 'export'), before)
            self.assertEqual(set(balancer.backends()), {'main/b1', 'main/b2'})
            self.assertEqual(balancer.ask('status')['listeners'][0]['name'], 'vpn')
            self.assert_streams_run()

        with self.subTest('a file that reads'):
            balancer.write_config()
            refused(1)
        with self.subTest('and one that does not'):
            config['pool']['main'].update(balance='rr', colour='red')
            config['listener']['vpn']['pool'] = 'nowhere'
            reasons += [r'sstplb\.toml:\d+:\d+: pool\.main\.balance', 'colour', 'nowhere']
            balancer.write_config()
            refused(2)
        with self.subTest('and one that is none'):
            reasons[:] = [r'sstplb\.toml']
            balancer.config_path.unlink()
            refused(2)
        for stream in self.streams:
            stream.finish()
        balancer.stop()

    def test_an_address_that_goes_to_another_listener_drops_nobody(self):
        server = streams.StreamServer(self)
        balancer = Balancer(self, {'main': pool({'s1': server.port})}).start()
        balancer.config['listener']['other'] = balancer.config['listener'].pop('vpn')
        balancer.write_config()
        hello = self.dir / 'hello.bin'
        hello.write_bytes(streams.client_hello(NAME))
        tally = {}
        clients = streams.background(lambda: tally.update(streams.run_streams(
            balancer.port, '--sessions', '8000', '--concurrency', '20', '--max-size', '2000',
            '--seed', '5', '--hello', str(hello))))
        names = ['vpn', 'other']
        while clients.is_alive():  # sockets that listen for a moment are hard to meet
            with socket.socket(socket.AF_UNIX) as api:
                api.connect(str(balancer.socket))
                api.sendall(b'POST /api/v1/reload?dry_run HTTP/1.1\r\nHost: localhost\r\n'
                            b'Content-Length: 0\r\n\r\n')
                said = streams.read_end(api)[1].decode()
            self.assertIn(f'listener.{names[0]}: removed', said)
            self.assertIn(f'listener.{names[1]}: added', said)
            balancer.ok('reload')
            names.reverse()
            balancer.config['listener'][names[1]] = balancer.config['listener'].pop(names[0])
            balancer.write_config()
        self.assertEqual((tally.get('sessions'), tally.get('failed')), (8000, 0), tally)
        told = balancer.ask('status')['listeners']
        self.assertEqual([(l['name'], l['bind']) for l in told],
                         [(names[0], [f'127.0.0.1:{balancer.port}'])])
        tally = streams.run_streams(balancer.port, '--sessions', '10', '--hello', str(hello))
        self.assertEqual(tally['failed'], 0)
        balancer.stop()

    def test_a_balancer_that_is_drained_takes_nobody_after_a_reload(self):
        balancer = self.balancer = self.farm('b1', global_={'drain_notice': '0s'}).start()
        self.live(2)
        balancer.ok('drain')
        self.wait(lambda: not proc.accepts(balancer.port), 5, 'the listener to refuse')
        late = proc.free_port()
        balancer.config['listener']['late'] = {'bind': [f'127.0.0.1:{late}'], 'pool': 'main'}
        self.reload('listener.late: added')
        self.wait(lambda: not proc.accepts(late), 5, 'the new listener to refuse')
        self.assertFalse(proc.accepts(balancer.port))
        balancer.ok('drain', '--undo')
        self.wait(lambda: proc.accepts(late) and proc.accepts(balancer.port), 5, 'both to accept')
        balancer.stop()

    # ---- the operator's word and the file's ----

    def test_a_backend_that_both_have_is_the_files(self):
        balancer = self.balancer = self.farm('b1')
        state = self.dir / 'state'
        balancer.config['global']['state_file'] = str(state)
        balancer.start()
        late, other = streams.NamedEcho(self, 'b2'), streams.NamedEcho(self, 'b2-file')
        balancer.ok('backend', 'add', 'main/b2', f'127.0.0.1:{late.port}', '--weight', '30')
        self.live(4)
        self.assertEqual({s.backend for s in self.streams}, {'b1', 'b2'})
        self.assertTrue(self.backend('main/b2')['added'])
        self.members().append({'name': 'b2', 'address': f'127.0.0.1:{other.port}'})
        self.reload('pool.main.backend.b2: added')
        now = self.backend('main/b2')
        self.assertEqual((now['added'], now['weight']), (False, 100))
        self.assertGreater(now['sessions_active'], 0)
        self.assertEqual(self.reached(), {'b1', 'b2-file'})
        self.assertEqual(json.loads(state.read_text())['decisions'], [], 'the word is done with')
        self.members().pop()
        self.reload('pool.main.backend.b2: removed')
        self.assertTrue(self.backend('main/b2')['removed'])
        self.assertEqual(self.reached(), {'b1'})
        balancer.stop()


class RemovalTest(ReloadCase):
    def test_a_removed_backend_drains_as_its_pool_says(self):
        balancer = self.balancer = self.farm('b1', 'b2', pool={'drain': {'pace': '5/s'}}).start()
        mine = [streams.Session(self, balancer.port, NAME) for _ in range(20)]
        self.members().pop(0)
        balancer.write_config()
        begun = time.monotonic()
        balancer.ok('reload')
        told = self.backend('main/b1')['drain']
        self.assertEqual((told['cause'], told['pace_per_second']), ('removed', 5))
        for session in (s for s in mine if s.backend == 'b1'):
            self.assertIn(session.ended(10), ('eof', 'reset'))
        self.assertGreater(time.monotonic() - begun, 1.7)
        self.wait(lambda: self.backend('main/b1') is None, 5, 'b1 to be gone')
        self.assertEqual(balancer.metric('sstplb_sessions_active', backend='b1'), 0)
        balancer.process.wait_line('removed backend is empty', 5)
        self.assertTrue(all(s.alive() for s in mine if s.backend == 'b2'))
        closed = balancer.process.log().count('reason=drained')
        self.assertEqual(closed, 10)
        balancer.stop()

    def test_backend_remove_waits_for_the_last_session(self):
        balancer = self.balancer = self.farm('b1', 'b2').start()
        mine = [streams.Session(self, balancer.port, NAME) for _ in range(4)]
        said = balancer.ok('backend', 'remove', 'main/b1')
        self.assertRegex(said, r'main/b1 .*removed, draining, 2 left')
        again = balancer.command('backend', 'remove', 'main/b1')
        self.assertEqual(again.returncode, 1)
        self.assertIn('is removed, with 2 sessions left', again.stderr)
        self.assertEqual(self.reached(), {'b2'})
        self.assertTrue(all(s.alive() for s in mine))
        # Another drain is had by command, and waited for.
        done = balancer.command('backend', 'drain', 'main/b1', '--pace', '10/s', '--wait')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIsNone(self.backend('main/b1'))
        self.assertTrue(all(s.alive() for s in mine if s.backend == 'b2'))
        balancer.ok('backend', 'reset', 'main/b1')
        self.assertEqual(self.reached(), {'b1', 'b2'})
        balancer.stop()

    def test_backend_remove_goes_on_with_a_drain_and_force_ends_it(self):
        balancer = self.balancer = self.farm('b1', 'b2', pool={'drain': {'pace': '50/s'}}).start()
        mine = [streams.Session(self, balancer.port, NAME) for _ in range(8)]
        begun = balancer.ask('backend', 'drain', 'main/b1', '--within', '1h', '--idle-first')
        balancer.ok('backend', 'remove', 'main/b1')
        now = self.backend('main/b1')['drain']
        for key in ('since', 'deadline', 'pace_per_second', 'idle_first'):
            self.assertEqual(now[key], begun['drain'][key], key)
        balancer.ok('backend', 'remove', 'main/b2', '--force')
        now = self.backend('main/b2')['drain']
        self.assertEqual((now['pace_per_second'], now['deadline']), (None, None))
        waiting = proc.Process([balancer.binary, 'backend', 'drain', 'main/b2', '--wait'],
                               self.dir / 'drain.log', env={'SSTPLB_SOCKET': str(balancer.socket)})
        self.addCleanup(waiting.stop)
        waiting.wait_line('main/b2: 4 sessions left', 5)
        self.assertTrue(all(s.alive() for s in mine))
        for session in mine:
            session.close()
        self.assertEqual(waiting.wait_exit(5), 0, waiting.tail())
        self.wait(lambda: not balancer.backends(), 5, 'both to be gone')
        balancer.stop()

    def test_remove_can_wait(self):
        balancer = self.balancer = self.farm('b1', 'b2', pool={'drain': {'within': '1s'}}).start()
        mine = [streams.Session(self, balancer.port, NAME) for _ in range(8)]
        done = balancer.command('backend', 'remove', 'main/b1', '--wait')
        self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
        self.assertIsNone(self.backend('main/b1'))
        self.assertTrue(all(s.alive() for s in mine if s.backend == 'b2'))
        self.assertEqual(balancer.ok('backend', 'remove', 'main/b2', '--force').count('left'), 1)
        balancer.stop()


if __name__ == '__main__':
    case.main()
