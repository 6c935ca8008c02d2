#!/usr/bin/python3
"""What sstplb knows of SSTP, shown on real servers: three SoftEther VPN servers and Debian's
broken one. Their certificates, clients that cannot log in, who still breathes, what `check
--online` finds, who is sent home, and what probing costs them."""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import signal
import ssl
import time

from lib import case, pinger, proc, softether
from lib.balancer import Balancer, binary
from lib.sensing import networks
from lib.softether import NAME

QUICK = {'interval': '500ms', 'fast_interval': '300ms', 'timeout': '2s'}
ALL = ('vpn1', 'vpn2', 'vpn3')


def full(names):
    return [f'main/{name}' for name in names]


def sha256(certificate):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())).hexdigest()


class SoftEtherSensingTest(softether.FarmCase):
    def load(self, balancer, sources, *more, password=softether.PASSWORD, hold='1s'):
        """The words of a load with a tunnel from each of these sources."""
        path = self.dir / f'password-{password}'
        path.write_text(f'{password}\n')
        return [binary(), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', str(len(sources)),
                '--rate', '50/s', '--hold', hold, '--depth', 'ppp', '--timeout', '20s',
                '--sni', NAME, '--user', softether.USER, '--password-file', path,
                '--source', ','.join(sources), '--json', *more]

    def run_load(self, balancer, sources, **more):
        """How many came up; each carries enough to count as good."""
        done = proc.run(self.load(balancer, sources, '--payload', '100KiB/s', **more), timeout=60)
        return json.loads(done.stdout)['came_up']

    def test_certificates_that_differ_do_not_cover_and_change(self):
        balancer = Balancer(self, {'main': self.farm(*ALL, probe=QUICK)}, {'route': [
            {'sni': [NAME, 'ras.sstp.test'], 'pool': 'main'}]}).start()
        balancer.wait_health('up', *full(ALL))

        def metric(name, **labels):
            return balancer.metric(f'sstplb_backend_certificate_{name}', pool='main', **labels)

        differ = balancer.wait_told('certificates differ', pool='main')
        self.assertRegex(differ['certificates'], r'vpn\d: \w{8} vpn\d: \w{8}')
        self.assertEqual(metric('mismatch'), 1)
        for name in ALL:
            balancer.wait_told('certificate does not cover', backend=f'main/{name}',
                               missing='ras.sstp.test')
            shown = balancer.backends()[f'main/{name}']['certificate']
            self.assertEqual(set(shown['findings']), {'names'})
            self.assertEqual(shown['sha256'], sha256(self.servers[name].certificate))
        self.assertEqual(metric('trouble', finding='names'), 3)

        # One is renewed while it runs, with the name that it lacked; its tunnels stay.
        server = self.servers['vpn2']
        balancer.ok('backend', 'weight', 'main/vpn1', '0')
        balancer.ok('backend', 'weight', 'main/vpn3', '0')
        tunnel, = self.open(balancer, ['127.0.1.1'])
        before = sha256(server.certificate)
        server.show(self.authorities['vpn2'].issue(NAME, ['ras.sstp.test'], rsa=True))
        changed = balancer.wait_told('certificate changed', backend='main/vpn2')
        self.assertEqual(changed['was'], before)
        self.assertEqual(balancer.backends()['main/vpn2']['certificate']['sha256'],
                         sha256(server.certificate))
        self.assertEqual((metric('changes_total', backend='vpn2'), metric('changes_total')), (1, 1))
        self.assertEqual(metric('trouble', backend='vpn2'), 0)
        self.assertEqual(metric('mismatch'), 1)
        self.assertEqual(tunnel.ping(count=3).received, 3)
        tunnel.disconnect()
        balancer.stop()

    def test_who_shows_a_certificate_of_another_authority_is_not_let_in(self):
        verified = {**QUICK, 'verify': 'name', 'sni': NAME,
                    'ca_file': str(self.authorities['vpn1'].cert)}
        pools = {'main': self.farm('vpn1', 'vpn2', probe=verified),
                 'other': self.farm('vpn1', probe={**verified, 'sni': 'ras.sstp.test'})}
        balancer = Balancer(self, pools, {'route': [
            {'sni': ['ras.sstp.test'], 'pool': 'other'}]}).start()
        balancer.wait_health('up', 'main/vpn1')
        balancer.wait_health('down', 'main/vpn2', 'other/vpn1')
        shown = balancer.backends()
        self.assertEqual([shown[name]['probe']['outcome']
                          for name in ('main/vpn1', 'main/vpn2', 'other/vpn1')],
                         ['ok', 'certificate_invalid', 'certificate_name_mismatch'])
        self.assertEqual([shown[name]['certificate']['verified']
                          for name in ('main/vpn1', 'main/vpn2')], [True, False])
        for tunnel in self.open(balancer, ['127.0.1.1', '127.0.2.1']):
            self.assertEqual(self.server_of(tunnel), 'vpn1')
            tunnel.disconnect()
        balancer.stop()

    def test_a_wrong_password_ejects_nobody(self):
        balancer = Balancer(self, {'main': self.farm(*ALL, balance='round-robin',
                                                     ejection={'min_failures': 3})}).start()
        self.assertEqual(self.run_load(balancer, networks(12), password='wrong'), 0)

        def signals(**labels):
            return balancer.metric('sstplb_backend_signals_total', **labels)

        self.wait(lambda: signals(signal='died_early') == 12, 10, 'twelve signals')
        self.assertEqual(signals(), 12)
        self.wait(lambda: all(b['sensed']['failures'] == 4 for b in balancer.backends().values()),
                  10, lambda: f'all to be known: {balancer.backends()}')
        self.assertEqual([b['ejection'] for b in balancer.backends().values()], [None] * 3)
        self.assertEqual([e for e in balancer.events() if 'went' in e['fields']], [])
        self.assertEqual(self.run_load(balancer, networks(3)), 3)
        balancer.stop()

    def test_a_server_that_lost_its_users_is_ejected_and_comes_back(self):
        balancer = Balancer(self, {'main': self.farm(
            *ALL, balance='round-robin', probe=QUICK,
            ejection={'min_failures': 3, 'base_time': '6s'})}).start()
        balancer.wait_health('up', *full(ALL))
        tunnels = self.open(balancer, networks(3))
        self.assertEqual({self.server_of(t) for t in tunnels}, set(ALL))
        pingers = [pinger.Pinger(tunnel) for tunnel in tunnels]
        server = self.servers['vpn2']
        server.remove_user()
        try:
            self.assertEqual(self.run_load(balancer, networks(12)[3:]), 6)
            gone = balancer.wait_told('backend main/vpn2', went='ejected')
            self.assertEqual((gone['signal'], gone['failures']), ('died_early', '3/3'))
            self.assertEqual(balancer.health('main/vpn2'), 'up')  # Probes cannot tell.
            self.assertEqual(self.run_load(balancer, networks(6)), 6)
        finally:
            server.create_user()
        balancer.wait_told('backend main/vpn2', went='readmitted', cause='time_up')
        again = self.open(balancer, networks(3))
        self.assertIn('vpn2', {self.server_of(t) for t in again})
        for p in pingers:
            p.stop()
            self.assertIsNone(p.error)
            self.assertEqual(p.lost, 0, f'{self.server_of(p.tunnel)}: lost {p.lost} of {p.sent}')
        balancer.stop()

    def test_who_breathes_and_who_does_not(self):
        balancer = Balancer(self, {'main': self.farm('vpn1', 'vpn2', balance='round-robin')},
                            {'rhythm': '6s'}).start()
        balancer.ok('backend', 'weight', 'main/vpn2', '0')
        # An idle tunnel: SoftEther asks every few seconds whether the client is there.
        idle, = self.open(balancer, ['127.0.1.1'])
        client = self.start(self.load(balancer, ['127.0.2.1'], '--payload', '1KiB/s', hold='60s'),
                            'client')
        balancer.wait_sessions(2)
        until = time.monotonic() + 9
        seen, longest = set(), 0
        while time.monotonic() < until:
            idle.idle(0.2)
            one = next(s for s in balancer.sessions() if s['client'].startswith('127.0.1.1:'))
            seen.add(one['liveness'])
            longest = max(longest, one['client_idle_seconds'], one['backend_idle_seconds'])
        self.assertEqual(seen, {'established'})
        self.assertGreater(longest, 1.5)  # Nobody but SoftEther kept it alive.

        self.servers['vpn1'].freeze()
        self.addCleanup(self.servers['vpn1'].thaw)

        def liveness():
            return {s['client'].rpartition(':')[0]: s['liveness'] for s in balancer.sessions()}

        self.wait(lambda: liveness() == {'127.0.1.1': 'quiet', '127.0.2.1': 'one_way'}, 15,
                  lambda: f'silence, there is {liveness()}')
        client.send_signal(signal.SIGSTOP)
        self.addCleanup(client.send_signal, signal.SIGCONT)
        self.wait(lambda: not balancer.sessions(), 20, 'both tunnels to be dead')
        self.assertEqual(balancer.metric('sstplb_sessions_closed_total', reason='dead'), 2)

        # A server that is gone is noticed by the next client, without a probe.
        self.servers['vpn1'].kill()
        self.addCleanup(self.servers['vpn1'].start)
        balancer.ok('backend', 'weight', 'main/vpn2', '100')
        for tunnel in self.open(balancer, networks(2)):
            self.assertEqual(self.server_of(tunnel), 'vpn2')
            tunnel.disconnect()
        self.wait(lambda: balancer.metric('sstplb_backend_signals_total', backend='vpn1',
                                          signal='connect_refused') >= 1, 10, 'the signal')
        balancer.stop()

    def check(self, pools):
        balancer = Balancer(self, pools, {'route': [
            {'sni': [NAME, 'ras.sstp.test'], 'pool': 'main'}]})
        balancer.write_config()
        return proc.run([binary(), 'check', '-c', balancer.config_path, '--online',
                         '--within', '20s'])

    def test_check_online_knows_the_farm(self):
        probe = {'server': 'softether', 'timeout': '1s', 'interval': '2s'}
        done = self.check({
            'main': self.farm('vpn1', 'debian', probe=probe),
            'auto': self.farm(*ALL, probe={**probe, 'server': 'auto'}),
            'rras': self.farm('vpn2', probe={**probe, 'server': 'rras'}),
            'proxy': self.farm('vpn3', probe=probe, proxy_protocol='v2')})
        said = done.stdout
        self.assertEqual(done.returncode, 0, said + done.stderr)
        for name in ALL:
            self.assertRegex(said, rf'pool\.auto\.backend\.{name} \S+: ok in .*; softether; '
                             rf'TLSv1\.3; certificate of {NAME}, 29 days left; names {NAME}')
        for line in (r'pool\.auto: \[certificates_differ\]',
                     r'pool\.main\.backend\.vpn1: \[certificate_names\] .*ras\.sstp\.test',
                     r"pool\.main\.backend\.debian: \[backend_unfit\] .*http_timeout.*Debian's",
                     r'pool\.rras\.backend\.vpn2: \[server_kind_differs\] .*like softether',
                     r'pool\.proxy\.proxy_protocol: \[proxy_protocol_unreadable\] softether',
                     r'pool\.proxy\.backend\.vpn3: \[backend_unfit\] .*proxy_rejected'):
            self.assertRegex(said, f'warning: {line}')
        self.assertNotRegex(said, r'pool\.auto\.backend\.\w+: \[(backend|certificate|server)_')

    def test_moved_clients_come_back_on_the_server_that_was_away(self):
        balancer = Balancer(self, {'main': self.farm(*ALL, balance='least-sessions')}).start()
        balancer.ok('backend', 'disable', 'main/vpn3')
        addresses = [f'127.0.2.{i + 1}' for i in range(12)]
        client = self.start(self.load(balancer, addresses, '--retry', '200ms', hold='600s'), 'load')

        def held():
            """{client: (session, backend)} of the tunnels that are up."""
            up = sum(server.sessions() for server in map(self.servers.get, ALL))
            return up == 12 and {s['client'].rpartition(':')[0]: (s['id'], s['backend'])
                                 for s in balancer.sessions()}

        before = self.wait(held, 30, 'twelve tunnels')
        self.assertEqual({backend for _, backend in before.values()}, {'vpn1', 'vpn2'})
        balancer.ok('backend', 'enable', 'main/vpn3')
        plan = balancer.ask('rebalance', 'main', '--dry-run')
        self.assertGreater(plan['total'], 1)
        balancer.ok('rebalance', 'main', '--budget', '36000/h')
        self.wait(lambda: len(balancer.told('rebalanced')) >= plan['total'], 15, 'the moves')
        self.wait(lambda: self.servers['vpn3'].sessions() == len(balancer.told('rebalanced')), 20,
                  'the moved ones to be back')
        after = self.wait(held, 10, 'twelve tunnels')
        moved = {e['client'] for e in balancer.told('rebalanced')}
        self.assertEqual({c for c, (_, backend) in after.items() if backend == 'vpn3'}, moved)
        self.assertEqual({c: after[c] for c in after if c not in moved},
                         {c: before[c] for c in before if c not in moved})
        self.assertTrue(client.running())
        balancer.stop()

    def probed(self, names):
        """For how long six probes went on, that pools of these names asked of one server."""
        server = self.servers['vpn1']
        probe = {'interval': '200ms', 'fast_interval': '200ms', 'timeout': '2s',
                 'budget': '1/s burst 1'}
        pools = {name: self.farm('vpn1', probe={**probe, 'sni': f'{name}.sstp.test'})
                 for name in names}
        before = len(server.sessions_logged())
        balancer = Balancer(self, pools, {'route': [
            {'sni': [f'{name}.sstp.test'], 'pool': name} for name in names]},
            name='-'.join(names)).start()
        self.wait(lambda: len(server.sessions_logged()) >= before + 6, 15, 'six probes')
        for name in names:
            self.assertGreater(balancer.metric('sstplb_probes_total', pool=name), 0)
            self.assertGreater(balancer.metric('sstplb_probes_postponed_total', pool=name), 0)
        balancer.stop()
        logged = server.sessions_logged()[before:]
        seconds = (logged[-1] - logged[0]).total_seconds()
        self.assertLessEqual(len(logged), seconds + 2, logged)
        return (logged[5] - logged[0]).total_seconds()

    def test_a_budget_is_kept_whoever_asks(self):
        # Two questions to one address, and one: each pool would ask five times a second.
        self.assertAlmostEqual(self.probed(['main', 'other']), self.probed(['main']), delta=1)


if __name__ == '__main__':
    case.main()
