#!/usr/bin/python3
"""What is known of the farm's certificates goes from one process to the next: an exchange between
the two is told, and nothing twice."""
# SPDX-License-Identifier: Apache-2.0
import json

from lib import ca, case, peers
from lib.balancer import Balancer, binary, pool
from lib.demo_farm import DemoFarm

PROBE = {'interval': '100ms', 'fast_interval': '50ms', 'timeout': '2s', 'certificate_warn': '14d'}
NEVER_AGAIN = ('certificates differ', 'certificates agree', 'certificate expires',
               'certificate does not cover', 'certificate in order')


class CertificatesTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def setUp(self):
        super().setUp()
        # Two that differ, one of which is in trouble.
        self.farms = {'vpn1': DemoFarm(self, 'vpn1', days=90),
                      'vpn2': DemoFarm(self, 'vpn2', kind='softether', days=5,
                                       names=['www.sstp.test'])}
        self.state = self.dir / 'state'
        self.balancer = Balancer(
            self, {'main': pool({n: f.port for n, f in self.farms.items()}, probe=PROBE)},
            {'route': [{'sni': ['vpn.sstp.test'], 'pool': 'main'}]},
            global_={'state_file': str(self.state)}).start()
        for what, of in (('certificate expires', 2), ('certificate does not cover', 2),
                         ('server learned', 1), ('server learned', 2)):
            self.wait_told(what, backend=f'main/vpn{of}')
        self.wait_told('certificates differ', pool='main')
        self.before = self.certificates()

    def told(self, what):
        return [e['fields'] for e in self.balancer.events() if e['what'] == what]

    def wait_told(self, what, **fields):
        self.wait(lambda: any(fields.items() <= said.items() for said in self.told(what)), 10,
                  lambda: f'{what} {fields}, has: {self.balancer.events()}')

    def certificates(self):
        """{backend: its certificate}, once all were probed by the process that runs."""
        def all_known():
            shown = {b['name']: b['certificate'] for b in self.balancer.backends().values()}
            return shown if all(shown.values()) else None

        return self.wait(all_known, 10, 'a probe of each backend')

    def exchange(self, name):
        """Another certificate at the same port, as good as a new one should be."""
        port = self.farms[name].port
        self.farms[name].stop()
        self.farms[name] = DemoFarm(self, f'{name}-renewed', port=port, days=90)

    def changes(self, name):
        return self.balancer.metric('sstplb_backend_certificate_changes_total', backend=name)

    def assert_told_only(self, *changed):
        """In this process; `changed` backends show another certificate than before it."""
        now = self.certificates()
        for name in changed:
            self.wait_told('certificate changed', backend=f'main/{name}')
        self.assertEqual([(c['backend'], c['was'], c['sha256'])
                          for c in self.told('certificate changed')],
                         [(f'main/{n}', self.before[n]['sha256'], now[n]['sha256'])
                          for n in changed])
        for what in NEVER_AGAIN:
            self.assertEqual(self.told(what), [], what)
        self.before = now

    def test_over_upgrades(self):
        self.balancer.upgrade()
        self.assert_told_only()
        self.assertEqual(self.told('server learned'), [])
        self.farms['vpn1'].stop()
        self.balancer.wait_health('down', 'main/vpn1')
        port = self.farms['vpn1'].port
        self.balancer.upgrade()
        self.farms['vpn1'] = DemoFarm(self, 'vpn1-renewed', port=port, days=90)
        self.assert_told_only('vpn1')
        self.assertEqual(self.changes('vpn1'), 1)
        # Two processes later the count is still there, and what was told is.
        self.balancer.upgrade()
        self.assert_told_only()
        self.assertEqual((self.changes('vpn1'), self.changes('vpn2')), (1, 0))
        self.assertEqual(self.told('server learned'), [])
        self.balancer.stop()

    def test_over_a_restart(self):
        self.balancer.stop()
        kept = {c['backend']: c for c in json.loads(self.state.read_text())['certificates']}
        self.assertEqual(set(kept['vpn2']['told']), {'expires', 'names'})
        self.assertNotIn('told', kept['vpn1'])
        self.exchange('vpn1')
        self.balancer.start()
        self.assert_told_only('vpn1')
        self.assertEqual(self.changes('vpn1'), 1)

        # A backend that has gone is forgotten.
        self.balancer.ok('backend', 'remove', 'main/vpn2')
        self.balancer.stop()
        kept = json.loads(self.state.read_text())['certificates']
        self.assertEqual([c['backend'] for c in kept], ['vpn1'])


class StapleTest(case.EndToEndCase):
    """What a server staples about its certificate: openssl's, since the demo farm's are their own
    authorities."""

    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def test_a_revoked_certificate_is_told_and_a_good_one_is_not(self):
        authority = ca.Authority(self.dir / 'ca')
        backends = {}
        for name, revoked in (('good', False), ('revoked', True)):
            shown = authority.issue(f'{name}.sstp.test')
            answer = authority.staple(shown, revoked=revoked)
            backends[name] = peers.start_tls_server(self, shown, '-status_file', answer)
        balancer = Balancer(self, {'main': pool(backends, probe={
            'kind': 'tls', 'ca_file': str(authority.cert), 'interval': '100ms'})}).start()
        told = self.wait(lambda: [e['fields'] for e in balancer.events()
                                  if e['what'] == 'certificate revoked'], 10, 'the revocation')
        self.assertEqual([fields['backend'] for fields in told], ['main/revoked'])
        balancer.wait_health('up', 'main/good', 'main/revoked')
        shown = {name: balancer.backends()[f'main/{name}']['certificate'] for name in backends}
        self.assertEqual({name: c['ocsp'] for name, c in shown.items()},
                         {'good': 'good', 'revoked': 'revoked'})
        self.assertEqual({name: c['verified'] for name, c in shown.items()},
                         {'good': True, 'revoked': True})
        for name, trouble in (('good', 0), ('revoked', 1)):
            self.assertEqual(balancer.metric('sstplb_backend_certificate_trouble', backend=name,
                                             finding='revoked'), trouble)
        self.assertIn('revoked', balancer.ok('backend', 'list'))
        balancer.stop()


if __name__ == '__main__':
    case.main()
