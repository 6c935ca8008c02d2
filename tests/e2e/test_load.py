#!/usr/bin/python3
"""sstplb load: what it reports of good servers and of bad ones, and what it leaves behind.

Against the demo farm, whose faults can be switched, against the balancer, and against SoftEther.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import signal
import subprocess

from lib import case, demo_farm, proc, softether
from lib.balancer import Balancer, binary, pool

STEPS = ['tcp', 'tls', 'post', 'ack', 'ppp']


class LoadCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()
        cls.password = cls.class_dir / 'password'
        cls.password.write_text(softether.PASSWORD + '\n')

    def ppp(self):
        return ['--depth', 'ppp', '--user', softether.USER, '--password-file', self.password]

    def load(self, address, *options, timeout=60):
        """(exit code, report, what it wrote on the way)."""
        done = proc.run([binary(), 'load', address, '--json', *options], timeout=timeout)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout), done.stderr

    def start_load(self, address, *options):
        """In the background; its report comes into self.report_path."""
        self.report_path = self.dir / 'report.json'
        with open(self.report_path, 'wb') as out:
            return self.start([binary(), 'load', address, '--json', *options], 'load', stdout=out)

    def report(self):
        return json.loads(self.report_path.read_text())


class DemoFarmTest(LoadCase):
    def setUp(self):
        super().setUp()
        self.farm = demo_farm.DemoFarm(self)

    def test_every_depth_leaves_nothing_behind(self):
        for steps, depth in enumerate(('tls', 'post', 'call', 'ppp'), 2):
            with self.subTest(depth=depth):
                options = self.ppp() if depth == 'ppp' else ['--depth', depth]
                code, report, _ = self.load(self.farm.address, '--tunnels', '20', '--ramp', '200ms',
                                            '--hold', '100ms', *options)
                self.assertEqual(code, 0, report)
                self.assertEqual([s['step'] for s in report['steps']], STEPS[:steps])
                for step in report['steps']:
                    self.assertEqual((step['count'], step['failed']), (20, 0))
                    self.assertLessEqual(step['min_seconds'], step['p50_seconds'])
                    self.assertLessEqual(step['p50_seconds'], step['p99_seconds'])
                    self.assertLessEqual(step['p99_seconds'], step['max_seconds'])
                self.assertEqual((report['came_up'], report['closed'], report['left_open']),
                                 (20, 20, 0))
                self.farm.wait_nothing_left()

    def test_faults_are_named_with_their_step(self):
        cases = [('hang_at_tls', [], 'tls', 'timeout', ''),
                 ('http_status', [503], 'post', 'http_refused', '503 Service Unavailable'),
                 ('close_at_accept', [], 'tls', None, ''),
                 ('nak', [], 'ack', 'nak', 'value_not_supported'),
                 ('refuse', [], 'tcp', 'connect_failed', 'Connection refused')]
        for fault, more, step, reason, detail in cases:
            with self.subTest(fault=fault):
                self.farm.fault(fault, *more)
                code, report, _ = self.load(self.farm.address, '--tunnels', '5', '--rate', '100/s',
                                            '--timeout', '1s')
                self.assertEqual(code, 1)
                self.assertFalse(report['good'])
                self.assertEqual((report['came_up'], report['failed']), (0, 5))
                failures = {s['step']: s['failures'] for s in report['steps'] if s['failures']}
                self.assertEqual(list(failures), [step])
                seen = {(f['reason'], f['detail']) for f in failures[step]}
                # Whether a close at once is seen as an end or as a reset depends on who is faster.
                allowed = {(reason, detail)} if reason else {('closed', ''), ('reset', '')}
                self.assertLessEqual(seen, allowed)
                self.assertEqual(sum(f['count'] for f in failures[step]), 5)

    def test_the_text_names_them_too(self):
        self.farm.fault('http_status', 503)
        done = proc.run([binary(), 'load', self.farm.address, '--tunnels', '3', '--rate', '100/s'])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'post +3 +http_refused: 503 Service Unavailable')
        self.assertRegex(done.stdout, r'3 started, 0 came up, 3 failed')

    def test_tunnels_that_are_lost_are_told_with_their_age(self):
        load = self.start_load(self.farm.address, '--tunnels', '8', '--rate', '100/s',
                               '--hold', '10m', *self.ppp())
        load.wait_line('^hold .* 8 up')
        self.farm.drop()
        self.assertEqual(load.wait_exit(15), 1)
        report = self.report()
        self.assertEqual(report['lost'], 8)
        self.assertEqual([loss['reason'] for loss in report['losses']], ['reset'])
        self.assertEqual(report['losses'][0]['age']['count'], 8)
        self.assertGreater(report['losses'][0]['age']['min_seconds'], 0)

    def test_ctrl_c_ends_it_in_order_with_its_report(self):
        for phase, options in (('ramp', ['--tunnels', '100', '--rate', '1/s']),
                               ('hold', ['--tunnels', '10', '--rate', '100/s'])):
            with self.subTest(phase=phase):
                load = self.start_load(self.farm.address, '--hold', '10m', *options, *self.ppp())
                load.wait_line(f'^{phase}')
                # The last of them may not be up for the client yet.
                self.wait(lambda: self.farm.counters()['tunnels'] > 1, 10, 'two tunnels')
                load.send_signal(signal.SIGINT)
                # While held all came up and stayed; in the ramp they did not all come up.
                self.assertEqual(load.wait_exit(15), 1 if phase == 'ramp' else 0)
                report = self.report()
                self.assertTrue(report['interrupted'])
                self.assertGreater(report['closed'], 0)
                self.assertEqual((report['failed'], report['lost']), (0, 0))
                self.assertEqual(report['closed'], report['came_up'])
                self.farm.wait_nothing_left()

    def test_a_second_ctrl_c_ends_it_at_once(self):
        load = self.start_load(self.farm.address, '--tunnels', '10', '--rate', '100/s', '--hold',
                               '10m', *self.ppp())
        load.wait_line('^hold')
        load.send_signal(signal.SIGINT)
        load.wait_line('^closing')
        load.send_signal(signal.SIGINT)
        self.assertEqual(load.wait_exit(5), -signal.SIGINT)
        self.assertEqual(self.report_path.read_text(), '')

    def test_payload_and_churn_while_it_is_held(self):
        code, report, _ = self.load(
            self.farm.address, '--tunnels', '10', '--rate', '100/s', '--hold', '3s', '--payload',
            '20KiB/s', '--churn', '5/s', '--workers', '2', *self.ppp())
        self.assertEqual(code, 0, report)
        self.assertGreater(report['closed'], 10)
        asked = 10 * 20 * 1024
        for way in ('sent', 'received'):
            self.assertGreater(report['payload'][f'{way}_bytes_per_second'], 0.5 * asked)
            self.assertLess(report['payload'][f'{way}_bytes_per_second'], 1.5 * asked)
        self.assertGreater(report['pings']['count'], 0)
        self.assertGreaterEqual(report['pings']['sent'], report['pings']['count'])
        self.farm.wait_nothing_left()

    def test_the_document_has_the_keys_of_the_manual(self):
        _, report, _ = self.load(self.farm.address, '--tunnels', '2', '--hold', '0s')
        manual = (case.REPO / 'docs' / 'load.md').read_text()
        for key in [*report, *report['options'], *report['steps'][0], *report['payload'],
                    *report['certificates'][0]]:
            self.assertIn(f'`{key}`', manual)

    def test_a_terminal_gets_a_bar(self):
        own, other = pty.openpty()
        with subprocess.Popen([binary(), 'load', self.farm.address, '--tunnels', '4', '--hold',
                               '500ms'], stdin=subprocess.DEVNULL, stdout=other,
                              stderr=other) as load:
            os.close(other)
            screen = b''
            try:
                while block := os.read(own, 4096):
                    screen += block
            except OSError:
                pass  # the other side is closed: that is how a terminal ends
            self.assertEqual(load.wait(10), 0)
        os.close(own)
        text = screen.decode()
        self.assertRegex(text, r'\r\x1b\[K\[#+-*\] ramp +\d of 4')
        self.assertRegex(text, r'\[#+-*\] hold ')
        self.assertRegex(text, r'4 started, 4 came up')

    def test_more_than_this_host_allows_is_bad_usage(self):
        done = proc.run(['prlimit', '--nofile=100:100', binary(), 'load', self.farm.address,
                         '--tunnels', '1000'])
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stderr, r'needs 10\d\d open files, and 100 are allowed')
        done = proc.run([binary(), 'load', self.farm.address, '--source', '192.0.2.1'])
        self.assertEqual(done.returncode, 2)
        self.assertIn('192.0.2.1', done.stderr)
        self.assertEqual(self.farm.counters()['accepted'], 0)


class BalancerTest(LoadCase):
    def test_sources_are_clients_and_certificates_tell_the_spread(self):
        farms = {name: demo_farm.DemoFarm(self, name) for name in ('vpn1', 'vpn2')}
        balancer = Balancer(self, {'main': pool({n: f.address for n, f in farms.items()},
                                                balance='round-robin')}).start()
        addresses = ','.join(f'127.0.60.{i}' for i in range(1, 5))
        code, report, _ = self.load(f'localhost:{balancer.port}', '--tunnels', '8', '--rate',
                                    '100/s', '--hold', '100ms', '--source', addresses, *self.ppp())
        self.assertEqual(code, 0, report)
        self.assertEqual(report['options']['sni'], 'localhost')
        self.assertEqual(sorted(c['tunnels'] for c in report['certificates']), [4, 4])
        balancer.wait_sessions(0)
        for farm in farms.values():
            self.assertEqual(farm.counters()['connected'], 4)
            farm.wait_nothing_left()
        balancer.stop()


class SoftEtherTest(LoadCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = softether.SoftEther('vpn', cls.class_dir / 'vpn')
        cls.addClassCleanup(cls.server.kill)
        cls.server.start()

    def test_tunnels_get_an_address_and_carry_payload(self):
        code, report, _ = self.load(self.server.address, '--tunnels', '10', '--rate', '10/s',
                                    '--hold', '3s', '--payload', '4KiB/s', *self.ppp())
        self.assertEqual(code, 0, report)
        self.assertEqual((report['came_up'], report['closed']), (10, 10))
        self.assertEqual([s['count'] for s in report['steps']], [10] * 5)
        self.assertGreater(report['pings']['count'], 50)
        # It lists a session some seconds longer than it lives.
        self.wait(lambda: self.server.sessions() == 0, 30, 'the server to have no session')

    def test_a_wrong_password_is_told(self):
        wrong = self.dir / 'wrong'
        wrong.write_text('no\n')
        code, report, _ = self.load(self.server.address, '--tunnels', '1', '--depth', 'ppp',
                                    '--user', softether.USER, '--password-file', wrong)
        self.assertEqual(code, 1)
        self.assertEqual([(f['reason'], f['detail']) for f in report['steps'][4]['failures']],
                         [('ppp_failed', 'authentication failed')])

    def test_sstp_switched_off_is_told(self):
        self.addCleanup(self.server.enable_sstp, True)
        self.server.enable_sstp(False)
        code, report, _ = self.load(self.server.address, '--tunnels', '2')
        self.assertEqual(code, 1)
        self.assertEqual([f['reason'] for f in report['steps'][2]['failures']], ['http_refused'])
        self.assertIn('501', report['steps'][2]['failures'][0]['detail'])


if __name__ == '__main__':
    case.main()
