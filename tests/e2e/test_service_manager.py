#!/usr/bin/python3
"""The daemon under a service manager: what it says, when it is fed, which sockets it is given."""
# SPDX-License-Identifier: Apache-2.0
import collections
import contextlib
import os
import re
import signal
import socket
import time

from lib import case, manager, proc, streams, tracer
from lib.balancer import Balancer, binary, pool

WATCHDOG = 0.6  # seconds: it is to be fed three times as often


class ServiceCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.echo = streams.NamedEcho(self, 'b1')

    def balancer(self, **more):
        return Balancer(self, {'main': pool({'b1': self.echo.port})}, **more)


class NotifyTest(ServiceCase):
    def started(self, balancer, abstract=True, **env):
        """The notify socket of a balancer that has said it is ready."""
        notify = manager.NotifySocket(self, abstract)
        balancer.start(env={'NOTIFY_SOCKET': notify.name, **env})
        notify.first = notify.wait('READY')
        return notify

    def test_ready_is_said_once_and_clients_are_served_then(self):
        for abstract in (True, False):
            with self.subTest(abstract=abstract):
                notify = manager.NotifySocket(self, abstract)
                balancer = self.balancer(name=f'abstract-{abstract}')
                balancer.write_config()
                balancer.process = self.start(
                    [balancer.binary, 'run', '-c', balancer.config_path], balancer.name,
                    env={'NOTIFY_SOCKET': notify.name})
                ready = notify.wait('READY')
                # At once: nobody has waited for a port.
                self.assertTrue(streams.Session(self, balancer.port).alive())
                self.assertEqual(ready, {'READY': '1',
                                         'STATUS': '0 sessions, 1 of 1 backends ready'})
                self.assertIs(notify.said[0], ready)
                balancer.stop()
                self.assertEqual(sum('READY' in m for m in notify.said), 1)

    def test_the_status_follows(self):
        balancer = self.balancer()
        notify = self.started(balancer)
        streams.Session(self, balancer.port)
        self.assertEqual(notify.wait('STATUS'), {'STATUS': '1 session, 1 of 1 backends ready'})
        balancer.ok('backend', 'drain', 'main/b1')
        self.assertEqual(notify.wait('STATUS'), {'STATUS': '1 session, 0 of 1 backends ready'})
        balancer.stop()

    def assert_reloads(self, notify, reload):
        before = time.monotonic()
        reload()
        begun = notify.wait('RELOADING')
        self.assertEqual(begun['RELOADING'], '1')
        self.assertGreaterEqual(int(begun['MONOTONIC_USEC']), int(before * 1e6))
        self.assertLessEqual(int(begun['MONOTONIC_USEC']), time.monotonic() * 1e6)
        self.assertIn('backends ready', notify.wait('READY')['STATUS'])

    def test_a_reload_has_a_begin_and_an_end(self):
        balancer = self.balancer()
        notify = self.started(balancer)
        self.assert_reloads(notify, lambda: balancer.process.send_signal(signal.SIGHUP))
        self.assert_reloads(notify, lambda: balancer.ok('reload'))
        # One that is refused is over as well; one that only looks is none.
        balancer.ok('reload', '--dry-run')
        balancer.write_config('nonsense')
        self.assert_reloads(notify, lambda: balancer.command('reload'))
        self.assertEqual(sum('RELOADING' in m for m in notify.said), 3)
        self.assertTrue(streams.Session(self, balancer.port).alive())
        balancer.stop()

    def test_a_stop_asks_for_time_as_long_as_a_session_lives(self):
        balancer = self.balancer(global_={'shutdown_grace': '120s'})
        notify = self.started(balancer)
        session = streams.Session(self, balancer.port)
        balancer.process.send_signal(signal.SIGTERM)
        self.assertEqual(notify.wait('STOPPING'),
                         {'STOPPING': '1', 'STATUS': 'stopping: 1 session, closed within 2m'})
        for _ in range(3):
            more = int(notify.wait('EXTEND_TIMEOUT_USEC')['EXTEND_TIMEOUT_USEC'])
            self.assertGreaterEqual(more, 5_000_000)
        self.assertTrue(session.alive())
        session.close()
        self.assertEqual(balancer.process.wait_exit(10), 0)
        while notify.next(0):
            pass
        self.assertEqual(sum('STOPPING' in m for m in notify.said), 1)
        self.assertEqual(sum('READY' in m for m in notify.said), 1)

    def test_an_upgrade_makes_the_new_process_the_main_one(self):
        balancer = self.balancer()
        notify = self.started(balancer)
        session = streams.Session(self, balancer.port)
        notify.wait('STATUS')
        old = balancer.process
        upgrading = streams.background(balancer.ok, 'upgrade')
        self.wait(notify.unread, 15, 'the new one to be ready')
        # Were the old one to end now, systemd would take that for the end of the service.
        with self.assertRaises(proc.WaitTimeout):
            old.wait_exit(1.3)
        main = notify.next()
        self.assertIn('BARRIER', notify.next())
        upgrading.join()
        new = balancer.ask('status')['pid']
        self.assertNotEqual(new, old.pid)
        self.assertEqual(main, {'MAINPID': str(new), 'READY': '1',
                                'STATUS': '1 session, 1 of 1 backends ready'})
        balancer.follow(new)
        notify.never('STOPPING', 0.5)
        self.assertFalse([m for m in notify.said if 'STOPPING' in m])
        self.assertTrue(session.alive())
        session.close()
        balancer.stop()
        self.assertIn('STOPPING', notify.wait('STOPPING'))

    def test_without_a_manager_it_serves(self):
        balancer = self.balancer().start(env={'NOTIFY_SOCKET': '/nowhere/at/all'})
        self.assertTrue(streams.Session(self, balancer.port).alive())
        balancer.stop()


class WatchdogTest(ServiceCase):
    def started(self):
        notify = manager.NotifySocket(self)
        balancer = self.balancer(global_={'workers': 3}).start(
            prefix=manager.prefix(),
            env={'NOTIFY_SOCKET': notify.name, 'WATCHDOG_USEC': str(int(WATCHDOG * 1e6))})
        notify.wait('READY')
        return balancer, notify

    def assert_fed(self, notify):
        for _ in range(4):
            notify.wait('WATCHDOG', 10)

    def test_it_is_fed_in_time(self):
        balancer, notify = self.started()
        self.assert_fed(notify)
        begun, feeds = time.monotonic(), 10
        for _ in range(feeds):
            notify.wait('WATCHDOG')
        self.assertLess(time.monotonic() - begun, feeds * WATCHDOG)
        balancer.stop()

    def test_after_an_upgrade_the_new_process_feeds_it(self):
        balancer, notify = self.started()
        for _ in range(2):
            upgrading = streams.background(balancer.ok, 'upgrade')
            main = notify.wait('MAINPID', 15)
            self.assertIn('BARRIER', notify.next())
            balancer.follow(int(main['MAINPID']))
            upgrading.join()
            begun, feeds = time.monotonic(), 10
            for _ in range(feeds):
                notify.wait('WATCHDOG')
            self.assertLess(time.monotonic() - begun, feeds * WATCHDOG)
        balancer.stop()

    def test_a_worker_that_is_stuck_ends_the_feeding_until_it_goes_on(self):
        balancer, notify = self.started()
        for worker in range(3):
            with self.subTest(worker=worker):
                said = len(balancer.process.log())
                with tracer.stopped(tracer.thread(balancer.process.pid, f'worker-{worker}')):
                    self.wait(lambda: f'worker stuck worker={worker} ' in
                              balancer.process.log()[said:], 10, 'the log to name the worker')
                    while notify.next(0):  # from before it was stuck
                        pass
                    notify.never('WATCHDOG', 2 * WATCHDOG)
                    self.assertEqual(balancer.process.log()[said:].count('worker stuck'), 1)
                self.assert_fed(notify)
                self.assertIn('workers answer again', balancer.process.log()[said:])
                self.assertTrue(streams.Session(self, balancer.port).alive())
        balancer.stop()

    def test_a_control_loop_that_is_stuck_ends_the_feeding_until_it_goes_on(self):
        balancer, notify = self.started()
        with tracer.stopped(balancer.process.pid):
            while notify.next(0):
                pass
            notify.never('WATCHDOG', 2 * WATCHDOG)
            self.assertTrue(streams.Session(self, balancer.port).alive(), 'workers serve')
        self.assert_fed(notify)
        balancer.stop()

    def test_it_is_fed_while_a_stop_takes_its_time(self):
        balancer, notify = self.started()
        balancer.config['global']['shutdown_grace'] = '120s'
        balancer.write_config()
        balancer.ok('reload')
        session = streams.Session(self, balancer.port)
        balancer.process.send_signal(signal.SIGTERM)
        notify.wait('STOPPING')
        self.assert_fed(notify)
        session.close()
        self.assertEqual(balancer.process.wait_exit(10), 0)

class ActivationTest(ServiceCase):
    """Sockets as a socket unit has them: opened by somebody else, who keeps them."""

    def socket(self, address=('127.0.0.1', 0), backlog=64):
        family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
        sock = socket.create_server(address, family=family, backlog=backlog)
        self.addCleanup(sock.close)
        return sock

    def started(self, *passed, balancer=None, **more):
        balancer = balancer or self.balancer(**more)
        return balancer.start(prefix=manager.prefix(passed),
                              pass_fds=[sock.fileno() for sock, _ in passed])

    def refused(self, *passed, balancer=None):
        """What a balancer says that does not start with these."""
        balancer = balancer or self.balancer()
        balancer.write_config()
        process = self.start([*manager.prefix(passed), balancer.binary, 'run', '-c',
                              balancer.config_path], 'sstplb',
                             pass_fds=[sock.fileno() for sock, _ in passed])
        self.assertEqual(process.wait_exit(10), 2, process.log())
        return process.log()

    def inodes(self, balancer, sock):
        """How many descriptors of the process are this socket."""
        inode = f'socket:[{os.fstat(sock.fileno()).st_ino}]'
        return list(balancer.process.open_fds().values()).count(inode)

    def assert_serves(self, port, host='127.0.0.1'):
        session = streams.Session(self, port, host=host)
        self.assertTrue(session.alive(), session.backend)

    def test_a_socket_with_the_name_of_a_listener_is_served_wherever_it_is(self):
        passed = self.socket()
        balancer = self.started((passed, 'vpn'))
        self.assert_serves(passed.getsockname()[1])
        self.assertFalse(proc.accepts(balancer.port), 'the configured port is not bound')
        self.assertIn(f'127.0.0.1:{passed.getsockname()[1]}', balancer.ok('status'))
        self.assertEqual(self.inodes(balancer, passed), 3, 'one for each worker, and the first')
        balancer.stop()

    def test_a_socket_with_the_address_of_a_listener_is_served_and_the_rest_is_bound(self):
        balancer = self.balancer()
        other = proc.free_port()
        balancer.config['listener']['vpn']['bind'].append(f'127.0.0.1:{other}')
        passed = self.socket(('127.0.0.1', balancer.port))
        self.started((passed, 'sstplb.socket'), balancer=balancer)
        self.assert_serves(balancer.port)
        self.assert_serves(other)
        self.assertEqual(self.inodes(balancer, passed), 3)
        balancer.stop()

    def test_every_worker_takes_clients_from_the_one_socket(self):
        passed = self.socket()
        balancer = self.started((passed, 'vpn'), global_={'workers': 4})
        port = passed.getsockname()[1]
        # Stopped but one, each of them has to take them all.
        threads = [tracer.thread(balancer.process.pid, f'worker-{i}') for i in range(4)]
        for running in threads:
            with contextlib.ExitStack() as stack:
                for tid in threads:
                    if tid != running:
                        stack.enter_context(tracer.stopped(tid))
                for _ in range(3):
                    self.assert_serves(port)
        balancer.stop()

    def test_every_worker_has_its_share(self):
        passed = self.socket()
        balancer = self.started((passed, 'vpn'), global_={'workers': 4})
        for _ in range(80):
            streams.Session(self, passed.getsockname()[1])
        # A session's id names its worker in the lowest byte.
        shares = collections.Counter(int(number, 16) & 0xff for number in re.findall(
            r'session open id=(\w+)', balancer.process.log()))
        self.assertEqual(sorted(shares), [0, 1, 2, 3], shares)
        self.assertGreater(min(shares.values()), 5, shares)
        balancer.stop()

    def test_clients_wait_while_the_balancer_is_started_anew(self):
        passed = self.socket()
        port = passed.getsockname()[1]
        early = streams.connect(port)  # before anybody serves
        self.addCleanup(early.close)
        early.sendall(streams.client_hello())
        balancer = self.started((passed, 'vpn'))
        self.assertEqual(streams.read_record(early), b'b1')
        early.close()
        balancer.wait_sessions(0)
        balancer.stop()
        between = streams.connect(port)
        self.addCleanup(between.close)
        between.sendall(streams.client_hello())
        self.started((passed, 'vpn'), balancer=balancer)
        self.assertEqual(streams.read_record(between), b'b1')
        balancer.stop()

    def test_a_reload_gives_a_socket_up_and_takes_it_again(self):
        passed = self.socket(('127.0.0.1', proc.free_port()))
        port = passed.getsockname()[1]
        balancer = self.balancer()
        balancer.config['listener']['second'] = {'bind': [f'127.0.0.1:{port}'], 'pool': 'main'}
        self.started((passed, 'x'), balancer=balancer)
        live = streams.Session(self, port)
        second = balancer.config['listener'].pop('second')
        balancer.write_config()
        balancer.ok('reload')
        self.wait(lambda: not proc.accepts(port), 5, 'clients to be refused')
        self.assertTrue(live.alive())
        balancer.config['listener']['second'] = second
        balancer.write_config()
        balancer.ok('reload')
        self.assert_serves(port)
        self.assertTrue(live.alive())
        balancer.stop()

    def test_the_whole_balancer_is_drained_and_taken_back(self):
        passed = self.socket(('127.0.0.1', proc.free_port()))
        port = passed.getsockname()[1]
        balancer = self.started((passed, 'vpn'), global_={'drain_notice': '0s'})
        balancer.ok('drain')
        self.wait(lambda: not proc.accepts(port), 5, 'clients to be refused')
        balancer.ok('drain', '--undo')
        self.wait(lambda: proc.accepts(port), 5, 'clients to be taken')
        self.assert_serves(port)
        balancer.ok('drain')
        self.wait(lambda: not proc.accepts(port), 5, 'clients to be refused')
        balancer.stop()
        self.assertTrue(proc.accepts(port), 'what the manager keeps listens')

    def test_ipv6(self):
        passed = self.socket(('::1', 0))  # create_server: of IPv6 alone
        balancer = self.started((passed, 'vpn'))
        self.assert_serves(passed.getsockname()[1], '::1')
        balancer.stop()

    def test_the_admin_socket(self):
        for name in ('admin', 'sstplb-admin.socket'):
            with self.subTest(name):
                balancer = self.balancer(name=name)
                sock = socket.socket(socket.AF_UNIX)
                self.addCleanup(sock.close)
                sock.bind(str(balancer.socket))
                sock.listen()
                self.started((sock, name), balancer=balancer)
                self.assertIn('b1', balancer.ok('status'))
                self.assert_serves(balancer.port)
                balancer.stop()
                self.assertTrue(balancer.socket.exists(), 'its file is the manager\'s')

    def test_the_admin_socket_is_the_managers_over_upgrades(self):
        balancer = self.balancer()
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.bind(str(balancer.socket))
        sock.listen()
        self.started((sock, 'admin'), balancer=balancer)
        balancer.upgrade()
        self.assertTrue(balancer.socket.exists())
        # One that no longer uses it leaves it alone, too.
        passed = balancer.socket
        balancer.socket = passed.with_name('other.sock')
        balancer.config['admin']['socket'] = str(balancer.socket)
        balancer.write_config()
        balancer.process.send_signal(signal.SIGUSR2)
        self.wait(lambda: balancer.command('status').returncode == 0, 10, 'the new socket')
        balancer.follow(balancer.ask('status')['pid'])
        self.assertTrue(passed.exists(), 'its file is the manager\'s')
        balancer.stop()

    def test_what_nobody_would_serve_is_an_error_that_names_it(self):
        passed = self.socket()
        at = '127.0.0.1:%d' % passed.getsockname()[1]
        self.assertRegex(self.refused((passed, 'web')),
                         f'socket "web" .descriptor 3, {at}. stands for no listener')
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        said = self.refused((passed, 'vpn'), (datagrams, 'vpn'), balancer=self.balancer(name='2'))
        self.assertRegex(said, r'socket "vpn" .descriptor 4.*is no TCP socket')
        both = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.addCleanup(both.close)
        self.assertIn('BindIPv6Only=ipv6-only',
                      self.refused((both, 'vpn'), balancer=self.balancer(name='3')))

    def test_what_was_passed_to_another_process_is_left_alone(self):
        balancer = self.balancer().start(
            env={'LISTEN_PID': '1', 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'vpn'})
        self.assert_serves(balancer.port)
        balancer.stop()


if __name__ == '__main__':
    case.main()
