"""How mailings stand at this moment, for operators: what goes, what waits for whom, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core.clock import spoken
from app.jobs import leases
from app.mail import standing
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingState
from app.mailings.queries.naming import Called, called
from app.mailings.queries.reading import Progress, progress
from app.mailings.rules import APART

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

UNDER_WAY = (MailingState.GOING, MailingState.PAUSED, MailingState.HELD, MailingState.LATE)
UNNAMED = "Words of an earlier version"
LATELY = timedelta(days=7)
# A batch's readers of whom nothing is known but what the batch says.
OTHERS = MailingBatch.size - sum((getattr(MailingBatch, one.value) for one in APART), start=sa.literal(0))
NO_ANSWER = "no answer tells whether they were taken"


@dataclass(frozen=True, slots=True)
class Shown:
    """A mailing, what it is called, and how far it has come."""

    mailing: Mailing
    called: Called
    progress: Progress


def shown(session: Session, *, before: int | None = None, limit: int = 20, by: Actor) -> list[Shown]:
    """Mailings, newest first; ``before`` is the id to page from."""
    query = sa.select(Mailing).order_by(Mailing.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Mailing.id < before)
    rows = list(session.scalars(query))
    names = called(session, [row.id for row in rows], by=by)
    return [Shown(row, names.get(row.id, Called(UNNAMED)), progress(session, row.id)) for row in rows]


def counts(session: Session) -> dict[MailingState, int]:
    """How many mailings under way are in each state."""
    query = sa.select(Mailing.state, sa.func.count()).where(Mailing.state.in_(UNDER_WAY)).group_by(Mailing.state)
    return dict.fromkeys(UNDER_WAY, 0) | dict(session.execute(query).all())


def readers_by_state(session: Session, *, since: datetime) -> dict[BatchState, int]:
    """How many readers of newer mailings stand as their batches do, by state; who is known apart is not among them."""
    newer = sa.select(Mailing.id).where(sa.or_(Mailing.created_at >= since, Mailing.state.in_(UNDER_WAY)))
    query = sa.select(MailingBatch.state, sa.func.sum(OTHERS)).where(MailingBatch.mailing_id.in_(newer))
    found = {state: int(number) for state, number in session.execute(query.group_by(MailingBatch.state))}
    readers = dict.fromkeys(BatchState, 0) | found
    alone = sa.select(sa.func.sum(MailingBatch.unknown)).where(MailingBatch.mailing_id.in_(newer))
    readers[BatchState.UNKNOWN] += int(session.scalar(alone) or 0)
    return readers


@standing.teller
def told(session: Session, now: datetime) -> standing.Part | None:
    """What the operator's page says of mailings."""
    under_way, readers = counts(session), readers_by_state(session, since=now - LATELY)
    says = [
        f"{number:,} {'is' if number == 1 else 'are'} {words}."
        for state, words in (
            (MailingState.GOING, "on the way"),
            (MailingState.PAUSED, "paused by a sender"),
            (MailingState.HELD, "held, because the provider refused the words"),
            (MailingState.LATE, "held, because the hour chosen for its readers has passed; its sender decides"),
        )
        if (number := under_way[state])
    ]
    lost = _of_gone_workers(session, now)
    for number, words in (
        (readers[BatchState.QUEUED], "wait for their turn"),
        (readers[BatchState.SUBMITTING] - lost, "are being handed over right now"),
        (lost, "were being handed over when their worker stopped. They become uncertain as soon as a worker runs"),
        (readers[BatchState.UNKNOWN], f"are uncertain: {NO_ANSWER}, and nothing is sent again by guess"),
    ):
        if number:
            says.append(f"{number:,} letters {words}.")
    if not says:
        return None
    slowed = session.scalar(
        sa.select(sa.func.min(Mailing.next_at)).where(Mailing.state == MailingState.GOING, Mailing.next_at > now)
    )
    if slowed is not None:
        says.append(f"At the speed its sender chose, the next batch leaves {spoken(slowed, 'UTC')}.")
    return standing.Part("Updates to many", tuple(says), "/operator/mailings", waiting=_for_a_worker(session))


def _of_gone_workers(session: Session, now: datetime) -> int:
    """Readers of batches whose worker did not come back while its lease ran."""
    gone = leases.is_free(MailingBatch, now)
    query = sa.select(sa.func.sum(OTHERS)).where(MailingBatch.state == BatchState.SUBMITTING, gone)
    return int(session.scalar(query) or 0)


def _for_a_worker(session: Session) -> int:
    """Readers whose letter a worker should hand over, or has in its hands: not those that somebody paused."""
    going = sa.and_(MailingBatch.state == BatchState.QUEUED, Mailing.state == MailingState.GOING)
    query = sa.select(sa.func.sum(OTHERS)).join(Mailing, Mailing.id == MailingBatch.mailing_id)
    return int(session.scalar(query.where(sa.or_(going, MailingBatch.state == BatchState.SUBMITTING))) or 0)
