from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.coalitions.models import Invitation, Role
from app.core.db import reading, transaction
from app.deliveries.models import Delivery, DeliveryState
from app.publishing.queries.home import tasks
from app.publishing.rules import Kind, Task
from app.signons import commands as signon_commands
from app.statements import commands as statements
from app.statements.models import Statement
from tests import builders
from tests.builders import NOW
from tests.campaigns import builders as campaigns
from tests.deliveries import builders as deliveries
from tests.signons import builders as signons
from tests.statements.builders import scene as drafting

SignIn = Callable[[Account], FlaskClient]


def waiting(person: Account, now: datetime = NOW) -> list[Task]:
    with reading() as session:
        return tasks(session, by=builders.actor(person), now=now)


def test_a_request_to_sign_waits_for_a_signatory_until_it_is_answered(database: object) -> None:
    made = signons.committed()
    with transaction() as session:
        signons.ask(session, made)

    (task,) = waiting(made.signatory)
    assert (task.kind, task.due) == (Kind.SIGN_ON, made.statement.deadline)
    assert task.href.endswith("/statements/stop-selling-face-recognition/sign?for=northwest-privacy-alliance")
    assert waiting(made.viewer) == []
    assert waiting(made.organizer) == []

    with transaction() as session:
        statement = session.get_one(Statement, made.statement.id)
        entry = signon_commands.Decline(reason="Not ours.")
        by = builders.actor(made.signatory)
        signon_commands.decline(session, statement, made.partner, entry, by=by, now=NOW)
    assert waiting(made.signatory) == []


def test_a_closing_statement_waits_for_its_organizers(database: object, signed_in: SignIn) -> None:
    made = signons.committed()
    assert made.statement.deadline is not None

    assert waiting(made.organizer, made.statement.deadline - timedelta(days=5)) == []
    (task,) = waiting(made.organizer, made.statement.deadline - timedelta(days=3))
    assert task.kind is Kind.CLOSING
    assert signed_in(made.organizer).get(task.href).status_code == 200
    assert waiting(made.organizer, made.after) == []


def test_a_review_waits_for_whoever_may_answer(database: object) -> None:
    with transaction() as session:
        made = drafting(session)
        statements.ask_for_review(session, made.statement, by=made.organizer, now=NOW)

    assert [one.kind for one in waiting(made.people["signatory"])] == [Kind.REVIEW]
    assert waiting(made.people["viewer"]) == []
    assert waiting(made.people["stranger"]) == []


def test_a_bounce_and_an_ending_promise_wait_for_organizers(database: object) -> None:
    with transaction() as session:
        made = deliveries.scene(session)
        delivery = Delivery(
            document_id=made.document.id,
            target_id=made.targets[0].id,
            state=DeliveryState.BOUNCED,
            detail="550 no such user",
            created_at=NOW,
        )
        session.add(delivery)
    assert [(one.kind, one.detail) for one in waiting(made.organizer)] == [(Kind.BOUNCE, "550 no such user")]
    assert waiting(made.viewer) == []


def test_an_ending_promise_waits_for_organizers(database: object) -> None:
    made = campaigns.committed()
    with transaction() as session:
        campaigns.promise(session, made)

    assert waiting(made.organizer) == []
    assert [one.kind for one in waiting(made.organizer, datetime(2021, 6, 1, tzinfo=UTC))] == [Kind.PROMISE]
    assert waiting(made.member, datetime(2021, 6, 1, tzinfo=UTC)) == []


def test_an_unanswered_invitation_waits_after_three_days(database: object) -> None:
    made = campaigns.committed()
    with transaction() as session:
        session.add(
            Invitation(
                coalition_id=made.coalition.id,
                organization_id=made.partner.id,
                email="x@aclu.example",
                role=Role.ADMIN,
                created_at=NOW,
                expires_at=NOW + timedelta(days=14),
            )
        )

    assert waiting(made.organizer, NOW + timedelta(days=2)) == []
    (task,) = waiting(made.organizer, NOW + timedelta(days=4))
    assert (task.kind, task.title) == (Kind.INVITATION, "One organization has not answered your invitation")


@pytest.mark.parametrize("operator", [False, True])
def test_an_empty_home_teaches_the_next_step(database: object, signed_in: SignIn, *, operator: bool) -> None:
    with transaction() as session:
        person = builders.account(session)
        person.is_operator = operator

    shown = signed_in(person).get("/home")
    assert shown.status_code == 200
    assert ("Form a coalition" in shown.text) is operator
    assert "You are in no coalition yet" in shown.text


def test_home_shows_each_task_with_its_one_act(database: object, signed_in: SignIn) -> None:
    made = signons.committed(now=datetime.now(UTC))
    with transaction() as session:
        signons.ask(session, made)

    shown = signed_in(made.signatory).get("/home").text
    assert "Read and decide for Northwest Privacy Alliance" in shown
    assert "Your coalitions" in shown
