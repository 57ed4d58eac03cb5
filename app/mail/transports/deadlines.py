"""Connections that end in time: whatever their other end does, all waiting on them is over at one moment.

A socket's own timeout is for one operation, so an answer that comes as one byte now and then would hold its thread for
as long as the other end likes.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Looking up a host is the one wait that nothing can end: the system's resolver asks up to three servers, each twice,
# and gives each five seconds. Whoever holds something during a call holds it for so much longer than its deadline.
LOOKUP_SECONDS = 30.0


class Deadline:
    """The moment by which a call is over, so many seconds from now. ``step``: the longest wait for one operation."""

    def __init__(self, seconds: float, *, step: float | None = None) -> None:
        self.until = time.monotonic() + seconds
        self.step = seconds if step is None else step

    def left(self) -> float:
        """How long the next operation may take. Raises TimeoutError once the time is over."""
        left = min(self.step, self.until - time.monotonic())
        if left <= 0:
            message = "The time for this call is over."
            raise TimeoutError(message)
        return left


class Timed(socket.socket):
    """A socket that waits no longer than its deadline leaves. Without one it is like any other."""

    deadline: Deadline | None = None

    def gettimeout(self) -> float | None:
        """What is left, so that encrypting this connection, which asks here, ends in time too."""
        return super().gettimeout() if self.deadline is None else self.deadline.left()

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        """Read what has come; everything that is read comes through here."""
        self._wait()
        return super().recv_into(*arguments, **named)

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send some of it."""
        self._wait()
        return super().send(data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all of it; the system itself counts the time of the whole."""
        self._wait()
        super().sendall(data, flags)

    def _wait(self) -> None:
        if self.deadline is not None:
            self.settimeout(self.deadline.left())


class TimedTls(Timed, ssl.SSLSocket):
    """The same, encrypted. It is made by a context, so its deadline is given to it afterwards."""


def context(trusted: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context whose connections can be given a deadline; without one of the caller's, the system's trust."""
    made = trusted or ssl.create_default_context()
    made.sslsocket_class = TimedTls
    return made


def dial(host: str, port: int, deadline: Deadline) -> Timed:
    """Connect to the first address of a host that answers. Raises OSError."""
    trouble = OSError("The host has no address.")
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made: Timed | None = None
        try:
            made = Timed(family, kind, protocol)
            made.settimeout(deadline.left())
            made.connect(address)
        except OSError as error:
            trouble = error
            if made is not None:
                made.close()
            continue
        made.deadline = deadline
        return made
    raise trouble


def encrypt(plain: Timed, trusted: ssl.SSLContext, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """The same connection, encrypted. Raises OSError, and then the connection is closed."""
    try:
        made = trusted.wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError):
        plain.close()
        raise
    if isinstance(made, TimedTls):
        made.deadline = deadline
    return made
