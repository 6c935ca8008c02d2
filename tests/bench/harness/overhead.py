"""What sstplb costs beyond relaying: one build with everything off and with everything on.

The variants of a round run at the same time, each between ends of its own, and take turns by
slices of an eighth of a second, forwards and backwards: whatever the machine does
meanwhile hits them alike. A ratio is taken of each way there and back, and that of a round is
their median. `off` runs twice, so that what two equal processes differ by is known. A round begins
with new processes, since each of them lies in memory in its own way.
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import contextlib
import dataclasses
import re
import socket
import statistics
import threading
import typing

from lib import proc

from . import peers, rows

SLICE = 0.125  # seconds
SCRAPE_EVERY = 5  # seconds; a Prometheus often asks less often
RHYTHM = 60  # seconds from word to word of an idle tunnel
SCRAPES = 30
SETTLE = 3  # seconds until scrapes and probes have taken the memory that they keep
OFF, AGAIN, ON = 'off', 'off again', 'on'
TO_OFF = ' / off'  # follows the name of a figure


def variants(balancers, probed):
    """The first build off, off again and on; further builds off, for what cannot be switched."""
    name, program = balancers[0]
    return [peers.Sstplb(OFF, program, 'sstplb-off.cfg'),
            peers.Sstplb(AGAIN, program, 'sstplb-off.cfg'),
            peers.Sstplb(ON, program, 'sstplb-on.cfg', probed),
            *(peers.Sstplb(name, program, 'sstplb-off.cfg') for name, program in balancers[1:])]


def scrape(cell):
    """The text of /metrics."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(10)
        admin.connect(str(cell.folder / 'admin.sock'))
        admin.sendall(b'GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n')
        parts = iter(lambda: admin.recv(1 << 16), b'')
        return b''.join(parts).decode()


def samples(text, metric):
    """The values of one metric, whatever its labels."""
    return [float(value) for value in re.findall(rf'^{metric}{{.*}} (\S+)$', text, re.MULTILINE)]


class Watched:
    """While it is entered, a cell is scraped as a Prometheus would do it."""

    def __init__(self, cell):
        self._cell = cell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        proc.wait_until(self._probed, 20, 'all backends to be up by their probes')
        self._thread.start()

    def _probed(self):
        ups = samples(scrape(self._cell), 'sstplb_backend_up')
        return ups and all(ups)

    def _run(self):
        while not self._over.wait(SCRAPE_EVERY):
            scrape(self._cell)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        text = scrape(self._cell)
        for reason in ('queue_full', 'queue_timeout', 'no_backend', 'connect_failed'):
            assert f'reason="{reason}"' not in text, f'on: a session ended with {reason}'
        for metric in ('sstplb_backend_ejected', 'sstplb_backend_queue_wait_seconds_count'):
            assert not any(samples(text, metric)), f'on: {metric} is not 0'


@dataclasses.dataclass
class Row:
    """`begin`: ahead of the slices; `work`: a slice; `figures`: out of the spans of a round."""
    manner: str
    begin: typing.Callable
    work: typing.Callable
    figures: typing.Callable


def _total(spans, field):
    return sum(getattr(span, field) for span in spans)


def _answered(spans, field):
    return sum(span.answer[field] for span in spans)


def _per_count(spans):
    count = _answered(spans, 'count')
    return {'cpu_us': 1e6 * _total(spans, 'cpu') / count,
            'worker_us': 1e6 * _total(spans, 'workers') / count,
            'busy': _total(spans, 'cpu') / _total(spans, 'seconds')}


def _connections(cell, options, seconds):
    return cell.do('connections', rows.CLOSED_LOOP, 0, seconds)


def _bulk(way):
    def work(cell, options, seconds):
        return cell.do(way, options.streams, seconds)

    def figures(spans):
        gib = _answered(spans, 'bytes') / rows.GIB
        return {'cpu_s_per_gib': _total(spans, 'cpu') / gib,
                'worker_s_per_gib': _total(spans, 'workers') / gib,
                'busy': _total(spans, 'cpu') / _total(spans, 'seconds')}

    return Row('tunnel', lambda cell, options: work(cell, options, rows.WARM), work, figures)


def _echoes(cell, options, seconds):
    return cell.do('echo', options.echo_rate, seconds, rows.ECHO_SIZE, options.echo_tunnels)


def _begin_echo(cell, options):
    cell.do('open', options.echo_tunnels)
    _echoes(cell, options, rows.WARM)


def _echo_figures(spans):
    latencies = [span.answer['latency_us'] for span in spans]
    return {**_per_count(spans), **{f'{name}_us': statistics.median(l[name] for l in latencies)
                                    for name in ('p50', 'p99')}}


ROWS = {
    'connection': Row('answer', lambda cell, options: _connections(cell, options, rows.WARM),
                      _connections, _per_count),
    'download': _bulk('download'),
    'upload': _bulk('upload'),
    'echo': Row('tunnel', _begin_echo, _echoes, _echo_figures),
}
NAMES = [*ROWS, 'idle']


def _cells(rig, all_variants, manner, stack):
    cells = [stack.enter_context(rig.cell(variant, manner)) for variant in all_variants]
    for variant, cell in zip(all_variants, cells):
        if variant.name == ON:
            stack.enter_context(Watched(cell))
    return cells


def _in_slices(rig, row, all_variants):
    options = rig.options
    with contextlib.ExitStack() as stack:
        cells = _cells(rig, all_variants, row.manner, stack)
        for cell in cells:
            row.begin(cell, options)
        spans = [[] for _ in cells]
        order = list(range(len(cells)))
        for _ in range(max(1, round(options.seconds / SLICE / 2))):
            for i in order + order[::-1]:
                spans[i].append(row.work(cells[i], options, min(SLICE, options.seconds)))
    return [row.figures(own) for own in spans], [
        [row.figures(own[i:i + 2]) for own in spans] for i in range(0, len(spans[0]), 2)]


def _scrape_us(cell):
    """What one scrape takes of the workers: so long they do nothing else."""
    before = cell.meter.cpu('worker')
    for _ in range(SCRAPES):
        scrape(cell)
    return 1e6 * (cell.meter.cpu('worker') - before) / SCRAPES


def _idle(rig, all_variants):
    """A farm whose tunnels say a word a minute: memory, CPU, and what a scrape stops."""
    options = rig.options
    some = options.idle_tunnels // 2

    def begin(cell):
        cell.do('open', some)
        _scrape_us(cell)
        _words(cell, some, min(SETTLE, options.seconds))

    def words(cell):
        return _words(cell, options.idle_tunnels, max(options.seconds, 1))

    with contextlib.ExitStack() as stack:
        cells = _cells(rig, all_variants, 'tunnel', stack)
        # All at the same time: they hardly do anything.
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(cells)))
        list(pool.map(begin, cells))
        bytes_each = [_memory_of_more(cell, options.idle_tunnels, some) for cell in cells]
        spans = list(pool.map(words, cells))
        return [{'rss_bytes': memory, 'cpu_s_per_min': 60 * span.cpu / span.seconds,
                 'worker_s_per_min': 60 * span.workers / span.seconds,
                 'scrape_us': _scrape_us(cell)}
                for cell, memory, span in zip(cells, bytes_each, spans)]


def _words(cell, tunnels, seconds):
    return cell.do('echo', tunnels / RHYTHM, seconds, rows.ECHO_SIZE, tunnels)


def _memory_of_more(cell, tunnels, some):
    """Of each tunnel beyond the first `some`."""
    before = cell.meter.memory()[0]
    cell.do('open', tunnels)
    return (cell.meter.memory()[0] - before) / (tunnels - some)


def measure(rig, row, all_variants):
    """One round: {figure: number} for each variant, and its ratios to `off` as figure + TO_OFF."""
    if row == 'idle':
        figures = _idle(rig, all_variants)
        turns = [figures]
    else:
        figures, turns = _in_slices(rig, ROWS[row], all_variants)
    off = [variant.name for variant in all_variants].index(OFF)
    for i, own in enumerate(figures):
        for figure in list(own):
            ratios = [turn[i][figure] / turn[off][figure] for turn in turns if turn[off][figure]]
            if ratios:
                own[figure + TO_OFF] = statistics.median(ratios)
    return figures
