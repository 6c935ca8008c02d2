#!/usr/bin/python3
"""Watching sstplb: metrics that promtool accepts, health, alert rules, and the dashboard."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import shutil
import unittest
import urllib.error
import urllib.request

from lib import case, proc, streams
from lib.balancer import Balancer, binary, pool

PROBE = {'kind': 'tcp', 'interval': '300ms', 'fast_interval': '200ms', 'timeout': '1s', 'rise': 1,
         'fall': 1}


class WatchedCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def watched(self):
        """Two pools, one backend down, some sessions open and some over."""
        echoes = {name: streams.NamedEcho(self, name) for name in ('alpha', 'beta')}
        backends = {name: echo.port for name, echo in echoes.items()}
        pools = {'main': pool(backends, probe=PROBE, balance='round-robin'),
                 'spare': pool({'gone': proc.free_port()}, probe=PROBE)}
        routes = [{'sni': ['spare.test'], 'pool': 'spare'}]
        balancer = Balancer(self, pools, {'route': routes}).start()
        balancer.wait_health('up', 'main/alpha', 'main/beta')
        balancer.wait_health('down', 'spare/gone')
        self.open = [streams.Session(self, balancer.port, 'vpn.test') for _ in range(3)]
        streams.Session(self, balancer.port, 'vpn.test').close()
        balancer.wait_sessions(3)
        return balancer


class MetricsTest(WatchedCase):
    @unittest.skipUnless(shutil.which('promtool'), 'promtool (package prometheus) is missing')
    def test_promtool_accepts_the_metrics(self):
        balancer = self.watched()
        status, text = balancer.get('/metrics')
        self.assertEqual(status, 200)
        done = proc.run(['promtool', 'check', 'metrics'], input=text)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ''), text)
        balancer.stop()

    def test_the_metrics_count_right(self):
        balancer = self.watched()
        for name, labels, value in (
                ('sstplb_build_info', {}, 1),
                ('sstplb_sessions_active', {'pool': 'main'}, 3),
                ('sstplb_sessions_opened_total', {'listener': 'vpn', 'pool': 'main'}, 4),
                ('sstplb_sessions_closed_total', {'pool': 'main'}, 1),
                ('sstplb_hellos_total', {'kind': 'sni'}, 4),
                ('sstplb_backend_up', {'pool': 'main', 'backend': 'alpha'}, 1),
                ('sstplb_backend_up', {'pool': 'spare', 'backend': 'gone'}, 0),
                ('sstplb_session_duration_seconds_count', {'pool': 'main'}, 1)):
            with self.subTest(name, **labels):
                self.assertEqual(balancer.metric(name, **labels), value)
        for name in ('sstplb_probes_total', 'sstplb_session_bytes_total', 'sstplb_open_files',
                     'sstplb_open_files_limit', 'sstplb_hello_duration_seconds_count'):
            with self.subTest(name):
                self.assertGreater(balancer.metric(name), 0)
        balancer.stop()

    def test_health_and_readiness(self):
        echo = streams.NamedEcho(self, 'alpha')
        balancer = Balancer(self, {'main': pool({'alpha': echo.port}, probe=PROBE)}).start()
        self.assertEqual(balancer.get('/healthz')[0], 200)
        self.wait(lambda: balancer.get('/readyz')[0] == 200, 5, 'readiness')
        echo.stop()
        self.wait(lambda: balancer.get('/readyz')[0] == 503, 5, 'the last backend to be missed')
        self.assertEqual(balancer.get('/healthz')[0], 200)
        balancer.stop()

    def test_http_only_reads(self):
        balancer = self.watched()
        self.assertEqual(balancer.get('/api/v1/backends')[0], 200)
        request = urllib.request.Request(
            f'http://127.0.0.1:{balancer.http_port}/api/v1/backends/main/alpha/drain',
            data=b'{}', method='POST', headers={'Content-Type': 'application/json'})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        self.assertIn(refused.exception.code, (401, 403, 405))
        self.assertEqual(balancer.backends()['main/alpha']['admin'], 'active')
        balancer.stop()


class DashboardTest(WatchedCase):
    @unittest.skipUnless(shutil.which('chromium'), 'chromium is missing')
    def test_the_dashboard_shows_the_farm_and_loads_nothing_from_outside(self):
        balancer = self.watched()
        page = f'http://127.0.0.1:{balancer.http_port}/'
        flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                 '--disable-background-networking', '--disable-component-update',
                 '--disable-sync', '--disable-dev-shm-usage', '--window-size=1280,1400',
                 # Whatever else it may want to look up does not exist.
                 '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
                 f'--user-data-dir={self.dir}/chromium']
        log = self.dir / 'net.json'
        dom = proc.run(['chromium', *flags, '--virtual-time-budget=5000', f'--log-net-log={log}',
                        '--dump-dom', page], timeout=90)
        self.assertEqual(dom.returncode, 0, dom.stderr[-3000:])
        shown = re.sub(r'<script.*?</script>', '', dom.stdout, flags=re.DOTALL)
        for word in ('main', 'spare', 'alpha', 'beta', 'gone', 'down', 'up', 'vpn.test'):
            self.assertRegex(shown, rf'>[^<]*\b{re.escape(word)}\b', word)
        picture = self.dir / 'dashboard.png'
        done = proc.run(['chromium', *flags, '--virtual-time-budget=5000',
                         f'--screenshot={picture}', page], timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertGreater(picture.stat().st_size, 5000)
        asked = self.requests(log, page)
        self.assertTrue(asked, 'the log of requests is empty')
        self.assertEqual({u for u in asked if not u.startswith(page)}, set())
        balancer.stop()

    @staticmethod
    def requests(log, page):
        """Every URL that the page asked for, from Chromium's own log of the network."""
        text = log.read_text()
        events = json.loads(text if text.rstrip().endswith('}') else text.rstrip(',\n') + ']}')
        start = events['constants']['logEventTypes']['URL_REQUEST_START_JOB']
        urls = set()
        for event in events['events']:
            params = event.get('params', {})
            if event['type'] == start and 'url' in params:
                # What the browser wants for itself has no page as its initiator.
                if params['url'].startswith(page) or params.get('initiator', '').startswith(
                        page.rstrip('/')):
                    urls.add(params['url'])
        return urls


class RulesTest(unittest.TestCase):
    def test_promtool_accepts_the_alert_rules(self):
        if not shutil.which('promtool'):
            self.skipTest('promtool (package prometheus) is missing')
        rules = [p for p in (case.REPO / 'deploy').rglob('*.y*ml')
                 if re.search(r'^groups:', p.read_text(), re.MULTILINE)]
        self.assertTrue(rules, 'deploy/ holds no alert rules')
        for path in rules:
            done = proc.run(['promtool', 'check', 'rules', path])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == '__main__':
    case.main()
