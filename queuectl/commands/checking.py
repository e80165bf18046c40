"""The run of checks, told line by line."""

from __future__ import annotations

import time

from queuectl.commands.command import Context
from queuectl.commands.tables import paint
from queuectl.commands.wording import counted
from queuectl.domain.text import visible


def run_named(context: Context, name: str) -> int:
    """Run the checks called `name` and tell of each; the exit code."""
    from queuectl.checks.check import Result, run_checks
    from queuectl.checks.suites import checks_of

    failed: list[Result] = []

    def report(result: Result) -> None:
        if result.reason is not None:
            failed.append(result)
        mark = paint(context, "✗", "red") if result.reason else paint(context, "✓", "green")
        context.write(f"{mark} {result.check.promise} ({result.seconds:.1f} s)\n")
        context.out.flush()

    checks, start = checks_of(name), time.monotonic()
    run_checks(checks, report)
    for result in failed:
        context.write(f"{result.check.promise}: {visible(result.reason or '')}\n")
    passed = f"{len(checks) - len(failed)} of {counted(len(checks), 'check')} passed"
    context.write(f"{passed} in {time.monotonic() - start:.1f} s\n")
    return 1 if failed else 0
