"""The nursery: a process that never had a store, from which all workers are forked."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import pickle
import selectors
import signal
import socket
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess

from queuectl.failpoints import reach
from queuectl.processes import worker
from queuectl.processes.messages import Birth, Gone, Unborn
from queuectl.processes.system import title
from queuectl.processes.system.channel import Channel, Closed
from queuectl.processes.system.shortage import is_shortage
from queuectl.processes.system.signals import Signals

_BIRTH_SIZE = 65536
_FORK_DESCRIPTORS = 4  # the ends of the two pipes that multiprocessing makes for a child
_PAUSE = 0.2


class Nursery:
    """Forks a worker for each birth that is asked for, and tells how each one ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._answers = Channel(connection)
        self._context = multiprocessing.get_context("fork")
        self._workers: dict[BaseProcess, Birth] = {}
        self._signals = Signals((signal.SIGCHLD,))

    def loop(self) -> None:
        """Serve until the supervisor closes its end."""
        selector = selectors.DefaultSelector()
        selector.register(self._socket, selectors.EVENT_READ)
        selector.register(self._signals, selectors.EVENT_READ)
        while True:
            selector.select()
            self._signals.arrived()
            self._bury()
            if not self._bear():
                return

    def _bear(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, _BIRTH_SIZE, 1)
        except BlockingIOError:
            return True
        except OSError as error:
            if is_shortage(error):
                time.sleep(_PAUSE)
                return True
            return False
        if not data:
            return False
        # One packet is one birth, and brings the worker's end of its channel.
        birth: Birth = pickle.loads(data)
        if not descriptors:  # there was no room for it here
            self._tell(Unborn(birth.id, birth.life, os.strerror(errno.EMFILE)))
            return True
        # Received descriptors survive exec: a command would hold the worker's channel open.
        os.set_inheritable(descriptors[0], False)
        with socket.socket(fileno=descriptors[0]) as connection:
            reach("worker to be forked")
            try:
                process = self._fork(birth, connection)
            except OSError as error:
                self._tell(Unborn(birth.id, birth.life, error.strerror or str(error)))
            else:
                reach("worker forked")
                self._workers[process] = birth
        return True

    def _fork(self, birth: Birth, connection: socket.socket) -> BaseProcess:
        """The new process; raises `OSError` where the system has no room for it."""
        needed = _next_descriptors(_FORK_DESCRIPTORS)
        process = self._context.Process(target=self._grow, args=(birth, connection))
        try:
            process.start()
        except OSError:
            # multiprocessing leaves its pipes open where the fork fails; in time there would be
            # no descriptor left.
            for descriptor in needed:
                with suppress(OSError):
                    os.close(descriptor)
            raise
        return process

    def _grow(self, birth: Birth, connection: socket.socket) -> None:
        self._signals.close()
        self._socket.close()
        worker.main(birth, connection)

    def _bury(self) -> None:
        for process, birth in list(self._workers.items()):
            code = process.exitcode
            if code is not None:
                del self._workers[process]
                self._tell(Gone(birth.id, birth.life, code))
                reach("end of worker told")
                process.close()

    def _tell(self, message: Gone | Unborn) -> None:
        with suppress(Closed):  # the loop sees the end of the supervisor too
            self._answers.send(message)


def _next_descriptors(count: int) -> list[int]:
    """The numbers that the next descriptors will have; `OSError` where there is no room."""
    taken: list[int] = []
    try:
        taken.extend(os.dup(0) for _ in range(count))
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return taken


def main() -> None:
    """Be the nursery; descriptor 0 is the socket to the supervisor."""
    title.show("nursery")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # it ends with its supervisor, and only then
    connection = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    gc.collect()
    gc.freeze()  # the collector would touch, and so unshare, the pages of every worker
    Nursery(connection).loop()
    os._exit(0)  # without waiting for the workers, which finish what they run


if __name__ == "__main__":
    main()
