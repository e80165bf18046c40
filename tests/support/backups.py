"""What tests of backups and of restored queues share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from queuectl import JobQueue

# A run of the tests in the background ignores SIGINT, and so would all that it starts.
HEEDING_SIGINT = ["env", "--default-signal=INT"]


@contextmanager
def opened(home: Path) -> Iterator[JobQueue]:
    with JobQueue(str(home)) as queue:
        yield queue


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stderr.startswith("queuectl: error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("queuectl: error: ").strip()


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
