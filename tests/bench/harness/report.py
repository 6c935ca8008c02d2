"""Results: medians over the rounds, as tables for people and as JSON for programs."""
# SPDX-License-Identifier: Apache-2.0
import os
import platform
import statistics
import time

from .rows import FIGURES


class Results:
    """{row: {peer: {figure: [a number for each round]}}}, in the order in which they came."""

    def __init__(self):
        self.rows = {}

    def add(self, row, peer, figures):
        of_peer = self.rows.setdefault(row, {}).setdefault(peer, {})
        for figure, number in figures.items():
            of_peer.setdefault(figure, []).append(number)

    def medians(self, row, peer):
        return {figure: statistics.median(numbers)
                for figure, numbers in self.rows[row][peer].items()}


def machine():
    """What the figures depend on."""
    model = 'unknown'
    with open('/proc/cpuinfo', encoding='utf-8') as cpuinfo:
        for line in cpuinfo:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/sys/net/ipv4/tcp_congestion_control', encoding='utf-8') as file:
        congestion = file.read().strip()
    return {'cpu': model, 'cpus': len(os.sched_getaffinity(0)), 'kernel': platform.release(),
            'congestion': congestion,
            'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}


def _cell(results, row, peer, figure):
    """A figure, with its ratio to the first peer's where one is the better."""
    baseline = next(iter(results.rows[row]))
    mine, first = results.medians(row, peer), results.medians(row, baseline)
    _, digits, better = FIGURES[figure]
    text = f'{mine[figure]:,.{digits}f}'
    if better and peer != baseline and first.get(figure):
        text += f' ({mine[figure] / first[figure]:.2f})'
    return text


def tables(results, cell):
    """(row, headings, lines) of each row; cell(results, row, peer, figure) is a figure's text."""
    for row, peers in results.rows.items():
        columns = [f for f in FIGURES if any(f in figures for figures in peers.values())]
        yield (row, [row] + [FIGURES[f][0] for f in columns],
               [[peer] + [cell(results, row, peer, f) if f in figures else '-' for f in columns]
                for peer, figures in peers.items()])


def text(results, cell=_cell):
    out = []
    for _, headings, lines in tables(results, cell):
        widths = [max(len(line[i]) for line in [headings, *lines]) for i in range(len(headings))]
        for line in [headings, *lines]:
            first, *rest = (word.ljust(w) if i == 0 else word.rjust(w)
                            for i, (word, w) in enumerate(zip(line, widths)))
            out.append('  '.join([first, *rest]).rstrip())
        out.append('')
    return '\n'.join(out)


def about_text(about):
    """The machine and the versions, in a paragraph."""
    where = about['machine']
    lines = [f'{where["cpus"]} CPUs ({where["cpu"]}), Linux {where["kernel"]}, '
             f'congestion control {where["congestion"]}, {where["time"]}.']
    names = {}
    for name, version in about['peers'].items():
        names.setdefault(version, []).append(name)
    lines += [f'{", ".join(of)}: {version}.' for version, of in names.items()]
    return '\n'.join(lines)


def markdown(results, about, cell=_cell):
    out = [about_text(about), '']
    for _, headings, lines in tables(results, cell):
        out.append('| ' + ' | '.join(headings) + ' |')
        out.append('| --- |' + ' ---: |' * (len(headings) - 1))
        out += ['| ' + ' | '.join(line) + ' |' for line in lines]
        out.append('')
    return '\n'.join(out)


def as_json(results, about):
    return {**about, 'rows': {
        row: {peer: {figure: {'median': statistics.median(numbers), 'rounds': numbers}
                     for figure, numbers in figures.items()}
              for peer, figures in peers.items()}
        for row, peers in results.rows.items()}}
