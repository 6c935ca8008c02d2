"""The base of every end-to-end test: a folder, cleaned-up processes, their logs on failure.

A test file ends in `case.main()`: ctest then sees exit code 77 where nothing could be run, with
the reason in the last line.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

from . import proc

REPO = pathlib.Path(__file__).resolve().parents[3]
SKIPPED = 77


class EndToEndCase(unittest.TestCase):
    """One folder per test class (cls.dir) and one per test (self.dir)."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.class_dir = pathlib.Path(tempfile.mkdtemp(prefix=f'sstplb-e2e-{cls.__name__}-'))
        cls.addClassCleanup(shutil.rmtree, cls.class_dir, ignore_errors=True)

    def setUp(self):
        self.dir = self.class_dir / self._testMethodName
        self.dir.mkdir()
        self.addCleanup(self._show_logs)

    def _show_logs(self):
        outcome = getattr(self, '_outcome', None)
        if outcome is None or outcome.success:
            return
        for log in sorted(self.class_dir.rglob('*.log')):
            if log.parent.name == 'log':
                continue  # SoftEther's own, a dozen lines for every connection
            text = log.read_text(errors='replace').splitlines()
            print(f'--- {self._testMethodName}: {log.name} (last of {len(text)} lines) ---',
                  *text[-60:], sep='\n', file=sys.stderr)

    def start(self, argv, name, **more):
        """Starts a process that ends with the test."""
        process = proc.Process(argv, self.dir / f'{name}.log', name=name, **more)
        self.addCleanup(process.stop)
        return process

    def wait(self, condition, timeout, what):
        return proc.wait_until(condition, timeout, what)


def vectors():
    return REPO / 'tests' / 'vectors'


def main():
    """Runs the calling file's tests; exits 0, 1, or 77 when every one of them was skipped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = unittest.main(module='__main__', exit=False, verbosity=2)
    result = program.result
    for test, reason in result.skipped:
        print(f'*** SKIPPED: {test}: {reason} ***', file=sys.stderr)
    sys.stderr.flush()
    if not result.wasSuccessful():
        proc.stop_all()
        os._exit(1)  # Do not hang in threads that a failed test left behind.
    ran = result.testsRun - sum(isinstance(t, unittest.TestCase) for t, _ in result.skipped)
    if ran <= 0:
        if not result.skipped:
            print('no test was selected', file=sys.stderr)
            sys.exit(1)
        sys.exit(SKIPPED)
