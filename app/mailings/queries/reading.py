"""Every read of a mailing worth a name: its readers of one batch, what is suppressed, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from app.core import db
from app.mail.models import Suppression
from app.mailings.models import (
    BatchState,
    Mailing,
    MailingBatch,
    MailingLetter,
    MailingMoment,
    MailingReader,
    ReaderState,
)
from app.mailings.rules import APART, CALLED_BACK_BEFORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

NEVER_LEFT = (ReaderState.SUPPRESSED, ReaderState.FAILED, ReaderState.DROPPED)
OPEN = (BatchState.QUEUED, BatchState.SUBMITTING)


def sizes_from(session: Session, mailing_id: int, first: int) -> list[tuple[int, int]]:
    """How many readers each batch from ``first`` on holds."""
    query = (
        sa.select(MailingReader.batch_number, sa.func.count())
        .where(MailingReader.mailing_id == mailing_id, MailingReader.batch_number >= first)
        .group_by(MailingReader.batch_number)
        .order_by(MailingReader.batch_number)
    )
    return [(number, count) for number, count in session.execute(query)]


def _of(mailing_id: int, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return MailingReader.mailing_id == mailing_id, MailingReader.batch_number == number


def waiting_and_why_not(session: Session, mailing: Mailing, number: int) -> dict[int, str | None]:
    """The readers of a batch of whom nothing is known apart, by id: why they must not be written to, if they must not.

    One look for both, because it is done for each batch at the moment of sending.
    """
    stops = sa.and_(Suppression.address == MailingReader.canonical, Suppression.stream.in_(["", mailing.stream]))
    query = (
        sa.select(MailingReader.id, Suppression.reason)
        .outerjoin(Suppression, stops)
        .where(*_of(mailing.id, number), MailingReader.state.is_(None))
    )
    return dict(session.execute(query).all())


class Addressed(NamedTuple):
    """What a letter needs of a reader; plain, because a million of them pass through."""

    id: int
    reader_key: int
    address: str
    name: str
    message_id: str | None


def addressed(session: Session, mailing_id: int, number: int) -> list[Addressed]:
    """Readers of a batch of whom nothing is known apart, by id: their place in the request."""
    row = MailingReader
    query = sa.select(row.id, row.reader_key, row.address, row.name, row.message_id)
    chosen = query.where(*_of(mailing_id, number), row.state.is_(None)).order_by(row.id)
    return [Addressed._make(found) for found in session.execute(chosen)]


def waiting(session: Session, mailing_id: int, number: int) -> list[MailingReader]:
    """The same readers' rows."""
    query = sa.select(MailingReader).where(*_of(mailing_id, number), MailingReader.state.is_(None))
    return list(session.scalars(query.order_by(MailingReader.id)))


def waiting_ids(session: Session, mailing_id: int, number: int) -> set[int]:
    """The same readers' ids."""
    query = sa.select(MailingReader.id).where(*_of(mailing_id, number), MailingReader.state.is_(None))
    return set(session.scalars(query))


def went_singly(session: Session, row: MailingBatch) -> bool:
    """Whether a batch's newest attempt handed its readers over one by one."""
    theirs = (*_of(row.mailing_id, row.number), MailingReader.attempt_token == row.attempt_token)
    return session.scalar(sa.select(MailingReader.id).where(*theirs).limit(1)) is not None


def on_its_way(session: Session, mailing_id: int, number: int) -> MailingReader | None:
    """The one reader who was being handed over, where readers go one by one."""
    query = sa.select(MailingReader).where(*_of(mailing_id, number), MailingReader.submitting.is_(True))
    return session.scalar(query.with_for_update(key_share=True))


def letter(session: Session, mailing_id: int, variant: int) -> MailingLetter:
    """The words a batch goes out with."""
    query = sa.select(MailingLetter).where(MailingLetter.mailing_id == mailing_id, MailingLetter.variant == variant)
    return session.scalars(query).one()


def is_open(session: Session, mailing_id: int) -> bool:
    """Whether a batch waits or is on its way."""
    query = sa.select(MailingBatch.id).where(MailingBatch.mailing_id == mailing_id, MailingBatch.state.in_(OPEN))
    return session.scalar(query.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """How many readers are known to be where; the numbers add up to ``planned``. ``left`` is counted beside them."""

    planned: int = 0
    waiting: int = 0
    submitting: int = 0
    accepted: int = 0
    unknown: int = 0
    suppressed: int = 0
    failed: int = 0
    dropped: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    left: int = 0
    stopped: int = 0
    recalled: int = 0
    batches: dict[str, int] = field(default_factory=dict)

    @property
    def handed_over(self) -> int:
        """Readers whose letter a mail server took, whatever became of it."""
        return self.accepted + self.delivered + self.bounced + self.complained + self.dropped


PLACES = {
    BatchState.QUEUED: "waiting",
    BatchState.SUBMITTING: "submitting",
    BatchState.ACCEPTED: "accepted",
    BatchState.UNKNOWN: "unknown",
    BatchState.DROPPED: "stopped",
    BatchState.RECALLED: "recalled",
}


def progress(session: Session, mailing_id: int) -> Progress:
    """How far a mailing has come, from its batches alone: a thousand rows for a million readers."""
    apart = [getattr(MailingBatch, state.value) for state in APART]
    sums = [sa.func.sum(column) for column in (MailingBatch.size, MailingBatch.left, *apart)]
    query = sa.select(MailingBatch.state, sa.func.count(), *sums).where(MailingBatch.mailing_id == mailing_id)
    counts: dict[str, int] = dict.fromkeys(
        ("planned", "waiting", "submitting", "left", "stopped", "recalled", *(state.value for state in APART)), 0
    )
    batches: dict[str, int] = {}
    for state, number, size, left, *known in session.execute(query.group_by(MailingBatch.state)):
        batches[state.value] = number
        counts["planned"] += size
        counts["left"] += left
        counts[PLACES[state]] += size - sum(known)
        for one, count in zip(APART, known, strict=True):
            counts[one.value] += count
    return Progress(**counts, batches=batches)


def can_be_called_back(session: Session, mailing_id: int, *, now: datetime) -> bool:
    """Whether the provider holds something of a mailing that it would still not send if it were told so."""
    taken = MailingBatch.state.in_([BatchState.SUBMITTING, BatchState.ACCEPTED, BatchState.UNKNOWN])
    later = MailingBatch.leaves_at >= now + CALLED_BACK_BEFORE
    query = sa.select(MailingBatch.id).where(MailingBatch.mailing_id == mailing_id, taken, later)
    return session.scalar(query.limit(1)) is not None


def last_to_leave(session: Session, mailing_id: int) -> datetime | None:
    """When the last of what the provider was ever handed over with a delay leaves, whatever became of it."""
    return session.scalar(sa.select(sa.func.max(MailingBatch.leaves_at)).where(MailingBatch.mailing_id == mailing_id))


def is_on_its_way(session: Session, mailing_id: int) -> bool:
    """Whether a batch is being handed over, or was when its worker stopped."""
    query = sa.select(MailingBatch.id).where(MailingBatch.mailing_id == mailing_id)
    return session.scalar(query.where(MailingBatch.state == BatchState.SUBMITTING).limit(1)) is not None


class Held(NamedTuple):
    """Of how many readers the provider holds the letter, for how many it can still be called back, until when.

    ``accepted``: of how many of them it said that it took it.
    """

    readers: int = 0
    in_time: int = 0
    accepted: int = 0
    until: datetime | None = None


def held_by_provider(session: Session, mailing_id: int, *, now: datetime) -> Held:
    """What the provider was handed over with a delay and has not sent, as far as we know."""
    taken = MailingBatch.state.in_([BatchState.SUBMITTING, BatchState.ACCEPTED, BatchState.UNKNOWN])
    readers = MailingBatch.size - MailingBatch.suppressed - MailingBatch.failed
    in_time = sa.case((MailingBatch.leaves_at >= now + CALLED_BACK_BEFORE, readers), else_=0)
    accepted = sa.case((MailingBatch.state == BatchState.ACCEPTED, readers), else_=0)
    sums = (sa.func.sum(readers), sa.func.sum(in_time), sa.func.sum(accepted))
    query = sa.select(*sums, sa.func.max(MailingBatch.leaves_at))
    found = query.where(MailingBatch.mailing_id == mailing_id, taken, MailingBatch.leaves_at > now)
    every, callable_back, taken_by_now, until = session.execute(found).one()
    return Held(int(every or 0), int(callable_back or 0), int(taken_by_now or 0), until)


# What is drawn over time; a moment and a Progress have these alike.
DRAWN = ("planned", "handed_over", "delivered", "bounced", "complained", "left", "unknown")


def moving(session: Session, *, now: datetime) -> list[Mailing]:
    """Mailings of which news may come: those not at their end, and those at it for less than three days."""
    recent = sa.or_(Mailing.finished_at.is_(None), Mailing.finished_at > now - timedelta(days=3))
    return list(session.scalars(sa.select(Mailing).where(recent, Mailing.planned > 0).order_by(Mailing.id)))


def newest_moment(session: Session, mailing_id: int) -> MailingMoment | None:
    """The last moment that was written down."""
    query = sa.select(MailingMoment).where(MailingMoment.mailing_id == mailing_id)
    return session.scalar(query.order_by(MailingMoment.minute.desc()).limit(1))


def moments(session: Session, mailing_id: int, most: int = 120) -> list[MailingMoment]:
    """How a mailing came along, oldest first, evenly thinned to what a drawing shows; the last is always there."""
    query = sa.select(MailingMoment).where(MailingMoment.mailing_id == mailing_id).order_by(MailingMoment.minute)
    rows = list(session.scalars(query))
    step = max(1, -(-len(rows) // most))
    return rows[::-1][::step][::-1]


def unknown_batches(session: Session, mailing_id: int) -> list[MailingBatch]:
    """Batches whose outcome nobody knows."""
    query = sa.select(MailingBatch).where(
        MailingBatch.mailing_id == mailing_id,
        sa.or_(MailingBatch.state == BatchState.UNKNOWN, MailingBatch.unknown > 0),
    )
    return list(session.scalars(query.order_by(MailingBatch.number)))


@dataclass(frozen=True, slots=True)
class Marked:
    """A reader as a report finds them: by which attempt's token, and what their letter belongs to."""

    id: int
    mailing_id: int
    reader_key: int
    address: str
    attempt_token: str | None
    batch: BatchState
    stream: str


def marked(session: Session, ids: Sequence[int]) -> dict[int, Marked]:
    """Readers with these ids, in lots that a statement can hold; nothing is locked."""
    columns = (
        *(MailingReader.id, MailingReader.mailing_id, MailingReader.reader_key, MailingReader.canonical),
        *(MailingBatch.attempt_token, MailingBatch.state, Mailing.stream),
    )
    found: dict[int, Marked] = {}
    for start in range(0, len(ids), 2_000):
        query = (
            sa.select(*columns)
            .join(MailingBatch, _their_batch())
            .join(Mailing, Mailing.id == MailingReader.mailing_id)
            .where(db.among(session, MailingReader.id, ids[start : start + 2_000]))
        )
        found |= {row[0]: Marked(*row) for row in session.execute(query)}
    return found


def handed_over_to(
    session: Session, addresses: Sequence[str], *, since: datetime
) -> list[tuple[str, str, datetime, int]]:
    """Letters of mailings that went to these canonical addresses since a moment.

    Each is the canonical address, the one that was written to, when, and the reader's id.
    """
    query = (
        sa.select(MailingReader.canonical, MailingReader.address, MailingBatch.submitted_at, MailingReader.id)
        .join(MailingBatch, _their_batch())
        .where(
            MailingReader.canonical.in_(addresses),
            MailingBatch.submitted_at >= since,
            MailingBatch.state.in_([BatchState.SUBMITTING, BatchState.ACCEPTED, BatchState.UNKNOWN]),
            sa.or_(MailingReader.state.is_(None), MailingReader.state.not_in(NEVER_LEFT)),
        )
    )
    return [(address, to, at, ident) for address, to, at, ident in session.execute(query) if at is not None]


def _their_batch() -> sa.ColumnElement[bool]:
    return sa.and_(
        MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number
    )


def export(session: Session, mailing_id: int, *, after: int, limit: int) -> list[tuple[MailingReader, MailingBatch]]:
    """Readers with their batch, by id, for an export in lots."""
    query = (
        sa.select(MailingReader, MailingBatch)
        .join(
            MailingBatch,
            sa.and_(
                MailingBatch.mailing_id == MailingReader.mailing_id,
                MailingBatch.number == MailingReader.batch_number,
            ),
        )
        .where(MailingReader.mailing_id == mailing_id, MailingReader.id > after)
        .order_by(MailingReader.id)
        .limit(limit)
    )
    return [(reader, batch) for reader, batch in session.execute(query)]
