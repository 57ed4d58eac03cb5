"""An update and the people it goes to."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Organization
from app.core.db import Base
from app.mail.models import Email
from app.supporters.models import Supporter

GIVEN_NAME = "{given_name}"
NAMELESS = "friend"


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
    """One update. Sending freezes ``audience_until``: supporters with a higher id came later and are not in it."""

    __tablename__ = "broadcasts"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    petition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("petitions.id"))
    subject: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[BroadcastState] = mapped_column(default=BroadcastState.DRAFT)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    approver_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    approved_version: Mapped[int | None]
    tested_at: Mapped[datetime | None]
    audience_until: Mapped[int | None]
    planned_up_to: Mapped[int] = mapped_column(default=0)
    planned: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship()
    organization: Mapped[Organization] = relationship()
    author: Mapped[Account | None] = relationship(foreign_keys=[author_id])
    approver: Mapped[Account | None] = relationship(foreign_keys=[approver_id])

    @property
    def title(self) -> str:
        """The subject as pages and letters about the update name it: as a reader without a name would get it."""
        return self.subject.replace(GIVEN_NAME, NAMELESS)


class BroadcastRecipient(Base):
    """One supporter of an update's audience and the letter that goes to them. Nobody is in it twice."""

    __tablename__ = "broadcast_recipients"
    __table_args__ = (sa.UniqueConstraint("broadcast_id", "supporter_id"),)

    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id", ondelete="CASCADE"))
    supporter_id: Mapped[int] = mapped_column(sa.ForeignKey("supporters.id", ondelete="CASCADE"), index=True)
    email_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id"), index=True)
    left_out: Mapped[str] = mapped_column(sa.String(60), default="")
    email: Mapped[Email | None] = relationship()
    supporter: Mapped[Supporter] = relationship()
