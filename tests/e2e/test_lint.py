#!/usr/bin/python3
"""`sstplb check`: what it finds in a file, and with --online in a farm."""
# SPDX-License-Identifier: Apache-2.0
import json

from lib import case, proc
from lib.balancer import binary
from lib.demo_farm import DemoFarm

CONFIG = """
[admin]
socket = "{folder}/admin.sock"
[listener.vpn]
bind = ["127.0.0.1:{port}"]
pool = "main"
idle_timeout = "30s"
[[listener.vpn.route]]
sni = ["vpn.sstp.test"]
pool = "main"
[pool.main]
probe.server = "accel-ppp"
"""

# Nothing of TABLE is found in it; a row adds to its sections.
TABLE_CONFIG = """
[global]
{all}
[admin]
socket = "{folder}/admin.sock"
{admin}
[listener.vpn]
bind = ["127.0.0.1:{port}"]
pool = "main"
{listener}
[pool.main]
{pool}
{backends}
{rest}
"""
TWO = ('127.0.0.1:9', '127.0.0.2:9')
# What is found: name and key, by what is added; `before` goes before the command.
TABLE = (
    ('accept_proxy_from_all', 'listener.vpn.accept_proxy', {'listener': 'accept_proxy = ["::/0"]'}),
    ('address_twice', 'pool.main.backend.b2', {'backends': (*TWO, '127.0.0.1:9')}),
    ('admin_http_public', 'admin.http', {'admin': 'http = "0.0.0.0:{port}"'}),
    ('admin_socket_public', 'admin.socket_mode', {'admin': 'socket_mode = "0666"'}),
    ('backend_is_listener', 'pool.main.backend.b2', {'backends': (*TWO, '127.0.0.1:{port}')}),
    ('backend_unreachable', 'pool.main.backend.b2', {'backends': (*TWO, '224.0.0.1:443')}),
    ('backend_unreachable', 'pool.main.backend.b2', {'backends': (*TWO, '0.0.0.0:443')}),
    ('backend_unreachable', 'pool.main.backend.b2', {'backends': (*TWO, '[fe80::1]:443')}),
    # A broadcast address of the host, which only the kernel knows.
    ('backend_unreachable', 'pool.main.backend.b2', {'backends': (*TWO, '127.255.255.255:443')}),
    ('congestion_missing', 'pool.main.tcp.congestion', {'pool': 'tcp.congestion = "none-such"'}),
    ('drain_open_ended', 'pool.main.drain', {'pool': 'on_down = "drain"'}),
    ('ejection_times', 'pool.main.ejection.max_time', {'pool': 'ejection.max_time = "20s"'}),
    ('empty_pool', 'pool.main', {'backends': ()}),
    ('handshake_unbounded', 'pool.main.handshake_timeout',
     {'pool': 'max_pending_per_backend = 4\nhandshake_timeout = "0s"'}),
    ('idle_timeout_late', 'listener.vpn.idle_timeout', {'listener': 'idle_timeout = "1h"'}),
    ('idle_timeout_short', 'listener.vpn.idle_timeout', {'listener': 'idle_timeout = "30s"'}),
    # More than there can be ports.
    ('local_ports', 'pool.main.backend.b1', {'all': 'max_sessions = 70000'}),
    ('no_effect', 'pool.main.source_ip_ttl', {'pool': 'source_ip_ttl = "1h"'}),
    ('no_sni_refused', 'listener.vpn.no_sni', {'listener': 'no_sni = "refuse"'}),
    ('nodelay_off', 'pool.main.tcp.nodelay', {'pool': 'tcp.nodelay = false'}),
    ('not_tls_passed', 'listener.vpn.not_tls', {'listener': 'not_tls = "pool"'}),
    ('on_down_hasty', 'pool.main.on_down', {'pool': 'on_down = "close"\nprobe.fall = 1'}),
    ('open_files', 'global.max_sessions', {'before': ('prlimit', '--nofile=300:300')}),
    ('probe_none', 'pool.main.probe.kind', {'pool': 'probe.kind = "none"'}),
    ('probe_proxy_differs', 'pool.main.probe.proxy_protocol',
     {'pool': 'proxy_protocol = "v2"\nprobe.proxy_protocol = "none"'}),
    ('probe_shallow', 'pool.main.probe.kind', {'pool': 'probe.kind = "tcp"'}),
    ('proxy_protocol_unreadable', 'pool.main.proxy_protocol',
     {'pool': 'proxy_protocol = "v2"\nprobe.server = "rras"'}),
    ('rhythm_short', 'listener.vpn.rhythm', {'listener': 'rhythm = "20s"'}),
    ('single_backend', 'pool.main', {'backends': ('127.0.0.1:9',)}),
    ('unreachable_pool', 'pool.lab', {'rest': '[pool.lab]'}),
)
# Of a farm of one server, which is asked.
ONLINE_TABLE = (
    ('certificate_expires', 'pool.main.backend.b0', {}),
    ('proxy_protocol_unreadable', 'pool.main.backend.b0',
     {'pool': 'proxy_protocol = "v2"\nprobe.proxy_protocol = "none"'}),
    ('server_kind_differs', 'pool.main.backend.b0', {'pool': 'probe.server = "accel-ppp"'}),
)


class LintTest(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.port = proc.free_port()

    def check(self, farms, *options):
        text = CONFIG.format(folder=self.dir, port=self.port)
        for name, farm in farms.items():
            text += f'[[pool.main.backend]]\nname = "{name}"\naddress = "{farm.address}"\n'
        path = self.dir / 'lint.toml'
        path.write_text(text)
        return proc.run([binary(), 'check', '-c', path, *options])

    def test_the_farm_is_asked_and_told(self):
        farms = {'good': DemoFarm(self, 'good'),
                 'old': DemoFarm(self, 'old', days=3),
                 'other': DemoFarm(self, 'other', names=('other.test',)),
                 'dead': DemoFarm(self, 'dead')}
        farms['dead'].fault('refuse')
        done = self.check(farms, '--online', '--within', '20s')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout,
                         r'pool\.main\.backend\.good \S+: ok in .*names vpn\.sstp\.test\n')
        for key, name in (('old', 'certificate_expires'), ('other', 'certificate_names'),
                          ('dead', 'backend_unfit'), ('good', 'server_kind_differs')):
            self.assertIn(f'warning: pool.main.backend.{key}: [{name}]', done.stdout)
        self.assertIn('warning: pool.main: [certificates_differ]', done.stdout)
        self.assertNotIn('backend.good: [certificate', done.stdout)
        for farm in ('good', 'old', 'other'):
            self.assertEqual(farms[farm].counters()['accepted'], 1, f'{farm} is asked once')

    def test_nothing_is_sent_unasked_and_findings_can_be_ignored(self):
        farm = DemoFarm(self)
        done = self.check({'only': farm})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('[idle_timeout_short]', done.stdout)
        self.assertIn('[single_backend]', done.stdout)
        done = self.check({'only': farm}, '--ignore', 'idle_timeout_short:listener.vpn',
                          '--ignore', 'single_backend:pool.lab')
        self.assertNotIn('[idle_timeout_short]', done.stdout)
        self.assertIn('[single_backend]', done.stdout)
        self.assertIn('1 finding was ignored\n', done.stdout)
        self.assertEqual(farm.counters()['accepted'], 0)

    def test_as_json(self):
        farms = {'good': DemoFarm(self, 'good'), 'dead': DemoFarm(self, 'dead')}
        farms['dead'].fault('refuse')
        done = self.check(farms, '--json', '--online', '--within', '20s',
                          '--ignore', 'idle_timeout_short')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(list(result), ['valid', 'findings', 'ignored', 'errors', 'backends'])
        self.assertIs(result['valid'], True)
        self.assertEqual(result['errors'], [])
        found = {(f['key'], f['name']): f for f in result['findings']}
        unfit = found['pool.main.backend.dead', 'backend_unfit']
        self.assertEqual(list(unfit), ['severity', 'name', 'key', 'reason', 'remedy'])
        self.assertEqual(unfit['severity'], 'warning')
        self.assertEqual([f['name'] for f in result['ignored']], ['idle_timeout_short'])
        good, dead = result['backends']
        self.assertEqual((good['pool'], good['backend'], good['target']),
                         ('main', 'good', farms['good'].address))
        self.assertEqual((good['report']['outcome'], dead['report']['outcome']),
                         ('ok', 'connect_refused'))
        self.assertEqual(good['report']['tls']['certificate']['names'], ['vpn.sstp.test'])
        alone = proc.run([binary(), 'probe', '--json', farms['good'].address])
        self.assertEqual(list(good['report']), list(json.loads(alone.stdout)))
        self.assertEqual(farms['good'].counters()['accepted'], 2)

    def test_a_broken_file_as_json(self):
        path = self.dir / 'broken.toml'
        path.write_text('[pool.main]\nbalance = "rr"\n')
        done = proc.run([binary(), 'check', '--json', '-c', path])
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertIs(result['valid'], False)
        self.assertEqual(result['findings'] + result['ignored'] + result['backends'], [])
        place = [(e['line'], e['key']) for e in result['errors']]
        self.assertIn((2, 'pool.main.balance'), place)

    def found(self, row, *options, ignore=()):
        """What is told of the table's configuration with a row, and what is not."""
        row = {'backends': TWO, 'all': 'max_sessions = 100', **row}
        backends = ''.join(f'[[pool.main.backend]]\nname = "b{i}"\naddress = "{address}"\n'
                           for i, address in enumerate(row['backends']))
        texts = {part: row.get(part, '') for part in ('all', 'admin', 'listener', 'pool', 'rest')}
        # Twice: a row may name the port itself.
        text = TABLE_CONFIG.format(**texts, backends=backends, folder=self.dir, port='{port}')
        path = self.dir / 'table.toml'
        path.write_text(text.format(port=self.port))
        done = proc.run([*row.get('before', ()), binary(), 'check', '--json', '-c', path, *options,
                         *(word for name in ignore for word in ('--ignore', name))])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        return [[(f['name'], f['key']) for f in result[part]] for part in ('findings', 'ignored')]

    def each_is_told_and_silenced(self, table, common, *options):
        for name, key, row in table:
            with self.subTest(name=name, row=row):
                row = {**common, **row}
                told, ignored = self.found(row, *options)
                self.assertIn((name, key), told)
                self.assertEqual(ignored, [])
                rest, ignored = self.found(row, *options, ignore=[name])
                self.assertEqual(set(ignored), {f for f in told if f[0] == name})
                self.assertEqual(rest, [f for f in told if f[0] != name])

    def test_each_finding_is_told_for_its_cause_and_silenced_by_name(self):
        told, _ = self.found({})
        self.assertEqual({name for name, _ in told} & {name for name, *_ in TABLE}, set(), told)
        self.each_is_told_and_silenced(TABLE, {})

    def test_a_host_without_routes(self):
        alone = ('unshare', '--net')
        if proc.run([*alone, 'true']).returncode != 0:
            self.skipTest('a network of its own needs root')
        table = [('backend_unreachable', f'pool.main.backend.b{i}',
                  {'backends': ('10.0.0.1:443', '[2001:db8::1]:443'), 'before': alone})
                 for i in range(2)]
        self.each_is_told_and_silenced(table, {})

    def test_what_a_farm_shows_is_told_and_silenced_by_name(self):
        fresh = DemoFarm(self, 'fresh')
        told, _ = self.found({'backends': (fresh.address,)}, '--online')
        self.assertEqual({name for name, _ in told} & {name for name, *_ in ONLINE_TABLE}, set())
        old = DemoFarm(self, 'old', days=5)
        self.each_is_told_and_silenced(ONLINE_TABLE, {'backends': (old.address,)}, '--online')

    def test_an_error_ends_in_2_and_is_told_in_json(self):
        path = self.dir / 'error.toml'
        path.write_text(TABLE_CONFIG.format(
            all='', admin='', listener='', pool='probe.ca_file = "/none/such.pem"', backends='',
            rest='', folder=self.dir, port=self.port))
        done = proc.run([binary(), 'check', '--json', '-c', path])
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertIs(result['valid'], False)
        self.assertIn(('error', 'file_missing', 'pool.main.probe.ca_file'),
                      [(f['severity'], f['name'], f['key']) for f in result['findings']])


if __name__ == '__main__':
    case.main()
