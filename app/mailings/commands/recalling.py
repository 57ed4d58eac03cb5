"""Calling back what the provider holds: named before the first batch, asked for after a stop, and marked once certain.

The provider is asked in no transaction; who died in between asks again, which is harmless. It remembers ten
cancellations at a time, so each is released once all that it stopped is over. A mailing has one name for all of its
batches and is never gone on with after a stop, so nothing new comes under a name that was called back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs.bell import ring, ring_later
from app.mailings import queries, rules
from app.mailings.models import BatchState, Mailing, MailingBatch

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PATIENCE = timedelta(minutes=1)
RELEASING = timedelta(minutes=5)  # longer than the call takes
RELEASED_AGAIN = timedelta(hours=1)
NOTHING_RECALLED = "Too late: nothing could be called back any more."


def keep_recall_id(session: Session, mailing_id: int, recall_id: str) -> str:
    """Keep the provider's name for this mailing; whoever was first has named it. Returns the name that counts."""
    mailing = db.locked(session, Mailing, mailing_id)
    mailing.recall_id = mailing.recall_id or recall_id
    session.flush()
    return mailing.recall_id


def wish_back(session: Session, mailing: Mailing, *, now: datetime) -> None:
    """Have the worker call back what the provider still holds."""
    if mailing.recall_id is not None and mailing.recalled_at is None:
        mailing.recall_due, mailing.recall_error = now, ""
        ring(session, rules.CALL_BACK)


def next_recall(session: Session, *, now: datetime) -> tuple[int, str] | None:
    """The next mailing to call back, ours for a minute: its id and the provider's name for it."""
    query = sa.select(Mailing).where(Mailing.recall_due <= now).order_by(Mailing.recall_due).limit(1)
    mailing = session.scalar(query.with_for_update(skip_locked=True))
    if mailing is None or mailing.recall_id is None:
        return None
    mailing.recall_due = now + PATIENCE
    session.flush()
    return mailing.id, mailing.recall_id


def called_back(session: Session, mailing_id: int, *, since: datetime) -> None:
    """The provider will not send what it holds. ``since`` is when it had said so."""
    mailing = db.locked(session, Mailing, mailing_id)
    if mailing.recalled_at is not None:  # another worker heard it first
        return
    mailing.recalled_at, mailing.recall_due, mailing.recall_error = since, None, ""
    _release_later(session, mailing, now=since)
    session.flush()


def _release_later(session: Session, mailing: Mailing, *, now: datetime) -> None:
    last = queries.last_to_leave(session, mailing.id)
    mailing.release_due = max(now, last or now) + rules.RELEASED_AFTER


def not_called_back(session: Session, mailing_id: int, reason: str, *, again: bool, now: datetime) -> None:
    """The provider did not take it. Asked again while something could still be called back, and then no more."""
    mailing = db.locked(session, Mailing, mailing_id)
    if mailing.recalled_at is not None:
        return
    mailing.recall_error = reason[:500]
    if not queries.can_be_called_back(session, mailing_id, now=now):
        mailing.recall_due, mailing.recall_error = None, f"{NOTHING_RECALLED} {reason}"[:500]
        _release_later(session, mailing, now=now)  # an answer that was lost may have been a yes
    elif again:
        mailing.recall_due = now + PATIENCE / 3
        ring_later(session, rules.CALL_BACK, PATIENCE / 3)  # every minute costs letters that could still be held
    else:
        mailing.recall_due = now + PATIENCE
    session.flush()


def mark_called_back(session: Session, *, now: datetime) -> int:
    """Mark the batches that were called back in time, those too whose answer came after it; returns how many.

    Begins at the batches, as everybody does who changes them; the mailing is only read.
    """
    recent = now - timedelta(days=2)
    recalled = sa.select(Mailing).where(Mailing.recalled_at >= recent).order_by(Mailing.id)
    done = 0
    for mailing in session.scalars(recalled):
        taken = MailingBatch.state.in_([BatchState.ACCEPTED, BatchState.UNKNOWN])
        in_time = MailingBatch.leaves_at >= rules.last_called_back(mailing)
        marked = sa.update(MailingBatch).where(MailingBatch.mailing_id == mailing.id, taken, in_time)
        marked = marked.values(state=BatchState.RECALLED).execution_options(synchronize_session=False)
        done += len(session.execute(marked.returning(MailingBatch.id)).all())
    return done


def next_release(session: Session, *, early: bool = False, now: datetime) -> tuple[int, str] | None:
    """The next mailing whose cancellation the provider may forget, ours for some minutes: its id and its name there.

    Only where all that was ever handed over under that name has been over for a day; ``early``: for an hour. It is
    looked up here again, because a batch may have been on its way when the mailing was called back.
    """
    waited = rules.RELEASED_EARLY if early else rules.RELEASED_AFTER
    due = Mailing.release_due <= now + rules.RELEASED_AFTER - waited
    query = sa.select(Mailing).where(due).order_by(Mailing.release_due, Mailing.id).limit(1)
    while (mailing := session.scalar(query.with_for_update(skip_locked=True))) is not None:
        last = queries.last_to_leave(session, mailing.id)
        if mailing.recall_id is None:
            mailing.release_due = None
        elif last is not None and last + waited > now:
            mailing.release_due = last + rules.RELEASED_AFTER
        elif queries.is_on_its_way(session, mailing.id):
            mailing.release_due = now + rules.RELEASED_AFTER
        else:
            mailing.release_due = now + RELEASING
            session.flush()
            return mailing.id, mailing.recall_id
        session.flush()
    return None


def released(session: Session, mailing_id: int) -> None:
    """The provider has forgotten that this mailing was called back."""
    mailing = db.locked(session, Mailing, mailing_id)
    mailing.release_due = None
    session.flush()


def not_released(session: Session, mailing_id: int, *, again: bool, now: datetime) -> None:
    """The provider did not take it: asked again in an hour, or tomorrow where asking alone will not help."""
    mailing = db.locked(session, Mailing, mailing_id)
    mailing.release_due = now + (RELEASED_AGAIN if again else rules.RELEASED_AFTER)
    session.flush()
