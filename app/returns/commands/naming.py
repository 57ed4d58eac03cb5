"""Late bounces carry no marks of ours: each is given the letter to its address that it most likely speaks of, or none.

That is the latest that left before it and has not come back yet. The address as it was written counts for more than
the mailbox it stands for: ``clerk+permits@`` and ``clerk@`` may be two letters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail.models import Email, EmailState
from app.mailings.queries import handed_over_to
from app.returns.models import Kind, MailEvent
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WINDOW = timedelta(days=7)  # a letter that left longer ago is not what a report without a name speaks of
CLOCKS_DIFFER = timedelta(minutes=10)
NEVER_LEFT = (EmailState.QUEUED, EmailState.FAILED, EmailState.DROPPED)
LOT = 2_000
# A single letter, or a mailing's to one reader: the id of one of them.
Letter = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Left:
    """A letter that left: when, which, and to the address as it was written."""

    at: datetime
    letter: Letter
    to: str


def name_the_nameless(session: Session, reports: Sequence[Heard], now: datetime) -> list[Heard]:
    """The reports that name a letter, and the others with the letter that they most likely speak of."""
    addresses = sorted({one.address for one in reports if not one.named and one.address})
    left: dict[str, list[Left]] = defaultdict(list)
    back: dict[str, dict[Letter, datetime]] = defaultdict(dict)
    for start in range(0, len(addresses), LOT):
        some = addresses[start : start + LOT]
        _look_up(session, some, left, now - 2 * WINDOW)
        _came_back(session, some, back, now - 2 * WINDOW)
    named: list[Heard] = []
    for one in reports:
        if one.named:
            named.append(one)
            continue
        letter = _meant(one, left.get(one.address, []), back[one.address])
        if letter is not None:
            back[one.address][letter] = one.at
            named.append(replace(one, proven=True, email_id=letter[0], reader_id=letter[1]))
    return named


def _meant(report: Heard, left: Sequence[Left], back: dict[Letter, datetime]) -> Letter | None:
    """The letter a report speaks of. A report of the same moment is the same report under another key."""
    before = [one for one in left if report.at - WINDOW < one.at <= report.at + CLOCKS_DIFFER]
    repeated = [one for one in before if back.get(one.letter) == report.at]
    waiting = [one for one in before if one.letter not in back]
    for some in (repeated, waiting, before):
        exact = [one for one in some if one.to == report.written]
        if some:
            return max(exact or some, key=lambda one: (one.at, one.letter[0] or 0, one.letter[1] or 0)).letter
    return None


def _look_up(session: Session, addresses: Sequence[str], left: dict[str, list[Left]], since: datetime) -> None:
    moment = sa.func.coalesce(Email.accepted_at, Email.settled_at, Email.created_at, type_=Email.created_at.type)
    query = sa.select(Email.to_canonical, Email.to_address, moment, Email.id).where(
        Email.to_canonical.in_(addresses), Email.state.not_in(NEVER_LEFT), moment > since
    )
    for address, to, at, ident in session.execute(query):
        left[address].append(Left(at, (ident, None), to.lower()))
    for address, to, at, ident in handed_over_to(session, addresses, since=since):
        left[address].append(Left(at, (None, ident), to.lower()))


def _came_back(
    session: Session, addresses: Sequence[str], back: dict[str, dict[Letter, datetime]], since: datetime
) -> None:
    query = sa.select(MailEvent.address, MailEvent.at, MailEvent.email_id, MailEvent.reader_id)
    query = query.where(MailEvent.address.in_(addresses), MailEvent.kind == Kind.BOUNCE, MailEvent.at > since)
    for address, at, email_id, reader_id in session.execute(query):
        back[str(address)][email_id, reader_id] = at
