"""Steps of the wall clock, told from time that passes."""

from __future__ import annotations

import pytest

from queuectl.processes.system.clocks import Clocks


class Times:
    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.steady = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def clocks(times: Times) -> Clocks:
    return Clocks(lambda: times.wall, lambda: times.steady)


def test_time_that_passes_is_no_step(times: Times, clocks: Clocks) -> None:
    times.pass_by(100_000)
    assert clocks.step() == 0


@pytest.mark.parametrize("step", [86_400.0, -86_400.0, 3.0, -3.0])
def test_a_step_is_told_once(times: Times, clocks: Clocks, step: float) -> None:
    times.pass_by(5)
    times.wall += step
    assert clocks.step() == pytest.approx(step)
    times.pass_by(5)
    assert clocks.step() == 0


def test_slow_corrections_are_no_step_until_they_add_up(times: Times, clocks: Clocks) -> None:
    for _ in range(4):
        times.wall += 0.5
        assert clocks.step() == 0
    times.wall += 0.5
    assert clocks.step() == pytest.approx(2.5)
