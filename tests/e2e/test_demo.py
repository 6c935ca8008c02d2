#!/usr/bin/python3
"""`sstplb demo`: what it prints is what a newcomer types next."""
# SPDX-License-Identifier: Apache-2.0
import re
import shlex
import signal
import urllib.request

from lib import case, proc
from lib.balancer import binary


class DemoTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def test_what_it_prints_works(self):
        port = proc.free_port()
        demo = self.start([binary(), 'demo', '--tunnels', '3', '--admin-http', f'127.0.0.1:{port}'],
                          'demo')
        demo.wait_line(r'tunnels up')
        metrics = re.search(r'metrics +(\S+)', demo.log()).group(1)
        with urllib.request.urlopen(metrics, timeout=5) as answer:
            self.assertIn('sstplb_build_info', answer.read().decode())
        commands = re.findall(r'sstplb ((?:status|backend) .*)', demo.log())
        self.assertEqual(len(commands), 2, demo.log())
        for command in commands:
            # The drain has to close sessions at its deadline, and says so with 1.
            done = proc.run([binary(), *shlex.split(command.replace('20s', '1s'))])
            self.assertIn(done.returncode, (0, 1), f'{command}: {done.stdout}{done.stderr}')
            self.assertIn('vpn1', done.stdout, command)
        demo.send_signal(signal.SIGINT)
        self.assertEqual(demo.wait_exit(15), 0, demo.tail())


if __name__ == '__main__':
    case.main()
