"""A target and how it can be reached; a body's members are targets whose parent is the body."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base


class TargetKind(Enum):
    """What kind of target."""

    COMPANY = "company"
    LEGISLATIVE_BODY = "legislative body"
    AGENCY = "agency"
    OFFICIAL = "official"


class Target(Base):
    """Somebody who can act. ``rules`` are the target's own rules for submissions, in its words."""

    __tablename__ = "targets"
    __table_args__ = (
        sa.UniqueConstraint("coalition_id", "slug"),
        sa.UniqueConstraint("coalition_id", "name", "parent_id"),
        # Two NULL parents never count as equal, so targets that stand alone need a rule of their own.
        sa.Index(
            "uq_targets_standing_alone",
            "coalition_id",
            "name",
            unique=True,
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        ),
    )

    coalition_id: Mapped[int] = mapped_column(sa.ForeignKey("coalitions.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(sa.String(80))
    name: Mapped[str] = mapped_column(sa.String(200))
    kind: Mapped[TargetKind]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("targets.id"), index=True)
    ocd_division: Mapped[str] = mapped_column(sa.String(200), default="")
    title: Mapped[str] = mapped_column(sa.String(100), default="")
    given_name: Mapped[str] = mapped_column(sa.String(100), default="")
    family_name: Mapped[str] = mapped_column(sa.String(100), default="")
    email: Mapped[str | None] = mapped_column(sa.String(254))
    contact_form_url: Mapped[str | None] = mapped_column(sa.String(500))
    postal_address: Mapped[str] = mapped_column(sa.String(500), default="")
    rules: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime]
    parent: Mapped[Target | None] = relationship(remote_side="Target.id", back_populates="members")
    members: Mapped[list[Target]] = relationship(back_populates="parent", order_by="Target.id")

    @property
    def addressed_as(self) -> str:
        """How a letter addresses it: ``Councilmember Demo District One`` or the name."""
        person = " ".join(part for part in (self.title, self.given_name, self.family_name) if part)
        return person or self.name


class PostalDistrict(Base):
    """The district of a body that postal codes beginning with ``prefix`` lie in; the longest prefix counts.

    ``prefix`` is as ``rules.postal_key`` writes it. ``target_id`` is the body; its member for the district is found by
    the district's name.
    """

    __tablename__ = "postal_districts"
    __table_args__ = (sa.UniqueConstraint("target_id", "prefix"),)

    target_id: Mapped[int] = mapped_column(sa.ForeignKey("targets.id", ondelete="CASCADE"))
    prefix: Mapped[str] = mapped_column(sa.String(10))
    district: Mapped[str] = mapped_column(sa.String(200))
