"""The files of the project, as the checks of this folder see them.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOT_OURS = {".git", ".cache", "__pycache__"}


def _listed_by_git():
    """Tracked files and new ones that are not ignored; None outside of a checkout."""
    git = ["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z"]
    try:
        out = subprocess.run(git + ["--cached", "--others", "--exclude-standard"],
                             capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in out.decode().split("\0") if name]


def _found():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in NOT_OURS and
                      not (folder == ROOT and f.startswith("build"))]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def files(*endings):
    """Paths from the root, sorted; all of them, or those with one of the endings."""
    names = _listed_by_git()
    if names is None:
        names = list(_found())
    return sorted(n for n in set(names)
                  if (not endings or n.endswith(endings)) and os.path.isfile(os.path.join(ROOT, n)))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def finish(what, problems):
    """Prints what is wrong and gives the exit code."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem(s)" if problems else f"{what}: fine")
    return 1 if problems else 0
