"""Stops one thread of another process, and lets it go on: ptrace(2)."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import ctypes
import os
import pathlib

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_DETACH, _SEIZE, _INTERRUPT = 17, 0x4206, 0x4207
_WALL = 0x40000000  # waitpid: threads, too


def thread(pid, name):
    """The id of the thread of that name."""
    for comm in pathlib.Path(f'/proc/{pid}/task').glob('*/comm'):
        if comm.read_text().strip() == name:
            return int(comm.parent.name)
    raise AssertionError(f'{pid} has no thread {name}')


@contextlib.contextmanager
def stopped(tid):
    """The thread does nothing inside of this. Enter and leave it on one thread."""
    _ptrace(_SEIZE, tid)
    _ptrace(_INTERRUPT, tid)
    os.waitpid(tid, _WALL)
    try:
        yield
    finally:
        _ptrace(_DETACH, tid)


def _ptrace(request, tid):
    if _libc.ptrace(request, tid, None, None) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f'ptrace({request:#x}, {tid}): {os.strerror(error)}')
