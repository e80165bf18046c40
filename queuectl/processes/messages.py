"""What supervisor and workers say to each other."""

import os
from typing import NamedTuple

from queuectl.domain.fleet import Desired
from queuectl.domain.settings import Settings
from queuectl.stores.exchange import Assignment, Ended, Lease, Started

NO_ROOM = os.EX_TEMPFAIL  # exit code of a worker that found no room to begin


class Rules(NamedTuple):
    """The settings that a worker follows; seconds and bytes."""

    shutdown_grace: float
    kill_grace: float
    output_limit: int

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rules that settings amount to."""
        return cls(settings.shutdown_grace, settings.kill_grace, settings.output_limit)


class Birth(NamedTuple):
    """What the nursery needs to make a worker; its channel travels beside it.

    `life` counts the processes that a worker has had.
    """

    id: str
    life: int
    number: int
    slots: int
    home: str
    store: str
    uuid: str
    rules: Rules


class Born(NamedTuple):
    """A worker's own first word: the nursery may be gone by then."""

    pid: int


class Leaving(NamedTuple):
    """A worker's word that it ends, by whatever it was told to: it takes nothing more."""


class Gone(NamedTuple):
    """The nursery's word that a worker has ended, with its exit code (negative: signal)."""

    id: str
    life: int
    code: int


class Unborn(NamedTuple):
    """The nursery's word that a worker could not be made, and why."""

    id: str
    life: int
    reason: str


class Orders(NamedTuple):
    """From supervisor to worker.

    `recorded` is the number of the latest report that is safely in the store; the worker keeps
    what came later, for whoever takes over if the supervisor dies.
    """

    recorded: int = 0
    assignments: tuple[Assignment, ...] = ()
    cancels: tuple[Lease, ...] = ()
    desired: Desired = Desired.RUN
    rules: Rules | None = None


class Report(NamedTuple):
    """From worker to supervisor; numbers count up from 1."""

    number: int
    started: tuple[Started, ...]
    ended: tuple[Ended, ...]
