"""The processes of the queue as the store holds them: supervisors and workers."""

from enum import StrEnum
from typing import Any, NamedTuple

from queuectl.domain.timing import format_instant


class Desired(StrEnum):
    """What a person wants of a worker or supervisor; only the supervisor acts on it."""

    RUN = "run"
    DRAIN = "drain"  # end once nothing that it may run is waiting or running
    STOP = "stop"  # end after shutdown_grace
    STOP_NOW = "stop now"  # end without shutdown_grace

    @property
    def strength(self) -> int:
        """A wish is replaced by a stronger one only."""
        return _BY_STRENGTH.index(self)

    @property
    def stops(self) -> bool:
        """Whether nothing new may start."""
        return self in (Desired.STOP, Desired.STOP_NOW)


_BY_STRENGTH = (Desired.RUN, Desired.DRAIN, Desired.STOP, Desired.STOP_NOW)


class WorkerStatus(StrEnum):
    """How a worker is."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DIED = "died"


class Worker(NamedTuple):
    """One worker; `queues` empty means every queue; `pid_started` tells pids apart after reuse.

    `number` counts from 0 within the supervisor; `busy_seconds` adds up its commands' run times.
    """

    id: str
    number: int
    supervisor: str
    host: str
    pid: int | None
    pid_started: int | None
    slots: int
    queues: tuple[str, ...]
    status: WorkerStatus
    desired: Desired
    processed: int
    busy_seconds: float
    started_at: int
    note: str | None

    def as_record(self, jobs: list[str]) -> dict[str, Any]:
        """The worker with the field names of the JSON schema; `jobs` are the ids it runs."""
        return {
            "id": self.id,
            "pid": self.pid,
            "host": self.host,
            "status": str(self.status),
            "jobs": jobs,
            "processed": self.processed,
            "started_at": format_instant(self.started_at),
        }


class Supervisor(NamedTuple):
    """One supervisor, alive or gone; alive means that it has not `ended_at` and its lock is held.

    `boot` is the boot id of its host at its start, `note` what it wants a person to know.
    """

    id: str
    host: str
    home: str
    pid: int
    pid_started: int
    boot: str
    version: str
    desired: Desired
    started_at: int
    heartbeat_at: int
    ended_at: int | None
    note: str | None
