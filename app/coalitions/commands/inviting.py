"""Invitations: sent, sent again, taken back, and read by whoever holds the link."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import Field

from app.accounts.models import Account
from app.coalitions import messages, queries
from app.coalitions.models import Coalition, Invitation, Organization, Party, Role
from app.coalitions.roles import Right
from app.core import audit, db, tokens
from app.core.clock import spoken
from app.core.errors import Conflict, Invalid, NotFound, Refusal
from app.core.inputs import Email, Input, OptionalLine
from app.core.text import canonical_email
from app.mail import outbox
from app.mail.models import Email as Letter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

LASTS = timedelta(days=14)
MOST_LETTERS = 10


class InvitationOver(Refusal):
    """An invitation that cannot be accepted: the sentence says why and what to do. ``state`` is for the page."""

    status = 410

    def __init__(self, state: str, sentence: str) -> None:
        super().__init__(sentence)
        self.state = state


class NewInvitation(Input):
    """Whom to invite. The first person of an organization becomes its admin whatever ``role`` says."""

    email: Email
    name: Annotated[OptionalLine, Field(max_length=200)] = ""
    role: Role


def invite(
    session: Session,
    coalition: Coalition | None,
    organization: Organization,
    entry: NewInvitation,
    *,
    by: Actor,
    now: datetime,
) -> Invitation:
    """Invite somebody to act for an organization.

    With a coalition: its organizers ask the organization to join. Where the organization has people already, only
    one of its admins can be asked, for no outsider may decide who acts for a group. Without: colleagues, by an admin.
    """
    db.locked(session, Organization, organization.id)
    _authorize(session, coalition.id if coalition else None, organization.id, by=by)
    if coalition is not None:
        _refuse_outsiders(session, coalition, organization, entry.email, by=by)
    elif queries.is_member(session, organization.id, entry.email):
        raise Invalid({"email": f"{entry.email} belongs to {organization.name} already."})
    _refuse_open(session, coalition, organization, entry.email, now=now)
    row = Invitation(
        coalition=coalition,
        organization=organization,
        email=entry.email,
        name=entry.name,
        role=entry.role,
        invited_by_id=by.account_id,
        created_at=now,
        sent_times=1,
        expires_at=now + LASTS,
    )
    db.add(session, row)
    _mail(session, row, by=by, now=now)
    _record(session, "invitation.sent", row, by=by, now=now)
    return row


def _authorize(session: Session, coalition_id: int | None, organization_id: int, *, by: Actor) -> None:
    if coalition_id is None:
        queries.require_in(session, organization_id, by=by, right=Right.MANAGE_PEOPLE)
    else:
        queries.require_organizer(session, coalition_id, by=by, right=Right.INVITE_ORGANIZATIONS)


def _refuse_outsiders(
    session: Session, coalition: Coalition, organization: Organization, email: str, *, by: Actor
) -> None:
    party = queries.party(session, coalition.id, organization.id)
    if by.operator or not queries.has_people(session, organization.id):
        return
    if party.joined_at is not None:
        raise Conflict(f"{organization.name} has joined. Its own admins invite colleagues.")
    if not queries.is_member(session, organization.id, email, right=Right.MANAGE_PEOPLE):
        sentence = f"{organization.name} has people here already, and this is not one of its admins. Invite an admin."
        raise Invalid({"email": sentence})


def _refuse_open(
    session: Session, coalition: Coalition | None, organization: Organization, email: str, *, now: datetime
) -> None:
    mailbox = canonical_email(email)
    coalition_id = coalition.id if coalition else None
    for row in queries.invitations(session, coalition_id=coalition_id, organization_id=organization.id):
        if row.usable(now) and canonical_email(row.email) == mailbox:
            raise Invalid({"email": f"{email} has an open invitation. Send that one again, or take it back first."})


def invite_contacts(session: Session, coalition: Coalition, *, by: Actor, now: datetime) -> list[Invitation]:
    """Invite the noted contact of each organization that has not joined and has no open invitation."""
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    invited = []
    asked = {row.organization_id for row in queries.invitations(session, coalition_id=coalition.id) if row.usable(now)}
    for party in queries.parties(session, coalition.id):
        group, email = party.organization, party.contact_email
        if party.joined_at is not None or group.id in asked or email is None or queries.has_people(session, group.id):
            continue
        entry = NewInvitation(email=email, name=party.contact_name, role=Role.ADMIN)
        invited.append(invite(session, coalition, group, entry, by=by, now=now))
    return invited


def resend_invitation(session: Session, invitation: Invitation, *, by: Actor, now: datetime) -> Invitation:
    """Send an invitation again for another 14 days; links in earlier letters stop working."""
    row = db.locked(session, Invitation, invitation.id)
    _authorize(session, row.coalition_id, row.organization_id, by=by)
    _refuse_settled(row)
    if row.sent_times >= MOST_LETTERS:
        raise Conflict(f"{row.email} was written to {MOST_LETTERS} times. Ask by telephone whether the letters arrive.")
    _take_back_letters(session, row, "A newer letter holds the link that works.", now=now)
    row.sent_times += 1
    row.expires_at = now + LASTS
    _mail(session, row, by=by, now=now)
    _record(session, "invitation.resent", row, by=by, now=now)
    return row


def revoke_invitation(session: Session, invitation: Invitation, *, by: Actor, now: datetime) -> Invitation:
    """Take an invitation back before it is accepted."""
    row = db.locked(session, Invitation, invitation.id)
    _authorize(session, row.coalition_id, row.organization_id, by=by)
    _refuse_settled(row)
    row.revoked_at = now
    _take_back_letters(session, row, "The invitation was taken back before it left.", now=now)
    session.flush()
    _record(session, "invitation.revoked", row, by=by, now=now)
    return row


def _refuse_settled(row: Invitation) -> None:
    if row.accepted_at is not None:
        raise Conflict(f"{row.email} has accepted this invitation.")
    if row.revoked_at is not None:
        raise Conflict(f"This invitation of {row.email} was taken back. Invite them anew.")


def _take_back_letters(session: Session, row: Invitation, reason: str, *, now: datetime) -> None:
    """Letters that have not left, perhaps because no mail leaves, must not arrive with a link that was ended."""
    keys = [_letter_key(row.id, number) for number in range(1, row.sent_times + 1)]
    outbox.take_back(session, Letter.once.in_(keys), reason=reason, now=now)


def _letter_key(invitation_id: int, number: int) -> str:
    return f"invitation:{invitation_id}:{number}"


def _mail(session: Session, row: Invitation, *, by: Actor, now: datetime) -> None:
    session.flush()
    sender = session.get(Account, by.account_id) if by.account_id else None
    letter = messages.invitation(row, invitation_path(row, now=now), by.label, sender.email if sender else "")
    outbox.queue(session, letter, once=_letter_key(row.id, row.sent_times), now=now)


def _record(session: Session, act: str, row: Invitation, *, by: Actor, now: datetime) -> None:
    audit.record(
        session,
        act,
        row,
        by=by,
        now=now,
        coalition_id=row.coalition_id,
        organization_id=row.organization_id,
        name=row.organization.name,
        invited=row.name or row.email,
    )


def invitation_path(invitation: Invitation, *, now: datetime) -> str:
    """The path of an invitation's present link, as its newest letter bears it."""
    claim = {"id": invitation.id, "sent": invitation.sent_times}
    return "/invitation/" + tokens.sign("invitation", claim, lasts=invitation.expires_at - now, now=now)


def invitation_behind(session: Session, token: str, *, now: datetime, lock: bool = False) -> Invitation:
    """The open invitation a link proves. StaleLink for an altered or expired link, InvitationOver with the reason."""
    claim = tokens.read("invitation", token, now=now)
    try:
        row = db.locked(session, Invitation, tokens.number(claim, "id")) if lock else _plain(session, claim)
    except NotFound as error:
        raise tokens.StaleLink from error
    who = row.coalition.name if row.coalition else row.organization.name
    if row.accepted_at is not None:
        raise InvitationOver(
            "accepted", f"This invitation was accepted on {spoken(row.accepted_at)}. Sign in to go on."
        )
    if row.revoked_at is not None:
        raise InvitationOver("revoked", f"This invitation was taken back. If you expected it, write to {who}.")
    if tokens.number(claim, "sent") != row.sent_times:
        raise InvitationOver("resent", "A newer letter was sent for this invitation. Open the link in the newest one.")
    if not row.usable(now):
        raise InvitationOver("expired", f"This invitation ended on {spoken(row.expires_at)}. Ask {who} for a new one.")
    return row


def _plain(session: Session, claim: dict[str, int | str]) -> Invitation:
    row = session.get(Invitation, tokens.number(claim, "id"))
    if row is None:
        raise NotFound
    return row


def inviter_may_still(session: Session, row: Invitation) -> bool:
    """Whether whoever sent a colleague's invitation could send it today: an admin who left takes theirs along."""
    if row.invited_by_id is None:
        return True
    inviter = session.get(Account, row.invited_by_id)
    if inviter is None or inviter.is_operator:
        return inviter is not None
    return queries.is_member(session, row.organization_id, inviter.email, right=Right.MANAGE_PEOPLE)


def joined_before(session: Session, row: Invitation) -> bool:
    """Whether the organization joined the invitation's coalition while the invitation was open."""
    joined_at = session.scalar(
        sa.select(Party.joined_at).where(
            Party.coalition_id == row.coalition_id, Party.organization_id == row.organization_id
        )
    )
    return joined_at is not None and row.created_at <= joined_at
