"""Contenders measured in alternation, and what that shows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

Readings = Sequence[float]


class WorkNotDone(Exception):
    """What was measured did not do what it was to do, so the measurement says nothing."""


class Target(NamedTuple):
    """A bound for the ratio to the contender `against`, or else for the value itself."""

    bound: float
    at_least: bool
    against: str | None = None

    def is_met(self, value: float) -> bool:
        """Whether the bound holds."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.bound:g}" + (" ×" if self.against else "")


class Metric(NamedTuple):
    """One number that a measurement gives."""

    title: str
    unit: str
    targets: tuple[Target, ...] = ()


class Contender(NamedTuple):
    """Whatever can be measured; `missing` says why it cannot be here.

    Each call of `measure` does the whole work once, checks that it was done, and gives one number
    for each metric of the comparison. It raises `WorkNotDone`.
    """

    name: str
    measure: Callable[[], Readings]
    missing: str | None = None


class Series(NamedTuple):
    """The values of one contender, round by round."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def over(self, other: Series) -> Series:
        """The ratio of each round: what disturbed both in that round cancels out."""
        ratios = (mine / theirs for mine, theirs in zip(self.values, other.values, strict=True))
        return Series(f"{self.name} / {other.name}", tuple(ratios))


class Finding(NamedTuple):
    """One metric: the subject, its references, and who was missing, with the reason."""

    metric: Metric
    subject: Series
    references: tuple[Series, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def verdict(self, target: Target) -> bool | None:
        """Whether the median meets a target, None where its reference is missing."""
        if target.against is None:
            return target.is_met(self.subject.median)
        for reference in self.references:
            if reference.name == target.against:
                return target.is_met(self.subject.over(reference).median)
        return None


def compare(
    metrics: Sequence[Metric],
    subject: Contender,
    references: Sequence[Contender] = (),
    *,
    rounds: int,
    warm_up: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> list[Finding]:
    """Measure the contenders in turn, round after round; a finding for each metric.

    The rounds of the warm-up come first and do not count.
    """
    present = [subject, *(each for each in references if each.missing is None)]
    readings: dict[str, list[Readings]] = {each.name: [] for each in present}
    for number in range(1 - warm_up, rounds + 1):
        for contender in present:
            say(f"round {number} of {rounds}: {contender.name}")
            reading = contender.measure()
            if number > 0:
                readings[contender.name].append(reading)
    missing = tuple((each.name, each.missing) for each in references if each.missing is not None)
    findings = []
    for metric, columns in zip(metrics, _by_metric(present, readings), strict=True):
        findings.append(Finding(metric, columns[0], tuple(columns[1:]), missing))
    return findings


def _by_metric(
    contenders: Sequence[Contender], readings: dict[str, list[Readings]]
) -> list[list[Series]]:
    """For each metric the series of each contender, the subject's first."""
    series = [
        [Series(each.name, values) for values in zip(*readings[each.name], strict=True)]
        for each in contenders
    ]
    return [list(column) for column in zip(*series, strict=True)]
