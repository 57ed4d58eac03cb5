"""One letter for very many readers: words with holes, and handing a lot of readers over.

Apart from ``jobs`` because such a letter is written once and never row by row; it is the mailings' only door to the
transports.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from markupsafe import escape

from app.mail import jobs, mime, render
from app.mail.message import Message
from app.mail.models import Email
from app.mail.outbox import CATEGORIES
from app.mail.render import Unwritable
from app.mail.sending import patiently
from app.mail.transports import (
    Accepted,
    AccountRefused,
    GiveUp,
    Letter,
    ManyTransport,
    NotAccepted,
    OutcomeUnknown,
    TryAgain,
)
from app.mail.transports.many import Lot, Reader, ReaderRefused, TooMuch, WordsRefused
from app.mail.transports.recalling import RecallTransport

__all__ = [
    "Accepted",
    "AccountRefused",
    "Filling",
    "Form",
    "GiveUp",
    "Letter",
    "Lot",
    "NotAccepted",
    "OutcomeUnknown",
    "Reader",
    "ReaderRefused",
    "RecallTransport",
    "TooMuch",
    "TryAgain",
    "Unwritable",
    "WordsRefused",
    "hand_over",
    "heed",
    "held_back",
    "holes",
    "largest_lot",
    "lot",
    "most_to_risk",
    "not_used",
    "patience",
    "patiently",
    "recalls",
    "submit_many",
    "takes_many",
    "write",
]

# What one reader after the other is handed over in: small, so that a claim never outlives its lease.
ONE_BY_ONE = 50
Holes = Mapping[str, tuple[str, str]]


def holes(names: Iterable[str], *, plain: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """Two tags for each name, one for the bare value and one for HTML; ``plain`` names need no escaping and have one.

    Nobody can guess them, so no reader's own words are ever taken for one. Capitals and digits only, because headings
    of a text part are set in capitals.
    """
    salt = secrets.token_hex(6).upper()
    tags = {name: (f"Z{salt}T{place}Z", f"Z{salt}H{place}Z") for place, name in enumerate(names)}
    return tags | {name: (f"Z{salt}P{place}Z",) * 2 for place, name in enumerate(plain)}


@dataclass(frozen=True, slots=True)
class Form:
    """A letter's words with holes, and what stands in its head. ``unsubscribe_url`` has a hole or is empty."""

    subject: str
    text: str
    html: str
    from_name: str
    reply_to: str
    language: str
    unsubscribe_url: str
    holes: Holes


def write(message: Message, tags: Holes) -> Form:
    """Render the letter once, with the bare tags already in its context. Raises Unwritable."""
    rendered = render.render(message)
    html = rendered.html
    for bare, escaped in tags.values():
        html = html.replace(bare, escaped)
    return Form(
        subject=rendered.subject,
        text=rendered.text,
        html=html,
        from_name=message.from_name,
        reply_to=message.reply_to,
        language=message.language,
        unsubscribe_url=render.url(message.unsubscribe_path) if message.unsubscribe_path else "",
        holes=tags,
    )


class Filling:
    """Fills a form's holes, all in one pass: a value that looks like a tag stays as it is."""

    def __init__(self, form: Form) -> None:
        """Learn the form's tags."""
        self.form = form
        self._names = {tag: (name, place == 1) for name, tags in form.holes.items() for place, tag in enumerate(tags)}

    @cached_property
    def _tag(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._names)) or r"(?!)")

    def fill(self, words: str, values: Mapping[str, str]) -> str:
        """The words with every hole filled."""

        def value(found: re.Match[str]) -> str:
            name, in_html = self._names[found[0]]
            return str(escape(values[name])) if in_html else values[name]

        return self._tag.sub(value, words)

    def letter(self, reader: Reader, attempt: str, message_id: str, *, now: datetime) -> Letter:
        """The letter as one reader gets it. Raises Unwritable for an address that mail cannot carry."""
        form = self.form
        words = render.Rendered(
            subject=self.fill(form.subject, reader.values),
            text=self.fill(form.text, reader.values),
            html=self.fill(form.html, reader.values),
        )
        leave = self.fill(form.unsubscribe_url, reader.values)
        through_us = mime.reply_address(mime.Thread(reader_id=reader.id)) if form.reply_to else ""
        row = Email(
            id=reader.id,
            rank=3,
            to_address=reader.address,
            to_name=reader.name,
            from_name=form.from_name,
            reply_to=through_us or form.reply_to,
            answers_directly=True,
            language=form.language,
            unsubscribe_path=leave.removeprefix(render.house().base_url),
            attachments=[],
        )
        message, raw = mime.written(words, row, message_id, now=now)
        bounces_to = mime.envelope_sender(reader.id, reader=True)
        return Letter(reader.id, attempt, message, raw, CATEGORIES[row.rank], bounces_to)


def new_message_id(reader_id: int) -> str:
    """An id that no single letter has."""
    return f"<m{reader_id:010d}.{secrets.token_hex(8)}@{mime.sender()[1].rpartition('@')[2]}>"


def patience() -> timedelta:
    """How long a claim is held: longer than handing over should take."""
    return jobs.bound().patience


def held_back() -> bool:
    """Whether nothing may be handed over now: an operator or the provider stopped it, or asked to wait."""
    return jobs.held_back()


def most_to_risk() -> int | None:
    """How many readers may be tried at once: one while nobody knows whether anybody is served, else any number."""
    return 1 if jobs.is_careful() else None


def not_used() -> None:
    """There was nothing to hand over, after ``held_back`` had allowed it."""
    jobs.not_used()


def heed(outcome: Accepted | NotAccepted) -> None:
    """Have everything wait, or go on, where an outcome says more than that of one lot. Once it is written down."""
    jobs.heed(outcome)


def submit_many(wanted: Lot) -> Accepted:
    """Hand a lot over in one request. Raises the outcome."""
    many = takes_many()
    if many is None:
        raise RuntimeError("The bound way out takes one reader at a time.")
    return many.submit_many(wanted)


def takes_many() -> ManyTransport | None:
    """The bound way out, if it takes many readers in one request."""
    bound = jobs.bound()
    return bound if isinstance(bound, ManyTransport) else None


def largest_lot() -> int:
    """How many readers a batch may have on the bound way out."""
    many = takes_many()
    return ONE_BY_ONE if many is None else many.most_readers


def recalls() -> RecallTransport | None:
    """The bound way out, if it holds letters for a while and can call them back."""
    bound = jobs.bound()
    return bound if isinstance(bound, RecallTransport) and bound.recall_delay else None


def lot(
    form: Form,
    attempt: str,
    readers: Sequence[Reader],
    *,
    recall_id: str | None = None,
    leaves_at: datetime | None = None,
) -> Lot:
    """Readers of one request with their letter, as the transport takes them.

    With a ``recall_id`` the provider holds it until ``leaves_at``.
    """
    name, address = mime.sender()
    return Lot(
        attempt=attempt,
        from_name=form.from_name or name,
        from_address=address,
        reply_to=form.reply_to,
        subject=form.subject,
        text=form.text,
        html=form.html,
        unsubscribe_url=form.unsubscribe_url,
        holes=form.holes,
        readers=readers,
        recall_id=recall_id if leaves_at is not None else None,
        send_at=None if recall_id is None or leaves_at is None else int(leaves_at.timestamp()),
    )


def hand_over(letter: Letter) -> Accepted:
    """Hand one reader's letter over. Raises the outcome."""
    return jobs.bound().submit(letter)
