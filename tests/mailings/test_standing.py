"""What operators are told of mailings: while they go, while they are held, and when an answer was lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core import db
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import commands as post
from app.mail import jobs as post_office
from app.mail import standing
from app.mailings import commands, queries
from app.mailings.models import BatchState
from app.mailings.rules import SEND
from tests import builders
from tests.builders import NOW
from tests.mail.builders import Scripted
from tests.mailings.builders import changed, planned, seen


def said() -> str:
    with reading() as session:
        parts = standing.standing(session, now=utc_now()).parts
    return " ".join(sentence for part in parts for sentence in part.says)


def test_nothing_is_said_before_anything_was_sent(database: Flask) -> None:
    assert said() == ""


def test_what_waits_what_is_on_its_way_and_what_nobody_knows_is_said(database: Flask) -> None:
    ident = planned(20)
    assert "1 is on the way. 20 letters wait for their turn." in said()
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=utc_now())
        assert taken is not None
        commands.hand_over(session, taken, until=utc_now() + timedelta(minutes=1), now=utc_now())
    assert "10 letters are being handed over right now." in said()
    changed(ident, leased_until=NOW - timedelta(days=400))
    assert "10 letters were being handed over when their worker stopped." in said()
    assert "right now" not in said()
    with transaction() as session:
        commands.give_up_the_lost(session, now=utc_now())
    assert "10 letters are uncertain: no answer tells whether they were taken" in said()
    with transaction() as session:
        commands.pause(session, ident, reason="content: not good", held=True)
    assert "1 is held, because the provider refused the words." in said()


def test_the_operator_s_numbers_are_those_of_the_update_s_page(database: Flask) -> None:
    ident = planned(30)
    changed(ident, failed=2, suppressed=1)
    assert seen(ident).waiting == 21
    assert "21 letters wait for their turn." in said()
    with reading() as session:
        assert standing.standing(session, now=utc_now()).waiting == 21
    changed(ident, state=BatchState.UNKNOWN)
    assert seen(ident).unknown == 21
    assert "21 letters are uncertain" in said()
    changed(ident, state=BatchState.ACCEPTED, unknown=1)
    assert seen(ident).unknown == 3
    assert "3 letters are uncertain" in said()


def test_letters_of_an_update_that_nobody_hands_over_are_told_to_monitors_until_it_is_paused(database: Flask) -> None:
    ident = planned(20)
    with reading() as session:
        assert standing.standing(session, now=utc_now()).stuck == ["No worker was ever seen. Letters wait."]
    with transaction() as session:
        commands.pause(session, ident)
    with reading() as session:
        assert standing.standing(session, now=utc_now()).stuck == []


def test_the_list_says_what_holds_an_update_back(database: Flask, signed_in: Callable[[Account], FlaskClient]) -> None:
    planned(3)
    with transaction() as session:
        operator = builders.account(session, email="op@x.example")
        operator.is_operator = True
        post.pause(session, "dev", "SendGrid said 401: bad key", now=NOW)
    shown = signed_in(operator).get("/operator/mailings").text
    assert "SendGrid said 401: bad key" in shown
    assert ">Waits</span>" in shown
    assert ">Going</span>" not in shown


@pytest.mark.sqlite
def test_the_list_says_that_the_disk_is_full_and_calls_no_worker_gone_for_it(
    database: Flask, signed_in: Callable[[Account], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(3)
    with transaction() as session:
        operator = builders.account(session, email="op@x.example")
        operator.is_operator = True
    browser = signed_in(operator)
    room = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room._replace(free=4096))
    shown = browser.get("/operator/mailings").text
    assert "The disk that the database is on is full" in shown
    assert "No worker is running" not in shown
    assert ">Waits</span>" in shown
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room._replace(free=db.LEAST_ROOM))
    assert "is full" not in browser.get("/operator/mailings").text


def test_the_list_says_that_no_worker_hands_an_update_over(
    database: Flask, signed_in: Callable[[Account], FlaskClient]
) -> None:
    planned(3)
    with transaction() as session:
        operator = builders.account(session, email="op@x.example")
        operator.is_operator = True
    shown = signed_in(operator).get("/operator/mailings").text
    assert "<b>No worker was ever seen.</b> What waits below waits until one is started" in shown
    assert ">Waits</span>" in shown
    worker.beat(utc_now())
    assert ">Going</span>" in signed_in(operator).get("/operator/mailings").text


def test_the_operator_s_list_names_the_words_and_the_numbers(
    database: Flask, signed_in: Callable[[Account], FlaskClient]
) -> None:
    post_office.use(Scripted())
    planned(3)
    worker.run(SEND)
    with transaction() as session:
        operator = builders.account(session, email="op@x.example")
        operator.is_operator = True
        somebody = builders.account(session, email="somebody@x.example")
    shown = signed_in(operator).get("/operator/mailings").text
    assert ">friend, it went out<span" in shown, "as a reader of whom nothing is known gets it, and no link to a 404"
    assert "From Fight for the Future" in shown
    assert "given_name" not in shown
    assert 'data-label="Handed over" class="num">3<' in shown
    assert signed_in(somebody).get("/operator/mailings").status_code == 404
    with reading() as session:
        assert queries.shown(session, before=1, by=SYSTEM) == []


def test_an_operator_of_the_coalition_comes_from_the_list_to_the_update(
    database: Flask, signed_in: Callable[[Account], FlaskClient]
) -> None:
    planned(3)
    with transaction() as session:
        robin = session.scalars(sa.select(Account).where(Account.email == "robin@fftf.example")).one()
        robin.is_operator = True
    browser = signed_in(robin)
    way = re.search(
        r'<a href="(/work/[^"]+/updates/\d+)">friend, it went out</a>', browser.get("/operator/mailings").text
    )
    assert way is not None
    assert browser.get(way[1]).status_code == 200
