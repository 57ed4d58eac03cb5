"""A supporter and the lines of the consent ledger."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.coalitions.models import Organization
from app.core.db import Base


class Supporter(Base):
    """A person behind a confirmed address. Names here are the newest given; a signature keeps its own."""

    __tablename__ = "supporters"
    # An erased supporter's id must never name somebody else: links in old letters carry it, and SQLite would give the
    # highest id again.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads a plain dict

    email: Mapped[str] = mapped_column(sa.String(254))
    email_canonical: Mapped[str] = mapped_column(sa.String(254), unique=True)
    given_name: Mapped[str] = mapped_column(sa.String(100))
    family_name: Mapped[str] = mapped_column(sa.String(100))
    postal_code: Mapped[str] = mapped_column(sa.String(20), default="")
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    language: Mapped[str] = mapped_column(sa.String(20), default="en")
    created_at: Mapped[datetime]


class Purpose(Enum):
    """What a consent is for."""

    UPDATES = "updates"


class Consent(Base):
    """One line of the ledger: never changed, only followed by a newer line. ``words`` are the exact words shown."""

    __tablename__ = "consents"
    __table_args__ = (sa.Index("ix_consents_standing", "organization_id", "purpose", "supporter_id", "id"),)

    supporter_id: Mapped[int] = mapped_column(sa.ForeignKey("supporters.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    purpose: Mapped[Purpose]
    yes: Mapped[bool]
    words: Mapped[str] = mapped_column(sa.Text)
    source: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()


class Standing(Base):
    """The newest answer of each supporter to each organization, kept beside the ledger for fast audiences.

    ``at`` is since when this answer stands.
    """

    __tablename__ = "consent_standings"
    __table_args__ = (
        sa.UniqueConstraint("supporter_id", "organization_id", "purpose"),
        sa.Index("ix_consent_standings_audience", "organization_id", "purpose", "yes", "supporter_id"),
    )

    supporter_id: Mapped[int] = mapped_column(sa.ForeignKey("supporters.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    purpose: Mapped[Purpose]
    yes: Mapped[bool]
    at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()
