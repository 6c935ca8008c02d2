"""One server of the demo farm as a program of its own: an SSTP server with faults to switch.

The program is the one SSTPLB_DEMO_FARM names.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess
import unittest


class DemoFarm:
    def __init__(self, test, name='demo_farm', *, kind='rras', port=0, days=30,
                 names=('vpn.sstp.test',), addresses=20000):
        path = os.environ.get('SSTPLB_DEMO_FARM', '')
        if not os.access(path, os.X_OK):
            raise unittest.SkipTest(f'SSTPLB_DEMO_FARM={path} names no program')
        self._test = test
        argv = [path, f'--addresses={addresses}', kind, str(port), str(days), *names]
        self._process = test.start(argv, name, stdin=subprocess.PIPE)
        self._answers = 1
        self.address = self._process.wait_line(r'^listening (\S+)$').group(1)
        self.port = int(self.address.rpartition(':')[2])

    def stop(self):
        self._process.stop()

    def _ask(self, line):
        self._process.stdin.write(f'{line}\n'.encode())
        self._process.stdin.flush()
        self._answers += 1

        def answer():
            lines = self._process.log().split('\n')  # the last is not whole
            return lines[self._answers - 1] if len(lines) > self._answers else None

        return self._test.wait(answer, 10, f'demo_farm to answer {line!r}')

    def fault(self, word, *more):
        self._test.assertEqual(self._ask(' '.join(['fault', word, *map(str, more)])), 'done')

    def drop(self):
        """Resets every connection."""
        self._test.assertEqual(self._ask('drop'), 'done')

    def counters(self):
        return {name: int(value)
                for name, value in re.findall(r'(\w+)=(\d+)', self._ask('counters'))}

    def wait_counters(self, timeout=10, **expected):
        def reached():
            now = self.counters()
            return all(now[name] == value for name, value in expected.items())

        self._test.wait(reached, timeout, lambda: f'{expected}, is {self.counters()}')

    def wait_nothing_left(self):
        """No connection, no address, and no call that was just dropped."""
        self.wait_counters(open=0, addresses_in_use=0)
        self._test.assertEqual(self.counters()['half_open_left'], 0)
