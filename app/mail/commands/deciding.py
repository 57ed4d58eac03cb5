"""What an operator does about letters: hold them back and let them go, try again, decide what no machine may guess."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import audit, db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.text import plain
from app.jobs import leases
from app.jobs.bell import ring
from app.mail import circuit, messages, outbox, queries
from app.mail.commands.handing_over import pause
from app.mail.models import Email, EmailState, MailCircuit, MailPause
from app.mail.outbox import SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def hold(session: Session, transport: str, reason: str = "", *, by: Actor, now: datetime) -> bool:
    """An operator holds back every letter, to stop something from going out; False if they were held back already."""
    only_operators(by)
    words = plain(reason, 400)
    newly = pause(session, transport, words or "No reason was given.", by_whom=by.label, now=now)
    if newly:
        audit.record_all(session, "mail.held", MailPause, by=by, now=now, transport=transport, reason=words)
    return newly


def resume(session: Session, *, by: Actor, now: datetime) -> int:
    """Let letters leave again, at once even where a way out was being left alone; returns how many were held back."""
    only_operators(by)
    lifted = len(session.scalars(sa.delete(MailPause).where(queries.stops_now()).returning(MailPause.id)).all())
    left_alone = circuit.reset(session)
    if lifted:
        audit.record_all(session, "mail.resumed", MailPause, by=by, now=now)
    elif left_alone:
        audit.record_all(session, "mail.tried_now", MailCircuit, by=by, now=now)
    for name in circuit.WAKES:
        ring(session, name)
    return lifted


def retry(session: Session, email_id: int, *, by: Actor, now: datetime) -> Email:
    """Try a failed letter again from its first attempt. An unknown one is not: it may have arrived."""
    row = _to_decide(session, email_id, EmailState.FAILED, "Only a letter that failed can be tried again.", by)
    audit.record(session, "mail.tried_again", row, by=by, now=now)
    return _once_more(session, row, now)


def retry_all(session: Session, *, by: Actor, now: datetime) -> int:
    """Try every failed letter again that anybody has use for; returns how many."""
    only_operators(by)
    fresh = {"state": EmailState.QUEUED, "attempts": 0, "try_after": now, "settled_at": None}
    useful = sa.or_(Email.useless_after.is_(None), Email.useless_after > now)
    failed = sa.update(Email).where(Email.state == EmailState.FAILED, useful).values(fresh).returning(Email.id)
    count = len(session.scalars(failed).all())
    if count:
        audit.record_all(session, "mail.all_tried_again", Email, by=by, now=now, count=count)
        ring(session, SEND)
    return count


def send_again(session: Session, email_id: int, *, though_left: bool = False, by: Actor, now: datetime) -> Email:
    """Send an unknown letter a second time, because a person says so: its reader may get it twice.

    ``though_left`` says that the person saw that another had left it; otherwise that decision stands.
    """
    row = _to_decide(session, email_id, EmailState.UNKNOWN, "Only an unknown letter can be sent again.", by)
    if row.decided_at is not None and not though_left:
        raise Conflict(f"{row.decided_by} left this letter as unknown by now. Open it once more and decide anew.")
    audit.record(session, "mail.sent_again", row, by=by, now=now)
    return _once_more(session, row, now)


def leave(session: Session, email_id: int, *, by: Actor, now: datetime) -> Email:
    """A person settles that an unknown letter stays unsent. It stays unknown: what is decided is not thereby known."""
    row = _to_decide(session, email_id, EmailState.UNKNOWN, "Only an unknown letter can be left.", by)
    if row.decided_at is not None:
        raise Conflict(f"{row.decided_by} left this letter already.")
    row.decided_at, row.decided_by = now, by.label[:300]
    audit.record(session, "mail.left", row, by=by, now=now)
    return row


def take_back(session: Session, email_id: int, *, by: Actor, now: datetime) -> Email:
    """Drop a letter that waits. One that is being handed over cannot be called back."""
    row = _to_decide(session, email_id, EmailState.QUEUED, "Only a letter that waits can be taken back.", by)
    row.state, row.settled_at, row.last_error = EmailState.DROPPED, now, f"{by.label} took it back."[:500]
    leases.release(row)
    audit.record(session, "mail.taken_back", row, by=by, now=now)
    return row


def trial(session: Session, address: str, name: str, *, by: Actor, now: datetime) -> Email:
    """Queue a trial letter, so that an operator sees whether and how mail arrives."""
    only_operators(by)
    try:
        row = outbox.queue(session, messages.trial(address, name), once=f"trial:{address}:{now.isoformat()}", now=now)
    except ValueError as error:
        raise Invalid({"address": str(error)}) from error
    audit.record(session, "mail.trial", row, by=by, now=now)
    return row


def only_operators(by: Actor) -> None:
    """Nobody else may know that there is something to decide."""
    if not by.operator:
        raise NotFound


def _to_decide(session: Session, email_id: int, state: EmailState, otherwise: str, by: Actor) -> Email:
    """The letter, held until the decision is written. The provider's answer may have been faster than the person."""
    only_operators(by)
    row = db.locked(session, Email, email_id)
    if row.state is not state:
        raise Conflict(f"{otherwise} This one is {row.state.value} by now; open it once more.")
    return row


def _once_more(session: Session, row: Email, now: datetime) -> Email:
    """Back to the first attempt, if its reader has use for it.

    The old claim is let go, so that a late answer cannot settle the new attempt.
    """
    if row.is_useless(now):
        raise Conflict("Nobody has use for this letter any more: its link has ended. Its reader can ask for a new one.")
    row.state = EmailState.QUEUED
    row.attempts = 0
    row.try_after = now
    row.settled_at = row.decided_at = row.decided_by = None
    leases.release(row)
    ring(session, SEND)
    return row
