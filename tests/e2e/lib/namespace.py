"""Namespaces: a network and a mount table that are the test's alone, so that it may have any port,
address, route, /etc/resolv.conf or journal that it wants.

enter() moves this whole process into a new pair, before it has any thread; whatever it starts is
born there. Namespaces end with their last process: nothing is left behind.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import ctypes
import os
import threading
import unittest

from . import proc

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """Into a new network, with loopback alone, and a mount table of our own; or SkipTest."""
    if os.geteuid() != 0:
        raise unittest.SkipTest('namespaces need root')
    assert threading.active_count() == 1, 'threads that run would stay behind'
    if _libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS) != 0:
        raise unittest.SkipTest(f'no namespaces here: {os.strerror(ctypes.get_errno())}')
    run('mount', '--make-rprivate', '/')
    run('ip', 'link', 'set', 'lo', 'up')


class Neighbour:
    """Another host, on a network of its own with this one: a namespace at the end of a veth pair.

    Networks are written as the addresses of this end and that one, with their length:
    ('10.1.0.1/24', '10.1.0.2/24'). Everything of this host is reached by way of this end.
    """

    def __init__(self, test, name, *networks):
        self.link = f'to-{name}'
        self._holder = test.start(['unshare', '--net', 'sleep', 'infinity'], name)
        here = os.readlink('/proc/self/ns/net')
        test.wait(lambda: self._path() != here, 5, f'the namespace of {name}')
        run('ip', 'link', 'add', self.link, 'type', 'veth', 'peer', 'name', 'eth0',
            'netns', str(self._holder.pid))
        test.addCleanup(run, 'ip', 'link', 'del', self.link)
        self._run('ip', 'link', 'set', 'lo', 'up')
        for ours, theirs in networks:
            # "nodad": an IPv6 address serves at once, not after a second.
            run('ip', 'address', 'add', ours, 'dev', self.link, *_nodad(ours))
            self._run('ip', 'address', 'add', theirs, 'dev', 'eth0', *_nodad(theirs))
        run('ip', 'link', 'set', self.link, 'up')
        self._run('ip', 'link', 'set', 'eth0', 'up')
        for ours, _ in networks:
            self._run('ip', 'route', 'add', 'default', 'via', ours.split('/')[0])

    def _path(self):
        return os.readlink(f'/proc/{self._holder.pid}/ns/net')

    def _run(self, *argv):
        return run('nsenter', '-t', str(self._holder.pid), '-n', *argv)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes in here are the neighbour's, and stay so."""
        with open('/proc/thread-self/ns/net', encoding='ascii') as home, \
                open(f'/proc/{self._holder.pid}/ns/net', encoding='ascii') as there:
            _set_network(there)
            try:
                yield self
            finally:
                _set_network(home)


def _set_network(namespace):
    if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def _nodad(address):
    return ('nodad',) if ':' in address else ()


def run(*argv):
    """A command that has to succeed."""
    done = proc.run(argv)
    if done.returncode != 0:
        raise AssertionError(f'{" ".join(map(str, argv))}: {done.stderr.strip()}')
    return done.stdout
