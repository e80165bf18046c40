"""A death is put down to the out-of-memory killer where there is a witness, and only there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from queuectl.processes.system import kill_counter, out_of_memory
from queuectl.processes.system.kernel_log import Kill
from queuectl.processes.system.kill_counter import KillCounter
from queuectl.processes.system.out_of_memory import CountWitness, LogWitness

MIB = 1024 * 1024
BEGAN = 1000.0


class Kernel:
    """A count and a log, as the kernel keeps them; `behind` lines are not yet written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vmstat"
        self.lines: list[Kill] = []
        self.behind = 0
        self.reads = 0
        self._counted = 0
        self._write()

    @property
    def counter(self) -> KillCounter:
        return KillCounter(str(self.path))

    def kill(self, pid: int, at: float = BEGAN + 1, size: int = 100 * MIB) -> None:
        self.lines.append(Kill(pid, at, size))
        self._counted += 1
        self._write()

    def _write(self) -> None:
        self.path.write_text(f"pgfault 5\noom_kill {self._counted}\noom_kill_other 7\n")

    def log(self) -> list[Kill]:
        self.reads += 1
        if self.behind:
            self.behind -= 1
            return self.lines[:-1]
        return list(self.lines)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def witness(kernel: Kernel) -> LogWitness:
    return LogWitness(kernel.log, kernel.counter)


def test_the_log_names_a_victim_by_its_pid(kernel: Kernel, witness: LogWitness) -> None:
    kernel.kill(7)
    assert witness.killed(7, BEGAN)
    assert not witness.killed(8, BEGAN)


def test_the_log_is_not_read_while_nobody_is_killed(kernel: Kernel, witness: LogWitness) -> None:
    kernel.lines.append(Kill(7, BEGAN + 1, MIB))  # no count, no look
    assert not witness.killed(7, BEGAN)
    assert not witness.killed_below(MIB, BEGAN)
    assert kernel.reads == 0


def test_two_victims_of_one_moment_are_both_known(kernel: Kernel, witness: LogWitness) -> None:
    kernel.kill(7)
    kernel.kill(8)
    kernel.behind = 1  # the line about the second comes a moment later
    assert witness.killed(7, BEGAN)
    assert witness.killed(8, BEGAN)


def test_a_line_that_comes_after_the_death_is_waited_for(
    kernel: Kernel, witness: LogWitness
) -> None:
    kernel.kill(7)
    kernel.behind = 2
    assert witness.killed(7, BEGAN)


def test_an_earlier_process_with_the_same_pid_is_another(
    kernel: Kernel, witness: LogWitness
) -> None:
    kernel.kill(7, at=BEGAN - 10)
    assert not witness.killed(7, BEGAN)


def test_clocks_may_have_drifted_apart_since_the_start_of_the_machine(
    kernel: Kernel, witness: LogWitness
) -> None:
    month = 30 * 86400.0
    kernel.kill(7, at=month - 120)
    assert witness.killed(7, month)


def test_a_child_is_known_by_its_size(kernel: Kernel, witness: LogWitness) -> None:
    kernel.kill(70, size=100 * MIB)
    assert not witness.killed_below(20 * MIB, BEGAN)
    assert witness.killed_below(100 * MIB, BEGAN)


def test_a_victim_explains_one_death_only(kernel: Kernel, witness: LogWitness) -> None:
    kernel.kill(70)
    assert witness.killed_below(200 * MIB, BEGAN)
    assert not witness.killed_below(200 * MIB, BEGAN)
    kernel.kill(7)
    assert witness.killed(7, BEGAN)
    assert not witness.killed_below(200 * MIB, BEGAN)


def test_the_largest_victim_that_fits_is_taken(kernel: Kernel, witness: LogWitness) -> None:
    kernel.kill(70, size=50 * MIB)
    kernel.kill(71, size=200 * MIB)
    assert witness.killed_below(200 * MIB, BEGAN)
    assert witness.killed_below(50 * MIB, BEGAN)


def test_a_kernel_without_a_count_has_its_log_read_each_time(kernel: Kernel) -> None:
    kernel.path.write_text("pgfault 5\n")
    witness = LogWitness(kernel.log, kernel.counter)
    assert not witness.killed(7, BEGAN)
    kernel.lines.append(Kill(7, BEGAN + 1, MIB))
    assert witness.killed(7, BEGAN)


def test_a_count_tells_of_victims_since_the_start(kernel: Kernel) -> None:
    witness = CountWitness(kernel.counter)
    before = witness.count()
    assert before == 0
    assert not witness.killed(7, BEGAN, before)
    kernel.kill(7)
    assert witness.killed(7, BEGAN, before)
    assert witness.killed_below(1, BEGAN, before)


def test_a_count_that_was_not_taken_tells_nothing(kernel: Kernel) -> None:
    kernel.kill(7)
    assert not CountWitness(kernel.counter).killed(7, BEGAN)


def test_many_starts_of_a_moment_share_one_look(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = CountWitness(kernel.counter)
    now = time.monotonic()
    monkeypatch.setattr(out_of_memory.time, "monotonic", lambda: now)
    assert witness.count() == 0
    kernel.kill(7)
    assert witness.count() == 0
    now += 1
    assert witness.count() == 1


@pytest.mark.parametrize("text", [None, "", "oom_kill\n", "oom_kill x\n", "xoom_kill 3\n"])
def test_a_count_that_cannot_be_read_is_no_witness(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "count").write_text(text)
    witness = CountWitness(KillCounter(str(tmp_path / "count")))
    assert witness.count() is None
    assert not witness.killed(7, BEGAN, witness.count())
    assert not witness.killed(7, BEGAN, 0)


def test_the_log_is_preferred_to_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for readable, kind in ((True, LogWitness), (False, CountWitness)):
        monkeypatch.setattr(out_of_memory.kernel_log, "is_readable", lambda answer=readable: answer)
        assert type(out_of_memory.witness()) is kind


V2 = "26 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V2_INSIDE = "26 23 0:22 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
V1 = "33 25 0:29 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
V1_OTHER = "34 25 0:30 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n"
BLANK = "33 25 0:29 / /mnt/a\\040b rw - cgroup cgroup rw,memory\n"
PLAIN = "22 1 253:1 / / rw,relatime - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("cgroups", "mounts", "places"),
    [
        ("0::/user.slice/x\n", PLAIN + V2, ["/sys/fs/cgroup/user.slice/x/memory.events"]),
        ("0::/\n", V2, ["/sys/fs/cgroup/memory.events"]),
        ("0::/docker/abc/in\n", V2_INSIDE, ["/sys/fs/cgroup/in/memory.events"]),
        ("0::/docker/abc\n", V2_INSIDE, ["/sys/fs/cgroup/memory.events"]),
        ("4:memory:/a\n0::/\n", V1_OTHER + V1, ["/sys/fs/cgroup/memory/a/memory.oom_control"]),
        ("4:cpu,memory:/a:b\n", BLANK, ["/mnt/a b/a:b/memory.oom_control"]),
        ("4:pids:/a\n", V1_OTHER, []),
        ("", V2, []),
        ("0::/\n", "", []),
    ],
)
def test_the_counter_of_the_own_cgroup_is_found(
    cgroups: str, mounts: str, places: list[str]
) -> None:
    assert list(kill_counter._candidates(cgroups, mounts)) == places


def test_where_the_own_cgroup_counts_nothing_the_machine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kill_counter, "_candidates", lambda cgroups, mounts: iter(["/no/file"]))
    assert kill_counter.nearest().path == kill_counter.SYSTEM
