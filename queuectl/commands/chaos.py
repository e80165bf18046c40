"""The matrix of faults and promises, made by storms of kills on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from queuectl.commands.command import Context
from queuectl.commands.tables import Cell, Column, paint, write_table
from queuectl.commands.wording import counted
from queuectl.domain.text import visible

if TYPE_CHECKING:
    from queuectl.checks.chaos.matrix import Row


def run_chaos(context: Context, seconds: float, seed: int) -> int:
    """Let storms rage for so long in all, and print what held; the exit code."""
    from queuectl.checks.chaos.matrix import KINDS, rows
    from queuectl.checks.check import signals_as_exceptions

    start, done = time.monotonic(), []
    context.write(f"{len(KINDS)} storms, seed {seed}\n")
    with signals_as_exceptions():
        for row in rows(seconds, seed):
            done.append(row)
            mark = paint(context, "✗", "red") if row.report.found else paint(context, "✓", "green")
            context.write(f"{mark} {row.kind.name}: {_size(row)}\n")
            context.out.flush()
    _write_matrix(context, done)
    for row in done:
        for violation in row.report.found:
            context.write(f"{row.kind.name}: {violation.promise}: {visible(violation.what)}\n")
    found = sum(len(row.report.found) for row in done)
    jobs, strikes = (sum(numbers) for numbers in zip(*map(_numbers, done), strict=True))
    total = f"{counted(jobs, 'job')}, {counted(strikes, 'strike')}, {counted(found, 'violation')}"
    context.write(f"{total} in {time.monotonic() - start:.1f} s\n")
    return 1 if found else 0


def _numbers(row: Row) -> tuple[int, int]:
    return row.report.jobs, row.report.strikes.total()


def _size(row: Row) -> str:
    jobs, strikes = _numbers(row)
    runs = counted(row.report.runs, "run")
    return f"{counted(jobs, 'job')}, {runs}, {counted(strikes, 'strike')}"


def _write_matrix(context: Context, done: list[Row]) -> None:
    from queuectl.checks.chaos.invariants import INVARIANTS

    letters = {each.name: chr(ord("a") + place) for place, each in enumerate(INVARIANTS)}
    columns = (Column("Fault"), *(Column(letter) for letter in letters.values()))
    context.write("\n")
    write_table(context, columns, [(row.kind.name, *_marks(row, letters)) for row in done])
    context.write("\n")
    for invariant in INVARIANTS:
        context.write(f"{letters[invariant.name]}  {invariant.promise}\n")
    context.write("\n")


def _marks(row: Row, names: dict[str, str]) -> list[Cell]:
    broken = {violation.promise for violation in row.report.found}
    return [Cell("✗", "red") if name in broken else Cell("✓", "green") for name in names]
