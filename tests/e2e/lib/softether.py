"""SoftEther VPN servers on loopback, side by side: real SSTP backends.

`tests/softether/build` makes the programs; see there for the two kinds, `good` and `broken`. Each
server runs in a folder of its own, calls nobody outside, and gives its clients addresses of
192.168.30.0/24 with the gateway 192.168.30.1.
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import datetime
import os
import pathlib
import signal
import ssl
import unittest

from . import ca, case, pinger, proc
from .balancer import binary, pool

NAME = 'vpn.sstp.test'  # what every server's certificate is made out to
USER, PASSWORD = 'sstp', 'tunnel'
_ADMIN = 'admin'


def programs():
    """The folder with good/ and broken/, built first if need be; else raises SkipTest."""
    built = proc.run([case.REPO / 'tests/softether/build'], timeout=600)
    lines = built.stderr.strip().splitlines() or ['?']
    if built.returncode == case.SKIPPED:
        raise unittest.SkipTest(lines[-1])
    if built.returncode != 0:
        raise AssertionError('tests/softether/build: ' + '\n'.join(lines[-5:]))
    default = case.REPO / '.cache' / 'softether'
    return pathlib.Path(os.environ.get('SSTPLB_SOFTETHER_CACHE', default))


class SoftEther:
    """One server. start() gives a provisioned one that answers; kill() and start() again at will."""

    def __init__(self, name, folder, *, kind='good', certificate=None):
        """`certificate`: a ca.Certificate to show instead of a self-made one."""
        self.name, self.kind, self.certificate = name, kind, certificate
        self.folder = pathlib.Path(folder)
        self.port = proc.free_port()
        self._programs = programs()
        self._process = None
        self._provisioned = False
        for sub in ('lib', 'log'):
            (self.folder / sub).mkdir(parents=True)
        (self.folder / 'lib' / 'vpn_server.config').write_text(_CONFIG % self.port)

    @property
    def address(self):
        return f'127.0.0.1:{self.port}'

    def start(self, timeout=30):
        self._process = proc.Process([self._programs / self.kind / 'vpnserver', 'execsvc'],
                                     self.folder / 'vpnserver.log', name=f'softether-{self.name}',
                                     cwd=self.folder)
        self._process.wait_listening(self.port, timeout)
        if self.kind == 'good' and not self._provisioned:
            self._provision(timeout)
            self._provisioned = True
        return self

    def running(self):
        return self._process is not None and self._process.running()

    def workers(self):
        """The pids of the watchdog's children: the server proper."""
        if not self.running():
            return []
        with open(f'/proc/{self._process.pid}/task/{self._process.pid}/children',
                  encoding='ascii') as children:
            return [int(pid) for pid in children.read().split()]

    def kill(self):
        """SIGKILL for the watchdog, then for the server: no goodbye to anyone."""
        if self._process is None:
            return
        workers = self.workers()
        self._process.send_signal(signal.SIGKILL)
        for pid in workers:
            _signal(pid, signal.SIGKILL)
        self._process.stop(signal.SIGKILL)
        self._process = None
        for pid in workers:
            proc.reap(pid)

    stop = kill  # A polite end takes many seconds and is not what is tested.

    def freeze(self):
        """TCP still connects, nothing is answered any more. Undone by thaw()."""
        for pid in self.workers():
            _signal(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.workers():
            _signal(pid, signal.SIGCONT)

    def vpncmd(self, *lines, hub=None, password=_ADMIN, timeout=30):
        """Runs lines of vpncmd; AssertionError when one fails."""
        script = self.folder / 'vpncmd.txt'
        script.write_text(''.join(f'{line}\n' for line in lines))
        argv = [self._programs / 'good' / 'vpncmd', f'127.0.0.1:{self.port}', '/SERVER',
                f'/IN:{script}']
        argv += [f'/PASSWORD:{password}'] if password else []
        argv += [f'/ADMINHUB:{hub}'] if hub else []
        done = proc.run(argv, timeout=timeout, cwd=self.folder)
        if done.returncode != 0:
            raise AssertionError(f'vpncmd ended with {done.returncode}:\n{done.stdout[-2000:]}')
        return done.stdout

    def show(self, certificate):
        """From now on it shows this ca.Certificate, to new connections; tunnels stay."""
        self.vpncmd(_cert_set(certificate))
        self.certificate = certificate

    def enable_sstp(self, on):
        """Without it the server still speaks TLS and HTTP, and answers the POST with 501."""
        self.vpncmd(f'ProtoOptionsSet SSTP /NAME:Enabled /VALUE:{"true" if on else "false"}')

    def remove_user(self):
        """New clients fail to log in."""
        self.vpncmd(f'UserDelete {USER}', hub='VPN')

    def create_user(self):
        self.vpncmd('Hub VPN', *_USER_CREATE)

    def sessions_logged(self):
        """When its log says that somebody was answered SSTP, a probe or a client."""
        lines = ''.join(path.read_text(errors='replace') for path in
                        sorted((self.folder / 'log' / 'server_log').glob('*.log')))
        return [datetime.datetime.fromisoformat(line[:23]) for line in lines.splitlines()
                if '[SSTP]' in line and line.endswith('Session created.')]

    def sessions(self):
        """How many tunnels the server says it has (the gateway's own session not counted)."""
        listing = self.vpncmd('SessionList', hub='VPN')
        return sum('[SSTP]' in line or 'SSTP-' in line for line in listing.splitlines()
                   if line.startswith('Session Name'))

    def _provision(self, timeout):
        self.vpncmd(f'ServerPasswordSet {_ADMIN}', password=None, timeout=timeout)
        lines = ['KeepDisable', 'HubDelete DEFAULT', 'HubCreate VPN /PASSWORD:hub',
                 'IPsecEnable /L2TP:no /L2TPRAW:no /ETHERIP:no /PSK:none /DEFAULTHUB:VPN']
        if self.certificate:
            lines.append(_cert_set(self.certificate))
        lines += ['Hub VPN', *_USER_CREATE, 'ExtOptionSet DisableKernelModeSecureNAT /VALUE:1',
                  'ExtOptionSet DisableIpRawModeSecureNAT /VALUE:1', 'SecureNatEnable', 'Flush']
        self.vpncmd(*lines, timeout=timeout)


def start_all(servers):
    """Starts several at once; the machine has time for more than one of them."""
    with concurrent.futures.ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(lambda server: server.start(), servers))


class FarmCase(case.EndToEndCase):
    """Three servers, each with a certificate by an authority of its own, and Debian's broken one:
    they run as long as the class's tests do."""

    @classmethod
    def setUpClass(cls):
        binary()
        super().setUpClass()
        cls.authorities, cls.servers = {}, {}
        for name in ('vpn1', 'vpn2', 'vpn3'):
            cls.authorities[name] = ca.Authority(cls.class_dir / name / 'ca')
            cls.servers[name] = SoftEther(name, cls.class_dir / name / 'server',
                                          certificate=cls.authorities[name].issue(NAME, rsa=True))
        cls.servers['debian'] = SoftEther('debian', cls.class_dir / 'debian', kind='broken')
        for server in cls.servers.values():
            cls.addClassCleanup(server.kill)
        start_all(cls.servers.values())

    def farm(self, *names, **more):
        return pool({name: self.servers[name].port for name in names}, **more)

    def open(self, balancer, addresses, **more):
        """A tunnel from each of these addresses, closed with the test."""
        tunnels = pinger.open_tunnels(balancer.port, USER, PASSWORD, addresses, sni=NAME, **more)
        for tunnel in tunnels:
            self.addCleanup(tunnel.close)
        return tunnels

    def server_of(self, tunnel):
        """The name of the server whose certificate the client was shown."""
        return next(name for name, server in self.servers.items() if server.certificate and
                    ssl.PEM_cert_to_DER_cert(server.certificate.cert.read_text())
                    == tunnel.certificate)


def _cert_set(certificate):
    return f'ServerCertSet /LOADCERT:{certificate.cert} /LOADKEY:{certificate.key}'


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


_USER_CREATE = (f'UserCreate {USER} /GROUP:none /REALNAME:none /NOTE:none',
                f'UserPasswordSet {USER} /PASSWORD:{PASSWORD}')

# Everything that would call out is off before the first start.
_CONFIG = '''declare root
{
	uint ConfigRevision 1
	bool IPsecMessageDisplayed true
	declare DDnsClient
	{
		bool Disabled true
	}
	declare ListenerList
	{
		declare Listener0
		{
			bool DisableDos true
			bool Enabled true
			uint Port %d
		}
	}
	declare ServerConfiguration
	{
		bool DisableDeadLockCheck true
		bool DisableGetHostNameWhenAcceptTcp true
		bool DisableIPv6Listener true
		bool DisableNatTraversal true
		bool EnableVpnAzure false
		bool EnableVpnOverDns false
		bool EnableVpnOverIcmp false
		bool UseKeepConnect false
		string ListenIP 127.0.0.1
	}
}
'''
