"""When a child started: by the clock, if that is right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from queuectl.processes.system import identity


@pytest.fixture
def child() -> Iterator[tuple[int, int, int]]:
    """A process, and the ticks between which it was started."""
    before = identity.tick()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid, before, identity.tick()
        process.communicate(b"\n")


@pytest.mark.skipif(sys.platform != "linux", reason="needs the clock of Linux")
def test_a_process_is_noted_with_the_tick_of_its_start(child: tuple[int, int, int]) -> None:
    pid, before, after = child
    assert before <= identity.started(pid) <= after


def test_once_the_clock_is_proven_nobody_looks_within_one_tick(
    child: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, before, after = child
    starts = identity.Starts()
    right = identity.started(pid)
    assert starts.of(pid, before, after) == right
    monkeypatch.setattr(identity, "started_child", lambda pid: 17)
    assert starts.of(pid, right, right) == right
    assert starts.of(pid, right, right + 1) == 17


def test_a_clock_that_is_wrong_once_is_never_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = identity.Starts()
    monkeypatch.setattr(identity, "started_child", lambda pid: 1_700_000_000)
    assert starts.of(7, 500, 500) == 1_700_000_000
    assert starts.of(7, 501, 501) == 1_700_000_000
