#!/usr/bin/python3
"""What sstplb knows of SSTP, shown on real servers: three SoftEther VPN servers and Debian's
broken one. Their certificates, clients that cannot log in, who still breathes, what `check
--online` finds, who is sent home, and what probing costs them."""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import ssl

from lib import case, softether
from lib.balancer import Balancer
from lib.softether import NAME

QUICK = {'interval': '500ms', 'fast_interval': '300ms', 'timeout': '2s'}
ALL = ('vpn1', 'vpn2', 'vpn3')


def full(names):
    return [f'main/{name}' for name in names]


def sha256(certificate):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())).hexdigest()


class SoftEtherSensingTest(softether.FarmCase):
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


if __name__ == '__main__':
    case.main()
