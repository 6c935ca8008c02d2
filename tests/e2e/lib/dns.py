"""A DNS server for one test: a table of names, which the test may change at any time.

RFC 1035, over UDP, for the types A and AAAA.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import ipaddress
import socket
import struct

from . import streams

NO_SUCH_NAME = 3
SERVER_FAILURE = 2
_TYPES = {1: 4, 28: 6}  # A, AAAA: the version of IP


class Server:
    """`table` has, by lower-case name, a list of addresses, or a code with which it fails."""

    TTL = 1

    def __init__(self, test, address='127.0.0.1', port=53):
        self.table = {}
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        test.addCleanup(self._stop)
        self._thread = streams.background(self._serve)

    def _stop(self):
        with contextlib.suppress(OSError):  # it says so although it wakes the thread up
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _serve(self):
        while True:
            question, peer = self._socket.recvfrom(512)
            if not question:
                return
            self.questions += 1
            self._socket.sendto(self._answer(question), peer)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind, _ = struct.unpack_from('>HH', question, at + 1)
        found = self.table.get('.'.join(labels), NO_SUCH_NAME)
        code, addresses = (found, []) if isinstance(found, int) else (0, found)
        records = [ip.packed for ip in map(ipaddress.ip_address, addresses)
                   if ip.version == _TYPES.get(kind)]
        # An answer, recursion desired and available; one question, as it came (without EDNS).
        head = question[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, len(records), 0, 0)
        body = question[12:at + 5]
        for packed in records:  # 0xc00c: the name of the question
            body += struct.pack('>HHHIH', 0xc00c, kind, 1, self.TTL, len(packed)) + packed
        return head + body
