"""The worker: runs what is rung for, sweeps every minute for what nobody rang for, and says that it is alive."""

from __future__ import annotations

import signal
import threading
from datetime import datetime, timedelta
from types import FrameType

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError

from app.core import clock, db, limits
from app.core.clock import utc_now
from app.jobs import crew, engine, leases
from app.jobs.bell import JOBS, PATIENT, SHARED
from app.jobs.models import WorkerBeat

log = structlog.get_logger()
LOTS_IN_A_ROW = 10_000
SWEEP = "jobs.sweep"
SWEEP_SECONDS = 60.0
STOP_SECONDS = 20


class _Serving:
    crew: crew.Crew | None = None


def run(name: str) -> int:
    """Do all work called ``name``; returns how much. A job that breaks is logged and left to the sweep."""
    done = 0
    for _ in range(LOTS_IN_A_ROW):
        lot = one_lot(name)
        if lot == 0:
            break
        done += lot
    return done


def one_lot(name: str) -> int:
    """Do one lot of the work called ``name``; 0 if there is none, or if it broke."""
    work = _sweep if name == SWEEP else JOBS.get(name)
    if work is None:
        log.error("no such job", job=name)
        return 0
    try:
        _agree_on_the_time()
        return work()
    except OperationalError as error:
        # A full disk, a database that is restarted: nothing of ours is wrong, so one sentence is enough.
        log.error("the database took nothing, the work is tried again within a minute", job=name, said=str(error.orig))  # noqa: TRY400
    except Exception:
        # The one place that catches everything: the worker must outlive a broken job. The rows are still there,
        # their leases run out, and the sweep comes back for them.
        log.exception("job broke", job=name)
    return 0


def _agree_on_the_time() -> None:
    """Go by the database's clock: where machines differ, each would take the others' claims for over."""
    there = db.time_there()
    behind = None if there is None else clock.go_by(there)
    if behind is not None:
        seconds = round(behind.total_seconds())
        log.warning("the database's clock counts, not this machine's", behind_by_seconds=seconds)


def heard(name: str) -> None:
    """A bell rang: the crew looks for that work, or, where there is none, this thread."""
    if _Serving.crew is None:
        run(name)
    else:
        _Serving.crew.call(name)


def sweep() -> None:
    """Say that this worker is alive and look for work of every kind."""
    for name in (SWEEP, *JOBS):
        heard(name)


def keep_sweeping(stopped: threading.Event) -> None:
    """Sweep now and every minute, by a clock of this process's own.

    Not by the queue: several workers share one, and each of its bells is heard by one of them, so that a worker would
    seem dead by chance; and with the queue lost, nobody would look for what nobody was called for.
    """
    while True:
        try:
            sweep()
        except RuntimeError as error:  # the machine gives no thread just now; in a minute it may
            log.error("no thread to look for work with", said=str(error))  # noqa: TRY400
        if stopped.wait(SWEEP_SECONDS):
            return


def _sweep() -> int:
    beat(utc_now())
    return 0


def beat(now: datetime) -> None:
    """Write down that this process is alive; forget workers not seen for a day and stale rate windows."""
    name = leases.holder()
    with db.transaction() as session:
        row = session.scalar(sa.select(WorkerBeat).where(WorkerBeat.name == name).with_for_update())
        if row is None:
            session.add(WorkerBeat(name=name, started_at=now, seen_at=now))
        else:
            if row.stopped_at is not None:  # another process of the same number, as the first one of a container has
                row.started_at, row.stopped_at = now, None
            row.seen_at = now
        session.execute(sa.delete(WorkerBeat).where(WorkerBeat.seen_at < now - timedelta(days=1)))
        limits.forget(session, now=now)


def farewell(now: datetime) -> None:
    """Write down that this process works no more, so that nobody counts on it for the minutes of its silence."""
    mine = sa.update(WorkerBeat).where(WorkerBeat.name == leases.holder())
    try:
        with db.transaction() as session:
            session.execute(mine.values(stopped_at=now))
    except OperationalError as error:
        log.error("the database took no farewell, this worker counts as working for minutes", said=str(error.orig))  # noqa: TRY400


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def serve(threads: int) -> None:
    """Work until stopped by SIGTERM or Ctrl-C. A lot under way is ended; what is not is found again by its lease."""
    _Serving.crew = crew.Crew(one_lot, lambda name: threads if name in SHARED else 1, patient=PATIENT)
    # Until the consumer minds signals itself, one that stops us must not skip the farewell.
    signal.signal(signal.SIGTERM, _end)
    stopped = threading.Event()
    sweeper = threading.Thread(target=keep_sweeping, args=(stopped,), name=SWEEP, daemon=True)
    try:
        consumer = engine.consumer()
        sweeper.start()
        consumer.run()
    finally:
        stopped.set()
        if sweeper.is_alive():
            sweeper.join(STOP_SECONDS)
        _Serving.crew.stop(STOP_SECONDS)
        _Serving.crew = None
        farewell(utc_now())


def until_idle() -> int:
    """Do all work there is, in this thread, and return how much was done. Rings left on the queue stay harmless."""
    beat(utc_now())
    total = 0
    try:
        while done := sum(run(name) for name in list(JOBS)):
            total += done
    finally:
        farewell(utc_now())
    return total
