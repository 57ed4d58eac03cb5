"""A batch on its way: claimed, marked before the call, settled by what the call said.

Every settling is fenced by the attempt's token: whoever lost the claim changes nothing any more. Rows are locked in
one order everywhere, batch, then mailing, then readers; whoever begins at the mailing passes over locked batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs import leases
from app.jobs.bell import ring
from app.mail.mass import Accepted, NotAccepted, OutcomeUnknown, ReaderRefused, TooMuch, TryAgain, WordsRefused
from app.mailings import queries, rules
from app.mailings.commands import attempts
from app.mailings.commands.beginning import pause
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingReader, MailingState, ReaderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HOUR_PASSED = "The hour that was chosen for some readers has passed; who writes for the sender decides."
STOPPED = "The worker stopped while it handed these letters over."


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that is ours to work on until its lease runs out."""

    batch_id: int
    mailing_id: int
    number: int
    variant: int
    token: str


def claim(session: Session, *, lease: timedelta, most: int | None = None, now: datetime) -> Taken | None:
    """Take the next due batch of the mailings that are going, at their speed; None when nothing may leave.

    ``most`` is how many readers may be risked while the way out serves nobody: the others stay in a batch of their own.
    """
    going = sa.select(Mailing.id).where(Mailing.state == MailingState.GOING, Mailing.next_at <= now)
    due = (MailingBatch.state == BatchState.QUEUED, MailingBatch.mailing_id.in_(going))
    order = (MailingBatch.mailing_id, MailingBatch.number)
    rows = leases.claim(session, MailingBatch, *due, order=order, lot=1, lease=lease, now=now)
    if not rows:
        return None
    row = rows[0]
    mailing = db.locked(session, Mailing, row.mailing_id)
    if mailing.state is not MailingState.GOING or mailing.next_at > now:
        _let_go(session, row)
        return None
    if queries.is_too_late(session, mailing, row, now=now):
        mailing.state, mailing.reason = MailingState.LATE, HOUR_PASSED
        _let_go(session, row)
        return None
    _as_slow_as_it_goes(session, mailing, row)
    if most is not None and row.size > most:
        _split(session, row, most)
    mailing.next_at = rules.after(mailing, row.size, now=now)
    return Taken(row.id, row.mailing_id, row.number, row.variant, str(row.lease_token))


def _as_slow_as_it_goes(session: Session, mailing: Mailing, row: MailingBatch) -> None:
    """Halve a batch that was planned for a higher speed, so that a slow mailing is even."""
    most = rules.lot_size(row.size, mailing.per_hour)
    if row.size > most:
        while len(queries.waiting_ids(session, mailing.id, row.number)) > most:
            _halve(session, row)


def _leave_out(session: Session, mailing: Mailing, row: MailingBatch, *, now: datetime) -> set[int]:
    """Whoever left, bounced or complained before this moment is not written to; returns the others."""
    allowed: set[int] = set()
    gone: dict[str, list[int]] = {}
    for ident, reason in queries.waiting_and_why_not(session, mailing, row.number).items():
        if reason is None:
            allowed.add(ident)
        else:
            gone.setdefault(reason, []).append(ident)
    for reason, idents in gone.items():
        out = sa.update(MailingReader).where(MailingReader.id.in_(idents))
        values = {"state": ReaderState.SUPPRESSED, "reason": reason, "changed_at": now}
        session.execute(out.values(values).execution_options(synchronize_session=False))
        row.suppressed += len(idents)
    return allowed


def hand_over(
    session: Session, taken: Taken, *, until: datetime, leaves_at: datetime | None = None, now: datetime
) -> set[int] | None:
    """Write down, before the call, that the batch is being handed over; returns the readers who may be in it.

    None if it must not be. Suppression is asked here and not before: whoever left while the request was written is out.
    ``leaves_at`` is until when the provider holds it. Commit before calling.
    """
    row = leases.held(session, MailingBatch, taken.batch_id, taken.token)
    if row is None or row.state is not BatchState.QUEUED:
        return None
    mailing = session.get(Mailing, row.mailing_id, populate_existing=True)
    if mailing is None or mailing.state is not MailingState.GOING:
        _let_go(session, row)
        return None
    attempts.keep(session, row, next_token=taken.token)
    idents = _leave_out(session, mailing, row, now=now)
    row.state = BatchState.SUBMITTING if idents else BatchState.ACCEPTED
    row.attempt_token = taken.token
    row.submitted_at = now
    row.leaves_at = leaves_at
    row.leased_until = until
    if not idents:
        leases.release(row)
        return None
    return idents


def settle(
    session: Session,
    taken: Taken,
    outcome: Accepted | NotAccepted,
    *,
    refused: int | None = None,
    now: datetime,
) -> BatchState | None:
    """Write down what became of a batch; None if another has it by now. ``refused`` is the one reader it speaks of."""
    row = leases.held(session, MailingBatch, taken.batch_id, taken.token)
    if row is None or row.state not in {BatchState.SUBMITTING, BatchState.UNKNOWN, BatchState.ACCEPTED}:
        return None
    if row.state is BatchState.ACCEPTED:  # a report was faster than the answer and proves more than any answer
        row.provider_id = outcome.provider_id[:255] or None if isinstance(outcome, Accepted) else None
    elif isinstance(outcome, Accepted):
        row.state, row.last_error = BatchState.ACCEPTED, None
        row.provider_id, row.accepted_at = outcome.provider_id[:255] or None, now
        _heard_well(session, row.mailing_id)
        if row.leaves_at is not None:
            _mark_if_called_back(session, row.mailing_id)
    else:
        row.last_error = outcome.reason
        _not_taken(session, row, outcome, refused, now=now)
    leases.release(row)
    return row.state


def _heard_well(session: Session, mailing_id: int) -> None:
    well = sa.update(Mailing).where(Mailing.id == mailing_id, Mailing.refused_in_a_row > 0).values(refused_in_a_row=0)
    session.execute(well.execution_options(synchronize_session=False))


def _mark_if_called_back(session: Session, mailing_id: int) -> None:
    """A batch that the provider took after it was told to send nothing more is called back too."""
    if session.scalar(sa.select(Mailing.recalled_at).where(Mailing.id == mailing_id)) is not None:
        ring(session, rules.CALL_BACK)


def _not_taken(
    session: Session, row: MailingBatch, outcome: NotAccepted, refused: int | None, *, now: datetime
) -> None:
    if row.state is BatchState.UNKNOWN:  # so that its mailing does not end just as this batch comes back
        db.locked(session, Mailing, row.mailing_id)
    match outcome:
        case OutcomeUnknown():
            row.state = BatchState.UNKNOWN
        case TryAgain():
            row.state = BatchState.QUEUED
            row.try_after = now + rules.wait(row.attempts, outcome.after)
        case ReaderRefused() if refused is not None:
            _back(row)
            _without(session, row, refused, outcome.reason, now=now)
        case TooMuch():
            _back(row)
            _halve(session, row)
        case WordsRefused():
            _back(row)
            pause(session, row.mailing_id, reason=outcome.reason, held=True)
        case _:  # the account, or something no batch can help
            _back(row)
    dropped_if_stopped(session, row)


def dropped_if_stopped(session: Session, row: MailingBatch) -> None:
    """A batch that comes back to a mailing that was stopped meanwhile stays away for good.

    One that comes back to a mailing that ended meanwhile, with this batch uncertain, stays that: a person decides.
    """
    mailing = session.get_one(Mailing, row.mailing_id, populate_existing=True)
    if row.state is BatchState.QUEUED and mailing.state is MailingState.STOPPED:
        row.state = BatchState.DROPPED
    elif row.state is BatchState.QUEUED and mailing.state is MailingState.DONE:
        row.state = BatchState.UNKNOWN


def _without(session: Session, row: MailingBatch, refused: int, reason: str, *, now: datetime) -> None:
    """Take the one refused reader out; the rest goes at once."""
    idents = queries.waiting_ids(session, row.mailing_id, row.number)
    reader = session.get_one(MailingReader, refused)
    if reader.state is None:
        reader.state, reader.reason, reader.changed_at = ReaderState.FAILED, reason, now
        row.failed += 1
    if len(idents) > 1:
        return
    mailing = db.locked(session, Mailing, row.mailing_id)
    mailing.refused_in_a_row += 1
    if mailing.refused_in_a_row >= rules.MOST_REFUSED:
        pause(session, mailing.id, reason=f"One reader after the other is refused: {reason}", held=True)


def _halve(session: Session, row: MailingBatch) -> None:
    """Two batches of one, so that what is refused is found in a few requests."""
    _split(session, row, len(queries.waiting_ids(session, row.mailing_id, row.number)) // 2)


def _split(session: Session, row: MailingBatch, keep: int) -> None:
    """Leave ``keep`` waiting readers in the batch and put the others into one of their own."""
    second = sorted(queries.waiting_ids(session, row.mailing_id, row.number))[keep:]
    if not second:
        return
    mailing = db.locked(session, Mailing, row.mailing_id)
    mailing.splits += 1
    twin = MailingBatch(
        mailing_id=mailing.id,
        number=-mailing.splits,
        variant=row.variant,
        size=len(second),
        try_after=row.try_after,
        not_after=row.not_after,
    )
    session.add(twin)
    if mailing.state is MailingState.STOPPED:
        twin.state = BatchState.DROPPED
    elif mailing.state is MailingState.DONE:  # its first half stays uncertain too
        twin.state = BatchState.UNKNOWN
    attempts.pass_on(session, row, twin)
    moved = sa.update(MailingReader).where(MailingReader.id.in_(second)).values(batch_number=twin.number)
    session.execute(moved.execution_options(synchronize_session=False))
    row.size -= len(second)
    session.flush()


def _back(row: MailingBatch) -> None:
    """Put the batch back as if it had not been tried."""
    row.state = BatchState.QUEUED
    row.attempts = max(row.attempts - 1, 0)


def _let_go(session: Session, row: MailingBatch) -> None:
    _back(row)
    dropped_if_stopped(session, row)
    leases.release(row)


def put_back(session: Session, taken: Taken, *, rest: timedelta = timedelta(0), now: datetime) -> None:
    """Let go of a batch that was taken but not worked on; its mailing may be told to rest."""
    row = leases.held(session, MailingBatch, taken.batch_id, taken.token)
    if row is not None and row.state is BatchState.QUEUED:
        _let_go(session, row)
        if rest:
            mailing = db.locked(session, Mailing, row.mailing_id)
            mailing.next_at = max(mailing.next_at, now + rest)


def give_up_the_lost(session: Session, *, now: datetime) -> int:
    """Call batches unknown whose worker died while it handed them over; they may have arrived.

    Where readers go one by one, only the one that was on its way is unknown and the batch goes on; nobody, if a report
    told of them meanwhile. The attempt's token stays: if that worker was only slow, its answer is still taken.
    """
    over = leases.is_free(MailingBatch, now)
    lost = sa.select(MailingBatch).where(MailingBatch.state == BatchState.SUBMITTING, over)
    rows = list(session.scalars(lost.order_by(MailingBatch.id).limit(20).with_for_update(skip_locked=True)))
    for row in rows:
        row.last_error = STOPPED
        on_its_way = queries.on_its_way(session, row.mailing_id, row.number)
        if on_its_way is not None:
            on_its_way.submitting, on_its_way.state, on_its_way.changed_at = False, ReaderState.UNKNOWN, now
            on_its_way.reason = STOPPED
            row.unknown += 1
        elif not queries.went_singly(session, row):
            row.state = BatchState.UNKNOWN
            continue
        row.state = BatchState.QUEUED
        leases.release(row)
        dropped_if_stopped(session, row)
    return len(rows)
