"""How far an update has come: who is planned next, and where its letters stand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast, BroadcastRecipient
from app.broadcasts.queries.readers import audience
from app.mail.models import Email, EmailState
from app.supporters.models import Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def next_lot(session: Session, broadcast: Broadcast, limit: int) -> list[Supporter]:
    """The next supporters of a frozen audience that have not been planned, by id."""
    ids = audience(broadcast).where(Supporter.id > broadcast.planned_up_to).limit(limit).subquery()
    query = sa.select(Supporter).join(ids, ids.c.id == Supporter.id).order_by(Supporter.id)
    return list(session.scalars(query))


def progress(session: Session, broadcast_id: int) -> dict[str, int]:
    """How many letters of an update are in each state; nothing more is claimed than is known."""
    rows = session.execute(
        sa.select(Email.state, sa.func.count())
        .join(BroadcastRecipient, BroadcastRecipient.email_id == Email.id)
        .where(BroadcastRecipient.broadcast_id == broadcast_id)
        .group_by(Email.state)
    )
    counts = Counter({state.value: count for state, count in rows})
    return {state.value: counts[state.value] for state in EmailState}


def unsettled(session: Session, broadcast_id: int) -> int:
    """How many letters of an update are still to be handed over."""
    counts = progress(session, broadcast_id)
    return counts[EmailState.QUEUED.value] + counts[EmailState.SUBMITTING.value]
