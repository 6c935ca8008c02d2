#!/usr/bin/python3
"""An upgrade that cannot be says why, and every session runs on in the process that was there."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import shutil
import socket

from lib import case, handoff, proc, streams
from lib.balancer import Balancer, binary, pool


class RefusedHandoffTest(handoff.HandoffCase):
    def refused(self, balancer, *said, command=None):
        sessions = balancer.ask('status')['sessions_active']
        done = command() if command else balancer.command('upgrade', timeout=60)
        self.assertEqual(done.returncode, 1, done)
        for words in said:
            self.assertIn(words, done.stderr + done.stdout)
        status = balancer.ask('status')
        self.assertEqual(status['pid'], balancer.process.pid)
        self.assertEqual(status['sessions_active'], sessions)
        self.assertEqual(status['upgrade']['under_way'], False)

    def test_a_configuration_with_errors_is_refused_with_its_reasons(self):
        balancer = self.balancer(self.echoes('a'))
        session = streams.Session(self, balancer.port)
        good = balancer.config_path.read_text()
        balancer.write_config(good.replace('workers = 2', 'workers = "many"'))
        self.refused(balancer, 'global.workers', 'every session runs on')
        taken = socket.create_server(('127.0.0.1', proc.free_port()))
        self.addCleanup(taken.close)
        balancer.write_config(good.replace(f'127.0.0.1:{balancer.http_port}',
                                           f'127.0.0.1:{taken.getsockname()[1]}'))
        self.refused(balancer, 'admin.http')
        self.assertTrue(session.alive())
        self.assertEqual(balancer.metric('sstplb_handoffs_total', result='failed'), 2)
        balancer.write_config(good)
        balancer.upgrade()
        self.assertTrue(session.alive())
        self.assertEqual(balancer.metric('sstplb_handoffs_total', result='failed'), 2)

    def test_a_binary_that_is_gone_or_broken_is_refused(self):
        copy = self.dir / 'sstplb-copy'
        shutil.copy(binary(), copy)
        a, = self.echoes('a')
        balancer = Balancer(self, {'main': pool({'a': a.port})})
        balancer.binary = copy
        balancer.start()
        session = streams.Session(self, balancer.port)
        copy.unlink()
        balancer.binary = binary()
        self.refused(balancer, 'not there')
        copy.write_text('#!/bin/sh\nexit 3\n')
        copy.chmod(0o755)
        self.refused(balancer, 'status 3')
        copy.write_text('#!/bin/sh\nkill -SEGV $$\n')
        self.refused(balancer, 'signal 11')
        self.assertTrue(session.alive())
        # The real one again, at the same place.
        copy.unlink()
        shutil.copy(binary(), copy)
        balancer.upgrade()
        self.assertTrue(session.alive())

    def test_a_limit_of_open_files_that_is_too_low_is_refused(self):
        a, = self.echoes('a')
        balancer = self.balancer([a])
        sessions = [streams.Session(self, balancer.port) for _ in range(40)]
        new = self.start(['prlimit', '--nofile=64:64', binary(), 'run', '-c', balancer.config_path,
                          '--takeover'], 'new')
        self.assertEqual(new.wait_exit(15), 2)
        self.assertIn('files open', new.log())
        self.assertTrue(all(session.alive() for session in sessions))
        self.assertEqual(balancer.ask('status')['pid'], balancer.process.pid)

    def test_who_may_not_is_turned_away(self):
        balancer = self.balancer(self.echoes('a'))
        handoff = balancer.socket.with_name('admin.sock.handoff')
        self.assertEqual(handoff.stat().st_mode & 0o777, 0o600)
        handoff.chmod(0o666)
        handoff.parent.chmod(0o755)
        done = proc.run(['setpriv', '--reuid=65534', '--clear-groups', '/usr/bin/python3', '-c', f'''
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect({str(handoff)!r})
print(s.recv(1000))
'''])
        self.assertIn('only root', done.stdout, done.stderr)
        self.assertEqual(balancer.ask('status')['pid'], balancer.process.pid)

    def test_decisions_wait_while_another_process_takes_over(self):
        balancer = self.balancer(self.echoes('a'))
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as sock:
            sock.connect(str(balancer.socket.with_name('admin.sock.handoff')))
            hello = (0x73737470).to_bytes(4) + b'\0\1\0\1' + bytes(4) + (20000).to_bytes(4)
            sock.send(b'\1\0' + len(hello).to_bytes(4) + hello)
            self.assertEqual(sock.recv(70000)[0], 2)
            done = balancer.command('backend', 'weight', 'main/a', '7')
            self.assertEqual(done.returncode, 1, done)
            self.assertIn('taking over', done.stderr)
        self.wait(lambda: balancer.command('backend', 'weight', 'main/a', '7').returncode == 0, 10,
                  'it to be decided')

    def test_another_version_is_refused(self):
        balancer = self.balancer(self.echoes('a'))
        for lowest, highest in ((2, 3), (0, 0)):
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as sock:
                sock.connect(str(balancer.socket.with_name('admin.sock.handoff')))
                hello = ((0x73737470).to_bytes(4) + lowest.to_bytes(2) + highest.to_bytes(2) +
                         bytes(4) + (20000).to_bytes(4) + (0).to_bytes(4) + b'a field of the future')
                sock.send(b'\1\0' + len(hello).to_bytes(4) + hello)
                self.assertIn(b'versions', sock.recv(70000))
        # One that speaks more than this one is spoken to.
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as sock:
            sock.connect(str(balancer.socket.with_name('admin.sock.handoff')))
            hello = ((0x73737470).to_bytes(4) + b'\0\1\0\x09' + b'\xff' * 4 +
                     (20000).to_bytes(4) + (0).to_bytes(4) + b'a field of the future')
            sock.send(b'\1\0' + len(hello).to_bytes(4) + hello)
            offer = sock.recv(70000)
            self.assertEqual(offer[0], 2)
            self.assertEqual(offer[6:8], b'\0\1')
        self.wait(lambda: balancer.ask('status')['pid'] == balancer.process.pid, 5, 'an answer')


if __name__ == '__main__':
    case.main()
