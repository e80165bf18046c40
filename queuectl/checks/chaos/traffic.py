"""People and scripts at a queue in a storm: they enqueue, cancel, retry, and are killed, too."""

from __future__ import annotations

import json
import random
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from queuectl.checks.chaos import kinds
from queuectl.checks.home import ThrowAwayHome, plain_environment
from queuectl.domain.errors import NoSuchJob, WrongState
from queuectl.domain.lifecycle import State
from queuectl.queue import JobQueue

_BATCH = 25
_ENOUGH = 150  # pending jobs: more would only make the end of the storm late
_PAUSE = 0.1
_KILLED = 0.15  # how many of the enqueuers are
_SOON = 0.15


class Traffic(threading.Thread):
    """Enqueues batches of jobs by commands until `stop`; notes which ids were acknowledged."""

    def __init__(self, home: ThrowAwayHome, witness: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self._home, self._witness = home, witness
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._number = 0
        self.acknowledged: set[str] = set()
        self.cancels: set[str] = set()
        self.refusals: list[str] = []

    def stop(self) -> None:
        """Let the deed that is under way be the last, and wait for it."""
        self._over.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Do one thing after the other."""
        with JobQueue(
            str(self._home.path), "sqlite://" + str(self._home.path / "queue.db")
        ) as queue:
            while not self._over.wait(self._chance.uniform(0, _PAUSE)):
                waiting = sum(
                    count for (_, state), count in queue.store.tallies().items()
                    if state is State.PENDING
                )  # fmt: skip
                if waiting < _ENOUGH:
                    self._enqueue()
                self._wish(queue)

    def _enqueue(self) -> None:
        chance = self._chance
        jobs = []
        for _ in range(chance.randint(1, _BATCH)):
            self._number += 1
            jobs.append(kinds.job(kinds.draw(chance), self._number, self._witness, chance))
        with subprocess.Popen(
            self._home.argv("enqueue", "-", "--format", "ids"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=plain_environment(),
            text=True,
        ) as client:
            death = threading.Timer(chance.uniform(0, _SOON), client.kill)
            if chance.random() < _KILLED:
                death.start()
            out, err = client.communicate("".join(json.dumps(job) + "\n" for job in jobs))
            death.cancel()
        self.acknowledged.update(line[:-1] for line in out.splitlines(True) if line[-1:] == "\n")
        if client.returncode > 0:
            self.refusals.append(err.strip())

    def _wish(self, queue: JobQueue) -> None:
        known = sorted(self.acknowledged)
        if not known or self._chance.random() > 0.2:
            return
        job_id = self._chance.choice(known[-200:])
        with suppress(NoSuchJob, WrongState):
            if self._chance.random() < 0.5:
                self.cancels.add(job_id)
                queue.cancel(job_id)
            else:
                queue.retry(job_id)
