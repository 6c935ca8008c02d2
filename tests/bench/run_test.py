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
FARM = os.environ.get('SSTPLB_DEMO_FARM', '')
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
OF_A_CELL = {'cpu_us', 'worker_us', 'busy'}
OF_BYTES = {'cpu_s_per_gib', 'worker_s_per_gib', 'busy'}
OVERHEAD = {'connection': OF_A_CELL, 'download': OF_BYTES, 'upload': OF_BYTES,
            'echo': OF_A_CELL | {'p50_us', 'p99_us'},
            'idle': {'rss_bytes', 'cpu_s_per_min', 'worker_s_per_min', 'scrape_us'}}
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

    def test_overhead_is_measured_on_and_off(self):
        with tempfile.TemporaryDirectory(prefix='sstplb-bench-test-') as folder:
            out = pathlib.Path(folder) / 'bench.json'
            done = run('--overhead', '--balancer', BALANCER, '--balancer', f'other={BALANCER}',
                       '--demo-farm', FARM, '--json', out)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads(out.read_text(encoding='utf-8'))
        self.assertEqual(set(result['rows']), set(OVERHEAD))
        for row, variants in result['rows'].items():
            self.assertEqual(set(variants), {'off', 'off again', 'on', 'other'}, row)
            for variant, figures in variants.items():
                told = {figure for figure in figures if not figure.endswith(' / off')}
                self.assertEqual(told, OVERHEAD[row], f'{row} of {variant}')
                self.check_numbers(figures, f'{row} of {variant}')
        self.assertIn('Nothing is judged', done.stdout)

    def test_overhead_has_no_row_of_workers(self):
        done = run('--overhead', '--rows', 'workers')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('workers', done.stderr)

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
    for what in BALANCER, LOAD, FARM, 'haproxy', 'nginx':
        if not what or not shutil.which(what):
            print('skipped: ' + (what or 'SSTPLB_BINARY, SSTPLB_BENCH_LOAD or SSTPLB_DEMO_FARM') +
                  ' is not there')
            sys.exit(SKIPPED)
    unittest.main(verbosity=2)
