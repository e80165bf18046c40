"""What a check is, the suites that hold checks, and the runner."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, NamedTuple

from queuectl.checks.expectation import Abandoned, CheckFailed
from queuectl.checks.home import ThrowAwayHome

LIMIT = 60.0  # seconds that a check may take
# Checks wait more than they compute.
SIDE_BY_SIDE = min(4, (os.cpu_count() or 1) + 1)

Body = Callable[[ThrowAwayHome], None]


class Kind(StrEnum):
    """Whether a check is about a core promise, or about what there is besides."""

    DELIVERABLE = "deliverable"
    BONUS = "bonus"


class Check(NamedTuple):
    """A promise in words, and the body that raises `CheckFailed` where it does not hold.

    The body gets a home of its own and shares no state with other checks.
    """

    promise: str
    kind: Kind
    body: Body


class Result(NamedTuple):
    """How a check ended; `reason` is None where its promise holds."""

    check: Check
    seconds: float
    reason: str | None


class Suite:
    """The checks of one module."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def deliverable(self, promise: str) -> Callable[[Body], Body]:
        """Register a check of a core promise."""
        return self._registrar(promise, Kind.DELIVERABLE)

    def bonus(self, promise: str) -> Callable[[Body], Body]:
        """Register a check of what there is besides."""
        return self._registrar(promise, Kind.BONUS)

    def _registrar(self, promise: str, kind: Kind) -> Callable[[Body], Body]:
        def register(body: Body) -> Body:
            self.checks.append(Check(promise, kind, body))
            return body

        return register


def run_checks(checks: Sequence[Check], report: Callable[[Result], None]) -> None:
    """Run checks, a few side by side, and report their results in the order of the checks.

    Whatever ends it early (Ctrl-C, SIGTERM, a closed pipe), all homes are removed before.
    """
    abandoned = threading.Event()
    with signals_as_exceptions(), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = [pool.submit(run_check, check, abandoned) for check in checks]
        try:
            for future in running:
                report(future.result())
        except BaseException:
            abandoned.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_check(check: Check, abandoned: threading.Event) -> Result:
    """Run one check in a home of its own."""
    start, reason = time.monotonic(), None
    try:
        with ThrowAwayHome(LIMIT, abandoned) as home:
            check.body(home)
    except CheckFailed as error:
        reason = str(error)
    except Abandoned:
        reason = "abandoned"
    except Exception as error:  # noqa: BLE001 - a surprise is a failure like any other
        reason = f"{type(error).__name__}: {error}"
    return Result(check, time.monotonic() - start, reason)


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Let the signals that would end the process on the spot give time to clean up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _leave)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: Any) -> None:
    sys.exit(128 + number)
