"""What the compared subjects brought, and whether the sample is still leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast, ComparedSubject, Comparison, Measure
from app.mailings.models import MailingBatch, MailingReader
from app.mailings.queries import is_open
from app.returns.models import Reply, ReplyKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def is_compared(session: Session, code: str) -> bool:
    """Whether a code stands in the links of some subject's letter."""
    return session.scalar(sa.select(ComparedSubject.id).where(ComparedSubject.code == code)) is not None


def _visits(_session: Session, subject: ComparedSubject) -> int:
    return subject.visits


def _replies(session: Session, subject: ComparedSubject) -> int:
    """How many readers who got this subject wrote back themselves."""
    wrote = (
        sa.select(sa.func.count(Reply.reader_id.distinct()))
        .join(MailingReader, MailingReader.id == Reply.reader_id)
        .join(
            MailingBatch,
            sa.and_(
                MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number
            ),
        )
        .join(Broadcast, Broadcast.mailing_id == Reply.mailing_id)
        .join(Comparison, Comparison.broadcast_id == Broadcast.id)
        .where(
            Comparison.id == subject.comparison_id,
            MailingBatch.variant == subject.variant,
            MailingReader.mailing_id == Reply.mailing_id,
            Reply.kind == ReplyKind.HUMAN,
        )
    )
    return session.scalar(wrote) or 0


# How what a subject brought is counted.
COUNTS: dict[Measure, Callable[[Session, ComparedSubject], int]] = {
    Measure.CLICKS: _visits,
    Measure.REPLIES: _replies,
}


def compared(session: Session, comparison: Comparison) -> list[int]:
    """What each subject brought so far, in the order of the subjects."""
    return [COUNTS[comparison.measure](session, one) for one in comparison.subjects]


def sample_is_leaving(session: Session, broadcast: Broadcast) -> bool:
    """Whether a batch of the sample waits or is on its way."""
    return broadcast.mailing_id is not None and is_open(session, broadcast.mailing_id)


def sizes(session: Session, broadcast: Broadcast) -> dict[int, int]:
    """How many readers were planned with each subject."""
    query = sa.select(MailingBatch.variant, sa.func.sum(MailingBatch.size))
    query = query.where(MailingBatch.mailing_id == broadcast.mailing_id).group_by(MailingBatch.variant)
    return {variant: int(number) for variant, number in session.execute(query)}
