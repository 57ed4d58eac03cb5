"""A person who signs in, and the single-use links that were mailed to them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Account(Base):
    """A person with a sign-in. ``epoch`` is part of every session: raising it signs the person out everywhere."""

    __tablename__ = "accounts"

    email: Mapped[str] = mapped_column(sa.String(254))
    email_canonical: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    is_operator: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]


class LinkPurpose(Enum):
    """What an e-mailed link lets its holder do."""

    SIGN_IN = "sign in"
    RESET_PASSWORD = "reset password"  # noqa: S105 - a purpose, not a secret


class AccountLink(Base):
    """A single-use link to an account's mailbox; only the digest of its secret is kept.

    ``expires_at`` less ``created_at`` is how long it lives; a mailed one lives so long from when its letter left.
    """

    __tablename__ = "account_links"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[LinkPurpose]
    secret_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def usable(self, now: datetime, left_at: datetime | None = None) -> bool:
        """Whether the link still works; ``left_at`` is when the letter that holds it was last handed over."""
        until = self.expires_at if left_at is None else left_at + (self.expires_at - self.created_at)
        return self.used_at is None and now <= max(until, self.expires_at)
