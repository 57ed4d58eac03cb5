"""A conversation with a mailbox's server in bounded memory and time.

Apart from fetching, because the standard library's client believes the server: it takes what a literal announces, keeps
every line that nobody asked for, and waits as long as a byte comes before each timeout.
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
import time
from typing import Any

# Of one answer's lines together; the numbers of a million unseen mails need 8 MB, in one.
MOST_LINES, LARGEST_LINES = 5_000, 10 * 1024 * 1024
CHUNK = 64 * 1024
# What the client makes of bytes that are no IMAP: numbers of ten thousand digits, letters that are none.
TROUBLE = (imaplib.IMAP4.error, OSError, ValueError)


class Conversation(imaplib.IMAP4):
    """An IMAP connection that ends after ``longest`` seconds in all, and after ``patience`` seconds of silence.

    TLS where a ``context`` is given. Raises TROUBLE for whatever the server does wrong.
    """

    def __init__(
        self, host: str, port: int, *, context: ssl.SSLContext | None, patience: float, longest: float
    ) -> None:
        self.context = context
        self.patience = patience
        self.until = time.monotonic() + longest
        self._came = bytearray()
        self._lines = self._room = self._literals = 0
        self._allow(0)
        super().__init__(host, port, timeout=patience)

    @property
    def seconds_left(self) -> float:
        """How long the conversation may still take."""
        return self.until - time.monotonic()

    def ask(self, *command: str, literals: int = 0) -> list[Any]:
        """The answer to a UID command, whose literals together may have so many bytes."""
        self._allow(literals)
        return expected(self.uid(*command))

    def _allow(self, literals: int) -> None:
        """Forget what nobody asked for, and say how much may come until the next command."""
        self._lines, self._room, self._literals = MOST_LINES, LARGEST_LINES, literals
        if hasattr(self, "untagged_responses"):
            self.untagged_responses.clear()

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect. The client calls this, and the three below, for all that it sends and gets."""
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        if self.context is None:
            self.sock = plain
            return
        with contextlib.ExitStack() as undone:
            undone.callback(plain.close)
            self.sock = self.context.wrap_socket(plain, server_hostname=host)
            undone.pop_all()

    def read(self, size: int) -> bytes:
        """A literal of so many bytes."""
        if size > self._literals:
            raise self.error("the server sends more than was asked for")
        self._literals -= size
        while len(self._came) < size:
            self._more()
        return self._taken(size)

    def readline(self) -> bytes:
        """A line with its end."""
        self._lines -= 1
        if self._lines < 0:
            raise self.error("the server talks without end")
        seen = 0
        while (end := self._came.find(b"\n", seen)) < 0:
            seen = len(self._came)
            if seen > self._room:
                raise self.error("the server's line has no end")
            self._more()
        self._room -= end + 1
        if self._room < 0:
            raise self.error("the server talks without end")
        return self._taken(end + 1)

    def shutdown(self) -> None:
        """Hang up."""
        self.sock.close()

    def _taken(self, size: int) -> bytes:
        found = bytes(memoryview(self._came)[:size])
        del self._came[:size]
        return found

    def _more(self) -> None:
        left = self.seconds_left
        if left <= 0:
            raise TimeoutError("the server takes too long")
        self.sock.settimeout(min(self.patience, left))
        came = self.sock.recv(CHUNK)
        if not came:
            raise self.abort("the server hung up")
        self._came += came


def expected(answer: tuple[str, list[Any]]) -> list[Any]:
    """What came with a command that the server carried out."""
    if answer[0] != "OK":
        raise imaplib.IMAP4.error("the server refused a command")
    return answer[1]
