"""What monitors are told about mail."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import transaction
from app.mail import circuit, commands, jobs
from app.mail.circuit import IN_A_ROW, Pass, Trouble
from tests.builders import NOW
from tests.mail.builders import Scripted

OPERATOR = Actor(label="Operator", account_id=1, operator=True)


def mail_check(client: FlaskClient) -> tuple[bool, str]:
    answer = client.get("/readyz").get_json()["checks"]["mail"]
    return answer["good"], answer["detail"]


def test_a_provider_that_refuses_us_is_told_to_monitors_and_a_hold_by_a_person_is_no_alarm(client: FlaskClient) -> None:
    assert mail_check(client) == (True, "letters leave")
    with transaction() as session:
        commands.hold(session, "dev", by=OPERATOR, now=NOW)
    good, said = mail_check(client)
    assert good
    assert f"held back by {OPERATOR.label}" in said
    with transaction() as session:
        commands.resume(session, by=OPERATOR, now=NOW)
        commands.pause(session, "dev", "SendGrid said 401", now=NOW)
    good, said = mail_check(client)
    assert not good
    assert "SendGrid said 401" in said


def test_an_open_circuit_is_said_and_counted(client: FlaskClient) -> None:
    with transaction() as session:
        for _ in range(IN_A_ROW):
            circuit.failed(session, "dev", Pass(), Trouble("The mail server cannot be reached"), letters=[], now=NOW)
    good, said = mail_check(client)
    assert good
    assert "cannot be reached" in said
    assert 'undersigned_mail_circuit_open{transport="dev"} 1.0' in client.get("/metrics").get_data(as_text=True)


def test_what_stopped_a_way_that_is_not_in_use_holds_nothing_back(app: Flask, operator: FlaskClient) -> None:
    with transaction() as session:
        commands.pause(session, "sendgrid", "SendGrid said 401: bad key", now=NOW)
        trouble = Trouble("The mail server cannot be reached", asked=timedelta(minutes=9))
        circuit.failed(session, "smtp", Pass(), trouble, letters=[], now=utc_now())
    for path in ("/operator/mail", "/operator/mailings", "/home"):
        shown = operator.get(path).text
        assert "bad key" not in shown
        assert "cannot be reached" not in shown
    assert mail_check(operator) == (True, "letters leave")
    assert "mail_circuit_open{" not in operator.get("/metrics").text
    assert "401" not in app.test_cli_runner().invoke(args=["mail", "status"]).output

    class Post(Scripted):
        name = "sendgrid"

    jobs.use(Post())
    assert "bad key" in operator.get("/operator/mail").text
