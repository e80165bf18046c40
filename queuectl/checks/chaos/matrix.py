"""Storms of one kind of fault each, and what they say of every promise."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import NamedTuple

from queuectl.checks.chaos.faults import FAULTS, Fault, Role
from queuectl.checks.chaos.storm import CALM, Report, Storm
from queuectl.checks.home import ThrowAwayHome

_KILL, _TERM, _QUIT, _STOP = signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT, signal.SIGSTOP


class Kind(NamedTuple):
    """A kind of fault in words, and the faults that a storm of it is made of."""

    name: str
    faults: tuple[Fault, ...]


class Row(NamedTuple):
    """A kind of fault, and the report of its storm."""

    kind: Kind
    report: Report


def _kind(name: str, number: signal.Signals, *roles: Role) -> Kind:
    return Kind(name, tuple(Fault(role, number) for role in roles))


KINDS = (
    _kind("worker killed", _KILL, Role.WORKER),
    _kind("supervisor killed", _KILL, Role.SUPERVISOR),
    _kind("its caretaker killed, too", _KILL, Role.SUPERVISOR, Role.CARETAKER),
    _kind("scheduler killed", _KILL, Role.SCHEDULER),
    _kind("nursery killed", _KILL, Role.NURSERY),
    _kind("command killed", _KILL, Role.COMMAND),
    _kind("all killed at once", _KILL, Role.ALL),
    _kind("TERM", _TERM, Role.WORKER, Role.SUPERVISOR, Role.COMMAND, Role.ALL),
    _kind("QUIT", _QUIT, Role.WORKER, Role.SUPERVISOR),
    _kind("stopped for a while", _STOP, Role.WORKER, Role.SUPERVISOR, Role.SCHEDULER, Role.ALL),
    Kind("anything", FAULTS),
)


def rows(seconds: float, seed: int) -> Iterator[Row]:
    """A storm for each kind, which share `seconds`; each has a home of its own."""
    share = seconds / len(KINDS)
    for place, kind in enumerate(KINDS):
        with ThrowAwayHome(share + 2 * CALM, threading.Event()) as home:
            report = Storm(home, seed + place, kind.faults).rage(share)
        yield Row(kind, report)
