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
    from collections.abc import Sequence

    from sqlalchemy.orm import Session
    from sqlalchemy.orm.interfaces import ORMOption

# No lease of the house is longer. One that seems to be was written by a clock that has been put back since.
LONGEST = timedelta(minutes=15)


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
    """Take up to ``lot`` due rows that nobody holds; each gets a token of its own that fences the settling.

    It is written at the end of the transaction or before the next query, together with whatever else is changed.
    Raises ValueError for a lease that would look as if a clock had been put back, and so be nobody's.
    """
    if lease >= LONGEST:
        message = f"No lease is as long as {LONGEST}."
        raise ValueError(message)
    query = sa.select(model).where(*where, model.try_after <= now, is_free(model, now))
    query = query.order_by(*order).limit(lot).with_for_update(skip_locked=True)  # type: ignore[arg-type]
    rows = list(session.scalars(query))
    for row in rows:
        row.lease_token = secrets.token_hex(16)
        row.leased_until = now + lease
        row.attempts += 1
    return rows


def is_free(model: type[Work], now: datetime) -> sa.ColumnElement[bool]:
    """Whether nobody holds a row: never claimed, let go, or claimed by one whose time is over."""
    until = model.leased_until
    return sa.or_(until.is_(None), until < now, until > now + LONGEST)


def is_over(until: datetime | None, now: datetime) -> bool:
    """The same of one row that was read: whether nobody holds it until then."""
    return until is None or not now <= until <= now + LONGEST


def held_all(
    session: Session, model: type[Work], tokens: dict[int, str], options: Sequence[ORMOption] = ()
) -> dict[int, Work]:
    """Of many claims (the token by the row's id) the rows that are still held, locked for settling, in one query."""
    if not tokens:
        return {}
    ident = model.__table__.c["id"]  # type: ignore[attr-defined]
    query = sa.select(model).where(ident.in_(tokens)).order_by(ident).with_for_update()
    rows = session.scalars(query.options(*options).execution_options(populate_existing=True))
    return {row.id: row for row in rows if row.lease_token == tokens[row.id]}  # type: ignore[attr-defined]


def held(session: Session, model: type[Work], ident: int, token: str) -> Work | None:
    """The row if this claim still holds it, locked for settling; None if the lease ran out and another took it."""
    row = session.get(model, ident, with_for_update=True, populate_existing=True)
    return row if row is not None and row.lease_token == token else None


def release(row: Leased) -> None:
    """Let the row go after settling it."""
    row.lease_token = None
    row.leased_until = None
