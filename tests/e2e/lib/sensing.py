"""What the tests of passive sensing share: a demo farm, its clients, and what is seen of it."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import socket
import ssl

from . import case, proc
from .balancer import Balancer, binary, pool
from .demo_farm import DemoFarm


def networks(count):
    """An address in each of so many networks."""
    return [f'127.0.{i + 1}.1' for i in range(count)]


class SensingCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()

    def farm(self, listener=None, *, servers=('b1', 'b2'), more=None, kind='rras', **options):
        """Demo servers behind a balancer; `more` are addresses of other backends."""
        for word in ('any', 'wrong'):
            (self.dir / word).write_text(f'{word}\n')
        self.servers = {name: DemoFarm(self, name, kind=kind) for name in servers}
        backends = {name: server.address for name, server in self.servers.items()}
        pools = {'main': pool({**backends, **(more or {})}, balance='round-robin', **options)}
        return Balancer(self, pools, listener).start()

    def load(self, balancer, tunnels, *, sources=1, hold='1s', password='any'):
        """The words of a load whose tunnels, each from another network or from so many, carry
        enough to count."""
        return [str(binary()), 'load', f'127.0.0.1:{balancer.port}', '--tunnels', str(tunnels),
                '--rate', '50/s', '--hold', hold, '--depth', 'ppp', '--payload', '100KiB/s',
                '--user', 'any', '--password-file', str(self.dir / password),
                '--source', ','.join(networks(sources)), '--json']

    def run_load(self, balancer, tunnels, **options):
        """How many tunnels came up."""
        done = proc.run(self.load(balancer, tunnels, **options), timeout=60)
        report = json.loads(done.stdout)
        return report['came_up']

    def ejection(self, balancer, backend='main/b1'):
        return balancer.backends()[backend]['ejection']

    def went(self, balancer, backend='main/b1'):
        return [e['fields'] for e in balancer.events()
                if e['what'] == f'backend {backend}' and 'went' in e['fields']]

    def sensed(self, balancer, backend='main/b1'):
        return balancer.backends()[backend]['sensed']

    def tls(self, balancer, source, *, verify=False, version=None):
        """A client that does TLS and leaves."""
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if version is not None:
            context.minimum_version = context.maximum_version = version
        with socket.create_connection(('127.0.0.1', balancer.port), 5,
                                      source_address=(source, 0)) as plain:
            with context.wrap_socket(plain, server_hostname='vpn.sstp.test'):
                pass

    @contextlib.contextmanager
    def alone(self, balancer, backend='main/b1'):
        """All new clients go to one backend meanwhile, and nobody is ejected."""
        for name in balancer.backends():
            balancer.ok('backend', 'weight', name, '100' if name == backend else '0')
        yield
        for name in ('main/b1', 'main/b2'):
            balancer.ok('backend', 'weight', name, '100')
