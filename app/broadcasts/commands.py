"""Writing an update, having a second person approve it, and sending it once to everybody who said yes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.accounts.models import Account
from app.broadcasts import messages, queries, rules
from app.broadcasts.models import Broadcast, BroadcastRecipient, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.queries import acting_for, coalition_people, require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.inputs import Input, Line, Prose
from app.jobs.bell import ring
from app.mail import outbox
from app.mail.message import Message
from app.mail.models import Email
from app.petitions.models import Petition
from app.supporters.rules import preferences_path, unsubscribe_path

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.supporters.models import Supporter

PLAN = "broadcasts.plan"


class NewBroadcast(Input):
    """An update's words, its sender, and the petition whose signers it goes to (everybody with a yes, if none).

    ``based_on`` is the version that the form showed.
    """

    subject: Line = Field(max_length=150)
    body: Prose = Field(max_length=50_000)
    organization_id: int | None = None
    petition_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    based_on: int | None = None


def compose(session: Session, campaign: Campaign, entry: NewBroadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Write an update in an organization's name."""
    sender = acting_for(
        session, campaign.coalition_id, by=by, right=Right.WRITE_UPDATE, organization_id=entry.organization_id
    )
    rules.check_words(entry.subject, entry.body)
    broadcast = Broadcast(
        campaign_id=campaign.id,
        organization_id=sender.id,
        petition_id=_petition(session, campaign.coalition_id, entry.petition_id),
        subject=entry.subject,
        body=entry.body,
        author_id=by.account_id,
        created_at=now,
    )
    return db.add(session, broadcast)


def edit(session: Session, broadcast: Broadcast, entry: NewBroadcast, *, by: Actor) -> Broadcast:
    """Change the words; an approval given to earlier words is void, and the editor becomes the author."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    rules.must_be_draft(broadcast)
    rules.must_be_the_words_read(broadcast, entry.based_on)
    rules.check_words(entry.subject, entry.body)
    broadcast.petition_id = _petition(session, broadcast.campaign.coalition_id, entry.petition_id)
    broadcast.subject, broadcast.body = entry.subject, entry.body
    broadcast.version += 1
    broadcast.state = BroadcastState.DRAFT
    broadcast.author_id = by.account_id
    broadcast.approver_id = broadcast.approved_version = broadcast.approved_at = broadcast.tested_at = None
    session.flush()
    return broadcast


def send_test(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Email:
    """Send the update to oneself, and tell those who may approve that it is ready to be read."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    rules.must_be_draft(broadcast)
    person = session.get(Account, by.account_id)
    if person is None:
        raise NotFound
    broadcast.tested_at = now
    for reader in coalition_people(session, broadcast.campaign.coalition_id, Right.APPROVE_UPDATE):
        if reader.id != broadcast.author_id:
            wanted = messages.approval_wanted(
                broadcast, to=reader.email, name=reader.name, coalition_slug=broadcast.campaign.coalition.slug
            )
            outbox.queue(session, wanted, once=f"broadcast:{broadcast.id}:{broadcast.version}:ask:{reader.id}", now=now)
    letter = messages.test(broadcast, to=person.email, name=person.name)
    return outbox.queue(session, letter, once=f"broadcast:{broadcast.id}:test:{now.timestamp()}", now=now)


def approve(session: Session, broadcast: Broadcast, version: int, *, by: Actor, now: datetime) -> Broadcast:
    """A second person stands behind exactly these words. ``version`` is the one that was shown to them."""
    broadcast = _held(session, broadcast, by, Right.APPROVE_UPDATE)
    if version != broadcast.version:
        raise Conflict("The words changed while you read them. Read them again, then approve.")
    if broadcast.state is BroadcastState.APPROVED and broadcast.approver_id == by.account_id:
        return broadcast
    rules.must_be_approvable(broadcast, by.account_id)
    broadcast.state = BroadcastState.APPROVED
    broadcast.approver_id, broadcast.approved_version, broadcast.approved_at = by.account_id, version, now
    _record(session, "update.approved", broadcast, by=by, now=now)
    return broadcast


def send(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Freeze the audience and begin to send. Sending twice sends once."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state in {BroadcastState.SENDING, BroadcastState.SENT}:
        return broadcast
    rules.must_be_sendable(broadcast)
    broadcast.state = BroadcastState.SENDING
    broadcast.audience_until = queries.newest_supporter(session)
    broadcast.started_at = now
    _record(session, "update.sent", broadcast, by=by, now=now)
    ring(session, PLAN)
    return broadcast


def stop(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Stop for good: letters not yet handed over are dropped; those at the mail server are out of our hands."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state not in {BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to stop.")
    broadcast.state = BroadcastState.STOPPED
    broadcast.finished_at = now
    mine = sa.select(BroadcastRecipient.email_id).where(BroadcastRecipient.broadcast_id == broadcast.id)
    outbox.take_back(session, Email.id.in_(mine), reason="The update was stopped.", now=now)
    _record(session, "update.stopped", broadcast, by=by, now=now)
    return broadcast


def plan_lot(session: Session, broadcast: Broadcast, limit: int, *, now: datetime) -> int:
    """Queue the letters of the next supporters; membership and cursor move in one transaction. Returns how many."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.state is not BroadcastState.SENDING:
        return 0
    lot = queries.next_lot(session, broadcast, limit)
    for supporter in lot:
        email = outbox.queue(session, _letter(broadcast, supporter, now), once=_once(broadcast, supporter), now=now)
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


def _letter(broadcast: Broadcast, supporter: Supporter, now: datetime) -> Message:
    return messages.update(
        broadcast,
        to=supporter.email,
        given_name=supporter.given_name,
        language=supporter.language,
        unsubscribe_path=unsubscribe_path(supporter.id, broadcast.organization_id, now),
        manage_path=preferences_path(supporter.id, now),
    )


def _once(broadcast: Broadcast, supporter: Supporter) -> str:
    return f"broadcast:{broadcast.id}:{supporter.id}"


def _held(session: Session, broadcast: Broadcast, by: Actor, right: Right) -> Broadcast:
    require(session, broadcast.campaign.coalition_id, by=by, right=right)
    if right is Right.WRITE_UPDATE:
        acting_for(
            session,
            broadcast.campaign.coalition_id,
            by=by,
            right=right,
            organization_id=broadcast.organization_id,
        )
    return db.locked(session, Broadcast, broadcast.id)


def _petition(session: Session, coalition_id: int, petition_id: int | None) -> int | None:
    if petition_id is None:
        return None
    query = (
        sa.select(Petition.id).join(Campaign).where(Petition.id == petition_id, Campaign.coalition_id == coalition_id)
    )
    found = session.scalar(query)
    if found is None:
        raise Invalid({"petition_id": "There is no such petition here any more. Choose again."})
    return found


def _record(session: Session, act: str, broadcast: Broadcast, *, by: Actor, now: datetime) -> None:
    audit.record(
        session,
        act,
        broadcast,
        by=by,
        now=now,
        coalition_id=broadcast.campaign.coalition_id,
        organization_id=broadcast.organization_id,
        subject_line=broadcast.title,
        version=broadcast.version,
    )
