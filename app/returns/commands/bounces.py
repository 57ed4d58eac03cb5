"""A bounce that arrived as a mail: taken like a report of the provider, if it names a letter of ours."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail.models import Email
from app.returns.commands.hearing import hear
from app.returns.rules.bounces import read_bounce
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def take_bounce(session: Session, raw: bytes, *, now: datetime) -> bool:
    """Take a mail that reports about a letter of ours; False for any other mail, which changes nothing.

    ``raw`` is the whole mail as bytes. True also for a report that was taken before and for one that only says that
    the letter is late: neither is anybody's reply.
    """
    said = read_bounce(raw)
    if said is None:
        return False
    letter = said.email_id
    if letter is None:
        letter = session.scalar(sa.select(Email.id).where(Email.message_id == said.message_id))
    elif session.scalar(sa.select(Email.id).where(Email.id == letter)) is None:
        letter = None
    if letter is None:
        return False
    report = Heard(
        key=said.key, kind=said.kind, at=now, email_id=letter, proven=True, cause=said.cause, reason=said.reason
    )
    hear(session, [report], now=now)
    return True
