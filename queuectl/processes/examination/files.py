"""Files in the home that nothing speaks of, or that are not what they should be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from queuectl.home import partial, transcripts, wake
from queuectl.processes import sweeping
from queuectl.processes.examination.finding import (
    BY_REPAIR,
    Finding,
    fine,
    problem,
    some,
    warning,
)
from queuectl.processes.examination.site import Site, lasting


def examine_outputs(site: Site) -> Iterator[Finding]:
    """Output files of runs that the store does not have."""
    orphans = lasting(lambda: _orphans(site))
    if not orphans:
        yield fine("output files", "all belong to an attempt")
        return
    count = sum(orphans.values())
    found = f"of {count} {'attempt' if count == 1 else 'attempts'} that the store does not have"
    if site.is_damaged:
        yield warning("output files", found, "mend the store first")
    else:
        yield warning("output files", found, BY_REPAIR, lambda: _sweep(site))


def _orphans(site: Site) -> dict[int, int]:
    counts = {
        folder: len(sweeping.orphaned(site.store, site.home, folder))
        for folder in transcripts.folders(site.home)
    }
    return {folder: count for folder, count in counts.items() if count}


def _sweep(site: Site) -> str:
    folders = transcripts.folders(site.home)
    count = sum(
        sweeping.sweep_folder(site.store, site.home, folder, is_last=folder == folders[-1])
        for folder in folders
    )
    return f"deleted the files of {count} {'attempt' if count == 1 else 'attempts'}"


def examine_locks(site: Site) -> Iterator[Finding]:
    """Lock files of workers that are gone."""
    stale = list(lasting(lambda: dict.fromkeys(sweeping.stale_locks(site.store, site.home))))
    if not stale:
        yield fine("lock files", "all belong to a worker")
        return

    def mend() -> str:
        gone = [one for one in stale if sweeping.remove_lock(site.home, one)]
        return f"deleted those of {some(gone)}"

    yield warning("lock files", f"left by workers that are gone: {some(stale)}", BY_REPAIR, mend)


def examine_wake(site: Site) -> Iterator[Finding]:
    """The FIFO by which commands wake the supervisor."""
    path = site.home.wake
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if site.is_supervised:
            yield problem("wake", f"{path} is missing", BY_REPAIR, lambda: _make_wake(site))
        else:
            yield fine("wake", "made by the first supervisor")
        return
    if stat.S_ISFIFO(mode):
        yield fine("wake", "a FIFO")
    else:
        yield problem("wake", f"{path} is no FIFO", BY_REPAIR, lambda: _make_wake(site))


def _make_wake(site: Site) -> str:
    path = site.home.wake
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
    os.close(wake.listen(path))
    if site.is_supervised:
        return "made a FIFO; it wakes again once the workers were restarted (till then they poll)"
    return "made a FIFO"


def examine_leftovers(site: Site) -> Iterator[Finding]:
    """What was on its way when its writer was killed."""
    folders = {site.path}
    if site.database is not None:
        folders.add(os.path.dirname(site.database))
    found = [path for folder in sorted(folders) for path in _left_in(folder)]
    if found:
        text = f"of a backup that was killed: {some(found)}"
        yield warning("leftovers", text, BY_REPAIR, lambda: _unlink(found))
    if os.path.exists(site.home.restoring) and not site.is_supervised:
        advice = f"run the restore again (--force), or rm -r {site.home.restoring}"
        yield problem("leftovers", "a restore was killed before it was done", advice)
    elif not found:
        yield fine("leftovers", "none of backups and restores")


def _left_in(folder: str) -> list[str]:
    return partial.leftovers(folder) if os.path.isdir(folder) else []


def _unlink(paths: list[str]) -> str:
    for path in paths:
        os.unlink(path)
    return f"deleted {some(paths)}"
