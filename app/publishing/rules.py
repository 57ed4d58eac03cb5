"""What a reader is shown: the words without their title said twice, a verdict on words, and what needs somebody now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from app.core.markup import to_blocks
from app.statements.rules import without_title

LONGEST_PASTE = 200_000


def names_its_addressees(title: str, markdown: str) -> bool:
    """Whether the text begins by saying whom it is to, so that the page need not say it again."""
    blocks = to_blocks(without_title(title, markdown))
    if not blocks or blocks[0]["kind"] != "paragraph":
        return False
    return "".join(run["text"] for run in blocks[0]["runs"]).strip().startswith(("To ", "Dear "))


def etag(*parts: object) -> str:
    """One name for one state of a page's content."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:32]


class Found(Enum):
    """What is known of words or a file that somebody holds against the letters here."""

    SAME = "the same text, to the letter"
    SAME_WORDS = "the same words"
    DIFFERENT = "different words"
    DELIVERED = "the very file that was delivered"
    CARRIES = "a file that carries the text"
    NOTHING = "nothing published here"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict and what it rests on. ``parts`` is the way from the letter to the words given."""

    found: Found
    digest: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    title: str = ""
    path: str = ""
    told: str = ""


class Kind(Enum):
    """What waits for somebody, the most binding first."""

    SIGN_ON = "sign-on"
    REVIEW = "review"
    BOUNCE = "bounce"
    REPLY = "reply"
    DISPUTE = "dispute"
    POST = "post office"
    CLOSING = "closing"
    PROMISE = "promise"
    UPDATE = "update"
    SUGGESTION = "suggestion"
    SILENT = "silent"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that needs somebody now, and the one act that settles it."""

    kind: Kind
    title: str
    detail: str
    href: str
    act: str
    zone: str
    due: datetime | None = None


def and_more(names: list[str]) -> str:
    """The first three of some names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def in_order(tasks: list[Task]) -> list[Task]:
    """Deadlines first, the nearest on top; then by how binding the act is."""
    order = list(Kind)
    far = float("inf")
    return sorted(tasks, key=lambda one: (one.due.timestamp() if one.due else far, order.index(one.kind)))
