"""A mailing, the words it goes out with, its batches, and its readers."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base
from app.jobs.leases import Leased


class MailingState(Enum):
    """Whether batches may leave. ``held``: the provider refused the words; a person must look.

    ``late``: the hour of some batches has passed by more than was allowed; a person must decide.
    """

    GOING = "going"
    PAUSED = "paused"
    HELD = "held"
    LATE = "late"
    STOPPED = "stopped"
    DONE = "done"


class BatchState(Enum):
    """What is known of one request. ``submitting`` is committed before the call; ``unknown``: its answer was lost.

    ``recalled``: the provider had it and was told in time not to send it.
    """

    QUEUED = "queued"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    RECALLED = "recalled"


class ReaderState(Enum):
    """What is known of one reader apart from their batch. ``suppressed``: not sent, for they left or bounced before."""

    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Mailing(Base):
    """One sending of one letter. ``stream`` is what its readers can leave (``updates:7``).

    ``planned`` counts readers, ``planning`` says whether more will come. ``per_hour`` is the speed (None: as fast
    as it goes) and ``next_at`` when the next batch may leave at that speed. ``refused_in_a_row`` counts readers that
    were refused one after the other without a word why: many of them mean that it is not the readers.
    ``batches`` numbers those of the plan upwards, ``splits`` those that come of them downwards, so that a planner and a
    worker never reach for the same number.
    ``recall_id`` is the provider's name for everything handed over with a delay, by which it can be called back.
    ``recall_due`` is when to ask for that next, ``recall_error`` what the provider last said to it, ``recalled_at``
    when it had said that it will not send what it holds. ``release_due`` is when to have it forget that, because it
    remembers only ten at a time: once all that it held is over, and None where it has or never was told.
    """

    __tablename__ = "mailings"

    stream: Mapped[str] = mapped_column(sa.String(60))
    template: Mapped[str] = mapped_column(sa.String(100))
    state: Mapped[MailingState] = mapped_column(default=MailingState.GOING, index=True)
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    planning: Mapped[bool] = mapped_column(default=True)
    planned: Mapped[int] = mapped_column(default=0)
    batches: Mapped[int] = mapped_column(default=0)
    splits: Mapped[int] = mapped_column(default=0)
    per_hour: Mapped[int | None]
    next_at: Mapped[datetime]
    refused_in_a_row: Mapped[int] = mapped_column(default=0)
    recall_id: Mapped[str | None] = mapped_column(sa.String(255))
    recalled_at: Mapped[datetime | None]
    recall_due: Mapped[datetime | None]
    release_due: Mapped[datetime | None]
    recall_error: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class MailingLetter(Base):
    """The words as they leave, with holes for what differs by reader; variants are for comparing subjects.

    ``holes`` maps a hole's name to its two tags: one filled with the value as it is, one with it escaped for HTML.
    """

    __tablename__ = "mailing_letters"
    __table_args__ = (sa.UniqueConstraint("mailing_id", "variant"),)

    mailing_id: Mapped[int] = mapped_column(sa.ForeignKey("mailings.id", ondelete="CASCADE"))
    variant: Mapped[int] = mapped_column(default=0)
    subject: Mapped[str] = mapped_column(sa.String(500))
    text: Mapped[str] = mapped_column(sa.Text)
    html: Mapped[str] = mapped_column(sa.Text)
    from_name: Mapped[str] = mapped_column(sa.String(200), default="")
    reply_to: Mapped[str] = mapped_column(sa.String(254), default="")
    unsubscribe_url: Mapped[str] = mapped_column(sa.String(1000), default="")
    language: Mapped[str] = mapped_column(sa.String(20), default="en")
    holes: Mapped[dict[str, Any]] = mapped_column(default=dict)


class MailingBatch(Leased, Base):
    """Readers who leave in one request, or one after the other where the way out takes no more.

    ``attempt_token`` names the newest attempt and stays, so that an event months later still finds it; earlier ones
    are ``MailingAttempt``. ``size`` counts its readers; the counters say how many of them are known apart
    (``rules.APART``), the rest is as ``state`` says.
    ``leaves_at`` is when the provider sends what it was handed over with a delay. ``not_after``, where it is set, is
    when it is too late for these readers (``queries.late``); it stays where ``try_after`` moves with every try.
    """

    __tablename__ = "mailing_batches"
    __table_args__ = (
        sa.UniqueConstraint("mailing_id", "number"),
        sa.Index("ix_mailing_batches_due", "state", "try_after"),
    )

    mailing_id: Mapped[int] = mapped_column(sa.ForeignKey("mailings.id", ondelete="CASCADE"))
    number: Mapped[int]
    variant: Mapped[int] = mapped_column(default=0)
    state: Mapped[BatchState] = mapped_column(default=BatchState.QUEUED)
    size: Mapped[int]
    attempt_token: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    provider_id: Mapped[str | None] = mapped_column(sa.String(255))
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    submitted_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    leaves_at: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    suppressed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    complained: Mapped[int] = mapped_column(default=0)
    left: Mapped[int] = mapped_column(default=0)
    mailing: Mapped[Mailing] = relationship()


class MailingAttempt(Base):
    """An earlier attempt, by its token, in which all readers of a batch were of whom nothing is known apart.

    Written when a newer attempt begins or readers move to another batch, so that a report that comes late is still
    known to be of ours, and settles what it proves.
    """

    __tablename__ = "mailing_attempts"
    __table_args__ = (sa.UniqueConstraint("mailing_id", "batch_number", "token"),)

    mailing_id: Mapped[int] = mapped_column(sa.ForeignKey("mailings.id", ondelete="CASCADE"))
    batch_number: Mapped[int]
    token: Mapped[str] = mapped_column(sa.String(32), index=True)


class MailingReader(Base):
    """One reader. ``reader_key`` is whose address it is in the room that sends (a supporter's id); nobody is in twice.

    ``state`` is empty while nothing is known but what the batch says. ``submitting`` marks the one reader of a batch
    that is being handed over where readers go one by one; ``attempt_token`` is then the attempt's, so that an answer
    that comes after its claim ran out still settles what that very attempt left uncertain. ``left_at``: this very
    letter made them leave.

    ``mailing_id`` is no foreign key: whoever adds readers holds their mailing, mailings are never deleted, and looking
    it up again for each of a million readers was two fifths of the time in which PostgreSQL planned them.
    """

    __tablename__ = "mailing_readers"
    __table_args__ = (
        sa.UniqueConstraint("mailing_id", "reader_key"),
        sa.Index("ix_mailing_readers_batch", "mailing_id", "batch_number"),
        sa.Index("ix_mailing_readers_canonical", "canonical"),
    )

    mailing_id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
    reader_key: Mapped[int] = mapped_column(sa.BigInteger)
    batch_number: Mapped[int]
    address: Mapped[str] = mapped_column(sa.String(254))
    canonical: Mapped[str] = mapped_column(sa.String(254))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    state: Mapped[ReaderState | None]
    submitting: Mapped[bool] = mapped_column(default=False)
    attempt_token: Mapped[str | None] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    message_id: Mapped[str | None] = mapped_column(sa.String(255))
    changed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class MailingMoment(Base):
    """How far a mailing had come in one minute (``minute``: since 1970), to be drawn. Old ones are thinned."""

    __tablename__ = "mailing_moments"
    __table_args__ = (sa.UniqueConstraint("mailing_id", "minute"),)

    mailing_id: Mapped[int] = mapped_column(sa.ForeignKey("mailings.id", ondelete="CASCADE"))
    minute: Mapped[int]
    planned: Mapped[int]
    handed_over: Mapped[int]
    delivered: Mapped[int]
    bounced: Mapped[int]
    complained: Mapped[int]
    left: Mapped[int]
    unknown: Mapped[int]

    @property
    def at(self) -> datetime:
        """The beginning of the minute."""
        return datetime.fromtimestamp(self.minute * 60, tz=UTC)
