#!/usr/bin/python3
"""global.user: root opens the sockets, and somebody else serves."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import pwd
import unittest

from lib import case, namespace, streams
from lib.balancer import Balancer, binary, pool

USER = 'nobody'
NET_BIND_SERVICE = 1 << 10


def setUpModule():
    binary()
    namespace.enter()  # where port 443 is free


class PrivilegesTest(case.EndToEndCase):
    def setUp(self):
        super().setUp()
        self.class_dir.chmod(0o755)
        try:
            self.user = pwd.getpwnam(USER)
        except KeyError:
            raise unittest.SkipTest(f'there is no user {USER}') from None

    def folder(self, path):
        """A folder of the user's."""
        pathlib.Path(path).mkdir(exist_ok=True)
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def balancer(self, user=USER):
        """At 127.0.0.1:443, in front of one echo."""
        echo = streams.NamedEcho(self, 'b1')
        balancer = Balancer(self, {'main': pool({'b1': echo.port})},
                            {'bind': ['127.0.0.1:443']}, global_={'user': user})
        balancer.port = 443
        balancer.config['global']['state_file'] = str(self.folder(self.dir / 'state') / 'file')
        self.folder(balancer.socket.parent)
        return balancer

    def threads(self, balancer):
        """Of every thread: {field: [words]}, as in /proc/PID/task/TID/status."""
        for status in pathlib.Path(f'/proc/{balancer.process.pid}/task').glob('*/status'):
            yield {line.split(':')[0]: line.split(':')[1].split()
                   for line in status.read_text().splitlines()}

    def test_every_thread_is_the_user_with_one_capability(self):
        balancer = self.balancer().start()
        threads = list(self.threads(balancer))
        names = {thread['Name'][0] for thread in threads}
        self.assertLessEqual({'sstplb', 'worker-0', 'worker-1', 'prober'}, names)
        groups = {str(group) for group in os.getgrouplist(USER, self.user.pw_gid)}
        for thread in threads:
            with self.subTest(thread['Name'][0]):
                self.assertEqual(thread['Uid'], 4 * [str(self.user.pw_uid)])
                self.assertEqual(thread['Gid'], 4 * [str(self.user.pw_gid)])
                self.assertEqual(set(thread['Groups']), groups)
                caps = {which: int(thread[f'Cap{which}'][0], 16)
                        for which in ('Eff', 'Prm', 'Inh', 'Amb')}
                self.assertEqual(caps, {'Eff': NET_BIND_SERVICE, 'Prm': NET_BIND_SERVICE,
                                        'Inh': 0, 'Amb': 0})
        balancer.stop()

    def test_all_that_comes_later_still_works(self):
        balancer = self.balancer().start()
        session = streams.Session(self, 443)
        self.assertTrue(session.alive())

        # Steering, and what it writes.
        balancer.ok('backend', 'weight', 'main/b1', '55')
        state = pathlib.Path(balancer.config['global']['state_file'])
        self.assertEqual(state.stat().st_uid, self.user.pw_uid)
        self.assertIn('55', state.read_text())

        # A reload opens one more low port.
        balancer.config['listener']['vpn']['bind'].append('127.0.0.1:444')
        balancer.write_config()
        self.assertIn('127.0.0.1:444', balancer.ok('reload'))
        self.assertTrue(streams.Session(self, 444).alive())
        self.assertTrue(session.alive())

        balancer.stop()
        self.assertFalse(balancer.socket.exists())
        balancer.start()  # and reads again what it wrote
        self.assertEqual(balancer.backends()['main/b1']['weight'], 55)
        balancer.stop()

    def test_an_upgrade_keeps_what_the_user_may(self):
        balancer = self.balancer().start()
        session = streams.Session(self, 443)
        for port in (444, 445):
            # The successor opens a low port of its own.
            balancer.config['listener']['vpn']['bind'].append(f'127.0.0.1:{port}')
            balancer.write_config()
            balancer.upgrade()
            self.assertTrue(streams.Session(self, port).alive())
            self.assertTrue(session.alive())
            for thread in self.threads(balancer):
                self.assertEqual(thread['Uid'], 4 * [str(self.user.pw_uid)])
                caps = {which: int(thread[f'Cap{which}'][0], 16)
                        for which in ('Eff', 'Prm', 'Inh', 'Amb')}
                self.assertEqual(caps, {'Eff': NET_BIND_SERVICE, 'Prm': NET_BIND_SERVICE,
                                        'Inh': 0, 'Amb': 0})
        # Another user takes rights that were given up.
        balancer.config['global']['user'] = 'daemon'
        balancer.write_config()
        done = balancer.command('upgrade')
        self.assertEqual(done.returncode, 1, done)
        self.assertIn('global.user', done.stderr)
        self.assertTrue(session.alive())
        balancer.stop()
        self.assertFalse(balancer.socket.exists())

    def test_a_reload_is_refused_what_takes_rights_that_were_given_up(self):
        balancer = self.balancer().start()
        balancer.config['pool']['main']['source'] = 'transparent'
        balancer.write_config()
        done = balancer.command('reload')
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r'pool\.main\.source: "transparent" needs CAP_NET_ADMIN')
        self.assertTrue(streams.Session(self, 443).alive())
        balancer.stop()

    def assert_does_not_start(self, balancer, reason, prefix=()):
        balancer.write_config()
        process = self.start([*prefix, balancer.binary, 'run', '-c', balancer.config_path],
                             'sstplb')
        self.assertEqual(process.wait_exit(5), 2)
        self.assertRegex(process.log(), reason)

    def test_a_user_that_is_not_there_is_an_error(self):
        self.assert_does_not_start(self.balancer('sstplb-no-such-user'),
                                   'global.user: there is no user "sstplb-no-such-user"')

    def test_what_somebody_else_may_not_do_is_an_error(self):
        balancer = self.balancer('')
        balancer.config['pool']['main']['source'] = 'transparent'
        as_user = ['setpriv', f'--reuid={USER}', '--clear-groups', '--inh-caps=-all']
        self.assert_does_not_start(
            balancer, r'pool\.main\.source: "transparent" needs CAP_NET_ADMIN(.|\n)*'
            r'listener\.vpn\.bind: cannot listen on 127.0.0.1:443: Permission denied', as_user)


if __name__ == '__main__':
    case.main()
