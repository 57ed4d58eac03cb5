"""Who does the work, as far as is known: a worker that stops says so, one that was killed is only not heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.jobs import leases
from app.jobs.models import MISSED_A_BEAT, SILENCE, WorkerBeat
from app.mail.models import Email, EmailState
from app.mail.queries.holding import hindrances

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Silent:
    """A worker that should have been heard of since: its name, and when it was."""

    name: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers that count as running, by name; those of them that are silent; when any was heard of last.

    ``stopped_at`` is the farewell of the last one, where it said one.
    """

    names: list[str]
    silent: list[Silent]
    seen_at: datetime | None
    stopped_at: datetime | None


def workers(session: Session, *, now: datetime) -> Workers:
    """Every worker seen in the last minutes that did not say farewell, and what is known of the last one."""
    rows = list(session.scalars(sa.select(WorkerBeat).order_by(WorkerBeat.name)))
    alive = [row for row in rows if row.stopped_at is None and row.seen_at > now - SILENCE]
    silent = [Silent(row.name, row.seen_at) for row in alive if row.seen_at < now - MISSED_A_BEAT]
    last = max(rows, key=lambda row: row.stopped_at or row.seen_at, default=None)
    return Workers(
        names=[row.name for row in alive],
        silent=silent,
        seen_at=last.seen_at if last else None,
        stopped_at=last.stopped_at if last else None,
    )


def nothing_leaves(session: Session, *, now: datetime) -> bool:
    """Whether a letter that somebody asks for now has to wait: letters are held back, or no worker runs."""
    return bool(hindrances(session, now=now)) or not workers(session, now=now).names


def is_left_behind(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a letter is in the hands of a worker that is gone: its lease ran out, it stopped, or it is silent."""
    alive = sa.select(WorkerBeat.name).where(WorkerBeat.counts_as_alive(now))
    silent = sa.or_(Email.held_by.is_(None), Email.held_by.not_in(alive))
    over = leases.is_free(Email, now)
    handing = sa.and_(Email.state == EmailState.SUBMITTING, sa.or_(over, silent))
    waiting = sa.and_(Email.state == EmailState.QUEUED, Email.lease_token.is_not(None), sa.or_(over, silent))
    return sa.or_(handing, waiting)


def left_behind(session: Session, *, now: datetime) -> int:
    """How many letters are in the hands of workers that are gone, which an operator can free."""
    return session.scalar(sa.select(sa.func.count()).select_from(Email).where(is_left_behind(now))) or 0
