"""Which clock counts: the database's where it is a machine of its own, so that all workers have one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest
from flask import Flask

from app.core import clock, db
from app.core.clock import utc_now
from app.jobs import worker
from app.mail import jobs
from app.mail.models import EmailState
from app.mail.outbox import SEND
from tests.mail.builders import Scripted, changed, email, queued

TWO_HOURS, MOMENT = timedelta(hours=2), timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _right_again() -> Iterator[None]:
    yield
    clock.go_by(datetime.now(UTC))


def off() -> timedelta:
    return utc_now() - datetime.now(UTC)


def test_a_clock_that_differs_is_gone_by_and_said_once() -> None:
    assert clock.go_by(datetime.now(UTC) + TWO_HOURS) is not None
    assert abs(off() - TWO_HOURS) < MOMENT
    assert clock.go_by(datetime.now(UTC) + TWO_HOURS) is None
    assert clock.go_by(datetime.now(UTC)) == timedelta(0)
    assert clock.go_by(datetime.now(UTC) + timedelta(seconds=2)) is None, "no two clocks are quite the same"
    assert abs(off()) < timedelta(seconds=1)


@pytest.mark.parametrize("wrong", [TWO_HOURS, -TWO_HOURS], ids=["ahead", "behind"])
def test_a_machine_whose_clock_is_wrong_takes_no_letter_out_of_another_s_hands(
    database: Flask, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + wrong

    mine, other_s = queued("mine"), queued("another's")
    held = {"lease_token": "other", "leased_until": utc_now() + timedelta(minutes=1)}
    changed(other_s, state=EmailState.SUBMITTING, attempts=1, **held)
    jobs.use(transport := Scripted())
    monkeypatch.setattr(clock, "datetime", Wrong)

    worker.run(SEND)

    sent = {letter.email_id for letter in transport.letters}
    if db.engine().dialect.name == "postgresql":
        assert sent == {mine}
        assert email(other_s).state is EmailState.SUBMITTING
        assert abs(off()) < MOMENT
    else:
        # One machine has one clock: it jumped for everybody, and a claim of before would be held for hours.
        assert other_s in sent
