"""The flow of jobs through a supervisor: starts, ends and claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from queuectl.stores.chance import chance
from queuectl.stores.exchange import Demand, Ended, Holding, Started, Turn
from queuectl.stores.sql.claims import claim
from queuectl.stores.sql.ends import Ends
from queuectl.stores.sql.fleet import admit
from queuectl.stores.sql.records import id_of
from queuectl.stores.sql.session import Session, Transactional
from queuectl.stores.sql.waiting import promote_due


class Flow(Transactional):
    """Records what workers report, and hands out what they run next."""

    def turn(
        self,
        supervisor: str,
        started: Sequence[Started] = (),
        ended: Sequence[Ended] = (),
        demands: Sequence[Demand] = (),
        chance: Callable[[], float] = chance,
    ) -> Turn:
        with self._writing("turn") as session:
            host = admit(session, supervisor, claims=bool(demands))
            _record_starts(session, started)
            ends = Ends(session, chance)
            ends.record(ended)
            promote_due(session)
            assignments = claim(session, host, demands)
        return Turn(ends.decided(), ends.refused, assignments)

    def holdings(self) -> list[Holding]:
        with self._reading() as session:
            records = session.run(
                """
                SELECT jobs.row, jobs.lease, jobs.name, supervisors.id, runs.worker, runs.host,
                    supervisors.home, supervisors.boot, supervisors.pid,
                    supervisors.pid_started, runs.pid, runs.pid_started,
                    jobs.cancel_requested, supervisors.fenced
                FROM jobs
                JOIN runs ON runs.job = jobs.row AND runs.lease = jobs.lease
                JOIN workers ON workers.id = runs.worker
                JOIN supervisors ON supervisors.id = workers.supervisor
                WHERE jobs.state = 'R' ORDER BY jobs.row
                """
            )
            return [
                Holding._make((row, lease, id_of(row, name), *middle, bool(wished), bool(fenced)))
                for row, lease, name, *middle, wished, fenced in records
            ]


def _record_starts(session: Session, started: Sequence[Started]) -> None:
    session.run_each(
        """
        UPDATE runs SET pid = ?, pid_started = ?
        WHERE job = ? AND lease = ? AND ended_at IS NULL
        """,
        [(start.pid, start.pid_started, start.row, start.lease) for start in started],
    )
