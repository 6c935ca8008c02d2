"""The two ends of the load: `bench_load serve` and `bench_load client`, driven over pipes.

The commands and their answers are described in tests/bench/load/commands.h.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import select
import subprocess
import time

from lib import proc


class LoadError(AssertionError):
    """The load could not be had: a tunnel broke, nothing moved, the program ended."""


class _Program:
    """A process that answers with lines of JSON and ends with its standard input."""

    def __init__(self, argv, log, cpus):
        reading, writing = os.pipe()
        self._out = reading
        self._rest = b''
        try:
            self.process = proc.Process(['taskset', '-c', cpus, *argv], log, name='bench_load',
                                        stdin=subprocess.PIPE, stdout=writing)
        finally:
            os.close(writing)

    def answer(self, timeout):
        deadline = time.monotonic() + timeout
        while b'\n' not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._out], [], [], left)[0]:
                raise LoadError(f'no answer within {timeout:g} s')
            more = os.read(self._out, 65536)
            if not more:
                raise LoadError(f'the load program ended:\n{self.process.tail()}')
            self._rest += more
        line, self._rest = self._rest.split(b'\n', 1)
        answer = json.loads(line)
        if 'error' in answer:
            raise LoadError(answer['error'])
        return answer

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait_exit(5)
        finally:
            self.process.stop(timeout=1)
            os.close(self._out)


class Backend(_Program):
    """Listens on `ports`, which the kernel chose."""

    def __init__(self, program, log, cpus, manner, count):
        options = ['--ports', str(count)] + (['--answer'] if manner == 'answer' else [])
        super().__init__([program, 'serve', *options], log, cpus)
        self.ports = self.answer(10)['ports']


class Client(_Program):
    def __init__(self, program, log, cpus, ports, hello):
        targets = [f'127.0.0.1:{port}' for port in ports]
        super().__init__([program, 'client', '--hello', hello, '--target', *targets], log, cpus)

    def do(self, *words, timeout=120):
        """One command, one answer."""
        line = ' '.join(str(word) for word in words)
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        try:
            return self.answer(timeout)
        except LoadError as error:
            raise LoadError(f'{line}: {error}') from None
