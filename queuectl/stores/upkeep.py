"""What a store offers to those who look after it: examination, mending, copies."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from queuectl.stores.exchange import Ended, Lease


class Part(StrEnum):
    """What can be wrong with a store."""

    FILE = "file"  # what the database says of its own structure
    TALLIES = "tallies"  # they say how many jobs there are, so that nobody has to count
    RUNS = "runs"  # a processing job has one open run, that of its lease; no other job has any
    HISTORY = "history"  # the changes of a job end in its state, its attempts are all there
    REFERENCES = "references"  # what belongs to a job, worker or supervisor that is not there


class Flaw(NamedTuple):
    """Something that is wrong with a store, in words for a person."""

    part: Part
    text: str


class Engine(NamedTuple):
    """The database under a store; `flaw` says why this version is not to be trusted, if so.

    `schema` is the number that this program brings stores to.
    """

    name: str
    version: str
    schema: int
    flaw: str | None


class Upkeep(ABC):
    """Examination, mending and copies of a store; raises as the other methods of a store."""

    @abstractmethod
    def examine(self) -> list[Flaw]:
        """Everything that is wrong with the content, seen at one moment.

        Where the database itself is damaged it is all that is told: nothing else it says can be
        trusted then.
        """

    @abstractmethod
    def recount(self) -> int:
        """Put the tallies right by counting; how many were wrong."""

    @abstractmethod
    def latest(self) -> int | None:
        """The latest instant at which anything happened, by the clock that was in force then."""

    @abstractmethod
    def known_runs(self, first: int, last: int) -> set[Lease]:
        """The runs of the jobs in these rows, both included.

        A job that never ran stands as a lease 0, so an empty answer means that there is no job.
        """

    @abstractmethod
    def old_processes(self, before: int) -> list[str]:
        """Ids of workers that no run names and whose supervisor ended before an instant."""

    @abstractmethod
    def forget_processes(self, before: int, worker_ids: Sequence[str]) -> None:
        """Delete what `old_processes` named, and the supervisors that have no worker left.

        The supervisor that ended last is kept.
        """

    @abstractmethod
    def copy(self, path: str) -> None:
        """Fill the file at `path` with a copy of the store as it is at one moment.

        Others write meanwhile without waiting. Raises `StoreError`, which names the file that
        the trouble is with; `StoreDamaged` where the copy is not sound.
        """

    @abstractmethod
    def load(self, path: str) -> None:
        """Replace the whole content by that of a copy, in one transaction.

        Connections that others have open see the new content.
        """

    @abstractmethod
    def last_row(self) -> int:
        """The highest row that a job was ever given."""

    @abstractmethod
    def renew(self, ended: Sequence[Ended], last_row: int) -> None:
        """Make a store of its own out of a copy: another uuid, and no process of the original.

        `ended` are the ends of all runs that the copy holds for open. Rows, and so generated ids,
        up to `last_row` are never given to new jobs.
        """
