"""The command `doctor`: how the queue is, and what can be done about it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.tables import paint
from queuectl.commands.wording import counted
from queuectl.domain.text import visible

if TYPE_CHECKING:
    from queuectl.processes.examination.finding import Finding

FIELDS = ("check", "status", "found", "advice", "mendable")
_COLORS = {"ok": "green", "warning": "yellow", "problem": "red", "mended": "green"}


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    parser.add_argument(
        "--repair", action="store_true", help="mend what can be mended without guessing"
    )
    arguments.add_format(parser)


def run(context: Context, args: Namespace) -> int:
    """Examine, tell, and with `--repair` mend; 1 where something has to be mended still."""
    from queuectl.processes.examination.examination import examine

    place = context.app.place
    tally = _Tally(repair=args.repair)
    findings = tally.of(examine(place.home, place.store, repair=args.repair))
    if args.format == "table":
        for finding in findings:
            _write(context, finding)
        context.say(tally.summary())
    else:
        records = (finding.as_record() for finding in findings)
        formats.write_records(context, args.format, records, key="check", fields=FIELDS)
    return 1 if tally.problems else 0


class _Tally:
    """Counts what goes by; what came of a repair takes the place of what was found before."""

    def __init__(self, *, repair: bool) -> None:
        self.repair = repair
        self.counts: Counter[str] = Counter()
        self.mendable = 0

    @property
    def problems(self) -> int:
        """How many things have to be mended still."""
        return self.counts["problem"]

    def of(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        """The findings, one after the other."""
        replaced: str | None = None
        for finding in findings:
            self.counts[finding.verdict] += 1
            if replaced is not None:
                self.counts[replaced] -= 1
            is_mendable = finding.mend is not None
            self.mendable += is_mendable
            replaced = finding.verdict if is_mendable and self.repair else None
            yield finding

    def summary(self) -> str:
        """All in one line."""
        parts = [counted(self.problems, "problem"), counted(self.counts["warning"], "warning")]
        if self.counts["mended"]:
            parts.append(f"{self.counts['mended']} mended")
        elif self.mendable and not self.repair:
            parts.append(f"doctor --repair mends {self.mendable}")
        return ", ".join(parts)


def _write(context: Context, finding: Finding) -> None:
    mark = paint(context, finding.verdict.mark, _COLORS[finding.verdict])
    done = "mended: " if finding.verdict == "mended" else ""
    advice = f" ({finding.advice})" if finding.advice else ""
    context.write(f"{mark} {visible(f'{finding.check}: {done}{finding.found}{advice}')}\n")
    context.out.flush()
