"""A letter as a feature writes it: to whom, which template with which words, and what must hold about sending it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any


class Priority(Enum):
    """What leaves first."""

    CONFIRMATION = "confirmation"
    RECEIPT = "receipt"
    TARGET = "target"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a letter: the bytes live in a ``Document`` or other row and are copied into the letter's own rows."""

    filename: str
    mimetype: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One letter to one address.

    ``template`` names ``templates/<template>.txt`` and ``.html`` (``petitions/mail/confirm``); ``context`` is plain
    JSON: words, numbers, and paths of this site (``"confirm_path": "/confirm/…"``), which the templates turn into
    addresses with ``url(path)``. ``repeatable`` says whether sending twice is better than perhaps not at all:
    true for confirmations and receipts, false for letters to targets and updates.
    ``stream`` names what the letter belongs to (``updates:7`` for organization 7's updates): somebody who left the
    stream gets no letter of it, even if it was queued before they left.
    ``answers_directly``: an answer goes straight to ``reply_to``, even where answers come back through us first; for
    a letter that carries somebody else's answer.
    ``demo`` says that the coalition is a demonstration: both layouts then say it first, as its pages do.
    ``useless_after`` is when nobody has use for it any more, because its link ends or nobody waits for it: if it could
    not leave by then, it is given up.
    ``unsubscribe_path`` makes the letter carry one-click unsubscribe headers (RFC 8058); only updates have it.
    """

    to: str
    to_name: str
    template: str
    context: dict[str, Any]
    priority: Priority
    from_name: str = ""
    reply_to: str = ""
    answers_directly: bool = False
    repeatable: bool = True
    stream: str = ""
    unsubscribe_path: str = ""
    language: str = "en"
    demo: bool = False
    attachments: tuple[Attachment, ...] = field(default=())
    keep_bytes: bool = False
    ignores_suppression: bool = False
    useless_after: datetime | None = None
