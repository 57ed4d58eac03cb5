"""SMTP with any mail server, spoken step by step, because only the step tells whether an outcome is known.

Before the answer to DATA nothing was taken; after it, a lost connection leaves the outcome unknown.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import smtplib
import ssl
import threading
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from app.mail.transports import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain

LATER = timedelta(minutes=1)
AUTHENTICATION = {530, 534, 535, 538}
CLOSING = 421


class SmtpTransport:
    """One connection a thread, kept open between letters. TLS always, except to a server on this machine."""

    name = "smtp"

    def __init__(self, url: str, *, own_host: str, timeout: float = 60, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self.implicit_tls = parts.scheme == "smtps"
        self.port = parts.port or (465 if self.implicit_tls else 587)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.own_host = own_host
        self.timeout = timeout
        self.patience = timedelta(seconds=timeout * 5)
        self.context = context or ssl.create_default_context()
        self._kept = threading.local()

    def submit(self, letter: Letter) -> Accepted:
        """Hand the letter over."""
        server = self._connected()
        try:
            return self._converse(server, letter)
        except NotAccepted as refusal:
            if isinstance(refusal, OutcomeUnknown) or getattr(refusal, "everyone", False):
                self._drop()
            else:
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    server.rset()
            raise

    def _converse(self, server: smtplib.SMTP, letter: Letter) -> Accepted:
        size = int(server.esmtp_features.get("size") or 0)
        if size and len(letter.raw) > size:
            raise GiveUp(f"The letter is larger than the mail server takes ({size} bytes).")
        sender = letter.message["From"].addresses[0].addr_spec
        recipient = letter.message["To"].addresses[0].addr_spec
        try:
            _expect(server.mail(sender), 250)
            _expect(server.rcpt(recipient), 250, 251)
            _expect(server.docmd("DATA"), 354)
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgain(LATER, f"The connection broke before the letter: {_name(error)}", everyone=True) from error
        try:
            server.send(_dotted(letter.raw))
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(f"The connection broke during the letter: {_name(error)}") from error
        _expect((code, answer), 250)
        return Accepted(provider_id=_queue_id(answer))

    def _connected(self) -> smtplib.SMTP:
        """This thread's connection, if the server still holds it, or a new one."""
        kept: smtplib.SMTP | None = getattr(self._kept, "server", None)
        if kept is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if kept.noop()[0] == 250:
                    return kept
            self._drop()
        self._kept.server = self._open()
        server: smtplib.SMTP = self._kept.server
        return server

    def _open(self) -> smtplib.SMTP:
        server: smtplib.SMTP | None = None
        try:
            server = self._dial()
            server.ehlo_or_helo_if_needed()
            if not self.implicit_tls and not _on_this_machine(self.host):
                if not server.has_extn("starttls"):
                    raise AccountRefused("The mail server offers no encryption (STARTTLS).")
                _expect(server.starttls(context=self.context), 220)
                server.ehlo()
            if self.user:
                server.login(self.user, self.password)
        except NotAccepted:
            _close(server)
            raise
        except smtplib.SMTPAuthenticationError as error:
            _close(server)
            said = f"The mail server did not take our password ({error.smtp_code})."
            raise (AccountRefused(said) if error.smtp_code >= 500 else TryAgain(LATER, said, everyone=True)) from error
        except smtplib.SMTPNotSupportedError as error:
            _close(server)
            raise AccountRefused(f"The mail server cannot do what SMTP_URL asks: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            _close(server)
            raise TryAgain(LATER, f"The mail server cannot be reached: {_name(error)}", everyone=True) from error
        return server

    def _dial(self) -> smtplib.SMTP:
        if self.implicit_tls:
            return smtplib.SMTP_SSL(self.host, self.port, self.own_host, timeout=self.timeout, context=self.context)
        return smtplib.SMTP(self.host, self.port, self.own_host, timeout=self.timeout)

    def _drop(self) -> None:
        _close(getattr(self._kept, "server", None))
        self._kept.server = None


def _expect(reply: tuple[int, bytes], *good: int) -> None:
    """Go on with an expected reply; otherwise raise what the code means. Addresses are left out."""
    code, answer = reply
    if code in good:
        return
    said = f"The mail server said {code} " + re.sub(r"\S+@\S+", "…", answer.decode(errors="replace"))
    if code in AUTHENTICATION:
        raise AccountRefused(said)
    if code == CLOSING or code < 0:
        raise TryAgain(LATER, said, everyone=True)
    if 400 <= code < 500:
        raise TryAgain(LATER, said)
    raise GiveUp(said)


def _dotted(raw: bytes) -> bytes:
    """The letter as DATA carries it: lines that begin with a dot get a second one, and a dot alone ends it."""
    body = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", body) + b".\r\n"


def _queue_id(answer: bytes) -> str:
    found = re.search(rb"queued as ([\w.-]+)", answer)
    return found[1].decode() if found else ""


def _close(server: smtplib.SMTP | None) -> None:
    if server is not None:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.close()


def _name(error: Exception) -> str:
    return f"{type(error).__name__} {getattr(error, 'strerror', None) or ''}".strip()


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
