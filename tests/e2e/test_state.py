#!/usr/bin/python3
"""State that lasts: decisions and affinity over restart, crash and reload; torn files; export."""
# SPDX-License-Identifier: Apache-2.0
import json
import signal

from lib import case, proc, streams
from lib.balancer import Balancer, binary, pool

NAME = 'vpn.test'
# What a backend is by decision: what has to come back.
DECIDED = ('admin', 'weight', 'max_sessions', 'address', 'added', 'drain')


class StateTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def farm(self, *names, balance='round-robin', **options):
        self.echoes = {name: streams.NamedEcho(self, name) for name in names}
        pools = {'main': pool({n: e.port for n, e in self.echoes.items()}, balance=balance)}
        self.state = self.dir / 'state'
        balancer = Balancer(self, pools, global_={'state_file': str(self.state)}, **options)
        return balancer

    def decide(self, balancer):
        """One of every kind."""
        late = streams.NamedEcho(self, 'added')
        balancer.ok('backend', 'drain', 'main/drained', '--within', '1h', '--idle-first')
        balancer.ok('backend', 'drain', 'main/later', '--at', '1h', '--pace', '2/s')
        balancer.ok('backend', 'disable', 'main/disabled')
        balancer.ok('backend', 'weight', 'main/weighed', '55')
        self.patch(balancer, 'main/capped', max_sessions=77)
        balancer.ok('backend', 'remove', 'main/removed')
        balancer.ok('backend', 'add', 'main/added', f'127.0.0.1:{late.port}', '--weight', '30',
                    '--max-sessions', '9')
        return ('drained', 'later', 'disabled', 'weighed', 'capped', 'removed', 'added')

    KINDS = ('drained', 'later', 'disabled', 'weighed', 'capped', 'removed', 'plain')

    def patch(self, balancer, backend, **change):
        done = proc.run(['curl', '-sS', '--fail-with-body', '--unix-socket', str(balancer.socket),
                         '-X', 'PATCH', '-H', 'Content-Type: application/json', '-d',
                         json.dumps(change), f'http://localhost/api/v1/backends/{backend}'])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def effective(self, balancer):
        return {name: {key: b[key] for key in DECIDED if key != 'drain'} |
                {'drain': b['drain'] and {k: v for k, v in b['drain'].items()
                                          if k != 'estimated_end'}}
                for name, b in balancer.backends().items()}

    def crash(self, balancer):
        balancer.process.send_signal(signal.SIGKILL)
        balancer.process.wait_exit(5)

    def session(self, balancer, source=None):
        return streams.Session(self, balancer.port, NAME, source)

    # ---- decisions ----

    def test_every_decision_outlives_restart_crash_and_reload(self):
        balancer = self.farm(*self.KINDS).start()
        self.decide(balancer)
        decided = self.effective(balancer)
        self.assertEqual(decided['main/drained']['admin'], 'draining')
        self.assertEqual(decided['main/later']['admin'], 'active')
        self.assertIsNotNone(decided['main/later']['drain'])
        self.assertEqual(decided['main/disabled']['admin'], 'disabled')
        self.assertEqual(decided['main/weighed']['weight'], 55)
        self.assertEqual(decided['main/capped']['max_sessions'], 77)
        self.assertNotIn('main/removed', decided)
        self.assertTrue(decided['main/added']['added'])
        for how in ('reload', 'restart', 'crash', 'reload again'):
            with self.subTest(how):
                if how.startswith('reload'):
                    balancer.ok('reload')
                elif how == 'restart':
                    balancer.stop()
                    balancer.start()
                else:
                    self.crash(balancer)
                    balancer.start()
                self.assertEqual(self.effective(balancer), decided)
        self.assertEqual({self.session(balancer).backend for _ in range(24)},
                         {'later', 'weighed', 'capped', 'added', 'plain'})
        balancer.stop()

    def test_a_reset_forgets_a_decision_of_each_kind(self):
        balancer = self.farm(*self.KINDS).start()
        before = self.effective(balancer)
        for name in self.decide(balancer):
            balancer.ok('backend', 'reset', f'main/{name}')
        self.assertEqual(self.effective(balancer), before)
        self.assertEqual(json.loads(self.state.read_text())['decisions'], [])
        balancer.ok('backend', 'reset', 'main/plain')
        self.assertEqual(balancer.command('backend', 'reset', 'main/nobody').returncode, 1)
        self.crash(balancer)
        balancer.start()
        self.assertEqual(self.effective(balancer), before)
        balancer.stop()

    def test_a_reset_of_an_added_backend_drains_it(self):
        balancer = self.farm('b1').start()
        late = streams.NamedEcho(self, 'late')
        balancer.ok('backend', 'add', 'main/late', f'127.0.0.1:{late.port}')
        sessions = [self.session(balancer) for _ in range(4)]
        balancer.ok('backend', 'reset', 'main/late')
        self.assertTrue(balancer.backends()['main/late']['removed'])
        self.assertTrue(all(s.alive() for s in sessions))
        balancer.stop()

    def test_an_export_is_a_file_with_the_same_effect(self):
        balancer = self.farm(*self.KINDS).start()
        self.decide(balancer)
        text = balancer.ok('config', 'export')
        decided = self.effective(balancer)
        exported = balancer.ok('config', 'export')
        balancer.stop()
        checked = self.dir / 'export.toml'
        checked.write_text(text)
        done = proc.run([balancer.binary, 'check', '-c', checked])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for state in ('without', 'with'):
            with self.subTest(f'{state} the state file'):
                if state == 'without':
                    self.state.rename(self.dir / 'aside')
                else:
                    (self.dir / 'aside').rename(self.state)
                balancer.write_config = lambda _=None: balancer.config_path.write_text(text)
                balancer.start()
                now = self.effective(balancer)
                self.assertEqual(set(now), set(decided))
                for name, was in decided.items():
                    for key in ('admin', 'weight', 'max_sessions', 'address'):
                        self.assertEqual(now[name][key], was[key], f'{name} {key}')
                    self.assertFalse(now[name]['added'], 'it is in the file')
                self.assertEqual(balancer.ok('config', 'export'), exported)
                balancer.stop()

    def test_an_export_without_any_backend_left_is_refused_by_nobody(self):
        balancer = self.farm('b1').start()
        balancer.ok('backend', 'remove', 'main/b1')
        path = self.dir / 'export.toml'
        path.write_text(balancer.ok('config', 'export'))
        done = proc.run([balancer.binary, 'check', '-c', path])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        balancer.stop()

    def test_a_drain_of_the_whole_balancer_is_of_this_process(self):
        balancer = self.farm('b1').start()
        balancer.ok('drain')
        self.assertEqual(balancer.get('/readyz')[0], 503)
        self.crash(balancer)
        balancer.start()
        self.assertEqual(balancer.get('/readyz')[0], 200)
        balancer.stop()

    # ---- affinity ----

    def at(self, balancer, source):
        """Which backend this client gets, in a session that ends at once."""
        session = self.session(balancer, source)
        session.close()
        return session.backend

    def affinity(self):
        """{client: backend} of the file."""
        try:
            main = json.loads(self.state.read_text()).get('affinity', {}).get('main')
        except FileNotFoundError:
            return {}
        return {c[0]: main['backends'][c[1]] for c in main['clients']} if main else {}

    def test_affinity_outlives_a_restart(self):
        balancer = self.farm('b1', 'b2', 'b3', balance='source-ip').start()
        sources = [f'127.7.7.{i}' for i in range(1, 13)]
        was = {source: self.at(balancer, source) for source in sources}
        live = self.session(balancer, '127.7.8.1')
        was['127.7.8.1'] = live.backend
        balancer.ok('backend', 'weight', 'main/b1', '50')
        balancer.stop()
        self.assertEqual(self.affinity(), was, 'also of the session that lived to the end')
        # With these loads newcomers would all go to another one.
        balancer.start()
        self.assertEqual(balancer.ask('status')['pools'][0]['affinity_entries'], len(was))
        for source, backend in was.items():
            told = balancer.ask('explain', '--source', source)
            self.assertEqual(told['backend'], backend, told)
            self.assertEqual(self.at(balancer, source), backend)
        self.assertEqual(balancer.backends()['main/b1']['weight'], 50)
        # A file of long ago and of other backends is no harm.
        balancer.stop()
        old = json.loads(self.state.read_text())
        main = old['affinity']['main']
        main['backends'].append('nobody')
        main['clients'] = [['127.9.9.1', main['backends'].index('nobody'), 4000000000],
                           ['127.9.9.2', 0, 1000000000], ['127.9.9.3', 0, 4000000000]]
        old['affinity']['elsewhere'] = {'backends': ['b1'],
                                        'clients': [['127.9.9.4', 0, 4000000000]]}
        self.state.write_text(json.dumps(old) + '\n')
        balancer.start()
        self.assertEqual(balancer.ask('status')['pools'][0]['affinity_entries'], 1)
        self.assertEqual(self.at(balancer, '127.9.9.3'), main['backends'][0])
        balancer.stop()

    def test_affinity_outlives_a_crash_and_a_reload(self):
        balancer = self.farm('b1', 'b2', 'b3', balance='source-ip').start()
        held = self.session(balancer, '127.7.7.7')
        self.wait(lambda: '127.7.7.7' in self.affinity(), 10, 'the client to be in the file')
        balancer.ok('backend', 'weight', 'main/b2', '99')
        self.assertEqual(self.affinity(), {'127.7.7.7': held.backend}, 'a decision keeps it')
        balancer.ok('reload')
        self.assertEqual(self.at(balancer, '127.7.7.7'), held.backend)
        self.crash(balancer)
        balancer.start()
        # Who comes first gets the least loaded; who is remembered does not care.
        others = [b for b in self.echoes if b != held.backend]
        self.assertEqual(balancer.ask('explain', '--source', '127.7.7.7')['backend'], held.backend)
        self.assertEqual(self.at(balancer, '127.7.7.7'), held.backend)
        balancer.ok('backend', 'disable', f'main/{held.backend}')
        self.assertIn(self.at(balancer, '127.7.7.7'), others)
        balancer.stop()

    # ---- files that are not what they should be ----

    def test_a_daemon_starts_on_a_torn_file_and_loses_nothing(self):
        balancer = self.farm('b1', 'b2', balance='source-ip').start()
        self.at(balancer, '127.7.7.7')
        balancer.ok('backend', 'weight', 'main/b1', '42')
        balancer.ok('backend', 'drain', 'main/b2', '--within', '1h')
        balancer.stop()
        whole = self.state.read_bytes()
        self.assertIn(b'affinity', whole)
        for size in (0, 1, len(whole) // 2, len(whole) - 1):
            with self.subTest(size=size):
                self.state.write_bytes(whole[:size])
                balancer.start()
                balancer.process.wait_line('state file unusable.*it is kept as', 5)
                aside, = self.dir.glob('state.bad-*')
                self.assertEqual(aside.read_bytes(), whole[:size])
                self.assertEqual(balancer.backends()['main/b1']['weight'], 100)
                self.assertTrue(self.session(balancer).alive())
                balancer.ok('backend', 'weight', 'main/b1', '43')
                self.assertEqual(aside.read_bytes(), whole[:size], 'what follows spares it')
                balancer.stop()
                aside.rename(self.dir / f'seen-{size}')
        # Mended and put back it counts again.
        self.state.write_bytes(whole)
        balancer.start()
        self.assertEqual(balancer.backends()['main/b1']['weight'], 42)
        self.assertEqual(balancer.backends()['main/b2']['admin'], 'draining')
        balancer.stop()

    def test_what_cannot_be_moved_away_is_not_written_over(self):
        balancer = self.farm('b1')
        self.state.mkdir()
        balancer.start()
        balancer.process.wait_line('state file unusable.*no regular file', 5)
        balancer.ok('backend', 'weight', 'main/b1', '42')
        balancer.process.wait_line('state not kept', 5)
        self.assertTrue(self.state.is_dir())
        # Another place is had by a reload.
        balancer.config['global']['state_file'] = str(self.dir / 'other')
        balancer.write_config()
        balancer.ok('reload')
        self.assertIn('42', (self.dir / 'other').read_text())
        balancer.stop()


if __name__ == '__main__':
    case.main()
