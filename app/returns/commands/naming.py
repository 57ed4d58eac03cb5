"""Late bounces carry no marks of ours: each is given the latest letter to its address, or left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail.models import Email, EmailState
from app.mailings.queries import handed_over_to
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WINDOW = timedelta(days=7)  # a letter that left longer ago is not what a report without a name speaks of
CLOCKS_DIFFER = timedelta(minutes=10)
NEVER_LEFT = (EmailState.QUEUED, EmailState.FAILED, EmailState.DROPPED)
LOT = 2_000
# When a letter left, which letter, and whether it is a mailing's.
Left = tuple[datetime, int, bool]


def name_the_nameless(session: Session, reports: Sequence[Heard], now: datetime) -> list[Heard]:
    """The reports that name a letter, and the others with the latest letter that left before them."""
    addresses = sorted({one.address for one in reports if not one.named and one.address})
    left: dict[str, list[Left]] = defaultdict(list)
    for start in range(0, len(addresses), LOT):
        _look_up(session, addresses[start : start + LOT], left, now - 2 * WINDOW)
    named: list[Heard] = []
    for one in reports:
        if one.named:
            named.append(one)
            continue
        before = [found for found in left.get(one.address, []) if _fits(one.at, found[0])]
        if before:
            _, ident, of_mailing = max(before)
            reader, email = (ident, None) if of_mailing else (None, ident)
            named.append(replace(one, proven=True, email_id=email, reader_id=reader))
    return named


def _fits(reported: datetime, left: datetime) -> bool:
    return reported - WINDOW < left <= reported + CLOCKS_DIFFER


def _look_up(session: Session, addresses: Sequence[str], left: dict[str, list[Left]], since: datetime) -> None:
    moment = sa.func.coalesce(Email.accepted_at, Email.settled_at, Email.created_at, type_=Email.created_at.type)
    query = sa.select(Email.to_canonical, moment, Email.id).where(
        Email.to_canonical.in_(addresses), Email.state.not_in(NEVER_LEFT), moment > since
    )
    for address, at, ident in session.execute(query):
        left[address].append((at, ident, False))
    for address, at, ident in handed_over_to(session, addresses, since=since):
        left[address].append((at, ident, True))
