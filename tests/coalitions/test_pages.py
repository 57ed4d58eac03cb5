"""The pages of coalitions: who sees them, what they do, and that nothing typed is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.accounts import queries as accounts
from app.accounts.models import Account
from app.coalitions import queries
from app.coalitions.commands import NewOrganization, add_organization, invitation_path, revoke_invitation
from app.coalitions.models import Invitation, PartyRole, Role
from app.core import db
from app.core.clock import utc_now
from tests import builders
from tests.coalitions.builders import OPERATOR, formed, invited

SignIn = Callable[[Account], FlaskClient]


@dataclass
class World:
    """A coalition whose lead has an admin, a partner with an admin and a viewer, a stranger, an operator."""

    slug: str
    lead_admin: Account
    partner_admin: Account
    partner_viewer: Account
    stranger: Account
    operator: Account
    invitation: Invitation


@pytest.fixture
def world(database: Flask) -> World:
    with db.transaction() as session:
        coalition, lead = formed(session)
        queries.party(session, coalition.id, lead.id).joined_at = builders.NOW
        partner = builders.organization(session, name="Partner", within=coalition, party=PartyRole.PARTNER)
        entry = NewOrganization(name="ACLU", contact_email="dana@aclu.example", contact_name="Dana Ortiz")
        asked = add_organization(session, coalition, entry, by=OPERATOR, now=utc_now())
        operator = builders.account(session, email="op@site.example", name="Op")
        operator.is_operator = True
        invitation = invited(session, coalition, asked, email="dana@aclu.example")
        invitation.expires_at = utc_now() + timedelta(days=10)
        return World(
            slug=coalition.slug,
            lead_admin=builders.member(session, lead),
            partner_admin=builders.member(session, partner),
            partner_viewer=builders.member(session, partner, role=Role.VIEWER),
            stranger=builders.account(session, email="stranger@else.example"),
            operator=operator,
            invitation=invitation,
        )


def _filled(rule: Rule, slug: str) -> str:
    path = rule.rule
    for name in rule.arguments:
        converter = "int:" if f"<int:{name}>" in path else ""
        value = slug if name == "coalition" else "1" if converter else "fight-for-the-future"
        path = path.replace(f"<{converter}{name}>", value)
    return path


def test_a_stranger_and_an_operator_who_is_no_member_find_no_page_of_a_coalition(
    app: Flask, world: World, signed_in: SignIn
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/work/<coalition>")]
    assert len(rules) > 10
    wrong = []
    for person in (world.stranger, world.operator):
        browser = signed_in(person)
        for rule in rules:
            path, methods = _filled(rule, world.slug), rule.methods or set()
            if "GET" in methods and browser.get(path).status_code != 404:
                wrong.append(path)
            if "POST" in methods and browser.post(path, data={"email": "a@b.example"}).status_code != 404:
                wrong.append(f"POST {path}")
    assert wrong == []


def test_a_visitor_is_sent_to_sign_in_and_back(client: FlaskClient, world: World) -> None:
    answer = client.get(f"/work/{world.slug}/organizations?show=joined")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next=/work/{world.slug}/organizations%3Fshow%3Djoined"


@pytest.mark.parametrize("room", ["new", "import", "aclu"])
def test_an_admin_of_a_partner_cannot_bring_in_organizations(world: World, signed_in: SignIn, room: str) -> None:
    browser = signed_in(world.partner_admin)
    base = f"/work/{world.slug}/organizations"
    assert browser.get(f"{base}/{room}").status_code == 403
    assert browser.post(f"{base}/aclu/invitations", data={"email": "x@y.example", "role": "admin"}).status_code == 403
    assert browser.post(f"{base}/invite").status_code == 403
    assert browser.get(f"/work/{world.slug}/audit").status_code == 403
    assert browser.get(f"/work/{world.slug}/audit.csv").status_code == 403


def test_the_audit_trail_is_in_the_navigation_of_those_only_who_may_read_it(world: World, signed_in: SignIn) -> None:
    for room in (
        "",
        "/organizations",
        "/statements",
        "/deliveries",
        "/campaigns",
        "/petitions",
        "/targets",
        "/updates",
    ):
        partner = signed_in(world.partner_admin).get(f"/work/{world.slug}{room}")
        lead = signed_in(world.lead_admin).get(f"/work/{world.slug}{room}")
        assert (partner.status_code, lead.status_code) == (200, 200)
        assert f'href="/work/{world.slug}/audit"' not in partner.text
        assert f'href="/work/{world.slug}/audit"' in lead.text


def test_contacts_and_invitations_are_shown_to_organizers_only(world: World, signed_in: SignIn) -> None:
    assert "dana@aclu.example" in signed_in(world.lead_admin).get(f"/work/{world.slug}/organizations").text
    for room in ("", "/organizations"):
        seen = signed_in(world.lead_admin).get(f"/work/{world.slug}{room}").get_data(as_text=True)
        hidden = signed_in(world.partner_viewer).get(f"/work/{world.slug}{room}").get_data(as_text=True)
        assert "Dana Ortiz" in seen
        assert "Dana" not in hidden
        assert "dana@aclu.example" not in hidden


def test_an_organization_is_added_and_its_contact_invited(world: World, signed_in: SignIn) -> None:
    browser = signed_in(world.lead_admin)
    base = f"/work/{world.slug}/organizations"
    fields = {
        "name": "Tenants Union",
        "role": "partner",
        "aliases": "TU\nThe Tenants",
        "contact_email": "jo@tu.example",
    }

    added = browser.post(f"{base}/new", data=fields)
    assert added.headers["Location"] == f"{base}/tenants-union"
    assert "joins when somebody accepts" in browser.get(f"{base}/tenants-union").get_data(as_text=True)
    assert "Invite" in browser.get(base).get_data(as_text=True)
    browser.post(f"{base}/invite")
    assert "One invitation is on its way." in browser.get(base).get_data(as_text=True)


def test_a_name_that_is_here_already_is_offered_and_nothing_typed_is_lost(world: World, signed_in: SignIn) -> None:
    with db.transaction() as session:
        builders.organization(session, name="Digital Rights Watch")
    browser, path = signed_in(world.lead_admin), f"/work/{world.slug}/organizations/new"

    refused = browser.post(path, data={"name": "The digital rights watch", "contact_title": "Chair", "role": "lead"})

    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Error: Add an organization" in page
    assert 'value="The digital rights watch"' in page
    assert 'value="Chair"' in page
    assert "List Digital Rights Watch" in page
    brought = browser.post(path, data={"known": "digital-rights-watch", "role": "partner"})
    assert brought.headers["Location"].endswith("/organizations/digital-rights-watch")


def test_a_file_is_imported_and_its_bad_lines_are_shown(world: World, signed_in: SignIn) -> None:
    browser, path = signed_in(world.lead_admin), f"/work/{world.slug}/organizations/import"
    table = b"organization,role\nGood Group,partner\n<b>x</b>,boss\n"

    page = browser.post(path, data={"file": (io.BytesIO(table), "groups.csv")}).get_data(as_text=True)
    assert "Lines to mend" in page
    assert "Write lead or partner." in page
    for body in (b"", b"PK\x03\x04\x00"):
        refused = browser.post(path, data={"file": (io.BytesIO(body), "groups.csv")})
        assert refused.status_code == 422
        assert 'id="f-file-error"' in refused.get_data(as_text=True)
    assert browser.post(path).status_code == 422
    too_large = browser.post(path, data={"file": (io.BytesIO(b"a" * 21_000_000), "groups.csv")})
    assert too_large.status_code == 413


def test_an_invitation_is_shown_by_opening_and_accepted_by_the_button(client: FlaskClient, world: World) -> None:
    path = invitation_path(world.invitation, now=utc_now())

    shown = client.get(path)
    assert shown.status_code == 200
    assert "invites you to act for <b>ACLU</b> in <b>Open Faces</b>" in shown.get_data(as_text=True)
    assert client.get("/account").status_code == 303
    refused = client.post(path, data={"name": "Dana Ortiz", "title": "Counsel", "password": "short"})
    assert refused.status_code == 422
    assert 'value="Counsel"' in refused.get_data(as_text=True)

    joined = client.post(path, data={"name": "Dana Ortiz", "title": "Counsel", "password": "four unrelated words"})
    assert (joined.status_code, joined.headers["Location"]) == (303, f"/work/{world.slug}")
    assert "You act for ACLU now." in client.get(f"/work/{world.slug}").get_data(as_text=True)
    again = client.post(path, data={"name": "Eve"})
    assert again.status_code == 410
    assert "You have joined already" in again.get_data(as_text=True)


def test_a_passed_on_invitation_signs_nobody_into_an_account_that_exists(client: FlaskClient, world: World) -> None:
    with db.transaction() as session:
        dana = builders.account(session, email="dana@aclu.example")

    joined = client.post(invitation_path(world.invitation, now=utc_now()), data={"password": "the forwarded reader"})

    assert joined.headers["Location"] == f"/sign-in?next=/work/{world.slug}"
    assert client.get("/account").status_code == 303
    with db.reading() as session:
        assert accounts.account(session, dana.id).password_hash is None
        assert queries.is_member(session, world.invitation.organization_id, "dana@aclu.example")


def test_somebody_signed_in_chooses_the_account_to_join_with(world: World, signed_in: SignIn) -> None:
    browser, path = signed_in(world.stranger), invitation_path(world.invitation, now=utc_now())

    assert "You are signed in as <b>stranger@else.example</b>" in browser.get(path).get_data(as_text=True)
    joined = browser.post(path, data={"account": "mine"})

    assert joined.headers["Location"] == f"/work/{world.slug}"
    assert browser.get(f"/work/{world.slug}").status_code == 200


def test_an_invitation_that_is_over_says_what_to_do(client: FlaskClient, world: World) -> None:
    path = invitation_path(world.invitation, now=utc_now())
    with db.transaction() as session:
        revoke_invitation(session, world.invitation, by=OPERATOR, now=utc_now())

    for wrong, words in ((path, "was taken back"), (path[:-4], "not valid any more"), ("/invitation/x", "not valid")):
        for answer in (client.get(wrong), client.post(wrong, data={"name": "Dana"})):
            assert answer.status_code == 410
            assert words in answer.get_data(as_text=True)


def test_an_organizer_sends_again_and_takes_back(world: World, signed_in: SignIn) -> None:
    browser = signed_in(world.lead_admin)
    path = f"/work/{world.slug}/organizations/aclu"
    first = invitation_path(world.invitation, now=utc_now())

    browser.post(f"{path}/invitations/{world.invitation.id}/resend")
    assert "newer letter" in browser.get(first).get_data(as_text=True)
    browser.post(f"{path}/invitations/{world.invitation.id}/revoke")
    assert "Taken back" in browser.get(path).get_data(as_text=True)
    assert browser.post(f"{path}/invitations/{world.invitation.id}/resend").status_code == 409
    assert browser.post(f"{path}/invitations/999/resend").status_code == 404


def test_the_audit_trail_tells_acts_in_words_narrows_and_downloads(world: World, signed_in: SignIn) -> None:
    browser, path = signed_in(world.lead_admin), f"/work/{world.slug}/audit"

    page = browser.get(path).get_data(as_text=True)
    assert "The operator formed the coalition Open Faces." in page
    assert "The operator invited Dana Ortiz for ACLU." in page
    narrowed = browser.get(f"{path}?act=invitation.sent").get_data(as_text=True)
    assert "formed the coalition" not in narrowed
    file = browser.get(f"{path}.csv")
    assert file.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert {"coalition.created", "organization.added", "invitation.sent"} <= {row["act"] for row in rows}


def test_an_admin_manages_the_people_of_an_organization(world: World, signed_in: SignIn) -> None:
    browser, path = signed_in(world.partner_admin), "/organizations/partner"
    viewer = world.partner_viewer

    browser.post(f"{path}/people/{viewer.id}/role", data={"role": "signatory"})
    assert "is signatory now" in browser.get(path).get_data(as_text=True)
    last = browser.post(f"{path}/people/{world.partner_admin.id}/role", data={"role": "viewer"})
    assert last.status_code == 409
    assert "needs an admin" in last.get_data(as_text=True)
    browser.post(f"{path}/invitations", data={"email": "new@partner.example", "role": "drafter", "name": "New One"})
    assert "New One" in browser.get(path).get_data(as_text=True)
    browser.post(f"{path}/people/{viewer.id}/remove")
    assert signed_in(viewer).get(path).status_code == 404


def test_only_its_people_see_an_organization_and_only_its_admins_change_it(world: World, signed_in: SignIn) -> None:
    for person, get, post in (
        (world.partner_viewer, 200, 403),
        (world.stranger, 404, 404),
        (world.lead_admin, 404, 404),
    ):
        browser, path = signed_in(person), "/organizations/partner"
        assert browser.get(path).status_code == get
        assert browser.get(f"{path}/edit").status_code == post
        assert browser.post(f"{path}/edit", data={"name": "Mine"}).status_code == post
        assert browser.post(f"{path}/invitations", data={"email": "a@b.example", "role": "admin"}).status_code == post
        assert browser.post(f"{path}/people/{world.partner_admin.id}/remove").status_code == post


def test_what_is_said_of_an_organization_is_edited_and_kept_on_refusal(world: World, signed_in: SignIn) -> None:
    browser, path = signed_in(world.partner_admin), "/organizations/partner/edit"
    good = {"name": "Partner Alliance", "aliases": "PA\nThe Partners", "legal_status": "c3", "scope": "state"}

    refused = browser.post(path, data={**good, "name": "ACLU"})
    assert refused.status_code == 422
    assert "The Partners" in refused.get_data(as_text=True)
    assert browser.post(path, data=good).status_code == 303
    page = browser.get("/organizations/partner").get_data(as_text=True)
    assert "Partner Alliance" in page
    assert "PA; The Partners" in page


def test_a_coalition_is_formed_by_an_admin_or_an_operator_and_by_nobody_else(world: World, signed_in: SignIn) -> None:
    entry = {"name": "Second", "zone": "America/Chicago"}

    assert signed_in(world.stranger).get("/work/new").status_code == 404
    assert signed_in(world.partner_viewer).post("/work/new", data={**entry, "lead": "partner"}).status_code == 403
    assert signed_in(world.stranger).post("/work/new", data={**entry, "lead_name": "Mine"}).status_code == 404
    own = signed_in(world.partner_admin).post("/work/new", data={**entry, "lead": "partner"})
    assert own.headers["Location"] == "/work/second"
    assert signed_in(world.partner_admin).get("/work/second").status_code == 200
    fields = {**entry, "name": "Third", "lead_name": "Brand New", "admin_email": "first@new.example"}
    assert signed_in(world.operator).post("/work/new", data=fields).status_code == 303
    twice = signed_in(world.operator).post("/work/new", data={**fields, "lead_name": "ACLU"})
    assert twice.status_code == 422
    assert 'href="#f-lead_name"' in twice.get_data(as_text=True)
