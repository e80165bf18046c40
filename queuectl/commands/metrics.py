"""The command `metrics`: counts, success rate, throughput, waits and run times."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.tables import Column, Row, write_facts, write_table
from queuectl.commands.wording import seconds
from queuectl.domain.lifecycle import State
from queuectl.domain.statistics import Sample, Summary, by_queue, summarize, throughput
from queuectl.domain.timing import SECOND

WINDOWS = {"1m": 60.0, "5m": 300.0, "1h": 3600.0}
_MOST_SAMPLES = 100_000
_PARTS = ("p50", "p95", "p99")
_COLUMNS = (
    Column("Queue"),
    Column("Attempts", right=True),
    Column("Success", right=True),
    *(Column(f"{what} {part}", right=True) for what in ("Wait", "Run") for part in _PARTS),
)


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    arguments.add_format(parser, arguments.OBJECT_FORMATS)


def run(context: Context, args: Namespace) -> int:
    """Show the figures."""
    store = context.queue.store
    now = store.now()
    samples = store.samples(now - round(max(WINDOWS.values()) * SECOND), _MOST_SAMPLES)
    counts = dict.fromkeys(State, 0)
    for (_, state), count in store.tallies().items():
        counts[state] += count
    if args.format == "table":
        _write_for_a_person(context, counts, samples, now)
    elif args.format == "csv":
        rows = [_flat(name, figures) for name, figures in _groups(samples)]
        formats.write_records(context, "csv", rows, key="queue", fields=list(rows[0]))
    else:
        formats.write_record(context, args.format, _record(counts, samples, now))
    return 0


def rate(samples: Sequence[Sample], now: int, window: float) -> float:
    """Attempts ended per second within `window` seconds, or what the samples know of it."""
    if len(samples) == _MOST_SAMPLES:
        window = min(window, (now - min(sample.ended_at for sample in samples)) / SECOND)
    return throughput(samples, now, window) if window else 0.0


def success_rate(counts: dict[State, int]) -> float | None:
    """The share of completed jobs among those that ran to their end."""
    ended = counts[State.COMPLETED] + counts[State.DEAD]
    return counts[State.COMPLETED] / ended if ended else None


def _groups(samples: Sequence[Sample]) -> list[tuple[str, Summary]]:
    return [("(all)", summarize(samples)), *by_queue(samples).items()]


def _record(counts: dict[State, int], samples: Sequence[Sample], now: int) -> dict[str, Any]:
    return {
        "jobs": {str(state): count for state, count in counts.items()},
        "success_rate": success_rate(counts),
        "throughput": {name: rate(samples, now, window) for name, window in WINDOWS.items()},
        "last_hour": summarize(samples).as_record(),
        "queues": {name: figures.as_record() for name, figures in by_queue(samples).items()},
    }


def _write_for_a_person(
    context: Context, counts: dict[State, int], samples: Sequence[Sample], now: int
) -> None:
    rates = (f"{rate(samples, now, window):.2f}/s ({name})" for name, window in WINDOWS.items())
    facts = [
        ("Jobs", ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "0"),
        ("Success rate", _percent(success_rate(counts))),
        ("Throughput", ", ".join(rates)),
    ]
    write_facts(context, facts)
    context.write("\nAttempts of the last hour\n")
    write_table(context, _COLUMNS, [_row(name, figures) for name, figures in _groups(samples)])


def _row(name: str, figures: Summary) -> Row:
    times = [seconds(value) for values in (figures.wait, figures.run) for value in _or_none(values)]
    return (name, str(figures.attempts), _percent(figures.success_rate), *times)


def _flat(name: str, figures: Summary) -> dict[str, Any]:
    times = {
        f"{what}_{part}": value
        for what, values in (("wait", figures.wait), ("run", figures.run))
        for part, value in zip(_PARTS, _or_none(values), strict=True)
    }
    return {
        "queue": name,
        "attempts": figures.attempts,
        "success_rate": figures.success_rate,
        **times,
    }


def _or_none(values: tuple[float, float, float] | None) -> Sequence[float | None]:
    return values or (None, None, None)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
