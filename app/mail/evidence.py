"""What else is known of a letter: rooms above the post office say here how their reports about it are read.

The post office must not know who reports (events of a provider, bounces by mail), but its page of a letter shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mail.models import Email


@dataclass(frozen=True, slots=True)
class Evidence:
    """One report about a letter: when it came, who says it, and what it says in a sentence."""

    at: datetime
    source: str
    says: str


Reader = Callable[["Session", "Email"], list[Evidence]]
_READERS: list[Reader] = []


def reader(read: Reader) -> Reader:
    """Register how a room's reports about a letter are read."""
    _READERS.append(read)
    return read


def of(session: Session, email: Email) -> list[Evidence]:
    """Every report about a letter, oldest first."""
    return sorted((one for read in _READERS for one in read(session, email)), key=lambda one: one.at)
