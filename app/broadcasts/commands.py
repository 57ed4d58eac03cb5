"""Writing an update, having a second person approve it, and sending it once to everybody who said yes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.accounts.models import Account
from app.broadcasts import messages, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.queries import acting_for, coalition_people, require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.inputs import Input, Line, Prose
from app.jobs.bell import ring
from app.mail import outbox
from app.mail.mass import Form
from app.mail.models import Email
from app.mailings import commands as mailings
from app.mailings.models import MailingState
from app.petitions.models import Petition
from app.supporters.rules import stream

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

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
    """Stop for good: what was not handed over never leaves; what the mail server has is out of our hands."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state not in {BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to stop.")
    broadcast.state = BroadcastState.STOPPED
    broadcast.finished_at = now
    if broadcast.mailing_id is not None:
        mailings.stop(session, broadcast.mailing_id, now=now)
    _record(session, "update.stopped", broadcast, by=by, now=now)
    return broadcast


def pause(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Let no further letter leave until somebody goes on."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state is BroadcastState.PAUSED:
        return broadcast
    if broadcast.state is not BroadcastState.SENDING:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to pause.")
    broadcast.state = BroadcastState.PAUSED
    if broadcast.mailing_id is not None:
        mailings.pause(session, broadcast.mailing_id)
    _record(session, "update.paused", broadcast, by=by, now=now)
    return broadcast


def resume(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Go on where it was paused or held: nobody gets it twice, nobody is left out."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    held = broadcast.mailing is not None and broadcast.mailing.state is MailingState.HELD
    if broadcast.state is BroadcastState.SENDING and not held:
        return broadcast
    if broadcast.state not in {BroadcastState.PAUSED, BroadcastState.SENDING}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to resume.")
    broadcast.state = BroadcastState.SENDING
    if broadcast.mailing_id is not None:
        mailings.resume(session, broadcast.mailing_id, now=now)
    _record(session, "update.resumed", broadcast, by=by, now=now)
    ring(session, PLAN)
    return broadcast


def keep_words(session: Session, broadcast: Broadcast, form: Form, *, now: datetime) -> Broadcast:
    """Begin the mailing with the words as they will leave; whoever was first has done it."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.mailing_id is None and broadcast.state is BroadcastState.SENDING:
        mailing = mailings.begin(session, stream=stream(broadcast.organization_id), template=messages.TEMPLATE, now=now)
        mailings.keep_letter(session, mailing, form)
        broadcast.mailing_id = mailing.id
        session.flush()
    return broadcast


def plan_lot(session: Session, broadcast: Broadcast, *, lot: int, size: int, now: datetime) -> int:
    """Copy the next supporters into the mailing; membership and cursor move in one transaction.

    Returns how many, 0 at the end. ``size`` is how many readers one batch holds.
    """
    broadcast = db.locked(session, Broadcast, broadcast.id)
    mailing = broadcast.mailing
    if broadcast.state is not BroadcastState.SENDING or mailing is None or not mailing.planning:
        return 0
    readers = queries.next_readers(broadcast, lot)
    added, highest = mailings.add_readers(session, mailing, readers, size=size, not_before=now)
    if highest:
        broadcast.planned_up_to = highest
    else:
        mailings.nobody_else(session, mailing)
    session.flush()
    return max(added, int(highest > 0))


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


def resend_unknown(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> int:
    """A person decides that uncertain letters go again to those without evidence; returns to how many."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    again = 0 if broadcast.mailing_id is None else mailings.resend(session, broadcast.mailing_id, now=now)
    if not again:
        raise Conflict("No letter of this update is uncertain any more. Open the page once more.")
    if broadcast.state is BroadcastState.SENT:
        broadcast.state, broadcast.finished_at = BroadcastState.SENDING, None
    _record(session, "update.sent_again", broadcast, by=by, now=now, letters=again)
    return again


def leave_unknown(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> None:
    """A person decides that uncertain letters are left as they are."""
    broadcast = _held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.mailing_id is not None and mailings.settle_for_good(session, broadcast.mailing_id):
        _record(session, "update.uncertain_left", broadcast, by=by, now=now)


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


def _record(
    session: Session, act: str, broadcast: Broadcast, *, by: Actor, now: datetime, letters: int | None = None
) -> None:
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
        letters=letters,
    )
