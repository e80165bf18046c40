"""Memory of an idle installation, and of each further worker, against a Python that waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.comparison import Contender, Finding, Metric, Readings, Target, WorkNotDone, compare
from benchmarks.installation import Installation
from benchmarks.workbench import Workbench

_FEW, _MORE = 2, 4  # workers at first, and workers that come then
_KIB_IN_MIB = 1024

Sizes = list[tuple[str, float]]  # title of a process, MiB


def run(bench: Workbench) -> list[Finding]:
    """Proportional set sizes: a page that n processes share counts 1/n in each of them."""
    metrics = [
        Metric(
            f"memory, supervisor + scheduler + nursery + {_FEW} workers",
            "MiB",
            (Target(50, at_least=False),),
        ),
        Metric("memory, each further worker", "MiB", (Target(4, at_least=False),)),
    ]
    sizes: Sizes = []
    subject = Contender("queuectl", lambda: _measure(bench, sizes))
    reference = Contender("a Python that waits", _measure_python)
    found = compare(metrics, subject, [reference], rounds=bench.scale.repeat, say=bench.say)
    bench.notes.append("memory in MiB: " + ", ".join(f"{name} {size:.1f}" for name, size in sizes))
    return found


def _measure(bench: Workbench, sizes: Sizes) -> Readings:
    """The two metrics; `sizes` is replaced by those of the first of them, process by process."""
    with bench.new_installation() as installation:
        few = _sizes(bench, installation, _FEW)
        more = _sizes(bench, installation, _MORE)
    if len(more) - len(few) != _MORE:
        raise WorkNotDone(f"{_MORE} workers more made {len(few)} processes {len(more)}")
    sizes[:] = few
    return _total(few), (_total(more) - _total(few)) / _MORE


def _sizes(bench: Workbench, installation: Installation, workers: int) -> Sizes:
    """Start workers, and give the size of each process of the installation by its title."""
    installation.start(workers)
    installation.settle(bench.scale.settling)
    processes = installation.processes()
    return sorted((process.cmdline()[0], _size(process.pid)) for process in processes)


def _size(pid: int) -> float:
    """The proportional set size in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, *amount = line.split()
        if name == "Pss:":
            return int(amount[0]) / _KIB_IN_MIB
    raise WorkNotDone(f"/proc/{pid}/smaps_rollup has no Pss")


def _total(sizes: Sizes) -> float:
    return sum(size for _, size in sizes)


def _measure_python() -> Readings:
    code = "import sys; print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size = _size(process.pid)
        process.communicate()
    return size, size
