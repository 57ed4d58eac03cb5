"""Batches whose hour has passed by more than was allowed; a person decides whether they still leave."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.mailings.models import BatchState, Mailing, MailingBatch
from app.mailings.rules import APART

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def is_late(mailing: Mailing, now: datetime) -> sa.ColumnElement[bool]:
    """The condition on a mailing's waiting batches that they must not leave any more.

    Where a speed was chosen, those that share an hour leave one after the other for as long as that takes, and only
    the first of them must not be late. Without one, all of them could have left by then.
    """
    waits = (MailingBatch.mailing_id == mailing.id, MailingBatch.state == BatchState.QUEUED)
    passed = sa.and_(*waits, MailingBatch.not_after < now)
    if mailing.per_hour is None:
        return passed
    earlier = aliased(MailingBatch)
    begun = sa.exists().where(
        earlier.mailing_id == mailing.id,
        earlier.not_after == MailingBatch.not_after,
        # A try that was certainly not taken is no beginning, nor is a batch of which nobody was left.
        sa.or_(
            earlier.accepted_at.is_not(None),
            earlier.accepted + earlier.delivered + earlier.bounced + earlier.unknown > 0,
            earlier.state.in_([BatchState.SUBMITTING, BatchState.UNKNOWN]),
        ),
    )
    return sa.and_(passed, ~begun)


def is_too_late(session: Session, mailing: Mailing, batch: MailingBatch, *, now: datetime) -> bool:
    """Whether this batch must not leave any more."""
    if batch.not_after is None or batch.not_after >= now:
        return False
    found = sa.select(MailingBatch.id).where(MailingBatch.id == batch.id, is_late(mailing, now))
    return session.scalar(found) is not None


def late(session: Session, mailing: Mailing, *, now: datetime) -> list[tuple[datetime, int]]:
    """When it became too late, and for how many readers; the earliest first."""
    apart = [getattr(MailingBatch, state.value) for state in APART]
    waiting = sa.func.sum(MailingBatch.size - sum(apart))
    query = sa.select(MailingBatch.not_after, waiting).where(is_late(mailing, now)).group_by(MailingBatch.not_after)
    return [(at, int(number)) for at, number in session.execute(query.order_by(MailingBatch.not_after))]
