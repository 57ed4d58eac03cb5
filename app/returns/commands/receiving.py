"""Keeping mail as it comes, and handing it out to be read; reading is for later, so that its bringer need not wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.core import db
from app.jobs import leases
from app.jobs.bell import ring
from app.returns.models import InboundMail, InboundState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

READ = "returns.read"
LEASE = timedelta(minutes=5)  # the worst mail we know takes seconds
MOST_ATTEMPTS = 3
KEPT_TO_LOOK = 256 * 1024  # of bytes that are no mail: enough to see what they are
DEADLY = "Reading it was begun three times and never ended."


@dataclass(frozen=True, slots=True)
class MailClaim:
    """A mail that is ours to read until its lease runs out."""

    mail_id: int
    token: str


def receive(session: Session, body: bytes, *, source: str, form: str = "", problem: str = "", now: datetime) -> bool:
    """Keep what came, once for each ``source``; False if it was there. With a ``problem`` it is not to be read."""
    row = {
        "source": source,
        "form": form[:300],
        "body": body,
        "size": len(body),
        "state": InboundState.UNREADABLE if problem else InboundState.RECEIVED,
        "problem": problem[:500],
        "received_at": now,
        "try_after": now,
        "settled_at": now if problem else None,
    }
    is_new = db.insert_once(session, InboundMail, [row], unique=["source"]) == 1
    if is_new and not problem:
        ring(session, READ)
    return is_new


def take_mail(session: Session, *, now: datetime) -> MailClaim | None:
    """Take the next mail to read; one whose readers died three times is left for the operator."""
    while rows := leases.claim(
        session,
        InboundMail,
        InboundMail.state == InboundState.RECEIVED,
        order=(InboundMail.id,),
        lot=1,
        lease=LEASE,
        now=now,
    ):
        row = rows[0]
        if row.attempts <= MOST_ATTEMPTS:
            return MailClaim(row.id, str(row.lease_token))
        _set_aside(row, DEADLY, now)
        session.flush()
    return None


def cannot_read(session: Session, claim: MailClaim, problem: str, *, now: datetime) -> None:
    """Write down that a mail cannot be read and why; their beginning stays for the operator."""
    row = leases.held(session, InboundMail, claim.mail_id, claim.token)
    if row is not None:
        row.body = row.body[:KEPT_TO_LOOK]
        _set_aside(row, problem, now)


def _set_aside(row: InboundMail, problem: str, now: datetime) -> None:
    row.state, row.problem, row.settled_at = InboundState.UNREADABLE, problem[:500], now
    leases.release(row)
