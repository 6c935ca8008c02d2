#!/usr/bin/python3
"""The daemon under a service manager: what it says, when it is fed, which sockets it is given."""
# SPDX-License-Identifier: Apache-2.0
import signal
import time

from lib import case, manager, streams, tracer
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


if __name__ == '__main__':
    case.main()
