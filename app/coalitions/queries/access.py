"""Finding coalitions and organizations as far as somebody may see them: the right is part of the query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts.models import Account
from app.coalitions.models import (
    Coalition,
    Invitation,
    Membership,
    Organization,
    OrganizationAlias,
    Party,
    PartyRole,
    Role,
)
from app.coalitions.roles import Right, allows, parties_with, roles_with
from app.core.errors import NotAllowed, NotFound
from app.core.text import canonical_email, normal_name

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


def coalition_called(session: Session, slug: str) -> Coalition:
    """The coalition by its slug, for operators and public pages; no right is asked."""
    found = session.scalar(sa.select(Coalition).where(Coalition.slug == slug))
    if found is None:
        raise NotFound(f"There is no coalition called “{slug}”.")
    return found


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


def rights_of(session: Session, coalition_id: int, *, by: Actor) -> frozenset[Right]:
    """Every right ``by`` holds in this coalition, through any organization; a page shows only what may be done."""
    query = (
        sa.select(Membership.role, Party.role)
        .join(Party, Party.organization_id == Membership.organization_id)
        .where(Membership.account_id == by.account_id, Party.coalition_id == coalition_id, Party.joined_at.is_not(None))
    )
    places = session.execute(query).all()
    return frozenset(right for right in Right if any(allows(role, place, right) for role, place in places))


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


def require_organizer(session: Session, coalition_id: int, *, by: Actor, right: Right) -> None:
    """As ``require``, and an operator of the installation may as well."""
    if not by.operator:
        require(session, coalition_id, by=by, right=right)


def require_in(session: Session, organization_id: int, *, by: Actor, right: Right) -> None:
    """Raise NotFound or NotAllowed unless ``by`` holds the right inside this organization, or is an operator."""
    if by.operator:
        return
    role = session.scalar(
        sa.select(Membership.role).where(
            Membership.organization_id == organization_id, Membership.account_id == by.account_id
        )
    )
    if role is None:
        raise NotFound
    if role not in roles_with(right):
        raise NotAllowed


def party(session: Session, coalition_id: int, organization_id: int) -> Party:
    """An organization's place in a coalition; NotFound when it has none."""
    query = sa.select(Party).where(Party.coalition_id == coalition_id, Party.organization_id == organization_id)
    found = session.scalar(query.options(sa.orm.joinedload(Party.organization)))
    if found is None:
        raise NotFound
    return found


def normal(name: str) -> str:
    """A name as it is compared, as long as its column."""
    return normal_name(name)[:200]


def known_as(session: Session, names: Iterable[str], *, apart_from: int | None = None) -> Organization | None:
    """The organization that already bears one of these names, as its name, short name or alias."""
    given = [name for name in names if name]
    normals = {normal(name) for name in given}
    short = {name.lower() for name in given} | set(given)
    query = (
        sa.select(Organization)
        .outerjoin(OrganizationAlias)
        .where(
            sa.or_(
                Organization.name_normal.in_(normals),
                OrganizationAlias.name_normal.in_(normals),
                sa.func.lower(Organization.short_name).in_(short),
            ),
            Organization.id != (apart_from or 0),
        )
        .order_by(Organization.id)
        .limit(1)
    )
    return session.scalar(query)


def has_people(session: Session, organization_id: int) -> bool:
    """Whether anybody has joined this organization."""
    return (
        session.scalar(sa.select(Membership.id).where(Membership.organization_id == organization_id).limit(1))
        is not None
    )


def members(session: Session, organization_id: int) -> list[Membership]:
    """The people of an organization with their accounts, admins first, then by name."""
    query = (
        sa.select(Membership)
        .join(Account)
        .where(Membership.organization_id == organization_id)
        .options(sa.orm.contains_eager(Membership.account))
        .order_by(sa.case((Membership.role == Role.ADMIN, 0), else_=1), Account.name, Membership.id)
    )
    return list(session.scalars(query))


def people_with(session: Session, organization_id: int, right: Right) -> list[Account]:
    """The people of an organization whose role holds the right, by name."""
    query = (
        sa.select(Account)
        .join(Membership)
        .where(Membership.organization_id == organization_id, Membership.role.in_(roles_with(right)))
        .order_by(Account.name, Account.id)
    )
    return list(session.scalars(query))


def coalition_people(session: Session, coalition_id: int, right: Right) -> list[Account]:
    """Everybody who holds the right in a coalition, each once, by name."""
    holding = (
        sa.select(Membership.account_id)
        .join(Party, Party.organization_id == Membership.organization_id)
        .where(
            Membership.role.in_(roles_with(right)),
            Party.coalition_id == coalition_id,
            Party.role.in_(parties_with(right)),
            Party.joined_at.is_not(None),
        )
    )
    return list(session.scalars(sa.select(Account).where(Account.id.in_(holding)).order_by(Account.name, Account.id)))


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to write to when a coalition asks an organization for something. Private to the coalition's organizers."""

    organization_id: int
    organization_name: str
    name: str
    title: str
    email: str


def party_contacts(session: Session, coalition_id: int) -> list[Contact]:
    """A contact for each organization of a coalition that has one: the one noted, or else its first admin."""
    contacts = []
    for place in parties(session, coalition_id):
        group, email = place.organization, place.contact_email
        if email:
            contacts.append(Contact(group.id, group.name, place.contact_name, place.contact_title, email))
            continue
        for member in members(session, group.id)[:1] if place.joined_at else []:
            person = member.account
            contacts.append(Contact(group.id, group.name, person.name, member.title, person.email))
    return contacts


def invitations(
    session: Session, *, coalition_id: int | None = None, organization_id: int | None = None
) -> list[Invitation]:
    """The invitations of a coalition, or those an organization sent to colleagues; newest first, accepted ones too."""
    query = sa.select(Invitation).options(sa.orm.joinedload(Invitation.organization)).order_by(Invitation.id.desc())
    if coalition_id is not None:
        query = query.where(Invitation.coalition_id == coalition_id)
    if organization_id is not None:
        query = query.where(Invitation.organization_id == organization_id)
        if coalition_id is None:
            query = query.where(Invitation.coalition_id.is_(None))
    return list(session.scalars(query))


def is_member(session: Session, organization_id: int, email: str, *, right: Right = Right.SEE) -> bool:
    """Whether the owner of a mailbox belongs to an organization, with the right."""
    query = (
        sa.select(Membership.id)
        .join(Account)
        .where(
            Membership.organization_id == organization_id,
            Membership.role.in_(roles_with(right)),
            Account.email_canonical == canonical_email(email),
        )
    )
    return session.scalar(query) is not None


def is_in(session: Session, organization_id: int, *, by: Actor) -> bool:
    """Whether ``by`` is one of an organization's people."""
    query = sa.select(Membership.id).where(
        Membership.organization_id == organization_id, Membership.account_id == by.account_id
    )
    return session.scalar(query) is not None


def organizers(session: Session, coalition_id: int) -> list[Account]:
    """The people who run the coalition's work, each once: whom a letter about its troubles goes to."""
    return coalition_people(session, coalition_id, Right.ORGANIZE)


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
