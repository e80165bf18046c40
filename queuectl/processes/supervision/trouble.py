"""What keeps the supervisor from recording: told to the person, and tried again ever less often."""

from __future__ import annotations

import logging
from collections.abc import Callable

from queuectl.domain.errors import StoreError
from queuectl.home.notice import Notice
from queuectl.processes.system.timers import Timers

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5.0


class Trouble:
    """The state of the supervisor's dealings with the store.

    `note` is what it says of them, None where all is well; while it is `held_off` nothing is to
    be tried; `again` is called when it is time to try.
    """

    def __init__(self, notice: Notice, timers: Timers, again: Callable[[], None]) -> None:
        self._notice, self._timers, self._again = notice, timers, again
        self._pause = _FIRST_PAUSE
        self.held_off = False
        self.note: str | None = None

    def begin(self, error: StoreError, waiting: int) -> None:
        """The store has failed, while so many outcomes wait to be recorded: hold off for a while.

        What could not be recorded is kept; the workers finish what they run meanwhile.
        """
        note = f"the store does not take what is to be recorded: {error}"
        if self.note is None:
            log.error("%s", note)
        self.note = note
        count = f"{waiting} outcome waits" if waiting == 1 else f"{waiting} outcomes wait"
        self._notice.write(f"{note}; {count}")
        if not self.held_off:
            self.held_off = True
            self._timers.after(self._pause, self._go_on)
            self._pause = min(self._pause * 2, _LAST_PAUSE)

    def _go_on(self) -> None:
        self.held_off = False
        self._again()

    def end(self) -> bool:
        """The store has taken something; whether that is news."""
        if self.note is None:
            return False
        log.info("the store works again")
        self.note = None
        self._notice.write("")
        self._pause = _FIRST_PAUSE
        return True
