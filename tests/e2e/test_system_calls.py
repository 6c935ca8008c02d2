#!/usr/bin/python3
"""What a session and an echo cost in system calls: the budget of docs/performance.md, held."""
# SPDX-License-Identifier: Apache-2.0
import collections
import os
import pathlib
import re
import shutil
import signal
import unittest

from lib import case, streams
from lib.balancer import Balancer, binary, pool

# For one session whose client says its hello, gets one record and leaves.
SESSION = {
    'accept4': 1,      # the client
    'recvfrom': 4,     # its hello; the record; the client's end; the backend's end
    'socket': 1,       # towards the backend
    'setsockopt': 7,   # TCP_NODELAY, keepalive (3), TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT,
                       # TCP_QUICKACK
    'connect': 1,
    'epoll_ctl': 2,    # each socket once in its life
    'sendto': 2,       # the hello; the record
    'shutdown': 1,     # the first end passed on; the second is a close
    'close': 2,
}
# For one message to the backend and one back.
ECHO = {'recvfrom': 2, 'sendto': 2}

# Of the turn, not of the work: how often depends on what comes together.
TURN = {'epoll_wait', 'timerfd_settime', 'read'}
# Answers to commands of the test itself; a session meets no lock that another thread would hold.
ANSWERS = {'futex', 'write'}
# A sample of TCP_INFO, of a session that lives longer than a second, at most once a second.
SAMPLES = {'getsockopt'}
# What bounds a storm, so high that it bounds nobody. All else that watches sessions is on by default.
LIMITS = {'max_pending_per_backend': 1000000, 'session_rate_per_backend': '100000/s burst 100000',
          'slow_start': '60s'}


class Tracer:
    """strace on the one worker of a balancer; counts() ends it."""

    def __init__(self, test, balancer):
        self.output = balancer.folder / 'strace'
        worker = next(task.name for task in pathlib.Path(f'/proc/{balancer.process.pid}/task').iterdir()
                      if (task / 'comm').read_text().startswith('worker'))
        self.process = test.start(['strace', '-p', worker, '-o', self.output], 'strace')
        try:
            self.process.wait_line(r'attached')
        except AssertionError as error:
            raise unittest.SkipTest(f'strace cannot attach here: {error}')

    def counts(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait_exit()
        calls = collections.Counter()
        for line in self.output.read_text().splitlines():
            if match := re.match(r'(\w+)\(', line):
                calls[match.group(1)] += 1
        return calls


@unittest.skipUnless(shutil.which('strace'), 'strace is missing')
@unittest.skipUnless(os.geteuid() == 0, 'strace needs root')
class SystemCallsTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def balancer(self, **limits):
        self.echo = streams.NamedEcho(self, 'alpha')
        return Balancer(self, {'main': pool({'alpha': self.echo.port}, **limits)},
                        global_={'workers': 1, 'log': {'level': 'warning'}}).start()

    def check(self, calls, times, budget, samples):
        turns = sum(calls.pop(name, 0) for name in TURN)
        self.assertLess(sum(calls.pop(name, 0) for name in ANSWERS), times)
        sampled = sum(calls.pop(name, 0) for name in SAMPLES)
        self.assertEqual({name: calls[name] / times for name in sorted(calls)},
                         {name: float(count) for name, count in sorted(budget.items())})
        self.assertLessEqual(sampled, samples)
        return turns

    def test_a_session_costs_no_more_than_its_budget(self):
        self.check_sessions(self.balancer())

    def test_limits_cost_a_session_no_call(self):
        self.check_sessions(self.balancer(**LIMITS))

    def check_sessions(self, balancer):
        times = 20
        tracer = Tracer(self, balancer)
        for _ in range(times):
            session = streams.Session(self, balancer.port)
            self.assertEqual(session.backend, 'alpha')
            session.close()
        balancer.wait_sessions(0)
        self.check(tracer.counts(), times, SESSION, samples=0)

    def test_an_echo_costs_two_reads_and_two_writes(self):
        balancer, times = self.balancer(), 200
        session = streams.Session(self, balancer.port)
        tracer = Tracer(self, balancer)
        for _ in range(times):
            self.assertTrue(session.alive())
        turns = self.check(tracer.counts(), times, ECHO, samples=20)
        # One wait for each of the two messages, and a few for the alarm and the commands.
        self.assertLessEqual(turns, 2 * times + 20)


if __name__ == '__main__':
    case.main()
