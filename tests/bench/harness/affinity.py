"""Clients whose sources are skewed, and what a placement of their sessions is worth.

A placement is, for each backend, {source: sessions}.
"""
# SPDX-License-Identifier: Apache-2.0
import random


def tenth_holds_half(sessions, sources):
    """Sessions of each source, most first: a power law in which a tenth of them hold half."""
    low, high = 0.0, 4.0
    while high - low > 1e-6:
        exponent = (low + high) / 2
        counts = _shares(sessions, [rank ** -exponent for rank in range(1, sources + 1)])
        held = sum(counts[:sources // 10])
        low, high = (exponent, high) if 2 * held < sessions else (low, exponent)
    return counts


def one_has_a_fifth(sessions, sources):
    """One carrier-grade NAT has 20 %, all others are alike."""
    return [sessions // 5, *_shares(sessions - sessions // 5, [1] * (sources - 1))]


def _shares(sessions, weights):
    """Whole numbers that add up, none below 1."""
    scale = (sessions - len(weights)) / sum(weights)
    exact = [1 + scale * weight for weight in weights]
    counts = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda i: counts[i] - exact[i])
    for i in order[:sessions - sum(counts)]:
        counts[i] += 1
    return counts


SKEWS = {'tenth': tenth_holds_half, 'fifth': one_has_a_fifth}


def arrivals(counts, seed):
    """The source of each session, in the order they come: addresses of 127/8, shuffled."""
    chance = random.Random(seed)
    hosts = chance.sample(range(1 << 16, 1 << 24), len(counts))
    order = [f'127.{host >> 16}.{host >> 8 & 255}.{host & 255}'
             for host, count in zip(hosts, counts) for _ in range(count)]
    chance.shuffle(order)
    return order


def sources_of(placement):
    return {source for backend in placement for source in backend}


def homes(placement):
    """For each source the backend that has most of its sessions."""
    return {source: max(range(len(placement)), key=lambda i: placement[i].get(source, 0))
            for source in sources_of(placement)}


def loads(placement):
    return [sum(backend.values()) for backend in placement]


def spread(placement):
    """The fullest backend by the mean; of those that have any session."""
    used = [load for load in loads(placement) if load]
    return max(used) * len(used) / sum(used)


def away(placement, home):
    """The share of sessions that are not at their source's home."""
    at_home = sum(count for i, backend in enumerate(placement)
                  for source, count in backend.items() if home.get(source) == i)
    return 1 - at_home / sum(loads(placement))


def split(placement):
    """Of the sources with two sessions or more, the share that is on more than one backend."""
    several = [source for source in sources_of(placement)
               if sum(backend.get(source, 0) for backend in placement) > 1]
    return sum(sum(source in backend for backend in placement) > 1
               for source in several) / len(several)


def kept(before, after, backends):
    """Of the sessions that were at these backends, the share that is where it was."""
    same = sum(min(count, after[i].get(source, 0))
               for i in backends for source, count in before[i].items())
    return same / sum(loads(before)[i] for i in backends)
