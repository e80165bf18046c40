"""Assignments that have not begun: begun in order where there is room, else given back in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from queuectl.processes.system.timers import Timer, Timers
from queuectl.stores.exchange import Assignment, Lease

_LONGEST_WAIT = 0.05
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0


class Waiting:
    """The assignments of a worker that wait for one of its slots.

    `free` tells how many slots are free, `returned` is called with each that goes back.
    """

    def __init__(
        self, timers: Timers, free: Callable[[], int], returned: Callable[[Assignment], None]
    ) -> None:
        self._timers, self._free, self._returned = timers, free, returned
        self._assignments: deque[Assignment] = deque()
        self._pause = _FIRST_PAUSE
        self._held_off = False
        self._returning: Timer | None = None
        self._progress = False

    def extend(self, assignments: Iterable[Assignment]) -> None:
        """Take assignments in, behind those that are there."""
        self._assignments.extend(assignments)

    def cancel(self, lease: Lease) -> None:
        """Give one back, if it is here."""
        for assignment in list(self._assignments):
            if (assignment.row, assignment.lease) == lease:
                self._assignments.remove(assignment)
                self._returned(assignment)

    def give_back(self, kept: int = 0) -> None:
        """Give all back, but for the first few."""
        while len(self._assignments) > kept:
            self._returned(self._assignments.pop())

    def begin(self, start: Callable[[Assignment], None]) -> None:
        """Start what the slots take; `OSError` of `start` means that the system has no room."""
        while self._assignments and self._free() > 0 and not self._held_off:
            assignment = self._assignments.popleft()
            try:
                start(assignment)
            except OSError:
                self._hold_off(assignment)
            else:
                self._progress, self._pause = True, _FIRST_PAUSE
        if not self._assignments and self._returning is not None:
            self._timers.cancel([self._returning])
            self._returning = None
        elif self._assignments and self._returning is None:
            self._returning = self._timers.after(_LONGEST_WAIT, self._return_what_waits)

    def _return_what_waits(self) -> None:
        # Jobs are assigned ahead while they are short; behind a long one they must not wait.
        self._returning = None
        # What only a want of room keeps from starting would come back at once, again and again.
        kept = self._free() if self._held_off else 0
        if not self._progress:
            self.give_back(kept)
        self._progress = False

    def _hold_off(self, assignment: Assignment) -> None:
        # The command is not to blame.
        self._assignments.appendleft(assignment)
        self._held_off = True
        self._timers.after(self._pause, self._go_on)
        self._pause = min(self._pause * 2, _LAST_PAUSE)

    def _go_on(self) -> None:
        self._held_off = False
