"""The scheduler: a child process in which APScheduler promotes due jobs and prunes old ones."""

from __future__ import annotations

import inspect
import os
import select
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from types import ModuleType

from queuectl.domain.errors import QueuectlError, StoreError
from queuectl.domain.timing import SECOND, from_instant
from queuectl.home import transcripts, wake
from queuectl.lean import standing_in
from queuectl.processes.sweeping import Sweeper
from queuectl.processes.system import last_word, title
from queuectl.processes.system.clocks import Clocks
from queuectl.queue import JobQueue

# APScheduler asks asyncio whether something is a coroutine function, from Python 3.14 on inspect.
# With inspect's answer it does without asyncio, which takes a tenth of an installation's memory.
_ASYNCIO = ModuleType("asyncio")
_ASYNCIO.__dict__["iscoroutinefunction"] = inspect.iscoroutinefunction
with standing_in({"asyncio": _ASYNCIO}):
    import apscheduler.util  # noqa: F401
from apscheduler.executors.debug import DebugExecutor  # noqa: E402
from apscheduler.schedulers.blocking import BlockingScheduler  # noqa: E402
from apscheduler.triggers.base import BaseTrigger  # noqa: E402
from apscheduler.triggers.date import DateTrigger  # noqa: E402
from apscheduler.triggers.interval import IntervalTrigger  # noqa: E402

_LINE = 0  # the descriptor over which the supervisor speaks; its end-of-file is our end
_SWEEP = timedelta(seconds=10)
_AGAIN = timedelta(seconds=1)  # after the store could not be asked
_BREATH = timedelta(milliseconds=5)  # jobs due sooner are promoted together
_PRUNE = 60
_PRUNED_AT_ONCE = 500
_CLOCK_CHECK = 2.0


class _Due(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires at `moment`, and as the safety net after a while at the latest."""

    def __init__(self) -> None:
        self.moment: datetime | None = None

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Always later than `now`, but for the first."""
        if previous is None:
            return now
        latest = now + _SWEEP
        return latest if self.moment is None else min(max(self.moment, now + _BREATH), latest)


class Scheduler:
    """APScheduler over the store: one look at the next due time, which a ring brings forward.

    APScheduler asks a job's trigger for the next time once the job has run, under the lock that
    `modify_job` takes as well: a ring amid a look is never lost, and there is never a second look.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._sweeper = Sweeper(queue.store, queue.home)
        self._clocks = Clocks()
        self._due = _Due()
        # One thread does all the work: the store's connection is not shared.
        self._scheduler = BlockingScheduler(
            timezone=UTC,
            executors={"default": DebugExecutor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self) -> None:
        """Schedule until the supervisor is gone."""
        self._scheduler.add_job(self.promote, id="look", trigger=self._due)
        # Now, too: supervisors that drain and end may never live as long as an interval.
        self._scheduler.add_job(self._prune, id="prune-first", trigger=DateTrigger(None, UTC))
        self._arm()
        threading.Thread(target=self._listen, daemon=True).start()
        self._scheduler.start()

    def _arm(self) -> None:
        trigger = IntervalTrigger(seconds=_PRUNE, timezone=UTC)
        self._scheduler.add_job(self._prune, id="prune", trigger=trigger, replace_existing=True)

    def _listen(self) -> None:
        """Turn the supervisor's bytes, and steps of the wall clock, into looks at the store."""
        while True:
            readable, _, _ = select.select([_LINE], [], [], _CLOCK_CHECK)
            if readable and not os.read(_LINE, 4096):
                os._exit(0)  # nothing here is worth a farewell: every deed is one transaction
            stepped = self._clocks.step()
            if stepped:
                self._arm()  # triggers computed before a step back would sleep through it
            if readable or stepped:
                self._scheduler.modify_job("look", next_run_time=datetime.now(UTC))

    def promote(self) -> None:
        """Make pending what is due, and come again when the next job is."""
        store = self._queue.store
        self._due.moment = None
        try:
            if store.promote():
                wake.ring(self._queue.home.wake)
            due = store.next_due()
        except StoreError:
            self._due.moment = datetime.now(UTC) + _AGAIN
            return
        if due is not None:
            self._due.moment = from_instant(due)

    def _prune(self) -> None:
        store, home = self._queue.store, self._queue.home
        try:
            settings = self._queue.settings()
            age = None
            if settings.keep_days is not None:
                age = round(settings.keep_days * 86400 * SECOND)
            while removed := store.prune(age, settings.keep_jobs, _PRUNED_AT_ONCE):
                transcripts.remove(home, removed)
                time.sleep(0.01)  # let others write between two portions
            self._sweeper.sweep()
        except StoreError:
            return


def main() -> int:
    """Be the scheduler of the home in the environment."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its supervisor
    title.show("scheduler")
    try:
        with JobQueue() as queue:
            Scheduler(queue).run()
    except (QueuectlError, OSError, RuntimeError) as error:  # the last: no thread is left
        last_word.say(f"the scheduler cannot begin: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
