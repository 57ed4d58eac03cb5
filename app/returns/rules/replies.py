"""What a reply says: who wrote it and whether a person did, to which of our letters, and which words are new."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from email.message import Message

from app.core.text import canonical_email, plain
from app.returns.rules.parts import HEADER_LIMIT, Part, Parts, addresses, header, taken_apart, words
from app.returns.rules.words import from_html, new_part

TEXT_LIMIT, HTML_LIMIT = 200_000, 400_000  # bytes that are looked at; the new part stands at the top of an answer
MOST_FILES = 30
LARGEST_MAIL = 30 * 1024 * 1024
LARGEST_POST = 32 * 1024 * 1024  # SendGrid takes mail of 30 MB; the rest is the form around it
MOST_REFERENCES = 40
RECIPIENTS = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Cc")
MESSAGE_ID = re.compile(r"<[^<>\s\0]{3,250}>")
# What mail programs that answer by themselves put above their answers. Not all say Auto-Submitted, as they should.
ALWAYS_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mail-Autoreply", "X-Failed-Recipients")
VACATION = re.compile(
    r"(auto(matic|matische)?[- ]?(reply|response|antwort)|out of (the )?office|abwesen(d|heit)|absence *(:|du bureau|$)"
    r"|r[ée]ponse automatique|respuesta autom[áa]tica|resposta autom[áa]tica|risposta automatica|(ال)?رد (ال)?تلقائي)",
    re.IGNORECASE,
)
# How mail programs begin the subject of an answer: English, German, French, Italian, Nordic, Dutch, Polish, Arabic.
ANSWER = re.compile(r"(re|aw|antw|rif|r|sv|vs|odp|ynt|رد|ردّ|回复|答复)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)
MACHINES = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+.-].*)?@", re.IGNORECASE)


class Unreadable(Exception):
    """Bytes that are no mail we can read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the mail server knew beside the mail. ``sender`` is None where it was not told, "" for nobody."""

    sender: str | None = None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file that came along, decoded and not looked at."""

    filename: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail as read. ``automatic`` says why it is no person's answer; "" for a person's.

    ``is_cut`` says that its words or files are not all here, ``is_deep`` that its parts were not all looked at.
    """

    digest: str
    sender_address: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    references: tuple[str, ...]
    automatic: str
    is_bounce: bool
    is_deep: bool
    words: str
    quoted: str
    is_cut: bool
    files: tuple[File, ...]


def read(raw: bytes, envelope: Envelope) -> Incoming:
    """Read a mail. Raises Unreadable for what has neither a sender nor any header of a mail."""
    parts = taken_apart(raw)
    name, address = _sender(parts.head)
    if not parts.head.keys() or not (address or header(parts.head, "Message-ID")):
        raise Unreadable("It has no sender and no headers of a mail.")
    sender = _envelope_sender(parts.head, envelope)
    added, quoted, is_cut = _text(parts)
    files, too_many = _files(parts)
    return Incoming(
        digest=hashlib.sha256(raw).hexdigest(),
        sender_address=address,
        sender_name=name,
        recipients=tuple(dict.fromkeys([*envelope.recipients, *_recipients(parts.head)])),
        subject=words(header(parts.head, "Subject"))[:300],
        message_id=next(iter(_ids(header(parts.head, "Message-ID"))), ""),
        references=_references(parts.head),
        automatic=why_automatic(parts.head, sender, address),
        is_bounce=is_bounce(parts.head, sender, address),
        is_deep=parts.is_cut,
        words=added,
        quoted=quoted,
        is_cut=is_cut or parts.is_cut or too_many,
        files=files,
    )


def why_automatic(head: Message, sender: str | None, address: str) -> str:
    """What gives away that no person wrote this; "" where nothing does. Such mail is never answered or sent on."""
    submitted = header(head, "Auto-Submitted").lower()
    if submitted and not re.match(r"no\s*(;|$)", submitted):
        return f"Auto-Submitted: {submitted[:60]}"
    if header(head, "Precedence").lower() == "auto_reply":
        return "Precedence: auto_reply"
    for name in ALWAYS_AUTOMATIC:
        if head.get(name) is not None:
            return f"It carries {name}."
    if head.get_content_type() == "multipart/report":
        return "It is a report of a mail server."
    if sender == "":
        return "Its envelope names no sender."
    if MACHINES.match(address):
        return "Its address is a machine’s."
    hints = _weak_hints(head)
    return hints[0] if len(hints) > 1 or (hints and not _answers_like_a_person(head)) else ""


def _weak_hints(head: Message) -> list[str]:
    """What machines write, and what a gateway or a list may put on a person's mail as well."""
    found = []
    precedence = header(head, "Precedence").lower()
    if precedence in {"bulk", "junk", "list"}:
        found.append(f"Precedence: {precedence}")
    if header(head, "X-Auto-Response-Suppress").lower() not in {"", "none"}:
        found.append("It carries X-Auto-Response-Suppress.")
    if head.get("List-Id") is not None or head.get("List-Unsubscribe") is not None:
        found.append("It comes from a mailing list.")
    if VACATION.match(words(header(head, "Subject"))):
        found.append("Its subject is a vacation notice’s.")
    return found


def _answers_like_a_person(head: Message) -> bool:
    """Whether it is an answer to a letter, under the letter's subject: machines put words of their own before that."""
    return bool(_references(head)) and ANSWER.match(words(header(head, "Subject"))) is not None


def is_bounce(head: Message, sender: str | None, address: str) -> bool:
    """Whether this says that a letter did not arrive."""
    report = head.get_content_type() == "multipart/report"
    if report and "delivery-status" in header(head, "Content-Type").lower():
        return True
    daemon = address.lower().startswith(("mailer-daemon@", "postmaster@"))
    return head.get("X-Failed-Recipients") is not None or (daemon and sender == "")


def _envelope_sender(head: Message, envelope: Envelope) -> str | None:
    if envelope.sender is not None:
        return envelope.sender
    path = header(head, "Return-Path")
    return path.strip("<> ") if path else None


def _sender(head: Message) -> tuple[str, str]:
    """Name and address of whoever wrote it; an address that is none counts as none."""
    for name, address in addresses(header(head, "From"))[:1]:
        try:
            canonical_email(address)
        except ValueError:
            return "", ""
        shown = words(name)
        return ("" if "@" in shown else shown[:200]), plain(address, 254)
    return "", ""


def _recipients(head: Message) -> list[str]:
    values = [str(value) for name in RECIPIENTS for value in (head.get_all(name) or [])[:5]]
    return [address.lower() for value in values for _, address in addresses(value) if address]


def _ids(value: str) -> list[str]:
    return list(dict.fromkeys(MESSAGE_ID.findall(value)))


def _references(head: Message) -> tuple[str, ...]:
    """What it answers first, then the thread backwards."""
    last = str(head.get("References") or "")[-HEADER_LIMIT:]
    return tuple(dict.fromkeys([*_ids(header(head, "In-Reply-To")), *reversed(_ids(last))]))[:MOST_REFERENCES]


def _text(parts: Parts) -> tuple[str, str, bool]:
    """The new words, the quoted ones, and whether something was cut. Text comes before HTML.

    Apple's program goes on in another part after each picture, so all parts of a kind are one text.
    """
    readable = [part for part in parts.leaves if not part.is_file]
    text, is_long = _together([part for part in readable if part.kind == "text/plain"], TEXT_LIMIT)
    if not text.strip():
        pages, is_long = _together([part for part in readable if part.kind == "text/html"], HTML_LIMIT)
        text = from_html(pages)
    return _cut_or_not(new_part(text), long=is_long)


def _together(parts: list[Part], limit: int) -> tuple[str, bool]:
    texts: list[str] = []
    left = limit
    for part in parts:
        if left <= 0:
            return "\n".join(texts), True
        texts.append(part.text(left))
        left -= len(part.body)
    return "\n".join(texts), left < 0


def _cut_or_not(found: tuple[str, str, bool], *, long: bool) -> tuple[str, str, bool]:
    return found[0], found[1], found[2] or long


def _files(parts: Parts) -> tuple[tuple[File, ...], bool]:
    files = [part for part in parts.leaves if part.is_file]
    kept = tuple(File(_safe(part.filename), part.decoded(len(part.body))) for part in files[:MOST_FILES])
    return kept, len(files) > MOST_FILES


def _safe(name: str) -> str:
    """A name that names a file in nobody's folder but the one it is saved to."""
    return re.sub(r'[/\\:*?"<>|\s]+', "-", plain(name, 150)).lstrip(".-") or "attachment"


def is_nested(raw: bytes) -> bool:
    """Whether mails lie in mails deeper than in any honest report, which holds one."""
    return len(re.findall(rb"(?i)message/", raw[:1_000_000])) > MOST_FILES


def from_post(content_type: str, body: bytes) -> tuple[bytes, Envelope]:
    """The mail inside a provider's post (SendGrid's Inbound Parse, sent raw) and its envelope, byte for byte."""
    fields = _fields(content_type, body)
    if "email" not in fields:
        raise Unreadable("The post holds no whole mail: switch on “POST the raw, full MIME message” at SendGrid.")
    try:
        given = json.loads(fields.get("envelope", b"{}")[:100_000])
        sender, to = given.get("from"), given.get("to") or []
        recipients = tuple(str(one).lower()[:320] for one in to[:100])
    except (ValueError, AttributeError, TypeError, RecursionError):
        return fields["email"], Envelope()
    return fields["email"], Envelope(sender if isinstance(sender, str) else None, recipients)


def _fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields of a form by name, as bytes: a mail has no one character set."""
    outer = Message()
    outer["Content-Type"] = content_type[:500]
    boundary = (outer.get_boundary() or "").encode("ascii", errors="replace")
    if not boundary:
        raise Unreadable("The post is no form.")
    fields: dict[str, bytes] = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:100]:
        head, _, value = piece.partition(b"\r\n\r\n")
        name = re.search(rb'name="([\w-]{1,60})"', head[:1_000])
        if name is not None:
            fields.setdefault(name[1].decode(), value)
    return fields
