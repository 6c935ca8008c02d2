"""HAProxy, nginx and openssl as neighbours of the balancer, in front of it and behind it.

Each start_*() takes the test case (its folder and its clean-up) and gives the port. The servers
behind answer a TLS client with one line that tells whom they think they talk to.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import pwd
import re

from . import proc

_HAPROXY = '''global
  maxconn 2000
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
'''
_NGINX = '''%s
daemon off;
error_log stderr info;
pid nginx.pid;
worker_processes 1;
%s
events { worker_connections 1024; }
stream {
%s
}
'''
_NGINX_STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'


def start_haproxy(test, name, config, port):
    path = test.dir / f'{name}.cfg'
    path.write_text(_HAPROXY + config)
    process = test.start(['haproxy', '-db', '-f', path], name)
    process.wait_listening(port)
    return port


def start_nginx(test, name, stream, port):
    module = ''
    if os.path.exists(_NGINX_STREAM_MODULE):
        module = f'load_module {_NGINX_STREAM_MODULE};'
    user = ''
    if os.geteuid() == 0:
        user = f'user {pwd.getpwuid(0).pw_name};'
    path = test.dir / f'{name}.conf'
    path.write_text(_NGINX % (module, user, stream))
    process = test.start(['nginx', '-e', 'stderr', '-p', test.dir, '-c', path], name)
    process.wait_listening(port)
    return port


def start_haproxy_front(test, target_port, option='', host='127.0.0.1'):
    """A layer-4 HAProxy that passes on to the balancer; `option`: send-proxy, send-proxy-v2 …"""
    port = proc.free_port()
    return start_haproxy(test, f'haproxy-front-{port}', f'''
listen front
  mode tcp
  bind {host}:{port}
  server balancer 127.0.0.1:{target_port} {option}
''', port)


def start_nginx_front(test, target_port, *, proxy_protocol):
    """nginx sends version 1 and nothing else."""
    port = proc.free_port()
    return start_nginx(test, f'nginx-front-{port}', f'''
  server {{
    listen 127.0.0.1:{port};
    proxy_pass 127.0.0.1:{target_port};
    proxy_protocol {'on' if proxy_protocol else 'off'};
  }}
''', port)


def start_haproxy_backend(test, certificate, *, accept_proxy):
    """Answers any HTTP request with 'haproxy ADDRESS:PORT authority=NAME id=UNIQUE-ID'."""
    port = proc.free_port()
    accept = 'accept-proxy' if accept_proxy else ''
    line = r'haproxy\ %[src]:%[src_port]\ authority=%[fc_pp_authority]\ id=%[fc_pp_unique_id,hex]'
    return start_haproxy(test, f'haproxy-backend-{port}', f'''
frontend back
  mode http
  bind 127.0.0.1:{port} {accept} ssl crt {certificate.pem}
  http-request return status 200 content-type text/plain lf-string {line}
''', port)


def start_nginx_backend(test, certificate, *, accept_proxy):
    """Answers every connection with 'nginx ADDRESS:PORT' and closes."""
    port = proc.free_port()
    option, who = ('proxy_protocol', 'proxy_protocol') if accept_proxy else ('', 'remote')
    return start_nginx(test, f'nginx-backend-{port}', f'''
  server {{
    listen 127.0.0.1:{port} ssl {option};
    ssl_certificate {certificate.cert};
    ssl_certificate_key {certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    return "nginx ${who}_addr:${who}_port\\n";
  }}
''', port)


def start_tls_server(test, certificate, *options):
    """openssl s_server that answers GET with a page about the connection; its name is its CN."""
    port = proc.free_port()
    process = test.start(['openssl', 's_server', '-accept', f'127.0.0.1:{port}', '-cert',
                          certificate.cert, '-key', certificate.key, '-www', *options],
                         f's_server-{certificate.cert.stem}-{port}')
    process.wait_line('ACCEPT')
    process.wait_listening(port)
    return port


class ClientResult:
    """What openssl s_client told about one connection."""

    def __init__(self, done):
        self.returncode = done.returncode
        self.text = done.stdout + done.stderr

    def _find(self, pattern):
        match = re.search(pattern, self.text, re.MULTILINE)
        return match and match.group(1)

    @property
    def subject(self):
        return self._find(r'^subject=CN ?= ?(\S+)')

    @property
    def version(self):
        return self._find(r'^(?:New|Reused), (TLSv[0-9.]+)') or self._find(r'Protocol *: (TLS\S+)')

    @property
    def resumed(self):
        return re.search(r'^Reused, ', self.text, re.MULTILINE) is not None

    @property
    def verified(self):
        return 'Verify return code: 0 (ok)' in self.text

    @property
    def certificate(self):
        return self._find(r'(-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----)')

    @property
    def alert(self):
        """The number of the fatal alert that the client got, or None."""
        number = self._find(r'SSL alert number (\d+)')
        return number and int(number)


def s_client(port, *options, name=None, ca=None, say='GET / HTTP/1.0\r\n\r\n', bind=None,
             timeout=20):
    """Connects with openssl s_client, says something, and waits for the server's close."""
    argv = ['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-ign_eof']
    argv += ['-servername', name] if name else ['-noservername']
    argv += ['-CAfile', ca] if ca else []
    argv += ['-bind', f'{bind}:0'] if bind else []
    return ClientResult(proc.run([*argv, *options], input=say, timeout=timeout))
