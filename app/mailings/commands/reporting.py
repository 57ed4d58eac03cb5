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
from app.mailings import rules
from app.mailings.commands.attempts import Proof
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WENT_WRONG = {ReaderState.BOUNCED, ReaderState.DROPPED}


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

    A reader moves forward only. A token proves that its attempt was taken whole, also an earlier one: of what was
    tried again since, and of readers who moved to another batch. What went wrong with a letter of an earlier attempt
    says nothing of the newer one. A token of nobody here is of somebody else's installation and is not heeded.
    """
    by_reader: dict[int, list[Report]] = defaultdict(list)
    for one in sorted(reports, key=lambda one: rules.RANK[one.state], reverse=True):
        by_reader[one.reader_id].append(one)
    proof = Proof(session, {one.attempt for one in reports})
    rows = _readers(session, sorted(by_reader), proof, now=now)
    moved, change = defaultdict[tuple[ReaderState, str], list[int]](list), Counter[tuple[int, str]]()
    for reader, batch in rows:
        report = next((one for one in by_reader[reader.id] if _speaks_of(one, batch, proof)), None)
        if report is None or not rules.moves_on(reader.state, report.state):
            continue
        if reader.state is not None:
            change[batch.id, reader.state.value] -= 1
        change[batch.id, report.state.value] += 1
        moved[report.state, report.reason[:500]].append(reader.id)
    for (state, reason), idents in moved.items():
        _move(session, idents, state, reason, now)
    _count(session, change)
    return sum(map(len, moved.values()))


def _speaks_of(report: Report, batch: MailingBatch, proof: Proof) -> bool:
    """Whether a report tells what became of a reader's newest letter, or that an earlier one reached them."""
    if not report.attempt or report.attempt == batch.attempt_token:
        return True
    if not proof.names(report.attempt, batch.mailing_id):
        return False
    return batch.attempt_token is None or report.state not in WENT_WRONG


def _move(session: Session, idents: list[int], state: ReaderState, reason: str, now: datetime) -> None:
    """Readers of whom the same is reported move in one statement: nearly all of them were delivered to."""
    values = {"state": state, "reason": reason, "changed_at": now, "submitting": False}
    for start in range(0, len(idents), 2_000):
        some = sa.update(MailingReader).where(db.among(session, MailingReader.id, idents[start : start + 2_000]))
        session.execute(some.values(values).execution_options(synchronize_session=False))


def _readers(
    session: Session, idents: list[int], proof: Proof, *, now: datetime
) -> list[tuple[MailingReader, MailingBatch]]:
    """The readers with their batches, both locked: batches first, as everywhere, those that are proven among them.

    Readers are locked against change, not against being referred to: who writes down a report of one refers to it
    before the batch is locked, and would otherwise wait in a circle with whoever holds the batch.
    """
    batches: dict[tuple[int, int], MailingBatch] = {}
    readers: list[MailingReader] = []
    proven = proof.batches
    for start in range(0, len(idents), 2_000):
        some = db.among(session, MailingReader.id, idents[start : start + 2_000])
        theirs = sa.exists().where(some, *_same_batch())
        which = sa.or_(theirs, MailingBatch.id.in_(proven)) if proven else theirs
        query = sa.select(MailingBatch).where(which).order_by(MailingBatch.id).with_for_update()
        for batch in session.scalars(query.execution_options(populate_existing=True)):
            batches[batch.mailing_id, batch.number] = batch
        locked = sa.select(MailingReader).where(some).order_by(MailingReader.id).with_for_update(key_share=True)
        readers += session.scalars(locked.execution_options(populate_existing=True))
    if proven:
        proof.settle(session, sorted(batches.values(), key=lambda one: one.id), now=now)
    found = ((reader, batches.get((reader.mailing_id, reader.batch_number))) for reader in readers)
    # Whoever was moved to another batch in between is not in it: a later report or the next round finds them.
    return [(reader, batch) for reader, batch in found if batch is not None]


def _same_batch() -> tuple[sa.ColumnElement[bool], ...]:
    return MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number


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
    before, or it asks the suppressions afterwards and finds them out.
    """
    theirs = sa.exists().where(MailingReader.canonical == canonical, *_same_batch())
    waiting = MailingBatch.state.in_([BatchState.QUEUED, BatchState.SUBMITTING])
    query = sa.select(MailingBatch.id).where(theirs, waiting).order_by(MailingBatch.id)
    session.execute(query.with_for_update(read=True)).all()
