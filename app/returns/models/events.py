"""Posts as they came, what each report said, withdrawals for the rooms above, and how far lists were read."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.jobs.leases import Leased


class PostState(Enum):
    """How far a post is worked off."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class EventPost(Leased, Base):
    """One post of the provider's webhook, byte for byte; its signature was right. Done posts are kept for a week.

    ``digest`` is that of the body (SHA-256): a post that comes twice is kept once. Older posts have none.
    """

    __tablename__ = "event_posts"
    __table_args__ = (sa.Index("ix_event_posts_due", "state", "attempts", "id"),)

    state: Mapped[PostState] = mapped_column(default=PostState.WAITING)
    body: Mapped[bytes] = mapped_column(deferred=True)
    digest: Mapped[str | None] = mapped_column(sa.String(64), index=True, unique=True)
    received_at: Mapped[datetime]
    events: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.String(500))


class Kind(Enum):
    """What a report says happened. Opens and clicks are not here: nothing is done with them, so they are not kept."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCE = "bounce"
    DROPPED = "dropped"
    COMPLAINT = "complaint"
    LEFT = "left"


class Cause(Enum):
    """Why a letter came back, as far as it decides what is done."""

    NO_MAILBOX = "no such mailbox"
    MAILBOX = "mailbox unavailable"
    SENDER = "refused for its sender"
    UNCLEAR = "unclear"


class MailEvent(Base):
    """One report about one letter, once: a single letter, or a mailing's to one reader.

    ``address`` (canonical) is kept only where something may be done about it.
    """

    __tablename__ = "mail_events"
    __table_args__ = (
        sa.Index("ix_mail_events_address", "address", "kind", "at"),
        sa.Index("ix_mail_events_newest", "kind", "id"),
    )

    event_id: Mapped[str] = mapped_column(sa.String(100), unique=True)
    kind: Mapped[Kind]
    cause: Mapped[Cause | None]
    at: Mapped[datetime]
    heard_at: Mapped[datetime] = mapped_column(index=True)
    email_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id", ondelete="CASCADE"), index=True)
    reader_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailing_readers.id", ondelete="CASCADE"), index=True)
    address: Mapped[str | None] = mapped_column(sa.String(254))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    suppressed: Mapped[bool] = mapped_column(default=False)


class EventTally(Base):
    """How many reports of a kind were heard in one hour; drawn for the operator after the reports are forgotten."""

    __tablename__ = "event_tallies"
    __table_args__ = (sa.UniqueConstraint("hour", "word"),)

    hour: Mapped[datetime]
    word: Mapped[str] = mapped_column(sa.String(40))
    number: Mapped[int] = mapped_column(default=0)


class Withdrawal(Base):
    """Somebody told the mail provider to stop: by a spam complaint or by the provider's own way to leave.

    Letters of ``stream`` (all, if empty) have stopped already; the room that keeps the ledger of consents writes its
    line and settles this row.
    """

    __tablename__ = "withdrawals"
    __table_args__ = (sa.Index("ix_withdrawals_open", "settled_at", "id"),)

    address: Mapped[str] = mapped_column(sa.String(254), index=True)
    stream: Mapped[str] = mapped_column(sa.String(60), default="")
    complaint: Mapped[bool]
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class ListPull(Leased, Base):
    """How far one of the provider's suppression lists was read: everything entered before ``until``."""

    __tablename__ = "list_pulls"

    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    until: Mapped[datetime]
    entries: Mapped[int] = mapped_column(default=0)
    pulled_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
