"""What is learned later of readers: by the provider's events, by bounces that come as mail, by who leaves.

Set by set, because a million readers make a million events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.mailings import queries, rules
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

UNCERTAIN = {BatchState.SUBMITTING, BatchState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says of one reader. ``attempt`` is the token that came with the letter, empty where unknown."""

    reader_id: int
    attempt: str
    state: ReaderState
    reason: str = ""


def reported(
    session: Session, reader_id: int, attempt: str, outcome: ReaderState, reason: str = "", *, now: datetime
) -> bool:
    """Take one report; whether it said more than was known."""
    return reported_many(session, [Report(reader_id, attempt, outcome, reason)], now=now) > 0


def reported_many(session: Session, reports: Sequence[Report], *, now: datetime) -> int:
    """Take reports in any order, repeated or late; returns how many readers moved on.

    A reader moves forward only. A token that names a batch whose outcome is unknown proves that all of it was taken,
    and a report whose token is not of the reader's own batch is of somebody else's installation and is not heeded.
    """
    by_reader: dict[int, Report] = {}
    for report in sorted(reports, key=lambda one: rules.RANK[one.state]):
        by_reader[report.reader_id] = report
    rows = _readers(session, sorted(by_reader))
    _prove_taken(session, rows, by_reader, now=now)
    session.flush()
    moved, change = defaultdict[tuple[ReaderState, str], list[int]](list), Counter[tuple[int, str]]()
    for reader, batch in rows:
        report = by_reader[reader.id]
        if (report.attempt and report.attempt != batch.attempt_token) or not rules.moves_on(reader.state, report.state):
            continue
        if reader.state is not None:
            change[batch.id, reader.state.value] -= 1
        change[batch.id, report.state.value] += 1
        moved[report.state, report.reason[:500]].append(reader.id)
    for (state, reason), idents in moved.items():
        _move(session, idents, state, reason, now)
    _count(session, change)
    return sum(map(len, moved.values()))


def _move(session: Session, idents: list[int], state: ReaderState, reason: str, now: datetime) -> None:
    """Readers of whom the same is reported move in one statement: nearly all of them were delivered to."""
    values = {"state": state, "reason": reason, "changed_at": now, "submitting": False}
    for start in range(0, len(idents), 2_000):
        some = sa.update(MailingReader).where(db.among(session, MailingReader.id, idents[start : start + 2_000]))
        session.execute(some.values(values).execution_options(synchronize_session=False))


def _readers(session: Session, idents: list[int]) -> list[tuple[MailingReader, MailingBatch]]:
    """The readers with their batches, both locked: batches first, as everywhere.

    Readers are locked against change, not against being referred to: who writes down a report of one refers to it
    before the batch is locked, and would otherwise wait in a circle with whoever holds the batch.
    """
    batches: dict[tuple[int, int], MailingBatch] = {}
    readers: list[MailingReader] = []
    for start in range(0, len(idents), 2_000):
        some = db.among(session, MailingReader.id, idents[start : start + 2_000])
        theirs = sa.exists().where(some, *_same_batch())
        query = sa.select(MailingBatch).where(theirs).order_by(MailingBatch.id).with_for_update()
        for batch in session.scalars(query.execution_options(populate_existing=True)):
            batches[batch.mailing_id, batch.number] = batch
        locked = sa.select(MailingReader).where(some).order_by(MailingReader.id).with_for_update(key_share=True)
        readers += session.scalars(locked.execution_options(populate_existing=True))
    found = ((reader, batches.get((reader.mailing_id, reader.batch_number))) for reader in readers)
    # Whoever was moved to another batch in between is not in it: a later report or the next round finds them.
    return [(reader, batch) for reader, batch in found if batch is not None]


def _same_batch() -> tuple[sa.ColumnElement[bool], ...]:
    return MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number


def _prove_taken(
    session: Session,
    rows: Sequence[tuple[MailingReader, MailingBatch]],
    reports: dict[int, Report],
    *,
    now: datetime,
) -> None:
    """One report with the attempt's token proves that the provider took that attempt whole.

    So does one that comes before the answer to the call: the answer may be lost, or the worker that waits for it. Where
    readers go one by one, a report speaks of its own reader only.
    """
    for reader, batch in rows:
        if batch.state not in UNCERTAIN or reports[reader.id].attempt != batch.attempt_token:
            continue
        if batch.state is BatchState.SUBMITTING and queries.on_its_way(session, batch.mailing_id, batch.number):
            continue
        batch.state, batch.accepted_at, batch.last_error = BatchState.ACCEPTED, now, None


def _count(session: Session, change: Counter[tuple[int, str]]) -> None:
    """Keep the batches' counters beside their readers, in the same transaction and always in the same order."""
    by_batch: dict[int, dict[str, int]] = {}
    for (ident, name), number in change.items():
        if number:
            by_batch.setdefault(ident, {})[name] = number
    for ident in sorted(by_batch):
        values = {name: getattr(MailingBatch, name) + number for name, number in by_batch[ident].items()}
        counted = sa.update(MailingBatch).where(MailingBatch.id == ident).values(values)
        session.execute(counted.execution_options(synchronize_session=False))


def left(session: Session, mailing_id: int, reader_key: int, *, now: datetime) -> bool:
    """Somebody left by the link in this very letter; counted once."""
    mine = (MailingReader.mailing_id == mailing_id, MailingReader.reader_key == reader_key)
    theirs = sa.exists().where(*mine, *_same_batch())
    batch = session.scalar(sa.select(MailingBatch).where(theirs).with_for_update())
    if batch is None:
        return False
    gone = sa.update(MailingReader).where(*mine, MailingReader.left_at.is_(None)).values(left_at=now)
    if not session.scalars(gone.returning(MailingReader.id).execution_options(synchronize_session=False)).all():
        return False
    batch.left += 1
    session.flush()
    return True


def stand_still(session: Session, canonical: str) -> None:
    """Have batches with this address that have not been handed over wait for the end of this transaction.

    Whoever has been told that letters stop gets none that is handed over afterwards: either the batch was marked
    before, or it asks the suppressions once more and finds them out.
    """
    theirs = sa.exists().where(MailingReader.canonical == canonical, *_same_batch())
    waiting = MailingBatch.state.in_([BatchState.QUEUED, BatchState.SUBMITTING])
    query = sa.select(MailingBatch.id).where(theirs, waiting).order_by(MailingBatch.id)
    session.execute(query.with_for_update(read=True)).all()
