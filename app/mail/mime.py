"""Letters as bytes.

Apart from ``render`` because words are the same however a letter leaves, and apart from the transports because all
of them hand over this one message, header for header.
"""

from __future__ import annotations

import functools
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from email_validator import EmailNotValidError, validate_email

from app.core import tokens
from app.core.text import plain
from app.mail import render
from app.mail.models import Email

BOUNCES = "bounce+"
SHORT = 76
# Ours, because the library looks through the whole letter for one that occurs nowhere, which takes it long.
BOUNDARIES = ("=_undersigned_words", "=_undersigned_files")
PLAIN = re.compile(r"[\w+-]+(\.[\w+-]+)*@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)
READER = "r"
ENCODED = "=?"  # how an encoded word begins (RFC 2047)
ENDS = set("\r\n\0")
BROKEN = re.compile(r"\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n")  # the end of a header in its middle
UNFOLDED = {"message-id", "list-unsubscribe", "list-unsubscribe-post"}
SHARED = {"content-type", "content-transfer-encoding", "mime-version", "auto-submitted", "list-unsubscribe-post"}
LINES = {"subject", "from", "to", "reply-to", "date", "message-id", "list-unsubscribe"}
REPLY_ADDRESS = re.compile(
    r"r\+(?P<kind>[mu]?)(?P<number>\d{1,18})\.(?P<signature>[0-9a-f]{16})@(?P<domain>\S+)", re.ASCII
)
AUTOMATIC_RANKS = {0, 1}  # confirmations and receipts answer somebody's act; nothing may answer them automatically


def _goes_as_it_is(name: str, value: str) -> bool:
    """Whether there is nothing to encode and nothing to fold. What looks like an encoded word is encoded once more."""
    short = name.lower() in UNFOLDED or len(name) + len(value) < SHORT
    return short and value.isascii() and value.isprintable() and ENCODED not in value


class OwnHeader(str):
    """One of our headers: its words as a person wrote them, with the address they were made of.

    To the library it is a header like its own, and it must never take it for a string: it would decode an encoded word
    that somebody chose for a name, line ends and all, and write those into the letter.
    """

    __slots__ = ("addresses", "name")
    name: str
    addresses: tuple[Address, ...]

    @classmethod
    def of(cls, name: str, value: str | Address) -> OwnHeader:
        """The header. Raises ValueError for words that would end it."""
        line = cls(value)
        if set(line) & ENDS:
            raise ValueError("a header cannot hold the end of a line")
        line.name, line.addresses = name, (value,) if isinstance(value, Address) else ()
        return line


class Policy(EmailPolicy):
    """RFC 5322 with 7-bit bodies, and two headers' worth of mending.

    Identifiers stay on one line, because some readers take a fold for their end. Words beyond ASCII are encoded by
    ``email.header``: the newer code loses a space where an encoded word meets a plain one at a fold.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Take a header in: ours as they are; of the library's, those that most letters share are taken apart once."""
        if name.lower() in LINES:
            return name, OwnHeader.of(name, value)
        if isinstance(value, str) and name.lower() in SHARED:
            return _parsed(name, value)
        return super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        """Write one header as text. Raises ValueError for one that would begin another."""
        if _goes_as_it_is(name, value):
            return f"{name}: {value}{self.linesep}"
        if isinstance(value, OwnHeader):
            folded = f"{name}: {self._written(value)}{self.linesep}"
        else:
            folded = str(super().fold(name, value))
        if BROKEN.search(folded.removesuffix(self.linesep)):
            raise ValueError("a header cannot hold another one")
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Write one header as bytes."""
        return self.fold(name, value).encode("ascii")

    def _written(self, line: OwnHeader) -> str:
        for one in line.addresses:
            named = f"{self._encoded(line.name, one.display_name)} " if one.display_name else ""
            return f"{named}<{one.addr_spec}>"
        if line.isascii() and ENCODED not in line:
            return Header(str(line), "us-ascii", header_name=line.name).encode(linesep=self.linesep)
        return self._encoded(line.name, line)

    def _encoded(self, name: str, words: str) -> str:
        return Header(str(words), "utf-8", header_name=name).encode(linesep=self.linesep)


@functools.lru_cache(maxsize=256)
def _parsed(name: str, value: str) -> tuple[str, Any]:
    return EmailPolicy.header_store_parse(POLICY, name, value)


class Registry(HeaderRegistry):
    """The library makes a class anew for every header of every letter; here once for each kind."""

    @functools.cache  # noqa: B019 - there is one registry, and the kinds of headers are few
    def __getitem__(self, name: str) -> Any:
        """The class of a header."""
        return super().__getitem__(name)


POLICY = Policy(linesep="\r\n", cte_type="7bit", raise_on_defect=False, header_factory=Registry())


def new_message_id(email: Email) -> str:
    """An id on our own domain, made before the letter is handed over, so that a lost answer can be matched."""
    return f"<{email.id:010d}.{secrets.token_hex(8)}@{sender()[1].rpartition('@')[2]}>"


class _Bounces:
    host = ""


def bind_bounces(host: str) -> None:
    """Say once, at the start, at which host bounces are received; empty: nobody reads them by letter."""
    _Bounces.host = host.strip().casefold()


def envelope_sender(email_id: int, *, reader: bool = False) -> str:
    """MAIL FROM of a letter: an address that names it, where somebody receives those; otherwise empty, its From.

    ``reader``: the number is that of a mailing's reader.
    """
    return verp_address(email_id, reader=reader) if _Bounces.host else ""


def _bounce_host() -> str:
    return _Bounces.host or sender()[1].rpartition("@")[2]


def verp_address(email_id: int, *, reader: bool = False) -> str:
    """Where the next server says that a letter could not be delivered: an address that names the letter, signed.

    ``reader``: the number is that of a mailing's reader. The signature keeps strangers from reporting letters as
    undeliverable by counting.
    """
    kind = READER if reader else ""
    return f"{BOUNCES}{kind}{email_id}.{_verp_signature(kind, email_id)}@{_bounce_host()}"


def read_verp(address: str) -> int | None:
    """The single letter that a bounce address names, or None if we did not make it. Servers may change its case."""
    return _read_verp(address, "")


def read_reader_verp(address: str) -> int | None:
    """The mailing's reader that a bounce address names, or None."""
    return _read_verp(address, READER)


def _read_verp(address: str, kind: str) -> int | None:
    local, _, host = address.strip().strip("<>").casefold().rpartition("@")
    named = re.fullmatch(rf"{re.escape(BOUNCES)}{kind}(\d{{1,18}})\.([0-9a-f]{{16}})", local, re.ASCII)
    if named is None or host != _bounce_host().casefold():
        return None
    number = int(named[1])
    return number if hmac.compare_digest(_verp_signature(kind, number), named[2]) else None


def _verp_signature(kind: str, number: int) -> str:
    return tokens.mark("bounce", f"{kind}{number}")[:16]


def sender() -> tuple[str, str]:
    """The platform's name and address."""
    return parseaddr(render.house().mail_from)


@dataclass(frozen=True, slots=True)
class Thread:
    """What an answer belongs to: a single letter, a mailing, or one reader of a mailing."""

    email_id: int | None = None
    mailing_id: int | None = None
    reader_id: int | None = None


def reply_address(thread: Thread) -> str:
    """Where answers to a letter come back to us: signed, so that nobody writes into a thread by guessing its number.

    Empty where this installation takes no answers in.
    """
    domain = render.house().reply_domain
    named = {"": thread.email_id, "u": thread.mailing_id, "m": thread.reader_id}
    number = next(f"{kind}{ident}" for kind, ident in named.items() if ident is not None)
    return f"r+{number}.{_reply_signature(number)}@{domain}" if domain else ""


def read_reply_address(address: str) -> Thread | None:
    """The thread an address of ours belongs to; None for any other address and for a wrong signature."""
    domain = render.house().reply_domain
    found = REPLY_ADDRESS.fullmatch(address.strip().lower())
    if not domain or found is None or found["domain"] != domain:
        return None
    number = found["kind"] + found["number"]
    if not hmac.compare_digest(_reply_signature(number), found["signature"]):
        return None
    kinds = {"": "email_id", "u": "mailing_id", "m": "reader_id"}
    return Thread(**{kinds[found["kind"]]: int(found["number"])})


def _reply_signature(number: str) -> str:
    return tokens.mark("reply", number)[:16]


def answers_to(email: Email) -> str:
    """Where an answer to this letter goes: through us where the installation takes answers in, else straight on."""
    through_us = "" if email.answers_directly else reply_address(Thread(email_id=email.id))
    return through_us or email.reply_to


def build(rendered: render.Rendered, email: Email, message_id: str, *, now: datetime) -> EmailMessage:
    """The whole letter: text before HTML, attachments last. Raises Unwritable as ``written`` does."""
    return written(rendered, email, message_id, now=now)[0]


def written(rendered: render.Rendered, email: Email, message_id: str, *, now: datetime) -> tuple[EmailMessage, bytes]:
    """The whole letter and its bytes.

    Raises Unwritable for an address that mail without SMTPUTF8 cannot carry.
    """
    try:
        message = _build(rendered, email, message_id, now)
        return message, message.as_bytes()
    except (ValueError, LookupError, TypeError, MessageError) as error:
        raise render.Unwritable(f"{type(error).__name__}: {error}") from error


def _build(rendered: render.Rendered, email: Email, message_id: str, now: datetime) -> EmailMessage:
    name, address = sender()
    message = EmailMessage(policy=POLICY)
    message["From"] = _address(email.from_name or name, address)
    message["To"] = _address(email.to_name, email.to_address)
    if email.reply_to:
        message["Reply-To"] = _address(email.from_name, answers_to(email))
    message["Subject"] = plain(rendered.subject, render.SUBJECT_LIMIT)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    if email.unsubscribe_path:
        message["List-Unsubscribe"] = f"<{render.url(email.unsubscribe_path)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if email.rank in AUTOMATIC_RANKS:
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    if rendered.html:
        message.make_alternative(boundary=_boundary(0, rendered))
        message.add_alternative(rendered.html, subtype="html")
    if email.attachments:
        message.make_mixed(boundary=_boundary(1, rendered))
    for file in email.attachments:
        main, _, sub = _mimetype(file.mimetype)
        message.add_attachment(file.body, maintype=main, subtype=sub, filename=filename(file.filename))
    return message


def _boundary(kind: int, rendered: render.Rendered) -> str:
    """What parts the letter's parts: the usual line, unless somebody wrote it into their words to part them anew."""
    usual = BOUNDARIES[kind]
    return f"=_{secrets.token_hex(16)}" if usual in rendered.text or usual in rendered.html else usual


def _address(name: str, address: str) -> Address:
    local, _, host = address.rpartition("@")
    if PLAIN.fullmatch(address):  # nearly every address: nothing to quote, so nothing to take apart first
        return Address(display_name=plain(name, 200), username=local, domain=host)
    return Address(display_name=plain(name, 200), addr_spec=_ascii(address))


def _ascii(address: str) -> str:
    """The address in ASCII: an international domain in its coded form, an international mailbox refused."""
    if address.isascii():
        return address
    try:
        coded = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError:
        coded = None
    if coded is None:
        raise ValueError("the address needs a mail server that takes addresses beyond ASCII")
    return coded


def _mimetype(given: str) -> tuple[str, str, str]:
    known = re.fullmatch(r"(application|audio|font|image|text|video)/[\w.+-]+", given, re.ASCII)
    return (given if known else "application/octet-stream").partition("/")


def filename(given: str) -> str:
    """A name that names a file in nobody's folder but the one it is saved to."""
    return re.sub(r'[/\\:*?"<>|]+', "-", plain(given, 150)).lstrip(".-") or "attachment"
