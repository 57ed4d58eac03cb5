"""Many readers in one SendGrid request: one letter with substitutions, a personalization a reader.

Apart from ``sendgrid`` because a refusal here is about a thousand people: what must be found out is which of them it
means, and whether it means the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import escape

from app.mail.transports import GiveUp

# What a request carries beside the values: the bound that SendGrid sets, less a reserve for what json adds.
SIZE_LIMIT = 28_000_000
OF_A_READER = re.compile(r"personalizations\.(\d+)\b")


class ReaderRefused(GiveUp):
    """One reader of the lot cannot be written to; nobody of the lot was taken. ``place`` is where they stand in it."""

    def __init__(self, place: int, reason: str) -> None:
        """Keep the place."""
        super().__init__(reason)
        self.place = place


class WordsRefused(GiveUp):
    """The provider named a part that all readers share, so no reader will ever get it as it is."""


class TooMuch(GiveUp):
    """The lot is larger than the provider takes, or it was refused without a word why: half of it may go."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader: the row's id, the address, and a value for each hole."""

    id: int
    address: str
    name: str
    values: Mapping[str, str]
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """Up to ``most_readers`` readers of one letter. ``attempt`` comes back in every event about it."""

    attempt: str
    from_name: str
    from_address: str
    reply_to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str
    holes: Mapping[str, tuple[str, str]]
    readers: Sequence[Reader]
    send_at: int | None = None
    recall_id: str | None = None
    shared: Mapping[str, Any] = field(default_factory=dict)


def person(name: str, address: str) -> dict[str, str]:
    """An address; SendGrid refuses a name with a semicolon or a comma."""
    kept = " ".join(name.replace(";", " ").replace(",", " ").split())
    return {"email": address, "name": kept} if kept else {"email": address}


def body(lot: Lot) -> dict[str, Any]:
    """The request for a lot, as plain dicts."""
    in_link = [(name, bare) for name, (bare, _) in lot.holes.items() if bare in lot.unsubscribe_url]
    wanted: dict[str, Any] = {
        "personalizations": [_one(lot, reader, in_link) for reader in lot.readers],
        "from": person(lot.from_name, lot.from_address),
        "subject": lot.subject,
        "content": [
            {"type": kind, "value": words}
            for kind, words in (("text/plain", lot.text), ("text/html", lot.html))
            if words
        ],
        **lot.shared,
    }
    if lot.reply_to:
        wanted["reply_to"] = person(lot.from_name, lot.reply_to)
    if lot.recall_id:
        wanted["batch_id"] = lot.recall_id
        wanted["send_at"] = lot.send_at
    return wanted


def _one(lot: Lot, reader: Reader, in_link: Sequence[tuple[str, str]]) -> dict[str, Any]:
    values: dict[str, str] = {}
    for name, (bare, escaped) in lot.holes.items():
        values[bare] = value = reader.values[name]
        if escaped != bare:
            values[escaped] = str(escape(value))
    wanted: dict[str, Any] = {
        "to": [person(reader.name, reader.address)],
        "substitutions": values,
        "custom_args": {"undersigned_reader": str(reader.id), "undersigned_attempt": lot.attempt},
    }
    leave = lot.unsubscribe_url
    if leave:
        for name, bare in in_link:
            leave = leave.replace(bare, reader.values[name])
        wanted["headers"] = {"List-Unsubscribe": f"<{leave}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return wanted


def size(lot: Lot) -> int:
    """About how many bytes the request has, without writing it."""
    values = sum(
        300 + 2 * sum(map(len, reader.values.values())) + len(reader.address) + len(reader.name) + 60 * len(lot.holes)
        for reader in lot.readers
    )
    return 2 * (len(lot.text.encode()) + len(lot.html.encode())) + values


def refused(status: int, fields: Sequence[str], reason: str, *, readers: int) -> GiveUp:
    """What a 400, 413 or 415 says of a lot: which reader, or the words, or that nobody was named."""
    for named in fields:
        found = OF_A_READER.match(named)
        if found and int(found[1]) < readers:
            return ReaderRefused(int(found[1]), reason)
    if status == 415 or any(named and not named.startswith("personalizations") for named in fields):
        return WordsRefused(reason)
    return TooMuch(reason) if readers > 1 else ReaderRefused(0, reason)
