"""How a supervisor introduces itself to the store."""

from __future__ import annotations

import os
import time

import queuectl
from queuectl.domain.fleet import Desired, Supervisor
from queuectl.home.folder import Home
from queuectl.processes.system import identity


def introduce(home: Home) -> Supervisor:
    """The row of a supervisor that this process begins to be."""
    now = time.time_ns() // 1000
    pid = os.getpid()
    return Supervisor(
        id=f"supervisor_{now // 1000}_{pid}",
        host=identity.host(),
        home=str(home),
        pid=pid,
        pid_started=identity.started(pid),
        boot=identity.boot(),
        version=queuectl.__version__,
        desired=Desired.RUN,
        started_at=now,
        heartbeat_at=now,
        ended_at=None,
        note=None,
    )
