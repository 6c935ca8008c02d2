"""Debian's sstp-client on a pty, with the PPP peer that pppd would be: no kernel PPP needed.

sstpc does TLS, SSTP and the crypto binding; the PPP in ppp.py logs in, hands sstpc the keys the
binding is made with (as pppd's plugin would), gets an address and can ping through the tunnel.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import select
import shutil
import socket
import struct
import time
import tty
import unittest

from . import hdlc, icmp, ppp, proc, sstp

_RUN = '/run/sstpc'  # sstpc's own, it makes it when it is started as root
LCP_ECHO_EVERY = 0.3


def open_tunnel(test, port, user, password, attempts=10, **more):
    """An open Sstpc, at the first attempt at which sstpc notices the answer to its POST.

    sstpc 1.0.18 never looks at an answer that is already there when it starts to wait for it. With
    a server on the same machine that is about every third attempt, with and without a relay.
    """
    for attempt in range(1, attempts + 1):
        client = Sstpc(test, port, user, password, name=f'sstpc-{port}-{attempt}', **more)
        try:
            client.process.wait_line('CONNECT.ACK', 1.5)
        except proc.WaitTimeout:
            client.stop()
            continue
        return client.open().reach()
    raise sstp.SstpError(f'sstpc saw no CONNECT ACK in {attempts} attempts')


class Sstpc:
    """One sstpc. open() brings the tunnel up, ping() uses it, stop() ends it."""

    def __init__(self, test, port, user, password, *, server_name, ca, auth='mschapv2', name='sstpc'):
        if not shutil.which('sstpc'):
            raise unittest.SkipTest('sstpc (package sstp-client) is not installed')
        if os.geteuid() != 0:
            raise unittest.SkipTest(f'sstpc makes its socket in {_RUN} and needs root for that')
        self.ppp = ppp.PppClient(user, password, auth)
        self._tag = f'e2e-{os.getpid()}-{port}-{name}'
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self._decoder = hdlc.Decoder()
        self._echoed_at = 0.0
        self._keys_given = False
        log = test.dir / f'{name}.log'
        # Its stderr is the log; stdin and stdout are the line to pppd.
        self.process = proc.Process(
            ['sstpc', '--log-level', '4', '--log-stderr', '--nolaunchpppd', '--ipparam', self._tag,
             '--tls-ext', '--ca-cert', ca, '--host', server_name, f'127.0.0.1:{port}'],
            log, name=name, stdin=slave, stdout=slave)
        os.close(slave)
        test.addCleanup(self.stop)

    def stop(self):
        self.process.stop()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def open(self, timeout=30):
        """Waits for CONNECT ACK, then PPP until there is an address."""
        deadline = time.monotonic() + timeout
        self.process.wait_line('CONNECT.ACK', timeout)
        self._send(self.ppp.start(time.monotonic()))
        while self.ppp.phase != 'up':
            if time.monotonic() > deadline:
                raise sstp.SstpError(f'PPP behind sstpc stays in phase {self.ppp.phase!r}:\n'
                                     f'{self.process.tail()}')
            self._pump(0.1)
            if self.ppp.phase == 'authenticated':
                self._give_keys()
                self._send(self.ppp.start_network(time.monotonic()))
        return self

    def reach(self, target=sstp.GATEWAY, attempts=5):
        """Pings until the first answer; see Tunnel.reach()."""
        for _ in range(attempts):
            if self.ping(target, timeout=2.0).received:
                return self
        raise sstp.SstpError(f'{target} answers none of {attempts} pings')

    def ping(self, target=sstp.GATEWAY, count=1, timeout=5.0):
        received, seconds = 0, []
        for seq in range(1, count + 1):
            begun = time.monotonic()
            want = (os.getpid() & 0xffff, seq, os.urandom(56))
            self._send([self.ppp.ip(icmp.echo_request(self.ppp.address, target, *want))])
            while time.monotonic() < begun + timeout and received < seq:
                self._pump(0.05)
                while self.ppp.received:
                    reply = icmp.parse_echo_reply(self.ppp.received.popleft())
                    if reply and reply[1:] == want:
                        received += 1
                        seconds.append(time.monotonic() - begun)
        return sstp.PingResult(count, received, seconds)

    def _send(self, frames):
        for frame in frames:
            os.write(self._master, hdlc.encode(frame))

    def _pump(self, timeout):
        now = time.monotonic()
        self._send(self.ppp.tick(now))
        if self.ppp.phase != 'lcp' and now - self._echoed_at > LCP_ECHO_EVERY:
            # sstpc handles one SSTP packet per read; what shares a TLS record with it waits for
            # the next record. An LCP echo makes the server send one.
            self._echoed_at = now
            self._send([self.ppp.lcp_echo()])
        if not select.select([self._master], [], [], timeout)[0]:
            return
        try:
            data = os.read(self._master, 65536)
        except OSError:
            raise sstp.SstpError(f'sstpc hung up:\n{self.process.tail()}') from None
        for frame in self._decoder.feed(data):
            self._send(self.ppp.feed(frame, time.monotonic()))

    def _give_keys(self):
        """What pppd's plugin tells sstpc: the MPPE keys, send and receive, 16 bytes each."""
        send, receive = self.ppp.hlak[:16], self.ppp.hlak[16:]
        attributes = b''.join(struct.pack('<HH', kind, 16) + key
                              for kind, key in ((1, send), (2, receive)))
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f'{_RUN}/sstpc-{self._tag}')
            line.sendall(b'ptss' + struct.pack('<HH', len(attributes), 1) + attributes)
            line.settimeout(2)
            try:
                line.recv(100)
            except TimeoutError:
                pass
