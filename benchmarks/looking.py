"""`status` and `list` at a store full of jobs, against an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks.comparison import Contender, Finding, Metric, Target, WorkNotDone, compare
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl import JobQueue
from queuectl.domain.lifecycle import State

_PAGE = 50


class _Place(NamedTuple):
    """A home by the name that the report has for it."""

    name: str
    home: Path
    jobs: dict[State, int]


def run(bench: Workbench) -> list[Finding]:
    """One-shot processes. An empty store has no rows to print, so one page of jobs is shown too."""
    with bench.new_home() as empty, bench.new_home() as page:
        with JobQueue(str(page)) as queue:
            queue.enqueue_many([{"command": "true"}] * _PAGE)
        places = [
            _place("full store", bench.filled_home),
            _place("empty store", empty),
            _place(f"store of {_PAGE} jobs", page),
        ]
        return [
            *_compare(bench, places, "status"),
            *_compare(bench, places, "list", "--limit", str(_PAGE)),
        ]


def _place(name: str, home: Path) -> _Place:
    with JobQueue(str(home)) as queue:
        return _Place(name, home, queue.stats().jobs)


def _compare(bench: Workbench, places: list[_Place], *words: str) -> list[Finding]:
    filled, empty, page = (_contender(bench, place, words) for place in places)
    target = Target(1.5, at_least=False, against=empty.name)
    metric = Metric(f"{' '.join(words)}, full store", "ms", (target,))
    rounds = bench.scale.repeat * bench.scale.processes
    return compare([metric], filled, [empty, page], rounds=rounds)


def _contender(bench: Workbench, place: _Place, words: tuple[str, ...]) -> Contender:
    printed = bench.folder / "printed"
    argv = queuectl(place.home, *words)

    def measure() -> tuple[float]:
        seconds = timed(argv, stdout=printed).wall
        _check(printed.read_text(), place, words[0])
        return (seconds * 1e3,)

    return Contender(place.name, measure)


def _check(text: str, place: _Place, command: str) -> None:
    if command == "status":
        shown = all(str(count) in text for count in place.jobs.values())
    else:
        shown = len(text.splitlines()) > min(_PAGE, sum(place.jobs.values()))
    if not shown:
        raise WorkNotDone(f"{command} at the {place.name} printed too little: {text[:200]!r}")
