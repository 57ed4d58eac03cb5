"""Finding coalitions and organizations as far as somebody may see them: the right is part of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts.models import Account
from app.coalitions.models import Coalition, Membership, Organization, Party, PartyRole
from app.coalitions.roles import Right, parties_with, roles_with
from app.core.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from app.core.actor import Actor


def may(by: Actor, right: Right, coalition_id: InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
    """The SQL condition "``by`` holds ``right`` in that coalition", for the WHERE of any query."""
    return (
        sa.select(sa.literal(1))
        .select_from(Membership)
        .join(Party, Party.organization_id == Membership.organization_id)
        .where(
            Membership.account_id == by.account_id,
            Membership.role.in_(roles_with(right)),
            Party.coalition_id == coalition_id,
            Party.role.in_(parties_with(right)),
            Party.joined_at.is_not(None),
        )
        .exists()
    )


def coalition_for(session: Session, slug: str, *, by: Actor, right: Right = Right.SEE) -> Coalition:
    """The coalition, if ``by`` holds the right in it. NotFound for a stranger; NotAllowed for a member without it."""
    query = sa.select(Coalition).where(Coalition.slug == slug)
    found = session.scalar(query.where(may(by, right, Coalition.id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Coalition.id))) is not None:
        raise NotAllowed
    raise NotFound


def require(session: Session, coalition_id: int, *, by: Actor, right: Right) -> None:
    """Raise NotFound or NotAllowed unless ``by`` holds the right in this coalition."""
    query = sa.select(Coalition.id).where(Coalition.id == coalition_id)
    if session.scalar(query.where(may(by, right, Coalition.id))) is not None:
        return
    if session.scalar(query.where(may(by, Right.SEE, Coalition.id))) is not None:
        raise NotAllowed
    raise NotFound


def coalitions_of(session: Session, *, by: Actor) -> list[Coalition]:
    """The coalitions whose workroom ``by`` may see, by name."""
    return list(session.scalars(sa.select(Coalition).where(may(by, Right.SEE, Coalition.id)).order_by(Coalition.name)))


def organizations_acting(session: Session, coalition_id: int, *, by: Actor, right: Right) -> list[Organization]:
    """The organizations for which ``by`` may use ``right`` in this coalition; leads first."""
    query = (
        sa.select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .join(Party, Party.organization_id == Organization.id)
        .where(
            Membership.account_id == by.account_id,
            Membership.role.in_(roles_with(right)),
            Party.coalition_id == coalition_id,
            Party.role.in_(parties_with(right)),
            Party.joined_at.is_not(None),
        )
        .order_by(Party.role, Organization.name)
    )
    return list(session.scalars(query))


def acting_for(
    session: Session, coalition_id: int, *, by: Actor, right: Right, organization_id: int | None = None
) -> Organization:
    """The organization ``by`` acts for: the named one, or the first. NotFound / NotAllowed when there is none."""
    require(session, coalition_id, by=by, right=right)
    for organization in organizations_acting(session, coalition_id, by=by, right=right):
        if organization_id in {None, organization.id}:
            return organization
    raise NotAllowed


def organization_for(session: Session, slug: str, *, by: Actor, right: Right = Right.SEE) -> Organization:
    """An organization ``by`` belongs to with the right, as its own page. NotFound for everybody else."""
    query = (
        sa.select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Organization.slug == slug, Membership.account_id == by.account_id)
    )
    found = session.scalar(query.where(Membership.role.in_(roles_with(right))))
    if found is not None:
        return found
    if session.scalar(query) is not None:
        raise NotAllowed
    raise NotFound


def parties(session: Session, coalition_id: int) -> list[Party]:
    """The organizations of a coalition: leads first, then by name, with the organization loaded."""
    query = (
        sa.select(Party)
        .join(Organization)
        .where(Party.coalition_id == coalition_id)
        .options(sa.orm.contains_eager(Party.organization))
        .order_by(Party.role, Organization.name)
    )
    return list(session.scalars(query))


def organizers(session: Session, coalition_id: int) -> list[Account]:
    """The people who run the coalition's work, each once: whom a letter about its troubles goes to."""
    query = (
        sa.select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .join(Party, Party.organization_id == Membership.organization_id)
        .where(
            Party.coalition_id == coalition_id,
            Party.role.in_(parties_with(Right.ORGANIZE)),
            Party.joined_at.is_not(None),
            Membership.role.in_(roles_with(Right.ORGANIZE)),
        )
        .distinct()
        .order_by(Account.id)
    )
    return list(session.scalars(query))


def public_address(session: Session, coalition_id: int) -> str:
    """Where an answer to the coalition goes: the public address of its first lead that has one, or nothing."""
    query = (
        sa.select(Organization.public_email)
        .join(Party, Party.organization_id == Organization.id)
        .where(
            Party.coalition_id == coalition_id,
            Party.role == PartyRole.LEAD,
            Organization.public_email.is_not(None),
        )
        .order_by(Party.id)
        .limit(1)
    )
    return session.scalar(query) or ""
