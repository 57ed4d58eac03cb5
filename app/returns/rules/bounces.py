"""Bounces that come by mail: which letter a report speaks of, and whether it came back for good.

Anybody can write a mail that looks like a bounce. So a letter is named only by what a stranger cannot know: our signed
bounce address, or the Message-ID of the letter that the report returns. An address in the report names nobody.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from itertools import islice

from flufl.bounce import all_failures

from app.mail.mime import read_reader_verp, read_verp
from app.returns.models import Cause, Kind
from app.returns.rules.parts import addresses
from app.returns.rules.policy import coded
from app.returns.rules.reading import made_key, without_addresses

# Bytes and line ends that are looked at; the words that matter stand before the returned letter. The parser and those
# who look for words take seconds for a hundred thousand empty lines, which are a small mail.
LARGEST, MOST_LINE_ENDS = 1_000_000, 10_000
OURS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To")
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
MESSAGE_ID = re.compile(r"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s\0]{1,250}>)", re.IGNORECASE | re.MULTILINE)
# What a mail can make the parser and the detectors stumble over; their own logger is silenced in config/logging.py,
# because it would print the mail's words with the whole way there.
TROUBLE = (
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError),
    *(re.error, MessageError),
)
# The parser gives headers with other bytes as objects that several detectors break at; their phrases are all ASCII.
TO_ASCII = bytes(range(128)) + b"?" * 128


class Odd(Exception):
    """A report that nobody here can make out. ``error`` names the kind of trouble, without a word of the mail."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Bounced:
    """What a report by mail says. The letter is the one with ``message_id``, else ``email_id`` or ``reader_id``.

    ``kind`` is BOUNCE (for good), DEFERRED (the server keeps trying) or COMPLAINT (an abuse report).
    """

    key: str
    kind: Kind
    email_id: int | None
    reader_id: int | None
    message_id: str
    cause: Cause | None
    reason: str

    @property
    def permanent(self) -> bool:
        """Whether the letter certainly did not stay in the mailbox."""
        return self.kind is Kind.BOUNCE


def read_bounce(raw: bytes) -> Bounced | None:
    """What a mail reports about a letter of ours, or None for a mail that is no such report.

    It takes up to a second, so it is no work for a transaction. Raises Odd.
    """
    try:
        return _read(raw)
    except RecursionError:  # mails in mails, thousands of levels deep, are nobody's report
        return None
    except TROUBLE as error:
        raise Odd(type(error).__name__) from error


def _read(raw: bytes) -> Bounced | None:
    seen = _beginning(raw)
    message = email.message_from_bytes(seen)
    said = _said(message, seen)
    if said is None:
        return None
    kind, why, reason, formal = said
    addresses = list(_recipients(message))
    letter = next((one for address in addresses if (one := read_verp(address)) is not None), None)
    reader = next((one for address in addresses if (one := read_reader_verp(address)) is not None), None)
    # A mail that only sounds like a bounce may be a person's: it counts only at the address made for bounces.
    message_id = _returned_id(message) if formal else ""
    if letter is None and reader is None and not message_id:
        return None
    return Bounced(made_key(raw.decode("latin-1")), kind, letter, reader, message_id, why, reason)


def _beginning(raw: bytes) -> bytes:
    shown = raw[:LARGEST]
    last = next(islice(re.finditer(rb"[\r\n]", shown), MOST_LINE_ENDS, None), None)
    return shown if last is None else shown[: last.end()]


def _said(message: Message, seen: bytes) -> tuple[Kind, Cause | None, str, bool] | None:
    """The kind of report, its cause and words, and whether it has the form of RFC 3464 or RFC 5965."""
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            return Kind.COMPLAINT, None, "", True
    blocks = list(_recipient_blocks(message))
    for wanted in ("fail", "error", "delay"):
        for block in blocks:
            if _field(block, "Action").casefold().startswith(wanted):
                return _of_block(block, Kind.DEFERRED if wanted == "delay" else Kind.BOUNCE)
    if blocks:
        return None
    temporary, permanent = all_failures(email.message_from_bytes(seen.translate(TO_ASCII)))
    if permanent:
        words = _words(message)
        return Kind.BOUNCE, coded(words) or Cause.UNCLEAR, without_addresses(words)[:300], False
    return (Kind.DEFERRED, None, "", False) if temporary else None


def _of_block(block: Message, kind: Kind) -> tuple[Kind, Cause | None, str, bool]:
    status, words = _field(block, "Status"), _field(block, "Diagnostic-Code")
    reason = without_addresses(f"{status} {words.partition(';')[2] or words}".strip())
    why = (coded(status) or coded(words) or Cause.UNCLEAR) if kind is Kind.BOUNCE else None
    return kind, why, reason, True


def _recipient_blocks(message: Message) -> Iterator[Message]:
    """The groups of fields about one recipient each in a delivery report."""
    for part in message.walk():
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            payload = part.get_payload()
            for block in payload if isinstance(payload, list) else []:
                if isinstance(block, Message) and block["Action"] is not None:
                    yield block


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())[:2_000]


def _recipients(message: Message) -> Iterator[str]:
    values = [str(value)[:2_000] for name in OURS for value in message.get_all(name, [])]
    for value in values:
        for _, address in addresses(value):
            yield address


def _returned_id(message: Message) -> str:
    """The Message-ID of the letter that the report returns, whole or only its headers."""
    for part in message.walk():
        if part.get_content_type() not in RETURNED:
            continue
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        text = f"Message-ID: {inner['Message-ID']}" if isinstance(inner, Message) else _text(part)
        found = MESSAGE_ID.search(text)
        if found:
            return found[1]
    return ""


def _words(message: Message) -> str:
    texts = (_text(part) for part in message.walk() if part.get_content_type() == "text/plain")
    return next(texts, "")


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[:20_000].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
