"""`python -m benchmarks`: measure, and write down what was measured."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks.comparison import Finding, WorkNotDone
from benchmarks.machine import facts, others_at_work
from benchmarks.report import Report
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.suite import BENCHMARKS, LONG
from benchmarks.workbench import Workbench, open_workbench
from queuectl.domain.errors import QueuectlError

_HERE = Path(__file__).parent
# Ignored by git, removed by `make clean`, and on the disk that holds the repository.
_BUILD = _HERE.parent / "build"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 where a benchmark failed."""
    options = _parser().parse_args(arguments)
    _clean_environment()
    for number in _ENDINGS:
        signal.signal(number, _leave)
    report = _measure(options)
    name = _name(options, report)
    report.write(options.results, name)
    print(report.as_markdown())
    _say(f"written to {options.results / name}.json and .md")
    return 1 if report.failures else 0


def _clean_environment() -> None:
    """Keep away a queue of somebody's own, and what makes Python start other than it does."""
    for name in list(os.environ):
        if name.startswith(("QUEUECTL_", "PYTHON")):
            del os.environ[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything work?")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--repeat", type=_count, metavar="N", help="rounds of each comparison")
    parser.add_argument("--finished", type=_count, metavar="N", help="of the filled store")
    parser.add_argument("--pending", type=_count, metavar="N", help="of the filled store")
    parser.add_argument("--soak", type=_count, metavar="SECONDS", help="how long `soak` takes")
    parser.add_argument(
        "--home-on", type=Path, default=_BUILD, metavar="DIR", help="where the stores are kept"
    )
    parser.add_argument(
        "--results", type=Path, default=_HERE / "results", metavar="DIR", help="for the report"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _scale(options: argparse.Namespace) -> Scale:
    wishes = {name: getattr(options, name) for name in ("repeat", "finished", "pending", "soak")}
    return (QUICK if options.quick else FULL)._replace(
        **{name: wish for name, wish in wishes.items() if wish is not None}
    )


def _name(options: argparse.Namespace, report: Report) -> str:
    """Of the files: `latest` for a run in full, a long benchmark's own name, or else the time."""
    in_full = report.scale._replace(repeat=FULL.repeat) == FULL and not report.failures
    if in_full and not options.only:
        return "latest"
    if in_full and len(options.only) == 1 and options.only[0] in LONG:
        return str(options.only[0])
    return report.taken_at.replace(":", "")


def _names(options: argparse.Namespace) -> list[str]:
    every = [name for name in BENCHMARKS if options.quick or name not in LONG]
    return options.only or every


def _measure(options: argparse.Namespace) -> Report:
    scale = _scale(options)
    taken_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with open_workbench(scale, options.home_on, _say) as bench:
        bench.notes.extend(filter(None, [others_at_work()]))
        report = Report(taken_at, scale, facts(bench.folder), [], bench.notes, {})
        for name in _names(options):
            try:
                report.findings.extend(_run(name, bench))
            except (WorkNotDone, QueuectlError, OSError, TimeoutError) as error:
                report.failures[name] = f"{type(error).__name__}: {error}"
    return report


def _run(name: str, bench: Workbench) -> list[Finding]:
    _say(f"{name} ...")
    began = time.monotonic()
    findings = BENCHMARKS[name](bench)
    _say(f"{name} took {time.monotonic() - began:.0f} s")
    return findings


def _say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _leave(number: int, frame: FrameType | None) -> None:
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)  # what comes now must not disturb the clean-up
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
