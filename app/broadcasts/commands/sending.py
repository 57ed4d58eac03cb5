"""Sending an update once to everybody it is for, and stopping it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from app.broadcasts import queries, rules
from app.broadcasts.commands.approving import elsewhere
from app.broadcasts.commands.comparing import freeze_sample
from app.broadcasts.commands.holding import held, record
from app.broadcasts.models import Broadcast, BroadcastState
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Conflict
from app.core.inputs import Input
from app.jobs.bell import ring
from app.mailings import commands as mailings
from app.mailings.models import MailingState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

PLAN = "broadcasts.plan"


class Late(Enum):
    """What a person decides of readers whose hour has passed."""

    SEND = "sent"
    LEAVE_OUT = "left_out"


class LateDecided(Input):
    """The decision, and for how many readers it was too late on the screen where it was made."""

    what: Late
    letters: int


def send(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Freeze the audience and begin to send. Sending twice sends once."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state in {BroadcastState.SENDING, BroadcastState.SENT}:
        return broadcast
    rules.must_be_sendable(broadcast, elsewhere=elsewhere(session, broadcast))
    return begin(session, broadcast, by=by, now=now)


def begin(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Freeze the audience of an update that may be sent, and call the planner."""
    freeze_sample(session, broadcast, now=now)
    broadcast.frozen_count = queries.count_now(session, broadcast)
    broadcast.state = BroadcastState.SENDING
    broadcast.audience_until = queries.newest_supporter(session)
    broadcast.started_at = now
    record(session, "update.sent", broadcast, by=by, now=now)
    ring(session, PLAN)
    return broadcast


def stop(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Stop for good: what was not handed over never leaves; what the mail server has is called back where it can be."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state not in {BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to stop.")
    # Counted now: later, who has left since would be missing among those who never got it.
    broadcast.unplanned = queries.unplanned(session, broadcast)
    broadcast.state = BroadcastState.STOPPED
    broadcast.finished_at = now
    if broadcast.mailing_id is not None:
        mailings.stop(session, broadcast.mailing_id, now=now)
    record(session, "update.stopped", broadcast, by=by, now=now)
    return broadcast


def pause(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Let no further letter leave until somebody goes on."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state is BroadcastState.PAUSED:
        return broadcast
    if broadcast.state is not BroadcastState.SENDING:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to pause.")
    if broadcast.mailing is not None and broadcast.mailing.state is MailingState.LATE:
        raise Conflict("This update waits already, because an hour has passed. Decide on its page who still gets it.")
    broadcast.state = BroadcastState.PAUSED
    if broadcast.mailing_id is not None:
        mailings.pause(session, broadcast.mailing_id)
    record(session, "update.paused", broadcast, by=by, now=now)
    return broadcast


def resume(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Go on where it was paused or held: nobody gets it twice, nobody is left out."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    refused = broadcast.mailing is not None and broadcast.mailing.state is MailingState.HELD
    if broadcast.state is BroadcastState.SENDING and not refused:
        return broadcast
    if broadcast.state not in {BroadcastState.PAUSED, BroadcastState.SENDING}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to resume.")
    broadcast.state = BroadcastState.SENDING
    if broadcast.mailing_id is not None:
        mailings.resume(session, broadcast.mailing_id, now=now)
    record(session, "update.resumed", broadcast, by=by, now=now)
    ring(session, PLAN)
    return broadcast


def decide_late(
    session: Session, broadcast: Broadcast, entry: LateDecided, *, by: Actor, now: datetime
) -> tuple[bool, int]:
    """A person decides of readers whose hour has passed: it goes to them now, or never. Returns which, and how many."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    mailing = broadcast.mailing
    if broadcast.state is not BroadcastState.SENDING or mailing is None or mailing.state is not MailingState.LATE:
        raise Conflict("This update does not wait for a decision any more. Open its page once more.")
    send = entry.what is Late.SEND
    number = mailings.decide_late(session, mailing.id, entry.letters, send=send, now=now)
    if number > entry.letters:
        raise Conflict(f"By now it is too late for {number:,} readers, not {entry.letters:,}. Look again and decide.")
    record(session, f"update.late_{entry.what.value}", broadcast, by=by, now=now, letters=number)
    ring(session, PLAN)
    return send, number


def finish_if_done(session: Session, broadcast: Broadcast, *, now: datetime) -> bool:
    """Call it sent once its mailing is done: everybody is planned and no letter waits to be handed over."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.state is not BroadcastState.SENDING or broadcast.mailing_id is None:
        return False
    if not mailings.finish_if_done(session, broadcast.mailing_id, now=now):
        return False
    broadcast.state = BroadcastState.SENT
    broadcast.finished_at = now
    return True


def resend_unknown(session: Session, broadcast: Broadcast, most: int, *, by: Actor, now: datetime) -> int:
    """A person decides that uncertain letters go again to those without evidence; returns to how many.

    ``most`` is the number that was shown to them: letters that became uncertain since then are not theirs to decide.
    """
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state is BroadcastState.STOPPED:
        raise Conflict("This update was stopped, so nothing of it is sent again. Write a new one.")
    again = 0 if broadcast.mailing_id is None else mailings.resend(session, broadcast.mailing_id, now=now)
    if not again:
        raise Conflict("No letter of this update is uncertain any more. Open the page once more.")
    if again > most:
        raise Conflict(
            f"By now {again:,} letters are uncertain, not {most:,}. Nothing was sent; look again and decide."
        )
    if broadcast.state is BroadcastState.SENT:
        broadcast.state, broadcast.finished_at = BroadcastState.SENDING, None
    record(session, "update.sent_again", broadcast, by=by, now=now, letters=again)
    return again


def note_export(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> None:
    """Somebody takes the readers' addresses and outcomes as a file; only the sender's own people may."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    record(session, "update.readers_exported", broadcast, by=by, now=now)


def leave_unknown(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> None:
    """A person decides that uncertain letters are left as they are."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.mailing_id is not None and mailings.settle_for_good(session, broadcast.mailing_id):
        record(session, "update.uncertain_left", broadcast, by=by, now=now)
