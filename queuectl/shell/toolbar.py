"""The line below the prompt: live counts of jobs and workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from queuectl.domain.lifecycle import State
from queuectl.shell.lookout import Lookout, Sight

PERIOD = 1.0
ALWAYS_SHOWN = (State.PENDING, State.PROCESSING)
UNKNOWN = Sight({}, problem="no counts")


class Toolbar:
    """Counts that a thread keeps fresh while the prompt waits; giving their text costs nothing.

    `redraw` is called from the thread, and only when something has changed.
    """

    def __init__(self, lookout: Lookout, redraw: Callable[[], None]) -> None:
        self._lookout, self._redraw = lookout, redraw
        self._sight: Sight | None = None
        self._watching = threading.Event()
        self._hurry = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name="toolbar", daemon=True)

    def resume(self) -> None:
        """Watch the queue from now on, and look at once."""
        self._watching.set()
        self._hurry.set()
        if self._thread.ident is None:
            self._thread.start()

    def pause(self) -> None:
        """Leave the queue alone until `resume`."""
        self._watching.clear()

    def close(self) -> None:
        """End the watch."""
        self._ended = True
        self.resume()
        self._thread.join(PERIOD)

    def text(self, columns: int) -> str:
        """The counts as far as they fit into one line of a terminal."""
        if self._sight is None:
            return ""
        shown = [state for state in State if self._sight.jobs.get(state) or state in ALWAYS_SHOWN]
        for text in _variants(self._sight, shown):
            if len(text) <= columns:
                return text
        return text[: max(0, columns - 1)] + "…"

    def _watch(self) -> None:
        try:
            while self._watching.wait():
                self._hurry.clear()
                if self._ended:
                    break
                self._look()
                self._hurry.wait(PERIOD)
        finally:
            self._lookout.close()

    def _look(self) -> None:
        try:
            sight = self._lookout.look()
        except Exception:  # noqa: BLE001 - an ornament must not disturb whoever types
            sight = UNKNOWN
        if sight != self._sight and self._watching.is_set():
            self._sight = sight
            self._redraw()


def _variants(sight: Sight, shown: list[State]) -> Iterator[str]:
    problem = [sight.problem] if sight.problem else []
    if problem and not sight.jobs:
        yield f" {sight.problem}"
    workers = f"{sight.active} worker{'' if sight.active == 1 else 's'}, {sight.busy} busy"
    counts = [(state, sight.jobs.get(state, 0)) for state in shown]
    yield " " + " | ".join([*problem, workers, *(f"{state} {count}" for state, count in counts)])
    letters = [f"{state.letter} {count}" for state, count in counts]
    yield " " + " | ".join([*problem, f"W {sight.active}/{sight.busy}", *letters])
    yield " ".join([*problem, f"W{sight.active}", *(text.replace(" ", "") for text in letters)])
