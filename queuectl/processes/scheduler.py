"""The scheduler: a child process in which APScheduler promotes due jobs and prunes old ones."""

from __future__ import annotations

import itertools
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from queuectl.domain.errors import QueuectlError, StoreError
from queuectl.domain.timing import SECOND, from_instant
from queuectl.home import transcripts, wake
from queuectl.processes.sweeping import Sweeper
from queuectl.processes.system import last_word, title
from queuectl.processes.system.clocks import Clocks
from queuectl.queue import JobQueue

_LINE = 0  # the descriptor over which the supervisor speaks; its end-of-file is our end
_SWEEP = 10
_PRUNE = 60
_PRUNED_AT_ONCE = 500
_CLOCK_CHECK = 2.0


class Scheduler:
    """APScheduler over the store: a trigger at the next due time, sweeps as the safety net."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._sweeper = Sweeper(queue.store, queue.home)
        self._clocks = Clocks()
        self._numbers = itertools.count()
        self._due = ""
        # One thread does all the work: the store's connection is not shared.
        self._scheduler = BlockingScheduler(
            timezone=UTC,
            executors={"default": DebugExecutor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self) -> None:
        """Schedule until the supervisor is gone."""
        self._arm()
        # Now, too: supervisors that drain and end may never live as long as an interval.
        for name, deed in (("look", self.promote), ("prune-first", self._prune)):
            self._scheduler.add_job(deed, id=name, trigger=DateTrigger(None, UTC))
        threading.Thread(target=self._listen, daemon=True).start()
        self._scheduler.start()

    def _arm(self) -> None:
        for name, deed, seconds in (
            ("sweep", self.promote, _SWEEP),
            ("prune", self._prune, _PRUNE),
        ):
            trigger = IntervalTrigger(seconds=seconds, timezone=UTC)
            self._scheduler.add_job(deed, id=name, trigger=trigger, replace_existing=True)

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
                self._at(datetime.now(UTC))

    def _at(self, moment: datetime) -> None:
        # A name of its own each time: APScheduler removes a date job by its name after the
        # function has returned, and would take the successor that it added with it.
        with suppress(JobLookupError):
            self._scheduler.remove_job(self._due)
        self._due = f"due-{next(self._numbers)}"
        self._scheduler.add_job(self.promote, DateTrigger(moment, UTC), id=self._due)

    def promote(self) -> None:
        """Make pending what is due, and come again when the next job is."""
        store = self._queue.store
        self._due = ""  # it may be the one that runs, and then it removes itself
        try:
            if store.promote():
                wake.ring(self._queue.home.wake)
            due = store.next_due()
        except StoreError:
            self._at(datetime.now(UTC) + timedelta(seconds=1))
            return
        if due is not None:
            self._at(_no_later_than_a_day(from_instant(due)))

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


def _no_later_than_a_day(moment: datetime) -> datetime:
    return min(moment, datetime.now(UTC) + timedelta(days=1))


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
