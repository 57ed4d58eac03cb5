"""Who is called at once, so that nothing that could go on, or could still be held, waits for the minute's look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Flask

from app.core.actor import Actor
from app.core.db import transaction
from app.mail import commands as post
from app.mail.mass import Accepted
from app.mail.outbox import SEND as SEND_LETTERS
from app.mailings import commands
from app.mailings.models import BatchState, Mailing, MailingBatch
from app.mailings.rules import CALL_BACK, SEND
from tests.builders import NOW
from tests.mailings.builders import planned

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def called(session: Session) -> set[str]:
    """What is rung once this transaction is committed."""
    return set(session.info.get("after_commit", {}))


def test_updates_go_on_with_the_letters_once_an_operator_lets_them_leave(database: Flask) -> None:
    operator = Actor("Op", account_id=1, operator=True)
    with transaction() as session:
        post.pause(session, "sendgrid", "401", now=NOW)
    with transaction() as session:
        post.resume(session, by=operator, now=NOW)
        assert {f"ring:{SEND}", f"ring:{SEND_LETTERS}"} <= called(session)


def test_calling_back_is_tried_again_in_seconds_and_not_in_a_minute(database: Flask) -> None:
    ident = planned(4, size=2)
    with transaction() as session:
        held = {"state": BatchState.ACCEPTED, "leaves_at": NOW + timedelta(hours=1)}
        session.execute(sa.update(MailingBatch).values(held))
        commands.not_called_back(session, ident, "SendGrid said 500", again=True, now=NOW)
        assert f"ring later:{CALL_BACK}" in called(session)


def test_a_batch_that_is_taken_after_the_call_back_is_marked_at_once(database: Flask) -> None:
    planned(4, size=2)
    later = NOW + timedelta(hours=1)
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=NOW)
        assert taken is not None
        assert commands.hand_over(session, taken, until=later, leaves_at=later, now=NOW)
    with transaction() as session:
        session.execute(sa.update(Mailing).values(recalled_at=NOW))
    with transaction() as session:
        commands.settle(session, taken, Accepted("abc"), now=NOW)
        assert f"ring:{CALL_BACK}" in called(session)
