"""Claiming: which pending jobs go to which worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge, nsmallest

from queuectl.domain.lifecycle import State
from queuectl.stores.exchange import Assignment, Demand
from queuectl.stores.sql.places import Places
from queuectl.stores.sql.records import id_of, variables, words
from queuectl.stores.sql.session import Row, Session

_Claim = tuple[Row, str]  # a candidate and the worker that gets it


def claim(session: Session, host: str, demands: Sequence[Demand]) -> list[Assignment]:
    """Give pending jobs to the demands, by priority and then in the order of their enqueue."""
    places = Places(demands)
    if not places.free:
        return []
    claims = list(_choose(session, places))
    _write(session, host, claims)
    return [_assignment(candidate, worker) for candidate, worker in claims]


def _choose(session: Session, places: Places) -> Iterator[_Claim]:
    queues = _queues(session, places)
    portion = max(1, places.free // max(1, len(queues)))
    lanes = [_lane(session, queue, portion, places) for queue in queues]
    for candidate in merge(*lanes, key=lambda candidate: (-candidate[1], candidate[0])):
        *_, alone = candidate
        worker = (places.give_whole if alone else places.give)(candidate[2])
        if worker is not None:
            yield candidate, worker
        if not places.free:
            return


def _queues(session: Session, places: Places) -> set[str]:
    """The queues that can hold a job to claim: of n jobs, each is among n queues' first."""
    queues = places.named_queues
    if places.any_queue:
        firsts = nsmallest(places.free, _firsts(session), key=lambda first: first[1:])
        queues.update(queue for queue, *_ in firsts)
    return queues


def _firsts(session: Session) -> Iterator[Row]:
    """Of each queue with pending jobs the first: one step in jobs_to_claim a queue."""
    return session.run(
        f"""
        WITH RECURSIVE firsts (queue, priority, row) AS (
            SELECT '' {session.binary}, 0, CAST(0 AS BIGINT)
            UNION ALL
            SELECT jobs.queue, jobs.priority, jobs.row FROM firsts JOIN jobs ON jobs.row = (
                SELECT later.row FROM jobs AS later
                WHERE later.state = 'P' AND later.queue > firsts.queue
                ORDER BY later.queue, later.priority DESC, later.row LIMIT 1
            )
        )
        SELECT queue, -priority, row FROM firsts WHERE row > 0
        """
    )


def _lane(session: Session, queue: str, portion: int, places: Places) -> Iterator[Row]:
    """The pending jobs of a queue in order, for as long as somebody takes them."""
    position, seen = 0, set[int]()
    while places.takes(queue):
        candidates = list(
            session.run(
                f"""
                SELECT row, priority, queue, name, lease + 1, attempts + 1, changes + 1, run_at,
                    command, args, env, cwd, timeout, alone
                FROM jobs WHERE state = 'P' AND queue = ?
                ORDER BY priority DESC, row LIMIT ? OFFSET ? {session.skip_locked}
                """,
                (queue, portion, position),
            )
        )
        for candidate in candidates:
            if candidate[0] in seen:  # others let go of rows before it
                continue
            seen.add(candidate[0])
            yield candidate
            if not places.takes(queue):
                return
        if len(candidates) < portion:
            return
        position += portion


def _write(session: Session, host: str, claims: Iterable[_Claim]) -> None:
    updates, runs = [], []
    for candidate, worker in claims:
        row, _, queue, _, lease, attempt, change, ready_at, *_ = candidate
        # The claim is one change, the end of the run will be the next.
        updates.append((lease, attempt, change + 1, session.now, worker, host, row))
        runs.append((row, lease, attempt, change, worker, host, ready_at, session.now))
        session.tally(queue, State.PENDING, -1)
        session.tally(queue, State.PROCESSING, 1)
    session.run_each(
        """
        UPDATE jobs SET state = 'R', lease = ?, attempts = ?, changes = ?, started_at = ?,
            worker = ?, host = ?
        WHERE row = ?
        """,
        updates,
    )
    session.run_each(
        """
        INSERT INTO runs (job, lease, number, change, worker, host, ready_at, started_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        runs,
    )


def _assignment(candidate: Row, worker: str) -> Assignment:
    row, _, queue, name, lease, attempt, _, _, command, args, env, cwd, timeout, alone = candidate
    job_id = id_of(row, name)
    return Assignment(row, lease, job_id, attempt, worker, queue, command, words(args),
        variables(env), cwd, timeout, bool(alone))  # fmt: skip
