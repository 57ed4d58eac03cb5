"""The names of all jobs, and ringing for one: after the commit, so that the worker finds the rows it is called for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.core import db
from app.jobs import engine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Work = Callable[[], int]
log = structlog.get_logger()
JOBS: dict[str, Work] = {}
SHARED: set[str] = set()
PATIENT: set[str] = set()


def job(name: str, *, shared: bool = False, patient: bool = False) -> Callable[[Work], Work]:
    """Register a job: a function that does one lot of the work it finds in rows and returns how many it did.

    It is called until it returns 0, by a bell or by the sweep every minute; so it must be idempotent, take its work
    with a lease, and never rest on having been rung. A ``shared`` job is worth doing in several threads at once,
    because each takes other rows and mostly waits for somebody else's answer; any other runs in one. A ``patient``
    job takes the processor time that others leave: it may keep a core busy for minutes, and people wait for pages.
    """

    def register(work: Work) -> Work:
        JOBS[name] = work
        if shared:
            SHARED.add(name)
        if patient:
            PATIENT.add(name)
        return work

    return register


def ring(session: Session, name: str) -> None:
    """Call the worker for ``name`` once this transaction is committed."""
    db.after_commit(session, f"ring:{name}", functools.partial(ring_now, name))


def ring_later(session: Session, name: str, after: timedelta) -> None:
    """Call the worker for ``name`` once this transaction is committed and some time has passed."""
    db.after_commit(session, f"ring later:{name}", functools.partial(ring_now, name, after))


def ring_now(name: str, after: timedelta = timedelta(0)) -> None:
    """Call the worker now. A bell that cannot be rung is no loss: the sweep finds the rows within a minute."""
    try:
        engine.enqueue(name, after)
    except engine.QUEUE_ERRORS as error:
        log.warning("bell not rung, the sweep will find the work", job=name, error=type(error).__name__)
