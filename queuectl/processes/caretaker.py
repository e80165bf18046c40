"""The caretaker: records for a worker whose supervisor has died, until its commands have ended."""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time
from contextlib import suppress

from queuectl.domain.errors import QueuectlError, StoreError, SupervisorLost
from queuectl.domain.fleet import Desired, Worker, WorkerStatus
from queuectl.failpoints import reach
from queuectl.processes.messages import Orders, Report
from queuectl.processes.system import last_word, title
from queuectl.processes.system.channel import Channel, Closed
from queuectl.queue import JobQueue
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Lease

_LOOK = 0.2
_PAUSE = 1.0


class Caretaker:
    """Stands between one orphaned worker and the store: records, cancels, stops."""

    def __init__(self, store: Store, worker: Worker, channel: Channel) -> None:
        self._store, self._worker, self._channel = store, worker, channel
        self._reports: list[Report] = []
        self._version = -1

    def loop(self) -> None:
        """Serve until the worker has ended; what cannot be recorded yet is tried again."""
        selector = selectors.DefaultSelector()
        selector.register(self._channel, selectors.EVENT_READ)
        try:
            while True:
                if selector.select(_LOOK):
                    words = self._channel.receive()
                    self._reports += (word for word in words if isinstance(word, Report))
                self._serve()
        except Closed:
            self._settle()

    def _serve(self) -> None:
        try:
            self._record()
            self._look()
        except SupervisorLost:
            self._give_up()
        except StoreError:
            time.sleep(_PAUSE)

    def _give_up(self) -> None:
        # Others have the jobs: what the worker says of them counts no more, and it is to end them.
        recorded = self._reports[-1].number if self._reports else 0
        self._reports = []
        self._channel.send(Orders(recorded, desired=Desired.STOP_NOW))

    def _settle(self) -> None:
        """Record what the worker said last, for as long as it takes: nobody else knows it."""
        while True:
            try:
                with suppress(Closed):
                    self._record()
                self._store.set_worker(self._worker.id, WorkerStatus.STOPPED)
                return
            except SupervisorLost:
                return
            except StoreError:
                time.sleep(_PAUSE)

    def _record(self) -> None:
        if not self._reports:
            return
        started = [one for report in self._reports for one in report.started]
        ended = [one for report in self._reports for one in report.ended]
        self._store.turn(self._worker.supervisor, started, ended)
        reach("caretaker recorded")
        recorded = self._reports[-1].number
        self._reports = []
        self._channel.send(Orders(recorded))

    def _look(self) -> None:
        version = self._store.data_version()
        if version == self._version:
            return
        self._version = version
        cancels = tuple(
            Lease(holding.row, holding.lease)
            for holding in self._store.holdings()
            if holding.worker == self._worker.id and holding.cancel_requested
        )
        desired = self._store.worker(self._worker.id).desired
        if cancels or desired is not Desired.RUN:
            self._channel.send(Orders(cancels=cancels, desired=desired))


def main() -> int:
    """Serve the worker named by the first argument, over the socket that is descriptor 0.

    Where it finds no room to begin it ends, and the worker calls another one later.
    """
    title.show("caretaker")
    os.setsid()
    channel = Channel(socket.socket(fileno=0))
    try:
        with JobQueue() as queue:
            store = queue.store
            reach("caretaker begun")
            Caretaker(store, store.worker(sys.argv[1]), channel).loop()
    except (QueuectlError, OSError) as error:
        last_word.say(f"the caretaker of {sys.argv[1]} cannot go on: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
