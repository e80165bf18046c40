"""Whether the home and all that lies in it belongs to its owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from queuectl.processes.examination.finding import (
    BY_REPAIR,
    Finding,
    fine,
    problem,
    some,
)
from queuectl.processes.examination.site import Site, files_below

CHECK = "permissions"
_FOLDER, _FILE = 0o700, 0o600
_ROUNDS = 10  # a folder that could not be looked into is, once it was mended
_COMPANIONS = ("", "-wal", "-shm")


def examine(site: Site) -> Iterator[Finding]:
    """One finding for all that is wrong in the same way."""
    found = _Permissions(site)
    if found.foreign:
        advice = f"as root: chown -R {os.geteuid()} {site.path}"
        yield problem(CHECK, f"another user's: {some(found.foreign)}", advice)
    if found.wrong:
        names = [f"{name} is {mode:04o}, not {wanted:04o}" for name, mode, wanted in found.wrong]
        yield problem(CHECK, some(names), BY_REPAIR, lambda: _mend(site))
    if not (found.foreign or found.wrong):
        yield fine(CHECK, f"all {found.count} files and folders are private")


def _mend(site: Site) -> str:
    mended: list[str] = []
    for _ in range(_ROUNDS):
        wrong = _Permissions(site).wrong
        for path, _, wanted in wrong:
            with suppress(FileNotFoundError):
                os.chmod(path, wanted)
        mended += [path for path, _, _ in wrong]
        if not wrong:
            break
    return f"made private: {some(mended)}"


class _Permissions:
    def __init__(self, site: Site) -> None:
        self.foreign: list[str] = []
        self.wrong: list[tuple[str, int, int]] = []
        self.count = 0
        self._look_at(site.path)
        # A folder that may not be looked into is told of as such, and mended before its content.
        with suppress(PermissionError):
            for entry in files_below(site.path):
                self._look_at(entry.path)
        if site.database is not None and not site.database.startswith(site.path + os.sep):
            for companion in _COMPANIONS:
                self._look_at(site.database + companion)

    def _look_at(self, path: str) -> None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return
        self.count += 1
        if status.st_uid != os.geteuid():
            self.foreign.append(path)
        elif not stat.S_ISLNK(status.st_mode):
            wanted = _FOLDER if stat.S_ISDIR(status.st_mode) else _FILE
            if stat.S_IMODE(status.st_mode) != wanted:
                self.wrong.append((path, stat.S_IMODE(status.st_mode), wanted))
