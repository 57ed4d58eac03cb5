"""Planning updates lot by lot, and noticing when the last letter has been handed over."""

from __future__ import annotations

import sqlalchemy as sa

from app.broadcasts import commands
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job

LOT = 500


@job(commands.PLAN)
def plan() -> int:
    """Queue one lot of each update that is being sent; the cursor in the row makes a crash harmless."""
    done = 0
    for ident in _sending():
        with transaction() as session:
            broadcast = session.get_one(Broadcast, ident)
            done += commands.plan_lot(session, broadcast, LOT, now=utc_now())
    return done


@job("broadcasts.finish")
def finish() -> int:
    """Call updates sent whose last letter was handed over. Asked by the sweep, so at most a minute late."""
    done = 0
    for ident in _sending():
        with transaction() as session:
            done += commands.finish_if_done(session, session.get_one(Broadcast, ident), now=utc_now())
    return done


def _sending() -> list[int]:
    with reading() as session:
        query = sa.select(Broadcast.id).where(Broadcast.state == BroadcastState.SENDING).order_by(Broadcast.id)
        return list(session.scalars(query))
