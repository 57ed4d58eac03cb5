"""A letter that was written and has not left is asked once more, as it would leave, whether it is still true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.automations import commands
from app.automations.models import Kind
from app.core.actor import by_link
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.models import Email, EmailState
from app.petitions import commands as petitions
from app.petitions.models import Petition, Signature, SignatureState
from tests.automations.builders import confirmed, person, reminders, running, welcomes
from tests.automations.test_races import LONG_AGO, Hands
from tests.petitions.builders import Scene, scene, token_of


def written(kind: Kind) -> Scene:
    """A reminder or a welcome that waits in the outbox; everything else has left."""
    now = utc_now()
    with transaction() as session:
        here = scene(session)
        made = running(session, here, kind, now=now - timedelta(minutes=1))
        if kind is Kind.REMINDER:
            person(session, here, 1)
            session.execute(sa.update(Signature).values(created_at=now - LONG_AGO))
        else:
            confirmed(session, here, 1, yes=(here.lead,))
            session.execute(sa.update(Signature).values(validated_at=now))
        session.execute(sa.update(Email).values(created_at=now - LONG_AGO, state=EmailState.ACCEPTED))
        lot = commands.remind_lot if kind is Kind.REMINDER else commands.welcome_lot
        assert lot(session, made.id, now=now) == 1
    return here


def sent() -> list[str]:
    """Who is written to now."""
    hands = Hands()
    post_office.use(hands)
    worker.run("mail.send")
    return hands.taken


def close(session: Session, here: Scene) -> None:
    petitions.close_petition(session, session.get_one(Petition, here.petition.id), by=here.by, now=utc_now())


def let_the_last_day_end(session: Session, _: Scene) -> None:
    session.execute(sa.update(Petition).values(closes_at=utc_now() - timedelta(seconds=1)))


def confirm_another_name(session: Session, here: Scene) -> None:
    first = session.scalars(sa.select(Signature)).one()
    second = person(session, here, 2)
    second.email, second.email_canonical = first.email, first.email_canonical
    second.state = SignatureState.VALIDATED
    session.execute(
        sa.update(Email).where(Email.template == "petitions/mail/confirm").values(state=EmailState.ACCEPTED)
    )


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (close, "The petition closed before the reminder left."),
        (let_the_last_day_end, "The petition closed before the reminder left."),
        (confirm_another_name, "The mailbox had answered before the reminder left."),
    ],
)
def test_a_reminder_whose_question_is_over_does_not_leave(
    database: Flask, act: Callable[[Session, Scene], None], reason: str
) -> None:
    here = written(Kind.REMINDER)
    with transaction() as session:
        act(session, here)
    assert sent() == []
    with reading() as session:
        assert [(one.state, one.last_error) for one in reminders(session)] == [(EmailState.DROPPED, reason)]


def test_a_reminder_that_is_still_true_leaves(database: Flask) -> None:
    written(Kind.REMINDER)
    assert sent() == ["person1@people.example"]


def test_a_welcome_does_not_thank_for_a_name_that_was_taken_back(database: Flask) -> None:
    written(Kind.WELCOME)
    with transaction() as session:
        token = token_of(session.scalars(sa.select(Signature)).one(), now=utc_now())
        petitions.withdraw_signature(session, token, by=by_link("x"), now=utc_now())
    assert sent() == []
    with reading() as session:
        assert [one.state for one in welcomes(session)] == [EmailState.DROPPED]
        assert welcomes(session)[0].last_error == "The signature was taken off before the welcome left."


def test_a_welcome_that_is_still_true_leaves(database: Flask) -> None:
    written(Kind.WELCOME)
    assert sent() == ["person1@people.example"]
