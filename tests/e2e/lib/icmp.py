"""ICMP echo in IPv4 packets, built and read (RFC 791, 792)."""
# SPDX-License-Identifier: Apache-2.0
import ipaddress
import struct


def _checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(source, target, ident, seq, payload):
    icmp = struct.pack('>BBHHH', 8, 0, 0, ident, seq) + payload
    icmp = icmp[:2] + struct.pack('>H', _checksum(icmp)) + icmp[4:]
    header = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(icmp), seq, 0, 64, 1, 0,
                         ipaddress.IPv4Address(source).packed, ipaddress.IPv4Address(target).packed)
    return header[:10] + struct.pack('>H', _checksum(header)) + header[12:] + icmp


def parse_echo_reply(packet):
    """(source, ident, seq, payload) of an ICMP echo reply, or None for any other packet."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != 1:
        return None
    at = (packet[0] & 15) * 4
    length = struct.unpack_from('>H', packet, 2)[0]
    kind, _, _, ident, seq = struct.unpack_from('>BBHHH', packet, at)
    if kind != 0 or _checksum(packet[at:length]) != 0:
        return None
    return ipaddress.IPv4Address(packet[12:16]), ident, seq, packet[at + 8:length]
