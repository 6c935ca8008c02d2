"""The balancers that are measured, each from its template in tests/bench/peers.

A peer that is started has `port`, where clients connect, and `meter`. The direct connection is a
peer too: its ports are the backend's, and there is nothing to be metered.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import pwd
import re
import shutil
import subprocess

from lib import proc

from . import meter

TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / 'peers'
NGINX_STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'


def _fill(template, **values):
    text = (TEMPLATES / template).read_text(encoding='utf-8')
    for key, value in values.items():
        text = text.replace(f'@{key}@', str(value))
    assert not re.search(r'@\w+@', text), f'{template} has a mark that nobody fills'
    return text


class Running:
    """`folder`: where a peer has its configuration and its sockets."""

    def __init__(self, ports, process=None, folder=None):
        self.ports = ports
        self.process = process
        self.folder = folder
        self.meter = process and meter.Meter(process.pid)

    def stop(self):
        if self.process:
            self.process.stop()


class Direct:
    name = 'direct'
    has_process = has_workers = False

    def missing(self):
        return None

    def version(self):
        return 'no balancer between'

    def start(self, folder, backends, cpus, workers, tunnels):
        return Running(backends)


class _Peer:
    """One balancer; a subclass says how it is configured and called."""

    has_process = True
    has_workers = False  # whether the row `workers` is for it

    def missing(self):
        """What has to be installed or built first, or None."""
        return None if shutil.which(self.program) else f'{self.program} is not there'

    def _version(self, *argv):
        done = proc.run([self.program, *argv])
        return (done.stdout + done.stderr).splitlines()[0]

    def start(self, folder, backends, cpus, workers, tunnels):
        """`backends`: ports on 127.0.0.1; `tunnels`: how many there will be at the most."""
        folder.mkdir(parents=True, exist_ok=True)
        port = proc.free_port()
        config = folder / 'peer.cfg'
        config.write_text(self._config(folder, port, backends, workers, tunnels), encoding='utf-8')
        process = proc.Process(['taskset', '-c', cpus, *self._command(folder, config)],
                               folder / 'peer.log', name=self.name)
        try:
            process.wait_listening(port)
            return Running([port], process, folder)
        except BaseException:
            process.stop()
            raise


def _toml_backends(pool, addresses):
    return '\n'.join(f'[[pool.{pool}.backend]]\nname = "b{i}"\naddress = "{address}"'
                     for i, address in enumerate(addresses))


class Sstplb(_Peer):
    """`probed`: addresses of servers that answer probes, for a template that wants them."""

    has_workers = True

    def __init__(self, name, program, template='sstplb.cfg', probed=()):
        self.name = name
        self.program = os.path.abspath(program)
        self._template = template
        self._probed = probed

    def missing(self):
        if os.access(self.program, os.X_OK):
            return None
        return f'{self.program} is not there; deploy/build release sstplb makes it'

    def version(self):
        return self._version('--version')

    def _config(self, folder, port, backends, workers, tunnels):
        addresses = [f'127.0.0.1:{backend}' for backend in backends]
        return _fill(self._template, workers=workers, folder=folder, port=port,
                     vpn_servers=_toml_backends('vpn', addresses),
                     other_servers=_toml_backends('other', addresses),
                     probed_servers=_toml_backends('other', self._probed))

    def _command(self, folder, config):
        return [self.program, 'run', '-c', config]


class Haproxy(_Peer):
    """`splice`: the options that let the kernel move the bytes, without `option`.

    With splice-auto it begins to splice only where it meets a stream again that it has found to be
    fast; a tunnel that just goes on is not met again.
    """

    program = 'haproxy'

    def __init__(self, name, *splice):
        self.name = name
        self._splice = '\n'.join(f'  option {option}' for option in splice)

    def version(self):
        return self._version('-v')

    def _config(self, folder, port, backends, workers, tunnels):
        servers = '\n'.join(f'  server b{i} 127.0.0.1:{backend}'
                            for i, backend in enumerate(backends))
        return _fill('haproxy.cfg', workers=workers, port=port, servers=servers,
                     connections=tunnels + 200, splice=self._splice)

    def _command(self, folder, config):
        return ['haproxy', '-db', '-f', config]


class Nginx(_Peer):
    name = 'nginx'
    program = 'nginx'

    def version(self):
        return self._version('-v')

    def _config(self, folder, port, backends, workers, tunnels):
        module = NGINX_STREAM_MODULE
        root = f'user {pwd.getpwuid(0).pw_name};' if os.geteuid() == 0 else '# user: the caller'
        servers = '\n'.join(f'    server 127.0.0.1:{backend};' for backend in backends)
        return _fill('nginx.cfg', workers=workers, port=port, servers=servers, user=root,
                     module=f'load_module {module};' if os.path.exists(module) else '# built in',
                     descriptors=2 * tunnels + 400)

    def _command(self, folder, config):
        return ['nginx', '-e', 'stderr', '-p', folder, '-c', config]


def find(names, balancers):
    """The peers of these names; `balancers` are (name, path) of sstplb builds, for 'sstplb'."""
    makers = {
        'sstplb': lambda: [Sstplb(*balancer) for balancer in balancers],
        'haproxy': lambda: [Haproxy('haproxy')],
        'haproxy-auto': lambda: [Haproxy('haproxy-auto', 'splice-auto')],
        'haproxy-splice': lambda: [Haproxy('haproxy-splice', 'splice-request', 'splice-response')],
        'nginx': lambda: [Nginx()],
        'direct': lambda: [Direct()]}
    return [peer for name in names for peer in makers[name]()]


NAMES = ['sstplb', 'haproxy', 'haproxy-auto', 'haproxy-splice', 'nginx', 'direct']
