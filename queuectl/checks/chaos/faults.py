"""What a storm does to processes, and the seeded plan of when and to whom."""

from __future__ import annotations

import random
import signal
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """A kind of process of a home, or all of them."""

    SUPERVISOR = "supervisor"
    SCHEDULER = "scheduler"
    NURSERY = "nursery"
    WORKER = "worker"
    CARETAKER = "caretaker"
    COMMAND = "command"
    ALL = "all"


class Fault(NamedTuple):
    """A signal to processes of a role; `pause` seconds later those get CONT, if it is STOP."""

    role: Role
    signal: signal.Signals

    @property
    def name(self) -> str:
        """The fault in few words, as `worker KILL`."""
        return f"{self.role} {self.signal.name.removeprefix('SIG')}"


FAULTS = (
    Fault(Role.WORKER, signal.SIGKILL),
    Fault(Role.SUPERVISOR, signal.SIGKILL),
    Fault(Role.SCHEDULER, signal.SIGKILL),
    Fault(Role.NURSERY, signal.SIGKILL),
    Fault(Role.CARETAKER, signal.SIGKILL),
    Fault(Role.COMMAND, signal.SIGKILL),
    Fault(Role.ALL, signal.SIGKILL),
    Fault(Role.WORKER, signal.SIGTERM),
    Fault(Role.SUPERVISOR, signal.SIGTERM),
    Fault(Role.COMMAND, signal.SIGTERM),
    Fault(Role.ALL, signal.SIGTERM),
    Fault(Role.WORKER, signal.SIGQUIT),
    Fault(Role.SUPERVISOR, signal.SIGQUIT),
    Fault(Role.WORKER, signal.SIGSTOP),
    Fault(Role.SUPERVISOR, signal.SIGSTOP),
    Fault(Role.SCHEDULER, signal.SIGSTOP),
    Fault(Role.ALL, signal.SIGSTOP),
)


class Strike(NamedTuple):
    """One fault of a plan: seconds after the one before, whom of those it finds (0 to 1), a pause.

    `pause` is how long a stop lasts, in seconds.
    """

    wait: float
    fault: Fault
    whom: float
    pause: float


class Plan:
    """Strikes, one after the other; the same seed gives the same ones."""

    def __init__(self, seed: int, faults: tuple[Fault, ...]) -> None:
        self._chance = random.Random(seed)
        self._faults = faults

    def __iter__(self) -> Plan:
        return self

    def __next__(self) -> Strike:
        chance = self._chance
        # Often in quick succession: the worst moment is that of another repair.
        wait = chance.choice((chance.uniform(0, 0.15), chance.uniform(0.1, 1.5)))
        # Now and then for longer than a lease.
        pause = chance.uniform(0.05, 1.5) if chance.random() < 0.8 else chance.uniform(3, 6)
        return Strike(wait, chance.choice(self._faults), chance.random(), pause)
