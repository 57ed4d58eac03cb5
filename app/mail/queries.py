"""What is known of letters: for other rooms, operators and monitors."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import defer, selectinload

from app.mail.models import Email, EmailState, MailPause

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WAITING = (EmailState.QUEUED, EmailState.SUBMITTING)
TROUBLED = (EmailState.FAILED, EmailState.UNKNOWN)


def oldest_waiting(session: Session) -> datetime | None:
    """Since when the letter that waits longest has been due; None when none waits. A deferred letter is due later."""
    return session.scalar(sa.select(sa.func.min(Email.try_after)).where(Email.state.in_(WAITING)))


def counts_by_state(session: Session) -> dict[EmailState, int]:
    """How many letters are in each state; every state is there."""
    counts = dict.fromkeys(EmailState, 0)
    for state, count in session.execute(sa.select(Email.state, sa.func.count()).group_by(Email.state)):
        counts[state] = count
    return counts


def pauses(session: Session) -> list[MailPause]:
    """Every stopped transport."""
    return list(session.scalars(sa.select(MailPause).order_by(MailPause.transport)))


def paused(session: Session, transport: str | None = None) -> bool:
    """Whether letters are held back: by this transport, or by any."""
    query = sa.select(MailPause.id)
    if transport is not None:
        query = query.where(MailPause.transport == transport)
    return session.scalar(query.limit(1)) is not None


def troubled(session: Session, *, before: int | None = None, limit: int = 50) -> list[Email]:
    """Letters that failed or whose outcome is unknown, newest first; ``before`` is the id to page from."""
    query = sa.select(Email).where(Email.state.in_(TROUBLED)).order_by(Email.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Email.id < before)
    heavy = (defer(Email.raw), defer(Email.html), defer(Email.text), defer(Email.context))
    return list(session.scalars(query.options(*heavy)))


def with_files(session: Session, ident: int) -> Email | None:
    """A letter and its attachments, loaded so that they can be read after the session ended."""
    email = session.get(Email, ident, options=[selectinload(Email.attachments)], populate_existing=True)
    if email is not None:
        session.expunge(email)
    return email
