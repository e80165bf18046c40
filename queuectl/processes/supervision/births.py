"""The supervisor's line to the nursery: asks for workers, hears of their ends."""

from __future__ import annotations

import pickle
import selectors
import socket
from collections.abc import Callable

from queuectl.failpoints import reach
from queuectl.processes.messages import Birth, Gone, Unborn
from queuectl.processes.system.channel import Channel, Closed


class Births:
    """Asks whichever nursery is there; `connected`, `unborn` and `gone` are told the news."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        connected: Callable[[], None],
        unborn: Callable[[Unborn], None],
        gone: Callable[[Gone], None],
    ) -> None:
        self._selector = selector
        self._connected, self._unborn, self._gone = connected, unborn, gone
        self._socket: socket.socket | None = None
        self._channel: Channel | None = None
        self._count = 0

    @property
    def nursery(self) -> int | None:
        """A number of the nursery that is there; the next one has another."""
        return None if self._socket is None else self._count

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a nursery."""
        return self._socket is not None

    def connect(self, connection: socket.socket) -> None:
        """Talk to a new nursery."""
        self.disconnect()
        self._socket, self._channel = connection, Channel(connection)
        self._count += 1
        self._selector.register(connection, selectors.EVENT_READ, self._hear)
        self._connected()

    def disconnect(self) -> None:
        """Let the nursery end; it takes no worker with it."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = self._channel = None

    def ask(self, birth: Birth) -> Channel | None:
        """The channel to a worker that is about to be born.

        None while there is no nursery, or no room to ask it.
        """
        if self._socket is None:
            return None
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            return None
        with theirs:
            try:
                socket.send_fds(self._socket, [pickle.dumps(birth)], [theirs.fileno()])
            except OSError:
                ours.close()
                return None
        reach("birth asked")
        return Channel(ours)

    def _hear(self) -> None:
        if self._channel is None:
            return
        try:
            for message in self._channel.receive():
                self._unborn(message) if isinstance(message, Unborn) else self._gone(message)
        except Closed:
            self.disconnect()
