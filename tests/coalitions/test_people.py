"""Roles inside an organization, and what two do at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.coalitions import queries
from app.coalitions.commands import (
    Acceptance,
    NewOrganization,
    NewRole,
    OrganizationFacts,
    accept_invitation,
    add_organization,
    change_role,
    edit_organization,
    invitation_path,
    remove_member,
)
from app.coalitions.models import Membership, Organization, Role
from app.core import db
from app.core.actor import Actor
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from app.mail.models import Email
from tests import builders
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR, formed, invited

VISITOR = Actor(label="A visitor")


def at_once(*acts: Callable[[Session], object]) -> list[str]:
    """Do all acts in transactions of their own, starting together; the names of what they raised, "" for nothing."""
    gate = threading.Barrier(len(acts))
    outcomes = [""] * len(acts)

    def run(place: int, act: Callable[[Session], object]) -> None:
        gate.wait()
        try:
            with db.transaction() as session:
                act(session)
        except Refusal as refusal:
            outcomes[place] = type(refusal).__name__

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_an_organization_keeps_an_admin(session: Session) -> None:
    group = builders.organization(session)
    admin = builders.member(session, group)
    by = builders.actor(admin)

    with pytest.raises(Conflict, match="needs an admin"):
        change_role(session, group, admin.id, NewRole(role=Role.VIEWER), by=by, now=NOW)
    with pytest.raises(Conflict, match="needs an admin"):
        remove_member(session, group, admin.id, by=by, now=NOW)
    other = builders.member(session, group, role=Role.SIGNATORY)
    change_role(session, group, other.id, NewRole(role=Role.ADMIN), by=by, now=NOW)
    remove_member(session, group, admin.id, by=by, now=NOW)
    assert [member.account_id for member in queries.members(session, group.id)] == [other.id]


def test_anybody_may_leave_but_only_an_admin_removes(session: Session) -> None:
    group = builders.organization(session)
    admin = builders.member(session, group)
    viewer = builders.member(session, group, role=Role.VIEWER)
    stranger = builders.account(session)

    with pytest.raises(NotAllowed):
        remove_member(session, group, admin.id, by=builders.actor(viewer), now=NOW)
    with pytest.raises(NotFound):
        remove_member(session, group, viewer.id, by=builders.actor(stranger), now=NOW)
    remove_member(session, group, viewer.id, by=builders.actor(viewer), now=NOW)


def test_a_new_public_address_is_told_to_the_old_one(session: Session) -> None:
    group = builders.organization(session)
    group.public_email = "old@group.example"
    by = builders.actor(builders.member(session, group))

    entry = OrganizationFacts(name=group.name, public_email="new@group.example")
    edit_organization(session, group, entry, by=by, now=NOW)

    letter = session.scalars(sa.select(Email)).one()
    assert (letter.template, letter.to_address) == ("coalitions/mail/address_changed", "old@group.example")


def test_an_organization_takes_no_name_of_another(session: Session) -> None:
    group = builders.organization(session)
    builders.organization(session, name="American Civil Liberties Union")
    by = builders.actor(builders.member(session, group))

    entry = OrganizationFacts(name=group.name, aliases=["american civil liberties union, inc."])
    with pytest.raises(Invalid) as refusal:
        edit_organization(session, group, entry, by=by, now=NOW)
    assert list(refusal.value.problems) == ["aliases"]


def test_of_two_admins_who_demote_each_other_one_stays(database: Flask) -> None:
    with db.transaction() as session:
        group = builders.organization(session)
        one, two = (builders.member(session, group, email=f"{name}@x.example") for name in ("one", "two"))
    viewer = NewRole(role=Role.VIEWER)

    outcomes = at_once(
        lambda session: change_role(session, group, two.id, viewer, by=builders.actor(one), now=NOW),
        lambda session: change_role(session, group, one.id, viewer, by=builders.actor(two), now=NOW),
    )

    assert sorted(outcomes) == ["", "NotAllowed"]
    assert _admins(group) == 1


def test_of_two_admins_who_leave_at_once_one_stays(database: Flask) -> None:
    with db.transaction() as session:
        group = builders.organization(session)
        both = [builders.member(session, group, email=f"{name}@x.example") for name in ("one", "two")]

    outcomes = at_once(*(_leaving(group, person.id, builders.actor(person)) for person in both))

    assert sorted(outcomes) == ["", "Conflict"]
    assert _admins(group) == 1


def _leaving(group: Organization, account_id: int, by: Actor) -> Callable[[Session], object]:
    return lambda session: remove_member(session, group, account_id, by=by, now=NOW)


def _admins(group: Organization) -> int:
    with db.reading() as session:
        query = sa.select(sa.func.count()).select_from(Membership)
        return session.scalar(query.where(Membership.organization_id == group.id, Membership.role == Role.ADMIN)) or 0


def test_an_invitation_accepted_twice_at_once_lets_one_in(database: Flask) -> None:
    with db.transaction() as session:
        coalition, lead = formed(session)
        token = invitation_path(invited(session, coalition, lead), now=NOW).removeprefix("/invitation/")

    def accept(name: str) -> Callable[[Session], object]:
        return lambda session: accept_invitation(session, token, Acceptance(name=name), by=VISITOR, now=NOW)

    outcomes = at_once(accept("Dana"), accept("Eve"), accept("Dana"))

    assert sorted(outcomes) == ["", "InvitationOver", "InvitationOver"]
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Membership.id))) == 1


def test_an_organization_added_twice_at_once_is_made_once(database: Flask) -> None:
    with db.transaction() as session:
        coalition, _ = formed(session)

    def add(name: str) -> Callable[[Session], object]:
        entry = NewOrganization(name=name)
        return lambda session: add_organization(session, coalition, entry, by=OPERATOR, now=NOW)

    outcomes = at_once(add("Tenants Union"), add("The Tenants Union"))

    assert sorted(outcomes) == ["", "Invalid"]
