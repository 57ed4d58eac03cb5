"""Campaigns, the targets they name, commitments of targets and what member groups say about them."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.coalitions.models import Coalition, Organization
from app.core.db import Base
from app.targets.models import Target


class CampaignState(Enum):
    """Where a campaign stands."""

    DRAFT = "draft"
    LIVE = "live"
    WON = "won"
    CLOSED = "closed"


class Campaign(Base):
    """A demand on targets."""

    __tablename__ = "campaigns"

    coalition_id: Mapped[int] = mapped_column(sa.ForeignKey("coalitions.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    demand: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[CampaignState] = mapped_column(default=CampaignState.DRAFT)
    created_at: Mapped[datetime]
    coalition: Mapped[Coalition] = relationship()
    targets: Mapped[list[Target]] = relationship(secondary="campaign_targets", order_by="Target.id")


class CampaignTarget(Base):
    """A target that a campaign names."""

    __tablename__ = "campaign_targets"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "target_id"),)

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(sa.ForeignKey("targets.id", ondelete="CASCADE"), index=True)


class CommitmentState(Enum):
    """What became of a promise."""

    ANNOUNCED = "announced"
    EXTENDED = "extended"
    KEPT = "kept"
    BROKEN = "broken"
    EXPIRED = "expired"


class Commitment(Base):
    """What a target promised on a date, with its source, and when it runs out (never, if None)."""

    __tablename__ = "commitments"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "target_id", "headline", "made_on"),)

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"))
    target_id: Mapped[int] = mapped_column(sa.ForeignKey("targets.id"), index=True)
    headline: Mapped[str] = mapped_column(sa.String(300))
    made_on: Mapped[date]
    expires_on: Mapped[date | None]
    state: Mapped[CommitmentState]
    quote: Mapped[str] = mapped_column(sa.Text, default="")
    source: Mapped[str] = mapped_column(sa.String(500))
    warned_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    target: Mapped[Target] = relationship()
    campaign: Mapped[Campaign] = relationship()
    steps: Mapped[list[CommitmentStep]] = relationship(order_by="CommitmentStep.id")
    reactions: Mapped[list[Reaction]] = relationship(order_by="Reaction.id")

    def open(self) -> bool:
        """Whether it may still run out."""
        return self.state in {CommitmentState.ANNOUNCED, CommitmentState.EXTENDED} and self.expires_on is not None


class CommitmentStep(Base):
    """What became of a commitment on a later day: one line of the public timeline. ``expires_on`` is the end it set."""

    __tablename__ = "commitment_steps"

    commitment_id: Mapped[int] = mapped_column(sa.ForeignKey("commitments.id", ondelete="CASCADE"), index=True)
    state: Mapped[CommitmentState]
    on: Mapped[date]
    expires_on: Mapped[date | None]
    words: Mapped[str] = mapped_column(sa.Text, default="")
    source: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime]


class Reaction(Base):
    """A member group's own words beside an event of the timeline."""

    __tablename__ = "reactions"
    __table_args__ = (sa.UniqueConstraint("commitment_id", "organization_id"),)

    commitment_id: Mapped[int] = mapped_column(sa.ForeignKey("commitments.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    spokesperson: Mapped[str] = mapped_column(sa.String(200), default="")
    quote: Mapped[str] = mapped_column(sa.Text)
    source: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()
