"""Comparisons alternate, compare round by round, and say who was missing."""

import pytest

from benchmarks.comparison import Contender, Finding, Metric, Readings, Series, Target, compare
from benchmarks.drain import steady_rate
from benchmarks.latency import percentile
from benchmarks.report import Report
from benchmarks.scale import QUICK

RATE = Metric("drain", "jobs/s", (Target(1.0, at_least=True, against="other"),))


def _recorded(name: str, log: list[str], *values: float) -> Contender:
    remaining = iter(values)

    def measure() -> Readings:
        log.append(name)
        return (next(remaining),)

    return Contender(name, measure)


def test_contenders_take_turns_and_the_warm_up_does_not_count() -> None:
    log: list[str] = []
    subject = _recorded("queuectl", log, 1000, 10, 30, 20)
    other = _recorded("other", log, 1, 10, 15, 20)
    [finding] = compare([RATE], subject, [other], rounds=3)
    assert log == ["queuectl", "other"] * 4
    assert finding.subject == Series("queuectl", (10, 30, 20))
    assert finding.references == (Series("other", (10, 15, 20)),)


def test_ratios_are_taken_within_each_round() -> None:
    mine, theirs = Series("queuectl", (10, 200, 3)), Series("other", (20, 100, 3))
    assert mine.over(theirs).values == (0.5, 2.0, 1.0)


def test_each_metric_has_a_finding_of_its_own() -> None:
    subject = Contender("queuectl", lambda: (1.0, 2.0))
    found = compare([Metric("p50", "ms"), Metric("p99", "ms")], subject, rounds=2)
    assert [(each.metric.title, each.subject.values) for each in found] == [
        ("p50", (1.0, 1.0)),
        ("p99", (2.0, 2.0)),
    ]


def test_a_missing_contender_is_never_measured_and_named_in_the_report() -> None:
    absent = Contender("other", pytest.fail, "no compiler")
    [finding] = compare([RATE], _recorded("queuectl", [], 1, 2), [absent], rounds=1)
    assert finding.verdict(RATE.targets[0]) is None
    assert "| other | skipped: no compiler |" in _markdown(finding)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(1.0, at_least=True, against="other"), True),
        (Target(2.1, at_least=True, against="other"), False),
        (Target(20, at_least=False), True),
        (Target(19, at_least=False), False),
    ],
)
def test_a_target_bounds_the_median_or_its_ratio(target: Target, met: bool) -> None:
    metric = Metric("drain", "jobs/s", (target,))
    finding = Finding(metric, Series("queuectl", (20, 5, 30)), (Series("other", (10, 5, 10)),))
    assert finding.verdict(target) is met
    assert _markdown(finding).count("| **no** |") == (not met)


def test_the_report_shows_median_and_spread() -> None:
    finding = Finding(RATE, Series("queuectl", (1200, 1000, 1100)))
    assert "| drain | 1,100 jobs/s (1,000 to 1,200) |" in _markdown(finding)


def test_a_failure_stands_in_the_report() -> None:
    report = Report("now", QUICK, {}, [], [], {"bulk": "WorkNotDone: 1 of 2"})
    assert "**bulk failed**: WorkNotDone: 1 of 2" in report.as_markdown()


def test_the_first_tenth_of_a_drain_does_not_count() -> None:
    slow_start = [100_000_000 * second for second in range(10)]
    steady = [900_000_000 + 10_000 * number for number in range(1, 91)]
    assert steady_rate(slow_start + steady) == pytest.approx(100, rel=0.15)


def test_a_percentile_lies_within_what_was_measured() -> None:
    assert percentile([float(number) for number in range(101)], 99) == 99.0
    assert percentile([5.0, 5.0], 99) == 5.0


def _markdown(finding: Finding) -> str:
    return Report("now", QUICK, {}, [finding], [], {}).as_markdown()
