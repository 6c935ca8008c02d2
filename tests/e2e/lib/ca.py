"""A certificate authority for one test run, by the openssl program."""
# SPDX-License-Identifier: Apache-2.0
import collections
import pathlib

from . import proc

Certificate = collections.namedtuple('Certificate', 'cert key pem')  # pem: key and cert in one


class Authority:
    """`ca.cert` is what a client has to trust; issue() signs a server certificate."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert = self.folder / 'ca.crt'
        self._key = self.folder / 'ca.key'
        _openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                 '-keyout', self._key, '-out', self.cert, '-days', '30', '-subj', '/CN=e2e CA')

    def issue(self, name, alternatives=(), *, rsa=False):
        """SoftEther wants an RSA key; everybody else is quicker with the default."""
        base = self.folder / name.replace('*', '_')
        key, cert, pem = (base.with_name(base.name + end) for end in ('.key', '.crt', '.pem'))
        request, extensions = base.with_name(base.name + '.csr'), base.with_name(base.name + '.ext')
        kind = ('rsa:2048',) if rsa else ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
        _openssl('req', '-new', '-newkey', *kind, '-nodes', '-keyout', key, '-out', request,
                 '-subj', f'/CN={name}')
        names = ','.join(f'DNS:{n}' for n in (name, *alternatives))
        extensions.write_text(f'subjectAltName={names}\nextendedKeyUsage=serverAuth\n')
        _openssl('x509', '-req', '-in', request, '-CA', self.cert, '-CAkey', self._key,
                 '-CAcreateserial', '-out', cert, '-days', '30', '-extfile', extensions)
        pem.write_text(key.read_text() + cert.read_text())
        return Certificate(cert, key, pem)

    def staple(self, certificate, *, revoked=False):
        """A file with the OCSP answer of today about a certificate."""
        serial = _openssl('x509', '-in', certificate.cert, '-noout', '-serial').split('=')[1].strip()
        index, answer = self.folder / 'index', certificate.cert.with_suffix('.ocsp')
        state = 'R\t491231000000Z\t260101000000Z' if revoked else 'V\t491231000000Z\t'
        index.write_text(f'{state}\t{serial}\tunknown\t/CN=one\n')
        _openssl('ocsp', '-index', index, '-CA', self.cert, '-rsigner', self.cert, '-rkey', self._key,
                 '-issuer', self.cert, '-cert', certificate.cert, '-respout', answer, '-ndays', '1')
        return answer


def _openssl(*argv):
    done = proc.run(['openssl', *argv])
    if done.returncode != 0:
        raise AssertionError(f'openssl {argv[0]} failed: {done.stderr[-1000:]}')
    return done.stdout
