"""Beginning a mailing, copying its readers from table to table, and holding, letting go and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs.bell import ring
from app.mailings import queries, rules
from app.mailings.commands.recalling import wish_back
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingLetter, MailingReader, MailingState
from app.mailings.rules import SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mail.mass import Form


def begin(session: Session, *, stream: str, template: str, per_hour: int | None = None, now: datetime) -> Mailing:
    """A mailing without readers yet; nothing leaves before readers are added."""
    row = Mailing(stream=stream, template=template, per_hour=per_hour, next_at=now, created_at=now)
    return db.add(session, row)


def keep_letter(session: Session, mailing: Mailing, form: Form, *, variant: int = 0) -> MailingLetter:
    """Keep the words as they will leave. Once kept they never change."""
    row = MailingLetter(
        mailing_id=mailing.id,
        variant=variant,
        subject=form.subject,
        text=form.text,
        html=form.html,
        from_name=form.from_name,
        reply_to=form.reply_to,
        unsubscribe_url=form.unsubscribe_url,
        language=form.language,
        holes={name: list(tags) for name, tags in form.holes.items()},
    )
    return db.add(session, row)


def add_readers(
    session: Session,
    mailing: Mailing,
    readers: sa.Select[int, str, str, str],
    *,
    size: int,
    variant: int = 0,
    not_before: datetime,
    not_after: datetime | None = None,
) -> int:
    """Copy readers into the mailing, ``size`` to a batch; returns how many came.

    ``readers`` gives (key, address, canonical address, name) of a lot that one transaction can hold. Who is in
    already is not added again. A lot begins a batch of its own.
    """
    first = mailing.batches + 1
    chosen = readers.subquery()
    key, address, canonical, name = chosen.c
    batch = (sa.func.row_number().over(order_by=key) - 1) // sa.literal(size) + first
    same = (sa.literal(mailing.id), sa.literal(value=False), sa.literal(""))
    # SQLite takes an ON right after a table's name for a join; a WHERE keeps them apart.
    rows = sa.select(same[0], key, batch, address, canonical, name, *same[1:]).where(sa.true())
    columns = ["mailing_id", "reader_key", "batch_number", "address", "canonical", "name", "submitting", "reason"]
    session.execute(
        db.insert_for(session)(MailingReader)
        .from_select(columns, rows)
        .on_conflict_do_nothing(index_elements=["mailing_id", "reader_key"])
    )
    lots = queries.sizes_from(session, mailing.id, first)
    if lots:
        times = {"try_after": not_before, "not_after": not_after}
        _add_batches(session, mailing, lots, {"variant": variant, **times})
    return sum(count for _, count in lots)


def _add_batches(session: Session, mailing: Mailing, lots: list[tuple[int, int]], same: dict[str, object]) -> None:
    rows = [{**same, "mailing_id": mailing.id, "number": number, "size": count} for number, count in lots]
    session.execute(sa.insert(MailingBatch), rows)
    mailing.batches = max(number for number, _ in lots)
    mailing.planned += sum(count for _, count in lots)
    session.flush()
    ring(session, SEND)


def nobody_else(session: Session, mailing: Mailing) -> None:
    """Say that every reader has been added, so that the mailing can come to its end."""
    mailing.planning = False
    session.flush()


def pause(session: Session, mailing_id: int, *, reason: str = "", held: bool = False) -> Mailing:
    """Let no further batch leave until it is resumed. What has been handed over is out of our hands."""
    mailing = db.locked(session, Mailing, mailing_id)
    if mailing.state is MailingState.GOING:
        mailing.state = MailingState.HELD if held else MailingState.PAUSED
        mailing.reason = reason[:500]
    return mailing


def resume(session: Session, mailing_id: int, *, now: datetime) -> Mailing:
    """Go on where it was held: nobody twice, nobody left out."""
    mailing = db.locked(session, Mailing, mailing_id)
    if mailing.state in {MailingState.PAUSED, MailingState.HELD}:
        _go_on(session, mailing, now=now)
    return mailing


def _go_on(session: Session, mailing: Mailing, *, now: datetime) -> None:
    mailing.state, mailing.reason, mailing.refused_in_a_row = MailingState.GOING, "", 0
    mailing.next_at = now
    _change_waiting(session, mailing.id, MailingBatch.attempts > 0, try_after=now, attempts=0)
    ring(session, SEND)


def decide_late(session: Session, mailing_id: int, most: int, *, send: bool, now: datetime) -> int:
    """A person decides of batches whose hour has passed: they leave now, or never. Returns how many readers they hold.

    ``most`` is the number that was shown; for more than that nothing is changed.
    """
    mailing = db.locked(session, Mailing, mailing_id)
    number = sum(count for _, count in queries.late(session, mailing, now=now))
    if mailing.state is not MailingState.LATE or number > most:
        return number
    which = queries.is_late(mailing, now)
    if send:
        _change_waiting(session, mailing_id, which, not_after=None)
    else:
        _change_waiting(session, mailing_id, which, state=BatchState.DROPPED, lease_token=None, leased_until=None)
    _go_on(session, mailing, now=now)
    return number


def stop(session: Session, mailing_id: int, *, now: datetime) -> Mailing:
    """Stop for good. Batches not yet handed over are dropped at once; a batch on its way right now is the last.

    What the provider holds is called back by the worker, as far as it is not too late.
    """
    mailing = db.locked(session, Mailing, mailing_id)
    rules.must_be_stoppable(mailing)
    mailing.state = MailingState.STOPPED
    mailing.planning = False
    mailing.finished_at = now
    wish_back(session, mailing, now=now)
    _change_waiting(session, mailing_id, state=BatchState.DROPPED, lease_token=None, leased_until=None)
    return mailing


def _change_waiting(session: Session, mailing_id: int, *which: sa.ColumnElement[bool], **values: object) -> None:
    """Change batches that wait. One that a worker has hold of is passed over: it asks the mailing before it leaves."""
    waiting = sa.select(MailingBatch.id).where(
        MailingBatch.mailing_id == mailing_id, MailingBatch.state == BatchState.QUEUED, *which
    )
    idents = list(session.scalars(waiting.with_for_update(skip_locked=True)))
    for start in range(0, len(idents), 500):
        some = MailingBatch.id.in_(idents[start : start + 500])
        changed = sa.update(MailingBatch).where(some).values(values)
        session.execute(changed.execution_options(synchronize_session=False))


def finish_if_done(session: Session, mailing_id: int, *, now: datetime) -> bool:
    """Call it done once every reader is planned, no batch waits or is on its way, and nothing can be called back."""
    mailing = db.locked(session, Mailing, mailing_id)
    if mailing.planning or mailing.state is not MailingState.GOING or queries.is_open(session, mailing_id):
        return False
    if queries.can_be_called_back(session, mailing_id, now=now):
        return False
    mailing.state = MailingState.DONE
    mailing.finished_at = now
    return True
