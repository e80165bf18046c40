"""The store: whether it opens, and whether what it says agrees with itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

from queuectl.domain.errors import StoreDamaged, StoreError, StoreTooNew
from queuectl.processes import sweeping
from queuectl.processes.examination.finding import BY_REPAIR, Finding, fine, problem, warning
from queuectl.processes.examination.site import Site
from queuectl.stores import engine_of
from queuectl.stores.upkeep import Flaw, Part

_MANY_PROCESSES = 1000  # rows of ended workers that nothing speaks of: the scheduler deletes them
_RESTORE = (
    "stop all workers, keep a copy of the home, then queuectl restore --force BACKUP "
    "(without a backup see docs/operations.md)"
)
_NAMES = {
    Part.FILE: "integrity",
    Part.TALLIES: "tallies",
    Part.RUNS: "runs",
    Part.HISTORY: "history",
    Part.REFERENCES: "references",
}


def examine(site: Site) -> Iterator[Finding]:
    """The store with all of its content."""
    if not site.has_store:
        yield _missing(site)
        return
    try:
        store = site.store
        jobs = sum(store.tallies().values())
    except StoreTooNew as error:
        yield problem("store", str(error), "pip install --upgrade queuectl")
        return
    except StoreDamaged as error:
        yield problem("store", str(error), _RESTORE)
        return
    except StoreError as error:
        yield problem("store", str(error), "see that its folder and disk can be read and written")
        return
    schema = engine_of(site.url).schema
    yield fine("store", f"{site.place}, schema {schema}, {jobs:,} job{'' if jobs == 1 else 's'}")
    yield from _examine_content(site)
    yield from _examine_old_processes(site)


def _missing(site: Site) -> Finding:
    log = os.path.join(site.path, "supervisor.log")
    used = [path for path in (f"{site.database}-wal", log) if os.path.exists(path)]
    if used:
        found = f"there is none at {site.place}, but {used[0]} shows that there was one"
        return problem("store", found, "put it back, or queuectl restore BACKUP")
    return fine("store", f"there is none yet at {site.place}: the first command makes it")


def _examine_content(site: Site) -> Iterator[Finding]:
    try:
        flaws = site.store.examine()
    except StoreDamaged as error:
        flaws = [Flaw(Part.FILE, str(error))]
    found: dict[Part, list[str]] = {part: [] for part in Part}
    for flaw in flaws:
        found[flaw.part].append(flaw.text)
    site.is_damaged = bool(found[Part.FILE] or found[Part.RUNS] or found[Part.REFERENCES])
    if found[Part.FILE]:  # what the rest of it says means nothing
        yield problem("integrity", "; ".join(found[Part.FILE]), _RESTORE)
        return
    for part, texts in found.items():
        name = _NAMES[part]
        if part is Part.FILE and site.database is None:
            continue  # a server looks after its files itself
        if not texts:
            yield fine(name, _SOUND[part])
        elif part is Part.TALLIES:
            yield problem(name, "; ".join(texts), BY_REPAIR, lambda: _recount(site))
        else:
            yield problem(name, "; ".join(texts), _RESTORE)


_SOUND = {
    Part.FILE: "the database is sound",
    Part.TALLIES: "they agree with the jobs",
    Part.RUNS: "each processing job has the one open run of its lease",
    Part.HISTORY: "each job is in the state that its history ends in",
    Part.REFERENCES: "everything belongs to something",
}


def _recount(site: Site) -> str:
    wrong = site.store.recount()
    return f"counted {wrong} {'tally' if wrong == 1 else 'tallies'} anew"


def _examine_old_processes(site: Site) -> Iterator[Finding]:
    if site.is_damaged:
        return
    before = sweeping.long_ago(site.store)
    count = len(site.store.old_processes(before))
    if count <= _MANY_PROCESSES:
        yield fine("processes", f"{count} rows of workers that ended long ago")
        return

    def mend() -> str:
        return f"deleted {sweeping.forget_processes(site.store)} rows of ended workers"

    yield warning("processes", f"{count} rows of workers that ended long ago", BY_REPAIR, mend)
