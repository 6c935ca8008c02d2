"""The stage of a simulation (tests/bench/storm, tests/bench/skew): servers of the demo farm, and a
balancer in front of them."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import pathlib
import socket
import subprocess
import tempfile

from harness import farm
from lib import proc

SERVERS = ('vpn1', 'vpn2', 'vpn3', 'vpn4')


class Stage:
    """Everything ends with `stack`. `words` are those of each server's command line."""

    def __init__(self, options, stack, *words):
        self.options, self.stack = options, stack
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.servers = [farm.Server(stack, options.demo_farm, *words) for _ in SERVERS]
        self.port = proc.free_port()
        self.password = self.folder / 'password'
        self.password.write_text('any\n')

    def start_balancer(self, program, config):
        """`sstplb` or `haproxy` with that text as its configuration, once it answers."""
        path = self.folder / 'config'
        path.write_text(config)
        self._words = ([self.options.balancer, 'run', '-c', path] if program == 'sstplb'
                       else ['haproxy', '-q', '-db', '-f', path])
        self._balancer = self.start(self._words)
        proc.wait_until(self._answers, 10, 'the balancer')

    def restart_balancer(self):
        """Killed, and started again."""
        self._balancer.kill()
        self._balancer.wait()
        self._balancer = self.start(self._words)

    def start(self, words, **more):
        process = subprocess.Popen([str(word) for word in words], **more)
        self.stack.callback(self._end, process)
        return process

    @staticmethod
    def _end(process):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', self.port), 1):
            return True
