"""Children of the supervisor that must always be there: kept, replaced with a growing delay."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable

from queuectl.failpoints import reach
from queuectl.processes.system import launching
from queuectl.processes.system.timers import Timers

_FIRST_DELAY, _LAST_DELAY = 0.2, 30.0
_LAST_DELAY_WITHOUT_ROOM = 5.0
# A child that lived this long was well; the next one starts without delay.
_GOOD_LIFE = 60.0


class Child:
    """One process of ours, started as a fresh interpreter with a socket as its descriptor 0.

    `connected` is called with our end of the socket at each start.
    """

    def __init__(
        self,
        name: str,
        place: tuple[str, str],
        timers: Timers,
        connected: Callable[[socket.socket], None],
        kind: int = socket.SOCK_STREAM,
    ) -> None:
        self._name, self._place, self._timers = name, place, timers
        self._connected, self._kind = connected, kind
        self._delay = _FIRST_DELAY
        self._born = 0.0
        self._wanted = True
        self.pid: int | None = None
        self.deaths = 0

    def start(self) -> None:
        """Start it now; where the system has no room for it, later."""
        if not self._wanted:
            return
        self._born = time.monotonic()
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, self._kind)
        except OSError:
            self._start_later(_LAST_DELAY_WITHOUT_ROOM)
            return
        with theirs:
            try:
                self.pid = launching.spawn(self._name, [], *self._place, theirs.fileno())
            except OSError:
                ours.close()
                self._start_later(_LAST_DELAY_WITHOUT_ROOM)
            else:
                reach("child spawned")
                self._connected(ours)

    def reap(self) -> str | None:
        """How it died, if it did; its successor is then on its way."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        self.deaths += 1
        self._start_later()
        code = os.waitstatus_to_exitcode(status)
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    def _start_later(self, longest: float = _LAST_DELAY) -> None:
        if time.monotonic() - self._born > _GOOD_LIFE:
            self._delay = _FIRST_DELAY
        self._timers.after(min(self._delay, longest), self.start)
        self._delay = min(self._delay * 2, longest)

    def end(self, grace: float) -> None:
        """Wait for it to end by itself, as it does once its socket is closed, else kill it."""
        self._wanted = False
        deadline = time.monotonic() + grace
        while self.pid is not None:
            pid, _ = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
            elif time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                deadline += grace
            else:
                time.sleep(0.01)
