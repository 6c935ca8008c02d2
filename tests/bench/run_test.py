#!/usr/bin/python3
"""tests/bench/run measures every peer at every row: one tiny round, no word about how fast."""
# SPDX-License-Identifier: Apache-2.0
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BALANCER = os.environ.get('SSTPLB_BINARY', '')
LOAD = os.environ.get('SSTPLB_BENCH_LOAD', '')
SKIPPED = 77

LATENCY = {'p50_us', 'p90_us', 'p99_us', 'p99.9_us'}
CONNECTION = LATENCY | {'per_second'}
BULK = {'gib_per_second'}
IDLE = {'rss_bytes', 'pss_bytes', 'files', 'few_cpu_us', 'many_cpu_us'}
BALANCERS = {'sstplb', 'other', 'haproxy', 'haproxy-auto', 'haproxy-splice', 'nginx'}
# row: (of every peer, of balancers beside that, of which peers beside the balancers)
EXPECTED = {
    'connection': (CONNECTION, {'cpu_us', 'paced_cpu_us', 'busy'}, {'direct'}),
    'download': (BULK, {'cpu_s_per_gib', 'busy'}, {'direct'}),
    'upload': (BULK, {'cpu_s_per_gib', 'busy'}, {'direct'}),
    'echo': (LATENCY, {'cpu_us', 'busy'}, {'direct'}),
    'idle': (IDLE, set(), set()),
}
MAY_BE_ZERO = {'rss_bytes', 'pss_bytes'}  # of some hundred tunnels, from memory that was there


def run(*options):
    return subprocess.run([sys.executable, '-B', HERE / 'run', '--quick', '--load', LOAD, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240,
                          check=False)


class RunTest(unittest.TestCase):
    def test_figures_come_out_for_every_peer_and_row(self):
        with tempfile.TemporaryDirectory(prefix='sstplb-bench-test-') as folder:
            out = pathlib.Path(folder) / 'bench.json'
            done = run('--balancer', BALANCER, '--balancer', f'other={BALANCER}', '--json', out)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads(out.read_text(encoding='utf-8'))
        self.assertEqual(set(result['peers']), BALANCERS | {'direct'})
        rows = result['rows']
        self.assertEqual(set(rows), set(EXPECTED) | {'workers'})
        for row, (common, of_balancers, others) in EXPECTED.items():
            self.assertEqual(set(rows[row]), BALANCERS | others, row)
            for peer, figures in rows[row].items():
                expected = common if peer == 'direct' else common | of_balancers
                self.assertEqual(set(figures), expected, f'{row} of {peer}')
                self.check_numbers(figures, f'{row} of {peer}')
        self.assertEqual(set(rows['workers']), {'sstplb', 'other'})
        for peer, figures in rows['workers'].items():
            self.check_numbers(figures, f'workers of {peer}')
        for peer in BALANCERS:
            self.assertIn(peer, done.stdout)

    def check_numbers(self, figures, where):
        for figure, values in figures.items():
            self.assertEqual(len(values['rounds']), 1, where)
            number = values['median']
            self.assertTrue(math.isfinite(number), f'{where}: {figure} is {number}')
            if figure not in MAY_BE_ZERO:
                self.assertGreater(number, 0, f'{where}: {figure}')

    def test_markdown_is_a_table(self):
        done = run('--balancer', BALANCER, '--rows', 'echo', '--peers', 'sstplb,direct',
                   '--markdown')
        self.assertEqual(done.returncode, 0, done.stderr)
        table = [line for line in done.stdout.splitlines() if line.startswith('|')]
        self.assertEqual(len(table), 4, done.stdout)
        self.assertEqual(len({line.count('|') for line in table}), 1, done.stdout)

    def test_what_is_missing_is_said(self):
        done = run('--balancer', '/nowhere/sstplb', '--peers', 'sstplb')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('/nowhere/sstplb is not there', done.stderr)
        self.assertNotIn('Traceback', done.stderr)

    def test_a_word_that_is_none_is_refused(self):
        for option, known in ('--rows', 'connection'), ('--peers', 'haproxy-splice'):
            done = run(option, 'nonsense')
            self.assertEqual(done.returncode, 2)
            self.assertIn('nonsense', done.stderr)
            self.assertIn(known, done.stderr)


if __name__ == '__main__':
    for what in BALANCER, LOAD, 'haproxy', 'nginx':
        if not what or not shutil.which(what):
            print(f'skipped: {what or "SSTPLB_BINARY or SSTPLB_BENCH_LOAD"} is not there')
            sys.exit(SKIPPED)
    unittest.main(verbosity=2)
