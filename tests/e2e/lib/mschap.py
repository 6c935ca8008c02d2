"""MS-CHAPv2 (RFC 2759) and the keys SSTP's crypto binding takes from it (RFC 3079).

MD4 and DES are written out because OpenSSL 3 no longer offers them; tests only.
"""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import struct


def md4(data):
    """RFC 1320."""
    def rotate(value, by):
        value &= 0xffffffff
        return (value << by | value >> (32 - by)) & 0xffffffff

    rounds = (
        (lambda x, y, z: x & y | ~x & z, 0x00000000, range(16), (3, 7, 11, 19)),
        (lambda x, y, z: x & y | x & z | y & z, 0x5a827999,
         [i + 4 * j for i in range(4) for j in range(4)], (3, 5, 9, 13)),
        (lambda x, y, z: x ^ y ^ z, 0x6ed9eba1,
         (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)))
    padded = data + b'\x80' + b'\0' * ((55 - len(data)) % 64) + struct.pack('<Q', 8 * len(data))
    state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
    for at in range(0, len(padded), 64):
        words = struct.unpack_from('<16I', padded, at)
        a, b, c, d = state
        for mix, constant, order, shifts in rounds:
            for step, index in enumerate(order):
                a = rotate(a + mix(b, c, d) + words[index] + constant, shifts[step % 4])
                a, b, c, d = d, a, b, c
        state = [(old + new) & 0xffffffff for old, new in zip(state, (a, b, c, d))]
    return struct.pack('<4I', *state)


# FIPS 46-3. Bits are numbered from 1, the most significant first.
_IP = [bit for first in (58, 60, 62, 64, 57, 59, 61, 63) for bit in range(first, 0, -8)]
_FP = [_IP.index(i + 1) + 1 for i in range(64)]
_E = [(4 * (i // 6) + i % 6 - 1) % 32 + 1 for i in range(48)]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
      2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
_PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3,
        60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45,
        37, 29, 21, 13, 5, 28, 20, 12, 4]
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
        41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29,
        32]
_SHIFTS = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
# The four rows of each box, a hexadecimal digit per entry.
_S = [[int(digit, 16) for digit in box] for box in (
    'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
    'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
    'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
    '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
    '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
    'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
    '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
    'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b')]


def _pick(value, width, table):
    out = 0
    for bit in table:
        out = out << 1 | value >> (width - bit) & 1
    return out


def des(key7, block):
    """Encrypts 8 bytes with a 56-bit key, to which the (unused) parity bits are added here."""
    bits = int.from_bytes(key7, 'big')
    key = 0
    for i in range(8):
        key = key << 8 | (bits >> (49 - 7 * i) & 0x7f) << 1
    halves = _pick(key, 64, _PC1)
    c, d = halves >> 28, halves & 0xfffffff
    block = _pick(int.from_bytes(block, 'big'), 64, _IP)
    left, right = block >> 32, block & 0xffffffff
    for shift in _SHIFTS:
        c, d = ((h << shift | h >> (28 - shift)) & 0xfffffff for h in (c, d))
        mixed = _pick(right, 32, _E) ^ _pick(c << 28 | d, 56, _PC2)
        out = 0
        for box in range(8):
            six = mixed >> (42 - 6 * box) & 0x3f
            out = out << 4 | _S[box][(six >> 4 & 2 | six & 1) * 16 + (six >> 1 & 15)]
        left, right = right, left ^ _pick(out, 32, _P)
    return _pick(right << 32 | left, 64, _FP).to_bytes(8, 'big')


def password_hash(password):
    return md4(password.encode('utf-16-le'))


def nt_response(authenticator, peer_challenge, user, password):
    """RFC 2759 section 8.1: the 24 bytes that answer the server's challenge."""
    challenge = hashlib.sha1(peer_challenge + authenticator + user.encode()).digest()[:8]
    key = password_hash(password).ljust(21, b'\0')
    return b''.join(des(key[i:i + 7], challenge) for i in (0, 7, 14))


_MAGIC1 = b'This is the MPPE Master Key'
_MAGIC2 = (b'On the client side, this is the send key; '
           b'on the server side, it is the receive key.')
_MAGIC3 = (b'On the client side, this is the receive key; '
           b'on the server side, it is the send key.')


def client_hlak(password, response):
    """The client's higher-layer key of MS-SSTP: MasterSendKey and MasterReceiveKey, 32 bytes."""
    twice = md4(password_hash(password))
    master = hashlib.sha1(twice + response + _MAGIC1).digest()[:16]

    def key(magic):
        return hashlib.sha1(master + b'\0' * 40 + magic + b'\xf2' * 40).digest()[:16]

    return key(_MAGIC2) + key(_MAGIC3)
