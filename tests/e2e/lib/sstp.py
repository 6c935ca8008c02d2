#!/usr/bin/python3
"""An SSTP client (MS-SSTP) with PPP in user space: a tunnel that really carries packets.

As a program:  tests/e2e/lib/sstp.py HOST:PORT --user u --password p --ping 5
As a library:  with Tunnel((host, port), 'u', 'p') as t: t.ping('192.168.30.1')

The server's certificate is not verified, only hashed for the crypto binding. Messages are read by
their own length: they may share a TLS record or be spread over several. Not for several threads.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import collections
import hashlib
import hmac
import os
import socket
import ssl
import struct
import sys
import time

if not __package__:  # run as a program
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    __package__ = 'lib'

from . import icmp, ppp

URI = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/'
GATEWAY = '192.168.30.1'  # SoftEther's SecureNAT
(CALL_CONNECT_REQUEST, CALL_CONNECT_ACK, CALL_CONNECT_NAK, CALL_CONNECTED, CALL_ABORT,
 CALL_DISCONNECT, CALL_DISCONNECT_ACK, ECHO_REQUEST, ECHO_RESPONSE) = range(1, 10)

PingResult = collections.namedtuple('PingResult', 'sent received seconds')


class SstpError(AssertionError):
    """The tunnel did not come up, or ended."""


def control(kind, attributes=()):
    body = b''.join(struct.pack('>BBH', 0, i, len(v) + 4) + v for i, v in attributes)
    return struct.pack('>BBHHH', 0x10, 1, 8 + len(body), kind, len(attributes)) + body


def crypto_binding(certificate, nonce, hlak, hash_mask):
    """The whole CALL_CONNECTED message (112 bytes), with SHA-256 where the server can."""
    name, mark, size = ('sha256', 2, 32) if hash_mask & 2 else ('sha1', 1, 20)
    leaf = hashlib.new(name, certificate).digest().ljust(32, b'\0')

    def message(mac):
        return control(CALL_CONNECTED, [(3, bytes([0, 0, 0, mark]) + nonce + leaf + mac)])

    seed = b'SSTP inner method derived CMK' + struct.pack('<HB', size, 1)
    cmk = hmac.new(hlak, seed, name).digest()
    mac = hmac.new(cmk, message(b'\0' * 32), name).digest()
    return message(mac.ljust(32, b'\0'))


def client_context(tls=None, alpn=None):
    """`tls`: None for the library's choice, else '1.2' or '1.3' and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls:
        version = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[tls]
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Tunnel:
    """One SSTP connection. open() is connect(), post(), call() and dial() in a row."""

    def __init__(self, address, user='', password='', *, sni=None, tls=None, auth='pap',
                 source=None, context=None, session=None, timeout=20):
        self.address, self.sni, self.source, self.timeout = address, sni, source, timeout
        self.context = context or client_context(tls)
        self.session = session      # an ssl.SSLSession to resume; needs the context it came from
        self.ppp = ppp.PppClient(user, password, auth)
        self.tls = None
        self.certificate = None     # DER
        self.echo_requests = 0      # answered by us
        self.echo_responses = 0
        self._buffer = b''
        self._ping_seq = 0
        self._ping_id = struct.unpack('>H', os.urandom(2))[0]

    def __enter__(self):
        return self.open()

    def __exit__(self, *_):
        self.close()

    def open(self):
        try:
            return self.connect().post().call().dial()
        except BaseException:
            self.close()
            raise

    def connect(self):
        raw = socket.create_connection(self.address, timeout=self.timeout,
                                       source_address=self.source and (self.source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = self.context.wrap_socket(raw, server_hostname=self.sni, session=self.session)
        self.certificate = self.tls.getpeercert(binary_form=True)
        return self

    def post(self):
        self.tls.sendall(f'SSTP_DUPLEX_POST {URI} HTTP/1.1\r\nHost: {self.sni or "vpn"}\r\n'
                         f'Content-Length: {2**64 - 1}\r\n\r\n'.encode())
        deadline = time.monotonic() + self.timeout
        while b'\r\n\r\n' not in self._buffer:
            self._fill(deadline, 'the answer to SSTP_DUPLEX_POST')
        head, _, self._buffer = self._buffer.partition(b'\r\n\r\n')
        status = head.split(b'\r\n')[0].decode('latin-1')
        if status.split(' ')[1:2] != ['200']:
            raise SstpError(f'SSTP_DUPLEX_POST answered with {status!r}')
        return self

    def call(self):
        self.send(control(CALL_CONNECT_REQUEST, [(1, b'\0\1')]))
        kind, attributes = self._expect_control(CALL_CONNECT_ACK)
        binding = attributes.get(4, b'')
        if len(binding) != 36:
            raise SstpError(f'bad CALL_CONNECT_ACK: {kind} {attributes}')
        self._hash_mask, self._nonce = binding[3], binding[4:]
        return self

    def dial(self):
        deadline = time.monotonic() + self.timeout
        self._send_frames(self.ppp.start(time.monotonic()))
        while self.ppp.phase != 'up':
            if self.ppp.phase == 'authenticated':
                self.send(crypto_binding(self.certificate, self._nonce, self.ppp.hlak,
                                         self._hash_mask))
                self._send_frames(self.ppp.start_network(time.monotonic()))
            if time.monotonic() >= deadline:
                raise SstpError(f'PPP stays in phase {self.ppp.phase!r} for {self.timeout} s')
            self.pump(0.2)
            if self.ppp.terminated:
                raise SstpError(f'PPP terminated by the server in phase {self.ppp.phase!r}')
        return self

    def ping(self, target=GATEWAY, count=1, *, interval=0.0, timeout=5.0, payload=56):
        """Sends `count` echo requests, each awaited for `timeout` seconds; nothing is repeated."""
        seconds = []
        for _ in range(count):
            begun = time.monotonic()
            self._ping_seq = (self._ping_seq + 1) & 0xffff
            data = os.urandom(payload)
            want = (self._ping_id, self._ping_seq, data)
            self.send_data(self.ppp.ip(icmp.echo_request(
                self.ppp.address, target, *want)))
            while time.monotonic() < begun + timeout:
                self.pump(begun + timeout - time.monotonic())
                replies = [icmp.parse_echo_reply(self.ppp.received.popleft())
                           for _ in range(len(self.ppp.received))]
                if any(reply and reply[1:] == want for reply in replies):
                    seconds.append(time.monotonic() - begun)
                    break
            self.idle(max(0.0, begun + interval - time.monotonic()))
        return PingResult(count, len(seconds), seconds)

    def reach(self, target=GATEWAY, attempts=5):
        """Pings until the first answer: on a busy machine a gateway may drop what comes before
        its ARP is done. From then on not one packet may be missing."""
        for _ in range(attempts):
            if self.ping(target, timeout=2.0).received:
                return self
        raise SstpError(f'{target} answers none of {attempts} pings')

    def idle(self, seconds):
        """Keeps the tunnel alive and answers the server, for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump(until - time.monotonic())

    def echo(self):
        """Sends an SSTP Echo Request; SoftEther never answers it, others do."""
        self.send(control(ECHO_REQUEST))

    def disconnect(self):
        """CALL_DISCONNECT, its ACK, and the server's close."""
        self.send(control(CALL_DISCONNECT))
        self._expect_control(CALL_DISCONNECT_ACK, deadline=time.monotonic() + 5)
        try:
            while True:
                self._fill(time.monotonic() + 5, 'the server to close')
        except SstpError as end:
            if 'closed' not in str(end):
                raise
        self.close()

    def close(self):
        if self.tls:
            self.tls.close()

    def fileno(self):
        return self.tls.fileno()

    # ---- messages ----

    def send(self, message):
        try:
            self.tls.settimeout(self.timeout)
            self.tls.sendall(message)
        except OSError as error:
            raise SstpError(f'cannot send: {error}') from None

    def send_data(self, frame):
        self.send(struct.pack('>BBH', 0x10, 0, len(frame) + 4) + frame)

    def pump(self, timeout):
        """Handles what comes within `timeout` seconds, returns after the first message."""
        deadline = time.monotonic() + timeout
        message = self._message(deadline)
        self._send_frames(self.ppp.tick(time.monotonic()))
        if message is None:
            return
        is_control, body = message
        if is_control:
            self._control(body)
        else:
            self._send_frames(self.ppp.feed(body, time.monotonic()))

    def _send_frames(self, frames):
        for frame in frames:
            self.send_data(frame)

    def _control(self, body):
        kind = struct.unpack_from('>H', body)[0]
        if kind == ECHO_REQUEST:
            self.echo_requests += 1
            self.send(control(ECHO_RESPONSE))
        elif kind == ECHO_RESPONSE:
            self.echo_responses += 1
        elif kind in (CALL_ABORT, CALL_DISCONNECT, CALL_CONNECT_NAK):
            name = {CALL_ABORT: 'CALL_ABORT', CALL_DISCONNECT: 'CALL_DISCONNECT'}.get(kind, 'NAK')
            raise SstpError(f'the server sent {name}: {body.hex()}')

    def _expect_control(self, wanted, deadline=None):
        deadline = deadline or time.monotonic() + self.timeout
        while True:
            message = self._message(deadline)
            if message is None:
                raise SstpError(f'waited in vain for SSTP message {wanted}')
            if not message[0]:
                continue  # data that was under way
            kind, count = struct.unpack_from('>HH', message[1])
            if kind != wanted:
                self._control(message[1])
                continue
            attributes, rest = {}, message[1][4:]
            for _ in range(count):
                ident, length = struct.unpack_from('>xBH', rest)
                attributes[ident] = rest[4:length & 0xfff]
                rest = rest[length & 0xfff:]
            return kind, attributes

    def _message(self, deadline):
        """(is control, body) of the next message, or None when none is whole by then."""
        while True:
            if len(self._buffer) >= 4:
                version, kind, length = struct.unpack_from('>BBH', self._buffer)
                length &= 0xfff
                if version != 0x10 or length < 4:
                    raise SstpError(f'not SSTP: {self._buffer[:16].hex()}')
                if len(self._buffer) >= length:
                    body, self._buffer = self._buffer[4:length], self._buffer[length:]
                    return bool(kind & 1), body
            if not self._fill(deadline, None):
                return None

    def _fill(self, deadline, what):
        """Reads once. False (or SstpError, with `what`) when nothing came by the deadline."""
        try:
            self.tls.settimeout(max(0.001, deadline - time.monotonic()))
            data = self.tls.recv(65536)
        except TimeoutError:
            if what:
                raise SstpError(f'waited in vain for {what}') from None
            return False
        except OSError as error:
            raise SstpError(f'closed: {error}') from None
        if not data:
            raise SstpError('closed by the server')
        self._buffer += data
        return True


def main():
    parser = argparse.ArgumentParser(description='Opens an SSTP tunnel and pings through it.')
    parser.add_argument('target', help='HOST:PORT')
    parser.add_argument('--user', default='test')
    parser.add_argument('--password', default='test')
    parser.add_argument('--auth', choices=('pap', 'mschapv2'), default='pap')
    parser.add_argument('--tls', choices=('1.2', '1.3'))
    parser.add_argument('--sni')
    parser.add_argument('--ping', type=int, default=3, metavar='N')
    parser.add_argument('--to', default=GATEWAY, help='whom to ping (default: %(default)s)')
    parser.add_argument('--hold', type=float, default=0, help='seconds to stay connected after')
    options = parser.parse_args()
    host, _, port = options.target.rpartition(':')
    begun = time.monotonic()
    try:
        tunnel = Tunnel((host.strip('[]'), int(port)), options.user, options.password,
                        sni=options.sni, tls=options.tls, auth=options.auth).open()
        print(f'up after {time.monotonic() - begun:.2f} s: {tunnel.tls.version()}, '
              f'address {tunnel.ppp.address}, server {tunnel.ppp.peer_address}', flush=True)
        result = tunnel.ping(options.to, options.ping, interval=0.2)
        times = ' '.join(f'{1000 * s:.1f}' for s in result.seconds)
        print(f'{result.sent} sent, {result.received} received, ms: {times}', flush=True)
        tunnel.idle(options.hold)
        tunnel.disconnect()
    except (SstpError, ppp.PppError, OSError) as error:
        print(f'failed: {error}', file=sys.stderr)
        return 1
    return 0 if result.received == result.sent else 1


if __name__ == '__main__':
    sys.exit(main())
