"""Processes under test: started with their output in a log, awaited by event, ended for certain.

Every wait has a deadline and looks at a condition; nothing sleeps for luck. Whatever a test
starts is known here by its pid and is gone when the test process is, passed or failed.
"""
# SPDX-License-Identifier: Apache-2.0
import atexit
import ctypes
import fcntl
import os
import random
import re
import select
import shlex
import signal
import socket
import subprocess
import threading
import time


class WaitTimeout(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(condition, timeout, what, every=0.02):
    """Calls condition() until it gives something true, and returns that. Raises WaitTimeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise WaitTimeout(f'waited {timeout:g} s for {what() if callable(what) else what}')
        time.sleep(every)


class Process:
    """One child process in a process group of its own; what it says goes to a log file.

    `stdout` given, only stderr does.
    """

    def __init__(self, argv, log, *, name=None, cwd=None, env=None, stdin=subprocess.DEVNULL,
                 stdout=None, pass_fds=()):
        self.argv = [os.fspath(a) for a in argv]
        self.name = name or os.path.basename(self.argv[0])
        command = self.argv
        if threading.current_thread() is threading.main_thread():
            # Should this test be killed, its children go too. (The kernel watches the thread.)
            command = ['setpriv', '--pdeathsig', 'KILL', '--', *command]
        self.log_path = os.fspath(log)
        self._log_from = os.path.getsize(log) if os.path.exists(log) else 0
        with open(self.log_path, 'ab') as out:
            self._child = subprocess.Popen(
                command, stdin=stdin, stdout=out if stdout is None else stdout, stderr=out, cwd=cwd,
                env=None if env is None else {**os.environ, **env}, start_new_session=True,
                pass_fds=pass_fds)
        self.pid = self._child.pid
        self.stdin = self._child.stdin
        _running.append(self)

    def __str__(self):
        return f'{self.name} (pid {self.pid})'

    def running(self):
        return self._child.poll() is None

    @property
    def returncode(self):
        return self._child.poll()

    def log(self):
        """Everything this process has written so far."""
        with open(self.log_path, 'rb') as log:
            log.seek(self._log_from)
            return log.read().decode('utf-8', 'replace')

    def wait_line(self, pattern, timeout=10):
        """Waits for a log line that `pattern` matches somewhere; returns the match."""
        regex = re.compile(pattern, re.MULTILINE)

        def look():
            ended = not self.running()
            match = regex.search(self.log())
            if match is None and ended:
                raise AssertionError(f'{self} ended with {self.returncode} before it wrote '
                                     f'/{pattern}/:\n{self.tail()}')
            return match

        return wait_until(look, timeout, lambda: f'{self} to write /{pattern}/:\n{self.tail()}')

    def wait_listening(self, port, timeout=10, host='127.0.0.1'):
        """Waits until something accepts on host:port. Costs that something one connection."""
        def look():
            if not self.running():
                raise AssertionError(f'{self} ended with {self.returncode}:\n{self.tail()}')
            return accepts(port, host)

        wait_until(look, timeout, lambda: f'{self} to listen on {host}:{port}:\n{self.tail()}')

    def wait_exit(self, timeout=10):
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise WaitTimeout(f'{self} did not end within {timeout:g} s:\n{self.tail()}') from None

    def send_signal(self, number):
        if self.running():
            self._child.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=5):
        """Ends the process and its group; by SIGKILL what does not go. Returns the exit code."""
        self.send_signal(number)
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:  # The group is ours alone: it was made at the start.
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait(5)
        if self.stdin:
            self.stdin.close()
        if self in _running:
            _running.remove(self)
        return self.returncode

    def tail(self, lines=40):
        text = '\n'.join(self.log().splitlines()[-lines:])
        return f'--- {shlex.join(self.argv)[:300]}: exit {self.returncode}, last lines ---\n{text}'

    def open_fds(self):
        """The descriptors of the process, as {number: what}."""
        folder = f'/proc/{self.pid}/fd'
        fds = {}
        for number in os.listdir(folder):
            try:
                fds[int(number)] = os.readlink(f'{folder}/{number}')
            except FileNotFoundError:
                pass  # Closed while we looked.
        return fds

    def rss(self):
        """Resident memory in bytes."""
        with open(f'/proc/{self.pid}/statm', encoding='ascii') as statm:
            return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


class Successor(Process):
    """A process that one of ours started in its own place. It writes where that one wrote."""

    def __init__(self, pid, before):
        self.argv = before.argv
        self.name = before.name
        self.log_path = before.log_path
        self._log_from = before._log_from
        self.pid = pid
        self.stdin = None
        self._end = os.pidfd_open(pid)
        self._code = None
        _running.append(self)

    def _over(self, timeout):
        return self._end is None or bool(select.select([self._end], [], [], timeout)[0])

    def running(self):
        return not self._over(0)

    @property
    def returncode(self):
        if self._code is None and not self.running():
            # Ours once the one that started it is gone: see the subreaper below.
            wait_until(self._bury, 5, f'{self} to be buried')
        return self._code

    def _bury(self):
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def wait_exit(self, timeout=10):
        if not self._over(timeout):
            raise WaitTimeout(f'{self} did not end within {timeout:g} s:\n{self.tail()}')
        return self.returncode

    def send_signal(self, number):
        if self.running():
            signal.pidfd_send_signal(self._end, number)

    def stop(self, number=signal.SIGTERM, timeout=5):
        self.send_signal(number)
        if not self._over(timeout):
            self.send_signal(signal.SIGKILL)
        code = self.wait_exit(5)
        if self in _running:
            _running.remove(self)
        return code


_running = []


@atexit.register
def stop_all():
    for process in reversed(list(_running)):
        process.stop(timeout=1)


# Orphans of our children become ours and not init's, so that reap() can bury them.
_PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(pid, timeout=5):
    """Waits for the end of a grandchild whose parent is gone."""
    def gone():
        try:
            return os.waitpid(pid, os.WNOHANG) != (0, 0)
        except ChildProcessError:
            return True

    wait_until(gone, timeout, f'pid {pid} to end')


def accepts(port, host='127.0.0.1'):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


_held_ports = []


def free_port():
    """A TCP port that nobody listens on and that no other test takes while this process lives.

    Below the ephemeral range, so that no outgoing connection lands on it in the meantime.
    """
    folder = f'/tmp/sstplb-e2e-ports-{os.getuid()}'
    os.makedirs(folder, exist_ok=True)
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        lock = os.open(f'{folder}/{port}', os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(('0.0.0.0', port))
        except OSError:
            os.close(lock)
            continue
        _held_ports.append(lock)
        return port
    raise AssertionError('no free port found')


def run(argv, timeout=30, **more):
    """Runs a command to its end and returns subprocess.CompletedProcess, output as text."""
    more.setdefault('stdin', subprocess.DEVNULL)
    if 'input' in more:
        del more['stdin']
    return subprocess.run([os.fspath(a) for a in argv], timeout=timeout, check=False, text=True,
                          errors='replace', stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
