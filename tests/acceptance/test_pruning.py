"""What is pruned leaves nothing behind, whoever is killed in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.installation import Installation
from tests.support.waiting import until

# Deletes from the store and is killed before it deletes the files.
_KILLED = """
import os, signal, sys
from queuectl import JobQueue
from queuectl.domain.selection import Selection
store = JobQueue(sys.argv[1], *sys.argv[3:]).store
assert store.prune(None, 0, 100) if sys.argv[2] == "prune" else store.remove(Selection())
os.kill(os.getpid(), signal.SIGKILL)
"""


def outputs(place: Installation) -> list[Path]:
    return list(Path(place.queue.home.outputs).rglob("*.*"))


def test_files_of_jobs_go_though_pruner_and_remover_were_killed(place: Installation) -> None:
    for deed in ("prune", "remove"):
        place.queue.enqueue("head -c 200000 /dev/zero")
        place.ctl("worker", "start", "--drain")
        until(lambda: place.queue.supervisor() is None)
        assert len(outputs(place)) == 1
        words = [sys.executable, "-P", "-c", _KILLED, str(place.path), deed]
        assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
        assert (len(outputs(place)), list(place.queue.list())) == (1, [])
        place.start()
        until(lambda: not outputs(place), "the scheduler sweeps")
        place.stop()


def test_a_home_keeps_the_outputs_of_each_store_that_it_is_used_with_apart(
    place: Installation, tmp_path: Path
) -> None:
    other = Installation(place.path, f"sqlite://{tmp_path / 'other.db'}")
    try:
        for queue, letter in ((place, "a"), (other, "b")):
            queue.queue.enqueue(f"head -c 200000 /dev/zero | tr '\\0' {letter}", id="same")
            queue.start(drain=True)
            until(lambda: place.queue.supervisor() is None and other.queue.supervisor() is None)
        assert output_of(place) == b"a" * 200_000
        assert output_of(other) == b"b" * 200_000
        words = [
            sys.executable,
            "-P",
            "-c",
            _KILLED,
            str(place.path),
            "remove",
            other.queue.store.url,
        ]
        assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
        other.start()
        until(lambda: not outputs(other), "the scheduler sweeps")
        assert output_of(place) == b"a" * 200_000
    finally:
        other.close()


def output_of(place: Installation) -> bytes:
    return b"".join(frame.payload for frame in place.queue.output(place.queue.get("same")))


def test_lock_files_of_killed_workers_go(place: Installation) -> None:
    place.start(2)
    until(lambda: len(list(place.path.glob("run/*.lock"))) == 2)
    names = {path.name for path in place.path.glob("run/*.lock")}
    place.kill_all()
    # The first supervisor writes the dead workers off, the scheduler of the next one sweeps.
    for _ in range(2):
        place.start()
        until(lambda: place.processes("scheduler"))
        place.stop()
    place.start()
    until(lambda: names.isdisjoint(os.listdir(place.queue.home.locks)), "the scheduler sweeps")
