"""A tunnel that is used without pause in the background, to notice the smallest interruption."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import threading

from . import ppp, sstp


class Pinger:
    """Pings through an open tunnel from a thread of its own, which then owns the tunnel."""

    def __init__(self, tunnel, target=sstp.GATEWAY, interval=0.1):
        self.tunnel = tunnel
        self.sent = self.received = 0
        self.error = None
        self._target, self._interval = target, interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.is_set():
                result = self.tunnel.ping(self._target, 1, interval=self._interval)
                self.sent += result.sent
                self.received += result.received
        except (sstp.SstpError, ppp.PppError, OSError) as error:
            self.error = error

    @property
    def lost(self):
        return self.sent - self.received

    def broken(self):
        return self.error is not None

    def stop(self):
        """Ends the pinging and gives the tunnel back."""
        self._stop.set()
        self._thread.join(10)
        return self.tunnel


def open_tunnels(port, user, password, sources, **more):
    """Opens one tunnel from each source address, all at once; SoftEther takes 2 s for each.

    The far gateway has answered through every one of them.
    """
    def one(source):
        tunnel = sstp.Tunnel(('127.0.0.1', port), user, password, source=source, **more).open()
        return tunnel.reach()

    with concurrent.futures.ThreadPoolExecutor(len(sources)) as pool:
        futures = [pool.submit(one, source) for source in sources]
    failed = [f.exception() for f in futures if f.exception()]
    if failed:
        for future in futures:
            if not future.exception():
                future.result().close()
        raise failed[0]
    return [future.result() for future in futures]
