"""JobQueue: what every front end does with the queue, and its Python API."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from queuectl.domain import settings as known_settings
from queuectl.domain import transcript
from queuectl.domain.errors import BadLine, BadValue, NoSuchAttempt, QueuectlError
from queuectl.domain.fleet import Supervisor, Worker
from queuectl.domain.job import Change, Job, JobSpec, Run
from queuectl.domain.lifecycle import ENDED, State, parse_state
from queuectl.domain.selection import EVERYTHING, NEWEST_FIRST, Order, Page, Selection
from queuectl.domain.settings import Settings
from queuectl.domain.spec import default_spec, finished, overlay
from queuectl.domain.timing import SECOND
from queuectl.home import locks, transcripts, wake
from queuectl.home.folder import Home, locate
from queuectl.stores import open_store
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Added, Cancelled, Holding

# Inside the class `list` is the method, so the types need names of their own.
Jobs = list[Job]
Runs = list[Run]
Changes = list[Change]
Frames = list[transcript.Frame]
Workers = list[Worker]
Holdings = list[Holding]

_LOOK_FIRST = 0.005
_LOOK_LAST = 0.1


class Stats(NamedTuple):
    """The state of the whole queue; instants are microseconds, ages seconds."""

    jobs: dict[State, int]
    queues: dict[str, dict[State, int]]
    active_workers: int
    busy_workers: int
    next_run_at: int | None
    oldest_pending_seconds: float | None


class JobQueue:
    """The queue of a home: jobs go in, are looked at, waited for, cancelled, run again.

    Without arguments it is the one that the commands use: `home` falls back to `QUEUECTL_HOME`
    and the user's state folder, `store` to `QUEUECTL_STORE` and the home's SQLite file. Use it
    as a context manager or call `close`. Not to be used across a fork. Jobs come with the true
    values of their secret variables, which only the commands mask (`domain.secrets`).

        with JobQueue() as queue:
            job = queue.enqueue("make all", cwd="/src", max_retries=1)
            [job] = queue.wait([job.id], timeout=600)
    """

    def __init__(self, home: str | None = None, store: str | None = None) -> None:
        self.home = Home(locate(home, os.environ))
        self.store: Store = open_store(store_url(store, self.home.database))
        self.home.serving(self.store.url, self.store.uuid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def enqueue(
        self, command: str | None = None, *, args: Sequence[str] | None = None, **options: Any
    ) -> Job:
        """Add one job and return it once it is on disk.

        `command` is a shell line, `args` a program with its arguments, `options` the other
        fields of the job's JSON schema. Raises `InvalidInput` or `IdTaken`.
        """
        wish = {"command": command, "args": args, **options}
        spec = self.checked(wish, self.default_spec())
        try:
            added = self.add([spec])
        except BadLine as error:
            raise error.cause from None
        return self.get(added.jobs[0][0])

    def enqueue_many(self, jobs: Iterable[Mapping[str, Any]], *, skip_taken: bool = False) -> Added:
        """Add all jobs, given as in the JSON schema, or none; raises `BadLine` for the first bad.

        With `skip_taken`, jobs whose id exists already are left out and counted.
        """
        default, specs = self.default_spec(), []
        for number, wish in enumerate(jobs, 1):
            try:
                specs.append(self.checked(dict(wish), default))
            except QueuectlError as error:
                raise BadLine("job", number, error) from error
        return self.add(specs, skip_taken=skip_taken)

    def default_spec(self) -> JobSpec:
        """The defaults of a job enqueued now, from here."""
        try:
            cwd: str | None = os.getcwd()
        except FileNotFoundError:
            cwd = None  # removed meanwhile: only a job with a folder of its own can be enqueued
        return default_spec(self.settings(), cwd)

    def checked(self, wish: object, default: JobSpec) -> JobSpec:
        """The spec that `wish` (a JSON object) asks for on top of `default`."""
        spec = finished(overlay(wish, default, self.store.now()))
        if spec.cwd is None:
            raise BadValue("cwd", ".", "there any more: the working directory was removed")
        if spec.cwd != default.cwd and not os.path.isdir(spec.cwd):
            raise BadValue("cwd", spec.cwd, "an existing folder")
        return spec

    def add(self, specs: Sequence[JobSpec], *, skip_taken: bool = False) -> Added:
        """Put checked specs into the store, all or none, and wake the supervisor."""
        added = self.store.add(specs, skip_taken=skip_taken)
        self._ring()
        return added

    def get(self, job_id: str) -> Job:
        """The job with this id; raises `NoSuchJob`."""
        return self.store.get(job_id)

    def list(
        self,
        *,
        state: str | State | Sequence[str | State] = (),
        queue: str | Sequence[str] = (),
        tag: str | Sequence[str] = (),
        search: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """The jobs that match all filters, newest first."""
        states = [state] if isinstance(state, str) else state
        selection = Selection(
            states=tuple(parse_state(name) for name in states),
            queues=(queue,) if isinstance(queue, str) else tuple(queue),
            tags=(tag,) if isinstance(tag, str) else tuple(tag),
            search=search,
        )
        return self.find(selection, page=Page(limit))

    def find(
        self, selection: Selection, order: Order = NEWEST_FIRST, page: Page = EVERYTHING
    ) -> Iterator[Job]:
        """The jobs of a selection in order."""
        return self.store.find(selection, order, page)

    def runs(self, job: Job) -> Runs:
        """The attempts of a job, oldest first."""
        return self.store.runs(job.row)

    def changes(self, job: Job) -> Changes:
        """The history of a job's states, oldest first."""
        return self.store.changes(job.row)

    def run(self, job: Job, attempt: int | None = None) -> Run | None:
        """One attempt of a job, or its latest (None before the first); raises `NoSuchAttempt`."""
        runs = self.runs(job)
        if attempt is None:
            return runs[-1] if runs else None
        for run in runs:
            if run.number == attempt:
                return run
        raise NoSuchAttempt(job.id, attempt, job.attempts)

    def output(self, job: Job, attempt: int | None = None) -> Frames:
        """What an attempt (the latest if not said) has written so far, in order of arrival."""
        run = self.run(job, attempt)
        if run is None:
            return []
        kept = self.store.output(job.row, run.lease)
        return transcripts.whole(self.home, job.row, run.lease, kept or b"")

    def stats(self) -> Stats:
        """Counts of jobs and workers, and what is next."""
        jobs = dict.fromkeys(State, 0)
        queues: dict[str, dict[State, int]] = {}
        for (queue, state), count in self.store.tallies().items():
            jobs[state] += count
            queues.setdefault(queue, dict.fromkeys(State, 0))[state] += count
        workers = self.workers()
        busy = {holding.worker for holding in self.holdings()} if jobs[State.PROCESSING] else set()
        oldest = self.store.oldest_pending()
        return Stats(
            jobs,
            queues,
            len(workers),
            sum(worker.id in busy for worker in workers),
            self.store.next_due(),
            None if oldest is None else max(0, self.store.now() - oldest) / SECOND,
        )

    def wait(self, job_ids: Sequence[str], timeout: float | None = None) -> Jobs:
        """Wait until all jobs are completed, dead or cancelled; `TimeoutError` after seconds.

        Raises `NoSuchJob` for an unknown id, also for one that is removed meanwhile.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, version = _LOOK_FIRST, -1
        while True:
            seen = self.store.data_version()
            if seen != version:
                version = seen
                jobs = [self.store.get(job_id) for job_id in job_ids]
                if all(job.state in ENDED for job in jobs):
                    return jobs
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"not ended after {timeout:g} s")
            time.sleep(pause)
            pause = min(pause * 1.2, _LOOK_LAST)

    def cancel(self, *job_ids: str) -> Cancelled:
        """End jobs; returns once the wish is on disk. Raises `NoSuchJob` or `WrongState`."""
        return self.cancel_all(Selection(ids=job_ids))

    def cancel_all(self, selection: Selection) -> Cancelled:
        """End the jobs of a selection that have not ended."""
        cancelled = self.store.cancel(selection)
        self._ring()
        return cancelled

    def retry(self, *job_ids: str) -> int:
        """Run ended or failed jobs again now; raises `NoSuchJob` or `WrongState`."""
        return self.retry_all(Selection(ids=job_ids))

    def retry_all(self, selection: Selection) -> int:
        """Run the failed, dead, cancelled or completed jobs of a selection again now."""
        count = self.store.retry(selection)
        self._ring()
        return count

    def remove_all(self, selection: Selection) -> int:
        """Delete the jobs of a selection that are not running, with history and output."""
        removed = self.store.remove(selection)
        transcripts.remove(self.home, removed)
        return len({run.row for run in removed})

    def workers(self) -> Workers:
        """The workers that live or are to live, on any host."""
        supervised = locks.is_held(self.home.supervisor_lock)
        known = {one.id: one for one in self.store.supervisors() if one.ended_at is None}
        return [row for row in self.store.workers() if self._lives(row, known, supervised)]

    def _lives(self, row: Worker, known: dict[str, Supervisor], supervised: bool) -> bool:
        supervisor = known.get(row.supervisor)
        if supervisor is not None and not self.is_ours(supervisor):
            return True  # another home's or host's, which we cannot see
        starting = supervised and supervisor is not None
        return starting or locks.is_held(self.home.worker_lock(row.id))

    def holdings(self) -> Holdings:
        """The runs that have not ended."""
        return self.store.holdings()

    def supervisor(self) -> Supervisor | None:
        """The living supervisor of this home on this host."""
        if not locks.is_held(self.home.supervisor_lock):
            return None
        mine = [known for known in self.store.supervisors() if self.is_ours(known)]
        return mine[-1] if mine else None

    def is_ours(self, supervisor: Supervisor) -> bool:
        """Whether a supervisor that has not ended belongs to this home and host."""
        here = (os.uname().nodename, self.home.path)
        return supervisor.ended_at is None and (supervisor.host, supervisor.home) == here

    def settings(self) -> Settings:
        """The settings in force."""
        return known_settings.effective(self.store.stored_settings())

    def set(self, key: str, text: str | None) -> None:
        """Keep a setting as a person wrote it, or with None go back to its default."""
        setting = known_settings.find_setting(key)
        if text is not None:
            value = known_settings.parse_value(setting, text)
            text = known_settings.format_value(setting, value)
        self.store.store_setting(setting.key, text)
        self._ring()

    def _ring(self) -> None:
        wake.ring(self.home.wake)


def store_url(wish: str | None, database: str) -> str:
    """Where jobs are kept: the wish, `QUEUECTL_STORE`, or the `database` file of the home."""
    return wish or os.environ.get("QUEUECTL_STORE") or "sqlite://" + database
