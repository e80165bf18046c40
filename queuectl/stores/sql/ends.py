"""Ends of runs, and what they make of their jobs."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from queuectl.domain.lifecycle import ENDED, Decision, End, Event, Standing, State, decide
from queuectl.stores.exchange import Ended, Lease
from queuectl.stores.sql.moving import write_changes
from queuectl.stores.sql.records import loaded_backoff
from queuectl.stores.sql.session import Session


class Accepted(NamedTuple):
    """An end whose lease was current, with the worker that ran it and what followed."""

    end: Ended
    worker: str
    decision: Decision


class Ends:
    """The ends that one turn records: applied, or refused since their lease is not current."""

    def __init__(self, session: Session, chance: Callable[[], float]) -> None:
        self.session, self.chance = session, chance
        self.accepted: list[Accepted] = []
        self.refused: list[Lease] = []

    def record(self, ends: Sequence[Ended]) -> None:
        """Apply each end to its job, its run and its worker."""
        if successes := [end for end in ends if end.outcome.succeeded]:
            self._succeed(successes)
        for end in ends:
            if not end.outcome.succeeded:
                self._settle(end)
        kept = [each for each in self.accepted if each.end.outcome.end is not End.RETURNED]
        if kept:
            _close_runs(self.session, kept)
            _credit_workers(self.session, kept)

    def decided(self) -> list[tuple[Lease, Decision]]:
        """What followed each accepted end."""
        return [(Lease(each.end.row, each.end.lease), each.decision) for each in self.accepted]

    def _succeed(self, ends: Sequence[Ended]) -> None:
        # What follows a success depends on nothing, so one guarded statement does it.
        changed = self.session.run_each(
            """
            UPDATE jobs SET state = 'C', finished_at = ?, exit_code = 0, signal = NULL, error = NULL
            WHERE row = ? AND lease = ? AND state = 'R'
            RETURNING row, lease, queue, worker, retries
            """,
            [(self.session.now, end.row, end.lease) for end in ends],
        )
        current = {(row, lease): rest for row, lease, *rest in changed}
        for end in ends:
            if (end.row, end.lease) not in current:
                self.refused.append(Lease(end.row, end.lease))
                continue
            queue, worker, retries = current.pop((end.row, end.lease))
            decision = Decision(Event.SUCCEED, State.COMPLETED, retries, None, None)
            self._accept(end, queue, worker, decision)

    def _settle(self, end: Ended) -> None:
        found = self.session.first(
            f"""
            SELECT queue, worker, retries, max_retries, backoff, cancel_requested
            FROM jobs WHERE row = ? AND lease = ? AND state = 'R' {self.session.for_update}
            """,
            (end.row, end.lease),
        )
        if found is None:
            self.refused.append(Lease(end.row, end.lease))
            return
        queue, worker, retries, max_retries, backoff, cancel_requested = found
        standing = Standing(retries, max_retries, loaded_backoff(backoff), bool(cancel_requested))
        decision = decide(standing, end.outcome, self.session.now, self.chance())
        apply = _give_back if end.outcome.end is End.RETURNED else _apply
        apply(self.session, end, decision)
        self._accept(end, queue, worker, decision)

    def _accept(self, end: Ended, queue: str, worker: str, decision: Decision) -> None:
        self.session.tally(queue, State.PROCESSING, -1)
        self.session.tally(queue, decision.state, 1)
        self.accepted.append(Accepted(end, worker, decision))


def _apply(session: Session, end: Ended, decision: Decision) -> None:
    finished_at = session.now if decision.state in ENDED else None
    relative = int(decision.event is Event.FAIL)
    session.run(
        """
        UPDATE jobs SET state = ?, retries = ?, run_at = coalesce(?, run_at), relative = ?,
            finished_at = ?, exit_code = ?, signal = ?, error = ?,
            alone = CASE WHEN ? THEN 1 ELSE alone END
        WHERE row = ?
        """,
        (decision.state.letter, decision.retries, decision.run_at, relative, finished_at,
            end.outcome.exit_code, end.outcome.signal, decision.error,
            end.outcome.end is End.SUSPECTED, end.row),
    )  # fmt: skip


def _give_back(session: Session, end: Ended, decision: Decision) -> None:
    """Undo a claim after which nothing ran: the job looks as before, but for its lease."""
    deleted = session.first(
        "DELETE FROM runs WHERE job = ? AND lease = ? RETURNING change, started_at",
        (end.row, end.lease),
    )
    assert deleted is not None
    _write_claim_and_return(session, end, decision, *deleted)
    finished_at = session.now if decision.state in ENDED else None
    session.run(
        """
        UPDATE jobs SET state = ?, run_at = coalesce(?, run_at), finished_at = ?,
            attempts = attempts - 1, (started_at, worker, host) = (
                SELECT started_at, worker, host FROM runs
                WHERE job = jobs.row ORDER BY lease DESC LIMIT 1
            )
        WHERE row = ?
        """,
        (decision.state.letter, decision.run_at, finished_at, end.row),
    )


def _write_claim_and_return(
    session: Session, end: Ended, decision: Decision, number: int, claimed_at: int
) -> None:
    # Changes for which a run stood until now.
    after, reason = decision.state.letter, decision.error or str(end.outcome.end)
    write_changes(
        session,
        [
            (end.row, number, claimed_at, "P", "R", end.lease, None),
            (end.row, number + 1, session.now, "R", after, end.lease, reason),
        ],
    )


def _close_runs(session: Session, accepted: Iterable[Accepted]) -> None:
    session.run_each(
        """
        UPDATE runs SET ended_at = ?, after = ?, ending = ?, seconds = ?, exit_code = ?,
            signal = ?, error = ?, output = ?
        WHERE job = ? AND lease = ?
        """,
        [
            (session.now, decision.state.letter, end.outcome.end, end.seconds,
                end.outcome.exit_code, end.outcome.signal, decision.error,
                _place_of_output(end), end.row, end.lease)
            for end, _, decision in accepted
        ],
    )  # fmt: skip
    session.run_each(
        "INSERT INTO outputs (job, lease, body) VALUES (?, ?, ?)",
        [(end.row, end.lease, end.output) for end, _, _ in accepted if end.output],
    )


def _place_of_output(end: Ended) -> str:
    if end.output is None:
        return "file"
    return "store" if end.output else "none"


def _credit_workers(session: Session, accepted: Iterable[Accepted]) -> None:
    work: dict[str, tuple[int, float]] = {}
    for end, worker, _ in accepted:
        count, seconds = work.get(worker, (0, 0.0))
        work[worker] = count + 1, seconds + (end.seconds or 0.0)
    session.run_each(
        """
        UPDATE workers SET processed = processed + ?, busy_seconds = busy_seconds + ?
        WHERE id = ?
        """,
        [(count, seconds, worker) for worker, (count, seconds) in work.items()],
    )
