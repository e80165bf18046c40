"""What a storm leaves behind: what was acknowledged, what the store says, what commands saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from queuectl.domain.job import Change, Job, Run
from queuectl.domain.lifecycle import State
from queuectl.queue import JobQueue


class Sign(StrEnum):
    """What a command wrote about itself."""

    START = "start"
    ALIVE = "alive"  # by a descendant that left its group
    MET = "met"  # something of another run of the job lived still
    END = "end"  # its last deed before it exits 0


class Mark(NamedTuple):
    """One line of a job's witness file, which stands in the order of what happened."""

    sign: Sign
    lease: int


class History(NamedTuple):
    """One job with its attempts and the changes of its state, oldest first."""

    job: Job
    runs: list[Run]
    changes: list[Change]


class Evidence(NamedTuple):
    """All that the invariants are held against.

    `acknowledged` are ids that an enqueue has printed, `cancels` those that somebody wished to
    end; `marks` are by id; `alive` names processes that should be gone.
    """

    acknowledged: frozenset[str]
    cancels: frozenset[str]
    histories: Mapping[str, History]
    tallies: Mapping[tuple[str, State], int]
    marks: Mapping[str, list[Mark]]
    alive: tuple[str, ...]


def gather(
    queue: JobQueue,
    witness: Path,
    acknowledged: frozenset[str],
    cancels: frozenset[str],
    alive: tuple[str, ...],
) -> Evidence:
    """The evidence once all is calm; `witness` is the folder that commands wrote to."""
    histories = {
        job.id: History(job, queue.runs(job), queue.changes(job)) for job in list(queue.list())
    }
    marks = {path.stem: list(_marks(path)) for path in witness.glob("*.marks")}
    return Evidence(acknowledged, cancels, histories, queue.store.tallies(), marks, alive)


def _marks(path: Path) -> Iterator[Mark]:
    for line in path.read_text().splitlines():
        sign, lease = line.split()
        yield Mark(Sign(sign), int(lease))
