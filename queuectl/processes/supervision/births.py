"""The supervisor's line to the nursery: asks for workers, hears of their births and ends."""

from __future__ import annotations

import pickle
import selectors
import socket
from collections.abc import Callable

from queuectl.processes.messages import Birth, Born, Gone, Unborn
from queuectl.processes.system.channel import Channel, Closed


class Births:
    """Asks whichever nursery is there; `connected`, `born`, `unborn`, `gone` are told the news."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        connected: Callable[[], None],
        born: Callable[[Born], None],
        unborn: Callable[[Unborn], None],
        gone: Callable[[Gone], None],
    ) -> None:
        self._selector = selector
        self._connected = connected
        self._on_born, self._on_unborn, self._on_gone = born, unborn, gone
        self._socket: socket.socket | None = None
        self._channel: Channel | None = None

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a nursery."""
        return self._socket is not None

    def connect(self, connection: socket.socket) -> None:
        """Talk to a new nursery."""
        self.disconnect()
        self._socket, self._channel = connection, Channel(connection)
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
        return Channel(ours)

    def _hear(self) -> None:
        if self._channel is None:
            return
        try:
            for message in self._channel.receive():
                match message:
                    case Born():
                        self._on_born(message)
                    case Unborn():
                        self._on_unborn(message)
                    case Gone():
                        self._on_gone(message)
        except Closed:
            self.disconnect()
