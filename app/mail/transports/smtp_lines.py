"""Open connections to one mail server: dialed with TLS, kept a while between letters, and left with QUIT.

Apart from the conversation about a letter, because a connection outlives many of them and no letter's outcome depends
on how it was opened.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import socket
import ssl
import threading
import time
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from app.mail.transports import AccountRefused, NotAccepted, TryAgain, deadlines
from app.mail.transports.deadlines import Deadline, Timed

LATER = timedelta(minutes=1)
IDLE_SECONDS = 10.0  # many servers hang up soon after
ASK_SECONDS = 1.0  # a line that was quiet for longer is asked whether it is still there
LEAVE_SECONDS = 5.0  # for saying goodbye, which nothing depends on


class Line(smtplib.SMTP):
    """One connection. All that is said on it, and all that is waited for, is over by the deadline it was given last.

    ``trusted``: TLS from the first byte on.
    """

    def __init__(
        self, host: str, port: int, own_host: str, deadline: Deadline, *, trusted: ssl.SSLContext | None
    ) -> None:
        self.deadline = deadline
        self._trusted = trusted
        super().__init__(host, port, own_host)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        plain = deadlines.dial(host, port, self.deadline)
        return plain if self._trusted is None else deadlines.encrypt(plain, self._trusted, host, self.deadline)

    def allow(self, deadline: Deadline) -> None:
        """Let what follows take this long."""
        self.deadline = deadline
        if isinstance(self.sock, Timed):
            self.sock.deadline = deadline


class Lines:
    """The connections of a process to one server; a thread borrows one for one letter."""

    def __init__(self, url: str, *, own_host: str, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self.implicit_tls = parts.scheme == "smtps"
        self.port = parts.port or (465 if self.implicit_tls else 587)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.own_host = own_host
        self.context = deadlines.context(context)
        self._lock = threading.Lock()
        self._idle: list[tuple[Line, float]] = []
        self._tidier: threading.Timer | None = None

    def kept(self, deadline: Deadline) -> Line | None:
        """A connection that is open and still answered; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                server, since = self._idle.pop()
            server.allow(deadline)
            if time.monotonic() - since < ASK_SECONDS or _answers(server):
                return server
            hang_up(server)

    def keep(self, server: Line) -> None:
        """Put a connection back that is ready for another letter; it is left after some idle seconds."""
        with self._lock:
            self._idle.append((server, time.monotonic()))
            self._tidy_later()

    def _tidy_later(self) -> None:
        if self._tidier is None:
            self._tidier = threading.Timer(IDLE_SECONDS, self.tidy)
            self._tidier.daemon = True
            self._tidier.start()

    def tidy(self, *, longer_than: float = IDLE_SECONDS) -> None:
        """Leave the connections that nobody used for so long."""
        now = time.monotonic()
        with self._lock:
            old = [server for server, since in self._idle if now - since >= longer_than]
            self._idle = [(server, since) for server, since in self._idle if now - since < longer_than]
            self._tidier = None
            if self._idle:
                self._tidy_later()
        for server in old:
            leave(server)

    def open(self, deadline: Deadline) -> Line:
        """A new connection: encrypted unless the server is this machine, and signed in where the URL has a name."""
        server: Line | None = None
        try:
            trusted = self.context if self.implicit_tls else None
            server = Line(self.host, self.port, self.own_host, deadline, trusted=trusted)
            server.ehlo_or_helo_if_needed()
            if not self.implicit_tls and not on_this_machine(self.host):
                self._encrypt(server)
            if self.user:
                server.login(self.user, self.password)
        except NotAccepted:
            hang_up(server)
            raise
        except smtplib.SMTPAuthenticationError as error:
            hang_up(server)
            said = f"The mail server did not take our password ({error.smtp_code})."
            raise (AccountRefused(said) if error.smtp_code >= 500 else TryAgain(LATER, said, everyone=True)) from error
        except smtplib.SMTPNotSupportedError as error:
            hang_up(server)
            raise AccountRefused(f"The mail server cannot do what SMTP_URL asks: {error}") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # ValueError: an answer that is no SMTP at all, from whatever listens there.
            hang_up(server)
            raise TryAgain(LATER, f"The mail server cannot be reached: {called(error)}", everyone=True) from error
        return server

    def _encrypt(self, server: Line) -> None:
        if not server.has_extn("starttls"):
            raise AccountRefused("The mail server offers no encryption (STARTTLS).")
        code, _answer = server.starttls(context=self.context)
        server.allow(server.deadline)  # it is another socket now
        if code != 220:
            said = f"The mail server offers encryption and then refuses it ({code})."
            raise TryAgain(LATER, said, everyone=True)
        server.ehlo()


def _answers(server: Line) -> bool:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        return server.noop()[0] == 250
    return False


def leave(server: Line) -> None:
    """End a connection as one should."""
    server.allow(Deadline(LEAVE_SECONDS))
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    hang_up(server)


def hang_up(server: Line | None) -> None:
    """End a connection whose other end cannot be trusted to answer."""
    if server is not None:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.close()


def called(error: Exception) -> str:
    """An error in a few words that name nobody."""
    return f"{type(error).__name__} {getattr(error, 'strerror', None) or ''}".strip()


def on_this_machine(host: str) -> bool:
    """Whether what is said to this host leaves no machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
