"""A PPP client in user space, as frames in and frames out (RFC 1661, 1332, 1334, 2759).

It knows no socket and no clock: `feed()` takes one frame and gives the frames that answer it,
`tick()` gives what is due to be sent again. Frames start at the protocol field or at ff 03 and
carry no HDLC.
"""
# SPDX-License-Identifier: Apache-2.0
import collections
import ipaddress
import os
import struct

from . import mschap

LCP, IPCP, PAP, CHAP, IP = 0xc021, 0x8021, 0xc023, 0xc223, 0x0021
REQUEST, ACK, NAK, REJECT, TERM_REQUEST, TERM_ACK, CODE_REJECT = range(1, 8)
PROTOCOL_REJECT, ECHO_REQUEST, ECHO_REPLY, DISCARD = range(8, 12)

AUTH_OPTION = {'pap': struct.pack('>H', PAP), 'mschapv2': struct.pack('>HB', CHAP, 0x81)}
RESEND_AFTER = 1.0  # seconds; servers drop the first frame while their PPP is starting


class PppError(AssertionError):
    """The other side refused us, or does not speak PPP."""


def _options(data):
    out = []
    while len(data) >= 2:
        kind, length = data[0], data[1]
        if length < 2 or length > len(data):
            raise PppError(f'bad option length in {data.hex()}')
        out.append((kind, data[2:length]))
        data = data[length:]
    return out


def _pack_options(options):
    return b''.join(bytes([kind, len(value) + 2]) + value for kind, value in options)


class PppClient:
    """phase: 'lcp', then 'auth', 'authenticated' (waits for start_network()), 'ipcp', 'up'."""

    def __init__(self, user, password, auth='pap', mru=1400):
        self.user, self.password, self.auth = user, password, auth
        self.phase = 'lcp'
        self.address = None         # ours, an ipaddress.IPv4Address once the phase is 'up'
        self.peer_address = None
        self.hlak = b'\0' * 32      # what the crypto binding is keyed with (MS-SSTP 3.2.5.2)
        self.received = collections.deque(maxlen=1000)  # IP packets
        self.terminated = False
        self._wanted = {LCP: [(1, struct.pack('>H', mru))], IPCP: [(3, b'\0' * 4)]}
        self._acked = {LCP: [False, False], IPCP: [False, False]}  # ours by them, theirs by us
        self._id = 0
        self._asked = {LCP: None, IPCP: None}  # id of our last Configure-Request
        self._sent_at = None
        self._again = []            # frames to repeat until they are answered

    def start(self, now):
        return self._ask(LCP, now)

    def start_network(self, now):
        assert self.phase == 'authenticated', self.phase
        self.phase = 'ipcp'
        return self._ask(IPCP, now)

    def tick(self, now):
        if self._again and now - self._sent_at >= RESEND_AFTER:
            self._sent_at = now
            return list(self._again)
        return []

    def feed(self, frame, now):
        if frame[:2] == b'\xff\x03':
            frame = frame[2:]
        if not frame:
            return []
        if frame[0] & 1:  # Protocol field compression: not asked for, but harmless.
            protocol, body = frame[0], frame[1:]
        else:
            protocol, body = struct.unpack_from('>H', frame)[0], frame[2:]
        if protocol == IP:
            self.received.append(body)
            return []
        if len(body) < 4:
            raise PppError(f'short PPP frame {frame.hex()}')
        code, ident, length = struct.unpack_from('>BBH', body)
        data = body[4:length]
        if protocol in (LCP, IPCP):
            return self._control(protocol, code, ident, data, now)
        if protocol in (PAP, CHAP):
            return self._authentication(protocol, code, ident, data)
        return [self._packet(LCP, PROTOCOL_REJECT, self._next_id(),
                             struct.pack('>H', protocol) + body)]

    def ip(self, packet):
        return b'\xff\x03' + struct.pack('>H', IP) + packet

    def lcp_echo(self):
        return self._packet(LCP, ECHO_REQUEST, self._next_id(), b'\0' * 4)

    def terminate(self):
        return self._packet(LCP, TERM_REQUEST, self._next_id(), b'')

    # ---- what is below is the inside ----

    def _next_id(self):
        self._id = self._id % 255 + 1
        return self._id

    @staticmethod
    def _packet(protocol, code, ident, data):
        return b'\xff\x03' + struct.pack('>HBBH', protocol, code, ident, len(data) + 4) + data

    def _ask(self, protocol, now):
        self._asked[protocol] = self._next_id()
        frame = self._packet(protocol, REQUEST, self._asked[protocol],
                             _pack_options(self._wanted[protocol]))
        self._again, self._sent_at = [frame], now
        return [frame]

    def _control(self, protocol, code, ident, data, now):
        if code == REQUEST:
            return self._answer_request(protocol, ident, data, now)
        if code == ACK and ident == self._asked[protocol]:
            self._acked[protocol][0] = True
            self._again = []
            return self._advance(protocol, now)
        if code in (NAK, REJECT) and ident == self._asked[protocol]:
            for kind, value in _options(data):
                kept = [(k, v) for k, v in self._wanted[protocol] if k != kind]
                self._wanted[protocol] = kept + ([(kind, value)] if code == NAK else [])
            return self._ask(protocol, now)
        if code == ECHO_REQUEST and protocol == LCP:
            return [self._packet(LCP, ECHO_REPLY, ident, b'\0' * 4 + data[4:])]
        if code == TERM_REQUEST:
            self.terminated = True
            return [self._packet(protocol, TERM_ACK, ident, b'')]
        if code == CODE_REJECT or code == PROTOCOL_REJECT and data[:2] == b'\x80\x21':
            raise PppError(f'the server rejects our code or IPCP: {data.hex()}')
        return []

    def _answer_request(self, protocol, ident, data, now):
        nak, reject = [], []
        for kind, value in _options(data):
            if protocol == LCP and kind == 3:
                if value != AUTH_OPTION[self.auth]:
                    nak.append((kind, AUTH_OPTION[self.auth]))
            elif protocol == LCP and kind not in (1, 5):  # MRU and magic number are fine
                reject.append((kind, value))
            elif protocol == IPCP and kind == 3:
                self.peer_address = ipaddress.IPv4Address(value)
            elif protocol == IPCP:
                reject.append((kind, value))
        if reject:
            return [self._packet(protocol, REJECT, ident, _pack_options(reject))]
        if nak:
            return [self._packet(protocol, NAK, ident, _pack_options(nak))]
        self._acked[protocol][1] = True
        return [self._packet(protocol, ACK, ident, data), *self._advance(protocol, now)]

    def _advance(self, protocol, now):
        if not all(self._acked[protocol]):
            return []
        if protocol == LCP and self.phase == 'lcp':
            self.phase = 'auth'
            if self.auth == 'pap':
                user, password = self.user.encode(), self.password.encode()
                frame = self._packet(PAP, REQUEST, self._next_id(), b'%c%b%c%b' % (
                    len(user), user, len(password), password))
                self._again, self._sent_at = [frame], now
                return [frame]
        if protocol == IPCP and self.phase == 'ipcp':
            self.address = ipaddress.IPv4Address(dict(self._wanted[IPCP])[3])
            self.phase = 'up'
        return []

    def _authentication(self, protocol, code, ident, data):
        if protocol == CHAP and code == 1:
            authenticator = data[1:1 + data[0]]
            peer = os.urandom(16)
            response = mschap.nt_response(authenticator, peer, self.user, self.password)
            self.hlak = mschap.client_hlak(self.password, response)
            value = peer + b'\0' * 8 + response + b'\0'
            return [self._packet(CHAP, 2, ident, bytes([len(value)]) + value + self.user.encode())]
        failed = 3 if protocol == PAP else 4
        if code == failed:
            raise PppError(f'authentication refused: {data[:60]!r}')
        if code == failed - 1 and self.phase == 'auth':
            self.phase = 'authenticated'
            self._again = []
        return []
