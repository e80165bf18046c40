"""The doctor tells living processes from dead ones, and ends only what is over for certain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from queuectl import JobQueue
from queuectl.processes.system import identity, leftovers
from tests.support.doctor import as_one_shot, database, examined, mended
from tests.support.installation import Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until


@contextmanager
def carrying(mark: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the marker of a run of that home."""
    environment = {**os.environ, leftovers.MARKER: mark, "QUEUECTL_HOME": str(home)}
    process = subprocess.Popen(["sleep", "300"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_process_of_a_run_that_is_over_is_killed(place: Installation) -> None:
    place.start()
    job = place.queue.enqueue("exec sleep 300")
    until(lambda: place.of_job(job))
    current = place.of_job(job)
    ended = place.queue.enqueue("true")
    home = as_one_shot(place)
    with carrying(leftovers.marker(place.queue.store.uuid, ended.row, 1), place.path) as process:
        place.queue.cancel(ended.id)
        found = examined(home, code=1)["processes of jobs"]
        assert found["found"] == f"PID {process.pid} (sleep 300): of runs that are over"
        assert mended(home, "processes of jobs") == f"killed PID {process.pid} (sleep 300)"
        assert process.wait() == -signal.SIGKILL
    assert place.of_job(job) == current
    place.queue.cancel(job.id)


def test_a_process_of_a_copied_home_is_left_to_its_owner(home: OneShot, tmp_path: Path) -> None:
    with JobQueue(str(home.home)) as queue:
        mark = leftovers.marker(queue.store.uuid, 77, 1)
    with carrying(mark, tmp_path / "original") as process:
        found = examined(home, "--repair", code=1)["processes of jobs"]
        assert found["found"].endswith("of runs that are over, or of a copied store")
        assert identity.started(process.pid)


def test_a_damaged_store_gets_no_process_killed(home: OneShot) -> None:
    with JobQueue(str(home.home)) as queue:
        mark = leftovers.marker(queue.store.uuid, 1, 1)
    with database(home) as careless:
        careless.execute("INSERT INTO outputs (job, lease, body) VALUES (55, 1, x'')")
    with carrying(mark, home.home) as process:
        found = examined(home, "--repair", code=1)["processes of jobs"]
        assert found["advice"] == "mend the store first"
        assert identity.started(process.pid)


def test_jobs_whose_worker_is_gone_are_told_of_until_they_are_settled(place: Installation) -> None:
    place.start()
    job = place.queue.enqueue("exec sleep 300", max_retries=0)
    until(lambda: place.of_job(job))
    place.kill_all()
    home = as_one_shot(place)
    found = examined(home, "--repair")["leases"]
    assert found["found"] == f"job {job.id}: processing, but the worker is gone"
    assert found["advice"] == "queuectl worker start settles them"
    assert place.of_job(job)  # its run is still the current one
    place.start()
    place.queue.wait([job.id], 60)
    assert set(examined(home)) <= {"lock files"}  # until the next sweep


def test_jobs_of_a_home_that_was_renamed_are_given_back(
    place: Installation, tmp_path: Path
) -> None:
    place.start()
    job = place.queue.enqueue("exec sleep 300", max_retries=1, backoff="fixed:1h")
    until(lambda: place.of_job(job))
    place.kill_all()
    (survivor,) = place.of_job(job)
    place.queue.close()
    place.path.rename(tmp_path / "renamed")
    home = OneShot(tmp_path / "renamed")
    assert "so renamed" in examined(home, code=1)["leases"]["found"]
    done = home("doctor", "--repair")
    assert f"✓ leases: mended: gave back job {job.id}" in done.lines
    assert not identity.started(survivor)
    assert examined(home, "--repair") == {}
    (given_back,) = home.jobs()
    assert (given_back["state"], given_back["error"]) == ("failed", "supervisor died")
    shutil.rmtree(place.path, ignore_errors=True)
    place.queue = JobQueue(str(place.path))


def test_a_supervisor_that_was_stopped_is_told(place: Installation) -> None:
    place.queue.set("heartbeat", "100ms")
    place.queue.set("lease", "1s")
    place.start()
    os.kill(place.supervisor, signal.SIGSTOP)
    try:
        home = as_one_shot(place)
        found = until(
            lambda: home.attempt("doctor", "--format", "json").code and examined(home, code=1)
        )
        assert found["supervisor"]["advice"].startswith("stopped (worker start replaces it)")
    finally:
        os.kill(place.supervisor, signal.SIGCONT)
