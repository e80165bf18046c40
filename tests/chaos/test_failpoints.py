"""Whatever process ends at whatever point, nothing is lost and all comes to its end."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import queuectl
from queuectl.checks.chaos import kinds, population
from queuectl.checks.chaos.evidence import gather
from queuectl.checks.chaos.invariants import violations
from queuectl.domain.lifecycle import ENDED
from queuectl.domain.selection import Selection
from queuectl.failpoints import EXIT_CODE, POINTS, WRITES
from tests.support.installation import COMMAND, Installation
from tests.support.waiting import until

PACKAGE = Path(queuectl.__file__).parent
BY_NAME = {kind.name: kind for kind in kinds.KINDS}
BATCH = ("quick",) * 6 + ("failing", "flaky", "poison", "forking", "chatty", "slow", "later")
START = "worker start --count 1 --slots 2 --detach"
SETTINGS = (
    "config set kill_grace 0.5",
    "config set shutdown_grace 1",
    "config set poll 0.2",
    "config set output_limit 128KiB",
)


class Walk:
    """One walk to one point: people do what people do, and do it again where a process ended."""

    def __init__(self, place: Installation, folder: Path, point: str) -> None:
        self.place, self.point = place, point
        self.witness = folder / "witness"
        self.witness.mkdir()
        self.trace = folder / "trace"
        self.acknowledged: set[str] = set()

    def do(self, *lines: str) -> None:
        """Run commands through a pipe, all of them again if it ended at the point."""
        variables = {"QUEUECTL_FAILPOINT": self.point, "QUEUECTL_FAILPOINT_TRACE": str(self.trace)}
        for _ in range(2):
            done = subprocess.run(
                [*COMMAND, "--home", str(self.place.path)],
                input="".join(line + "\n" for line in lines),
                capture_output=True,
                text=True,
                env={**os.environ, **variables},
                timeout=100,
                check=False,
            )
            if done.returncode != EXIT_CODE:
                return

    def batch(self) -> list[str]:
        """The lines that enqueue jobs of every kind."""
        chance = random.Random(self.point)
        jobs = [
            kinds.job(BY_NAME[name], number, self.witness, chance)
            for number, name in enumerate(BATCH)
        ]
        self.acknowledged = {job["id"] for job in jobs}  # by the first or the second time
        return [f"enqueue {json.dumps(job)}" for job in jobs]

    def start(self) -> None:
        self.do(START)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait, and start workers where there are none any more."""

        def look() -> bool:
            if condition():
                return True
            if not self.place.queue.workers():
                self.start()
            return False

        until(look, what)

    def has_ended(self, *names: str) -> bool:
        jobs = [job for job in self.place.queue.list() if not names or job.id.startswith(names)]
        return all(job.state in ENDED for job in jobs)

    def finish(self) -> list[object]:
        """Let all come to its end and stop; what contradicts the promises."""
        self.until(self.has_ended, "all jobs ended")
        self.do("worker stop")
        home = str(self.place.path)
        until(lambda: not population.describe(home), "nothing alive")
        cancels = frozenset({"unwanted"})
        known = frozenset(self.acknowledged)
        return [*violations(gather(self.place.queue, self.witness, known, cancels, ()))]


MIGRATING, PRUNING, FENCING = (
    [point for point in POINTS if point.startswith(write)]
    for write in ("migrate", "prune", "fence")
)
# Those of upkeep have their walks in a module of their own.
UPKEEP = ("migrate", "recount", "renew", "forget processes")
WALKED = [point for point in POINTS if not point.startswith(UPKEEP)]
SIDE_BY_SIDE = 4  # walks wait more than they compute


@pytest.fixture(scope="module")
def walks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[list[object]]]]:
    """The walks that are to be looked at, under way."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    points = [one.params["point"] for one in chosen if one is not None and "point" in one.params]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {
            point: pool.submit(walk_to, point, tmp_path_factory.mktemp("walk"))
            for point in points
            if point in WALKED
        }


@pytest.mark.parametrize("point", WALKED)
def test_a_process_that_ends_at_a_point_loses_nothing(
    point: str, walks: dict[str, Future[list[object]]]
) -> None:
    assert walks[point].result() == []


def walk_to(point: str, folder: Path) -> list[object]:
    """What contradicts the promises when a process ends at `point`."""
    place = Installation(folder / "home")
    try:
        walk = Walk(place, folder, point)
        found = (prune if point in PRUNING else fence if point in FENCING else work)(walk)
        return found if walk.trace.exists() else ["the point was not reached"]
    finally:
        place.close()


def work(walk: Walk) -> list[object]:
    place = walk.place
    unwanted = '{"id":"unwanted","command":"sleep 60","priority":-1,"delay":60}'
    walk.do(*SETTINGS, *walk.batch(), f"enqueue {unwanted}", "cancel unwanted", START)
    walk.until(walk.has_ended, "all jobs ended")
    # A supervisor that is killed while a command runs leaves it to a caretaker.
    go = walk.witness / "go"
    command = f"until [ -e {go} ]; do sleep 0.02; done"
    lasting = place.queue.enqueue(command, id="lasting", priority=9)
    walk.until(lambda: bool(place.of_job(lasting)), "it runs")
    for pid in place.processes("supervisor"):
        os.kill(pid, signal.SIGKILL)
    walk.until(
        lambda: bool(place.processes("caretaker")) or place.queue.get("lasting").attempts > 1,
        "a caretaker, or a second attempt",
    )
    go.touch()
    walk.do("retry quick-1", "remove chatty-10")
    walk.acknowledged.discard("chatty-10")
    walk.until(lambda: walk.has_ended("lasting"), "the lasting one ended")
    place.queue.remove_all(Selection(ids=("lasting",)))  # it wrote nothing about itself
    return walk.finish()


def fence(walk: Walk) -> list[object]:
    """One that ends while it takes over is followed by another that does."""
    walk.do(*SETTINGS, "config set lease 1", "config set heartbeat 0.2", *walk.batch(), START)
    walk.until(walk.has_ended, "all jobs ended")
    for pid in walk.place.processes("supervisor"):
        os.kill(pid, signal.SIGSTOP)
    walk.do(START)
    return walk.finish()


def prune(walk: Walk) -> list[object]:
    """A pruner that ends at a point is followed by one that prunes."""
    walk.do(*walk.batch(), START)
    walk.until(walk.has_ended, "all jobs ended")
    walk.do("config set keep_jobs 0", "worker stop", START)
    walk.until(lambda: not list(walk.place.queue.list()), "all jobs pruned")
    return []


@pytest.mark.parametrize("point", MIGRATING)
def test_a_store_in_the_making_is_made_by_the_next(tmp_path: Path, point: str) -> None:
    trace = tmp_path / "trace"
    command = [*COMMAND, "--home", str(tmp_path / "home")]
    variables = {"QUEUECTL_FAILPOINT": point, "QUEUECTL_FAILPOINT_TRACE": str(trace)}
    enqueue = [*command, "enqueue", "--id", "first", "true"]
    first = subprocess.run(enqueue, env={**os.environ, **variables}, check=False)
    assert first.returncode == EXIT_CODE
    subprocess.run(enqueue, check=True, capture_output=True)
    listed = subprocess.run([*command, "list", "--format", "ids"], check=True, capture_output=True)
    assert listed.stdout == b"first\n"


def test_every_point_stands_somewhere_and_is_named_in_the_list() -> None:
    sources = [path.read_text() for path in PACKAGE.rglob("*.py")]
    text = "".join(source for source in sources if "reach" in source)
    plain = set(re.findall(r"reach\(\s*\"([^\"]+)\"", text)) | {
        "Born told",
        "Leaving told",
        "Report told",
    }
    writes = set(re.findall(r"_(?:writing|deleting)\(\"([^\"]+)\"\)", "".join(sources))) | {
        "migrate"
    }
    around = {f"{one}: {when}" for one in writes for when in ("begun", "written", "kept")}
    assert plain | around == set(POINTS)
    assert writes == set(WRITES)


def test_without_a_wish_a_point_is_an_empty_function() -> None:
    code = "from queuectl import failpoints as f; print(f.reach is f._go_on)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
