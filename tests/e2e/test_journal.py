#!/usr/bin/python3
"""global.log.target = "journald": what arrives at the journal's socket."""
# SPDX-License-Identifier: Apache-2.0
import os
import socket
import struct

from lib import case, namespace, streams
from lib.balancer import Balancer, binary, pool

SOCKET = '/run/systemd/journal/socket'


def setUpModule():
    binary()
    namespace.enter()
    # A /run of our own: the real journal, if there is one, hears nothing of this.
    namespace.run('mount', '-t', 'tmpfs', 'tmpfs', '/run')
    os.makedirs(os.path.dirname(SOCKET))


def parse(entry):
    """An entry of the journal's native protocol: NAME=value, or NAME, a size, and any bytes."""
    fields = {}
    while entry:
        line, _, entry = entry.partition(b'\n')
        name, plain, value = line.partition(b'=')
        if not plain:
            size, = struct.unpack_from('<Q', entry)
            value, entry = entry[8:8 + size], entry[8 + size + 1:]
        fields[name.decode()] = value.decode()
    return fields


class JournalTest(case.EndToEndCase):
    def setUp(self):
        super().setUp()
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(os.unlink, SOCKET)
        self.addCleanup(self.journal.close)
        self.journal.bind(SOCKET)
        self.journal.settimeout(5)
        self.echo = streams.NamedEcho(self, 'b1')

    def balancer(self, **log):
        return Balancer(self, {'main': pool({'b1': self.echo.port})},
                        global_={'log': {'target': 'journald', **log}}).start()

    def entry(self, event):
        """The next entry of this event."""
        while True:
            fields = parse(self.journal.recv(65536))
            if fields['SSTPLB_EVENT'] == event:
                return fields

    def test_a_session_has_its_fields_apart(self):
        balancer = self.balancer()
        session = streams.Session(self, balancer.port, 'vpn.test', '127.4.5.6')
        client = '127.4.5.6:%d' % session.sock.getsockname()[1]
        opened = self.entry('session open')
        self.assertLessEqual({'PRIORITY': '6', 'SYSLOG_IDENTIFIER': 'sstplb',
                              'SSTPLB_LISTENER': 'vpn', 'SSTPLB_CLIENT': client,
                              'SSTPLB_SNI': 'vpn.test', 'SSTPLB_POOL': 'main',
                              'SSTPLB_BACKEND': 'b1', 'SSTPLB_WHY': 'hash'}.items(),
                             opened.items())
        self.assertTrue(opened['MESSAGE'].startswith('session open id='), opened['MESSAGE'])
        self.assertNotIn('CODE_FILE', opened, 'where in our source is nobody\'s business')
        session.close()
        closed = self.entry('session close')
        self.assertEqual(closed['SSTPLB_ID'], opened['SSTPLB_ID'])
        self.assertEqual(closed['SSTPLB_REASON'], 'client_eof')
        self.assertGreater(int(closed['SSTPLB_TO_BACKEND']), 100)
        self.assertIn(f'id={opened["SSTPLB_ID"]} reason=client_eof', closed['MESSAGE'])
        self.assertEqual(balancer.process.log(), '', 'and nothing on stderr')
        balancer.stop()

    def test_a_level_is_a_priority_and_json_is_a_message(self):
        balancer = self.balancer(format='json')
        self.assertIn('"event":"started"', self.entry('started')['MESSAGE'])
        self.echo.stop_listening()
        sock = streams.connect(balancer.port)
        self.addCleanup(sock.close)
        sock.sendall(streams.client_hello('vpn.test'))
        failed = self.entry('connect failed')
        self.assertEqual((failed['PRIORITY'], failed['SSTPLB_BACKEND']), ('4', 'b1'))
        self.assertEqual(self.entry('session refused')['SSTPLB_REASON'], 'connect_failed')
        balancer.stop()

    def test_without_a_journal_the_balancer_serves(self):
        self.journal.close()
        balancer = self.balancer()
        self.assertTrue(streams.Session(self, balancer.port).alive())
        balancer.stop()


if __name__ == '__main__':
    case.main()
