"""What processes do that race with others for the jobs of one store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from queuectl.domain.fleet import Desired
from queuectl.stores import open_store
from queuectl.stores.exchange import Demand, Ended
from tests.stores.scene import SUCCESS, spec, supervisor

PATIENCE = 60  # seconds until a process that does not answer is a failure


def race(
    deed: Callable[..., Any],
    *many: tuple[Any, ...],
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Any]:
    """What a deed gives in each of several processes that do it at the same time.

    `meanwhile` is called once all of them are at it.
    """
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, deed.__name__, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for arguments in many
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    meanwhile()
    answers = [racer.communicate(timeout=PATIENCE)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * len(racers)
    return [json.loads(answer) for answer in answers]


def open_and_add(url: str, count: int) -> str:
    """Open a store that may not be there yet and add to it; its uuid."""
    with open_store(url) as store:
        for _ in range(count):
            store.add([spec()])
        return store.uuid


def work_off(url: str, name: str, count: int) -> list[tuple[int, int]]:
    """Add jobs and run whatever is pending until nothing is left; row and lease of each run."""
    done: list[tuple[int, int]] = []
    with open_store(url) as store:
        store.enter(supervisor(name, host=name))
        (worker,) = store.want_workers(name, 1, 5, (), Desired.RUN)
        for _ in range(count):
            store.add([spec(queue=name)])
        ends: list[Ended] = []
        while True:
            turn = store.turn(name, (), ends, [Demand(worker.id, (), 3)])
            assert turn.refused == []
            ends = [Ended(each.row, each.lease, SUCCESS, 0.1, b"x") for each in turn.assignments]
            done += [(end.row, end.lease) for end in ends]
            if not ends:
                return done


def contend(url: str, name: str, seconds: float) -> int:
    """Add a job, claim one and end it, again and again for so long; how many turns there were."""
    turns = 0
    with open_store(url) as store:
        store.enter(supervisor(name, host=name))
        (worker,) = store.want_workers(name, 1, 5, (), Desired.RUN)
        deadline = time.monotonic() + seconds
        ends: list[Ended] = []
        while time.monotonic() < deadline:
            store.add([spec(queue=name)])
            turn = store.turn(name, (), ends, [Demand(worker.id, (), 1)])
            assert turn.refused == []
            ends = [Ended(each.row, each.lease, SUCCESS, 0.1, b"x") for each in turn.assignments]
            turns += 1
        store.turn(name, (), ends)
    return turns


if __name__ == "__main__":
    deeds = {deed.__name__: deed for deed in (open_and_add, work_off, contend)}
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(deeds[sys.argv[1]](*json.loads(sys.argv[2]))))
