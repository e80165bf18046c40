"""One command that writes very much, against the same command into a file."""

from __future__ import annotations

from pathlib import Path

from benchmarks.comparison import Contender, Finding, Metric, Readings, WorkNotDone, compare
from benchmarks.installation import Installation
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl.domain.lifecycle import State

_PATIENCE = 600.0
_KIB_IN_MIB = 1024
_LIMITS = {"half of what is kept is head, half tail": None, "all of it kept": "2 GiB"}


def run(bench: Workbench) -> list[Finding]:
    """As the limit of the output is by default, then with one that keeps everything."""
    return [finding for text, limit in _LIMITS.items() for finding in _run(bench, text, limit)]


def _run(bench: Workbench, text: str, limit: str | None) -> list[Finding]:
    size = bench.scale.output
    script = f"head -c {size} /dev/zero"
    copy = ["/bin/sh", "-c", f"{script} | cat"]
    file = bench.folder / "copy"
    what = f"{size / 1e6:,.0f} MB of output from one job, {text}"
    with bench.new_installation() as installation:
        installation.queue.set("output_limit", limit)
        installation.start(1)
        installation.settle(bench.scale.settling)
        subject = Contender("queuectl", lambda: _job(installation, script, limit, size))
        reference = Contender("cat into a file", lambda: (_rate(size, copy, file),))
        found = compare(
            [Metric(what, "MB/s")], subject, [reference], rounds=bench.scale.repeat, say=bench.say
        )
        bench.notes.append(f"{what}: worker at most {_largest(installation):.0f} MiB")
        return [*found, *(_logs(bench, installation, what, file) if limit else [])]


def _job(installation: Installation, script: str, limit: str | None, size: int) -> Readings:
    """The rate at which the output is taken, by the run time of the command."""
    queue = installation.queue
    [job] = queue.wait([queue.enqueue(script).id], _PATIENCE)
    if job.state is not State.COMPLETED:
        raise WorkNotDone(f"{job.id} is {job.state}: {job.error}")
    kept = sum(len(frame.payload) for frame in queue.output(job))
    if kept > size or (limit and kept < size):
        raise WorkNotDone(f"{kept} of {size} bytes were kept")
    run = queue.run(job)
    if run is None or run.seconds is None:
        raise WorkNotDone(f"nobody knows how long {job.id} ran")
    return (size / run.seconds / 1e6,)


def _logs(bench: Workbench, installation: Installation, what: str, file: Path) -> list[Finding]:
    [job] = list(installation.queue.list(limit=1))
    printed, size = bench.folder / "printed", bench.scale.output
    argv = queuectl(installation.home, "logs", job.id)
    subject = Contender("queuectl logs", lambda: (_rate(size, argv, printed),))
    reference = Contender("cat", lambda: (_rate(size, ["/bin/cat", str(file)], printed),))
    metric = Metric(f"logs of {what}", "MB/s")
    return compare([metric], subject, [reference], rounds=bench.scale.repeat, say=bench.say)


def _rate(size: int, argv: list[str], file: Path) -> float:
    seconds = timed(argv, stdout=file).wall
    if file.stat().st_size != size:
        raise WorkNotDone(f"{argv} wrote {file.stat().st_size} bytes instead of {size}")
    return size / seconds / 1e6


def _largest(installation: Installation) -> float:
    """The most that a worker ever had in memory, in MiB."""
    pids = [worker.pid for worker in installation.queue.workers()]
    status = Path(f"/proc/{pids[0]}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / _KIB_IN_MIB
