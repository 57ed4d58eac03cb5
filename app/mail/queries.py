"""What is known of letters: for other rooms, operators and monitors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import defer, selectinload

from app.core.clock import spoken
from app.jobs import leases
from app.mail.models import Email, EmailState, MailCircuit, MailPause

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


def circuits(session: Session) -> list[MailCircuit]:
    """Every transport that nobody tries for a while, because it served nobody several times in a row."""
    query = sa.select(MailCircuit).where(MailCircuit.opened_at.is_not(None))
    return list(session.scalars(query.order_by(MailCircuit.transport)))


def troubles(session: Session, *, now: datetime, zone: str = "UTC") -> list[str]:
    """What holds letters back, in sentences for an operator; empty when nothing does."""
    said = [_said(row, now, zone) for row in circuits(session)]
    return said + [
        f"Held back since {spoken(row.since, zone)} ({row.transport}): {row.reason}" for row in pauses(session)
    ]


def _said(row: MailCircuit, now: datetime, zone: str) -> str:
    since = spoken(row.opened_at or now, zone)
    said = f"No letter leaves by {row.transport} since {since}, after {row.failures} failures in a row: {row.reason}"
    said = said if said.endswith(".") else f"{said}."
    if row.try_at is not None and row.try_at > now:
        seconds = max(1, round((row.try_at - now).total_seconds()))
        return f"{said} One letter tries again in {seconds} s, at {spoken(row.try_at, zone)}; the others follow it."
    if row.probe is not None:
        return f"{said} One letter is trying right now; the others follow it."
    return f"{said} The next letter tries."


def anything_due(session: Session, *, now: datetime) -> bool:
    """Whether a letter could be handed over, or was in the hands of a worker that died. A look that locks nothing."""
    return session.scalar(sa.select(Email.id).where(due(now), leases.is_free(Email, now)).limit(1)) is not None


def due(now: datetime) -> sa.ColumnElement[bool]:
    """Letters whose turn has come, and those in somebody's hands."""
    return sa.or_(
        sa.and_(Email.state == EmailState.QUEUED, Email.try_after <= now), Email.state == EmailState.SUBMITTING
    )


def troubled(session: Session, *, before: int | None = None, limit: int = 50) -> list[Email]:
    """Letters that failed or whose outcome is unknown, newest first; ``before`` is the id to page from."""
    query = sa.select(Email).where(Email.state.in_(TROUBLED)).order_by(Email.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Email.id < before)
    heavy = (defer(Email.raw), defer(Email.html), defer(Email.text), defer(Email.context))
    return list(session.scalars(query.options(*heavy)))


def many_with_files(session: Session, idents: Sequence[int]) -> list[Email]:
    """Letters and their attachments in the order asked for, loaded so that they can be read afterwards."""
    query = sa.select(Email).where(Email.id.in_(idents)).options(selectinload(Email.attachments))
    rows = {row.id: row for row in session.scalars(query)}
    session.expunge_all()
    return [rows[ident] for ident in idents if ident in rows]


def with_files(session: Session, ident: int) -> Email | None:
    """A letter and its attachments, loaded so that they can be read after the session ended."""
    email = session.get(Email, ident, options=[selectinload(Email.attachments)], populate_existing=True)
    if email is not None:
        session.expunge(email)
    return email
