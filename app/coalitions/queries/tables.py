"""What the pages of coalitions list: places with their people and invitations, and what somebody belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.coalitions.models import Coalition, Invitation, Membership, Organization, Party
from app.coalitions.queries.access import invitations, may
from app.coalitions.roles import Right, roles_with
from app.core.errors import NotFound
from app.core.text import normal_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

PAGE = 50


@dataclass(frozen=True, slots=True)
class PartyRow:
    """An organization's place in a coalition, how many people it has, and the newest invitation to it."""

    party: Party
    people: int
    invitation: Invitation | None


def holds(session: Session, coalition_id: int, *, by: Actor, right: Right) -> bool:
    """Whether ``by`` holds the right in the coalition; an operator of the installation may organize everywhere."""
    if by.operator and right is Right.INVITE_ORGANIZATIONS:
        return True
    query = sa.select(Coalition.id).where(Coalition.id == coalition_id, may(by, right, Coalition.id))
    return session.scalar(query) is not None


def party_rows(
    session: Session, coalition_id: int, *, show: str = "", text: str = "", after: str = ""
) -> list[PartyRow]:
    """A page (and one row more, if there are more) of a coalition's organizations by name.

    ``show`` is ``joined`` or ``absent``; ``text`` is looked for in names; ``after`` is the name to page from.
    """
    query = (
        sa.select(Party)
        .join(Organization)
        .where(Party.coalition_id == coalition_id, Organization.name_normal > after)
        .options(contains_eager(Party.organization))
        .order_by(Organization.name_normal, Party.id)
        .limit(PAGE + 1)
    )
    if show == "joined":
        query = query.where(Party.joined_at.is_not(None))
    elif show == "absent":
        query = query.where(Party.joined_at.is_(None))
    if text:
        wanted = normal_name(text)
        query = query.where(Organization.name_normal.contains(wanted, autoescape=True))
    places = list(session.scalars(query))
    idents = [place.organization_id for place in places]
    people = dict(
        session.execute(
            sa.select(Membership.organization_id, sa.func.count())
            .where(Membership.organization_id.in_(idents))
            .group_by(Membership.organization_id)
        ).all()
    )
    newest = {row.organization_id: row for row in reversed(invitations(session, coalition_id=coalition_id))}
    return [
        PartyRow(place, people.get(place.organization_id, 0), newest.get(place.organization_id)) for place in places
    ]


def party_counts(session: Session, coalition_id: int) -> dict[str, int]:
    """How many organizations have joined and how many have not."""
    joined = sa.func.count(Party.joined_at)
    query = sa.select(joined, sa.func.count() - joined).where(Party.coalition_id == coalition_id)
    there, absent = session.execute(query).one()
    return {"joined": there, "absent": absent}


def askable(session: Session, coalition_id: int, *, now: datetime) -> int:
    """How many organizations have a noted contact, nobody inside, and no invitation that still stands."""
    waiting = {row.organization_id for row in invitations(session, coalition_id=coalition_id) if row.usable(now)}
    peopled = sa.select(Membership.organization_id)
    query = sa.select(Party.organization_id).where(
        Party.coalition_id == coalition_id,
        Party.joined_at.is_(None),
        Party.contact_email.is_not(None),
        Party.organization_id.not_in(peopled),
    )
    return sum(ident not in waiting for ident in session.scalars(query))


def party_called(session: Session, coalition_id: int, slug: str) -> Party:
    """An organization's place in a coalition, by the organization's slug; NotFound when it has none."""
    query = (
        sa.select(Party)
        .join(Organization)
        .where(Party.coalition_id == coalition_id, Organization.slug == slug)
        .options(contains_eager(Party.organization))
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def only_demonstrations(session: Session, organization_ids: Iterable[int]) -> bool:
    """Whether every coalition of these organizations is a demonstration; of no organizations: every one there is."""
    among = list(organization_ids)
    query = sa.select(Coalition.is_demo).distinct()
    if among:
        query = query.join(Party).where(Party.organization_id.in_(among))
    return set(session.scalars(query)) == {True}


def organization_called(session: Session, slug: str) -> Organization:
    """The organization of that slug; NotFound when there is none."""
    found = session.scalar(sa.select(Organization).where(Organization.slug == slug))
    if found is None:
        raise NotFound
    return found


def parties_of(session: Session, organization_id: int) -> list[Party]:
    """An organization's places in coalitions, with the coalition loaded, by its name."""
    query = (
        sa.select(Party)
        .join(Coalition)
        .where(Party.organization_id == organization_id)
        .options(contains_eager(Party.coalition))
        .order_by(Coalition.name)
    )
    return list(session.scalars(query))


def organizations_administered(session: Session, *, by: Actor) -> list[Organization]:
    """The organizations whose people ``by`` manages, by name."""
    query = (
        sa.select(Organization)
        .join(Membership)
        .where(Membership.account_id == by.account_id, Membership.role.in_(roles_with(Right.MANAGE_PEOPLE)))
        .order_by(Organization.name)
    )
    return list(session.scalars(query))


def my_memberships(session: Session, coalition_id: int, *, by: Actor) -> list[Membership]:
    """What ``by`` is in the organizations of a coalition."""
    query = (
        sa.select(Membership)
        .join(Party, Party.organization_id == Membership.organization_id)
        .where(Membership.account_id == by.account_id, Party.coalition_id == coalition_id)
        .options(joinedload(Membership.organization))
        .order_by(Party.role, Membership.id)
    )
    return list(session.scalars(query))
