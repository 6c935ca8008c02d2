"""What the tests of a live handoff share."""
# SPDX-License-Identifier: Apache-2.0
import resource

from . import case, streams
from .balancer import Balancer, binary, pool

HELLO = streams.client_hello('vpn.test')


class HandoffCase(case.EndToEndCase):
    @classmethod
    def setUpClass(cls):
        binary()
        streams.stream_check()
        super().setUpClass()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
        cls.hello = cls.class_dir / 'hello.bin'
        cls.hello.write_bytes(HELLO)

    def balancer(self, backends, *more, listener=None, **sections):
        pools = {'main': pool({b.name: b.port for b in backends}, **(more[0] if more else {}))}
        return Balancer(self, pools, listener, **sections).start()

    def echoes(self, *names):
        return [streams.NamedEcho(self, name) for name in names]

    def pair(self, balancer, backend, **client):
        """A client and its backend's end, hello already through."""
        sock = streams.connect(balancer.port, **client)
        self.addCleanup(sock.close)
        sock.sendall(HELLO)
        server, got = backend.accept()
        self.addCleanup(server.close)
        self.assertEqual(got, HELLO)
        return sock, server

    def streams_during(self, balancer, deed, *options):
        """The tally of a stream_check client that runs while deed() is done."""
        tally = {}

        def run():
            tally.update(streams.run_streams(balancer.port, '--hello', str(self.hello), '--spread',
                                             *options))

        running = streams.background(run)
        try:
            self.wait(lambda: balancer.ask('status')['sessions_active'] > 20, 10, 'streams to run')
            deed()
        finally:
            running.join()
        self.assertEqual(tally.get('failed'), 0, tally)
        self.assertGreater(tally['sessions'], 0)
        return tally
