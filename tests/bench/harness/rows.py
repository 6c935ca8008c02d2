"""The rows of the benchmark: what is done with a peer, and which figures come out of it.

A row is a function of the rig and a peer; it returns {figure: number}. What belongs to the
balancer's process is left out for a direct connection.
"""
# SPDX-License-Identifier: Apache-2.0
GIB = 1 << 30
WARM = 0.3  # seconds of the same work ahead of what is measured
ECHO_SIZE = 1400
CLOSED_LOOP = 32  # connections at once, at full speed
OPEN_LOOP = 512  # and at a given rate, at the most
IDLE_FIRST = 100  # tunnels; what more of them cost is what `idle` tells

# figure: (heading, digits, which is better)
FIGURES = {
    'cpu_us': ('CPU us', 1, 'less'),
    'cpu_s_per_gib': ('CPU s/GiB', 3, 'less'),
    'worker_us': ('workers us', 1, 'less'),
    'worker_s_per_gib': ('workers s/GiB', 3, 'less'),
    'paced_cpu_us': ('CPU us, paced', 1, 'less'),
    'busy': ('CPU busy', 2, None),
    'per_second': ('conn/s', 0, 'more'),
    'gib_per_second': ('GiB/s', 2, 'more'),
    'p50_us': ('p50 us', 0, 'less'),
    'p90_us': ('p90 us', 0, 'less'),
    'p99_us': ('p99 us', 0, 'less'),
    'p99.9_us': ('p99.9 us', 0, 'less'),
    'rss_bytes': ('RSS B/tunnel', 0, 'less'),
    'pss_bytes': ('PSS B/tunnel', 0, 'less'),
    'files': ('files/tunnel', 2, 'less'),
    'few_cpu_us': ('echo CPU us, few', 1, 'less'),
    'many_cpu_us': ('echo CPU us, many', 1, 'less'),
    'per_second_1': ('conn/s, 1 worker', 0, 'more'),
    'per_second_2': ('conn/s, 2', 0, 'more'),
    'gib_per_second_1': ('GiB/s, 1', 2, 'more'),
    'gib_per_second_2': ('GiB/s, 2', 2, 'more'),
    'cpu_s_per_min': ('CPU s/min', 3, 'less'),
    'worker_s_per_min': ('workers s/min', 3, 'less'),
    'scrape_us': ('scrape us', 0, 'less'),
}


def _percentiles(table):
    return {f'{name}_us': table[name] for name in ('p50', 'p90', 'p99', 'p99.9')}


def _cpu_us(span):
    return 1e6 * span.cpu / span.answer['count']


def _full_speed(cell, seconds):
    cell.do('connections', CLOSED_LOOP, 0, WARM)
    return cell.do('connections', CLOSED_LOOP, 0, seconds)


def _rate(span):
    return span.answer['count'] / span.seconds


def connection(rig, peer):
    """Short connections: at full speed, then at a rate for the time to the first byte."""
    options = rig.options
    with rig.cell(peer, 'answer') as cell:
        fast = _full_speed(cell, options.seconds)
        paced = cell.do('connections', OPEN_LOOP, options.connection_rate, options.seconds)
        figures = {}
        if cell.meter:
            figures = {'cpu_us': _cpu_us(fast), 'paced_cpu_us': _cpu_us(paced),
                       'busy': fast.busy()}
        return {**figures, 'per_second': _rate(fast), **_percentiles(paced.answer['first_byte_us'])}


def _stream(rig, cell, way):
    cell.do(way, rig.options.streams, WARM)
    return cell.do(way, rig.options.streams, rig.options.seconds)


def _gib(span):
    return span.answer['bytes'] / GIB


def _bulk(rig, peer, way):
    with rig.cell(peer) as cell:
        span = _stream(rig, cell, way)
        figures = {}
        if cell.meter:
            figures = {'cpu_s_per_gib': span.cpu / _gib(span), 'busy': span.busy()}
        return {**figures, 'gib_per_second': _gib(span) / span.seconds}


def download(rig, peer):
    """Streams from the backend, as fast as they go."""
    return _bulk(rig, peer, 'download')


def upload(rig, peer):
    """Streams to the backend, as fast as they go."""
    return _bulk(rig, peer, 'upload')


def echo(rig, peer):
    """Records that come back, at a rate, over many tunnels; latency from when they were due."""
    options = rig.options
    with rig.cell(peer) as cell:
        def echoes(seconds):
            return cell.do('echo', options.echo_rate, seconds, ECHO_SIZE, options.echo_tunnels)

        cell.do('open', options.echo_tunnels)
        echoes(WARM)
        span = echoes(options.seconds)
        figures = {'cpu_us': _cpu_us(span), 'busy': span.busy()} if cell.meter else {}
        return {**figures, **_percentiles(span.answer['latency_us'])}


def idle(rig, peer):
    """What tunnels cost that do nothing, and what others cost beside them."""
    options = rig.options
    more = options.idle_tunnels - IDLE_FIRST
    with rig.cell(peer) as cell:
        def some_echoes():
            return cell.do('echo', options.idle_echo_rate, options.seconds, ECHO_SIZE, IDLE_FIRST)

        cell.do('open', IDLE_FIRST)
        few = some_echoes()
        memory, files = cell.meter.memory(), cell.meter.open_files()
        cell.do('open', options.idle_tunnels)
        memory_then, files_then = cell.meter.memory(), cell.meter.open_files()
        many = some_echoes()
    return {'rss_bytes': (memory_then[0] - memory[0]) / more,
            'pss_bytes': (memory_then[1] - memory[1]) / more,
            'files': (files_then - files) / more,
            'few_cpu_us': _cpu_us(few), 'many_cpu_us': _cpu_us(many)}


def workers(rig, peer):
    """One worker and two, with all CPUs for everybody."""
    figures = {}
    for count in (1, 2):
        with rig.cell(peer, 'answer', count, pinned=False) as cell:
            figures[f'per_second_{count}'] = _rate(_full_speed(cell, rig.options.seconds))
        with rig.cell(peer, 'tunnel', count, pinned=False) as cell:
            span = _stream(rig, cell, 'download')
            figures[f'gib_per_second_{count}'] = _gib(span) / span.seconds
    return figures


def _any(peer):
    return True


def _process(peer):
    return peer.has_process


def _workers(peer):
    return peer.has_workers


# name: (function, which peers it is for)
ROWS = {'connection': (connection, _any), 'download': (download, _any), 'upload': (upload, _any),
        'echo': (echo, _any), 'idle': (idle, _process), 'workers': (workers, _workers)}
