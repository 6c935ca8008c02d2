"""Plain sockets that look like TLS from outside: a real ClientHello, then what a test wants.

For tests of the data path that need to say exactly which byte, FIN or RST goes when. Thousands of
sessions are stream_check's work (tests/e2e/stream_check).
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import threading
import unittest

from . import proc


def client_hello(name=None, alpn=None):
    """The first flight of this Python's OpenSSL: one whole TLS record."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def split_records(hello, size):
    """The same handshake message, spread over records of `size` bytes each."""
    assert hello[0] == 0x16 and len(hello) == 5 + struct.unpack_from('>H', hello, 3)[0]
    body = hello[5:]
    return b''.join(hello[:3] + struct.pack('>H', len(part)) + part
                    for part in (body[i:i + size] for i in range(0, len(body), size)))


def handshake(sock, name, send_hello):
    """A real TLS handshake whose first flight goes out through send_hello(bytes).

    Returns the server's certificate (DER).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    send = send_hello
    while True:
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        if outgoing.pending:
            send(outgoing.read())
            send = sock.sendall
        if done:
            return tls.getpeercert(binary_form=True)
        more = sock.recv(65536)
        if not more:
            raise AssertionError('end in the middle of the handshake')
        incoming.write(more)


def record(data):
    """Bytes as one record of TLS application data."""
    return b'\x17\x03\x03' + struct.pack('>H', len(data)) + data


def read_record(sock, timeout=5):
    """The body of the next application data record; AssertionError at an end before it."""
    sock.settimeout(timeout)
    head = read_exactly(sock, 5)
    return read_exactly(sock, struct.unpack_from('>H', head, 3)[0])


def read_exactly(sock, size):
    data = bytearray()
    while len(data) < size:
        more = sock.recv(min(size - len(data), 1 << 20))
        if not more:
            raise AssertionError(f'end after {len(data)} of {size} bytes')
        data += more
    return bytes(data)


def read_end(sock, timeout=5):
    """Reads to the end: ('eof' | 'reset' | 'timeout', bytes)."""
    sock.settimeout(timeout)
    data, how = bytearray(), 'eof'
    try:
        while more := sock.recv(1 << 20):
            data += more
    except ConnectionResetError:
        how = 'reset'
    except TimeoutError:
        how = 'timeout'
    return how, bytes(data)


def background(function, *arguments):
    """Runs it in a thread of its own, which is returned."""
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def reset(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


def connect(port, source=None, host='127.0.0.1'):
    sock = socket.create_connection((host, port), timeout=10,
                                    source_address=source and (source, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Backend:
    """A listening socket; accept() gives the test the connection with its hello already read."""

    def __init__(self, test, rcvbuf=0):
        self._listener = socket.create_server(('127.0.0.1', 0))
        if rcvbuf:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.port = self._listener.getsockname()[1]
        test.addCleanup(self._listener.close)

    def accept(self, timeout=5):
        """(connection, hello)"""
        self._listener.settimeout(timeout)
        sock, _ = self._listener.accept()
        sock.settimeout(timeout)
        head = read_exactly(sock, 5)
        return sock, head + read_exactly(sock, struct.unpack_from('>H', head, 3)[0])


class NamedEcho:
    """A backend that says its name in a record and then echoes what comes after the hello.

    While `full`, it closes what it accepts, and serves those it has. `clients` are the addresses
    that it saw, of all who said hello.
    """

    def __init__(self, test, name, at=('127.0.0.1', 0)):
        self.name = name
        self.full = False
        self.clients = []
        family = socket.AF_INET6 if ':' in at[0] else socket.AF_INET
        self._listener = socket.create_server(at, family=family, backlog=256)
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.stop)

    def stop_listening(self):
        """Nobody gets in any more; connections that are open stay open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def stop(self):
        self.stop_listening()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.full:
                sock.close()
                continue
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        self._open.add(sock)
        with sock, contextlib.suppress(OSError, AssertionError):
            head = read_exactly(sock, 5)
            read_exactly(sock, struct.unpack_from('>H', head, 3)[0])
            self.clients.append(sock.getpeername()[:2])
            sock.sendall(record(self.name.encode()))
            while data := sock.recv(65536):
                sock.sendall(data)
        self._open.discard(sock)


class Session:
    """A client of a NamedEcho through the balancer; `backend` is the name it was told."""

    def __init__(self, test, port, name=None, source=None, host='127.0.0.1'):
        self.sock = connect(port, source, host)
        test.addCleanup(self.sock.close)
        self.sock.sendall(client_hello(name))
        self.backend = read_record(self.sock).decode()

    def alive(self):
        """Whether a record makes it there and back."""
        token = os.urandom(16)
        try:
            self.sock.sendall(record(token))
            return read_record(self.sock) == token
        except (OSError, AssertionError):
            return False

    def ended(self, timeout=5):
        """Waits for the end of the session: 'eof', 'reset' or 'timeout'."""
        return read_end(self.sock, timeout)[0]

    def close(self):
        self.sock.close()


class LiveStream(Session):
    """A session with bytes in both directions all the time, each compared with what was sent.

    `trips` counts what came back whole; `broken` says what went wrong, once something has.
    """

    def __init__(self, test, port, name=None, source=None):
        super().__init__(test, port, name, source)
        self.trips = 0
        self.broken = ''
        self._sent, self._got = hashlib.sha256(), hashlib.sha256()
        self._stop = threading.Event()
        self._thread = background(self._run)
        test.addCleanup(self._stop.set)

    def _run(self):
        while not self._stop.is_set() and not self.broken:
            data = record(os.urandom(1 + self.trips * 997 % 16000))
            try:
                self.sock.settimeout(20)
                self.sock.sendall(data)
                back = read_exactly(self.sock, len(data))
            except (OSError, AssertionError) as error:
                self.broken = f'after {self.trips} trips: {error!r}'
                return
            self._sent.update(data)
            self._got.update(back)
            if back != data:
                self.broken = f'other bytes after {self.trips} trips'
            self.trips += 1
            self._stop.wait(0.005)

    def finish(self):
        """Ends it; AssertionError unless every byte came back."""
        self._stop.set()
        self._thread.join(25)
        if self.broken or self._sent.digest() != self._got.digest():
            raise AssertionError(f'stream at {self.backend}: {self.broken or "checksums differ"}')
        self.close()


def stream_check():
    """The stream_check program, or SkipTest."""
    path = os.environ.get('SSTPLB_STREAM_CHECK', '')
    if not path or not os.access(path, os.X_OK):
        raise unittest.SkipTest('SSTPLB_STREAM_CHECK does not name the stream_check program')
    return pathlib.Path(path)


class StreamServer:
    """One `stream_check server`; finish() ends it and gives its tally."""

    def __init__(self, test, name='stream-server'):
        self.process = test.start([stream_check(), 'server'], name)
        self.port = int(self.process.wait_line(r'listening on (\d+)').group(1))

    def finish(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait_exit(10)
        return json.loads(self.process.log().splitlines()[-1])


def run_streams(port, *options, timeout=240):
    """One `stream_check client`: its tally."""
    done = proc.run([stream_check(), 'client', '--target', f'127.0.0.1:{port}', *options],
                    timeout=timeout)
    if not done.stdout:
        raise AssertionError(f'stream_check: {done.stderr}')
    return json.loads(done.stdout)
