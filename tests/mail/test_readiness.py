"""What monitors are told about mail."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.core.actor import Actor
from app.core.db import transaction
from app.mail import circuit, commands
from app.mail.circuit import IN_A_ROW, Pass, Trouble
from tests.builders import NOW

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
