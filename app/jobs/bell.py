"""The names of all jobs, and ringing for one: after the commit, so that the worker finds the rows it is called for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from app.core import db
from app.jobs import engine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Work = Callable[[], int]
log = structlog.get_logger()
JOBS: dict[str, Work] = {}


def job(name: str) -> Callable[[Work], Work]:
    """Register a job: a function that does one lot of the work it finds in rows and returns how many it did.

    It is called until it returns 0, by a bell or by the sweep every minute; so it must be idempotent, take its work
    with a lease, and never rest on having been rung.
    """

    def register(work: Work) -> Work:
        JOBS[name] = work
        return work

    return register


def ring(session: Session, name: str) -> None:
    """Call the worker for ``name`` once this transaction is committed."""
    db.after_commit(session, f"ring:{name}", functools.partial(ring_now, name))


def ring_now(name: str) -> None:
    """Call the worker now. A bell that cannot be rung is no loss: the sweep finds the rows within a minute."""
    try:
        engine.enqueue(name)
    except engine.QUEUE_ERRORS as error:
        log.warning("bell not rung, the sweep will find the work", job=name, error=type(error).__name__)
