"""The processes of the queue: supervisors and their workers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from queuectl.domain.errors import NoSuchWorker, StoreError, SupervisorLost
from queuectl.domain.fleet import Desired, Supervisor, Worker, WorkerStatus
from queuectl.domain.timing import SECOND
from queuectl.stores.sql.filters import Condition, among
from queuectl.stores.sql.records import words
from queuectl.stores.sql.session import Row, Session, Transactional

_SUPERVISOR_COLUMNS = ", ".join(Supervisor._fields)
_WORKER_COLUMNS = ", ".join(Worker._fields)
_LIVE = "status <> 'stopped' AND status <> 'died'"


class Fleet(Transactional):
    """Writes down which processes there are, and what is wanted of them."""

    def enter(self, supervisor: Supervisor) -> None:
        with self._writing("enter") as session:
            _end_predecessors(session, supervisor)
            places = ", ".join("?" * len(supervisor))
            session.run(
                f"INSERT INTO supervisors ({_SUPERVISOR_COLUMNS}) VALUES ({places})", supervisor
            )

    def beat(self, supervisor: str, note: str | None) -> None:
        with self._writing("beat") as session:
            beaten = session.change(
                """
                UPDATE supervisors SET heartbeat_at = ?, note = ?
                WHERE id = ? AND ended_at IS NULL
                """,
                (session.now, note, supervisor),
            )
            if not beaten:
                raise SupervisorLost(supervisor)

    def fence(self, supervisor: str, heartbeat_at: int) -> bool:
        with self._writing("fence") as session:
            fenced = session.change(
                """
                UPDATE supervisors SET fenced = 1, ended_at = ?
                WHERE id = ? AND heartbeat_at = ? AND ended_at IS NULL
                """,
                (session.now, supervisor, heartbeat_at),
            )
        return bool(fenced)

    def leave(self, supervisor: str) -> None:
        with self._writing("leave") as session:
            session.run(
                "UPDATE supervisors SET ended_at = ? WHERE id = ?", (session.now, supervisor)
            )

    def supervisors(self) -> list[Supervisor]:
        with self._reading() as session:
            records = session.run(
                f"""
                SELECT {_SUPERVISOR_COLUMNS} FROM supervisors
                WHERE ended_at IS NULL OR id = (
                    SELECT id FROM supervisors WHERE ended_at IS NOT NULL
                    ORDER BY ended_at DESC, started_at DESC LIMIT 1
                )
                ORDER BY started_at, id
                """
            )
            return [_supervisor_from(record) for record in records]

    def want_workers(
        self, supervisor: str, count: int, slots: int, queues: tuple[str, ...], desired: Desired
    ) -> list[Worker]:
        with self._writing("want workers") as session:
            host = host_of(session, supervisor)
            if not _goes_on(session, supervisor):
                raise SupervisorLost(supervisor)
            epoch = session.now // SECOND
            number, position = _next_number(session, supervisor), _next_position(session, epoch)
            workers = [
                Worker(f"worker_{epoch}_{position + each}", number + each, supervisor, host, None,
                    None, slots, queues, WorkerStatus.STARTING, desired, 0, 0.0, session.now, None)
                for each in range(count)
            ]  # fmt: skip
            places = ", ".join("?" * len(Worker._fields))
            session.run_each(
                f"INSERT INTO workers ({_WORKER_COLUMNS}) VALUES ({places})",
                [_record_of(worker) for worker in workers],
            )
        return workers

    def workers(self) -> list[Worker]:
        sql = f"SELECT {_WORKER_COLUMNS} FROM workers WHERE {_LIVE} ORDER BY supervisor, number"
        with self._reading() as session:
            return [_worker_from(record) for record in session.run(sql)]

    def worker(self, worker_id: str) -> Worker:
        with self._reading() as session:
            record = session.first(
                f"SELECT {_WORKER_COLUMNS} FROM workers WHERE id = ?", (worker_id,)
            )
            if record is not None:
                return _worker_from(record)
            live = session.run(f"SELECT id FROM workers WHERE {_LIVE} ORDER BY supervisor, number")
            raise NoSuchWorker(worker_id, [known for (known,) in live])

    def work_done(self, supervisor: str) -> tuple[int, float]:
        with self._reading() as session:
            found = session.first(
                """
                SELECT coalesce(sum(processed), 0), coalesce(sum(busy_seconds), 0.0)
                FROM workers WHERE supervisor = ?
                """,
                (supervisor,),
            )
        return (0, 0.0) if found is None else (int(found[0]), float(found[1]))

    def set_worker(
        self,
        worker_id: str,
        status: WorkerStatus,
        pid: int | None = None,
        pid_started: int | None = None,
        note: str | None = None,
    ) -> None:
        with self._writing("set worker") as session:
            session.run(
                """
                UPDATE workers SET status = ?, pid = coalesce(?, pid),
                    pid_started = coalesce(?, pid_started), note = coalesce(?, note)
                WHERE id = ?
                """,
                (status, pid, pid_started, note, worker_id),
            )

    def wish_workers(self, worker_ids: Sequence[str], desired: Desired) -> None:
        weaker = _weaker_than(desired)
        with self._writing("wish workers") as session:
            session.run_each(
                f"UPDATE workers SET desired = ? WHERE id = ? AND {weaker.sql}",
                [(desired, worker_id, *weaker.bindings) for worker_id in worker_ids],
            )

    def wish_supervisor(self, supervisor: str, desired: Desired) -> None:
        weaker = _weaker_than(desired)
        bindings = (desired, supervisor, *weaker.bindings)
        with self._writing("wish supervisor") as session:
            session.run(
                f"UPDATE supervisors SET desired = ? WHERE id = ? AND {weaker.sql}", bindings
            )
            session.run(
                f"UPDATE workers SET desired = ? WHERE supervisor = ? AND {weaker.sql}", bindings
            )


def host_of(session: Session, supervisor: str) -> str:
    """The host of a supervisor; raises `StoreError` where it never entered."""
    found = session.first("SELECT host FROM supervisors WHERE id = ?", (supervisor,))
    if found is None:
        raise StoreError(f"no supervisor {supervisor!r} has entered the store")
    return str(found[0])


def admit(session: Session, supervisor: str, *, claims: bool) -> str:
    """The host of a supervisor that speaks; raises `SupervisorLost` if it must not any more.

    Ends may be told for one that has ended, by who looks after what it left.
    """
    found = session.first(
        "SELECT host, ended_at IS NOT NULL, fenced FROM supervisors WHERE id = ?", (supervisor,)
    )
    if found is None:
        raise StoreError(f"no supervisor {supervisor!r} has entered the store")
    host, ended, fenced = found
    if fenced or (claims and ended):
        raise SupervisorLost(supervisor)
    return str(host)


def _goes_on(session: Session, supervisor: str) -> bool:
    found = session.first(
        "SELECT desired FROM supervisors WHERE id = ? AND ended_at IS NULL", (supervisor,)
    )
    return found is not None and not Desired(found[0]).stops


def _end_predecessors(session: Session, supervisor: Supervisor) -> None:
    same_place = supervisor.host, supervisor.home
    session.run(
        f"""
        UPDATE workers SET status = 'stopped' WHERE pid IS NULL AND {_LIVE} AND supervisor IN (
            SELECT id FROM supervisors WHERE host = ? AND home = ? AND ended_at IS NULL
        )
        """,
        same_place,
    )
    session.run(
        "UPDATE supervisors SET ended_at = ? WHERE host = ? AND home = ? AND ended_at IS NULL",
        (session.now, *same_place),
    )


def _next_number(session: Session, supervisor: str) -> int:
    found = session.first(
        "SELECT coalesce(max(number) + 1, 0) FROM workers WHERE supervisor = ?", (supervisor,)
    )
    return int(found[0]) if found else 0


def _next_position(session: Session, epoch: int) -> int:
    """The first free n of the ids `worker_<epoch>_<n>`."""
    prefix = f"worker_{epoch}_"
    taken = session.run(
        "SELECT id FROM workers WHERE id > ? AND id < ?",
        (prefix, f"{prefix}:"),  # ':' follows '9'
    )
    return max((int(worker_id.removeprefix(prefix)) for (worker_id,) in taken), default=-1) + 1


def _weaker_than(desired: Desired) -> Condition:
    wishes = list(Desired)
    weaker = wishes[: wishes.index(desired)]
    return among("desired", weaker) if weaker else Condition("FALSE")


def _supervisor_from(record: Row) -> Supervisor:
    supervisor = Supervisor._make(record)
    return supervisor._replace(desired=Desired(supervisor.desired))


def _worker_from(record: Row) -> Worker:
    *start, queues, status, desired, processed, busy_seconds, started_at, note = record
    end = processed, busy_seconds, started_at, note
    return Worker._make((*start, words(queues), WorkerStatus(status), Desired(desired), *end))


def _record_of(worker: Worker) -> Row:
    record = worker._asdict()
    record["queues"] = json.dumps(worker.queues)
    return tuple(record.values())
