"""Namespaces: a network and a mount table that are the test's alone, so that it may have any port,
address, route, /etc/resolv.conf or journal that it wants.

enter() moves this whole process into a new pair, before it has any thread; whatever it starts is
born there. Namespaces end with their last process: nothing is left behind.
"""
# SPDX-License-Identifier: Apache-2.0
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


def run(*argv):
    """A command that has to succeed."""
    done = proc.run(argv)
    if done.returncode != 0:
        raise AssertionError(f'{" ".join(map(str, argv))}: {done.stderr.strip()}')
    return done.stdout
