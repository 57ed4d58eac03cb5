"""The doors of the site: where one is sent on to, who may post, how often, and what a log may say."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts.models import Broadcast
from app.coalitions.models import Party, PartyRole
from app.core import db
from app.core.db import reading, transaction
from app.petitions.models import Petition
from app.web.security import link_holder, safe_next
from tests import builders
from tests.broadcasts.builders import stage
from tests.builders import NOW
from tests.petitions.builders import EWA, there


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\r/evil.example", "/\n/evil.example", "evil"]
)
def test_nobody_is_sent_on_to_another_site(target: str) -> None:
    assert safe_next(target) == "/home"
    assert safe_next("/work/a?show=joined&q=b c") == "/work/a?show=joined&q=b c"


def test_a_signed_in_person_is_not_sent_to_another_site_by_a_tab(
    signed_in: Callable[[Account], FlaskClient],
) -> None:
    with db.transaction() as session:
        person = builders.account(session)
    browser = signed_in(person)
    for hidden in ("%09", "%0d", "%0a"):
        answer = browser.get(f"/sign-in?next=/{hidden}/evil.example")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/home")


@pytest.mark.parametrize("origin", ["null", "", "http://[bad", "http://localhost.evil.example", "http://x@localhost"])
def test_a_form_whose_page_is_not_ours_is_refused(client: FlaskClient, origin: str) -> None:
    assert client.post("/sign-out", headers={"Origin": origin}).status_code == 409
    assert client.post("/sign-out", headers={"Origin": "http://localhost"}).status_code == 303


@pytest.mark.parametrize("body", ["[" * 200_000, '{"given_name": ' + "[" * 900 + "]" * 900 + "}", "{", "7"])
def test_a_program_that_sends_nonsense_is_refused(client: FlaskClient, database: Flask, body: str) -> None:
    here = there()
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    answer = client.post(f"/petitions/{here.petition.slug}/sign", data=body, headers=headers)
    assert answer.status_code == 422
    assert answer.get_json()["errors"]
    taken = client.post(f"/petitions/{here.petition.slug}/sign", json=EWA, headers={"Accept": "application/json"})
    assert taken.status_code == 202
    odd = EWA | {"country": ["US"]}
    assert client.post(f"/petitions/{here.petition.slug}/sign", json=odd).status_code == 422


def test_guessing_from_one_customers_many_addresses_is_counted_together(client: FlaskClient) -> None:
    answers = []
    for number in range(9):
        form = {"email": "robin@fftf.example", "password": "a wrong password"}
        source = {"REMOTE_ADDR": f"2001:db8:1:2::{number + 1:x}"}
        answers.append(client.post("/sign-in", data=form, environ_overrides=source).status_code)
    assert answers == [422] * 8 + [429]


def test_comparing_is_counted_for_it_costs_seconds(client: FlaskClient) -> None:
    answers = [client.post("/verify", data={"words": "Nobody's words."}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_an_error_of_the_database_names_nobody(database: Flask) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError) as raised, db.reading() as session:
        session.execute(sa.text("SELECT * FROM nowhere WHERE email = :email"), {"email": "ann@x.example"})
    assert "ann@x.example" not in str(raised.value)


def test_a_mistake_of_ours_is_logged_without_the_link_it_happened_behind(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["TESTING"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @link_holder
    def broken(token: str) -> str:
        raise ZeroDivisionError

    app.view_functions["petitions.confirmation"] = broken
    with caplog.at_level(logging.ERROR):
        assert app.test_client().get("/confirm/a-secret-token").status_code == 500
    assert "a-secret-token" not in caplog.text
    assert "/confirm/<token>" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_campaign_is_not_found_under_another_coalition_of_the_same_person(
    app: Flask, signed_in: Callable[[Account], FlaskClient]
) -> None:
    with transaction() as session:
        there = stage(session)
        other = builders.coalition(session, name="Another Coalition")
        session.add(
            Party(
                coalition_id=other.id, organization_id=there.lead.id, role=PartyRole.LEAD, joined_at=NOW, added_at=NOW
            )
        )
        robin = session.get_one(Account, there.robin.account_id)
        home = there.campaign.coalition.slug
    browser = signed_in(robin)
    words = {"subject": "Hello", "title": "Ban", "text": "We ask.", "body": "Hello.", "goal": "100"}
    for act in ("updates/new", "petitions/new"):
        path = f"campaigns/{there.campaign.slug}/{act}"
        assert browser.get(f"/work/{home}/{path}").status_code == 200
        assert browser.get(f"/work/{other.slug}/{path}").status_code == 404
        assert browser.post(f"/work/{other.slug}/{path}", data=words).status_code == 404
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Broadcast)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Petition)) == 0
