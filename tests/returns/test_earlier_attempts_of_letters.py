"""Reports of an attempt of a single letter that another attempt came after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import jobs as mail_jobs
from app.mail.models import EmailAttempt, EmailState
from app.mail.transports import Accepted, NotAccepted, OutcomeUnknown, TryAgain
from tests.mail.builders import Scripted, changed, email, queued
from tests.returns.builders import bounce, count, hear, left, row, stopped
from tests.returns.test_hearing import heard


def attempted(ident: int, *tokens: str) -> None:
    """Attempts of a letter that came before its newest."""
    with transaction() as session:
        session.add_all(
            EmailAttempt(email_id=ident, number=number, at=utc_now(), reason="lost", certain=False, token=token)
            for number, token in enumerate(tokens, start=1)
        )


@pytest.mark.parametrize("state", [EmailState.QUEUED, EmailState.UNKNOWN, EmailState.FAILED])
def test_a_late_report_of_an_earlier_attempt_proves_that_the_letter_arrived(database: Flask, state: EmailState) -> None:
    ident, _ = left(state=state, attempt="a2")
    attempted(ident, "a1")

    assert hear(*heard(row("delivered", ident, "a1"))) == 1

    assert email(ident).state is EmailState.DELIVERED


@pytest.mark.parametrize("event", ["bounce", "dropped"])
def test_an_earlier_attempt_that_went_wrong_is_evidence_and_no_state_of_the_newer_one(
    database: Flask, event: str
) -> None:
    ident, _ = left(state=EmailState.DELIVERED, attempt="a2")
    attempted(ident, "a1")

    reports = bounce(ident, "a1") if event == "bounce" else row(event, ident, "a1")
    assert hear(*heard(reports)) == 1

    assert email(ident).state is EmailState.DELIVERED
    assert count() == 1
    assert stopped() == ({("", "bounce")} if event == "bounce" else set())


def test_each_attempt_that_may_have_left_keeps_its_token(database: Flask) -> None:
    answers: Iterator[Accepted | NotAccepted] = iter(
        [OutcomeUnknown("lost"), TryAgain(timedelta(seconds=1), "busy"), Accepted("id")]
    )
    mail_jobs.use(transport := Scripted(lambda _letter: next(answers)))
    ident = queued(repeatable=True)
    for _ in range(3):
        changed(ident, try_after=utc_now())
        mail_jobs.send()
    tokens = [letter.attempt for letter in transport.letters]
    assert len(set(tokens)) == 3

    with reading() as session:
        kept = session.scalars(sa.select(EmailAttempt.token).order_by(EmailAttempt.id)).all()
    assert kept == tokens[:2]
    assert email(ident).attempt_token == tokens[2]
    assert hear(*heard(row("delivered", ident, tokens[0]))) == 1
