"""What whoever holds only the request's link learns once somebody has signed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.coalitions.models import Organization
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import transaction
from app.signons import commands
from app.statements.models import Statement
from tests import builders
from tests.signons.builders import LINK, Scene, ask, committed, entry, link

CONTACT = "ingrid@northwest-privacy-alliance.example"


@pytest.fixture
def given(database: object) -> Scene:
    return committed(now=utc_now())


@pytest.fixture
def path(given: Scene) -> str:
    with transaction() as session:
        return link(session, ask(session, given), now=utc_now())


def _sign(given: Scene, *, by: Actor, email: str) -> None:
    with transaction() as session:
        statement = session.get_one(Statement, given.statement.id)
        organization = session.get_one(Organization, given.partner.id)
        typed = entry(given, signatory_email=email)
        commands.sign_on(session, statement, organization, typed, by=by, now=utc_now())


def test_a_request_link_gives_nobody_the_receipt_of_a_colleague_with_an_account(
    given: Scene, path: str, client: FlaskClient
) -> None:
    _sign(given, by=builders.actor(given.signatory), email=CONTACT)

    shown = client.get(path).text

    assert "Northwest Privacy Alliance (NWPA)" in shown
    assert "/sign-on/manage/" not in shown
    assert "went to the person who signed" in shown
    inside = f"/work/{given.coalition.slug}/statements/{given.statement.slug}/sign"
    assert f'href="/sign-in?next={inside}%3Ffor%3Dnorthwest-privacy-alliance"' in shown


def test_a_forwarded_request_link_does_not_give_its_sender_the_receipt_of_who_signed(
    given: Scene, path: str, client: FlaskClient
) -> None:
    _sign(given, by=LINK, email="director@elsewhere.example")

    shown = client.get(path).text

    assert "/sign-on/manage/" not in shown
    assert "director@elsewhere.example" not in shown


def test_a_request_link_leads_its_own_signer_to_the_receipt(given: Scene, path: str, client: FlaskClient) -> None:
    _sign(given, by=LINK, email=CONTACT.replace("@", "+work@"))

    assert "/sign-on/manage/" in client.get(path).text
