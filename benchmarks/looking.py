"""What shows the queue, at stores full of jobs and crowded with queues, against an empty one."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks.comparison import Contender, Finding, Metric, Target, WorkNotDone, compare
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl import JobQueue
from queuectl.commands.command import Options
from queuectl.domain.lifecycle import State
from queuectl.home.folder import Home
from queuectl.shell.completion import LIVE
from queuectl.shell.lookout import Lookout

_PAGE = 50


class _Place(NamedTuple):
    """A home by the name that the report has for it."""

    name: str
    home: Path
    jobs: dict[State, int]
    queues: int


def run(bench: Workbench) -> list[Finding]:
    """An empty store has no rows to print, so one page of jobs is shown too."""
    with bench.new_home() as empty, bench.new_home() as page:
        with JobQueue(str(page)) as queue:
            queue.enqueue_many([{"command": "true"}] * _PAGE)
        small = [_place("empty store", empty), _place(f"store of {_PAGE} jobs", page)]
        full = _place("full store", bench.filled_home)
        crowded = _place("crowded store", bench.crowded_home)
        return [
            *_one_shot(bench, [full, *small], "status"),
            *_one_shot(bench, [full, *small], "list", "--limit", str(_PAGE)),
            *_one_shot(bench, [full, *small], "metrics"),
            *_one_shot(bench, [crowded, *small], "status", "--format", "json"),
            *_one_shot(bench, [crowded, *small], "list", "--limit", str(_PAGE)),
            *_one_shot(bench, [crowded, *small], "metrics"),
            *(each for place in (full, crowded) for each in _in_the_shell(bench, [place, *small])),
        ]


def _place(name: str, home: Path) -> _Place:
    with JobQueue(str(home)) as queue:
        stats = queue.stats()
        return _Place(name, home, stats.jobs, len(stats.queues))


def _one_shot(bench: Workbench, places: list[_Place], *words: str) -> list[Finding]:
    """Whole processes."""
    contenders = [_process(bench, place, words) for place in places]
    return _compare(bench, " ".join(words), 1.5, contenders)


def _process(bench: Workbench, place: _Place, words: tuple[str, ...]) -> Contender:
    printed = bench.folder / "printed"
    argv = queuectl(place.home, *words)

    def measure() -> tuple[float]:
        seconds = timed(argv, stdout=printed).wall
        _check(printed.read_text(), place, words[0])
        return (seconds * 1e3,)

    return Contender(place.name, measure)


def _check(text: str, place: _Place, command: str) -> None:
    match command:
        case "status":
            shown = all(str(count) in text for count in place.jobs.values())
        case "list":
            shown = len(text.splitlines()) > min(_PAGE, sum(place.jobs.values()))
        case _:
            shown = bool(text)
    if not shown:
        raise WorkNotDone(f"{command} at the {place.name} printed too little: {text[:200]!r}")


def _in_the_shell(bench: Workbench, places: list[_Place]) -> list[Finding]:
    """What the shell does by itself while somebody types, with the opening of the store."""
    return [
        *_compare(bench, "a look for the toolbar", None, [_toolbar(place) for place in places]),
        *_compare(bench, "completion of a job", None, [_completion(place) for place in places]),
    ]


def _toolbar(place: _Place) -> Contender:
    def measure() -> tuple[float]:
        home = Home(str(place.home))
        lookout = Lookout(Options(home=home.path), home)
        began = time.perf_counter()
        try:
            sight = lookout.look()
            seconds = time.perf_counter() - began
        finally:
            lookout.close()
        if sight.jobs != place.jobs:
            raise WorkNotDone(f"the toolbar of the {place.name} counts {sight.jobs}")
        return (seconds * 1e3,)

    return Contender(place.name, measure)


def _completion(place: _Place) -> Contender:
    def measure() -> tuple[float]:
        began = time.perf_counter()
        with closing(JobQueue(str(place.home))) as queue:
            offered = list(LIVE["job"](queue, "j"))
        seconds = time.perf_counter() - began
        if bool(offered) != bool(sum(place.jobs.values())):
            raise WorkNotDone(f"{len(offered)} jobs of the {place.name} were offered")
        return (seconds * 1e3,)

    return Contender(place.name, measure)


def _compare(
    bench: Workbench, what: str, bound: float | None, contenders: list[Contender]
) -> list[Finding]:
    subject, empty, page = contenders
    targets = () if bound is None else (Target(bound, at_least=False, against=empty.name),)
    metric = Metric(f"{what}, {subject.name}", "ms", targets)
    rounds = bench.scale.repeat * bench.scale.processes
    return compare([metric], subject, [empty, page], rounds=rounds)
