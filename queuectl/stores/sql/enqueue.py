"""New jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from queuectl.domain.errors import BadLine, IdTaken
from queuectl.domain.job import JobSpec
from queuectl.domain.lifecycle import BY_LETTER, State
from queuectl.domain.timing import SECOND
from queuectl.stores.exchange import Added
from queuectl.stores.sql.records import dumped, dumped_once
from queuectl.stores.sql.session import Row, Session, Transactional


class Enqueue(Transactional):
    """Takes jobs in, all of a batch or none."""

    def add(self, specs: Iterable[JobSpec], *, skip_taken: bool = False) -> Added:
        with self._writing("enqueue") as session:
            batch = _Batch(session, skip_taken)
            session.run_each(
                """
                INSERT INTO jobs (row, state, queue, priority, run_at, relative, created_at,
                    max_retries, timeout, name, command, args, env, cwd, tags, backoff)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                batch.records(specs),
            )
            for (queue, letter), count in batch.counts.items():
                session.tally(queue, BY_LETTER[letter], count)
        return Added(batch.jobs, batch.skipped)


class _Batch:
    """Jobs on their way into rows; there may be a million of them."""

    def __init__(self, session: Session, skip_taken: bool) -> None:
        self.session, self.skip_taken = session, skip_taken
        self.jobs: list[tuple[str, State]] = []
        self.names: set[str] = set()
        self.counts: dict[tuple[str, str], int] = {}
        self.skipped = 0

    def records(self, specs: Iterable[JobSpec]) -> Iterator[Row]:
        """What to insert for each spec."""
        now = self.session.now
        rows = self.session.new_job_rows(len(specs) if isinstance(specs, Sequence) else None)
        jobs, counts, last_env, variables = self.jobs, self.counts, None, None
        for number, spec in enumerate(specs, 1):
            (name, command, args, queue, priority, retries, due, delay, timeout, backoff, env, cwd,
                tags) = spec  # fmt: skip
            if name is not None and self._is_taken(name, number):
                continue
            if env is not last_env:  # jobs of a batch may share that of their enqueuer
                last_env, variables = env, dumped(env) if env else None
            relative = 1 if delay else 0
            if delay:
                due = now + round(delay * SECOND)
            state, letter, run_at = State.PENDING, "P", now
            if due is not None and due > now:
                state, letter, run_at = State.SCHEDULED, "S", due
            row = next(rows)
            jobs.append((f"j{row}" if name is None else name, state))
            counts[queue, letter] = counts.get((queue, letter), 0) + 1
            yield (row, letter, queue, priority, run_at, relative, now, retries, timeout,
                name, command, dumped(args) if args else None, variables, cwd,
                dumped_once(tags) if tags else None, dumped_once(backoff))  # fmt: skip

    def _is_taken(self, name: str, number: int) -> bool:
        sql = "SELECT 1 FROM jobs WHERE name = ?"
        if name not in self.names and self.session.first(sql, (name,)) is None:
            self.names.add(name)
            return False
        if not self.skip_taken:
            raise BadLine("job", number, IdTaken(name))
        self.skipped += 1
        return True
