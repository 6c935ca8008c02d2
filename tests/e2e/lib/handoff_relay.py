#!/usr/bin/python3
"""A relay between the two processes of a handoff, which lets one of them come to grief.

    handoff_relay.py --old PATH --listen PATH --at WHO:MESSAGE --do DEED [--after] -- NEW...

Starts NEW, the new process, which is to connect to --listen, and passes every packet on with its
descriptors. When the first MESSAGE of WHO (old or new) comes, does DEED: kill-old, kill-new,
stop-old, stop-new (SIGSTOP); before it passes the message on, or with --after right after it. The
new process dies with this one, which the old one takes for it. Prints a line for each message and
one for the deed; ends when one of the two does.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import array
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys

MESSAGES = ('?', 'HELLO', 'OFFER', 'SOCKETS', 'CONFIG', 'DECISIONS', 'BACKENDS', 'AFFINITY',
            'CONTROL', 'READY', 'SESSIONS', 'MOTIONS', 'GREETINGS', 'END', 'PREPARED', 'COMMIT',
            'TAKEN', 'ABORT', 'ACK')
PACKET = 64 * 1024
DESCRIPTORS = 253


def peer_pid(sock):
    return array.array('i', sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--old', required=True)
    parser.add_argument('--listen', required=True)
    parser.add_argument('--at', default='')
    parser.add_argument('--do', default='')
    parser.add_argument('--after', action='store_true')
    parser.add_argument('new', nargs='+')
    options = parser.parse_args()

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(options.listen)
    listener.listen(1)
    pdeathsig = ctypes.CDLL(None).prctl
    child = subprocess.Popen(options.new, preexec_fn=lambda: pdeathsig(1, signal.SIGKILL))
    new, _ = listener.accept()
    old = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    old.connect(options.old)
    print(f'pids {peer_pid(old)} {child.pid}', flush=True)

    def deed():
        what, whom = options.do.split('-')
        pid = peer_pid(old) if whom == 'old' else child.pid
        print(f'did {options.do}', flush=True)
        os.kill(pid, signal.SIGKILL if what == 'kill' else signal.SIGSTOP)

    left = options.at
    while True:
        for sock in select.select([old, new], [], [])[0]:
            other, name = (new, 'old') if sock is old else (old, 'new')
            try:
                data, fds, _, _ = socket.recv_fds(sock, PACKET, DESCRIPTORS)
            except ConnectionResetError:
                continue  # told once, ahead of what was sent before
            if not data:
                print(f'{name} ended', flush=True)
                return 0
            message = f'{name}:{MESSAGES[data[0]]}'
            now = message == left
            left = '' if now else left
            if now and not options.after:
                deed()
            try:
                socket.send_fds(other, [data], fds)
            except OSError:
                pass  # its end is seen next
            for fd in fds:
                os.close(fd)
            print(message, flush=True)
            if now and options.after:
                deed()


sys.exit(main())
