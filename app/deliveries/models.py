"""A document whose bytes never change, and its deliveries."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.campaigns.models import Campaign
from app.core.db import Base
from app.mail.models import Email
from app.targets.models import Target


class DocumentKind(Enum):
    """What is delivered."""

    EDITION = "edition"
    PETITION_REPORT = "petition report"


class Document(Base):
    """What a target receives. ``body`` is the PDF as sent, byte for byte; ``digest`` is of the canonical text.

    ``stands_behind`` says in one sentence whose words these are ("47 organizations signed it, among them …").
    """

    __tablename__ = "documents"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    kind: Mapped[DocumentKind]
    title: Mapped[str] = mapped_column(sa.String(200))
    summary: Mapped[str] = mapped_column(sa.Text)
    stands_behind: Mapped[str] = mapped_column(sa.Text, default="")
    filename: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    body_sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    public_path: Mapped[str] = mapped_column(sa.String(300))
    created_at: Mapped[datetime]
    campaign: Mapped[Campaign] = relationship()


class DeliveryState(Enum):
    """What is known of a delivery; never more than that."""

    QUEUED = "queued"
    HANDED_OVER = "handed over"
    BOUNCED = "bounced"
    FAILED = "failed"
    NO_BOUNCE = "no bounce after 48 h"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"


class Delivery(Base):
    """One document to one target. ``recipient`` is the address at that time."""

    __tablename__ = "deliveries"
    __table_args__ = (sa.UniqueConstraint("document_id", "target_id"),)

    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id"))
    target_id: Mapped[int] = mapped_column(sa.ForeignKey("targets.id"), index=True)
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.QUEUED, index=True)
    recipient: Mapped[str | None] = mapped_column(sa.String(254))
    email_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id"), index=True)
    detail: Mapped[str] = mapped_column(sa.String(500), default="")
    answer: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    document: Mapped[Document] = relationship()
    target: Mapped[Target] = relationship()
    email: Mapped[Email | None] = relationship()
