"""The supervisor, and runs that nobody looks after any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from queuectl.domain.errors import ProcessFailed
from queuectl.domain.fleet import Supervisor
from queuectl.domain.lifecycle import End, Outcome
from queuectl.domain.settings import effective
from queuectl.domain.timing import SECOND, describe_duration
from queuectl.home import locks
from queuectl.processes.examination.finding import (
    BY_REPAIR,
    Finding,
    fine,
    problem,
    some,
    warning,
)
from queuectl.processes.examination.site import Site, lasting
from queuectl.processes.supervision.rescue import abandoned
from queuectl.processes.supervision.takeover import clear
from queuectl.processes.system import identity, ledger
from queuectl.stores.exchange import Ended, Holding, Lease

_LOOK_AGAIN, _PATIENCE = 0.05, 10.0


def examine_supervisor(site: Site) -> Iterator[Finding]:
    """Whether one runs, and when it was heard of."""
    if not site.is_supervised:
        yield fine("supervisor", "none is running")
        return
    # It holds its lock before it enters the store.
    if lasting(lambda: {} if _mine(site) else {site.path: None}):
        advice = "if it does not come up: see supervisor.log in the home"
        yield warning("supervisor", "it holds its lock, but the store does not know it", advice)
        return
    known = _mine(site)[-1]
    silent = max(0.0, (site.store.now() - known.heartbeat_at) / SECOND)
    text = f"PID {known.pid}, last sign of life {describe_duration(silent)} ago"
    if silent > effective(site.store.stored_settings()).patience:
        advice = "stopped (worker start replaces it), or the store takes nothing (supervisor.log)"
        yield problem("supervisor", text, advice)
    elif known.note:
        yield warning("supervisor", f"{text}: {known.note}", "see supervisor.log in the home")
    else:
        yield fine("supervisor", text)


def examine_leases(site: Site) -> Iterator[Finding]:
    """Jobs that are processing by the word of a worker that is gone."""
    left = lasting(lambda: _unheld(site))
    if not left:
        yield fine("leases", "every processing job has a worker that lives")
        return
    here = [one for one in left.values() if _is_here(site, one.host, one.home)]
    away = [one for one in left.values() if one not in here]
    if here:
        yield _left_here(site, here)
    stranded = [one for one in away if _is_stranded(site, one)]
    if stranded:
        found = f"{_ids(stranded)}: run by a worker that is gone, of a home or host so renamed"
        yield problem("leases", found, BY_REPAIR, lambda: _settle(site, stranded))
    for home in sorted({(one.host, one.home) for one in away if one not in stranded}):
        ids = _ids(one for one in away if (one.host, one.home) == home)
        found = f"{ids}: run by a worker of {home[1]} on {home[0]}, which is silent"
        advice = f"on {home[0]}: queuectl --home {home[1]} worker start"
        yield warning("leases", found, advice)


def _left_here(site: Site, holdings: list[Holding]) -> Finding:
    found = f"{_ids(holdings)}: processing, but the worker is gone"
    if site.is_supervised:
        advice = "the supervisor should settle them: see supervisor.log, or restart the workers"
        return problem("leases", found, advice)
    return warning("leases", found, "queuectl worker start settles them")


def _unheld(site: Site) -> dict[Lease, Holding]:
    """The runs whose worker does not hold its lock, and which nobody elsewhere can look after."""
    heard = _heard_elsewhere(site)
    return {
        Lease(one.row, one.lease): one
        for one in site.store.holdings()
        if one.supervisor not in heard and not locks.is_held(site.lock_of(one.worker))
    }


def _heard_elsewhere(site: Site) -> set[str]:
    """The supervisors of other homes and hosts that live, as far as can be told from here."""
    lease = effective(site.store.stored_settings()).patience
    silent = site.store.now() - round(lease * SECOND)
    return {
        one.id
        for one in _supervisors(site)
        if not _is_here(site, one.host, one.home) and _is_heard(one, silent)
    }


def _is_heard(one: Supervisor, silent: int) -> bool:
    if (one.host, one.boot) == (identity.host(), identity.boot()):
        return identity.is_alive(one.pid, one.pid_started)
    return one.heartbeat_at >= silent


def _is_stranded(site: Site, holding: Holding) -> bool:
    """Whether no supervisor will ever settle the run, though its worker is certainly gone."""
    if os.path.exists(site.lock_of(holding.worker)):
        return True  # its worker was of this home, under whatever name, and let go of the lock
    if holding.host != identity.host() or os.path.isdir(holding.home):
        return False
    worker = site.store.worker(holding.worker)
    if identity.restarted(holding.boot, identity.boot()):
        return True
    return not identity.is_alive(worker.pid, worker.pid_started)


def _settle(site: Site, holdings: list[Holding]) -> str:
    for holding in holdings:
        _await_end(site, holding)
        site.store.turn(holding.supervisor, (), [_end_of(site, holding)])
    return f"gave back {_ids(holdings)}"


def _await_end(site: Site, holding: Holding) -> None:
    deadline = time.monotonic() + _PATIENCE
    while clear(site.store, [holding]):
        if time.monotonic() > deadline:
            raise ProcessFailed(f"processes of job {holding.id} do not end by SIGKILL")
        time.sleep(_LOOK_AGAIN)


def _end_of(site: Site, holding: Holding) -> Ended:
    lock = site.lock_of(holding.worker)
    lease = Lease(holding.row, holding.lease)
    outcome = Outcome(End.SUPERVISOR_DIED, error="supervisor died")
    begun = ledger.read(lock) if os.path.exists(lock) else None
    if begun is not None and lease not in begun:
        outcome = Outcome(End.RETURNED)
    return abandoned(site.home, lease, outcome)


def _supervisors(site: Site) -> list[Supervisor]:
    return [one for one in site.store.supervisors() if one.ended_at is None]


def _mine(site: Site) -> list[Supervisor]:
    return [one for one in _supervisors(site) if _is_here(site, one.host, one.home)]


def _is_here(site: Site, host: str, home: str) -> bool:
    return (host, home) == (identity.host(), site.home.path)


def _ids(holdings: Iterable[Holding]) -> str:
    ids = [holding.id for holding in holdings]
    return ("job " if len(ids) == 1 else f"{len(ids)} jobs: ") + some(ids)
