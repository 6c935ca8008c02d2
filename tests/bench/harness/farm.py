"""Servers of the demo farm as programs of their own, steered by lines (tests/e2e/demo_farm)."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import re
import subprocess


class Server:
    """Ends with `stack`. `words` are those of the program's command line."""

    def __init__(self, stack, program, *words):
        self._process = subprocess.Popen([program, *words], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        stack.callback(self._stop)
        self.address = self._process.stdout.readline().split()[1]

    def _stop(self):
        self._process.stdin.close()
        self._process.wait(10)

    def _tell(self, line):
        self._process.stdin.write(line + '\n')
        self._process.stdin.flush()

    def _hear(self):
        return self._process.stdout.readline()

    def ask(self, line):
        self._tell(line)
        return self._hear()

    def counters(self):
        return {name: int(value) for name, value in re.findall(r'(\w+)=(\d+)', self.ask('counters'))}


def clients(servers):
    """Of each server {address: tunnels}, all as close to one moment as can be."""
    for server in servers:
        server._tell('clients')
    return [{address: int(count) for address, count in re.findall(r'(\S+)=(\d+)', server._hear())}
            for server in servers]


class Farm:
    """`addresses` of `count` servers on some CPUs, for who wants no more of them."""

    def __init__(self, program, cpus, count):
        with contextlib.ExitStack() as stack:
            self.addresses = [Server(stack, 'taskset', '-c', cpus, program).address
                              for _ in range(count)]
            self._stack = stack.pop_all()

    def stop(self):
        self._stack.close()
