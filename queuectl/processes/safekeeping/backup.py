"""Takes a backup of a queue while everything runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

import queuectl
from queuectl.domain.errors import BackupFailed, StoreFull, StoreUnreachable
from queuectl.domain.timing import format_instant
from queuectl.home import archive, partial
from queuectl.home.partial import Partial
from queuectl.processes.system import identity
from queuectl.queue import JobQueue
from queuectl.stores import engine_of

_EXISTS = "there is something already (--force replaces a file)"


class Taken(NamedTuple):
    """What a backup holds; `size` in bytes, 0 where it went to a stream."""

    jobs: int
    transcripts: int
    size: int


def write_backup(queue: JobQueue, target: str, *, force: bool) -> Taken:
    """Back up to the file `target`, which is there whole or not at all; raises `BackupFailed`."""
    folder, name = os.path.split(os.path.abspath(target))
    if os.path.lexists(target) and not (force and os.path.isfile(target)):
        raise BackupFailed(target, _EXISTS)
    with _blamed(target):
        partial.remove_leftovers(folder)
        with Partial(folder, name) as whole:
            with open(os.dup(whole.descriptor), "wb") as out:
                taken = _pack(queue, folder, name, out)
            size = os.fstat(whole.descriptor).st_size
            whole.place(target, replace=force)
    return taken._replace(size=size)


def stream_backup(queue: JobQueue, out: IO[bytes]) -> Taken:
    """Back up to a stream; what is on its way stands in the home. Raises `BackupFailed`."""
    partial.remove_leftovers(queue.home.path)
    with _blamed("-"):
        return _pack(queue, queue.home.path, "backup", out)


def _pack(queue: JobQueue, folder: str, name: str, out: IO[bytes]) -> Taken:
    with Partial(folder, name) as database:
        jobs = sum(queue.store.tallies().values())
        # First the store, then the outputs: so that whatever ended by then has its output.
        label = _label(queue)
        queue.store.copy(database.path)
        return Taken(jobs, archive.pack(out, label, database.path, queue.home), 0)


def _label(queue: JobQueue) -> archive.Label:
    return {
        "version": queuectl.__version__,
        "schema": engine_of(queue.store.url).schema,
        "created_at": format_instant(queue.store.now()),
        "host": identity.host(),
        "home": queue.home.path,
    }


@contextmanager
def _blamed(target: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise BackupFailed(target, _EXISTS) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BackupFailed(target, error.strerror or str(error)) from None
    except (StoreFull, StoreUnreachable) as error:
        raise BackupFailed(target, str(error)) from None
