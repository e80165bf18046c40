"""The report of a run: JSON with every value, and a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.comparison import Finding, Series, Target
from benchmarks.scale import Scale

_COLUMNS = ("what", "queuectl", "reference", "its value", "ratio", "target", "met")
_DIGITS = {"MB/s": 0, "jobs/s": 0, "MiB": 1, "ms": 2, "": 0}
_VERDICTS = {True: "yes", False: "**no**", None: ""}


class Report(NamedTuple):
    """What a run has shown; `failures` say by benchmark why it has no findings."""

    taken_at: str
    scale: Scale
    machine: Mapping[str, str]
    findings: list[Finding]
    notes: list[str]
    failures: dict[str, str]

    def write(self, folder: Path, name: str) -> None:
        """Write `NAME.json` and `NAME.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        record = json.dumps(self.as_record(), indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(record + "\n")
        (folder / f"{name}.md").write_text(self.as_markdown())

    def as_record(self) -> dict[str, Any]:
        """Everything, with every value that was measured."""
        return {
            "taken_at": self.taken_at,
            "scale": self.scale._asdict(),
            "machine": dict(self.machine),
            "findings": [_record(finding) for finding in self.findings],
            "notes": self.notes,
            "failures": self.failures,
        }

    def as_markdown(self) -> str:
        """The table for people: medians, with the least and the greatest value."""
        facts = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        head = _row(*_COLUMNS) + "|---" * len(_COLUMNS) + "|\n"
        sizes = ", ".join(f"{name} {value:,}" for name, value in self.scale._asdict().items())
        rows = "".join(row for finding in self.findings for row in _rows(finding))
        failures = [f"**{name} failed**: {reason}" for name, reason in self.failures.items()]
        notes = "".join(f"- {note}\n" for note in [*failures, *self.notes])
        return (
            f"# Benchmarks, {self.taken_at}\n\nMedians (least to greatest).\n\n{head}{rows}\n"
            f"{notes}- machine: {facts}\n- sizes: {sizes}\n"
        )


def _record(finding: Finding) -> dict[str, Any]:
    subject, references = finding.subject, finding.references
    return {
        "what": finding.metric.title,
        "unit": finding.metric.unit,
        "contenders": {each.name: _summary(each) for each in (subject, *references)},
        "ratios": {each.name: _summary(subject.over(each)) for each in references},
        "missing": dict(finding.missing),
        "targets": [
            {"target": str(each), "against": each.against, "met": finding.verdict(each)}
            for each in finding.metric.targets
        ],
    }


def _summary(series: Series) -> dict[str, Any]:
    values = series.values
    return {
        "median": series.median,
        "least": min(values),
        "greatest": max(values),
        "values": values,
    }


def _rows(finding: Finding) -> Iterator[str]:
    """One row for each reference; what is about no reference stands in the first."""
    metric, subject = finding.metric, finding.subject
    start = [metric.title, _spread(subject, _DIGITS.get(metric.unit, 3), metric.unit)]
    targets = [each for each in metric.targets if each.against is None]
    for reference in finding.references or (None,):
        compared = ["", "", ""] if reference is None else _compared(finding, reference)
        if reference is not None:
            targets += [each for each in metric.targets if each.against == reference.name]
        yield _row(*start, *compared, *_judged(finding, targets))
        start, targets = ["", ""], []
    for name, reason in finding.missing:
        yield _row("", "", name, f"skipped: {reason}", "", "", "")


def _compared(finding: Finding, reference: Series) -> list[str]:
    unit = finding.metric.unit
    shown = _spread(reference, _DIGITS.get(unit, 3), unit)
    return [reference.name, shown, _spread(finding.subject.over(reference), 2)]


def _judged(finding: Finding, targets: list[Target]) -> list[str]:
    wanted = ", ".join(map(str, targets))
    return [wanted, ", ".join(_VERDICTS[finding.verdict(each)] for each in targets)]


def _spread(series: Series, digits: int, unit: str = "") -> str:
    low, middle, high = (
        f"{value:,.{digits}f}" for value in (min(series.values), series.median, max(series.values))
    )
    shown = f"{middle} {unit}".strip()
    return shown if len(series.values) == 1 else f"{shown} ({low} to {high})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
