"""A batch whose readers go one by one, because the way out takes one letter at a time.

One transaction settles a reader and marks the next, so that a worker's death leaves exactly one of them uncertain.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.core import db
from app.jobs import leases
from app.jobs.bell import ring
from app.mail.mass import Accepted, AccountRefused, NotAccepted, OutcomeUnknown, TryAgain, new_message_id
from app.mailings import queries, rules
from app.mailings.commands.leaving import Taken, dropped_if_stopped
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingReader, MailingState, ReaderState

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

MOST_ATTEMPTS = 12


def next_reader(
    session: Session, taken: Taken, *, passed_over: Collection[int], until: datetime, now: datetime
) -> MailingReader | None:
    """Mark the next reader as being handed over; None when this round is over. Commit before calling.

    ``passed_over`` were asked to wait in this round. The letter's id is written down for the answer that may be lost.
    """
    row = leases.held(session, MailingBatch, taken.batch_id, taken.token)
    if row is None or row.state not in {BatchState.QUEUED, BatchState.SUBMITTING}:
        return None
    mailing = session.get_one(Mailing, row.mailing_id, populate_existing=True)
    reader = None
    if mailing.state is MailingState.GOING:
        reader = _first_waiting(session, mailing, row, passed_over, now=now)
    if reader is None:
        _round_over(session, mailing, row, now=now)
        return None
    reader.submitting, reader.attempt_token = True, taken.token
    reader.message_id = reader.message_id or new_message_id(reader.id)
    row.state, row.attempt_token, row.submitted_at, row.leased_until = BatchState.SUBMITTING, taken.token, now, until
    session.flush()
    return reader


def _first_waiting(
    session: Session, mailing: Mailing, row: MailingBatch, passed_over: Collection[int], *, now: datetime
) -> MailingReader | None:
    """The next reader who may be written to, asked at this very moment."""
    found = queries.waiting_and_why_not(session, mailing, row.number)
    gone = {ident: reason for ident, reason in found.items() if reason is not None}
    for reader in queries.waiting(session, mailing.id, row.number):
        if reader.id in gone:
            reader.state, reader.reason, reader.changed_at = ReaderState.SUPPRESSED, gone[reader.id], now
            row.suppressed += 1
        elif reader.id not in passed_over:
            return reader
    return None


def _round_over(session: Session, mailing: Mailing, row: MailingBatch, *, now: datetime) -> None:
    session.flush()
    waiting = queries.waiting(session, mailing.id, row.number)
    if not waiting:
        row.state, row.accepted_at = BatchState.ACCEPTED, now
    elif mailing.state is MailingState.STOPPED:
        row.state = BatchState.DROPPED
    elif row.attempts >= MOST_ATTEMPTS and mailing.state is MailingState.GOING:
        for reader in waiting:
            reader.state, reader.reason, reader.changed_at = ReaderState.FAILED, row.last_error or "", now
        row.failed += len(waiting)
        row.state, row.accepted_at = BatchState.ACCEPTED, now
    else:
        row.state, row.try_after = BatchState.QUEUED, now
        if mailing.state is MailingState.GOING:
            row.try_after = now + rules.wait(row.attempts, rules.WAITS[2])
    leases.release(row)


def settle_reader(
    session: Session, taken: Taken, reader_id: int, outcome: Accepted | NotAccepted, *, now: datetime
) -> bool:
    """Write down what became of one reader's letter; whether the round goes on with the next one.

    After the claim ran out, an answer still settles what its own attempt left uncertain, and nothing else.
    """
    row = leases.held(session, MailingBatch, taken.batch_id, taken.token)
    if row is None:
        _settle_late(session, taken, reader_id, outcome, now=now)
        return False
    reader = _locked(session, reader_id)
    if reader is None:
        return False
    reader.submitting = False
    if isinstance(outcome, NotAccepted):
        row.last_error = outcome.reason
    match outcome:
        case TryAgain(everyone=True) | AccountRefused():
            _break_off(session, row, now + getattr(outcome, "after", rules.WAITS[0]))
            return False
        case TryAgain():
            return True
        case Accepted():
            known = ReaderState.ACCEPTED
        case OutcomeUnknown():
            # Perhaps nobody is served: the others wait for the next round, which asks first.
            if rules.moves_on(reader.state, ReaderState.UNKNOWN):
                _known(session, row, reader, ReaderState.UNKNOWN, outcome.reason, now)
            _break_off(session, row, now)
            _done_if_empty(session, row, now=now)
            return False
        case _:
            known = ReaderState.FAILED
    if rules.moves_on(reader.state, known):
        _known(session, row, reader, known, getattr(outcome, "reason", ""), now)
    return True


def _break_off(session: Session, row: MailingBatch, try_after: datetime) -> None:
    """End a round for what is nobody's fault in this batch, so that the attempt does not count against it."""
    row.attempts = max(row.attempts - 1, 0)
    row.state, row.try_after = BatchState.QUEUED, try_after
    dropped_if_stopped(session, row)
    leases.release(row)


def _locked(session: Session, reader_id: int) -> MailingReader | None:
    return session.get(MailingReader, reader_id, with_for_update={"key_share": True}, populate_existing=True)


def _settle_late(
    session: Session, taken: Taken, reader_id: int, outcome: Accepted | NotAccepted, *, now: datetime
) -> None:
    """Take an answer that came after another worker had called the reader uncertain.

    Only while they are still uncertain from this very attempt: not if a report knows more by now, nor if a person had
    it sent again, which is another batch and another attempt. Rows are locked batch, mailing, reader, as everywhere.
    """
    row = session.get(MailingBatch, taken.batch_id, with_for_update=True, populate_existing=True)
    if row is None or isinstance(outcome, OutcomeUnknown):
        return
    waits = isinstance(outcome, TryAgain | AccountRefused)
    mailing = db.locked(session, Mailing, row.mailing_id) if waits else None
    reader = _locked(session, reader_id)
    if (
        reader is None
        or reader.state is not ReaderState.UNKNOWN
        or reader.attempt_token != taken.token
        or reader.batch_number != row.number
    ):
        return
    if mailing is not None and reader.message_id is not None:  # who was erased has none
        _wait_again(session, mailing, row, reader, outcome, now=now)
    elif isinstance(outcome, Accepted):
        _known(session, row, reader, ReaderState.ACCEPTED, "", now)
    else:
        _known(session, row, reader, ReaderState.FAILED, getattr(outcome, "reason", ""), now)


def _wait_again(
    session: Session,
    mailing: Mailing,
    row: MailingBatch,
    reader: MailingReader,
    outcome: Accepted | NotAccepted,
    *,
    now: datetime,
) -> None:
    """Certainly not taken: the reader waits for another try, in a batch of their own.

    Theirs may be in another worker's hands, or be taken as a whole by now. Where a person decided of uncertain letters,
    or the mailing is at its end, nothing is sent any more without being asked for, and they stay as they are.
    """
    if row.last_error == rules.DECIDED or mailing.state is MailingState.DONE:
        return
    mailing.splits += 1
    alone = MailingBatch(
        mailing_id=mailing.id,
        number=-mailing.splits,
        variant=row.variant,
        size=1,
        attempts=row.attempts,
        last_error=getattr(outcome, "reason", None),
        try_after=now + max(getattr(outcome, "after", rules.WAITS[0]), rules.WAITS[2]),
        not_after=row.not_after,
    )
    if mailing.state is MailingState.STOPPED:
        alone.state = BatchState.DROPPED
    session.add(alone)
    row.size -= 1
    row.unknown -= 1
    reader.batch_number, reader.state, reader.reason, reader.changed_at = alone.number, None, "", now
    reader.attempt_token = None
    session.flush()
    ring(session, rules.SEND)


def _done_if_empty(session: Session, row: MailingBatch, *, now: datetime) -> None:
    if row.state is BatchState.QUEUED and not queries.waiting_ids(session, row.mailing_id, row.number):
        row.state, row.accepted_at = BatchState.ACCEPTED, now


def _known(
    session: Session, row: MailingBatch, reader: MailingReader, known: ReaderState, reason: str, now: datetime
) -> None:
    if reader.state is not None:
        setattr(row, reader.state.value, getattr(row, reader.state.value) - 1)
    setattr(row, known.value, getattr(row, known.value) + 1)
    reader.state, reader.reason, reader.changed_at = known, reason, now
    session.flush()
