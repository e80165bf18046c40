"""Has a store follow the wall clock where that was set: a wait stays as long as it was."""

import json
from typing import NamedTuple

from queuectl.domain.timing import CLOCK_TOLERANCE, SECOND
from queuectl.stores.sql.session import Session
from queuectl.stores.sqlite.clock import Clock

_TOLERANCE = round(CLOCK_TOLERANCE * SECOND)
_SEEN_AGAIN = 60 * SECOND
_MOST_DOWN = 86_400 * SECOND  # of the time that the machine was off, what counts for an age
_MOST_STEPS = 32
_AT_ONCE = SECOND // 10  # two clocks read within this time are read together

CLOCK, STEPS = "clock", "clock_steps"  # keys in meta

Step = tuple[int, int]  # when, and how much older than they are all instants before it look


class Known(NamedTuple):
    """What the store has noted of the clocks by which its instants were written.

    `offset` is that of the wall clock to the steady one in their `era`; `seen` is an instant by
    the wall clock, at most a minute before the last write.
    """

    era: str
    offset: int
    seen: int

    def written(self) -> str:
        """The text that stands for it in meta."""
        return f"{self.offset} {self.seen} {self.era}"

    @classmethod
    def read(cls, text: str) -> "Known":
        """What a text in meta stands for."""
        offset, seen, era = text.split(" ", 2)
        return cls(era, int(offset), int(seen))


class Follower:
    """Compares the clocks for one connection; `follow` belongs into each transaction that writes.

    It reads what the store knows each time, since another process may have followed a step there
    and back meanwhile. Where the system has no era nothing is compared.
    """

    def __init__(self, clock: Clock, text: str | None) -> None:
        self._clock, self._text = clock, text
        self._known = None if text is None else Known.read(text)

    def is_behind(self) -> bool:
        """Whether there may be something to follow, as far as this connection has seen."""
        known, clock = self._known, self._clock
        if known is None or not clock.era:
            return False
        offset = clock() - clock.steady()
        return known.era != clock.era or abs(offset - known.offset) > _TOLERANCE

    def follow(self, session: Session) -> None:
        """Bring the store to the clocks of now, before anything else is done with an instant."""
        offset, known = session.now - self._clock.steady(), self._look(session)
        if not self._clock.era:
            return
        if known is None or not (
            abs(offset - known.offset) <= _TOLERANCE
            and 0 <= session.now - known.seen < _SEEN_AGAIN
            and known.era == self._clock.era
        ):
            self._catch_up(session, known)

    def _look(self, session: Session) -> Known | None:
        found = session.first("SELECT value FROM meta WHERE key = 'clock'")
        text = None if found is None else found[0]
        if text != self._text:
            self._text, self._known = text, None if text is None else Known.read(text)
        return self._known

    def _catch_up(self, session: Session, known: Known | None) -> None:
        session.now, offset = self._both_clocks()
        if known is not None and known.era == self._clock.era:
            moved = offset - known.offset
            if abs(moved) <= _TOLERANCE:
                offset = known.offset  # small steps are followed once they have added up
            else:
                _shift_waits(session, moved)
                _note_step(session, moved)
        elif known is not None:
            _begin_era(session, session.now - known.seen)
        _write(session, CLOCK, Known(self._clock.era, offset, session.now).written())

    def _both_clocks(self) -> tuple[int, int]:
        """The instant, and how far it is from the steady clock, with no pause in between."""
        for _ in range(10):
            before, now = self._clock.steady(), self._clock()
            if self._clock.steady() - before < _AT_ONCE:
                break
        return now, now - before


def _begin_era(session: Session, elapsed: int) -> None:
    """Go on after a restart of the machine, `elapsed` by its wall clock after the last write.

    Nobody knows how long it was off. That time does not run backward, though: where the clock
    does, it has been set. For the age of ended jobs a long time counts little, since a clock that
    is wrong at the start looks the same.
    """
    if elapsed < -_TOLERANCE:
        _shift_waits(session, elapsed)
        _note_step(session, elapsed)
    elif elapsed > _MOST_DOWN:
        _note_step(session, elapsed - _MOST_DOWN)


def _shift_waits(session: Session, moved: int) -> None:
    session.change(
        """
        UPDATE jobs SET run_at = run_at + ?
        WHERE (state = 'F' OR state = 'S') AND relative = 1
        """,
        (moved,),
    )
    session.change(
        "UPDATE supervisors SET heartbeat_at = heartbeat_at + ? WHERE ended_at IS NULL", (moved,)
    )


def steps(session: Session) -> list[Step]:
    """The steps of the wall clock, oldest first, by the clock of now."""
    found = session.first("SELECT value FROM meta WHERE key = 'clock_steps'")
    return [] if found is None else [(at, excess) for at, excess in json.loads(found[0])]


def _note_step(session: Session, moved: int) -> None:
    known = [(at + moved, excess + moved) for at, excess in steps(session)]
    if len(known) == _MOST_STEPS:  # the oldest two become one that is as careful as both
        (_, first), (at, second), *rest = known
        known = [(at, max(first, second)), *rest]
    _write(session, STEPS, json.dumps([*known, (session.now, moved)]))


def certainly_before(session: Session, age: int) -> int:
    """An instant such that all written before it was written more than `age` ago.

    Where the wall clock was set forward within this time, what was written before looks older
    than it is.
    """
    within = session.now - age
    return within - max([0, *(excess for at, excess in steps(session) if at >= within)])


def _write(session: Session, key: str, value: str) -> None:
    session.run(
        """
        INSERT INTO meta (key, value) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """,
        (key, value),
    )
