"""A storm: jobs flow while a seeded plan kills processes, then all is counted."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil

from queuectl.checks.chaos import population
from queuectl.checks.chaos.evidence import gather
from queuectl.checks.chaos.faults import FAULTS, Fault, Plan, Role, Strike
from queuectl.checks.chaos.invariants import Violation, violations
from queuectl.checks.chaos.traffic import Traffic
from queuectl.checks.home import ThrowAwayHome, plain_environment
from queuectl.domain.lifecycle import ENDED
from queuectl.queue import JobQueue

SETTINGS = {
    "heartbeat": "0.5",
    "lease": "3",
    "poll": "0.5",
    "shutdown_grace": "1",
    "kill_grace": "0.5",
    "keep_days": "none",
}
CALM = 120.0  # seconds in which all has to come to its end afterwards
_LAST_WORDS = 5.0  # seconds for what was stopped to be gone
_LOOK = 0.05
_STARTERS = 2


class Report(NamedTuple):
    """What a storm was, and what it found."""

    seed: int
    jobs: int
    runs: int
    strikes: Counter[str]
    found: list[Violation]

    @property
    def summary(self) -> str:
        """The storm in one line."""
        return (
            f"seed {self.seed}: {self.jobs} jobs, {self.runs} runs, "
            f"{self.strikes.total()} strikes, {len(self.found)} violations"
        )


class Storm:
    """One storm over one home; `tell` hears of each strike."""

    def __init__(
        self,
        home: ThrowAwayHome,
        seed: int,
        faults: Sequence[Fault] = FAULTS,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._home, self._seed, self._tell = home, seed, tell
        self._plan = Plan(seed, tuple(faults))
        self._chance = random.Random(seed + 1)
        self._queue = JobQueue(str(home.path), "sqlite://" + str(home.path / "queue.db"))
        self._witness = home.folder / "witness"
        self._witness.mkdir()
        self._traffic = Traffic(home, self._witness, seed + 2)
        self._stopped: list[tuple[float, psutil.Process]] = []
        self._starters: list[subprocess.Popen[bytes]] = []
        self._strikes: Counter[str] = Counter()

    def rage(self, seconds: float) -> Report:
        """Strike for so long, let all come to its end, and hold the evidence to the promises."""
        try:
            for key, text in SETTINGS.items():
                self._queue.set(key, text)
            self._keep()
            self._traffic.start()
            self._strike_until(time.monotonic() + seconds)
            self._traffic.stop()
            self._calm_down()
            return self._report()
        finally:
            self._traffic.stop()
            self._continue(everyone=True)
            self._queue.close()

    def _strike_until(self, end: float) -> None:
        for strike in self._plan:
            self._let_pass(strike.wait)
            if time.monotonic() >= end and self._strikes:  # one at least, else nothing is shown
                return
            self._hit(strike)
            self._home.go_on("the end of the storm")

    def _let_pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            self._continue()
            self._keep()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK))

    def _hit(self, strike: Strike) -> None:
        found = population.find(str(self._home.path), strike.fault.role)
        if not found:
            return
        if strike.fault.role is not Role.ALL:
            found = [found[int(strike.whom * len(found))]]
        self._strikes[strike.fault.name] += 1
        self._tell(f"{strike.fault.name}: {', '.join(str(each.pid) for each in found)}")
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(strike.fault.signal)
            if strike.fault.signal == signal.SIGSTOP:
                self._stopped.append((time.monotonic() + strike.pause, process))

    def _continue(self, *, everyone: bool = False) -> None:
        due = [each for each in self._stopped if everyone or each[0] <= time.monotonic()]
        for each in due:
            self._stopped.remove(each)
            with suppress(psutil.NoSuchProcess):
                each[1].send_signal(signal.SIGCONT)

    def _keep(self) -> None:
        """See to it that workers run, as whoever watches over the queue would."""
        self._starters = [each for each in self._starters if each.poll() is None]
        enough = len(self._starters) >= _STARTERS or self._chance.random() < 0.5
        if enough or self._queue.workers():
            return
        count, slots = self._chance.choice(((1, 1), (2, 1), (2, 3), (1, 4)))
        words = "worker", "start", "--detach", "--count", str(count), "--slots", str(slots)
        self._starters.append(
            subprocess.Popen(
                self._home.argv(*words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=plain_environment(),
            )
        )

    def _calm_down(self) -> None:
        end = time.monotonic() + CALM
        self._continue(everyone=True)
        while self._is_moving() and time.monotonic() < end:
            self._let_pass(_LOOK)
            self._home.go_on("the calm")
        for starter in self._starters:
            starter.wait(CALM)
        self._home.run("worker", "stop", code=None)

    def _is_moving(self) -> bool:
        return any(state not in ENDED for _, state in self._queue.store.tallies())

    def _report(self) -> Report:
        traffic, home = self._traffic, str(self._home.path)
        end = time.monotonic() + _LAST_WORDS
        while (alive := population.describe(home)) and time.monotonic() < end:
            time.sleep(_LOOK)
        evidence = gather(
            self._queue,
            self._witness,
            frozenset(traffic.acknowledged),
            frozenset(traffic.cancels),
            tuple(alive),
        )
        found = violations(evidence)
        found += [Violation("kept", f"an enqueue was refused: {one}") for one in traffic.refusals]
        runs = sum(len(each.runs) for each in evidence.histories.values())
        return Report(self._seed, len(evidence.histories), runs, self._strikes, found)
