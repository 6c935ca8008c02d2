"""What a process has used, as the kernel counts it: CPU time, memory, open files.

A meter covers a process and its children (nginx works in one). CPU time is the sum over threads of
/proc/PID/task/TID/schedstat, which is exact to the nanosecond where /proc/PID/stat counts ticks.
"""
# SPDX-License-Identifier: Apache-2.0
import os


def _read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


class Meter:
    def __init__(self, pid):
        self._pid = pid

    def _pids(self):
        # Looked up each time: a child may come after its parent has begun to listen.
        pids = [self._pid]
        for pid in pids:
            for task in os.listdir(f'/proc/{pid}/task'):
                pids += map(int, _read(f'/proc/{pid}/task/{task}/children').split())
        return pids

    def _schedstat(self, field, threads=''):
        total = 0
        for pid in self._pids():
            for task in os.listdir(f'/proc/{pid}/task'):
                folder = f'/proc/{pid}/task/{task}'
                if not threads or _read(f'{folder}/comm').startswith(threads):
                    total += int(_read(f'{folder}/schedstat').split()[field])
        return total / 1e9

    def cpu(self, threads=''):
        """Seconds on a CPU, user and system, of all threads that live, or of those named so."""
        return self._schedstat(0, threads)

    def waited(self):
        """Seconds that threads were ready to run and did not, because the CPU was taken."""
        return self._schedstat(1)

    def memory(self):
        """(RSS, PSS) in bytes."""
        rss = pss = 0
        for pid in self._pids():
            for line in _read(f'/proc/{pid}/smaps_rollup').splitlines():
                word, *rest = line.split()
                if word == 'Rss:':
                    rss += int(rest[0]) * 1024
                elif word == 'Pss:':
                    pss += int(rest[0]) * 1024
        return rss, pss

    def open_files(self):
        return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in self._pids())
