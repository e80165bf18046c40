"""Making a store of its own out of a copy."""

from __future__ import annotations

import os
from collections.abc import Sequence

from queuectl.stores.chance import chance
from queuectl.stores.exchange import Ended
from queuectl.stores.sql.ends import Ends
from queuectl.stores.sql.session import Transactional


class Renewal(Transactional):
    """Parts a copy from the processes and the identity of its original."""

    def last_row(self) -> int:
        with self._reading() as session:
            return session.last_job_row()

    def renew(self, ended: Sequence[Ended], last_row: int) -> None:
        uuid = os.urandom(16).hex()
        with self._writing("renew") as session:
            Ends(session, chance).record(ended)
            session.run(
                """
                UPDATE workers SET status = 'died', note = 'its store was restored'
                WHERE status <> 'stopped' AND status <> 'died'
                """
            )
            session.run(
                "UPDATE supervisors SET ended_at = ? WHERE ended_at IS NULL", (session.now,)
            )
            session.run("UPDATE meta SET value = ? WHERE key = 'uuid'", (uuid,))
            session.skip_job_rows(last_row)
        self.uuid = uuid
