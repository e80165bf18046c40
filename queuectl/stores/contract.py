"""What every store does, whatever its database; each method is one transaction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

from queuectl.domain.fleet import Desired, Supervisor, Worker, WorkerStatus
from queuectl.domain.job import Change, Job, JobSpec, Run
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import EVERYTHING, NEWEST_FIRST, Order, Page, Selection
from queuectl.domain.statistics import Sample
from queuectl.stores.chance import chance
from queuectl.stores.exchange import (
    Added,
    Cancelled,
    Demand,
    Ended,
    Holding,
    Lease,
    Started,
    Turn,
)
from queuectl.stores.upkeep import Upkeep

Tallies = dict[tuple[str, State], int]


class Store(Upkeep):
    """The jobs, attempts, changes, processes and settings of one queue.

    Instants are microseconds by the store's own clock. Where that can be set, delays and backoffs
    that have begun are moved with it, before anything else is done; times that a person named
    stay. Every state change goes through
    `lifecycle.TRANSITIONS`, is written to the job's history and keeps the tallies, all in the
    same transaction. Methods raise `StoreError` and its subclasses; a failed method changed
    nothing. A committed change is on disk.
    """

    url: str
    uuid: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the database; the store cannot be used afterwards."""

    @abstractmethod
    def now(self) -> int:
        """The instant by the clock that decides in this store."""

    @abstractmethod
    def add(self, specs: Iterable[JobSpec], *, skip_taken: bool = False) -> Added:
        """Enqueue all of `specs` or none, in their order; raises `IdTaken` inside `BadLine`.

        A spec with a `delay` above 0 or a `run_at` in the future becomes `scheduled`, the rest
        `pending`, with the instant of the enqueue as `run_at`. An exception out of the iterable
        undoes everything. With `skip_taken` ids that exist (or stand in the batch twice) are
        left out and counted instead.
        """

    @abstractmethod
    def get(self, job_id: str) -> Job:
        """The job with this id; raises `NoSuchJob`."""

    @abstractmethod
    def find(
        self, selection: Selection, order: Order = NEWEST_FIRST, page: Page = EVERYTHING
    ) -> Iterator[Job]:
        """The jobs of the selection in order, read in portions, none of them twice.

        Ids that do not exist are simply not found. Ties are broken by age, newest first when
        descending.
        """

    @abstractmethod
    def count(self, selection: Selection) -> int:
        """How many jobs `find` would give without a page."""

    @abstractmethod
    def tallies(self) -> Tallies:
        """Number of jobs by queue and state, without counting rows; absent means 0."""

    @abstractmethod
    def runs(self, row: int) -> list[Run]:
        """The attempts of a job, oldest first."""

    @abstractmethod
    def changes(self, row: int) -> list[Change]:
        """Every change of a job's state, oldest first, the enqueue as the first."""

    @abstractmethod
    def output(self, row: int, lease: int) -> bytes | None:
        """The transcript frames of an attempt that ended, if they are kept in the store."""

    @abstractmethod
    def samples(self, since: int, limit: int) -> list[Sample]:
        """The latest attempts that ended since then, up to now, by exit, signal or time-out."""

    @abstractmethod
    def cancel(self, selection: Selection) -> Cancelled:
        """End waiting jobs and wish the end of running ones.

        Ids are taken at their word: one that does not exist raises `NoSuchJob`, one that has
        ended `WrongState`, and then nothing is changed. Filters take what can be cancelled.
        A running job whose end is wished already counts as asked again.
        """

    @abstractmethod
    def retry(self, selection: Selection) -> int:
        """Make failed, dead, cancelled or completed jobs pending now, with retries 0; the count.

        `attempts` goes on. Ids as for `cancel`.
        """

    @abstractmethod
    def remove(self, selection: Selection) -> list[Lease]:
        """Delete jobs that are not processing, with their history; the runs deleted.

        Ids as for `cancel`. Every removed job that never ran stands as a lease 0.
        """

    @abstractmethod
    def prune(self, age: int | None, keep: int | None, limit: int) -> list[Lease]:
        """Delete up to `limit` ended jobs: those that ended `age` ago, or beyond `keep`.

        Oldest end first; `age` are microseconds, `keep` counts the newest ends, None means no
        bound. A clock that was set makes no job older. Answers as `remove`. Dead jobs are pruned
        like completed and cancelled ones.
        """

    @abstractmethod
    def promote(self) -> int:
        """Make every job pending whose time has come; the count."""

    @abstractmethod
    def next_due(self) -> int | None:
        """The earliest `run_at` of a scheduled or failed job."""

    @abstractmethod
    def oldest_pending(self) -> int | None:
        """Since when the longest-waiting pending job has been ready."""

    @abstractmethod
    def turn(
        self,
        supervisor: str,
        started: Sequence[Started] = (),
        ended: Sequence[Ended] = (),
        demands: Sequence[Demand] = (),
        chance: Callable[[], float] = chance,
    ) -> Turn:
        """Record starts and ends, then promote what is due and claim for the demands.

        Ends are guarded by their lease and decided by `lifecycle.decide`. Jobs are claimed by
        priority, then in the order of their enqueue; demands take turns, so that they fill
        evenly. A run that was given back before it started leaves no attempt behind. Raises
        `SupervisorLost` for a supervisor that was fenced, or that claims and has ended.
        """

    @abstractmethod
    def holdings(self) -> list[Holding]:
        """Every run that has not ended, of any host."""

    @abstractmethod
    def has_work(self, queues: tuple[str, ...]) -> bool:
        """Whether a job in these queues (none means any) is pending, processing or failed."""

    @abstractmethod
    def enter(self, supervisor: Supervisor) -> None:
        """Write down a supervisor that begins; others of its host and home count as ended.

        Workers of those that never got a pid are marked as stopped.
        """

    @abstractmethod
    def beat(self, supervisor: str, note: str | None) -> None:
        """A sign of life, with what a person should know (None if nothing).

        Raises `SupervisorLost` for one that has ended.
        """

    @abstractmethod
    def fence(self, supervisor: str, heartbeat_at: int) -> bool:
        """Take a supervisor for dead, unless it has ended or beaten since `heartbeat_at`.

        Nothing that it says is accepted any more; whether it was so.
        """

    @abstractmethod
    def leave(self, supervisor: str) -> None:
        """Write down that a supervisor has ended."""

    @abstractmethod
    def supervisors(self) -> list[Supervisor]:
        """All supervisors that have not ended, and the latest that has, oldest first."""

    @abstractmethod
    def want_workers(
        self, supervisor: str, count: int, slots: int, queues: tuple[str, ...], desired: Desired
    ) -> list[Worker]:
        """Rows for new workers `worker_<epoch>_<n>` that the supervisor is to start.

        Raises `SupervisorLost` for one that has ended or is to stop.
        """

    @abstractmethod
    def workers(self) -> list[Worker]:
        """Every worker that is neither stopped nor died, by supervisor and number."""

    @abstractmethod
    def worker(self, worker_id: str) -> Worker:
        """One worker, also one that is gone; raises `NoSuchWorker`."""

    @abstractmethod
    def work_done(self, supervisor: str) -> tuple[int, float]:
        """Runs ended by all workers that a supervisor ever had, and seconds they ran."""

    @abstractmethod
    def set_worker(
        self,
        worker_id: str,
        status: WorkerStatus,
        pid: int | None = None,
        pid_started: int | None = None,
        note: str | None = None,
    ) -> None:
        """Write down how a worker is; None leaves pid, start and note as they were."""

    @abstractmethod
    def wish_workers(self, worker_ids: Sequence[str], desired: Desired) -> None:
        """Say what is wanted of workers; a stronger wish is never taken back by a weaker one."""

    @abstractmethod
    def wish_supervisor(self, supervisor: str, desired: Desired) -> None:
        """Say what is wanted of a supervisor and all its workers, as `wish_workers`."""

    @abstractmethod
    def stored_settings(self) -> dict[str, str]:
        """The settings that were set, as texts."""

    @abstractmethod
    def store_setting(self, key: str, text: str | None) -> None:
        """Keep a setting, or with None forget it."""

    @abstractmethod
    def blocker(self) -> int | None:
        """The pid of a process of this host that keeps all others from writing, if one is known."""

    @abstractmethod
    def data_version(self) -> int:
        """A number that differs once another connection has changed anything."""
