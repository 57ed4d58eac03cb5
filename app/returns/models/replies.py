"""Mail that came in: the bytes until they are read, and the replies found in them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base
from app.jobs.leases import Leased
from app.mail.models import Email


class InboundState(Enum):
    """What became of a mail that came in."""

    RECEIVED = "received"
    REPLY = "reply"
    BOUNCE = "bounce"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


class InboundMail(Leased, Base):
    """Bytes as they came, kept until they are read. ``source`` says which they are, so that none is taken in twice.

    ``form`` is the content type of a provider's post around the mail; empty where the bytes are the mail itself.
    ``problem`` says why a mail cannot be read; only such mail keeps its bytes, for the operator.
    """

    __tablename__ = "inbound_mails"
    __table_args__ = (sa.Index("ix_inbound_mails_state", "state", "try_after"),)

    source: Mapped[str] = mapped_column(sa.String(400), unique=True)
    form: Mapped[str] = mapped_column(sa.String(300), default="")
    body: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    size: Mapped[int]
    state: Mapped[InboundState] = mapped_column(default=InboundState.RECEIVED)
    problem: Mapped[str] = mapped_column(sa.String(500), default="")
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class ReplyKind(Enum):
    """Who wrote it."""

    HUMAN = "human"
    AUTOMATIC = "automatic"


class Reply(Base):
    """One reply. It belongs to a letter, to a mailing (perhaps to a reader we know), or else to no thread we know.

    ``words`` is what its writer added, ``quoted`` what they quoted, both plain text. ``why`` says what gave an
    automatic one away. ``note`` says why one was not sent on. ``heard_at`` is when somebody dealt with it.
    """

    __tablename__ = "replies"
    __table_args__ = (sa.Index("ix_replies_reader", "reader_id"),)

    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    email_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id"), index=True)
    mailing_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailings.id"), index=True)
    reader_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    kind: Mapped[ReplyKind]
    why: Mapped[str] = mapped_column(sa.String(200), default="")
    sender_address: Mapped[str] = mapped_column(sa.String(254))
    sender_canonical: Mapped[str] = mapped_column(sa.String(254), index=True)
    sender_name: Mapped[str] = mapped_column(sa.String(200), default="")
    subject: Mapped[str] = mapped_column(sa.String(300), default="")
    words: Mapped[str] = mapped_column(sa.Text, default="")
    quoted: Mapped[str] = mapped_column(sa.Text, default="")
    is_cut: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    forwarded_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id"), index=True)
    received_at: Mapped[datetime]
    heard_at: Mapped[datetime | None]
    email: Mapped[Email | None] = relationship(foreign_keys=[email_id])
    files: Mapped[list[ReplyFile]] = relationship(cascade="all, delete-orphan", order_by="ReplyFile.id")


class ReplyFile(Base):
    """A file that came with a reply. It is kept and handed on, never opened."""

    __tablename__ = "reply_files"

    reply_id: Mapped[int] = mapped_column(sa.ForeignKey("replies.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(sa.String(200))
    size: Mapped[int]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
