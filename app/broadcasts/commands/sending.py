"""Sending an update once to everybody it is for, and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts import messages, queries, rules
from app.broadcasts.commands.approving import elsewhere
from app.broadcasts.commands.holding import held, record
from app.broadcasts.models import Broadcast, BroadcastRecipient, BroadcastState
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Conflict
from app.jobs.bell import ring
from app.mail import outbox
from app.mail.message import Message
from app.mail.models import Email
from app.supporters.rules import preferences_path, unsubscribe_path

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broadcasts.rules import Values
    from app.core.actor import Actor
    from app.supporters.models import Supporter

PLAN = "broadcasts.plan"


def send(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Freeze the audience and begin to send. Sending twice sends once."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state in {BroadcastState.SENDING, BroadcastState.SENT}:
        return broadcast
    rules.must_be_sendable(broadcast, elsewhere=elsewhere(session, broadcast))
    broadcast.frozen_count = queries.count_now(session, broadcast)
    broadcast.state = BroadcastState.SENDING
    broadcast.audience_until = queries.newest_supporter(session)
    broadcast.started_at = now
    record(session, "update.sent", broadcast, by=by, now=now)
    ring(session, PLAN)
    return broadcast


def stop(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Stop for good: letters not yet handed over are dropped; those at the mail server are out of our hands."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state not in {BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to stop.")
    broadcast.state = BroadcastState.STOPPED
    broadcast.finished_at = now
    mine = sa.select(BroadcastRecipient.email_id).where(BroadcastRecipient.broadcast_id == broadcast.id)
    outbox.take_back(session, Email.id.in_(mine), reason="The update was stopped.", now=now)
    record(session, "update.stopped", broadcast, by=by, now=now)
    return broadcast


def plan_lot(session: Session, broadcast: Broadcast, limit: int, *, now: datetime) -> int:
    """Queue the letters of the next supporters; membership and cursor move in one transaction. Returns how many."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.state is not BroadcastState.SENDING:
        return 0
    lot = queries.next_lot(session, broadcast, limit)
    values = queries.values_for(session, broadcast, [supporter.id for supporter in lot])
    for supporter in lot:
        email = outbox.queue(
            session, _letter(broadcast, supporter, values[supporter.id], now), once=_once(broadcast, supporter), now=now
        )
        session.add(BroadcastRecipient(broadcast_id=broadcast.id, supporter_id=supporter.id, email_id=email.id))
    if lot:
        broadcast.planned_up_to = lot[-1].id
        broadcast.planned += len(lot)
        session.flush()
    return len(lot)


def finish_if_done(session: Session, broadcast: Broadcast, *, now: datetime) -> bool:
    """Call it sent once the whole audience is planned and no letter waits to be handed over."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.state is not BroadcastState.SENDING or queries.next_lot(session, broadcast, 1):
        return False
    if queries.unsettled(session, broadcast.id):
        return False
    broadcast.state = BroadcastState.SENT
    broadcast.finished_at = now
    return True


def _letter(broadcast: Broadcast, supporter: Supporter, values: Values, now: datetime) -> Message:
    return messages.update(
        broadcast,
        to=supporter.email,
        to_name=supporter.given_name,
        values=values,
        language=supporter.language,
        unsubscribe_path=unsubscribe_path(supporter.id, broadcast.organization_id, now),
        manage_path=preferences_path(supporter.id, now),
    )


def _once(broadcast: Broadcast, supporter: Supporter) -> str:
    return f"broadcast:{broadcast.id}:{supporter.id}"
