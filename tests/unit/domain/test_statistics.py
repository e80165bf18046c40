"""Figures of ended attempts: rates, and percentiles that are values which really occurred."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.statistics import Sample, Summary, by_queue, summarize, throughput

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
samples = st.builds(
    Sample,
    queue=st.sampled_from(["default", "mail", "a"]),
    ended_at=st.integers(NOW - 7200 * SECOND, NOW),
    succeeded=st.booleans(),
    wait=st.floats(0, 1e6),
    run=st.floats(0, 1e6),
)


def sample(run: float, *, succeeded: bool = True, ago: float = 0) -> Sample:
    return Sample("default", NOW - round(ago * SECOND), succeeded, run / 10, run)


def test_nothing_has_no_figures() -> None:
    assert summarize([]) == Summary(0, None, None, None)
    assert by_queue([]) == {}
    assert throughput([], NOW, 60) == 0


def test_the_percentiles_of_a_hundred_are_the_50th_the_95th_and_the_99th() -> None:
    found = summarize([sample(run) for run in range(100, 0, -1)])
    assert (found.run, found.wait) == ((50, 95, 99), (5, 9.5, 9.9))


def test_the_percentiles_of_one_are_that_one() -> None:
    assert summarize([sample(3)]).run == (3, 3, 3)


@given(st.lists(samples, min_size=1, max_size=50))
def test_a_percentile_is_the_smallest_value_that_enough_others_do_not_exceed(
    group: list[Sample],
) -> None:
    found = summarize(group)
    assert found.run is not None
    runs = sorted(one.run for one in group)
    for part, value in zip((50, 95, 99), found.run, strict=True):
        assert value in runs
        needed = math.ceil(part * len(runs) / 100)
        assert sum(run <= value for run in runs) >= needed
        assert sum(run < value for run in runs) < needed


def test_the_success_rate_is_a_fraction() -> None:
    group = [sample(1), sample(1), sample(1, succeeded=False), sample(1)]
    assert summarize(group).success_rate == 0.75


@given(st.lists(samples))
def test_each_attempt_counts_in_its_queue_and_only_there(group: list[Sample]) -> None:
    queues = by_queue(group)
    assert list(queues) == sorted({one.queue for one in group})
    assert sum(found.attempts for found in queues.values()) == len(group)


def test_the_throughput_is_of_the_last_moments_only() -> None:
    group = [sample(1, ago=ago) for ago in (-1, 0, 30, 59.999999, 60, 61, 3000)]
    assert throughput(group, NOW, 60) == 3 / 60
    assert throughput(group, NOW, 3600) == 6 / 3600


@pytest.mark.parametrize("group", [[], [sample(2)]])
def test_a_record_has_the_figures_by_name(group: list[Sample]) -> None:
    record = summarize(group).as_record()
    times = {"p50": 2, "p95": 2, "p99": 2} if group else None
    waits = {"p50": 0.2, "p95": 0.2, "p99": 0.2} if group else None
    assert record == {
        "attempts": len(group),
        "success_rate": 1.0 if group else None,
        "wait_seconds": waits,
        "run_seconds": times,
    }
