"""The outbox: one row a letter, its parts as they left, and the addresses that must not be written to."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base
from app.jobs.leases import Leased


class EmailState(Enum):
    """How far a letter is known to have come. ``accepted`` is the mail server's word, not the reader's."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Email(Leased, Base):
    """One outgoing letter. ``once`` is the dedupe key: a second letter with the same key is not queued.

    ``answers_directly``: its Reply-To is ``reply_to`` itself, even where answers come back through us first.
    ``rank`` orders priorities (0 confirmation, 1 receipt, 2 letter to a target, 3 update). ``subject``, ``text`` and
    ``html`` are filled with the words as they left; ``raw`` keeps the whole message byte for byte where asked.
    ``attempt_token`` is the newest attempt's, kept for ever: a report that carries it speaks of this letter.
    ``held_by`` is the worker that took it last. ``decided_by`` and ``decided_at`` tell who left an unknown letter as it
    is; its state stays unknown, because a decision is no evidence.
    """

    __tablename__ = "emails"
    __table_args__ = (
        sa.Index("ix_emails_due", "state", "rank", "try_after"),
        sa.Index("ix_emails_recipient", "to_canonical"),
        sa.Index("ix_emails_accepted", "accepted_at", "created_at"),
    )

    once: Mapped[str] = mapped_column(sa.String(200), unique=True)
    state: Mapped[EmailState] = mapped_column(default=EmailState.QUEUED)
    rank: Mapped[int]
    repeatable: Mapped[bool]
    template: Mapped[str] = mapped_column(sa.String(100))
    context: Mapped[dict[str, Any]]
    to_address: Mapped[str] = mapped_column(sa.String(254))
    to_canonical: Mapped[str] = mapped_column(sa.String(254))
    to_name: Mapped[str] = mapped_column(sa.String(200), default="")
    from_name: Mapped[str] = mapped_column(sa.String(200), default="")
    reply_to: Mapped[str] = mapped_column(sa.String(254), default="")
    answers_directly: Mapped[bool] = mapped_column(default=False)
    stream: Mapped[str] = mapped_column(sa.String(60), default="")
    unsubscribe_path: Mapped[str] = mapped_column(sa.String(500), default="")
    language: Mapped[str] = mapped_column(sa.String(20), default="en")
    keep_bytes: Mapped[bool] = mapped_column(default=False)
    ignores_suppression: Mapped[bool] = mapped_column(default=False)
    useless_after: Mapped[datetime | None]
    subject: Mapped[str | None] = mapped_column(sa.String(500))
    text: Mapped[str | None] = mapped_column(sa.Text)
    html: Mapped[str | None] = mapped_column(sa.Text)
    raw: Mapped[bytes | None]
    message_id: Mapped[str | None] = mapped_column(sa.String(255), index=True)
    provider_id: Mapped[str | None] = mapped_column(sa.String(255), index=True)
    attempt_token: Mapped[str | None] = mapped_column(sa.String(32))
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    held_by: Mapped[str | None] = mapped_column(sa.String(200))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(300))
    attachments: Mapped[list[EmailAttachment]] = relationship(
        cascade="all, delete-orphan", order_by="EmailAttachment.id"
    )

    def is_useless(self, now: datetime) -> bool:
        """Whether nobody has use for it any more if it has not left yet."""
        return self.useless_after is not None and self.useless_after <= now


class EmailAttachment(Base):
    """A file that goes with a letter."""

    __tablename__ = "email_attachments"

    email_id: Mapped[int] = mapped_column(sa.ForeignKey("emails.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(sa.String(200))
    mimetype: Mapped[str] = mapped_column(sa.String(100))
    body: Mapped[bytes]


class EmailAttempt(Base):
    """An attempt that did not end with the mail server taking the letter: its number, its end, and why.

    ``certain`` is false where the letter may have left all the same. The attempt that was taken needs no row:
    ``accepted_at`` and ``provider_id`` of the letter tell of it. ``token`` is the attempt's, by which a report that
    comes late is still known to be of this letter; none where nothing can have left.
    """

    __tablename__ = "email_attempts"

    email_id: Mapped[int] = mapped_column(sa.ForeignKey("emails.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    certain: Mapped[bool]
    reason: Mapped[str] = mapped_column(sa.String(500))
    token: Mapped[str | None] = mapped_column(sa.String(32))


class Suppression(Base):
    """An address that gets no letter any more, and why (``bounce``, ``complaint``, ``left``, ``operator``).

    ``address`` is canonical. An empty ``stream`` means every letter; otherwise only letters of that stream
    (``letter:5`` is the one letter with that id, taken back while it was being handed over).
    """

    __tablename__ = "suppressions"
    __table_args__ = (sa.UniqueConstraint("address", "stream"),)

    address: Mapped[str] = mapped_column(sa.String(254))
    stream: Mapped[str] = mapped_column(sa.String(60), default="")
    reason: Mapped[str] = mapped_column(sa.String(60))
    since: Mapped[datetime]


class MailPause(Base):
    """A transport that is held back until an operator resumes it: the provider refused us, or a person stopped it.

    ``by_whom`` is empty where Undersigned stopped by itself.
    """

    __tablename__ = "mail_pauses"

    transport: Mapped[str] = mapped_column(sa.String(20), unique=True)
    reason: Mapped[str] = mapped_column(sa.String(500))
    since: Mapped[datetime]
    by_whom: Mapped[str] = mapped_column(sa.String(300), default="")


class MailCircuit(Base):
    """How a transport fares as a whole. ``opened_at``: letters wait since then, until ``try_at``; then one tries.

    ``failures`` in a row since ``failing_since`` struck the letters in ``struck``; ``probe`` is the token of the one
    attempt under way, held until ``probe_until``.
    """

    __tablename__ = "mail_circuits"

    transport: Mapped[str] = mapped_column(sa.String(20), unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    struck: Mapped[list[int]] = mapped_column(sa.JSON)
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    opened_at: Mapped[datetime | None]
    wait_seconds: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime | None]
    probe: Mapped[str | None] = mapped_column(sa.String(32))
    probe_until: Mapped[datetime | None]


class MailCheck(Base):
    """What the last look at a sending domain's records found, and when, so that showing it asks nobody."""

    __tablename__ = "mail_checks"

    domain: Mapped[str] = mapped_column(sa.String(255), unique=True)
    checked_at: Mapped[datetime]
    found: Mapped[dict[str, Any]]
