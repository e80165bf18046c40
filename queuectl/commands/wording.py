"""The words in which commands speak of jobs, states, counts and times."""

from __future__ import annotations

import contextlib

from queuectl.commands.tables import Cell
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import LETTERS, State
from queuectl.domain.timing import describe_duration, from_instant

MEANINGS: dict[State, str] = {
    State.PENDING: "Jobs ready for worker processing",
    State.PROCESSING: "Jobs running now",
    State.COMPLETED: "Jobs that exited with 0",
    State.FAILED: "Jobs that failed and will be retried",
    State.DEAD: "Jobs in the dead letter queue",
    State.SCHEDULED: "Jobs waiting for their first run",
    State.BLOCKED: "Jobs waiting for other jobs",
    State.CANCELLED: "Jobs ended by a person",
}
COLORS: dict[State, str] = {
    State.PENDING: "yellow",
    State.PROCESSING: "cyan",
    State.COMPLETED: "green",
    State.FAILED: "magenta",
    State.DEAD: "red",
    State.SCHEDULED: "blue",
    State.BLOCKED: "blue",
    State.CANCELLED: "white",
}
_LEGEND_ORDER = "PRCFDSBX"
LEGEND = "State Legend: " + ", ".join(
    f"{letter}={state.value.capitalize()}"
    for letter in _LEGEND_ORDER
    for state, known in LETTERS.items()
    if known == letter
).replace("R=Processing", "R=Running")


def state_letter(job: Job) -> Cell:
    """The letter of a job's state, in its colour."""
    return Cell(job.state.letter, COLORS[job.state])


def state_name(state: State) -> Cell:
    """The name of a state, in its colour."""
    return Cell(str(state), COLORS[state])


def counted(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Bytes as a person reads them: `512 B`, `1.5 MiB`."""
    amount, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def day(instant: int | None) -> str:
    """The day of an instant, MM-DD in local time."""
    return _local(instant, "%m-%d")


def minute(instant: int | None) -> str:
    """Day and time of an instant, MM-DD HH:MM in local time."""
    return _local(instant, "%m-%d %H:%M")


def moment(instant: int | None) -> str:
    """An instant in full, in local time."""
    return _local(instant, "%Y-%m-%d %H:%M:%S")


def ago(instant: int | None, now: int) -> str:
    """An instant in full, with how far away it is."""
    if instant is None:
        return "-"
    seconds = abs(now - instant) / 1e6
    words = describe_duration(seconds)
    return f"{moment(instant)} ({f'{words} ago' if instant <= now else f'in {words}'})"


def seconds(value: float | None) -> str:
    """A run time: `0.004s`, `2.3s`, `2m5s`."""
    if value is None:
        return "-"
    if value < 60:
        return f"{value:.3f}s" if value < 1 else f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"


def _local(instant: int | None, form: str) -> str:
    if instant is None:
        return "-"
    here = from_instant(instant)
    with contextlib.suppress(OverflowError):  # of the first and last hours of the calendar
        here = here.astimezone()
    return here.strftime(form)
