"""The examination as a whole: every check in its order, whatever state the queue is in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

from queuectl.domain.errors import QueuectlError, StoreError
from queuectl.processes.examination import files, machine, permissions, records, runs, strays
from queuectl.processes.examination.finding import Finding, Verdict, fine, problem, warning
from queuectl.processes.examination.site import Site
from queuectl.stores import engine_of


class _Check(NamedTuple):
    name: str
    examine: Callable[[Site], Iterator[Finding]]
    needs_home: bool = True
    needs_store: bool = False


# What later checks need is mended first.
_CHECKS = (
    _Check("engine", machine.examine_engine, needs_home=False),
    _Check("permissions", permissions.examine),
    _Check("disk", machine.examine_disk, needs_home=False),
    _Check("clock", machine.examine_clock, needs_home=False),
    _Check("store", records.examine, needs_home=False),
    _Check("wal", machine.examine_wal, needs_home=False),
    _Check("supervisor", runs.examine_supervisor, needs_store=True),
    _Check("leases", runs.examine_leases, needs_store=True),
    _Check("processes of jobs", strays.examine, needs_store=True),
    _Check("processes of the queue", strays.examine_own, needs_store=True),
    _Check("output files", files.examine_outputs, needs_store=True),
    _Check("lock files", files.examine_locks, needs_store=True),
    _Check("wake", files.examine_wake),
    _Check("leftovers", files.examine_leftovers),
)


def examine(path: str, url: str, *, repair: bool) -> Iterator[Finding]:
    """Look at the home at `path` and the store at `url`; with `repair` mend what can be mended.

    Of what was mended two findings come: how it was, and what was done. Nothing is made that
    is not there, and nothing raised for the state that things are in; only `BadValue`, where the
    URL is of no store.
    """
    engine_of(url)
    with closing(Site(path, url)) as site:
        yield from _examine_home(site)
        for check in _CHECKS:
            for finding in _guarded(check, site):
                yield finding
                if repair and finding.mend is not None:
                    yield _mended(finding, finding.mend)


def _examine_home(site: Site) -> Iterator[Finding]:
    try:
        found = os.lstat(site.path)
    except FileNotFoundError:
        yield fine("home", f"{site.path} does not exist yet: the first command makes it")
        return
    except OSError as error:
        yield problem("home", f"{site.path}: {error.strerror}", "see who may enter the path to it")
        return
    if not site.has_home:
        yield problem("home", f"{site.path} is not a folder", "move it away")
    elif found.st_uid != os.geteuid():
        advice = "use queuectl as its owner, or another --home"
        yield problem("home", f"{site.path} belongs to another user", advice)
    else:
        yield fine("home", site.path)


def _guarded(check: _Check, site: Site) -> Iterator[Finding]:
    """What a check finds, or why it could not look; silent about what is told already."""
    if check.needs_home and not site.has_home:
        return
    if check.needs_store and not _can_be_read(site):
        if site.has_store:
            found = "not looked at, since the store cannot be read"
            yield warning(check.name, found, "mend the store first")
        return
    try:
        yield from check.examine(site)
    except StoreError as error:
        yield problem(check.name, f"cannot be looked at: {error}", "mend the store first")
    except QueuectlError as error:
        yield problem(check.name, f"cannot be looked at: {error}", "mend the home first")
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        yield problem(check.name, f"cannot be looked at: {reason}", "see that it can be read")


def _can_be_read(site: Site) -> bool:
    if not site.has_store:
        return False
    try:
        site.store.tallies()
    except QueuectlError:
        return False
    return True


def _mended(finding: Finding, mend: Callable[[], str]) -> Finding:
    try:
        return Finding(finding.check, Verdict.MENDED, mend())
    except (QueuectlError, OSError) as error:
        return problem(finding.check, f"cannot be mended: {error}", "see why, and try again")
