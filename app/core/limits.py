"""Rate limits that hold across processes and restarts: counts in the database, a row per key and window.

A separate store (Redis) is not asked of an installation for 200 people; see docs/decisions.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import db
from app.core.db import Base
from app.core.errors import TooMany

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class RateWindow(Base):
    """How often one key acted in one window. The key is a digest, so no address is kept."""

    __tablename__ = "rate_windows"
    __table_args__ = (sa.UniqueConstraint("key", "starts_at"),)

    key: Mapped[str] = mapped_column(sa.String(64))
    starts_at: Mapped[datetime] = mapped_column(index=True)
    hits: Mapped[int] = mapped_column(default=0)


def network(address: str) -> str:
    """What a rate limit counts of a network address: an IPv6 network of 64 bits belongs to one customer."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)


def spend(session: Session, what: str, whom: str, *, allowed: int, per: timedelta, now: datetime) -> None:
    """Count one try of ``whom`` at ``what``; raise TooMany when more than ``allowed`` fall in one window.

    Call it in a transaction of its own: a refusal later in the same transaction would give the try back.
    """
    seconds = int(per.total_seconds())
    start = int(now.timestamp()) // seconds * seconds
    key = hashlib.sha256(f"{what}\0{whom}".encode()).hexdigest()
    starts_at = datetime.fromtimestamp(start, UTC)
    db.insert_once(session, RateWindow, [{"key": key, "starts_at": starts_at, "hits": 0}], unique=["key", "starts_at"])
    hits = session.execute(
        sa.update(RateWindow)
        .where(RateWindow.key == key, RateWindow.starts_at == starts_at)
        .values(hits=RateWindow.hits + 1)
        .returning(RateWindow.hits)
    ).scalar_one()
    if hits > allowed:
        raise TooMany(retry_after=start + seconds - int(now.timestamp()))


def forget(session: Session, *, now: datetime) -> None:
    """Drop windows older than two days."""
    session.execute(sa.delete(RateWindow).where(RateWindow.starts_at < now - timedelta(days=2)))
