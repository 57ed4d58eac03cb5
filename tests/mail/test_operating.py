"""The way between the pages of an operator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import transaction
from app.mail import circuit, queries
from app.mail import commands as post
from app.mail.queries import holding
from app.web.operating import PAGES
from tests import builders
from tests.builders import NOW
from tests.mail.builders import queued

SignIn = Callable[[Account], FlaskClient]


def person(*, operator: bool) -> Account:
    with transaction() as session:
        made = builders.account(session, email="olive@x.example")
        made.is_operator = operator
        return made


@pytest.mark.parametrize("here", [href for _, href in PAGES])
def test_each_page_of_an_operator_leads_to_all_others_and_says_where_one_is(signed_in: SignIn, here: str) -> None:
    shown = signed_in(person(operator=True)).get(here).text
    head = shown[shown.index('aria-label="Main"') : shown.index('id="main"')]
    assert [href for _, href in PAGES if f'href="{href}"' not in head] == []
    assert head.count("aria-current") == 1
    assert f'href="{here}" aria-current="page"' in head


def test_an_operator_finds_the_post_office_from_home_and_hears_there_that_letters_do_not_leave(
    signed_in: SignIn,
) -> None:
    browser = signed_in(person(operator=True))
    assert 'href="/operator/mail">Outgoing mail<' in browser.get("/home").text
    assert "Letters do not leave" not in browser.get("/home").text
    queued()
    assert "No worker was ever seen. Letters wait." in browser.get("/home").text
    with transaction() as session:
        post.pause(session, "dev", "SendGrid said 401: bad key", now=NOW)
    shown = browser.get("/home").text
    assert shown.count("SendGrid said 401: bad key") == 1
    assert "No worker was ever seen. Letters wait." in shown, "to let letters leave would not be enough"


def test_an_operator_hears_of_an_outage_at_home(signed_in: SignIn) -> None:
    browser = signed_in(person(operator=True))
    with transaction() as session:
        trouble = circuit.Trouble("SendGrid said 503", asked=timedelta(minutes=9))
        circuit.failed(session, "dev", circuit.Pass(), trouble, letters=[], now=utc_now())
    shown = browser.get("/home").text
    assert "Letters are held back" in shown
    assert "It served nobody at the last try: SendGrid said 503. Since" in shown
    assert "One letter tries again in" in shown


def test_nobody_else_is_shown_the_way_to_an_operator_s_pages(signed_in: SignIn) -> None:
    assert "/operator" not in signed_in(person(operator=False)).get("/home").text


def test_what_a_person_held_back_is_held_on_every_way_and_a_refusal_on_its_own(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = Actor("Op", account_id=1, operator=True)
    monkeypatch.setattr(holding._InUse, "way", "smtp")
    post.pause(session, "sendgrid", "SendGrid said 403", now=NOW)
    assert not queries.paused(session, "smtp")
    assert queries.pauses(session) == []

    post.hold(session, "old-way", "The words are wrong.", by=operator, now=NOW)
    assert queries.paused(session, "smtp")
    assert [one.transport for one in queries.pauses(session)] == ["old-way"]
    assert post.resume(session, by=operator, now=NOW) == 1
    assert not queries.paused(session, "smtp")
    assert queries.paused(session, "sendgrid")
