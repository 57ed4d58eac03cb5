"""Requests to sign, sign-ons bound to a digest, and editions with their fixed roll."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.coalitions.models import Organization
from app.core.db import Base
from app.deliveries.models import Document
from app.statements.models import Statement


def signed_by(name: str, title: str) -> str:
    """A person and their title in one line."""
    return f"{name}, {title}" if name and title else name or title


class SignOnRequest(Base):
    """An organization was asked to sign. ``sent_times`` is part of the link: resending makes older ones stale."""

    __tablename__ = "sign_on_requests"
    __table_args__ = (sa.UniqueConstraint("statement_id", "organization_id"),)

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    sent_times: Mapped[int] = mapped_column(default=1)
    sent_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()
    statement: Mapped[Statement] = relationship()


class SignOnState(Enum):
    """How an organization's name stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    RECONFIRMATION_NEEDED = "reconfirmation needed"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    DISPUTED = "disputed"


class SignOn(Base):
    """An organization's answer to one statement. ``digest`` is of the very words the name stands under."""

    __tablename__ = "sign_ons"
    __table_args__ = (
        sa.UniqueConstraint("statement_id", "organization_id"),
        sa.Index("ix_sign_ons_roll", "statement_id", "state"),
    )

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revisions.id"))
    digest: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[SignOnState]
    listed_as: Mapped[str] = mapped_column(sa.String(200), default="")
    signatory_name: Mapped[str] = mapped_column(sa.String(200), default="")
    signatory_title: Mapped[str] = mapped_column(sa.String(200), default="")
    signatory_email: Mapped[str] = mapped_column(sa.String(254), default="")
    attestation: Mapped[str] = mapped_column(sa.String(500), default="")
    reason: Mapped[str] = mapped_column(sa.String(1000), default="")
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()
    statement: Mapped[Statement] = relationship()

    def stands(self) -> bool:
        """Whether the name is on the roll."""
        return self.state is SignOnState.CONFIRMED

    @property
    def signatory(self) -> str:
        """Who signed, as the roll prints it: ``Robin Vale, Campaign Director``."""
        return signed_by(self.signatory_name, self.signatory_title)


class Edition(Base):
    """The frozen letter plus the frozen roll. ``document`` is set once the PDF has been made."""

    __tablename__ = "editions"
    __table_args__ = (sa.UniqueConstraint("statement_id", "number"),)

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.String(64))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("documents.id"))
    made_at: Mapped[datetime]
    statement: Mapped[Statement] = relationship()
    document: Mapped[Document | None] = relationship()
    names: Mapped[list[EditionName]] = relationship(order_by="EditionName.place", cascade="all, delete-orphan")


class EditionName(Base):
    """One line of an edition's roll, copied so that it never changes."""

    __tablename__ = "edition_names"
    __table_args__ = (sa.UniqueConstraint("edition_id", "place"),)

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    place: Mapped[int]
    sign_on_id: Mapped[int] = mapped_column(sa.ForeignKey("sign_ons.id"))
    listed_as: Mapped[str] = mapped_column(sa.String(200))
    signatory_name: Mapped[str] = mapped_column(sa.String(200))
    signatory_title: Mapped[str] = mapped_column(sa.String(200))
    initiator: Mapped[bool]
    scope: Mapped[str] = mapped_column(sa.String(40))

    @property
    def signatory(self) -> str:
        """Who signed, as the roll prints it."""
        return signed_by(self.signatory_name, self.signatory_title)
