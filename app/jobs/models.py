"""When each worker was last seen, so that ``/readyz`` can say whether anybody does the work."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class WorkerBeat(Base):
    """One worker process: its host and process number, when it started, when it was last seen."""

    __tablename__ = "worker_beats"

    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
