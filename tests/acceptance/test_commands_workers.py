"""Commands that start, follow and stop work, with real workers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuectl import JobQueue
from tests.support.one_shot import Done, OneShot
from tests.support.waiting import until

PATIENCE = 30.0


@pytest.fixture(scope="module")
def queuectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneShot]:
    """A queue with two workers of four slots."""
    queuectl = OneShot(tmp_path_factory.mktemp("workers") / "home")
    queuectl("config", "set", "kill_grace", "1s")
    queuectl("worker", "start", "--count", "2", "--slots", "4")
    yield queuectl
    queuectl("worker", "stop", "--now")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[OneShot]:
    """A queue of its own, whose workers are stopped at the end."""
    queuectl = OneShot(tmp_path / "home")
    yield queuectl
    queuectl("worker", "stop", "--now")


def _spawn(queuectl: OneShot, *words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*queuectl.argv, *words], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    )


def _finish(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out, err)


def _show(queuectl: OneShot, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = queuectl("show", job_id, "--format", "json").json
    return job


def _until_state(queuectl: OneShot, job_id: str, state: str) -> None:
    until(lambda: _show(queuectl, job_id)["state"] == state, f"{job_id} is {state}")


def _workers(queuectl: OneShot) -> list[dict[str, Any]]:
    workers: list[dict[str, Any]] = queuectl("worker", "status", "--format", "json").json["workers"]
    return workers


class TestRun:
    def test_gives_output_and_exit_code_of_the_command(self, queuectl: OneShot) -> None:
        done = queuectl.attempt("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        assert done == (7, "out\n", "err\n")

    def test_takes_a_shell_line_or_json(self, queuectl: OneShot) -> None:
        assert queuectl("run", "--env", "A=1", "echo $A | tr 1 2").out == "2\n"
        assert queuectl("run", '{"args":["printf","%s","x y"]}').out == "x y"

    def test_passes_bytes_on_as_they_are(self, queuectl: OneShot) -> None:
        argv = [*queuectl.argv, "run", r"printf '\377\000\033[31m\r\n'"]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (0, b"\xff\0\x1b[31m\r\n")

    def test_gives_128_and_the_signal_for_a_killed_command(self, queuectl: OneShot) -> None:
        done = queuectl.attempt("run", "kill -9 $$")
        assert (done.code, done.out) == (137, "")
        assert done.err.endswith("dead: signal 9\n")

    def test_gives_124_after_a_timeout(self, queuectl: OneShot) -> None:
        done = queuectl.attempt("run", "--timeout", "100ms", "sleep 60")
        assert (done.code, done.out) == (124, "")
        assert "timed out after 0.1s" in done.err

    def test_gives_127_for_a_program_that_is_not_there(self, queuectl: OneShot) -> None:
        done = queuectl.attempt("run", "--", "no-such-program")
        assert done.code == 127
        assert "no-such-program" in done.err

    def test_retries_only_when_asked_to(self, queuectl: OneShot) -> None:
        assert queuectl.attempt("run", "echo x; exit 3") == (3, "x\n", "")
        again = ["--max-retries", "1", "--backoff", "fixed:0s"]
        assert queuectl.attempt("run", *again, "echo x; exit 3") == (3, "x\nx\n", "")

    def test_follows_live_and_cancels_at_ctrl_c(self, queuectl: OneShot) -> None:
        process = _spawn(queuectl, "run", "--id", "live", "echo begin; exec sleep 60")
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        process.send_signal(signal.SIGINT)
        assert _finish(process) == (130, "", "")
        assert _show(queuectl, "live")["state"] == "cancelled"


class TestWait:
    def test_ends_with_0_when_all_completed(self, queuectl: OneShot) -> None:
        ids = queuectl("enqueue", "--format", "ids", '[{"command":"true"},{"command":":"}]').lines
        assert queuectl("wait", *ids).lines == [f"Job '{job_id}' completed" for job_id in ids]

    def test_ends_with_1_when_one_is_dead(self, queuectl: OneShot) -> None:
        done = queuectl.attempt("enqueue", "--wait", "--id", "w", "--max-retries", "0", "exit 4")
        assert done == (1, "Enqueued job 'w' (pending)\nJob 'w' dead: exit code 4\n", "")

    def test_ends_with_130_at_ctrl_c_and_leaves_the_job_alone(self, queuectl: OneShot) -> None:
        queuectl("enqueue", "--id", "long", "sleep 60")
        process = _spawn(queuectl, "wait", "long")
        _until_state(queuectl, "long", "processing")
        process.send_signal(signal.SIGINT)
        assert _finish(process) == (130, "", "")
        assert queuectl("cancel", "long").out == "Ending 1 running job\n"
        assert queuectl.attempt("wait", "long").code == 1


class TestLogs:
    def test_prints_both_streams_one_stream_or_the_last_lines(self, queuectl: OneShot) -> None:
        script = "echo 1; sleep 0.05; echo 2 >&2; sleep 0.05; echo 3"
        queuectl("enqueue", "--id", "both", "--wait", script)
        assert queuectl("logs", "both").out == "1\n2\n3\n"
        assert queuectl("logs", "both", "--stderr").out == "2\n"
        assert queuectl("logs", "both", "--tail", "2").out == "2\n3\n"
        assert queuectl("logs", "both", "--tail", "0").out == ""
        assert queuectl("logs", "both", "--follow").out == "1\n2\n3\n"

    def test_prints_any_attempt(self, queuectl: OneShot) -> None:
        options = ["--max-retries", "1", "--backoff", "fixed:0s", "--id", "twice", "--wait"]
        queuectl.attempt("enqueue", *options, "echo $QUEUECTL_ATTEMPT; false")
        assert queuectl("logs", "twice").out == "2\n"
        assert queuectl("logs", "twice", "--attempt", "1").out == "1\n"
        assert queuectl.refused(1, "logs", "twice", "--attempt", "3").endswith("are 1 to 2")

    def test_follows_a_running_job_until_its_end(self, queuectl: OneShot, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        line = f"echo one; until [ -e {gate} ]; do sleep 0.02; done; echo two >&2"
        queuectl("enqueue", "--id", "followed", line)
        process = _spawn(queuectl, "logs", "followed", "--follow")
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        gate.touch()
        assert _finish(process) == (0, "two\n", "")

    def test_follows_from_attempt_to_attempt(self, queuectl: OneShot) -> None:
        options = ["--max-retries", "2", "--backoff", "fixed:0.1s", "--id", "thrice"]
        queuectl("enqueue", *options, "echo $QUEUECTL_ATTEMPT; sleep 0.2; false")
        assert queuectl("logs", "thrice", "--follow").out == "1\n2\n3\n"


class TestWorkers:
    def test_start_names_each_worker_and_status_shows_what_it_runs(self, fresh: OneShot) -> None:
        first, *started = fresh("worker", "start", "--count", "2").lines
        assert first == "Starting 2 worker processes..."
        workers = _workers(fresh)
        assert started == [
            f"✓ Started worker {worker['id']} (PID: {worker['pid']})" for worker in workers
        ]
        fresh("enqueue", "--id", "held", "sleep 60")
        _until_state(fresh, "held", "processing")
        out = fresh("worker", "status").out
        assert "busy    held" in out
        assert "Active Workers: 2 | Total Jobs Processed: 0 | Average Processing Time: -" in out
        assert fresh("status", "--format", "json").json["workers"] == {"active": 2, "busy": 1}
        assert fresh("worker", "stop", "--now").out == "✓ All workers stopped\n"
        assert _show(fresh, "held")["state"] == "pending"

    def test_stop_waits_for_what_runs(self, fresh: OneShot, tmp_path: Path) -> None:
        fresh("worker", "start")
        go = tmp_path / "go"
        os.mkfifo(go)
        fresh("enqueue", "--id", "a", f"cat {go}")
        _until_state(fresh, "a", "processing")
        stop = _spawn(fresh, "worker", "stop")
        until(lambda: _workers(fresh)[0]["status"] == "stopping", "the stop has begun")
        assert stop.poll() is None
        go.write_text("on")
        assert _finish(stop).out == "✓ All workers stopped gracefully\n"
        assert _show(fresh, "a")["state"] == "completed"
        assert fresh("worker", "stop").out == "No workers are running\n"

    def test_stop_by_name_leaves_the_others(self, fresh: OneShot) -> None:
        fresh("worker", "start", "--count", "2")
        one, other = fresh("worker", "status", "--format", "ids").lines
        assert fresh("worker", "stop", one).out == f"✓ Worker {one} stopped\n"
        assert fresh("worker", "status", "--format", "ids").lines == [other]

    def test_ctrl_c_leaves_the_stopping_and_a_second_stop_hurries(self, fresh: OneShot) -> None:
        fresh("config", "set", "kill_grace", "0")
        fresh("worker", "start")
        fresh("enqueue", "--id", "a", "sleep 60")
        _until_state(fresh, "a", "processing")
        process = _spawn(fresh, "worker", "stop")
        until(lambda: _workers(fresh)[0]["status"] == "stopping", "the stop has begun")
        process.send_signal(signal.SIGINT)
        done = _finish(process)
        assert (done.code, done.err) == (130, "")
        assert "Still stopping in the background" in done.out
        assert fresh("worker", "stop").out == "✓ All workers stopped\n"

    def test_drain_ends_once_everything_has_run(self, fresh: OneShot) -> None:
        fresh("enqueue", "--max-retries", "1", "--backoff", "fixed:0.1s", "--id", "bad", "false")
        fresh("enqueue", "--id", "good", "true")
        fresh("enqueue", "--id", "later", "--delay", "1h", "true")
        out = fresh("worker", "start", "--drain").out
        assert out.endswith("✓ All jobs are done, workers stopped\n")
        states = {job["id"]: job["state"] for job in fresh.jobs()}
        assert states == {"bad": "dead", "good": "completed", "later": "scheduled"}

    def test_foreground_stays_until_it_is_told_to_stop(self, fresh: OneShot) -> None:
        process = _spawn(fresh, "worker", "start", "--foreground", "--count", "1")
        fresh("enqueue", "--id", "a", "true")
        assert fresh("wait", "a", "--timeout", "30").code == 0
        assert "end it first" in fresh.refused(1, "worker", "start", "--foreground")
        process.send_signal(signal.SIGINT)
        assert _finish(process).code in (0, 130)


def test_a_dead_supervisor_is_what_status_says_first(fresh: OneShot) -> None:
    fresh("worker", "start")
    with JobQueue(str(fresh.home)) as queue:
        supervisor = queue.supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    fresh("enqueue", "true")
    hint = "supervisor died; 1 job waits: run worker start"
    until(lambda: hint in fresh("status").out, "status tells of the death")
    assert fresh("status", "--format", "json").json["workers"]["active"] == 0
