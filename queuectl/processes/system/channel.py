"""Messages between two of our own processes over a socket pair, without ever blocking."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

from queuectl.processes.system.shortage import is_shortage

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 18


class Closed(Exception):
    """The other end is gone."""


class Channel:
    """One end of a socket pair; what cannot be sent at once waits in memory.

    Messages are pickled, which is safe between processes of one user made by one parent.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._incoming = bytearray()
        self._outgoing = bytearray()

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._socket.fileno()

    @property
    def has_backlog(self) -> bool:
        """Whether something waits to be sent, so that `flush` is due once writable."""
        return bool(self._outgoing)

    def send(self, message: Any) -> None:
        """Send a message, now or with a later `flush`; raises `Closed`."""
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._outgoing += _LENGTH.pack(len(body)) + body
        self.flush()

    def flush(self) -> bool:
        """Send what waits, as far as it goes; whether nothing waits any more. Raises `Closed`."""
        while self._outgoing:
            try:
                sent = self._socket.send(self._outgoing[:_CHUNK])
            except OSError as error:
                if is_shortage(error):  # of room in the socket, too
                    return False
                raise Closed from None
            del self._outgoing[:sent]
        return True

    def receive(self) -> list[Any]:
        """All whole messages that have come; raises `Closed` once there are no more to come."""
        closed = self._fill()
        messages = self._cut()
        if closed and not messages:
            raise Closed
        return messages

    def _fill(self) -> bool:
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                return not is_shortage(error)
            if not data:
                return True
            self._incoming += data
            if len(data) < _CHUNK:
                return False

    def _cut(self) -> list[Any]:
        messages, position = [], 0
        while position + _LENGTH.size <= len(self._incoming):
            (length,) = _LENGTH.unpack_from(self._incoming, position)
            end = position + _LENGTH.size + length
            if end > len(self._incoming):
                break
            messages.append(pickle.loads(self._incoming[position + _LENGTH.size : end]))
            position = end
        del self._incoming[:position]
        return messages

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
