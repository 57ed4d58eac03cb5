"""Whoever left by mistake finds the way back, and nobody else finds it for them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core import db
from app.core.clock import utc_now
from app.core.tokens import StaleLink
from app.mail import outbox
from app.mail.models import Email
from app.petitions import commands as petitions
from app.supporters import queries, rules
from app.supporters.models import Consent, Supporter
from tests.supporters.test_leaving import ONE_CLICK, lines, there


def test_who_left_finds_every_answer_and_can_take_it_back(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())
    assert "/preferences/" not in client.get(link).text
    page = client.post(link).text
    manage = re.search(r'href="(/preferences/[^"]+)"', page)
    assert manage
    assert "Open Streets" in client.get(manage[1]).text
    assert f'action="{link}/back"' in page
    assert f"Let {here.sender.name} write to me again" in page
    assert client.get(f"{link}/back").status_code == 405

    back = client.post(f"{link}/back")
    again = client.post(f"{link}/back")

    assert (back.status_code, again.status_code) == (200, 200)
    assert f"{here.sender.name} may write to you again." in back.text
    with db.reading() as session:
        assert queries.says_yes(session, here.supporter.id, here.sender.id)
        assert lines(session) == [True, False, False, True]
        newest = session.scalars(sa.select(Consent).order_by(Consent.id.desc())).first()
        assert newest is not None
        assert (newest.words, newest.source) == (f"Let {here.sender.name} write to me again", "unsubscribe page")
        letter = Email(to_canonical=here.supporter.email_canonical, stream=rules.stream(here.sender.id))
        assert outbox.suppressed(session, [letter]) == {}


def test_a_program_that_unsubscribes_gets_no_link_to_anybody_s_answers(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())
    assert "/preferences/" not in client.post(link, data=ONE_CLICK).text


def test_who_never_said_yes_or_is_erased_takes_nothing_back(client: FlaskClient) -> None:
    here = there()
    refused = rules.unsubscribe_path(here.supporter.id, here.other.id, utc_now())
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())
    foreign = client.post(
        f"{link}/back", headers={"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 409
    assert "so it sends you no updates" in client.post(f"{refused}/back").text
    with db.reading() as session:
        assert lines(session) == [True, False]
    living = client.post(link).text
    with db.transaction() as session:
        petitions.forget_signer(session, session.get_one(Supporter, here.supporter.id), now=utc_now())
    token = r"/preferences/[^\"]+"
    assert re.sub(token, "", client.post(link).text) == re.sub(token, "", living)
    assert "so it sends you no updates" in client.post(f"{link}/back").text
    with db.reading() as session:
        assert lines(session) == []


def test_the_link_to_one_s_answers_ends_with_the_link_to_leave_that_led_to_it(client: FlaskClient) -> None:
    here = there()
    old = utc_now() - rules.LINKS_LAST + timedelta(days=3)
    page = client.post(rules.unsubscribe_path(here.supporter.id, here.sender.id, old)).text
    found = re.search(r'href="/preferences/([^"]+)"', page)
    assert found
    with db.reading() as session:
        assert queries.by_preferences_link(session, found[1], now=utc_now() + timedelta(days=2))
        with pytest.raises(StaleLink):
            queries.by_preferences_link(session, found[1], now=utc_now() + timedelta(days=4))
