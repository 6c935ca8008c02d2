"""PPP frames in asynchronous HDLC-like framing (RFC 1662), as they cross a pty."""
# SPDX-License-Identifier: Apache-2.0
_FLAG, _ESCAPE = 0x7e, 0x7d


def _table():
    out = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
        out.append(value)
    return out


_FCS = _table()


def _fcs(data):
    fcs = 0xffff
    for byte in data:
        fcs = fcs >> 8 ^ _FCS[(fcs ^ byte) & 0xff]
    return fcs


def encode(frame):
    body = frame + (_fcs(frame) ^ 0xffff).to_bytes(2, 'little')
    out = bytearray([_FLAG])
    for byte in body:
        if byte < 0x20 or byte in (_FLAG, _ESCAPE):
            out += bytes([_ESCAPE, byte ^ 0x20])
        else:
            out.append(byte)
    out.append(_FLAG)
    return bytes(out)


class Decoder:
    """feed() bytes as they come; it gives the whole frames with a right checksum."""

    def __init__(self):
        self._partial = bytearray()
        self.bad = 0

    def feed(self, data):
        *whole, rest = (bytes(self._partial) + data).split(bytes([_FLAG]))
        self._partial = bytearray(rest)
        frames = []
        for part in whole:
            body, escaped = bytearray(), False
            for byte in part:
                if byte == _ESCAPE:
                    escaped = True
                else:
                    body.append(byte ^ 0x20 if escaped else byte)
                    escaped = False
            if not body:
                continue
            if len(body) > 4 and _fcs(body) == 0xf0b8:
                frames.append(bytes(body[:-2]))
            else:
                self.bad += 1
        return frames
