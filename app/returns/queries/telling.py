"""What the mail provider has yet to be told: for the operator, and for updates that wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.returns.models import Telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Untold:
    """How many addresses the provider has yet to be told of, since when the oldest waits, and what is in the way."""

    stopping: int
    returning: int
    oldest: datetime | None
    trouble: str | None
    try_after: datetime | None


def untold(session: Session) -> Untold:
    """What waits to be told, and the newest trouble with it."""
    counts = dict(session.execute(sa.select(Telling.stopped, sa.func.count()).group_by(Telling.stopped)).all())
    oldest = session.scalar(sa.select(sa.func.min(Telling.asked_at)))
    newest = sa.select(Telling.last_error, Telling.try_after).where(Telling.last_error.is_not(None))
    trouble = session.execute(newest.order_by(Telling.try_after.desc()).limit(1)).first()
    error, try_after = trouble or (None, None)
    return Untold(counts.get(True, 0), counts.get(False, 0), oldest, error, try_after)


def returning_since(session: Session, until: datetime) -> bool:
    """Whether somebody who said yes at that moment or before waits for the provider to be told."""
    query = sa.select(Telling.id).where(Telling.stopped.is_(False), Telling.asked_at <= until)
    return session.scalar(query.limit(1)) is not None
