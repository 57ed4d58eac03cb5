"""What an operator does about letters: hold them back and let them go, try again, decide what no machine may guess."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.core.errors import Conflict, Invalid, NotFound
from app.jobs.bell import ring
from app.mail import messages, outbox
from app.mail.commands.handing_over import pause
from app.mail.models import Email, EmailState, MailPause
from app.mail.outbox import SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def hold(session: Session, transport: str, *, by: Actor, now: datetime) -> bool:
    """An operator holds back every letter, to stop something from going out; False if they were held back already."""
    _only_operators(by)
    return pause(session, transport, f"{by.label} stopped it.", now=now)


def resume(session: Session, *, by: Actor) -> None:
    """Let letters leave again."""
    _only_operators(by)
    session.execute(sa.delete(MailPause))
    ring(session, SEND)


def retry(session: Session, email_id: int, *, by: Actor, now: datetime) -> Email:
    """Try a failed letter again from its first attempt. An unknown one is not: it may have arrived."""
    _only_operators(by)
    row = db.locked(session, Email, email_id)
    if row.state is not EmailState.FAILED:
        raise Conflict("Only a letter that failed can be tried again. Open the list once more: its state has changed.")
    row.state = EmailState.QUEUED
    row.attempts = 0
    row.try_after = now
    row.settled_at = None
    ring(session, SEND)
    return row


def retry_all(session: Session, *, by: Actor, now: datetime) -> int:
    """Try every failed letter again; returns how many."""
    _only_operators(by)
    fresh = {"state": EmailState.QUEUED, "attempts": 0, "try_after": now, "settled_at": None}
    failed = sa.update(Email).where(Email.state == EmailState.FAILED).values(fresh).returning(Email.id)
    ring(session, SEND)
    return len(session.scalars(failed).all())


def trial(session: Session, address: str, name: str, *, by: Actor, now: datetime) -> Email:
    """Queue a trial letter, so that an operator sees whether and how mail arrives."""
    _only_operators(by)
    try:
        return outbox.queue(session, messages.trial(address, name), once=f"trial:{address}:{now.isoformat()}", now=now)
    except ValueError as error:
        raise Invalid({"address": str(error)}) from error


def _only_operators(by: Actor) -> None:
    if not by.operator:
        raise NotFound
