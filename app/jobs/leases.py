"""Taking a lot of rows to work on: claimed for a while under a token, and free again when the claimant dies."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Leased:
    """Columns of a row that is work: how often tried, when to try next, and who holds it until when."""

    attempts: Mapped[int] = mapped_column(default=0)
    try_after: Mapped[datetime] = mapped_column(index=True)
    lease_token: Mapped[str | None] = mapped_column(sa.String(32))
    leased_until: Mapped[datetime | None]


Work = TypeVar("Work", bound=Leased)


def holder() -> str:
    """The name under which this process takes work and says that it is alive."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(
    session: Session,
    model: type[Work],
    *where: sa.ColumnElement[bool],
    order: tuple[sa.ColumnElement[object] | sa.UnaryExpression[object] | object, ...] = (),
    lot: int,
    lease: timedelta,
    now: datetime,
) -> list[Work]:
    """Take up to ``lot`` due rows that nobody holds; each gets a token of its own that fences the settling."""
    free = sa.or_(model.leased_until.is_(None), model.leased_until < now)
    query = sa.select(model).where(*where, model.try_after <= now, free)
    query = query.order_by(*order).limit(lot).with_for_update(skip_locked=True)  # type: ignore[arg-type]
    rows = list(session.scalars(query))
    for row in rows:
        row.lease_token = secrets.token_hex(16)
        row.leased_until = now + lease
        row.attempts += 1
    session.flush()
    return rows


def held(session: Session, model: type[Work], ident: int, token: str) -> Work | None:
    """The row if this claim still holds it, locked for settling; None if the lease ran out and another took it."""
    row = session.get(model, ident, with_for_update=True, populate_existing=True)
    return row if row is not None and row.lease_token == token else None


def release(row: Leased) -> None:
    """Let the row go after settling it."""
    row.lease_token = None
    row.leased_until = None
