"""Invitations: who may send them, who comes in by them, and what becomes of the organization."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.coalitions import queries
from app.coalitions.commands import (
    Acceptance,
    InvitationOver,
    NewOrganization,
    NewParty,
    accept_invitation,
    add_organization,
    add_party,
    invitation_path,
    invite_contacts,
    remove_member,
    resend_invitation,
    revoke_invitation,
)
from app.coalitions.models import Coalition, Invitation, Organization, Role
from app.core.actor import Actor
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.tokens import StaleLink
from app.mail.models import Email, EmailState
from tests import builders
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR, formed, invited

VISITOR = Actor(label="A visitor", address="192.0.2.7")
DANA = Acceptance(name="Dana Ortiz", title="Policy Counsel", password="four unrelated words")


def _token(invitation: Invitation) -> str:
    return invitation_path(invitation, now=NOW).removeprefix("/invitation/")


def _partner(session: Session, coalition: Coalition, *, name: str = "ACLU", public: str = "") -> Organization:
    entry = NewOrganization(name=name, public_email=public or None)
    return add_organization(session, coalition, entry, by=OPERATOR, now=NOW)


def _roles(session: Session, group: Organization) -> dict[str, Role]:
    return {member.account.email: member.role for member in queries.members(session, group.id)}


def test_the_first_person_becomes_admin_and_brings_the_organization_in(session: Session) -> None:
    coalition, _ = formed(session)
    group = _partner(session, coalition, public="press@aclu.example")
    invitation = invited(session, coalition, group, role=Role.VIEWER)

    dana = accept_invitation(session, _token(invitation), DANA, by=VISITOR, now=NOW)

    assert (dana.name, dana.email, dana.is_operator) == ("Dana Ortiz", "dana@aclu.example", False)
    assert _roles(session, group) == {"dana@aclu.example": Role.ADMIN}
    assert queries.party(session, coalition.id, group.id).joined_at == NOW
    letters = session.scalars(sa.select(Email).order_by(Email.id)).all()
    assert [(letter.template, letter.to_address) for letter in letters] == [
        ("coalitions/mail/invitation", "dana@aclu.example"),
        ("coalitions/mail/joined_notice", "press@aclu.example"),
    ]


def test_an_account_that_exists_joins_with_its_own_name_and_password(session: Session) -> None:
    coalition, _ = formed(session)
    group = _partner(session, coalition)
    known = builders.account(session, email="dana@aclu.example", name="D. Ortiz")
    known.password_hash = "kept"

    joined = accept_invitation(session, _token(invited(session, coalition, group)), DANA, by=VISITOR, now=NOW)

    assert (joined.id, joined.name, joined.password_hash) == (known.id, "D. Ortiz", "kept")


def test_somebody_signed_in_joins_with_the_account_they_use(session: Session) -> None:
    coalition, _ = formed(session)
    group = _partner(session, coalition)
    other = builders.account(session, email="dana@home.example")

    by = builders.actor(other)
    joined = accept_invitation(session, _token(invited(session, coalition, group)), Acceptance(), by=by, now=NOW)

    assert joined.id == other.id
    assert session.scalar(sa.select(sa.func.count(Account.id))) == 1


def test_a_new_account_needs_a_name_and_a_refusal_leaves_the_invitation_open(session: Session) -> None:
    coalition, _ = formed(session)
    token = _token(invited(session, coalition, _partner(session, coalition)))

    with pytest.raises(Invalid) as refusal:
        accept_invitation(session, token, Acceptance(), by=VISITOR, now=NOW)
    assert list(refusal.value.problems) == ["name"]
    with pytest.raises(Invalid) as refusal:
        accept_invitation(session, token, Acceptance(name="Dana", password="short"), by=VISITOR, now=NOW)
    assert list(refusal.value.problems) == ["password"]
    accept_invitation(session, token, DANA, by=VISITOR, now=NOW)


def test_old_links_say_what_became_of_the_invitation(session: Session) -> None:
    coalition, _ = formed(session)
    invitation = invited(session, coalition, _partner(session, coalition))
    first = _token(invitation)
    resend_invitation(session, invitation, by=OPERATOR, now=NOW)
    second = _token(invitation)

    with pytest.raises(InvitationOver, match="newer letter"):
        accept_invitation(session, first, DANA, by=VISITOR, now=NOW)
    with pytest.raises(StaleLink):
        accept_invitation(session, second, DANA, by=VISITOR, now=NOW + timedelta(days=15))
    with pytest.raises(StaleLink):
        accept_invitation(session, second[:-3] + "abc", DANA, by=VISITOR, now=NOW)
    accept_invitation(session, second, DANA, by=VISITOR, now=NOW)
    with pytest.raises(InvitationOver, match="was accepted"):
        accept_invitation(session, second, DANA, by=VISITOR, now=NOW)


def test_an_invitation_that_was_taken_back_lets_nobody_in(session: Session) -> None:
    coalition, _ = formed(session)
    invitation = invited(session, coalition, _partner(session, coalition))
    revoke_invitation(session, invitation, by=OPERATOR, now=NOW)

    with pytest.raises(InvitationOver, match="Open Faces"):
        accept_invitation(session, _token(invitation), DANA, by=VISITOR, now=NOW)
    with pytest.raises(Conflict):
        resend_invitation(session, invitation, by=OPERATOR, now=NOW)


def test_a_coalition_cannot_put_people_into_an_organization_that_has_some(session: Session) -> None:
    coalition, lead = formed(session)
    lead_admin = builders.actor(_joined(session, coalition, lead))
    aclu = builders.organization(session, name="ACLU")
    builders.member(session, aclu, email="dana@aclu.example")
    add_party(session, coalition, aclu, NewParty(), by=lead_admin, now=NOW)

    with pytest.raises(Invalid) as refusal:
        invited(session, coalition, aclu, email="mallory@evil.example", by=lead_admin)
    assert "not one of its admins" in refusal.value.problems["email"]

    asked = invited(session, coalition, aclu, email="dana@aclu.example", by=lead_admin)
    accept_invitation(session, _token(asked), Acceptance(), by=VISITOR, now=NOW)
    assert queries.party(session, coalition.id, aclu.id).joined_at == NOW
    assert list(_roles(session, aclu)) == ["dana@aclu.example"]


def test_an_older_invitation_lets_no_outsider_into_an_organization_that_found_its_people_elsewhere(
    session: Session,
) -> None:
    coalition, _ = formed(session)
    other, other_lead = formed(session, name="Other", lead="Other Lead")
    schemer = builders.actor(_joined(session, other, other_lead, email="mallory@evil.example"))
    aclu = _partner(session, coalition)
    add_party(session, other, aclu, NewParty(), by=schemer, now=NOW)
    late = invited(session, other, aclu, email="eve@evil.example", by=schemer)
    accept_invitation(session, _token(invited(session, coalition, aclu)), DANA, by=VISITOR, now=NOW)

    with pytest.raises(InvitationOver, match="people here by now"):
        accept_invitation(session, _token(late), Acceptance(name="Eve"), by=VISITOR, now=NOW)
    assert list(_roles(session, aclu)) == ["dana@aclu.example"]


def test_a_colleague_joins_with_the_role_and_not_after_the_inviter_left(session: Session) -> None:
    _, lead = formed(session)
    robin = builders.member(session, lead, email="robin@fftf.example")
    admin = builders.member(session, lead, email="admin@fftf.example")
    by = builders.actor(robin)
    good = invited(session, None, lead, email="new@fftf.example", role=Role.SIGNATORY, by=by)
    late = invited(session, None, lead, email="late@fftf.example", role=Role.ADMIN, by=by)

    accept_invitation(session, _token(good), DANA, by=VISITOR, now=NOW)
    assert _roles(session, lead)["new@fftf.example"] is Role.SIGNATORY

    remove_member(session, lead, robin.id, by=builders.actor(admin), now=NOW)
    with pytest.raises(InvitationOver):
        accept_invitation(session, _token(late), DANA, by=VISITOR, now=NOW)


def test_who_may_invite_is_asked_of_the_roles(session: Session) -> None:
    coalition, lead = formed(session)
    partner = builders.organization(session, within=coalition)
    partner_admin = builders.actor(builders.member(session, partner))
    viewer = builders.actor(builders.member(session, partner, role=Role.VIEWER))
    stranger = builders.actor(builders.account(session))

    with pytest.raises(NotAllowed):
        invited(session, coalition, lead, by=partner_admin)
    with pytest.raises(NotFound):
        invited(session, coalition, lead, by=stranger)
    with pytest.raises(NotFound):
        invited(session, None, lead, by=partner_admin)
    with pytest.raises(NotAllowed):
        invited(session, None, partner, by=viewer)
    invited(session, None, partner, by=partner_admin)


def test_one_mailbox_holds_one_open_invitation(session: Session) -> None:
    coalition, lead = formed(session)
    invited(session, coalition, lead, email="robin.vale@gmail.com")
    with pytest.raises(Invalid):
        invited(session, coalition, lead, email="RobinVale+x@googlemail.com")


def test_all_noted_contacts_are_invited_once(session: Session) -> None:
    coalition, _ = formed(session)
    for name in ("A", "B"):
        entry = NewOrganization(name=f"Group {name}", contact_email=f"{name}@group.example", contact_name=name)
        add_organization(session, coalition, entry, by=OPERATOR, now=NOW)

    assert len(invite_contacts(session, coalition, by=OPERATOR, now=NOW)) == 2
    assert invite_contacts(session, coalition, by=OPERATOR, now=NOW) == []


def _joined(
    session: Session, coalition: Coalition, group: Organization, *, email: str = "lead@fftf.example"
) -> Account:
    invitation = invited(session, coalition, group, email=email)
    return accept_invitation(session, _token(invitation), DANA, by=VISITOR, now=NOW)


def test_an_invitation_that_waits_in_the_outbox_does_not_leave_with_a_link_that_was_ended(session: Session) -> None:
    coalition, _ = formed(session)
    again = invited(session, coalition, _partner(session, coalition), role=Role.ADMIN)
    resend_invitation(session, again, by=OPERATOR, now=NOW + timedelta(days=1))
    first, second = session.scalars(sa.select(Email).order_by(Email.id))
    assert (first.state, first.last_error) == (EmailState.DROPPED, "A newer letter holds the link that works.")
    assert second.state is EmailState.QUEUED
    assert second.useless_after == NOW + timedelta(days=1 + 14 - 1), "no invitation arrives on its last day"

    revoke_invitation(session, again, by=OPERATOR, now=NOW + timedelta(days=2))
    session.expire_all()
    assert [row.state for row in session.scalars(sa.select(Email))] == [EmailState.DROPPED] * 2
