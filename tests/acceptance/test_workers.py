"""Workers come, work, drain and go, as commands wish."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from queuectl.domain.transcript import text
from queuectl.home import wake
from queuectl.processes import control
from queuectl.processes.system import identity
from tests.support.installation import COMMAND
from tests.support.waiting import until


def test_many_starters_at_once_share_one_supervisor(place):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: place.ctl("worker", "start", "--count", "1"), range(6)))
    assert len(place.processes("supervisor")) == 1
    workers = place.queue.workers()
    assert len(workers) == len({worker.pid for worker in workers}) == 6
    assert sorted(worker.number for worker in workers) == list(range(6))


def test_a_drain_ends_when_all_has_ended_and_takes_the_supervisor_with_it(place):
    jobs = [
        place.queue.enqueue(f"exit {number % 2}", max_retries=1, backoff="fixed:0.2s").id
        for number in range(10)
    ]
    late = place.queue.enqueue("true", delay=3600)
    place.ctl("worker", "start", "--count", "2", "--drain")
    states = {str(job.state) for job in place.queue.wait(jobs, 0)}
    assert states == {"completed", "dead"}
    assert place.state(late) == "scheduled"
    until(lambda: place.processes("") == [])


def test_a_stop_lets_a_running_command_finish(place):
    place.start()
    job = place.queue.enqueue("sleep 0.7")
    until(lambda: place.of_job(job))
    waiting = place.queue.enqueue("true")
    done = place.ctl("worker", "stop")
    assert "✓ All workers stopped gracefully" in done.stdout
    assert place.state(job) == "completed"
    assert (place.state(waiting), place.queue.get(waiting.id).attempts) == ("pending", 0)
    assert place.processes("") == []


def test_a_command_that_outlives_the_grace_goes_back_uncharged(place):
    place.queue.set("shutdown_grace", "0.2")
    place.start()
    job = place.queue.enqueue("sleep 300", max_retries=0)
    until(lambda: place.of_job(job))
    place.ctl("worker", "stop")
    again = place.queue.get(job.id)
    assert (again.state, again.retries) == ("pending", 0)
    assert place.runs(job) == ["interrupted"]
    assert place.of_job(job) == []


def test_a_second_stop_skips_the_grace(place):
    place.start()
    job = place.queue.enqueue("trap '' TERM; while :; do sleep 0.1; done")
    place.queue.set("kill_grace", "0.3")
    until(lambda: place.of_job(job))
    control.stop_workers(place.queue)
    until(lambda: place.queue.workers()[0].status == "stopping")
    assert place.of_job(job)
    place.ctl("worker", "stop", "--now")
    assert place.runs(job) == ["interrupted"]


def test_a_worker_stopped_by_name_leaves_the_others(place):
    place.start(2)
    first, second = place.queue.workers()
    place.ctl("worker", "stop", first.id)
    assert [worker.id for worker in place.queue.workers()] == [second.id]
    job = place.queue.enqueue("true")
    place.queue.wait([job.id], 30)


def test_stopping_with_none_running_says_so(place):
    assert place.ctl("worker", "stop").returncode == 0


def test_workers_of_named_queues_take_nothing_else(place):
    control.start_workers(place.queue, 1, 1, ["blue"])
    red = place.queue.enqueue("true", queue="red")
    blue = place.queue.enqueue("true", queue="blue")
    place.queue.wait([blue.id], 30)
    assert place.state(red) == "pending"


def test_due_jobs_start_even_where_the_scheduler_hangs(place):
    place.start()
    [scheduler] = until(lambda: place.processes("scheduler"))
    place.kill(scheduler, signal.SIGSTOP)
    job = place.queue.enqueue("true", delay=0.2)
    place.queue.wait([job.id], 30)
    place.kill(scheduler, signal.SIGCONT)


def test_a_delayed_job_starts_on_time_without_waiting_for_a_poll(place):
    place.queue.set("poll", "3600")
    place.start()
    until(lambda: place.processes("scheduler"))
    job = place.queue.enqueue("true", delay=0.5)
    [ended] = place.queue.wait([job.id], 30)
    assert ended.started_at is not None
    assert ended.started_at >= ended.run_at


def test_priorities_and_then_age_decide(place, tmp_path):
    log = tmp_path / "order"
    for name, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 5)):
        place.queue.enqueue(f"echo {name} >> {log}", id=name, priority=priority)
    place.start()
    place.queue.wait(["low", "first", "second", "high"], 30)
    assert log.read_text().split() == ["high", "first", "second", "low"]


def test_slots_run_that_many_at_once(place, tmp_path):
    place.start(1, 3)
    jobs = [place.queue.enqueue("sleep 300") for _ in range(4)]
    until(lambda: sum(bool(place.of_job(job)) for job in jobs) == 3)
    states = sorted(place.state(job) for job in jobs)
    assert states == ["pending", "processing", "processing", "processing"]
    place.queue.cancel(*(job.id for job in jobs))
    place.queue.wait([job.id for job in jobs], 30)


def test_a_foreground_supervisor_stops_gracefully_at_sigterm(place):
    words = [*COMMAND, "--home", str(place.path), "worker", "start", "--count", "1", "--foreground"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        until(lambda: place.queue.supervisor() and place.queue.workers())
        job = place.queue.enqueue("sleep 0.5")
        until(lambda: place.of_job(job))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert place.state(job) == "completed"


def test_a_worker_that_dies_again_and_again_is_replaced_ever_more_slowly(place):
    [pid] = place.start()
    for _ in range(2):
        place.kill(pid)
        pid = until(
            lambda old=pid: next((one for one in place.processes("worker") if one != old), 0)
        )
        until(lambda new=pid: place.queue.workers()[0].pid == new)
    [worker] = place.queue.workers()
    assert worker.note == "died: signal 9; started again after 1 s"


def test_a_job_without_a_program_or_folder_is_dead_with_the_reason(place, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    missing = place.queue.enqueue(args=["no-such-program"], max_retries=0)
    homeless = place.queue.enqueue("true", cwd=str(folder), max_retries=0)
    folder.rmdir()
    place.start()
    first, second = place.queue.wait([missing.id, homeless.id], 30)
    assert (first.exit_code, first.error) == (127, "no-such-program: command not found")
    assert str(folder) in (second.error or "")


def test_output_of_a_running_job_is_there_while_it_runs(place):
    place.start()
    job = place.queue.enqueue("echo early; sleep 300")
    until(lambda: b"early" in b"".join(frame.payload for frame in place.queue.output(job)))
    place.queue.cancel(job.id)
    [ended] = place.queue.wait([job.id], 30)
    assert b"early\n" in b"".join(frame.payload for frame in place.queue.output(ended))


def test_a_changed_setting_reaches_running_workers(place):
    place.start()
    place.queue.set("output_limit", "1 KiB")
    wake.ring(place.queue.home.wake)
    job = place.queue.enqueue("head -c 100000 /dev/zero")
    [ended] = place.queue.wait([job.id], 30)
    assert sum(frame.missing for frame in place.queue.output(ended)) == 100_000 - 1024


def test_processes_are_named_and_hold_no_job_variables(place):
    place.start()
    until(lambda: place.processes("scheduler"))
    for name in ("supervisor", "nursery", "scheduler", "worker 0"):
        [pid] = place.processes(name)
        assert "QUEUECTL_RUN" not in psutil.Process(pid).environ()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signalled_supervisor_ends_everything(place, number):
    place.queue.set("kill_grace", "0.2")
    place.queue.set("shutdown_grace", "0.2")
    place.start(2)
    job = place.queue.enqueue("sleep 300")
    until(lambda: place.of_job(job))
    pid = place.supervisor
    os.kill(pid, number)
    until(lambda: not identity.started(pid))
    until(lambda: place.processes("") == [])
    assert place.state(job) == "pending"
    assert place.of_job(job) == []


def test_a_terminated_worker_stops_gracefully_and_is_replaced(place):
    [pid] = place.start()
    job = place.queue.enqueue("sleep 0.5")
    until(lambda: place.of_job(job))
    os.kill(pid, signal.SIGTERM)
    place.queue.wait([job.id], 30)
    assert place.queue.get(job.id).attempts == 1
    until(lambda: place.processes("worker") and place.processes("worker") != [pid])


def make_short_jobs_typical(place):
    place.queue.enqueue_many([{"command": "true"}] * 200)
    until(lambda: place.queue.stats().jobs["completed"] == 200)


def test_jobs_assigned_ahead_do_not_wait_behind_a_long_one(place):
    place.start(2)
    make_short_jobs_typical(place)
    added = place.queue.enqueue_many([{"command": "sleep 300"}, *[{"command": "true"}] * 20])
    (long, _), *short = added.jobs
    ended = place.queue.wait([job_id for job_id, _ in short], 30)
    assert {(job.state, job.retries, job.attempts) for job in ended} == {("completed", 0, 1)}
    place.queue.cancel(long)
    place.queue.wait([long], 30)


def test_only_what_a_dead_worker_had_begun_is_charged(place):
    place.start(1)
    make_short_jobs_typical(place)
    poison = {"command": "kill -9 $PPID; sleep 60", "max_retries": 0}
    added = place.queue.enqueue_many([poison, *[{"command": "true"}] * 20])
    first, *others = place.queue.wait([job_id for job_id, _ in added.jobs], 30)
    assert (first.state, first.error) == ("dead", "worker died: signal 9")
    assert {(job.state, job.retries, job.attempts) for job in others} == {("completed", 0, 1)}


def test_the_totals_go_on_when_a_worker_is_stopped(place):
    place.start(2)
    place.queue.enqueue_many([{"command": "true"}] * 10)
    until(lambda: place.queue.stats().jobs["completed"] == 10)
    place.ctl("worker", "stop", place.queue.workers()[0].id)
    shown = place.ctl("worker", "status").stdout
    assert "Active Workers: 1 | Total Jobs Processed: 10 | " in shown


def test_even_a_short_lived_supervisor_prunes(place):
    place.start()
    job = place.queue.enqueue("head -c 200000 /dev/zero")
    [ended] = place.queue.wait([job.id], 30)
    transcript = place.queue.home.output(ended.row, ended.lease)
    assert os.path.exists(transcript)
    place.stop()
    place.queue.set("keep_jobs", "0")
    place.start()
    until(lambda: place.queue.stats().jobs["completed"] == 0)
    until(lambda: not os.path.exists(transcript))


def test_a_worker_that_was_told_to_end_is_given_nothing_more(place):
    [pid] = place.start()
    place.queue.set("shutdown_grace", "60")
    running = place.queue.enqueue("sleep 1")
    until(lambda: place.of_job(running))
    place.kill(pid, signal.SIGTERM)
    job = place.queue.enqueue("true")
    place.queue.wait([running.id, job.id], 60)
    assert len(place.queue.changes(job)) < 8


def test_what_outlives_a_quick_command_may_say_more_than_a_pipe_holds(place, tmp_path):
    place.start()
    # It is deaf to the TERM that it gets with the end of its command.
    rest = f"sleep 0.2; head -c 200000 /dev/zero; touch {tmp_path}/said"
    job = place.queue.enqueue(f"trap '' TERM; ({rest}) & exit 0")
    [ended] = place.queue.wait([job.id], 60)
    assert ended.state == "completed"
    assert (tmp_path / "said").exists()
    assert len(text(place.queue.output(job))) == 200_000
