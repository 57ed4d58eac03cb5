"""Petitions, whom they ask consent for, and signatures with the answers given beside them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.campaigns.models import Campaign
from app.coalitions.models import Organization
from app.core.db import Base


class PetitionState(Enum):
    """Where a petition stands."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class Petition(Base):
    """A text supporters sign. Pages show ``counted``, which the counter last touched at ``counted_at``.

    ``checked_at`` is when it was last compared with the rows themselves.
    """

    __tablename__ = "petitions"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[PetitionState] = mapped_column(default=PetitionState.DRAFT)
    goal: Mapped[int] = mapped_column(default=100)
    counted: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    campaign: Mapped[Campaign] = relationship()
    asks: Mapped[list[ConsentAsk]] = relationship(order_by="ConsentAsk.place", cascade="all, delete-orphan")

    def accepts_signatures(self, now: datetime) -> bool:
        """Whether a supporter may sign now."""
        return self.state is PetitionState.OPEN and (self.closes_at is None or now < self.closes_at)


class ConsentAsk(Base):
    """An organization that asks this petition's signers whether it may write to them, in these exact words."""

    __tablename__ = "consent_asks"
    __table_args__ = (sa.UniqueConstraint("petition_id", "organization_id"),)

    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petitions.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    place: Mapped[int]
    words: Mapped[str] = mapped_column(sa.Text)
    organization: Mapped[Organization] = relationship()


class PetitionReport(Base):
    """A report to the targets that somebody asked for; ``document`` is set once the PDF has been made."""

    __tablename__ = "petition_reports"
    __table_args__ = (sa.UniqueConstraint("petition_id", "number"),)

    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petitions.id", ondelete="CASCADE"))
    number: Mapped[int]
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    asked_at: Mapped[datetime]
    petition: Mapped[Petition] = relationship()


class SignatureState(Enum):
    """How a signature stands; only ``validated`` counts."""

    PENDING = "pending"
    VALIDATED = "validated"
    FRAUDULENT = "fraudulent"
    INVALIDATED = "invalidated"
    WITHDRAWN = "withdrawn"


class Signature(Base):
    """A supporter's name under a petition. ``ordinal`` is given when a validated signature is counted.

    ``mails`` caps what an address gets. ``repeats`` counts further attempts of the same mailbox that came to nothing.
    """

    __tablename__ = "signatures"
    __table_args__ = (
        sa.UniqueConstraint("petition_id", "email_canonical", "name_key"),
        sa.Index("ix_signatures_counting", "petition_id", "state", "validated_at"),
    )

    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petitions.id", ondelete="CASCADE"))
    supporter_id: Mapped[int | None] = mapped_column(sa.ForeignKey("supporters.id", ondelete="SET NULL"), index=True)
    given_name: Mapped[str] = mapped_column(sa.String(100))
    family_name: Mapped[str] = mapped_column(sa.String(100))
    name_key: Mapped[str] = mapped_column(sa.String(250))
    email: Mapped[str] = mapped_column(sa.String(254))
    email_canonical: Mapped[str] = mapped_column(sa.String(254), index=True)
    postal_code: Mapped[str] = mapped_column(sa.String(20))
    country: Mapped[str] = mapped_column(sa.String(2))
    language: Mapped[str] = mapped_column(sa.String(20), default="en")
    comments: Mapped[str] = mapped_column(sa.Text, default="")
    state: Mapped[SignatureState] = mapped_column(default=SignatureState.PENDING)
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    ordinal: Mapped[int | None]
    mails: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    validated_at: Mapped[datetime | None]
    petition: Mapped[Petition] = relationship()
    answers: Mapped[list[SignatureAnswer]] = relationship(cascade="all, delete-orphan", order_by="SignatureAnswer.id")


class SignatureAnswer(Base):
    """What a signer answered one asking organization; becomes a consent when the address is confirmed."""

    __tablename__ = "signature_answers"
    __table_args__ = (sa.UniqueConstraint("signature_id", "organization_id"),)

    signature_id: Mapped[int] = mapped_column(sa.ForeignKey("signatures.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    yes: Mapped[bool]
    words: Mapped[str] = mapped_column(sa.Text)
