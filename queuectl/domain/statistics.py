"""What a set of ended attempts says: rates, and percentiles of waits and run times."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from queuectl.domain.timing import SECOND


class Sample(NamedTuple):
    """One ended attempt: seconds it waited once it was due, and seconds it ran."""

    queue: str
    ended_at: int
    succeeded: bool
    wait: float
    run: float


class Summary(NamedTuple):
    """Figures of a group of attempts; rates are jobs a second, times seconds, None if unknown."""

    attempts: int
    success_rate: float | None
    wait: tuple[float, float, float] | None  # p50, p95, p99
    run: tuple[float, float, float] | None

    def as_record(self) -> dict[str, Any]:
        """The figures with the names of the JSON schema."""
        return {
            "attempts": self.attempts,
            "success_rate": self.success_rate,
            "wait_seconds": _named(self.wait),
            "run_seconds": _named(self.run),
        }


def summarize(samples: Sequence[Sample]) -> Summary:
    """The figures of all of `samples`."""
    if not samples:
        return Summary(0, None, None, None)
    return Summary(
        len(samples),
        sum(sample.succeeded for sample in samples) / len(samples),
        _percentiles([sample.wait for sample in samples]),
        _percentiles([sample.run for sample in samples]),
    )


def by_queue(samples: Iterable[Sample]) -> dict[str, Summary]:
    """The figures of each queue, by name."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.queue, []).append(sample)
    return {queue: summarize(group) for queue, group in sorted(groups.items())}


def throughput(samples: Iterable[Sample], now: int, window: float) -> float:
    """Attempts ended per second over the last `window` seconds."""
    since = now - round(window * SECOND)
    return sum(since < sample.ended_at <= now for sample in samples) / window


def _percentiles(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    p50, p95, p99 = (
        ordered[max(0, math.ceil(part * len(ordered)) - 1)] for part in (0.50, 0.95, 0.99)
    )
    return p50, p95, p99


def _named(values: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(("p50", "p95", "p99"), values, strict=True))
