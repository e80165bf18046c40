"""What happens between the exit of a command and its report: nothing of it may be left."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping

from queuectl.processes.execution import orphans
from queuectl.processes.execution.run import Run
from queuectl.processes.system import leftovers
from queuectl.processes.system.timers import Timers

_LOOK_AGAIN = 0.02
_LOOK_AFTER_FAILURE = 0.5


class Aftermath:
    """Runs whose command has exited; each is finished once its leftovers are gone.

    Leftovers are the rest of the process group, and orphans that left the group but carry the
    marker. They got TERM with the exit and get KILL after the grace.
    """

    def __init__(self, timers: Timers, finish: Callable[[Run], None]) -> None:
        self._timers = timers
        self._finish = finish
        self._deadlines: dict[Run, float] = {}
        self._warned: set[int] = set()
        self._watching = False

    def add(self, run: Run, grace: float) -> None:
        """Take a run whose command was just reaped."""
        self._deadlines[run] = time.monotonic() + (0 if run.killed else grace)

    def look(self, runs: Mapping[int, Run], ours: Collection[int]) -> None:
        """Finish the runs of which nothing is left, press on with the others.

        `runs` are all runs of the worker by pid, `ours` children that belong to no run.
        """
        if not self._deadlines:
            return
        try:
            strangers = [pid for pid in orphans.children() if pid not in ours and pid not in runs]
            strays = self._attribute(strangers, runs)
        except OSError:  # no descriptor is left: what cannot be seen may live
            self._look_later(_LOOK_AFTER_FAILURE, runs, ours)
            return
        for run, deadline in list(self._deadlines.items()):
            mine = strays.get(run, [])
            if mine or run.group_lives():
                self._press(run, mine, time.monotonic() >= deadline)
            else:
                del self._deadlines[run]
                self._finish(run)
        if self._deadlines:
            self._look_later(_LOOK_AGAIN, runs, ours)

    def _look_later(self, seconds: float, runs: Mapping[int, Run], ours: Collection[int]) -> None:
        if not self._watching:
            self._watching = True
            self._timers.after(seconds, lambda: self._again(runs, ours))

    def _again(self, runs: Mapping[int, Run], ours: Collection[int]) -> None:
        self._watching = False
        self.look(runs, ours)

    def _attribute(self, strangers: list[int], runs: Mapping[int, Run]) -> dict[Run, list[int]]:
        found: dict[Run, list[int]] = {}
        for pid in strangers:
            run = self._owner(pid, runs)
            if run is not None:
                found.setdefault(run, []).append(pid)
        return found

    def _owner(self, pid: int, runs: Mapping[int, Run]) -> Run | None:
        mark = leftovers.marker_of(pid)
        if mark is not None:
            owned = (run for run in runs.values() if mark == run.mark)
            return next(owned, None)
        # No marker to go by: it can only be of the one run there is.
        return next(iter(runs.values())) if len(runs) == 1 and not leftovers.is_ours(pid) else None

    def _press(self, run: Run, strays: list[int], out_of_time: bool) -> None:
        if out_of_time:
            run.signal(signal.SIGKILL)
        for pid in strays:
            if out_of_time or pid not in self._warned:
                self._warned.add(pid)
                _signal(pid, signal.SIGKILL if out_of_time else signal.SIGTERM)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
