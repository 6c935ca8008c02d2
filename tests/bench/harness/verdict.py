"""Whether `on` costs more than `off` by more than the limit, and by more than noise."""
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import math
import statistics

from .overhead import AGAIN, OFF, ON, TO_OFF
from .rows import FIGURES

LIMIT = 1.02
# Figures that are held to it; the others are told.
RATIOS = {'cpu_us', 'cpu_s_per_gib', 'p50_us', 'rss_bytes'}
# At rest a relay does next to nothing, and a ratio to that means nothing: here the difference may
# be LIMIT - 1 of a CPU.
SHARES = {'cpu_s_per_min': 60}
FEWEST_ROUNDS = 6  # with fewer there is no interval of 95 %


@dataclasses.dataclass
class Interval:
    """A median, and the bounds between which the true one lies with 95 %."""
    median: float
    low: float
    high: float

    def __str__(self):
        return f'{self.median:.3f}: {self.low:.3f}-{self.high:.3f}'


def interval(numbers):
    """By counting: how many of `numbers` lie below their true median is a throw of coins."""
    ordered, count = sorted(numbers), len(numbers)
    left_out = 0
    while 2 * sum(math.comb(count, i) for i in range(left_out + 2)) <= 0.05 * 2 ** count:
        left_out += 1
    return Interval(statistics.median(ordered), ordered[left_out], ordered[count - 1 - left_out])


def ratios(results, row, variant, figure):
    """To `off` of the same turn."""
    numbers = results.rows[row][variant].get(figure + TO_OFF)
    return interval(numbers) if numbers else None


def shares(results, row, variant, figure):
    """1 and what is used more than by `off` of the same round, in CPUs."""
    mine, first = (results.rows[row][name][figure] for name in (variant, OFF))
    return interval([1 + (a - b) / SHARES[figure] for a, b in zip(mine, first)])


def compare(results, row, variant, figure):
    return (shares if figure in SHARES else ratios)(results, row, variant, figure)


def cell(results, row, variant, figure):
    """A figure of a variant, and how it compares to `off`."""
    _, digits, better = FIGURES[figure]
    text = f'{results.medians(row, variant)[figure]:,.{digits}f}'
    compared = better and variant != OFF and compare(results, row, variant, figure)
    return f'{text} ({compared})' if compared else text


@dataclasses.dataclass
class Verdict:
    row: str
    figure: str
    on: Interval
    noise: Interval  # of off against off

    @property
    def exceeds(self):
        return self.on.low > LIMIT

    def __str__(self):
        word = 'more than' if self.exceeds else 'within' if self.on.high <= LIMIT else \
            'more rounds would tell whether within'
        return (f'{self.row}, {FIGURES[self.figure][0]}: on/off {self.on}, off/off {self.noise}: '
                f'{word} {LIMIT}')


def judge(results):
    """A verdict for each figure that is held to the limit."""
    out = []
    for row, of_row in results.rows.items():
        for figure in FIGURES:
            if figure in of_row[OFF] and (figure in RATIOS or figure in SHARES):
                both = [compare(results, row, name, figure) for name in (ON, AGAIN)]
                if all(both):
                    out.append(Verdict(row, figure, *both))
    return out
