"""A job followed live, from attempt to attempt, until it has ended."""

from __future__ import annotations

import time

from queuectl.commands.printing import Printer
from queuectl.domain.job import Job, Run
from queuectl.domain.lifecycle import ENDED
from queuectl.domain.transcript import Frame
from queuectl.home.transcripts import Follower
from queuectl.queue import JobQueue

_LOOK_FIRST = 0.01
_LOOK_LAST = 0.1


class Following:
    """What the latest attempt wrote, then all that comes until the job has ended.

    With `attempt`, only that one until it has ended. Raises `NoSuchAttempt`, and `NoSuchJob`
    where the job is removed meanwhile.
    """

    def __init__(self, queue: JobQueue, job: Job, attempt: int | None = None) -> None:
        self.job = job
        self._queue, self._attempt = queue, attempt
        first = queue.run(job, attempt)
        self._done = first.lease - 1 if first else 0  # leases up to here are printed
        self._ended = False
        self._runs: list[Run] = []
        self._tape: _Tape | None = None

    def show(self, printer: Printer, tail: int | None = None) -> Job:
        """Print until the end; of what is there already only the last `tail` lines.

        May be interrupted and called again: it goes on where it was.
        """
        self._version = -1
        printer.show(self._new_frames(), tail=tail)
        pause = _LOOK_FIRST
        while not self._ended:
            time.sleep(pause)
            frames = self._new_frames()
            printer.show(frames)
            pause = _LOOK_FIRST if frames else min(pause * 1.3, _LOOK_LAST)
        return self.job

    def _new_frames(self) -> list[Frame]:
        """What came since the last call, up to the end of the attempt that runs."""
        self._look()
        frames: list[Frame] = []
        for run in self._runs:
            if self._tape is None or self._tape.lease != run.lease:
                self._tape = _Tape(self._queue, self.job, run)
            if run.ended_at is None:
                frames += self._tape.new_frames()
                break
            frames += self._tape.last_frames(run)
            self._done = run.lease
        self._runs = [run for run in self._runs if run.lease > self._done]
        self._ended = not self._runs and self._is_over()
        return frames

    def _look(self) -> None:
        version = self._queue.store.data_version()
        if version == self._version:
            return
        self._version = version
        self.job = self._queue.get(self.job.id)
        self._runs = [
            run
            for run in self._queue.runs(self.job)
            if run.lease > self._done and self._attempt in (None, run.number)
        ]

    def _is_over(self) -> bool:
        return self._attempt is not None or self.job.state in ENDED


class _Tape:
    def __init__(self, queue: JobQueue, job: Job, run: Run) -> None:
        self.lease = run.lease
        self._queue, self._job = queue, job
        self._follower = Follower(queue.home, job.row, run.lease)
        self._last = -1

    def new_frames(self) -> list[Frame]:
        """What has come meanwhile, from the growing files."""
        return self._fresh(self._follower.new_frames())

    def last_frames(self, run: Run) -> list[Frame]:
        """The rest, from wherever the transcript of an ended attempt is kept."""
        return self._fresh(self._queue.output(self._job, run.number))

    def _fresh(self, frames: list[Frame]) -> list[Frame]:
        fresh = [frame for frame in frames if frame.number > self._last]
        self._last = max([self._last, *(frame.number for frame in fresh)])
        return fresh
