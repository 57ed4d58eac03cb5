"""The worker: runs what is rung for, sweeps every minute for what nobody rang for, and says that it is alive."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from app.core import db, limits
from app.core.clock import utc_now
from app.jobs import engine, leases
from app.jobs.bell import JOBS
from app.jobs.models import WorkerBeat

log = structlog.get_logger()
LOTS_IN_A_ROW = 10_000


def run(name: str) -> int:
    """Do all work called ``name``; returns how much. A job that breaks is logged and left to the sweep."""
    work = JOBS.get(name)
    if work is None:
        log.error("no such job", job=name)
        return 0
    done = 0
    try:
        for _ in range(LOTS_IN_A_ROW):
            lot = work()
            if lot == 0:
                break
            done += lot
    except Exception:
        # The one place that catches everything: the worker must outlive a broken job. The rows are still there,
        # their leases run out, and the sweep comes back for them.
        log.exception("job broke", job=name)
    return done


def sweep() -> None:
    """Every minute: say that this worker is alive and look for work of every kind."""
    beat(utc_now())
    for name in JOBS:
        run(name)


def beat(now: datetime) -> None:
    """Write down that this process is alive; forget workers not seen for a day and stale rate windows."""
    name = leases.holder()
    with db.transaction() as session:
        row = session.scalar(sa.select(WorkerBeat).where(WorkerBeat.name == name).with_for_update())
        if row is None:
            session.add(WorkerBeat(name=name, started_at=now, seen_at=now))
        else:
            row.seen_at = now
        session.execute(sa.delete(WorkerBeat).where(WorkerBeat.seen_at < now - timedelta(days=1)))
        limits.forget(session, now=now)


def serve(threads: int) -> None:
    """Work until stopped by SIGTERM or Ctrl-C."""
    consumer = engine.consumer(threads)
    beat(utc_now())
    for name in JOBS:
        engine.enqueue(name)
    consumer.run()


def until_idle() -> int:
    """Do all work there is, in this thread, and return how much was done. Rings left on the queue stay harmless."""
    beat(utc_now())
    total = 0
    while done := sum(run(name) for name in list(JOBS)):
        total += done
    return total
