"""A provider that serves nobody for a while costs an update a reader a try, not a batch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.core import db
from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs import worker
from app.mail import circuit, sending
from app.mail import jobs as post_office
from app.mail.mass import OutcomeUnknown
from app.mail.models import MailCircuit
from app.mail.transports.sendgrid import SendGridTransport
from app.mailings.models import BatchState
from app.mailings.rules import SEND
from tests.mail.builders import Scripted
from tests.mailings.builders import batches, planned, seen
from tests.mailings.provider import TAKEN, Answer, Request, addresses, refusal, running


def time_passes() -> None:
    """The circuit may be tried again."""
    with transaction() as session:
        session.query(MailCircuit).update({"try_at": utc_now() - timedelta(seconds=1)})


def test_only_the_first_failure_costs_a_batch_and_everybody_else_gets_it_afterwards(database: Flask) -> None:
    with running() as provider:
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
        provider.answer = lambda _request: Answer(503)
        ident = planned(200, size=50)
        for _ in range(8):
            worker.run(SEND)
            time_passes()
        sizes = [len(addresses(one)) for one in provider.requests]
        assert sizes[0] == 50
        assert set(sizes[1:]) == {1}
        assert len(sizes) >= circuit.IN_A_ROW
        assert seen(ident).unknown == 50 + len(sizes) - 1
        provider.answer = lambda _request: TAKEN
        for _ in range(3):
            time_passes()
            worker.run(SEND)
        counts = seen(ident)
        assert (counts.waiting, counts.unknown, counts.planned) == (0, 50 + len(sizes) - 1, 200)
        assert counts.accepted == 200 - counts.unknown
        assert set(provider.written.values()) == {1}


def test_where_readers_go_one_by_one_a_lost_answer_ends_the_round(database: Flask) -> None:
    post_office.use(hands := Scripted(lambda _letter: OutcomeUnknown("lost")))
    ident = planned(20)
    worker.run(SEND)
    assert len(hands.letters) == circuit.IN_A_ROW
    assert (seen(ident).unknown, seen(ident).waiting) == (circuit.IN_A_ROW, 20 - circuit.IN_A_ROW)
    post_office.use(Scripted())
    time_passes()
    worker.run(SEND)
    assert (seen(ident).accepted, seen(ident).unknown) == (20 - circuit.IN_A_ROW, circuit.IN_A_ROW)
    assert {one.state for one in batches(ident)} == {BatchState.ACCEPTED}


@pytest.mark.parametrize("trouble_before", [False, True])
@pytest.mark.parametrize("said", [TAKEN, refusal(400, "personalizations.2.to.0.email")], ids=["taken", "refused"])
def test_an_answer_that_cannot_be_written_down_at_once_is_not_lost(
    database: Flask,
    monkeypatch: pytest.MonkeyPatch,
    said: Answer,
    trouble_before: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(sending, "SETTLE_WAITS", (0.01,))
    refused: list[str] = []

    def balk(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE") and len(refused) < 3:
            refused.append(statement)
            raise OperationalError(statement, {}, Exception("database or disk is full"))

    def answer(request: Request) -> Answer:
        if not event.contains(db.engine(), "before_cursor_execute", balk):
            event.listen(db.engine(), "before_cursor_execute", balk)
            return said if len(addresses(request)) > 2 else TAKEN
        return TAKEN

    with running() as provider:
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
        provider.answer = answer
        ident = planned(10, size=10)
        if trouble_before:
            post_office.heed(OutcomeUnknown("an answer was lost before"))
        try:
            worker.run(SEND)
        finally:
            event.remove(db.engine(), "before_cursor_execute", balk)
        assert len(refused) == 3
        counts = seen(ident)
        wrong = 1 if said is not TAKEN and not trouble_before else 0
        assert (counts.accepted, counts.failed, counts.unknown, counts.waiting) == (10 - wrong, wrong, 0, 0)
        assert set(provider.written.values()) == {1}
        assert len(provider.written) == 10 - wrong
