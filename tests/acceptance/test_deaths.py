"""Each death has its own answer, and none of them loses or doubles a job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from queuectl.home import locks
from queuectl.processes import control
from queuectl.processes.system import identity
from tests.support.database import raw
from tests.support.installation import COMMAND, Installation
from tests.support.waiting import until


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def lasts_at_first(folder: Path) -> str:
    """A command that says that it has begun, and lasts; at once done when it is run again."""
    return f"[ $QUEUECTL_ATTEMPT -gt 1 ] || {{ touch {folder}/$QUEUECTL_JOB_ID; exec sleep 300; }}"


def test_a_worker_killed_by_sigkill_gives_its_job_back(place, tmp_path):
    [pid] = place.start()
    mark = tmp_path / "starts"
    job = place.queue.enqueue(
        f"echo x >> {mark}; exec sleep 300", max_retries=1, backoff="fixed:0s"
    )
    until(lambda: lines(mark))
    place.kill(pid)
    until(lambda: len(lines(mark)) == 2, "the second start")
    first = place.queue.runs(job)[0]
    assert (first.end, first.error) == ("worker died", "worker died: signal 9")
    assert place.queue.get(job.id).retries == 1
    assert len(place.of_job(job)) == 1
    place.queue.cancel(job.id)
    place.queue.wait([job.id], 60)


def test_what_a_dead_worker_ran_is_ended_before_the_job_runs_again(place, tmp_path):
    [pid] = place.start()
    alone = tmp_path / "alone"
    # The lock is held by whatever lives of the first run; the second run fails if it meets it.
    script = f"exec 9>{alone}; flock -n 9 || exit 55; setsid sleep 300 & echo ok >&2; sleep 300"
    job = place.queue.enqueue(script, max_retries=1, backoff="fixed:0s")
    until(lambda: len(place.of_job(job)) == 3)
    place.kill(pid)
    until(lambda: place.queue.get(job.id).attempts == 2 and len(place.of_job(job)) == 3)
    assert place.state(job) == "processing"
    place.queue.cancel(job.id)
    place.queue.wait([job.id], 60)
    assert place.of_job(job) == []


def test_a_job_that_kills_its_worker_uses_up_its_retries_and_is_dead(place, tmp_path):
    place.start(2)
    mark = tmp_path / "starts"
    poison = place.queue.enqueue(
        f"echo x >> {mark}; kill -9 $PPID; sleep 60", max_retries=2, backoff="fixed:0s"
    )
    neighbours = [place.queue.enqueue("true").id for _ in range(20)]
    [dead] = place.queue.wait([poison.id], 100)
    assert (dead.state, dead.error) == ("dead", "worker died: signal 9")
    assert len(lines(mark)) == 3
    ended = place.queue.wait(neighbours, 60)
    assert {job.state for job in ended} == {"completed"}


def test_of_several_jobs_in_a_worker_that_dies_only_the_culprit_pays(place, tmp_path):
    place.start(1, 3)
    begun = tmp_path / "begun"
    # The first time it waits for company; alone it strikes at once.
    strike = (
        f"[ $QUEUECTL_ATTEMPT -gt 1 ] || until [ -e {begun} ]; do sleep 0.02; done; kill -9 $PPID"
    )
    culprit = place.queue.enqueue(f"{strike}; sleep 60", max_retries=1, backoff="fixed:0s")
    wait = (
        f"[ $QUEUECTL_ATTEMPT -gt 1 ] || {{ touch {tmp_path}/$QUEUECTL_JOB_ID; exec sleep 300; }}"
    )
    innocents = [
        place.queue.enqueue(wait, id=name, max_retries=0) for name in ("innocent-1", "innocent-2")
    ]
    until(lambda: all((tmp_path / job.id).exists() for job in innocents))
    begun.touch()
    ended = place.queue.wait([job.id for job in (culprit, *innocents)], 100)
    assert [str(job.state) for job in ended] == ["dead", "completed", "completed"]
    assert [job.retries for job in ended] == [1, 0, 0]
    assert ended[0].error == "worker died: signal 9"
    assert place.runs(culprit) == ["suspected", "worker died", "worker died"]
    for job in innocents:
        assert place.runs(job) == ["suspected", "exited"]
        assert place.queue.runs(job)[0].error == (
            "worker died: signal 9 (one of 3 jobs in the worker)"
        )


def test_what_a_dead_worker_had_begun_is_known_until_its_end_is_recorded(
    place, tmp_path, monkeypatch
):
    monkeypatch.setenv("QUEUECTL_FAILPOINT", "worker removed")
    monkeypatch.setenv("QUEUECTL_FAILPOINT_TRACE", str(tmp_path / "trace"))
    place.queue.set("shutdown_grace", "60")
    [pid] = place.start()
    job = place.queue.enqueue(lasts_at_first(tmp_path), id="lasting")
    until((tmp_path / job.id).exists)
    control.stop_workers(place.queue)
    until(lambda: place.queue.store.workers()[0].status == "stopping")
    place.kill(pid)
    until(lambda: not place.processes("supervisor"), "the supervisor ended at the point")
    assert (tmp_path / "trace").exists()
    place.start()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 2, 1)


def test_several_jobs_of_a_worker_that_died_with_its_supervisor_are_suspects(place, tmp_path):
    [worker] = place.start(1, 2)
    wait = (
        f"[ $QUEUECTL_ATTEMPT -gt 1 ] || {{ touch {tmp_path}/$QUEUECTL_JOB_ID; exec sleep 300; }}"
    )
    jobs = [place.queue.enqueue(wait, id=name, max_retries=0) for name in ("one", "two")]
    until(lambda: all((tmp_path / job.id).exists() for job in jobs))
    supervisor = place.supervisor
    place.kill(supervisor, signal.SIGSTOP)
    place.kill(worker)
    place.kill(supervisor)
    place.start()
    ended = place.queue.wait([job.id for job in jobs], 60)
    assert [(str(job.state), job.retries) for job in ended] == [("completed", 0)] * 2
    assert [place.runs(job) for job in jobs] == [["suspected", "exited"]] * 2


def test_a_killed_supervisor_leaves_the_running_command_to_finish_and_be_recorded(place, tmp_path):
    place.start()
    go = tmp_path / "go"
    os.mkfifo(go)
    job = place.queue.enqueue(f"echo begun; cat {go}; echo done")
    until(lambda: place.of_job(job))
    place.kill(place.supervisor)
    until(lambda: place.processes("caretaker"))
    go.write_text("x\n")
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 1, 0)
    until(lambda: not place.processes("worker"))
    until(lambda: not place.processes("caretaker"))


def test_a_command_that_kills_its_supervisor_is_recorded_all_the_same(place):
    place.start()
    supervisor = place.supervisor
    job = place.queue.enqueue(f"kill -9 {supervisor}; echo after it")
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 1, 0)
    assert place.ctl("logs", job.id).stdout == "after it\n"
    until(lambda: not place.processes("worker"), "the orphan ended")
    place.start()
    assert place.supervisor != supervisor
    assert place.runs(job) == ["exited"]


def test_after_a_restart_of_the_machine_nothing_is_killed_and_all_is_rescued(place, tmp_path):
    place.start()
    job = place.queue.enqueue(lasts_at_first(tmp_path), max_retries=1, backoff="fixed:0s")
    last = place.queue.enqueue("true", max_retries=0, queue="later")
    until(lambda: place.of_job(job) and (tmp_path / job.id).exists())
    everybody = [pid for name in ("supervisor", "nursery", "scheduler", "worker")
        for pid in place.processes(name)]  # fmt: skip
    for pid in (*everybody, *place.of_job(job)):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not place.processes("") and not place.of_job(job))
    # After the start another process has the pid, and even the start time, of the command.
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as stranger:
        try:
            forget_the_boot(place, stranger.pid)
            place.start()
            [ended] = place.queue.wait([job.id], 60)
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 2, 1)
    first = place.queue.runs(job)[0]
    assert (first.end, first.error) == ("host died", "host died: it was restarted")
    [ended] = place.queue.wait([last.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 1)


def forget_the_boot(place, pid):
    """Let the store look as if the machine was started anew since, and used a pid again."""
    with raw(place.queue.home.database) as store:
        store.execute("UPDATE supervisors SET boot = 'an earlier one'")
        started = identity.started(pid)
        store.execute("UPDATE runs SET pid = ?, pid_started = ? WHERE pid > 0", (pid, started))
        store.execute("UPDATE workers SET pid = ?, pid_started = ?", (pid, started))
        assert store.changes() == 1


def test_a_worker_that_outlives_its_supervisor_is_shown_until_it_ends(place, tmp_path):
    [worker] = place.start()
    job = place.queue.enqueue(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done")
    until(lambda: place.of_job(job))
    place.kill(place.supervisor)
    for _ in range(2):  # before and after another supervisor has come
        shown = json.loads(place.ctl("worker", "status", "--format", "json").stdout)["workers"]
        [orphan] = (each for each in shown if each["pid"] == worker)
        assert (orphan["status"], orphan["jobs"]) == ("stopping", [job.id])
        place.start()
    (tmp_path / "go").touch()
    place.queue.wait([job.id], 60)
    until(lambda: str(worker) not in place.ctl("worker", "status").stdout)


def test_a_new_supervisor_leaves_the_run_of_an_orphaned_worker_alone(place, tmp_path):
    place.start()
    go = tmp_path / "go"
    os.mkfifo(go)
    job = place.queue.enqueue(f"cat {go}")
    until(lambda: place.of_job(job))
    place.kill(place.supervisor)
    place.start()
    other = place.queue.enqueue("true")
    place.queue.wait([other.id], 60)
    assert place.queue.get(job.id).attempts == 1
    assert place.state(job) == "processing"
    go.write_text("x\n")
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 1)


def test_unstarted_jobs_of_a_killed_supervisor_are_not_charged(place, tmp_path):
    place.start()
    running = place.queue.enqueue("sleep 0.5")
    waiting = [place.queue.enqueue("true") for _ in range(5)]
    until(lambda: place.of_job(running))
    place.kill(place.supervisor)
    place.start()
    ended = place.queue.wait([job.id for job in (running, *waiting)], 60)
    assert {(job.state, job.retries, job.attempts) for job in ended} == {("completed", 0, 1)}


def test_a_run_of_an_orphaned_worker_can_be_cancelled(place):
    place.start()
    job = place.queue.enqueue("sleep 300")
    until(lambda: place.of_job(job))
    place.kill(place.supervisor)
    place.queue.cancel(job.id)
    [ended] = place.queue.wait([job.id], 60)
    assert ended.state == "cancelled"
    assert place.of_job(job) == []


def test_worker_stop_now_ends_orphaned_workers_too(place):
    place.start()
    job = place.queue.enqueue("sleep 300")
    until(lambda: place.of_job(job))
    place.kill(place.supervisor)
    place.ctl("worker", "stop", "--now")
    assert (place.state(job), place.queue.get(job.id).retries) == ("pending", 0)
    assert place.of_job(job) == []


def test_when_all_are_killed_the_next_supervisor_rescues_the_run(place, tmp_path):
    place.start()
    mark = tmp_path / "starts"
    job = place.queue.enqueue(
        f"echo x >> {mark}; exec sleep 300", max_retries=1, backoff="fixed:0s"
    )
    until(lambda: lines(mark))
    for name in ("supervisor", "nursery", "scheduler", "worker", "caretaker"):
        for pid in place.processes(name):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not place.processes(""))
    [survivor] = place.of_job(job)
    place.start()
    until(lambda: len(lines(mark)) == 2)
    assert survivor not in place.of_job(job)
    assert place.runs(job)[0] == "supervisor died"
    place.queue.cancel(job.id)
    place.queue.wait([job.id], 60)


@pytest.mark.parametrize("name", ["scheduler", "nursery"])
def test_a_killed_helper_process_is_replaced_and_nothing_is_stranded(place, name):
    place.start()
    [pid] = until(lambda: place.processes(name))
    place.kill(pid)
    late = place.queue.enqueue("true", delay=0.3)
    place.queue.wait([late.id], 60)
    until(lambda: place.processes(name))
    place.start()
    assert len(place.queue.workers()) == 2


def test_a_job_whose_shell_is_killed_fails_with_the_signal(place):
    place.start()
    job = place.queue.enqueue("kill -9 $$", max_retries=0)
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.signal, ended.error) == ("dead", 9, "signal 9")


def test_a_command_may_start_workers_which_outlive_it(place, tmp_path):
    other = Installation(tmp_path / "other")
    place.start()
    # A job's environment names the store of its own queue.
    start = ("--home", str(other.path), "--store", other.queue.store.url, "worker", "start")
    words = (*COMMAND, *start, "--count", "1")
    job = place.queue.enqueue(args=words, max_retries=0)
    [ended] = place.queue.wait([job.id], 60)
    assert ended.state == "completed", ended
    task = other.queue.enqueue("true")
    other.queue.wait([task.id], 60)
    place.stop()
    assert other.processes("supervisor")
    other.close()


def lock_holders(inode: int) -> set[int]:
    lines = Path("/proc/locks").read_text().replace("-> ", "").splitlines()
    return {int(row.split()[4]) for row in lines if row.split()[5].endswith(f":{inode}")}


def test_every_process_with_the_store_open_holds_its_locks(place):
    place.start(2)
    inode = os.stat(place.queue.home.database + "-shm").st_ino
    until(lambda: place.processes("scheduler"))
    having = {place.supervisor, *place.processes("scheduler")}
    until(lambda: having <= lock_holders(inode))
    for pid in (*place.processes("worker"), *place.processes("nursery")):
        files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not [name for name in files if "queue.db" in name]
        assert pid not in lock_holders(inode)
    assert locks.is_held(place.queue.home.supervisor_lock)
