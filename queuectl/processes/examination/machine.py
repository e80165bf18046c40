"""What the queue stands on: room on disk, the database's version, the clock."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress

from queuectl.domain.errors import QueuectlError
from queuectl.domain.timing import SECOND, describe_duration, from_instant
from queuectl.processes.examination.finding import Finding, Verdict, fine, problem, warning
from queuectl.processes.examination.site import Site
from queuectl.stores import engine_of

# Bytes and inodes below which a person should know, and below which it is about to fail.
_LITTLE, _TOO_LITTLE = 100 * 1024**2, 10 * 1024**2
_FEW_INODES, _TOO_FEW_INODES = 1000, 100
_LARGE_WAL = 256 * 1024**2
_EARLIEST = 1_790_000_000  # seconds: the queue was written after this
_AHEAD = 60 * SECOND  # of the clock, before it is told
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)


def examine_engine(site: Site) -> Iterator[Finding]:
    """The version of the database."""
    engine = engine_of(site.url)
    name = f"{engine.name} {engine.version}"
    if engine.flaw is None:
        yield fine("engine", name)
    else:
        yield warning("engine", f"{name}: {engine.flaw}", "pip install --upgrade apsw")


def examine_disk(site: Site) -> Iterator[Finding]:
    """Room on the file systems of home and store."""
    folders = {_existing(site.path)}
    if site.database is not None:
        folders.add(_existing(os.path.dirname(site.database)))
    devices: set[int] = set()
    for folder in sorted(folders):
        device = os.stat(folder).st_dev
        if device not in devices:
            devices.add(device)
            yield _room_at(folder)


def _room_at(folder: str) -> Finding:
    system = os.statvfs(folder)
    free, inodes = system.f_bavail * system.f_frsize, system.f_favail
    text = f"{free // 1024**2:,} MiB free at {folder}"
    advice = f"make room on the file system of {folder}"
    if system.f_flag & os.ST_RDONLY:
        return problem("disk", f"{folder} is mounted read-only", "mount it for writing")
    refusal = _refusal(folder)
    if refusal is not None:
        return problem("disk", f"{folder} takes no file: {refusal}; {text}", advice)
    # Some file systems have no fixed number of inodes, and say 0 of 0.
    if system.f_files and inodes < _FEW_INODES:
        scarce = f"{inodes:,} inodes free at {folder}"
        if inodes < _TOO_FEW_INODES:
            return problem("disk", scarce, advice)
        return warning("disk", scarce, advice)
    if free < _LITTLE:
        return (problem if free < _TOO_LITTLE else warning)("disk", text, advice)
    return fine("disk", text)


def _refusal(folder: str) -> str | None:
    """Why a file without a name cannot be written: quotas and errors show in no statistics."""
    without_name: int = getattr(os, "O_TMPFILE", 0)
    if not without_name:
        return None
    try:
        descriptor = os.open(folder, without_name | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return None if error.errno in _UNSUPPORTED else error.strerror
    try:
        os.write(descriptor, bytes(4096))
        os.fsync(descriptor)
    except OSError as error:
        return error.strerror
    finally:
        os.close(descriptor)
    return None


def examine_wal(site: Site) -> Iterator[Finding]:
    """The size of the log that SQLite writes before the store itself."""
    if site.database is None:
        return
    size = 0
    with suppress(FileNotFoundError):
        size = os.stat(site.database + "-wal").st_size
    text = f"{size / 1024**2:,.1f} MiB"
    if size > _LARGE_WAL:
        advice = "some process reads for long (a backup?); it shrinks once that has ended"
        yield warning("wal", text, advice)
    else:
        yield fine("wal", text)


def examine_clock(site: Site) -> Iterator[Finding]:
    """Whether the wall clock can be right."""
    now = time.time_ns() // 1000
    shown = from_instant(now).strftime("%Y-%m-%d %H:%M:%S UTC")
    latest = None
    with suppress(QueuectlError):
        latest = site.store.latest()
    if now < _EARLIEST * SECOND:
        yield problem("clock", f"it says {shown}, which is past", "set the clock")
    elif latest is not None and latest > now + _AHEAD:
        ahead = describe_duration((latest - now) / SECOND)
        yield Finding(
            "clock",
            Verdict.WARNING,
            f"it says {shown}, but the store knows of something {ahead} later",
            "see that the clock is right; if it was ahead before, this ends by itself",
        )
    else:
        yield fine("clock", shown)


def _existing(path: str) -> str:
    """The path, or the nearest folder above it that exists."""
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path
