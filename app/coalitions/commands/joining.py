"""Accepting an invitation: an account, a membership, and the organization's place in the coalition."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from app.accounts import commands as accounts
from app.accounts import queries as people
from app.accounts.commands import NewAccount, Password
from app.accounts.models import Account
from app.coalitions import messages, queries
from app.coalitions.commands.inviting import (
    InvitationOver,
    invitation_behind,
    inviter_may_still,
    joined_before,
)
from app.coalitions.models import Coalition, Invitation, Membership, Organization, Role
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import Actor
from app.core.errors import Invalid
from app.core.inputs import Input, Name, OptionalLine
from app.core.text import canonical_email
from app.mail import outbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


class Acceptance(Input):
    """What somebody says who accepts. ``name`` and ``password`` are only read for a new account."""

    name: Annotated[Name | None, BeforeValidator(_blank_is_none)] = None
    title: Annotated[OptionalLine, Field(max_length=200)] = ""
    password: Annotated[Password | None, BeforeValidator(_blank_is_none)] = None


def accept_invitation(session: Session, token: str, entry: Acceptance, *, by: Actor, now: datetime) -> Account:
    """Join an organization, and bring it into the coalition that asked.

    Joins the signed-in ``by``, or else the account of the mailbox the letter went to, made if it is not there. The
    password of an account that exists is never touched. The first person of an organization becomes its admin.
    """
    row = invitation_behind(session, token, now=now, lock=True)
    organization = db.locked(session, Organization, row.organization_id)
    account = _account(session, row, entry, by=by, now=now)
    by = Actor(label=account.name, account_id=account.id, operator=account.is_operator, address=by.address)
    _belong(session, row, account, entry.title, by=by, now=now)
    row.accepted_at = now
    session.flush()
    if row.coalition is not None:
        _bring_in(session, row.coalition, organization, account, by=by, now=now)
    return account


def _account(session: Session, row: Invitation, entry: Acceptance, *, by: Actor, now: datetime) -> Account:
    if by.account_id is not None:
        return people.account(session, by.account_id)
    known = people.by_email(session, row.email)
    if known is not None:
        return known
    if entry.name is None:
        raise Invalid({"name": "Write your name, as colleagues shall see it."})
    return accounts.create_account(
        session, NewAccount(email=row.email, name=entry.name, password=entry.password), by=by, now=now
    )


def _belong(session: Session, row: Invitation, account: Account, title: str, *, by: Actor, now: datetime) -> None:
    present = session.scalar(
        sa.select(Membership).where(
            Membership.organization_id == row.organization_id, Membership.account_id == account.id
        )
    )
    first = not queries.has_people(session, row.organization_id)
    if not first:
        _refuse_stranger(session, row, present)
    if present is not None:
        return
    role = Role.ADMIN if first else row.role
    session.add(
        Membership(account_id=account.id, organization_id=row.organization_id, role=role, title=title, since=now)
    )
    session.flush()
    audit.record(
        session,
        "member.joined",
        row,
        by=by,
        now=now,
        coalition_id=row.coalition_id,
        organization_id=row.organization_id,
        name=row.organization.name,
        role=role.value,
    )


def _refuse_stranger(session: Session, row: Invitation, present: Membership | None) -> None:
    """Refuse what would let an outsider's invitation decide who acts for an organization that has people."""
    if row.coalition_id is None:
        allowed = inviter_may_still(session, row)
    elif present is not None and present.role is Role.ADMIN:
        allowed = True
    else:
        allowed = joined_before(session, row) or (row.invited_by_id is None or _by_operator(session, row))
    if not allowed:
        who = row.organization.name
        raise InvitationOver("overtaken", f"{who} has people here by now who did not invite you. Ask its admins to.")


def _by_operator(session: Session, row: Invitation) -> bool:
    inviter = session.get(Account, row.invited_by_id)
    return inviter is not None and inviter.is_operator


def _bring_in(
    session: Session, coalition: Coalition, organization: Organization, account: Account, *, by: Actor, now: datetime
) -> None:
    party = queries.party(session, coalition.id, organization.id)
    if party.joined_at is not None or not queries.is_member(
        session, organization.id, account.email, right=Right.MANAGE_PEOPLE
    ):
        return
    party.joined_at = now
    audit.record(
        session,
        "organization.joined",
        organization,
        by=by,
        now=now,
        coalition_id=coalition.id,
        organization_id=organization.id,
        name=organization.name,
    )
    public = organization.public_email
    if public and canonical_email(public) != account.email_canonical:
        organizers = queries.coalition_people(session, coalition.id, Right.INVITE_ORGANIZATIONS)
        reply_to = organizers[0].email if organizers else ""
        letter = messages.joined_notice(organization, coalition, public, account.name, reply_to)
        outbox.queue(session, letter, once=f"party:{party.id}:joined", now=now)
