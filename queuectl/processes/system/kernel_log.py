"""The kernel's log, as far as it tells whom the out-of-memory killer has ended."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

KMSG = "/dev/kmsg"
_RECORD = 8192  # bytes; more than any record has
_MOST_RECORDS = 200_000  # a log that grows faster than it is read must not hold us for ever
_FIRST_PID_SPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO of linux/proc_ns.h
_KILLED = re.compile(rb"\bKilled process (\d+) \(")
_PARTS = re.compile(rb"\b(?:anon|file|shmem)-rss:(\d+)kB")


class Kill(NamedTuple):
    """The end of one process; `at` is seconds of the kernel's clock, `size` the bytes it had."""

    pid: int
    at: float
    size: int


def is_readable() -> bool:
    """Whether the log can be read here, and its pids are those that we see."""
    try:
        os.close(_open())
        return os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_SPACE
    except OSError:
        return False


def kills() -> list[Kill]:
    """The kills that the log still has, oldest first; takes milliseconds where it is long."""
    return [kill for record in _records() if (kill := parse(record)) is not None]


def parse(record: bytes) -> Kill | None:
    """The kill that a record of /dev/kmsg tells of, if any."""
    head, _, text = record.partition(b";")
    found = _KILLED.search(text.partition(b"\n")[0])
    fields = head.split(b",")
    # Programs can write to the log, too; only the kernel does so as facility 0.
    if found is None or len(fields) < 3 or not fields[0].isdigit() or int(fields[0]) >= 8:
        return None
    size = sum(int(part) for part in _PARTS.findall(text)) * 1024
    return Kill(int(found[1]), int(fields[2]) / 1e6, size)


def _open() -> int:
    return os.open(KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _records() -> Iterator[bytes]:
    try:
        descriptor = _open()
    except OSError:
        return
    try:
        for _ in range(_MOST_RECORDS):
            try:
                yield os.read(descriptor, _RECORD)
            except BrokenPipeError:  # the oldest records were overwritten meanwhile
                continue
            except OSError:  # that was the last one
                return
    finally:
        os.close(descriptor)
