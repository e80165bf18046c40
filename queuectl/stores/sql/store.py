"""The store in SQL, all its roles together."""

from __future__ import annotations

from queuectl.stores.sql.audit import Audit
from queuectl.stores.sql.configuration import Configuration
from queuectl.stores.sql.enqueue import Enqueue
from queuectl.stores.sql.fleet import Fleet
from queuectl.stores.sql.flow import Flow
from queuectl.stores.sql.history import History
from queuectl.stores.sql.listing import Listing
from queuectl.stores.sql.renewal import Renewal
from queuectl.stores.sql.retention import Retention
from queuectl.stores.sql.waiting import Waiting
from queuectl.stores.sql.wishes import Wishes


class SqlStore(
    Enqueue,
    Listing,
    History,
    Wishes,
    Retention,
    Waiting,
    Flow,
    Fleet,
    Configuration,
    Audit,
    Renewal,
):
    """All that a dialect need not say again; it adds the sessions, the clock and the rest."""
