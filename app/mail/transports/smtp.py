"""SMTP with any mail server, spoken step by step, because only the step tells whether an outcome is known.

Before the answer to DATA nothing was taken; after it, a lost connection leaves the outcome unknown. Each letter has
one recipient, so the answers about it are the answers about that recipient.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from datetime import timedelta

from app.mail.transports import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain
from app.mail.transports.deadlines import LOOKUP_SECONDS, Deadline
from app.mail.transports.smtp_lines import LATER, Line, Lines, called, hang_up

AUTHENTICATION = {530, 534, 535, 538}
CLOSING = 421
# How much of a letter's time each part may take at the most, in timeouts. A timeout is for one wait; a server that
# drips its answers byte by byte never lets one run out, and is hung up on after these.
BEFORE = 3  # reaching the server, encrypting, signing in, and saying from whom and to whom
SENDING = 1  # the letter itself
READING = 4  # until a server has looked through it and answers


class _Parted(Exception):
    """A connection that had been kept turned out to be over before it was told of the letter."""


class SmtpTransport:
    """Connections are kept between letters. TLS always, except to a server on this machine."""

    name = "smtp"

    def __init__(self, url: str, *, own_host: str, timeout: float = 30, context: ssl.SSLContext | None = None) -> None:
        self.lines = Lines(url, own_host=own_host, context=context)
        self.timeout = timeout
        # A claim outlives the conversation that it is for: otherwise another worker would call the letter lost while
        # its answer may still come.
        self.patience = timedelta(seconds=timeout * (BEFORE + SENDING + READING) + LOOKUP_SECONDS)

    def submit(self, letter: Letter) -> Accepted:
        """Hand the letter over."""
        deadline = Deadline(self.timeout * BEFORE, step=self.timeout)
        server = self.lines.kept(deadline)
        if server is not None:
            try:
                return self._converse(server, letter, was_kept=True)
            except _Parted:
                hang_up(server)
        return self._converse(self.lines.open(deadline), letter, was_kept=False)

    def close(self) -> None:
        """Leave every connection that is not in use."""
        self.lines.tidy(longer_than=0)

    def _converse(self, server: Line, letter: Letter, *, was_kept: bool) -> Accepted:
        try:
            self._announce(server, letter, was_kept=was_kept)
            accepted = self._deliver(server, letter)
        except NotAccepted as refusal:
            if isinstance(refusal, OutcomeUnknown) or getattr(refusal, "everyone", False) or not _reset(server):
                hang_up(server)
            else:
                self.lines.keep(server)
            raise
        self.lines.keep(server)
        return accepted

    def _announce(self, server: Line, letter: Letter, *, was_kept: bool) -> None:
        """From whom and to whom; nothing of the letter itself."""
        size = int(server.esmtp_features.get("size") or 0)
        if size and len(letter.raw) > size:
            raise GiveUp(f"The letter is larger than the mail server takes ({size} bytes).")
        sender = letter.envelope_sender or letter.message["From"].addresses[0].addr_spec
        try:
            reply = server.mail(sender)
            if was_kept and (reply[0] == CLOSING or reply[0] < 0):
                raise _Parted
            _expect(reply, 250)
            _expect(server.rcpt(letter.message["To"].addresses[0].addr_spec), 250, 251, 252)
            _expect(server.docmd("DATA"), 354)
        except (OSError, smtplib.SMTPException) as error:
            if was_kept:
                raise _Parted from error
            raise TryAgain(LATER, f"The connection broke before the letter: {called(error)}", everyone=True) from error

    def _deliver(self, server: Line, letter: Letter) -> Accepted:
        """The letter. A server may look through it for a while: hanging up on it would make the outcome unknown."""
        try:
            server.allow(Deadline(self.timeout * SENDING))
            server.send(_dotted(letter.raw))
            server.allow(Deadline(self.timeout * READING))
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(f"The connection broke during the letter: {called(error)}") from error
        if code < 0:
            raise OutcomeUnknown("The mail server gave no answer that can be read.")
        _expect((code, answer), 250)
        return Accepted(provider_id=_queue_id(answer))


def _reset(server: Line) -> bool:
    """Forget the letter that was refused, so that the connection can carry another, in what its time has left."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        return server.rset()[0] == 250
    return False


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
