"""When each worker was last seen, so that ``/readyz`` can say whether anybody does the work."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

# A worker says every minute that it is alive; one that missed three is taken for dead.
SILENCE = timedelta(minutes=3)
# One that missed one may only be slow, but whoever looks should know.
MISSED_A_BEAT = timedelta(seconds=90)


class WorkerBeat(Base):
    """One worker process: its host and process number, when it started, when it was last seen.

    ``stopped_at`` is its own farewell. A killed one says none: it is only not heard of any more.
    """

    __tablename__ = "worker_beats"

    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]

    @classmethod
    def counts_as_alive(cls, now: datetime) -> sa.ColumnElement[bool]:
        """Whether a worker was seen lately and has not said farewell since."""
        return sa.and_(cls.seen_at > now - SILENCE, cls.stopped_at.is_(None))
