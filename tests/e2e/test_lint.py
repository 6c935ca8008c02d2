#!/usr/bin/python3
"""`sstplb check`: what it finds in a file, and with --online in a farm."""
# SPDX-License-Identifier: Apache-2.0
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


if __name__ == '__main__':
    case.main()
