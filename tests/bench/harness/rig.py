"""The rig: starts a peer between a fresh backend and a fresh client, for one cell of the benchmark.

The balancer has one CPU for itself, the load the others; where there is only one, all share it.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import dataclasses
import itertools
import os
import pathlib
import shutil
import tempfile

from . import load


@dataclasses.dataclass
class Span:
    """What the load answered to a command, and what the balancer used meanwhile (in seconds)."""
    answer: dict
    cpu: float = 0
    waited: float = 0
    workers: float = 0  # of `cpu`, what the threads of sstplb's data path used

    @property
    def seconds(self):
        return self.answer['seconds']

    def busy(self):
        return self.cpu / self.seconds


class Cell:
    """One peer, running, with the load's two ends."""

    def __init__(self, running, client, rig):
        self.meter = running.meter  # None: a direct connection
        self.folder = running.folder
        self._client = client
        self._rig = rig

    def do(self, *words):
        """A command of tests/bench/load/commands.h."""
        if not self.meter:
            return Span(self._client.do(*words))
        before = self._used()
        answer = self._client.do(*words)
        span = Span(answer, *(now - then for now, then in zip(self._used(), before)))
        self._rig.note(span)
        return span

    def _used(self):
        return self.meter.cpu(), self.meter.waited(), self.meter.cpu('worker')


class Rig:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='sstplb-bench-'))
        self._numbers = itertools.count()
        self._seconds = 0
        self._waited = 0

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, span):
        self._seconds += span.seconds
        self._waited += span.waited

    def waited(self):
        """The share of the measured time in which a balancer was kept from its CPU by others."""
        return self._waited / self._seconds if self._seconds else 0

    @contextlib.contextmanager
    def cell(self, peer, manner='tunnel', workers=1, pinned=True):
        options = self.options
        here, there = options.balancer_cpu, options.load_cpus
        if not pinned:
            here = there = ','.join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
        folder = self.folder / f'{next(self._numbers)}-{peer.name}'
        folder.mkdir()
        with contextlib.ExitStack() as stack:
            backend = load.Backend(options.load, folder / 'backend.log', there, manner,
                                   options.backends)
            stack.callback(backend.stop)
            running = peer.start(folder, backend.ports, here, workers, options.most_tunnels)
            stack.callback(running.stop)
            client = load.Client(options.load, folder / 'client.log', there, running.ports,
                                 options.hello)
            stack.callback(client.stop)
            try:
                yield Cell(running, client, self)
            except load.LoadError as error:
                said = running.process.tail() if running.process else ''
                raise load.LoadError(f'{peer.name}: {error}\n{said}') from None
        shutil.rmtree(folder)
