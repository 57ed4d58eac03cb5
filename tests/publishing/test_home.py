from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.coalitions.models import Invitation, Role
from app.core import db
from app.core.db import reading, transaction
from app.deliveries.commands import send_document
from app.deliveries.models import Delivery, DeliveryState, Document
from app.mail.models import Email, EmailState, MailPause
from app.publishing.queries.home import tasks
from app.publishing.rules import Kind, Task
from app.signons import commands as signon_commands
from app.signons.models import SignOnRequest
from app.statements import commands as statements
from app.statements.models import Statement
from tests import builders
from tests.builders import NOW
from tests.campaigns import builders as campaigns
from tests.deliveries import builders as deliveries
from tests.petitions import builders as petitions
from tests.signons import builders as signons
from tests.statements.builders import scene as drafting
from tests.statements.texts import PLAIN

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


def test_a_request_that_nobody_answered_for_three_days_waits_for_organizers(
    database: object, signed_in: SignIn
) -> None:
    made = signons.committed()
    with transaction() as session:
        signons.ask(session, made)

    assert waiting(made.organizer, NOW + timedelta(days=2)) == []
    (task,) = waiting(made.organizer, NOW + timedelta(days=4))
    assert task.kind is Kind.SILENT
    assert task.title == "One organization has not answered about “Stop selling face recognition”"
    assert "Northwest Privacy Alliance" in task.detail
    assert "Northwest Privacy Alliance" in signed_in(made.organizer).get(task.href).text
    assert Kind.SILENT not in {one.kind for one in waiting(made.signatory, NOW + timedelta(days=4))}

    assert made.statement.deadline is not None
    soon = waiting(made.organizer, made.statement.deadline - timedelta(days=1))
    assert [one.kind for one in soon] == [Kind.CLOSING]
    assert waiting(made.organizer, made.after) == []
    with transaction() as session:
        signons.signed(session, made)
    assert waiting(made.organizer, NOW + timedelta(days=4)) == []


def test_a_request_that_came_back_waits_for_organizers_at_once(database: object) -> None:
    made = signons.committed()
    with transaction() as session:
        signons.ask(session, made)
        session.execute(sa.update(Email).values(state=EmailState.BOUNCED))

    (task,) = waiting(made.organizer)
    assert (task.kind, task.title) == (
        Kind.BOUNCE,
        "The request to one organization to sign “Stop selling face recognition” did not arrive",
    )
    with transaction() as session:
        request = session.scalars(sa.select(SignOnRequest)).one()
        signon_commands.resend_request(session, request, by=made.by, now=NOW + timedelta(hours=1))
    assert waiting(made.organizer, NOW + timedelta(hours=2)) == []


def test_a_dispute_waits_for_organizers_to_settle_it(database: object, signed_in: SignIn) -> None:
    made = signons.committed()
    with transaction() as session:
        row = signons.signed(session, made)
        signon_commands.dispute(session, row, signon_commands.Dispute(reason="Not us"), by=signons.LINK, now=NOW)

    (task,) = waiting(made.organizer)
    assert (task.kind, task.act) == (Kind.DISPUTE, "Settle the dispute")
    assert signed_in(made.organizer).get(task.href).status_code == 200
    assert waiting(made.signatory) == []


def test_an_open_suggestion_waits_for_whoever_may_draft(database: object) -> None:
    with transaction() as session:
        made = drafting(session)
        entry = statements.NewSuggestion(passage=PLAIN.split()[0], replacement="other words")
        statements.suggest(session, made.statement, entry, by=made.signatory, now=NOW)

    (task,) = waiting(made.people["organizer"])
    assert (task.kind, task.detail) == (Kind.SUGGESTION, "One suggestion waits to be decided.")
    assert waiting(made.people["viewer"]) == []


def test_a_delivery_of_which_nobody_knows_whether_it_left_waits_for_organizers_and_operators(database: object) -> None:
    made = deliveries.committed()
    with transaction() as session:
        send_document(session, session.get_one(Document, made.document.id), made.targets, by=made.by, now=NOW)
        session.execute(sa.update(Email).values(state=EmailState.UNKNOWN))
        operator = builders.account(session, email="operator@host.example")
        operator.is_operator = True

    titles = [one.title for one in waiting(made.organizer) if one.kind is Kind.BOUNCE]
    assert any("not known whether it left for Amazon.com" in title for title in titles)
    assert waiting(made.viewer) == []
    (task,) = waiting(operator)
    assert (task.kind, task.href) == (Kind.POST, "/operator/mail")
    assert task.title.startswith("It is not known whether")


def test_letters_held_back_wait_for_operators_only(database: object) -> None:
    made = signons.committed()
    with transaction() as session:
        session.add(MailPause(transport="dev", reason="The provider refused the key.", since=NOW))
        operator = builders.account(session, email="operator@host.example")
        operator.is_operator = True

    assert [one.title for one in waiting(operator)] == ["Letters are held back"]
    assert waiting(made.organizer) == []


def test_a_petition_that_closes_soon_waits_for_its_organizers(database: object, signed_in: SignIn) -> None:
    made = petitions.there(closes=(NOW + timedelta(days=30)).date())
    assert made.petition.closes_at is not None

    assert waiting(made.organizer, made.petition.closes_at - timedelta(days=5)) == []
    (task,) = waiting(made.organizer, made.petition.closes_at - timedelta(days=2))
    assert (task.kind, task.due) == (Kind.CLOSING, made.petition.closes_at)
    assert signed_in(made.organizer).get(task.href).status_code == 200


def test_home_asks_as_many_questions_for_many_things_as_for_one(database: object) -> None:
    made = signons.committed()

    def questions() -> int:
        said: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            said.append(statement)

        sa.event.listen(db.engine(), "before_cursor_execute", note)
        try:
            assert waiting(made.organizer, NOW + timedelta(days=4))
        finally:
            sa.event.remove(db.engine(), "before_cursor_execute", note)
        return len(said)

    with transaction() as session:
        made.organizer = session.merge(made.organizer)
        made.organizer.is_operator = True
        _troubles(session, made, "One")
    few = questions()
    with transaction() as session:
        for name in ("Two", "Three", "Four", "Five"):
            _troubles(session, made, name)

    assert questions() == few


def _troubles(session: Session, made: signons.Scene, name: str) -> None:
    """An organization that was not reached, one that is silent, one that disputes, and an uncertain delivery."""
    for number, what in enumerate(("bounced", "silent", "disputed")):
        group = builders.organization(session, name=f"{name} {what}", within=made.coalition)
        signons.contact(session, group, made.coalition)
        if what == "disputed":
            row = signons.signed(session, made, group)
            signon_commands.dispute(session, row, signon_commands.Dispute(), by=signons.LINK, now=NOW)
            continue
        asked = signons.ask(session, made, group)
        if number == 0:
            change = sa.update(Email).where(Email.once == f"sign-on-request:{asked.id}:1")
            session.execute(change.values(state=EmailState.BOUNCED))
    place = builders.target(session, made.coalition, name=f"{name} Company", email=f"{name}@company.example")
    campaign = session.get_one(Statement, made.statement.id).campaign
    letter = deliveries.document(session, campaign)
    session.add(
        Delivery(document_id=letter.id, target_id=place.id, state=DeliveryState.BOUNCED, detail="550", created_at=NOW)
    )
    session.flush()
