#!/usr/bin/python3
"""A relay between the two processes of a handoff, which lets one of them come to grief.

    handoff_relay.py --old PATH --pid PID --listen PATH [--at WHO:MESSAGE] [--before DEED]
        [--after DEED] -- NEW...

Starts NEW, the new process, which is to connect to --listen, and passes every packet on with its
descriptors. PID is the old one's. When the first MESSAGE of WHO (old or new) has come, does one
DEED before it passes the message on, and one right after: kill-old, kill-new, stop-old, stop-new
(SIGSTOP). Of who was killed nothing more is passed on: it died before it could say it.

The old process takes this one for the new one, which therefore dies with it. Writes the pid of the
new one, a line for each message and one for each deed; ends when the new process has.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import ctypes
import os
import select
import signal
import socket
import time

MESSAGES = ('?', 'HELLO', 'OFFER', 'SOCKETS', 'CONFIG', 'DECISIONS', 'BACKENDS', 'AFFINITY',
            'CONTROL', 'READY', 'SESSIONS', 'MOTIONS', 'GREETINGS', 'END', 'PREPARED', 'COMMIT',
            'TAKEN', 'ABORT', 'ACK')
PACKET = 64 * 1024
DESCRIPTORS = 253
PR_SET_PDEATHSIG = 1
DEED_WITHIN = 5  # seconds


class Relay:
    def __init__(self, options):
        self._at, self._before, self._after = options.at, options.before, options.after
        self._killed = ''
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(options.listen)
            listener.listen(1)
            child = _start(options.new)
            new, _ = listener.accept()
        old = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        old.connect(options.old)
        self._sockets = {'old': old, 'new': new}
        self._pids = {'old': options.pid, 'new': child}
        self._ends = {name: os.pidfd_open(pid) for name, pid in self._pids.items()}
        print(f'new pid {child}', flush=True)

    def run(self):
        """Until one of the two has closed its end and all that it said is passed on."""
        names = {sock: name for name, sock in self._sockets.items()}
        while True:
            for sock in select.select(list(names), [], [])[0]:
                if not self._pass(names[sock]):
                    print(f'{names[sock]} ended', flush=True)
                    for one in names:
                        one.close()
                    return

    def await_end(self):
        """Of the new process. It is not reaped: whoever takes this one's orphans may want to."""
        select.select([self._ends['new']], [], [])

    def _pass(self, name):
        """One packet of `name`; False when it has said its last."""
        try:
            data, fds, _, _ = socket.recv_fds(self._sockets[name], PACKET, DESCRIPTORS)
        except ConnectionResetError:
            return True  # told once, ahead of what was sent before
        try:
            return bool(data) and self._killed != name and self._pass_on(name, data, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _pass_on(self, name, data, fds):
        message = f'{name}:{MESSAGES[data[0]]}'
        here = message == self._at
        if here:
            self._at = ''
            self._do(self._before)
        if self._killed != name:
            try:
                socket.send_fds(self._sockets['new' if name == 'old' else 'old'], [data], fds)
            except OSError:
                pass  # its end is seen next
            print(message, flush=True)
        if here:
            self._do(self._after)
        return self._killed != name

    def _do(self, deed):
        if not deed:
            return
        what, whom = deed.split('-')
        if what == 'kill':
            self._killed = whom
            signal.pidfd_send_signal(self._ends[whom], signal.SIGKILL)
            if not select.select([self._ends[whom]], [], [], DEED_WITHIN)[0]:
                raise TimeoutError(f'{whom} has not ended, {DEED_WITHIN} s after SIGKILL')
        else:
            signal.pidfd_send_signal(self._ends[whom], signal.SIGSTOP)
            _await_stopped(self._pids[whom])
        print(f'did {deed}', flush=True)


def _await_stopped(pid):
    """Nobody tells when a process that is not one's child has stopped: its state is looked at."""
    deadline = time.monotonic() + DEED_WITHIN
    while _state(pid) != 'T':
        if time.monotonic() > deadline:
            raise TimeoutError(f'process {pid} has not stopped, {DEED_WITHIN} s after SIGSTOP')
        time.sleep(0.001)


def _state(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
        return stat.read().rpartition(')')[2].split()[0]


def _start(argv):
    prctl = ctypes.CDLL(None).prctl
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execv(argv[0], argv)
    return pid


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--old', required=True)
    parser.add_argument('--pid', type=int, required=True)
    parser.add_argument('--listen', required=True)
    parser.add_argument('--at', default='')
    parser.add_argument('--before', default='')
    parser.add_argument('--after', default='')
    parser.add_argument('new', nargs='+')
    relay = Relay(parser.parse_args())
    relay.run()
    relay.await_end()


if __name__ == '__main__':
    main()
