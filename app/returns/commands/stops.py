"""Letting letters go to an address again, settling what the ledger has taken note of, and forgetting a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import StringConstraints

from app.core import audit, db
from app.core.errors import Conflict, NotFound
from app.core.inputs import Input
from app.mail import outbox
from app.mail.models import Suppression
from app.returns.models import MailEvent, Withdrawal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

THEIRS = "This person left one sender. Only they can ask for its letters again, on their own page."


class Lifting(Input):
    """Why letters may go to an address again."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=300)]


def lift(session: Session, suppression_id: int, entry: Lifting, *, by: Actor, now: datetime) -> str:
    """Let every letter go to an address again; returns the address. Leaving one sender is not an operator's to undo.

    Bounces counted so far are forgotten with it, or the next one would stop everything at once.
    """
    if not by.operator:
        raise NotFound
    row = db.locked(session, Suppression, suppression_id)
    if row.stream:
        raise Conflict(THEIRS)
    address = row.address
    audit.record(
        session,
        "suppression.lifted",
        row,
        by=by,
        now=now,
        domain=address.rpartition("@")[2],
        stopped_by=row.reason,
        reason=entry.reason,
    )
    outbox.allow(session, address, stream="")
    _blank(session, address)
    return address


def settle_withdrawal(session: Session, row: Withdrawal, *, now: datetime) -> None:
    """The ledger has its line."""
    row.settled_at = now
    session.flush()


def forget(session: Session, canonical: str) -> None:
    """Erase an address from reports and withdrawals; what stops letters to it is not asked here."""
    session.execute(sa.delete(Withdrawal).where(Withdrawal.address == canonical))
    _blank(session, canonical)


def _blank(session: Session, canonical: str) -> None:
    session.execute(
        sa.update(MailEvent)
        .where(MailEvent.address == canonical)
        .values(address=None)
        .execution_options(synchronize_session=False)
    )
