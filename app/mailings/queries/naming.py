"""What a mailing is called and where its own page is: the room that sends it says so, for the operator's pages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mailings.models import MailingLetter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Called:
    """A mailing's title and sender, as pages name them; ``href`` is empty where the reader may not see its page."""

    title: str
    sender: str = ""
    href: str = ""


Namer = Callable[["Session", Collection[int], "Actor"], dict[int, Called]]
_NAMERS: list[Namer] = []


def namer(name: Namer) -> Namer:
    """Register what a room calls its mailings; those of other rooms are left out of its answer."""
    _NAMERS.append(name)
    return name


def called(session: Session, mailing_ids: Collection[int], *, by: Actor) -> dict[int, Called]:
    """What each mailing is called; one that no room knows has its subject with its holes named."""
    first = sa.select(MailingLetter).where(MailingLetter.mailing_id.in_(mailing_ids), MailingLetter.variant == 0)
    found = {
        letter.mailing_id: Called(_with_named_holes(letter), letter.from_name) for letter in session.scalars(first)
    }
    for name in _NAMERS:
        found |= name(session, mailing_ids, by)
    return found


def _with_named_holes(letter: MailingLetter) -> str:
    subject = letter.subject
    for name, tags in letter.holes.items():
        subject = subject.replace(tags[0], "{" + name.partition("|")[0] + "}")
    return subject
