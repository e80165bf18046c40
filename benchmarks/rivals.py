"""Drains beside other queues of commands, each with what it keeps of its jobs."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.comparison import Contender, Finding, Metric, Target, WorkNotDone, compare
from benchmarks.drain import EIGHT, TWO, Shape, drain, steady_rate
from benchmarks.references import TRIVIAL
from benchmarks.workbench import Workbench

_PROGRAMS = Path(__file__).parent / "programs"
# Where `make bench` puts what comes from PyPI.
_PACKAGES = Path(__file__).parents[1] / "build" / "rivals" / "bin"
_PATIENCE = 120.0  # seconds
_LOOK_EVERY = 0.05

Ends = list[int]  # microseconds
Drain = Callable[[Path, int, int], float]  # in a folder, so many jobs, so many at once: the rate


def run(bench: Workbench) -> list[Finding]:
    """Fewer jobs than the other drains have: the slowest takes tens of milliseconds for each."""
    return [*_run(bench, TWO), *_run(bench, EIGHT)]


def _run(bench: Workbench, shape: Shape) -> list[Finding]:
    rivals = [
        _rival(bench, shape, _parallel, "GNU parallel --joblog (a log of what ended, not synced)",
               shutil.which("parallel")),
        _rival(bench, shape, _task_spooler, "task-spooler (nothing: in memory)",
               shutil.which("tsp") or shutil.which("ts")),
        _rival(bench, shape, _nq, "nq (a process for each job that waits)", shutil.which("nq")),
        _rival(bench, shape, _huey, "huey on SQLite (synced; lost if it dies while it runs)",
               shutil.which(_PACKAGES / "huey_consumer")),
        _rival(bench, shape, _hyper_shell, "HyperShell on SQLite (each job a row)",
               shutil.which(_PACKAGES / "hs")),
    ]  # fmt: skip
    targets = tuple(Target(1.0, at_least=True, against=each.name) for each in rivals)
    title = f"drain beside other queues, concurrency {shape.width}"
    subject = Contender("queuectl", lambda: (_drain_ours(bench, shape),))
    metric = Metric(title, "jobs/s", targets)
    return compare([metric], subject, rivals, rounds=bench.scale.repeat, say=bench.say)


def _drain_ours(bench: Workbench, shape: Shape) -> float:
    with bench.new_installation() as installation:
        return drain(installation, bench.scale.rivals, shape)


def _rival(
    bench: Workbench, shape: Shape, work: Drain, name: str, program: str | None
) -> Contender:
    def measure() -> tuple[float]:
        folder = Path(tempfile.mkdtemp(prefix="rival-", dir=bench.folder))
        try:
            return (work(folder, bench.scale.rivals, shape.width),)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return Contender(name, measure, None if program else "it is not installed")


def _parallel(folder: Path, jobs: int, width: int) -> float:
    log = folder / "log"
    words = ["parallel", "--will-cite", f"-j{width}", "-n0", "--joblog", str(log), "true", ":::"]
    _call([*words, *["x"] * jobs], folder, {"PARALLEL_SHELL": "/bin/sh"})
    rows = [line.split("\t") for line in log.read_text().splitlines()[1:]]
    return _steady(
        [round((float(row[2]) + float(row[3])) * 1e6) for row in rows if row[6] == "0"], jobs
    )


def _task_spooler(folder: Path, jobs: int, width: int) -> float:
    """From the moment when the job that holds all others up ends until the last has ended."""
    program = "tsp" if shutil.which("tsp") else "ts"
    names = {"TMPDIR": str(folder), "TS_SLOTS": "1", "TS_MAXFINISHED": str(jobs + 1)}
    names["TS_MAXCONN"] = str(jobs + 10)  # each waiting job is a client that stays connected
    with tempfile.TemporaryDirectory() as short, _gate(folder) as (gate, release):
        names["TS_SOCKET"] = f"{short}/socket"  # whose name may have 107 bytes
        try:
            _call([program, "-n", *gate], folder, names)
            for _ in range(jobs):
                _call([program, "-n", *TRIVIAL], folder, names)
            _call([program, "-S", str(width)], folder, names)
            began = time.perf_counter()
            release()
            _call([program, "-w"], folder, names)
            listed = _call([program, "-l"], folder, names).decode().splitlines()[1:]
            while any(line.split()[1] != "finished" for line in listed):
                # It waits for the last one that came, which need not be the last to end.
                listed = _call([program, "-l"], folder, names).decode().splitlines()[1:]
            seconds = time.perf_counter() - began
        finally:
            _call([program, "-K"], folder, names)
    ended = sum(line.split()[1:4:2] == ["finished", "0"] for line in listed)
    if ended < jobs:
        raise WorkNotDone(f"task-spooler ran {ended} of {jobs} jobs")
    return jobs / seconds


def _nq(folder: Path, jobs: int, width: int) -> float:
    """One queue runs one job at a time, so there are as many queues as jobs run at once."""
    queues = [folder / f"queue-{number}" for number in range(width)]
    with _gate(folder) as (gate, release):
        for queue in queues:
            queue.mkdir()
            _call(["nq", *gate], queue, {"NQDIR": str(queue)})
        for number in range(jobs):
            queue = queues[number % width]
            _call(["nq", *TRIVIAL], queue, {"NQDIR": str(queue)})
        release()
        for queue in queues:
            _call(["nq", "-w"], queue, {"NQDIR": str(queue)})
    deadline = time.monotonic() + _PATIENCE
    while len(ends := _ends_of_nq(queues)) < jobs + width and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)  # it can say that all is done a little before the last has ended
    return _steady(ends[width:], jobs)


def _ends_of_nq(queues: Sequence[Path]) -> Ends:
    logs = [path for queue in queues for path in queue.iterdir() if path.name.startswith(",")]
    done = [path for path in logs if b"[exited with status 0.]" in path.read_bytes()]
    return sorted(path.stat().st_mtime_ns // 1000 for path in done)


def _huey(folder: Path, jobs: int, width: int) -> float:
    names = {"HUEY_FILE": str(folder / "queue.db"), "HUEY_ENDS": str(folder / "ends")}
    names["PYTHONPATH"] = str(_PROGRAMS)
    fill = f"import huey_tasks\nfor _ in range({jobs}): huey_tasks.trivial()"
    _call([str(_PACKAGES / "python"), "-c", fill], folder, names)
    consumer = [str(_PACKAGES / "huey_consumer"), "huey_tasks.huey", "-q"]
    with subprocess.Popen(
        [*consumer, "-w", str(width), "-k", "process", "-d", "0.01"],
        cwd=folder,
        env={**os.environ, **names},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return _steady(_await_ends(folder / "ends", jobs), jobs)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _hyper_shell(folder: Path, jobs: int, width: int) -> float:
    tasks, database = folder / "tasks", folder / "queue.db"
    tasks.write_text("true\n" * jobs)
    names = {"HYPERSHELL_DATABASE_FILE": str(database), "HYPERSHELL_SITE": str(folder)}
    names["HYPERSHELL_LOGGING_LEVEL"] = "ERROR"
    _call([str(_PACKAGES / "hs"), "cluster", str(tasks), "-N", str(width)], folder, names)
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT completion_time FROM task WHERE exit_status = 0")
        ends = [round(datetime.fromisoformat(text).timestamp() * 1e6) for (text,) in rows]
    return _steady(ends, jobs)


def _steady(ends: Ends, jobs: int) -> float:
    """The rate of the steady state, as our own is taken; raises `WorkNotDone`."""
    if len(ends) != jobs:
        raise WorkNotDone(f"{len(ends)} of {jobs} jobs were run")
    return steady_rate(ends)


def _await_ends(path: Path, jobs: int) -> Ends:
    """The lines that the jobs write at their ends, once there are so many."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        lines = path.read_text().split() if path.exists() else []
        if len(lines) >= jobs:
            return [int(line) for line in lines]
        time.sleep(_LOOK_EVERY)
    raise WorkNotDone(f"{len(lines)} of {jobs} jobs were run")


def _call(argv: Sequence[str], folder: Path, names: Mapping[str, str]) -> bytes:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**os.environ, **names},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WorkNotDone(f"{argv[0]} did not end within {_PATIENCE:g} s") from None
    if done.returncode:
        raise WorkNotDone(f"{argv[0]} ended with {done.returncode}: {done.stderr[-200:]!r}")
    return done.stdout


@contextmanager
def _gate(folder: Path) -> Iterator[tuple[list[str], Callable[[], int]]]:
    """A command that holds a queue up, and what lets all of these go on."""
    path = folder / "gate"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield ["sh", "-c", f"read -r line < {path}"], lambda: os.write(descriptor, b"\n" * 100)
    finally:
        os.write(descriptor, b"\n" * 100)  # what failed amid its filling leaves nobody waiting
        os.close(descriptor)
