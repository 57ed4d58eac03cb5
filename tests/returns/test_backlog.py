"""How many posts of the provider wait to be worked off is told to monitors and operators, and how old the oldest is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.clock import utc_now
from app.core.db import transaction
from app.returns import commands, jobs
from tests.builders import account
from tests.returns.builders import left, row, written


def came(*, ago: timedelta, body: bytes) -> None:
    with transaction() as session:
        commands.keep_post(session, body, now=utc_now() - ago)


def check(client: FlaskClient) -> tuple[bool, str]:
    found = client.get("/readyz").get_json()["checks"]["events"]
    return found["good"], found["detail"]


def measured(client: FlaskClient, name: str) -> float:
    (line,) = [one for one in client.get("/metrics").text.splitlines() if one.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


@pytest.fixture
def operator(database: Flask, signed_in: Callable[[Account], FlaskClient]) -> FlaskClient:
    with transaction() as session:
        person = account(session)
        person.is_operator = True
    return signed_in(person)


def test_a_backlog_of_posts_is_told_until_it_is_worked_off(
    app: Flask, client: FlaskClient, operator: FlaskClient
) -> None:
    assert check(client) == (True, "0 posts of the mail provider wait, the oldest for 0 s; 0 failed")
    assert "wait to be worked off" not in operator.get("/operator/mail").text
    ident, token = left()
    came(ago=timedelta(minutes=4), body=written([row("delivered", ident, token)]))
    came(ago=timedelta(minutes=1), body=written([]))

    good, said = check(client)

    assert good
    assert said.startswith("2 posts of the mail provider wait, the oldest for 2")
    assert measured(client, 'undersigned_event_posts{state="waiting"}') == 2
    assert 240 <= measured(client, "undersigned_oldest_event_post_seconds") < 300
    words = "2 posts of the mail provider wait to be worked off; the oldest came 4 minutes ago."
    assert words in operator.get("/operator/mail").text
    assert words in app.test_cli_runner().invoke(args=["mail", "status"]).output

    while jobs.work_off():
        pass
    assert measured(client, 'undersigned_event_posts{state="waiting"}') == 0
    assert measured(client, "undersigned_oldest_event_post_seconds") == 0
    assert "to be worked off" not in operator.get("/operator/mail").text


def test_a_post_that_waits_for_a_quarter_of_an_hour_is_no_good(client: FlaskClient) -> None:
    came(ago=timedelta(minutes=16), body=written([]))
    assert not check(client)[0]


def test_a_post_that_could_not_be_worked_off_waits_for_a_person(client: FlaskClient, operator: FlaskClient) -> None:
    came(ago=timedelta(minutes=16), body=b"<script>")
    while jobs.work_off():
        pass
    assert check(client) == (True, "0 posts of the mail provider wait, the oldest for 0 s; 1 failed")
    assert measured(client, 'undersigned_event_posts{state="failed"}') == 1
    assert "1 could not be worked off and needs a person." in operator.get("/operator/mail").text
