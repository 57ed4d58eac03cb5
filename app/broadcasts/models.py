"""An update: its words, who stands behind them, and the mailing by which it leaves."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Organization
from app.core.db import Base
from app.mailings.models import Mailing

FIELD = re.compile(r"\{(given_name|count|official)(?:\|([^{}]*))?\}")
# What stands in a field of which nothing is known and for which its author wrote no word.
OTHERWISE = {"given_name": "friend", "count": "many", "official": "your representative"}


class BroadcastState(Enum):
    """Where an update stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    STOPPED = "stopped"


class Broadcast(Base):
    """One update. Sending freezes ``audience_until``: supporters with a higher id came later and are not in it.

    ``audience`` is what ``rules.Audience`` reads: whom of those with a yes the update is for. ``petition_id`` or
    ``statement_id`` is what ``{count}`` counts; ``frozen_count`` is the number all readers get once sending began.

    ``planned_up_to`` is how far the audience has been copied into ``mailing``, which knows what became of each reader;
    ``unplanned`` is how many were not in it yet when it was stopped.
    """

    __tablename__ = "broadcasts"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    audience: Mapped[dict[str, Any]] = mapped_column(default=dict)
    petition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("petitions.id"))
    statement_id: Mapped[int | None] = mapped_column(sa.ForeignKey("statements.id"))
    frozen_count: Mapped[int | None]
    subject: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[BroadcastState] = mapped_column(default=BroadcastState.DRAFT)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    approver_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    approver_organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"))
    approved_version: Mapped[int | None]
    tested_at: Mapped[datetime | None]
    mailing_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailings.id"), index=True)
    audience_until: Mapped[int | None]
    planned_up_to: Mapped[int] = mapped_column(default=0)
    unplanned: Mapped[int | None]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship()
    organization: Mapped[Organization] = relationship(foreign_keys=[organization_id])
    approver_organization: Mapped[Organization | None] = relationship(foreign_keys=[approver_organization_id])
    author: Mapped[Account | None] = relationship(foreign_keys=[author_id])
    approver: Mapped[Account | None] = relationship(foreign_keys=[approver_id])
    mailing: Mapped[Mailing | None] = relationship()

    @property
    def title(self) -> str:
        """The subject as pages and letters about the update name it: as a reader of whom nothing is known gets it."""
        return FIELD.sub(lambda found: found[2] or OTHERWISE[found[1]], self.subject)


class Departure(Base):
    """When and how fast an update leaves, as it was chosen. Without a row: at once, as fast as it goes.

    ``starts_at`` is when sending begins; empty for at once. ``hour`` of ``day`` is each reader's own, where they live;
    then it begins with the first of them. ``missed`` says why it did not start.
    """

    __tablename__ = "broadcast_departures"

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"), unique=True)
    starts_at: Mapped[datetime | None] = mapped_column(index=True)
    day: Mapped[date | None]
    hour: Mapped[int | None]
    late_hours: Mapped[int]
    per_hour: Mapped[int | None]
    missed: Mapped[str] = mapped_column(sa.String(500), default="")


class Measure(Enum):
    """What tells which subject is better. Opening a letter is never one: nobody can know it without spying."""

    CLICKS = "clicks"
    REPLIES = "replies"


class Comparison(Base):
    """Two or three subjects tried on a sample; the better one goes to the rest.

    Readers whose place on a wheel of ``rules.WHEEL`` lies below ``threshold`` are the sample; ``salt`` turns the wheel.
    ``sampled_at``: the sample is planned. ``decide_at``: when the numbers are read. ``open_since``: a person must
    choose, because ``reason``.
    """

    __tablename__ = "broadcast_comparisons"

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"), unique=True)
    measure: Mapped[Measure] = mapped_column(default=Measure.CLICKS)
    percent: Mapped[int]
    hours: Mapped[int]
    salt: Mapped[int]
    threshold: Mapped[int | None]
    sampled_at: Mapped[datetime | None]
    decide_at: Mapped[datetime | None]
    open_since: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    winner: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    subjects: Mapped[list[ComparedSubject]] = relationship(
        order_by="ComparedSubject.variant", cascade="all, delete-orphan"
    )


class ComparedSubject(Base):
    """One of the subjects; the first has no words of its own, it is the update's.

    ``code`` stands in the links to our own pages in letters with this subject; ``visits`` counts how often one of them
    was followed, and nothing is kept of who did.
    """

    __tablename__ = "broadcast_subjects"
    __table_args__ = (sa.UniqueConstraint("comparison_id", "variant"),)

    comparison_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcast_comparisons.id", ondelete="CASCADE"))
    variant: Mapped[int]
    subject: Mapped[str] = mapped_column(sa.String(200), default="")
    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    visits: Mapped[int] = mapped_column(default=0)
