#!/usr/bin/python3
"""Rebalancing: who is moved where, how fast, who is left alone; over a restart and an upgrade."""
# SPDX-License-Identifier: Apache-2.0
import datetime
import time

from lib import case
from lib.balancer import Balancer, binary, pool
from lib.demo_farm import DemoFarm

TUNNELS = 60
# The balancer looks five times a second; the rest is for a busy machine.
SLACK = 0.6


def seconds(event):
    return datetime.datetime.fromisoformat(event['time'].replace('Z', '+00:00')).timestamp()


class RebalanceTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def start_farm(self, *late, global_=None, **options):
        """b1, b2, and servers that were away while the tunnels came, of which one is b3."""
        self.servers = {name: DemoFarm(self, name) for name in ('b1', 'b2', 'b3', *late)}
        pools = {'main': pool({name: server.address for name, server in self.servers.items()},
                              **{'balance': 'consistent-hash', 'max_load': 0, **options})}
        balancer = Balancer(self, pools, global_=global_ or {}).start()
        for name in ('b3', *late):
            balancer.ok('backend', 'disable', f'main/{name}')
        sources = ','.join(f'127.0.2.{i + 1}' for i in range(TUNNELS))
        self.load = self.start(
            [str(binary()), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', str(TUNNELS),
             '--rate', '200/s', '--hold', '600s', '--depth', 'ppp', '--user', 'any',
             '--password-file', str(self.password()), '--source', sources, '--retry', '100ms'],
            'load')
        self.wait(lambda: self.up() == TUNNELS, 20, lambda: f'the tunnels, {self.up()} are up')
        for name in ('b3', *late):
            balancer.ok('backend', 'enable', f'main/{name}')
        return balancer

    def password(self):
        path = self.dir / 'password'
        path.write_text('any\n')
        return path

    def up(self):
        return sum(server.counters()['tunnels'] for server in self.servers.values())

    def held(self, balancer):
        """{source: backend} of the tunnels."""
        return {s['client'].rpartition(':')[0]: s['backend'] for s in balancer.sessions()}

    def moved(self, balancer):
        return [e for e in balancer.events() if e['what'] == 'rebalanced']

    def home(self, balancer, source):
        return balancer.ask('explain', '--source', source)['backend']

    def plan(self, balancer):
        return balancer.ask('rebalance', 'main', '--dry-run')

    def wait_moved(self, balancer, count, timeout=20):
        self.wait(lambda: len(self.moved(balancer)) >= count, timeout,
                  lambda: f'{count} to be moved: {self.moved(balancer)}')

    def test_a_dry_run_prints_the_plan_and_moves_nobody(self):
        balancer = self.start_farm()
        before = self.held(balancer)
        plan = self.plan(balancer)
        belong = {source for source in before if self.home(balancer, source) == 'b3'}
        self.assertGreater(len(belong), 5)
        self.assertEqual(plan['total'], len(plan['moves']))
        self.assertGreater(plan['total'], 3)
        idle = [move['idle_seconds'] for move in plan['moves']]
        self.assertEqual(idle, sorted(idle, reverse=True))
        for move in plan['moves']:
            self.assertEqual((move['from'], move['to']), (before[move['client']], 'b3'))
            self.assertIn(move['client'], belong)
        text = balancer.ok('rebalance', 'main', '--dry-run')
        self.assertRegex(text, r'b3 +0 +20\.0 +room for 20')
        self.assertIn(f'{plan["total"]} to move; the longest silent first', text)
        self.assertEqual(self.held(balancer), before)
        self.assertEqual(self.moved(balancer), [])
        balancer.stop()

    def test_clients_go_home_at_the_pace_of_the_budget(self):
        balancer = self.start_farm()
        plan = self.plan(balancer)
        begun = time.time()
        # Four a second.
        answer = balancer.ask('rebalance', 'main', '--budget', '14400/h', '--within', '1m')
        self.assertTrue(answer['rebalance']['by_operator'])
        count = plan['total']
        self.wait_moved(balancer, count)
        moved = self.moved(balancer)
        for number, event in enumerate(moved[:count]):
            self.assertGreater(seconds(event) - begun, number / 4 - 0.3, f'number {number}')
            self.assertLess(seconds(event) - begun, number / 4 + SLACK + 0.05 * number)
        self.wait(lambda: self.up() == TUNNELS, 20, 'all to be back')
        held = self.held(balancer)
        clients = [event['fields']['client'] for event in moved]
        self.assertEqual(len(set(clients)), len(clients))
        for event in moved:
            self.assertEqual(event['fields']['to'], 'main/b3')
            self.assertEqual(held[event['fields']['client']], 'b3')
        closed = balancer.metric('sstplb_sessions_closed_total', reason='rebalanced')
        self.assertEqual(closed, len(moved))
        self.assertEqual(balancer.metric('sstplb_rebalance_moved_total', pool='main'), len(moved))
        # Balanced within the tolerance, or what is left belongs where it is: nobody else is moved.
        self.wait(lambda: self.plan(balancer)['total'] == 0, 10, 'nothing to be left to move')
        balancer.ok('rebalance', 'main', '--stop')
        self.assertEqual(balancer.command('rebalance', 'main', '--stop').returncode, 1)
        balancer.stop()

    def test_nobody_is_moved_twice_a_day_over_an_upgrade_and_a_restart(self):
        state = self.dir / 'state.json'
        balancer = self.start_farm(balance='least-sessions', global_={'state_file': str(state)})
        balancer.ok('rebalance', 'main', '--budget', '36000/h', '--within', '10m')
        self.wait(lambda: self.plan(balancer)['total'] == 0, 20, 'nothing to be left to move')
        self.wait(lambda: self.up() == TUNNELS, 20, 'all to be back')
        clients = {e['fields']['client'] for e in self.moved(balancer)}
        self.assertGreater(len(clients), 10)
        self.assertLess(len(clients), TUNNELS)
        # Now b1 has too few, and whoever comes from b3 was moved there.
        balancer.ok('backend', 'disable', 'main/b1')
        self.servers['b1'].drop()
        self.wait(lambda: balancer.active('main/b1') == 0 and self.up() == TUNNELS, 20,
                  'the others to carry all')
        for after in (balancer.upgrade, self.restart(balancer)):
            after()
            self.wait(lambda: self.up() == TUNNELS, 20, 'all to be back')
            self.assertTrue(balancer.ask('status')['pools'][0]['rebalance']['by_operator'])
            plan = self.plan(balancer)
            self.assertEqual(plan['remembered_clients'], len(clients))
        balancer.ok('backend', 'enable', 'main/b1')
        self.wait(lambda: self.plan(balancer)['total'] == 0, 20, 'nothing to be left to move')
        again = [e['fields']['client'] for e in self.moved(balancer)]
        self.assertGreater(len(again), 0)
        self.assertEqual(set(again) & clients, set())
        self.assertEqual(len(set(again)), len(again))
        balancer.stop()

    def test_a_plan_is_not_followed_to_a_backend_that_has_gone(self):
        balancer = self.start_farm('b4')
        self.assertEqual({move['to'] for move in self.plan(balancer)['moves']}, {'b3', 'b4'})
        balancer.ok('rebalance', 'main', '--budget', '14400/h')
        self.wait_moved(balancer, 1)
        balancer.ok('backend', 'disable', 'main/b3')
        before = len(self.moved(balancer))
        self.wait_moved(balancer, before + 5)
        # One may have been on its way.
        self.assertEqual({e['fields']['to'] for e in self.moved(balancer)[before + 1:]}, {'main/b4'})
        balancer.stop()

    def restart(self, balancer):
        def stop_and_start():
            balancer.stop()
            balancer.start()
        return stop_and_start

    def test_a_client_that_is_remembered_is_remembered_where_it_was_moved(self):
        balancer = self.start_farm(balance='source-ip')
        balancer.ok('rebalance', 'main', '--budget', '36000/h')
        self.wait(lambda: self.plan(balancer)['total'] == 0, 20, 'nothing to be left to move')
        self.wait(lambda: self.up() == TUNNELS, 20, 'all to be back')
        held = self.held(balancer)
        moved = self.moved(balancer)
        self.assertGreater(len(moved), 10)
        for event in moved:
            backend = event['fields']['to'].partition('/')[2]
            self.assertEqual(held[event['fields']['client']], backend)
            self.assertEqual(self.home(balancer, event['fields']['client']), backend)
        balancer.stop()

    def test_only_inside_the_window(self):
        now = datetime.datetime.now()

        def at(minutes):
            return (now + datetime.timedelta(minutes=minutes)).strftime('%H:%M')

        closed = {'budget': '36000/h', 'window': f'{at(120)}-{at(180)}'}
        balancer = self.start_farm(rebalance=dict(closed))
        status = balancer.ask('status')['pools'][0]['rebalance']
        self.assertFalse(status['active'])
        self.assertIsNotNone(status['begins'])
        self.assertGreater(self.plan(balancer)['total'], 3)
        self.assertEqual(self.moved(balancer), [])
        balancer.config['pool']['main']['rebalance']['window'] = f'{at(-120)}-{at(120)}'
        balancer.write_config()
        balancer.ok('reload')
        self.wait_moved(balancer, 3)
        begins = [e for e in balancer.events() if e['what'] == 'rebalance begins']
        self.assertEqual([e['fields']['decided'] for e in begins], ['configuration'])
        # Nobody was moved before.
        self.assertGreater(self.moved(balancer)[0]['sequence'], begins[0]['sequence'])
        balancer.config['pool']['main']['rebalance'] = closed
        balancer.write_config()
        balancer.ok('reload')
        self.wait(lambda: any(e['what'] == 'rebalance ends' for e in balancer.events()), 10,
                  'the end')
        balancer.stop()

    def test_without_a_budget_the_command_says_what_to_do(self):
        balancer = self.start_farm()
        said = balancer.command('rebalance', 'main')
        self.assertEqual(said.returncode, 2)
        self.assertIn('pool.main.rebalance.budget', said.stderr)
        self.assertEqual(balancer.command('rebalance', 'nobody', '--dry-run').returncode, 1)
        balancer.stop()


if __name__ == '__main__':
    case.main()
