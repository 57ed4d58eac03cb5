"""What the worker does for mailings: one batch at a time in each process, so that single letters keep the threads."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import circuit, mass, mime
from app.mailings import commands, queries
from app.mailings.commands import Taken
from app.mailings.messages import WRITERS
from app.mailings.models import BatchState, Mailing, MailingLetter
from app.mailings.rules import CALL_BACK, SEND

circuit.WAKES.append(SEND)
log = structlog.get_logger()
_ALONE = threading.Lock()


@job(SEND, patient=True)
def send() -> int:
    """Hand one batch over; returns how many batches were worked on, lost ones included."""
    if not _ALONE.acquire(blocking=False):
        return 0
    try:
        return _send()
    finally:
        _ALONE.release()


def _send() -> int:
    if mass.held_back():
        return 0
    now = utc_now()
    with transaction() as session:
        lost = commands.give_up_the_lost(session, now=now)
        taken = commands.claim(session, lease=mass.patience(), most=mass.most_to_risk(), now=now)
    if taken is None:
        mass.not_used()
        return lost
    if mass.takes_many() is None:
        _one_by_one(taken)
    else:
        _all_at_once(taken)
    return lost + 1


@dataclass(frozen=True, slots=True)
class Written:
    """A batch's letter and its readers with their values, ready to be put into a request."""

    form: mass.Form
    readers: list[mass.Reader]
    recall_id: str | None


def _written(taken: Taken) -> Written:
    with reading() as session:
        mailing = session.get_one(Mailing, taken.mailing_id)
        rows = queries.addressed(session, taken.mailing_id, taken.number)
        values = WRITERS[mailing.template](session, mailing, rows, utc_now())
        form = _form(queries.letter(session, taken.mailing_id, taken.variant))
    return Written(
        form,
        [
            mass.Reader(row.id, row.address, row.name, filled, row.message_id)
            for row, filled in zip(rows, values, strict=True)
        ],
        mailing.recall_id,
    )


def _form(row: MailingLetter) -> mass.Form:
    # The provider takes one address for answers for all readers of a request, so it can only name the mailing.
    through_us = mime.reply_address(mime.Thread(mailing_id=row.mailing_id)) if row.reply_to else ""
    return mass.Form(
        subject=row.subject,
        text=row.text,
        html=row.html,
        from_name=row.from_name,
        reply_to=through_us or row.reply_to,
        language=row.language,
        unsubscribe_url=row.unsubscribe_url,
        holes={name: (tags[0], tags[1]) for name, tags in row.holes.items()},
    )


def _all_at_once(taken: Taken) -> None:
    """The whole batch in one request. Nothing is held while it is written and while the provider answers."""
    written = _written(taken)
    try:
        recall_id, delay = _recall(taken, written.recall_id)
    except mass.NotAccepted as refusal:
        _unnamed(taken, refusal)
        return
    with transaction() as session:
        now = utc_now()
        leaves_at = now + delay if recall_id else None
        allowed = commands.hand_over(session, taken, until=now + mass.patience(), leaves_at=leaves_at, now=now)
    if allowed is None:
        mass.not_used()
        return
    readers = [one for one in written.readers if one.id in allowed]
    lot = mass.lot(written.form, taken.token, readers, recall_id=recall_id, leaves_at=leaves_at)
    outcome = _submitted(lot)
    refused = lot.readers[outcome.place].id if isinstance(outcome, mass.ReaderRefused) else None
    state = mass.patiently(lambda: _settled(taken, outcome, refused))
    if isinstance(outcome, mass.NotAccepted):
        known = state.value if state else "another worker's"
        log.warning(
            "batch not accepted", mailing=taken.mailing_id, batch=taken.number, state=known, reason=outcome.reason
        )
    mass.heed(outcome)


def _settled(taken: Taken, outcome: mass.Accepted | mass.NotAccepted, refused: int | None) -> BatchState | None:
    with transaction() as session:
        return commands.settle(session, taken, outcome, refused=refused, now=utc_now())


def _recall(taken: Taken, known: str | None) -> tuple[str | None, timedelta]:
    """The name by which the provider can be told not to send this batch, and how long it holds it. Raises the outcome.

    Named before its first batch and never again, so that one call brings everything back.
    """
    recalls = mass.recalls()
    if recalls is None:
        return None, timedelta(0)
    if known is None:
        named = recalls.new_recall_id()
        with transaction() as session:
            known = commands.keep_recall_id(session, taken.mailing_id, named)
    return known, recalls.recall_delay


def _unnamed(taken: Taken, refusal: mass.NotAccepted) -> None:
    """Nothing leaves that could not be called back as the settings promise."""
    log.warning("no recall id", mailing=taken.mailing_id, reason=refusal.reason)
    rest = refusal.after if isinstance(refusal, mass.TryAgain) else timedelta(minutes=1)
    with transaction() as session:
        commands.put_back(session, taken, rest=rest, now=utc_now())
        if not isinstance(refusal, mass.TryAgain):
            commands.pause(session, taken.mailing_id, reason=refusal.reason, held=True)


def _submitted(lot: mass.Lot) -> mass.Accepted | mass.NotAccepted:
    try:
        return mass.submit_many(lot)
    except mass.NotAccepted as refusal:
        return refusal.kept()


def _one_by_one(taken: Taken) -> None:
    """Reader after reader: each is marked in the transaction that settles the one before."""
    written = _written(taken)
    filling = mass.Filling(written.form)
    readers = {one.id: one for one in written.readers}
    passed_over: set[int] = set()
    reader = _marked(taken, None, None, passed_over)
    while reader is not None:
        outcome = _submitted_singly(filling, readers, reader, taken)
        if isinstance(outcome, mass.TryAgain) and not outcome.everyone:
            passed_over.add(reader[0])
        reader = mass.patiently(functools.partial(_marked, taken, reader, outcome, passed_over))
        if isinstance(outcome, mass.NotAccepted):
            log.warning("reader not accepted", mailing=taken.mailing_id, batch=taken.number, reason=outcome.reason)
        mass.heed(outcome)


def _marked(
    taken: Taken,
    before: tuple[int, str] | None,
    outcome: mass.Accepted | mass.NotAccepted | None,
    passed_over: set[int],
) -> tuple[int, str] | None:
    now: datetime = utc_now()
    with transaction() as session:
        goes_on = (
            before is None or outcome is None or commands.settle_reader(session, taken, before[0], outcome, now=now)
        )
        if not goes_on:
            return None
        row = commands.next_reader(session, taken, passed_over=passed_over, until=now + mass.patience(), now=now)
        return None if row is None else (row.id, str(row.message_id))


def _submitted_singly(
    filling: mass.Filling, readers: dict[int, mass.Reader], marked: tuple[int, str], taken: Taken
) -> mass.Accepted | mass.NotAccepted:
    ident, message_id = marked
    try:
        return mass.hand_over(filling.letter(readers[ident], taken.token, message_id, now=utc_now()))
    except mass.NotAccepted as refusal:
        return refusal.kept()
    except mass.Unwritable as error:
        return mass.GiveUp(f"The letter cannot be written: {error}")


@job(CALL_BACK)
def call_back() -> int:
    """Tell the provider not to send what it holds of a stopped mailing, and mark what was called back in time."""
    recalls = mass.recalls()
    now = utc_now()
    with transaction() as session:
        due = None if recalls is None else commands.next_recall(session, now=now)
    if due is not None and recalls is not None:
        _call_back(recalls, *due)
    with transaction() as session:
        return commands.mark_called_back(session, now=now) + (due is not None)


def _call_back(recalls: mass.RecallTransport, mailing_id: int, recall_id: str) -> None:
    try:
        recalls.call_back(recall_id)
    except mass.NotAccepted as refusal:
        log.warning("not called back", mailing=mailing_id, reason=refusal.reason)
        again = isinstance(refusal, mass.TryAgain)
        if isinstance(refusal, mass.GiveUp) and _first_refusal(mailing_id):
            # Perhaps for want of a place: the provider takes no more than ten cancellations at a time. One place is
            # enough, and a refusal for another reason must not cost every other its day.
            again = _release(recalls, early=True) is True
        with transaction() as session:
            commands.not_called_back(session, mailing_id, refusal.reason, again=again, now=utc_now())
        return
    with transaction() as session:
        # The moment of the answer, not of asking: nobody knows when in between the provider took it.
        commands.called_back(session, mailing_id, since=utc_now())


def _first_refusal(mailing_id: int) -> bool:
    with reading() as session:
        return not session.get_one(Mailing, mailing_id).recall_error


@job("mailings.release")
def release() -> int:
    """Have the provider forget what was called back and is over, so that there is a place for the next stop."""
    recalls = mass.recalls()
    return 0 if recalls is None or _release(recalls) is None else 1


def _release(recalls: mass.RecallTransport, *, early: bool = False) -> bool | None:
    """Whether the next one that is over was released; None where there is none."""
    now = utc_now()
    with transaction() as session:
        due = commands.next_release(session, early=early, now=now)
    if due is None:
        return None
    mailing_id, recall_id = due
    try:
        recalls.release(recall_id)
    except mass.NotAccepted as refusal:
        log.warning("cancellation not released", mailing=mailing_id, reason=refusal.reason)
        again = isinstance(refusal, mass.TryAgain)
        with transaction() as session:
            commands.not_released(session, mailing_id, again=again, now=utc_now())
        return False
    with transaction() as session:
        commands.released(session, mailing_id)
    return True


@job("mailings.watch")
def watch() -> int:
    """Write down how far each mailing has come, once a minute, and thin what is old."""
    now = utc_now()
    with transaction() as session:
        return commands.note_moments(session, now=now) + commands.thin_moments(session, now=now)
