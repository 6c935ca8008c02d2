"""sstplb under test: configuration, readiness, commands, metrics, and a clean end.

The program is the one SSTPLB_BINARY names. What its JSON fields are called is known in this file
and nowhere else in the tests.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import unittest
import urllib.error
import urllib.request

from . import proc, streams


def binary():
    """The sstplb program, or SkipTest."""
    path = os.environ.get('SSTPLB_BINARY', '')
    if not path:
        raise unittest.SkipTest('SSTPLB_BINARY does not name an sstplb program')
    if not os.access(path, os.X_OK):
        raise unittest.SkipTest(f'SSTPLB_BINARY={path} is not there')
    return pathlib.Path(path)


def toml(table, path=''):
    """A nested dict as TOML; a list of dicts becomes [[tables]]."""
    def value(v):
        if isinstance(v, dict):
            return '{ ' + ', '.join(f'{k} = {value(x)}' for k, x in v.items()) + ' }'
        if isinstance(v, list):
            return '[' + ', '.join(value(x) for x in v) + ']'
        return json.dumps(v)

    inline = ('tcp', 'log')
    plain = {k: v for k, v in table.items() if not _is_table(v) or k in inline}
    out = [f'[{path}]'] if path and (plain or not table) else []
    out += [f'{k} = {value(v)}' for k, v in plain.items()]
    for key, below in table.items():
        where = f'{path}.{key}' if path else key
        if key in plain:
            continue
        if isinstance(below, dict):
            out.append(toml(below, where))
        else:
            for item in below:
                out += ['', f'[[{where}]]'] + [f'{k} = {value(v)}' for k, v in item.items()]
    return '\n'.join(out) + '\n'


def _is_table(v):
    return isinstance(v, dict) or isinstance(v, list) and bool(v) and isinstance(v[0], dict)


def pool(backends, **more):
    """A pool of {name: port or address}, without probes unless `probe` says otherwise."""
    members = [{'name': name, 'address': f'127.0.0.1:{at}' if isinstance(at, int) else at}
               for name, at in backends.items()]
    return {'probe': {'kind': 'none'}, **more, 'backend': members}


def echo_farm(test, *names, **options):
    """A Balancer, not started, whose pool 'main' has a NamedEcho of each of these names."""
    echoes = {name: streams.NamedEcho(test, name) for name in names}
    pools = {'main': pool({name: echo.port for name, echo in echoes.items()},
                          balance='round-robin', **options.pop('pool', {}))}
    return Balancer(test, pools, options.pop('listener', None), **options)


class Balancer:
    """One sstplb process. `port` is its listener 'vpn', `http_port` its admin.http."""

    def __init__(self, test, pools, listener=None, *, name='sstplb', **sections):
        self.test = test
        self.name = name
        self.binary = binary()
        self.port, self.http_port = proc.free_port(), proc.free_port()
        self.folder = test.dir / name
        self.folder.mkdir()
        self.config_path = self.folder / 'sstplb.toml'
        # A socket's path may have 107 bytes, which a test's folder can exceed.
        short = tempfile.mkdtemp(prefix='sstplb-')
        test.addCleanup(shutil.rmtree, short, ignore_errors=True)
        self.socket = pathlib.Path(short) / 'admin.sock'
        first = next(iter(pools))
        self.config = {
            'global': {'workers': 2, 'shutdown_grace': '1s', 'log': {'level': 'debug'},
                       **sections.pop('global_', {})},
            'admin': {'socket': str(self.socket), 'http': f'127.0.0.1:{self.http_port}',
                      **sections.pop('admin', {})},
            'listener': {'vpn': {'bind': [f'127.0.0.1:{self.port}'], 'pool': first,
                                 **(listener or {})}},
            'pool': pools, **sections}
        self.process = None

    def write_config(self, text=None):
        self.config_path.write_text(toml(self.config) if text is None else text)

    def start(self, *options, prefix=(), **more):
        """Runs it, behind a `prefix` that ends in exec; `more` goes to proc.Process."""
        self.write_config()
        self.process = self.test.start(
            [*prefix, self.binary, 'run', '-c', self.config_path, *options], self.name, **more)
        self.test.wait(self._answers, 10, lambda: f'{self.name} to be ready:\n'
                       f'{self.process.tail()}')
        return self

    def _answers(self):
        if not self.process.running():
            raise AssertionError(f'{self.name} did not start:\n{self.process.tail()}')
        return self.socket.exists() and self.get('/healthz')[0] == 200

    def upgrade(self, timeout=60):
        """`sstplb upgrade`; self.process is the new one then, and the old one has ended with 0."""
        said = self.ok('upgrade', timeout=timeout)
        return self.follow(self.ask('status')['pid'], said)

    def follow(self, pid, said=''):
        """Process `pid` has taken over."""
        before, self.process = self.process, proc.Successor(pid, self.process)
        self.test.addCleanup(self.process.stop)
        self.test.assertEqual(before.wait_exit(15), 0, before.tail())
        return said

    def stop(self, timeout=15):
        """SIGTERM; the exit code has to be 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait_exit(timeout)
        self.test.assertEqual(code, 0, f'after SIGTERM:\n{self.process.tail()}')

    # ---- commands ----

    def command(self, *words, timeout=30):
        """Runs `sstplb WORDS…` against this daemon: subprocess.CompletedProcess."""
        return proc.run([self.binary, *words], timeout=timeout,
                        env={**os.environ, 'SSTPLB_SOCKET': str(self.socket)})

    def ok(self, *words, timeout=30):
        """Runs a command that has to exit 0 and returns its output."""
        done = self.command(*words, timeout=timeout)
        self.test.assertEqual(done.returncode, 0,
                              f'sstplb {" ".join(words)}: {done.stdout}{done.stderr}')
        return done.stdout

    def ask(self, *words):
        """Runs a command with --json and returns the answer as an object."""
        return json.loads(self.ok(*words, '--json'))

    def backends(self):
        """{'pool/name': {pool, name, address, health, admin, weight, sessions_active, …}}."""
        return {f'{b["pool"]}/{b["name"]}': b for b in self.ask('backend', 'list')['backends']}

    def health(self, backend):
        return self.backends()[backend]['health']

    def active(self, backend):
        """How many sessions the backend has."""
        return self.backends()[backend]['sessions_active']

    def sessions(self, *filters):
        """[{id, phase, client, sni, pool, backend, age_seconds, to_backend_bytes, …}]."""
        return self.ask('session', 'list', *filters)['sessions']

    def events(self):
        """[{sequence, time, level, what, fields: {…}}], oldest first."""
        return self.ask('events')['events']

    def told(self, what):
        """The fields of each event of that name."""
        return [e['fields'] for e in self.events() if e['what'] == what]

    def wait_told(self, what, **fields):
        """Until there is such an event with these fields: all its fields."""
        def found():
            for said in self.told(what):
                if all(said.get(k) == v for k, v in fields.items()):
                    return said
            return None

        return self.test.wait(found, 10, lambda: f'{what} {fields}, has: {self.events()}')

    def wait_health(self, health, *backends, timeout=15):
        def reached():
            now = self.backends()
            return all(now[b]['health'] == health for b in backends)

        self.test.wait(reached, timeout, lambda: f'{backends} to be {health}: ' + str(
            {b: v['health'] for b, v in self.backends().items()}))

    def wait_sessions(self, count, timeout=10):
        self.test.wait(lambda: len(self.sessions()) == count, timeout,
                       lambda: f'{count} sessions, has {len(self.sessions())}')

    # ---- http ----

    def get(self, path, timeout=5):
        """(status, text) of a GET on admin.http; (0, why) when nobody answers."""
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.http_port}{path}',
                                        timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name, **labels):
        """The sum over the samples of that name whose labels include these."""
        total = 0.0
        for line in self.get('/metrics')[1].splitlines():
            match = re.match(r'(\w+)(?:\{(.*)\})? (\S+)', line)
            if match and match.group(1) == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ''))
                if all(have.get(k) == v for k, v in labels.items()):
                    total += float(match.group(3))
        return total

    def sockets(self):
        """How many sockets the process has open."""
        return sum(what.startswith('socket:') for what in self.process.open_fds().values())
