"""A statement, its immutable revisions, and what organizations say about them before it is frozen."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Organization
from app.core.db import Base


class StatementState(Enum):
    """Where a statement stands on its way."""

    DRAFTING = "drafting"
    IN_REVIEW = "in review"
    OPEN = "open"
    CLOSED = "closed"
    DELIVERED = "delivered"
    ARCHIVED = "archived"


class Statement(Base):
    """The joint text.

    Freezing sets ``frozen_revision``, ``digest`` and ``frozen_at`` together and leaves the state alone; opening it for
    sign-on is a second act. Until then it may be unfrozen, from then on its words are those of ``frozen_revision``.
    """

    __tablename__ = "statements"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    state: Mapped[StatementState] = mapped_column(default=StatementState.DRAFTING)
    head_number: Mapped[int] = mapped_column(default=0)
    # No constraint: it would tie the two tables in a ring that SQLite cannot alter; commands.freeze alone writes it.
    frozen_revision_id: Mapped[int | None] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
    digest: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    deadline: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    campaign: Mapped[Campaign] = relationship()
    frozen_revision: Mapped[Revision | None] = relationship(
        primaryjoin="foreign(Statement.frozen_revision_id) == Revision.id", viewonly=True
    )
    revisions: Mapped[list[Revision]] = relationship(
        back_populates="statement", order_by="Revision.number", foreign_keys="Revision.statement_id"
    )

    def editable(self) -> bool:
        """Whether its words may still change."""
        return self.before_opening() and not self.frozen()

    def frozen(self) -> bool:
        """Whether its words are fixed to one revision and its digest."""
        return self.frozen_revision_id is not None

    def before_opening(self) -> bool:
        """Whether only the coalition sees it yet."""
        return self.state in {StatementState.DRAFTING, StatementState.IN_REVIEW}

    def accepts_signons(self, now: datetime) -> bool:
        """Whether an organization may put its name to it now."""
        return self.state is StatementState.OPEN and (self.deadline is None or now < self.deadline)

    def public(self) -> bool:
        """Whether anybody may read it."""
        return self.state in {
            StatementState.OPEN,
            StatementState.CLOSED,
            StatementState.DELIVERED,
            StatementState.ARCHIVED,
        }


class Revision(Base):
    """One immutable version of the text. ``based_on`` is the number the author had before them."""

    __tablename__ = "revisions"
    __table_args__ = (sa.UniqueConstraint("statement_id", "number"),)

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"))
    number: Mapped[int]
    based_on: Mapped[int]
    text: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    note: Mapped[str] = mapped_column(sa.String(300), default="")
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"))
    created_at: Mapped[datetime]
    statement: Mapped[Statement] = relationship(back_populates="revisions", foreign_keys=[statement_id])
    author: Mapped[Account | None] = relationship()
    organization: Mapped[Organization | None] = relationship()

    def merged(self) -> bool:
        """Whether somebody else had saved since the author began, and both changes were brought together."""
        return self.based_on < self.number - 1


class SuggestionState(Enum):
    """What became of a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Suggestion(Base):
    """A proposed replacement of a passage, quoted from a revision."""

    __tablename__ = "suggestions"

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"), index=True)
    revision_number: Mapped[int]
    passage: Mapped[str] = mapped_column(sa.Text)
    replacement: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.String(1000), default="")
    state: Mapped[SuggestionState] = mapped_column(default=SuggestionState.OPEN)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    author: Mapped[Account] = relationship(foreign_keys=[account_id])
    organization: Mapped[Organization] = relationship()


class Comment(Base):
    """A remark anchored to a passage (or to the whole text if the passage is empty)."""

    __tablename__ = "comments"

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"), index=True)
    revision_number: Mapped[int]
    passage: Mapped[str] = mapped_column(sa.Text, default="")
    body: Mapped[str] = mapped_column(sa.Text)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    author: Mapped[Account] = relationship()
    organization: Mapped[Organization] = relationship()


class Answer(Enum):
    """An organization's answer to a revision in review."""

    CONSENT = "consent"
    STAND_ASIDE = "stand aside"
    OBJECT = "object"


class Position(Base):
    """What an organization says of one revision; objecting needs words."""

    __tablename__ = "positions"
    __table_args__ = (sa.UniqueConstraint("revision_id", "organization_id"),)

    statement_id: Mapped[int] = mapped_column(sa.ForeignKey("statements.id", ondelete="CASCADE"), index=True)
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revisions.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organizations.id"))
    answer: Mapped[Answer]
    words: Mapped[str] = mapped_column(sa.Text, default="")
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"))
    at: Mapped[datetime]
    organization: Mapped[Organization] = relationship()
    revision: Mapped[Revision] = relationship()
