"""Coalitions, organizations and their names, who belongs to what, and invitations."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Account
from app.core.db import Base


class LegalStatus(Enum):
    """What an organization is in law."""

    C3 = "c3"
    C4 = "c4"
    OTHER = "other"
    UNOFFICIAL = "unofficial"


class Scope(Enum):
    """How far an organization reaches; the roll is grouped by it when it is long."""

    NATIONAL = "national"
    STATE = "state"
    LOCAL = "local"
    INTERNATIONAL = "international"


class Verification(Enum):
    """How far somebody checked that an organization is who it says."""

    UNVERIFIED = "unverified"
    VOUCHED = "vouched"
    DOMAIN = "domain"


class Coalition(Base):
    """Organizations working together. ``zone`` is the time zone of its deadlines.

    ``other_organization_approves``: an update is approved by a person of another organization than its sender.
    """

    __tablename__ = "coalitions"

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    purpose: Mapped[str] = mapped_column(sa.Text, default="")
    zone: Mapped[str] = mapped_column(sa.String(60))
    is_demo: Mapped[bool] = mapped_column(default=False)
    second_approver: Mapped[bool] = mapped_column(default=True)
    other_organization_approves: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    parties: Mapped[list[Party]] = relationship(back_populates="coalition", order_by="Party.id")


class Organization(Base):
    """A group. ``name`` is its full name; ``public_email`` is printed and told when its name is used.

    ``sender_name`` is what its updates come from ("" is its name).
    """

    __tablename__ = "organizations"

    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_normal: Mapped[str] = mapped_column(sa.String(200), unique=True)
    short_name: Mapped[str] = mapped_column(sa.String(60), default="")
    legal_status: Mapped[LegalStatus] = mapped_column(default=LegalStatus.OTHER)
    scope: Mapped[Scope] = mapped_column(default=Scope.LOCAL)
    region: Mapped[str] = mapped_column(sa.String(20), default="")
    site_url: Mapped[str | None] = mapped_column(sa.String(500))
    public_email: Mapped[str | None] = mapped_column(sa.String(254))
    sender_name: Mapped[str] = mapped_column(sa.String(100), default="")
    verification: Mapped[Verification] = mapped_column(default=Verification.UNVERIFIED)
    verification_evidence: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[datetime]
    aliases: Mapped[list[OrganizationAlias]] = relationship(
        cascade="all, delete-orphan", order_by="OrganizationAlias.name"
    )
    memberships: Mapped[list[Membership]] = relationship(back_populates="organization", order_by="Membership.id")

    @property
    def writes_as(self) -> str:
        """The name that its updates come from."""
        return self.sender_name or self.name


class OrganizationAlias(Base):
    """Another name of an organization (``ACLU``)."""

    __tablename__ = "organization_aliases"
    __table_args__ = (sa.UniqueConstraint("organization_id", "name_normal"),)

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(200))
    name_normal: Mapped[str] = mapped_column(sa.String(200), index=True)


class PartyRole(Enum):
    """What an organization is in a coalition."""

    LEAD = "lead"
    PARTNER = "partner"


class Party(Base):
    """An organization's place in a coalition. ``contact_*`` is the private contact for sign-on requests."""

    __tablename__ = "parties"
    __table_args__ = (sa.UniqueConstraint("coalition_id", "organization_id"),)

    coalition_id: Mapped[int] = mapped_column(sa.ForeignKey("coalitions.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    role: Mapped[PartyRole]
    contact_name: Mapped[str] = mapped_column(sa.String(200), default="")
    contact_title: Mapped[str] = mapped_column(sa.String(200), default="")
    contact_email: Mapped[str | None] = mapped_column(sa.String(254))
    joined_at: Mapped[datetime | None]
    added_at: Mapped[datetime]
    coalition: Mapped[Coalition] = relationship(back_populates="parties")
    organization: Mapped[Organization] = relationship()


class Role(Enum):
    """What a person is in an organization."""

    ADMIN = "admin"
    SIGNATORY = "signatory"
    DRAFTER = "drafter"
    VIEWER = "viewer"


class Membership(Base):
    """A person's role in an organization."""

    __tablename__ = "memberships"
    __table_args__ = (sa.UniqueConstraint("account_id", "organization_id"),)

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    role: Mapped[Role]
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    since: Mapped[datetime]
    account: Mapped[Account] = relationship()
    organization: Mapped[Organization] = relationship(back_populates="memberships")


class Invitation(Base):
    """A request to join, sent by e-mail. ``sent_times`` is part of the link: resending makes older links stale."""

    __tablename__ = "invitations"

    coalition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("coalitions.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    role: Mapped[Role]
    invited_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    sent_times: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    coalition: Mapped[Coalition | None] = relationship()
    organization: Mapped[Organization] = relationship()

    def usable(self, now: datetime) -> bool:
        """Whether it can still be accepted."""
        return self.revoked_at is None and self.accepted_at is None and now <= self.expires_at
