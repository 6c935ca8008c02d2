#!/usr/bin/python3
"""`sstplb check`: what it finds in a file, and with --online in a farm."""
# SPDX-License-Identifier: Apache-2.0
import json

from lib import case, proc
from lib.balancer import binary
from lib.demo_farm import DemoFarm

CONFIG = """
[admin]
socket = "{folder}/admin.sock"
[listener.vpn]
bind = ["127.0.0.1:{port}"]
pool = "main"
idle_timeout = "30s"
[[listener.vpn.route]]
sni = ["vpn.sstp.test"]
pool = "main"
[pool.main]
probe.server = "accel-ppp"
"""


class LintTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def check(self, farms, *options):
        text = CONFIG.format(folder=self.dir, port=proc.free_port())
        for name, farm in farms.items():
            text += f'[[pool.main.backend]]\nname = "{name}"\naddress = "{farm.address}"\n'
        path = self.dir / 'lint.toml'
        path.write_text(text)
        return proc.run([binary(), 'check', '-c', path, *options])

    def test_the_farm_is_asked_and_told(self):
        farms = {'good': DemoFarm(self, 'good'),
                 'old': DemoFarm(self, 'old', days=3),
                 'other': DemoFarm(self, 'other', names=('other.test',)),
                 'dead': DemoFarm(self, 'dead')}
        farms['dead'].fault('refuse')
        done = self.check(farms, '--online', '--within', '20s')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout,
                         r'pool\.main\.backend\.good \S+: ok in .*names vpn\.sstp\.test\n')
        for key, name in (('old', 'certificate_expires'), ('other', 'certificate_names'),
                          ('dead', 'backend_unfit'), ('good', 'server_kind_differs')):
            self.assertIn(f'warning: pool.main.backend.{key}: [{name}]', done.stdout)
        self.assertIn('warning: pool.main: [certificates_differ]', done.stdout)
        self.assertNotIn('backend.good: [certificate', done.stdout)
        for farm in ('good', 'old', 'other'):
            self.assertEqual(farms[farm].counters()['accepted'], 1, f'{farm} is asked once')

    def test_nothing_is_sent_unasked_and_findings_can_be_ignored(self):
        farm = DemoFarm(self)
        done = self.check({'only': farm})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('[idle_timeout_short]', done.stdout)
        self.assertIn('[single_backend]', done.stdout)
        done = self.check({'only': farm}, '--ignore', 'idle_timeout_short:listener.vpn',
                          '--ignore', 'single_backend:pool.lab')
        self.assertNotIn('[idle_timeout_short]', done.stdout)
        self.assertIn('[single_backend]', done.stdout)
        self.assertIn('1 finding was ignored\n', done.stdout)
        self.assertEqual(farm.counters()['accepted'], 0)

    def test_as_json(self):
        farms = {'good': DemoFarm(self, 'good'), 'dead': DemoFarm(self, 'dead')}
        farms['dead'].fault('refuse')
        done = self.check(farms, '--json', '--online', '--within', '20s',
                          '--ignore', 'idle_timeout_short')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(list(result), ['valid', 'findings', 'ignored', 'errors', 'backends'])
        self.assertIs(result['valid'], True)
        self.assertEqual(result['errors'], [])
        found = {(f['key'], f['name']): f for f in result['findings']}
        unfit = found['pool.main.backend.dead', 'backend_unfit']
        self.assertEqual(list(unfit), ['severity', 'name', 'key', 'reason', 'remedy'])
        self.assertEqual(unfit['severity'], 'warning')
        self.assertEqual([f['name'] for f in result['ignored']], ['idle_timeout_short'])
        good, dead = result['backends']
        self.assertEqual((good['pool'], good['backend'], good['target']),
                         ('main', 'good', farms['good'].address))
        self.assertEqual((good['report']['outcome'], dead['report']['outcome']),
                         ('ok', 'connect_refused'))
        self.assertEqual(good['report']['tls']['certificate']['names'], ['vpn.sstp.test'])
        alone = proc.run([binary(), 'probe', '--json', farms['good'].address])
        self.assertEqual(list(good['report']), list(json.loads(alone.stdout)))
        self.assertEqual(farms['good'].counters()['accepted'], 2)

    def test_a_broken_file_as_json(self):
        path = self.dir / 'broken.toml'
        path.write_text('[pool.main]\nbalance = "rr"\n')
        done = proc.run([binary(), 'check', '--json', '-c', path])
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertIs(result['valid'], False)
        self.assertEqual(result['findings'] + result['ignored'] + result['backends'], [])
        place = [(e['line'], e['key']) for e in result['errors']]
        self.assertIn((2, 'pool.main.balance'), place)


if __name__ == '__main__':
    case.main()
