"""An organization's people: their roles, and leaving. The last admin stays."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.coalitions import queries
from app.coalitions.models import Membership, Organization, Role
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, NotFound
from app.core.inputs import Input

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


class NewRole(Input):
    """Another role for a colleague."""

    role: Role


def change_role(
    session: Session, organization: Organization, account_id: int, entry: NewRole, *, by: Actor, now: datetime
) -> Membership:
    """Give a colleague another role; the last admin keeps theirs."""
    # Held before the right is asked: of two admins who demote each other, the second is no admin any more.
    db.locked(session, Organization, organization.id)
    queries.require_in(session, organization.id, by=by, right=Right.MANAGE_PEOPLE)
    membership = _membership(session, organization, account_id)
    if membership.role is entry.role:
        return membership
    if membership.role is Role.ADMIN:
        _refuse_last_admin(session, organization)
    before, membership.role = membership.role, entry.role
    session.flush()
    _record(
        session,
        "member.role_changed",
        membership,
        organization,
        by=by,
        now=now,
        before=before.value,
        after=entry.role.value,
    )
    return membership


def remove_member(session: Session, organization: Organization, account_id: int, *, by: Actor, now: datetime) -> None:
    """End a membership: an admin ends a colleague's, anybody their own. The last admin cannot leave."""
    db.locked(session, Organization, organization.id)
    right = Right.SEE if account_id == by.account_id else Right.MANAGE_PEOPLE
    queries.require_in(session, organization.id, by=by, right=right)
    membership = _membership(session, organization, account_id)
    if membership.role is Role.ADMIN:
        _refuse_last_admin(session, organization)
    _record(session, "member.removed", membership, organization, by=by, now=now)
    session.delete(membership)
    session.flush()


def _membership(session: Session, organization: Organization, account_id: int) -> Membership:
    query = sa.select(Membership).where(
        Membership.organization_id == organization.id, Membership.account_id == account_id
    )
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def _refuse_last_admin(session: Session, organization: Organization) -> None:
    admins = session.scalar(
        sa.select(sa.func.count()).where(Membership.organization_id == organization.id, Membership.role == Role.ADMIN)
    )
    if admins == 1:
        raise Conflict(f"{organization.name} needs an admin. Make somebody else an admin first.")


def _record(
    session: Session,
    act: str,
    membership: Membership,
    organization: Organization,
    *,
    by: Actor,
    now: datetime,
    before: str | None = None,
    after: str | None = None,
) -> None:
    audit.record(
        session,
        act,
        membership,
        by=by,
        now=now,
        organization_id=organization.id,
        name=organization.name,
        person=membership.account.name,
        before=before,
        after=after,
    )
