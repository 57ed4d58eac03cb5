"""What a person decides of letters whose outcome nobody knows, and forgetting a reader who asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs.bell import ring
from app.mailings.commands import attempts
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingReader, MailingState, ReaderState
from app.mailings.rules import DECIDED, SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ERASED = "erased@invalid"


def resend(session: Session, mailing_id: int, *, now: datetime) -> int:
    """Send again to whoever may not have got it: those without evidence in batches of unknown outcome.

    Returns how many. Who has got it after all gets it twice; that is what the person was told and decided.
    """
    # What a person left stays left: it is not sent again with what became uncertain later.
    batches = [one for one in _undecided(session, mailing_id) if one.last_error != DECIDED]
    mailing = db.locked(session, Mailing, mailing_id)
    total = 0
    for batch in batches:
        whole = batch.state is BatchState.UNKNOWN
        unknown = MailingReader.state == ReaderState.UNKNOWN
        which = sa.or_(unknown, MailingReader.state.is_(None)) if whole else unknown
        idents = sa.select(MailingReader.id).where(
            MailingReader.mailing_id == mailing_id, MailingReader.batch_number == batch.number, which
        )
        again = list(session.scalars(idents))
        mailing.splits += 1
        fresh = MailingBatch(
            mailing_id=mailing_id, number=-mailing.splits, variant=batch.variant, size=len(again), try_after=now
        )
        session.add(fresh)
        if whole and not batch.unknown:
            attempts.pass_on(session, batch, fresh)
        moved = sa.update(MailingReader).where(MailingReader.id.in_(again))
        values = {"batch_number": fresh.number, "state": None, "reason": "", "message_id": None, "submitting": False}
        values["attempt_token"] = None  # an answer to the earlier attempt says nothing of the one to come
        session.execute(moved.values(values).execution_options(synchronize_session=False))
        batch.size -= len(again)
        batch.unknown = 0
        if whole:  # otherwise its other readers wait, are on their way or were left out, as the batch says
            batch.state = BatchState.ACCEPTED
        total += len(again)
    if total and mailing.state is MailingState.DONE:
        mailing.state, mailing.finished_at = MailingState.GOING, None
    session.flush()
    ring(session, SEND)
    return total


def settle_for_good(session: Session, mailing_id: int) -> int:
    """Leave the uncertain ones as they are: they stay unknown and are not asked about again. Returns how many."""
    total = 0
    for batch in _undecided(session, mailing_id):
        if batch.last_error != DECIDED:
            batch.last_error = DECIDED
            total += 1
    session.flush()
    return total


def _undecided(session: Session, mailing_id: int) -> list[MailingBatch]:
    query = sa.select(MailingBatch.id).where(
        MailingBatch.mailing_id == mailing_id,
        sa.or_(MailingBatch.state == BatchState.UNKNOWN, MailingBatch.unknown > 0),
    )
    found = [db.locked(session, MailingBatch, ident) for ident in session.scalars(query.order_by(MailingBatch.id))]
    return [one for one in found if one.state is BatchState.UNKNOWN or one.unknown]


def forget(session: Session, stream_prefix: str, reader_key: int, canonical: str, *, now: datetime) -> None:
    """Erase a reader's name and address wherever they stand; a letter that has not left does not leave.

    A batch that is being handed over right now leaves with them; the row holds nothing of them afterwards.
    """
    mine = sa.select(MailingReader.id, MailingBatch.id, MailingReader.state, MailingBatch.state)
    mine = mine.join(
        MailingBatch,
        sa.and_(MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number),
    ).join(Mailing, Mailing.id == MailingReader.mailing_id)
    theirs = mine.where(
        MailingReader.canonical == canonical,
        MailingReader.reader_key == reader_key,
        Mailing.stream.startswith(stream_prefix),
    )
    for ident, batch_id, state, batch_state in session.execute(theirs.order_by(MailingBatch.id)).all():
        values: dict[str, object] = {"address": ERASED, "canonical": ERASED, "name": "", "message_id": None}
        if state is None and batch_state is BatchState.QUEUED:
            values |= {"state": ReaderState.SUPPRESSED, "reason": "erased", "changed_at": now}
            batch = db.locked(session, MailingBatch, batch_id)
            batch.suppressed += 1
        session.execute(sa.update(MailingReader).where(MailingReader.id == ident).values(values))
    session.flush()
