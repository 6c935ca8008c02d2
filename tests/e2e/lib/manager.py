"""A service manager, as far as a service sees one: its notify socket, and how it starts a program.

The protocols are those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3). Run as a
program, this file becomes the one that it starts, because that must find its own pid in its
environment: manager.py FD:NAME... -- PROGRAM ARGUMENT...
"""
# SPDX-License-Identifier: Apache-2.0
import os
import secrets
import socket
import sys
import tempfile
import time


class NotifySocket:
    """Where a service says how it is. `said` is all that it has said, in order."""

    def __init__(self, test, abstract=True):
        if abstract:
            self.name = '@sstplb-test-' + secrets.token_hex(8)
        else:
            folder = tempfile.TemporaryDirectory(prefix='sstplb-notify-')
            test.addCleanup(folder.cleanup)
            self.name = f'{folder.name}/notify'
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self._sock.close)
        self._sock.bind('\0' + self.name[1:] if abstract else self.name)
        self.said = []

    def next(self, timeout=10):
        """The assignments of the next message, as a dict; None when none comes in time."""
        self._sock.settimeout(max(timeout, 0.001))
        try:
            text, fds, *_ = socket.recv_fds(self._sock, 4096, 4)
        except TimeoutError:
            return None
        for fd in fds:  # a barrier: closed when all before it has been read
            os.close(fd)
        message = dict(line.split('=', 1) for line in text.decode().splitlines())
        self.said.append(message)
        return message

    def unread(self):
        """The text of the next message, which stays unread; '' when there is none."""
        try:
            return self._sock.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT).decode()
        except BlockingIOError:
            return ''

    def wait(self, key, timeout=10):
        """The next message that has this key; fails when none comes in time."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            if message and key in message:
                return message
        raise AssertionError(f'no {key} within {timeout} s; so far {self.said}')

    def never(self, key, during):
        """Fails when a message with this key comes within that time."""
        deadline = time.monotonic() + during
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            if message and key in message:
                raise AssertionError(f'it said {message}')


def prefix(sockets=()):
    """Goes before a command line: its program gets [(socket, name)] as descriptors 3 and up, and
    LISTEN_PID and WATCHDOG_PID name it. The sockets also go into pass_fds."""
    return [sys.executable, '-B', os.path.abspath(__file__),
            *(f'{sock.fileno()}:{name}' for sock, name in sockets), '--']


def _become(argv):
    split = argv.index('--')
    passed = [word.split(':', 1) for word in argv[:split]]
    # Out of the way first: a target may be the place of another source.
    copies = [os.dup2(int(fd), 100 + i) for i, (fd, _) in enumerate(passed)]
    for i, copy in enumerate(copies):
        os.dup2(copy, 3 + i)
    os.closerange(3 + len(passed), 200)
    os.environ['WATCHDOG_PID'] = str(os.getpid())
    if passed:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(passed)),
                          LISTEN_FDNAMES=':'.join(name for _, name in passed))
    os.execv(argv[split + 1], argv[split + 1:])


if __name__ == '__main__':
    _become(sys.argv[1:])
