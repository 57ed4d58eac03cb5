"""Freeing what dead workers hold, at once instead of when the sweep comes by: for an operator after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import audit
from app.jobs import leases
from app.jobs.bell import ring
from app.jobs.models import SILENCE, WorkerBeat
from app.mail.commands.deciding import only_operators
from app.mail.commands.handing_over import STOPPED, remember
from app.mail.models import Email, EmailState
from app.mail.outbox import SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Unstuck:
    """What was freed: letters that go again, those that are unknown now, and claims let go before they were used."""

    again: int
    unknown: int
    freed: int

    @property
    def told(self) -> str:
        """What was done, in a sentence."""
        if not (self.again or self.unknown or self.freed):
            return "No letter was stuck."
        return (
            f"{self.again:,} back in the queue, {self.unknown:,} unknown because they may not repeat, "
            f"{self.freed:,} let go before they were handed over."
        )


def requeue_stuck(session: Session, *, lot: int = 10_000, by: Actor, now: datetime) -> Unstuck:
    """Free letters whose worker is gone: its lease ran out, or it has not been seen for minutes.

    A letter that was being handed over goes back to the queue if it may repeat and becomes unknown if it may not; the
    claim's token of an unknown one stays, so that a worker that was only slow can still settle it.
    """
    only_operators(by)
    again = unknown = freed = 0
    for row in _stuck(session, lot, now):
        if row.state is EmailState.QUEUED:
            row.attempts = max(row.attempts - 1, 0)
            leases.release(row)
            freed += 1
            continue
        row.last_error = STOPPED
        remember(session, row, row.attempts, STOPPED, certain=False, now=now)
        if row.repeatable:
            row.state, row.try_after = EmailState.QUEUED, now
            leases.release(row)
            again += 1
        else:
            row.state, row.settled_at = EmailState.UNKNOWN, now
            unknown += 1
    if again or unknown or freed:
        audit.record_all(session, "mail.unstuck", Email, by=by, now=now, again=again, unknown=unknown, freed=freed)
    ring(session, SEND)
    return Unstuck(again, unknown, freed)


def _stuck(session: Session, lot: int, now: datetime) -> list[Email]:
    """Letters held by somebody who is gone. Those that a worker is settling this moment are left to it."""
    alive = sa.select(WorkerBeat.name).where(WorkerBeat.seen_at > now - SILENCE)
    silent = sa.or_(Email.held_by.is_(None), Email.held_by.not_in(alive))
    over = leases.is_free(Email, now)
    handing = sa.and_(Email.state == EmailState.SUBMITTING, sa.or_(over, silent))
    waiting = sa.and_(Email.state == EmailState.QUEUED, Email.lease_token.is_not(None), sa.or_(over, silent))
    query = sa.select(Email).where(sa.or_(handing, waiting)).order_by(Email.id).limit(lot)
    return list(session.scalars(query.with_for_update(skip_locked=True)))
