"""An automated letter under a petition: its words, who stands behind them, its switch, and to whom it went."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Account
from app.broadcasts.models import FIELD, OTHERWISE
from app.coalitions.models import Organization
from app.core.db import Base
from app.petitions.models import Petition


class Kind(Enum):
    """What is written, and when."""

    REMINDER = "reminder"
    WELCOME = "welcome"


class Automation(Base):
    """A letter that is written by itself while ``on_since`` is set: a petition's reminder, an organization's welcome.

    ``organization_id`` is the welcome's sender; of a reminder, which the coalition sends, whose person wrote it.
    ``place`` keeps a petition at one reminder and each organization under it at one welcome. ``on_since`` is the
    watermark: who confirmed earlier gets no welcome. ``seen_until`` is up to when confirmations were looked at.
    """

    __tablename__ = "automations"

    kind: Mapped[Kind]
    place: Mapped[str] = mapped_column(sa.String(60), unique=True)
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petitions.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    subject: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.Text)
    delay_hours: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    tested_at: Mapped[datetime | None]
    approver_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    approver_organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"))
    approved_version: Mapped[int | None]
    approved_at: Mapped[datetime | None]
    on_since: Mapped[datetime | None] = mapped_column(index=True)
    seen_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    petition: Mapped[Petition] = relationship()
    organization: Mapped[Organization] = relationship(foreign_keys=[organization_id])
    approver_organization: Mapped[Organization | None] = relationship(foreign_keys=[approver_organization_id])
    author: Mapped[Account | None] = relationship(foreign_keys=[author_id])
    approver: Mapped[Account | None] = relationship(foreign_keys=[approver_id])

    @property
    def title(self) -> str:
        """The subject as pages name the letter: as a reader of whom nothing is known gets it."""
        return FIELD.sub(lambda found: found[2] or OTHERWISE[found[1]], self.subject)

    @property
    def is_welcome(self) -> bool:
        """Whether it is a welcome; else it is a reminder."""
        return self.kind is Kind.WELCOME

    @property
    def approved(self) -> bool:
        """Whether a second person stands behind exactly these words."""
        return self.approved_version == self.version


class AutomationLetter(Base):
    """That somebody was written to. ``organization_id`` and ``supporter_id`` are set for a welcome only.

    The constraints are the promise: a signature is reminded once, a supporter welcomed once by an organization, and
    ``number`` is the first or second letter that automation ever wrote about a signature.
    """

    __tablename__ = "automation_letters"
    __table_args__ = (
        sa.UniqueConstraint("automation_id", "signature_id"),
        sa.UniqueConstraint("organization_id", "supporter_id"),
        sa.UniqueConstraint("signature_id", "number"),
        sa.CheckConstraint("number IN (1, 2)", name="at_most_two"),
    )

    automation_id: Mapped[int] = mapped_column(sa.ForeignKey("automations.id", ondelete="CASCADE"))
    signature_id: Mapped[int] = mapped_column(sa.ForeignKey("signatures.id", ondelete="CASCADE"))
    number: Mapped[int]
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"))
    supporter_id: Mapped[int | None] = mapped_column(sa.ForeignKey("supporters.id", ondelete="SET NULL"), index=True)
    email_id: Mapped[int | None] = mapped_column(sa.ForeignKey("emails.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime]
