"""Makes a store out of a backup, and puts it in the place of the one that is there."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from queuectl.domain.errors import (
    BackupUnusable,
    HomeUnusable,
    RestoreRefused,
    StoreDamaged,
    StoreError,
)
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import End, Outcome, State
from queuectl.domain.selection import Selection
from queuectl.home import archive, transcripts
from queuectl.home.folder import Home
from queuectl.home.partial import sync_folder
from queuectl.processes.safekeeping.solitude import alone_in, refuse_company
from queuectl.stores import file_of, open_store
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Ended
from queuectl.stores.upkeep import Part

_IMPATIENT = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}


class Restored(NamedTuple):
    """What came of a backup; `lost` are jobs that were running when it was taken.

    `aside` is where a damaged store was moved to.
    """

    jobs: int
    lost: int
    taken_at: str
    aside: str | None


def restore(home: Home, url: str, source: IO[bytes], name: str, *, force: bool) -> Restored:
    """Fill the store at `url` and the home from an archive called `name`; as a whole or not.

    Raises `BackupUnusable`, `RestoreRefused` where the store has jobs and `force` does not say
    that they may go, or where something of the home lives.
    """
    with alone_in(home), _unpacked(home, source, name) as label:
        folder = home.restoring
        refuse_company(url)
        last_row = _last_row(url, force=force)
        taken_at = str(label.get("created_at"))
        database = os.path.join(folder, archive.DATABASE)
        jobs, lost = _renew(home, database, name, taken_at, last_row)
        with _patience():
            aside = _install(home, url, database)
    return Restored(jobs, lost, taken_at, aside)


@contextmanager
def _unpacked(home: Home, source: IO[bytes], name: str) -> Iterator[archive.Label]:
    try:
        shutil.rmtree(home.restoring, ignore_errors=True)
        folder = home.folder("restoring")
        try:
            os.makedirs(os.path.join(folder, "output"), mode=0o700)
            yield archive.unpack(source, name, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise HomeUnusable(home.path, error.strerror or str(error)) from None


def _last_row(url: str, *, force: bool) -> int:
    """The highest row that the store at `url` has given out, 0 where there is none."""
    place = file_of(url)
    if place is not None and not os.path.exists(place):
        return 0
    try:
        with open_store(url) as store:
            jobs = sum(store.tallies().values())
            last_row = store.last_row()
    except StoreDamaged as error:
        if not force:
            raise RestoreRefused(f"{error} (--force puts it aside)") from None
        return 0
    if jobs and not force:
        what = f"{jobs} job{'' if jobs == 1 else 's'}"
        raise RestoreRefused(f"store {place or url} holds {what} (--force replaces them)")
    return last_row


def _renew(home: Home, database: str, name: str, taken_at: str, last_row: int) -> tuple[int, int]:
    """Make the unpacked store one of its own; how many jobs it has, how many were running."""
    if not os.path.exists(database):
        raise BackupUnusable(name, "there is no store in it")
    try:
        with open_store("sqlite://" + database) as store:
            damage = [flaw.text for flaw in store.examine() if flaw.part is Part.FILE]
            if damage:
                raise BackupUnusable(name, f"its store is damaged: {damage[0]}")
            running = list(store.find(Selection(states=(State.PROCESSING,))))
            ended = [_lost(home, job, taken_at) for job in running]
            store.renew(ended, max(last_row, store.last_row()))
            _drop_strangers(store, home)
            return sum(store.tallies().values()), len(running)
    except StoreError as error:
        raise BackupUnusable(name, str(error)) from None


def _lost(home: Home, job: Job, taken_at: str) -> Ended:
    """The end of a run that went on when the backup was taken: nobody knows how it ended."""
    text = f"lost: it was running when the backup of {taken_at} was taken"
    outcome = Outcome(End.HOST_DIED, error=text)
    spilled = os.path.exists(_unpacked_output(home, job.row, job.lease))
    return Ended(job.row, job.lease, outcome, None, None if spilled else b"")


def _unpacked_output(home: Home, row: int, lease: int) -> str:
    inner = os.path.relpath(home.output(row, lease), home.outputs)
    return os.path.join(home.restoring, "output", inner)


def _drop_strangers(store: Store, home: Home) -> None:
    """Delete unpacked outputs of runs that began after the store was copied."""
    base = os.path.join(home.restoring, "output")
    for folder in os.listdir(base):
        first = int(folder) * transcripts.ROWS
        known = store.known_runs(first, first + transcripts.ROWS - 1)
        for name in os.listdir(os.path.join(base, folder)):
            if transcripts.run_of(name) not in known:
                os.unlink(os.path.join(base, folder, name))


def _install(home: Home, url: str, database: str) -> str | None:
    """Put store and outputs in their places; where a damaged store was moved to, if it was."""
    os.sync()  # what was unpacked may be many files
    aside = None
    try:
        store = open_store(url)
    except StoreDamaged:
        aside = _put_aside(url)
        store = open_store(url)
    with store:
        outputs = home.serving(url, store.uuid).outputs
        store.load(database)
        home.serving(url, store.uuid)  # it is another one now
    old = os.path.join(home.restoring, "replaced")
    with contextlib.suppress(FileNotFoundError):
        os.rename(outputs, old)
    os.rename(os.path.join(home.restoring, "output"), home.outputs)
    sync_folder(home.path)
    return aside


def _put_aside(url: str) -> str:
    place = file_of(url)
    if place is None:
        raise RestoreRefused("the damaged store is no file that could be put aside")
    number = 1
    while os.path.lexists(aside := f"{place}.damaged-{number}"):
        number += 1
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(place + suffix, aside + suffix)
    return aside


@contextmanager
def _patience() -> Iterator[None]:
    """Hold back a Ctrl-C until what has been begun is done: store and outputs change together."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _IMPATIENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
