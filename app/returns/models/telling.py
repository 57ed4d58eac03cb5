"""What the mail provider has yet to be told about an address: apart because it goes out, and is gone once told."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.jobs.leases import Leased


class Telling(Leased, Base):
    """The newest wish of an address (as written, lowercase): no updates at all, or updates again.

    ``wish`` counts how often it turned around, so that what was told is compared with what is wanted by then. A row
    is deleted once the provider took it: nobody's address is kept for this alone.
    """

    __tablename__ = "suppressions_told"
    __table_args__ = (sa.Index("ix_suppressions_told_due", "stopped", "asked_at"),)

    address: Mapped[str] = mapped_column(sa.String(254), unique=True)
    stopped: Mapped[bool]
    wish: Mapped[int] = mapped_column(default=1)
    asked_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(sa.String(500))


class GroupTold(Base):
    """How far a provider's group has been told of those who had left before it was set.

    ``cursor`` is the last supporter looked at, ``told`` how many had left. The row of a group that is not set any
    more is deleted: who leaves meanwhile is told once it is set again.
    """

    __tablename__ = "groups_told"

    number: Mapped[int] = mapped_column(unique=True)
    cursor: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    told: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
