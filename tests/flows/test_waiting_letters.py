"""Letters that wait through an outage are asked, as they would leave, whether anybody has use for them still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.broadcasts import commands as broadcasts
from app.broadcasts.models import Broadcast
from app.campaigns import commands as campaigns
from app.campaigns.models import Commitment
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.models import Email, EmailState
from app.mail.rules import ahead
from app.signons import commands as signons
from app.signons.models import SignOnRequest
from app.statements import commands as statements
from app.statements.models import Statement
from tests.automations.test_races import Hands
from tests.broadcasts import builders as updates
from tests.campaigns import builders as promises
from tests.signons import builders as letters
from tests.signons.builders import Scene

REQUEST = "signons/mail/request"
APPROVAL = "broadcasts/mail/approval_wanted"
WARNING = "campaigns/mail/runs_out"


def sent(template: str) -> list[str]:
    """Who gets a letter of this kind now; every other letter has left."""
    with transaction() as session:
        session.execute(sa.update(Email).where(Email.template != template).values(state=EmailState.ACCEPTED))
    hands = Hands()
    post_office.use(hands)
    worker.run("mail.send")
    return hands.taken


def reasons(template: str) -> list[str | None]:
    """Why letters of this kind were given up."""
    with reading() as session:
        rows = session.scalars(sa.select(Email).where(Email.template == template).order_by(Email.id)).all()
        return [one.last_error if one.state is EmailState.DROPPED else None for one in rows]


def asked() -> Scene:
    """An organization was asked to sign, and the letter has not left."""
    now = utc_now() - timedelta(minutes=30)
    here = letters.committed(now=now)
    with transaction() as session:
        letters.ask(session, here)
    return here


def take_back(here: Scene) -> None:
    with transaction() as session:
        request = session.scalars(sa.select(SignOnRequest)).one()
        signons.revoke_request(session, request, by=here.by, now=utc_now())


def answer(here: Scene) -> None:
    with transaction() as session:
        request = session.scalars(sa.select(SignOnRequest)).one()
        entry, by = letters.entry(here), letters.LINK
        signons.sign_on(session, request.statement, request.organization, entry, by=by, now=utc_now())


def close(here: Scene) -> None:
    with transaction() as session:
        statements.close(session, session.get_one(Statement, here.statement.id), by=here.by, now=utc_now())


def let_the_deadline_pass(here: Scene) -> None:
    with transaction() as session:
        session.get_one(Statement, here.statement.id).deadline = utc_now() - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (take_back, "The request was taken back before it left."),
        (answer, "The organization had answered before the request left."),
        (close, "The sign-on was over before the request left."),
        (let_the_deadline_pass, "The sign-on was over before the request left."),
    ],
)
def test_a_request_to_sign_that_nobody_can_answer_any_more_does_not_leave(
    database: Flask, act: Callable[[Scene], None], reason: str
) -> None:
    act(asked())
    assert sent(REQUEST) == []
    assert reasons(REQUEST) == [reason]


def test_a_request_to_sign_leaves_while_it_can_be_answered_also_after_the_first_deadline(database: Flask) -> None:
    here = asked()
    let_the_deadline_pass(here)
    with transaction() as session:
        session.get_one(Statement, here.statement.id).deadline = utc_now() + timedelta(days=1)
    assert sent(REQUEST) == ["ingrid@northwest-privacy-alliance.example"]


def test_of_two_requests_only_the_newest_leaves_because_the_older_link_is_dead(database: Flask) -> None:
    here = asked()
    with transaction() as session:
        request = session.scalars(sa.select(SignOnRequest)).one()
        signons.resend_request(session, request, by=here.by, now=utc_now())
    assert len(sent(REQUEST)) == 1
    assert reasons(REQUEST) == ["Another request took its place before it left.", None]


def drafted() -> tuple[updates.Stage, int]:
    """An update was tested, and those who may approve it were asked by letters that have not left."""
    with transaction() as session:
        there = updates.stage(session)
        update = broadcasts.compose(session, there.campaign, updates.WORDS, by=there.robin, now=utc_now())
        broadcasts.send_test(session, update, by=there.robin, now=utc_now())
    return there, update.id


def test_a_request_to_approve_leaves_while_the_words_wait_for_it(database: Flask) -> None:
    drafted()
    assert sent(APPROVAL) == ["dana@aclu.example"]


@pytest.mark.parametrize("act", ["approved", "edited"])
def test_a_request_to_approve_what_was_approved_or_rewritten_does_not_leave(database: Flask, act: str) -> None:
    there, ident = drafted()
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        if act == "approved":
            broadcasts.approve(session, update, update.version, by=there.dana, now=utc_now())
        else:
            broadcasts.edit(session, update, updates.WORDS.model_copy(update={"body": "New."}), by=there.robin)
    assert sent(APPROVAL) == []
    assert reasons(APPROVAL) == ["The words were approved or changed before this request left."]


def warned(ends: date) -> promises.Scene:
    """Organizers were warned of a promise that ends on that day, by a letter that has not left."""
    with transaction() as session:
        given = promises.scene(session)
        promises.promise(session, given, made_on=date(2020, 6, 10), expires_on=ends)
        assert campaigns.watch(session, now=utc_now()) == 1
    return given


def test_a_warning_of_a_promise_leaves_until_its_last_day_is_over(database: Flask) -> None:
    ends = utc_now().date() + timedelta(days=5)
    given = warned(ends)
    with reading() as session:
        letter = session.scalars(sa.select(Email)).one()
        assert letter.useless_after is not None
        assert ends < letter.useless_after.date() <= ends + timedelta(days=2)
        assert "If it cannot leave by" in ahead(letter, hindered=[], most=5, now=utc_now())
    assert sent(WARNING) == [given.organizer.email]


def test_a_warning_of_a_promise_that_was_extended_does_not_leave(database: Flask) -> None:
    ends = utc_now().date() + timedelta(days=5)
    given = warned(ends)
    with transaction() as session:
        until = ends + timedelta(days=90)
        said = utc_now().date() - timedelta(days=2)
        typed = {"state": "extended", "on": str(said), "expires_on": str(until), "source": "x"}
        entry = campaigns.CommitmentChange.of(typed)
        campaigns.change_commitment_state(
            session, session.scalars(sa.select(Commitment)).one(), entry, by=given.by, now=utc_now()
        )
    assert sent(WARNING) == []
    assert reasons(WARNING) == ["What became of the promise was settled before the warning left."]
