"""How many letters are taken at once: never so many that a new confirmation waits long behind them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import commands, jobs, queries, sending
from app.mail.message import Priority
from app.mail.models import EmailState
from app.mail.transports import Accepted, TryAgain
from tests.mail.builders import changed, email, queued
from tests.mail.test_sender import sent_with


def test_the_next_lot_is_what_left_in_about_a_second_within_bounds() -> None:
    assert sending.size_after(25, 0.5) == 50
    assert sending.size_after(25, 0.01) == sending.LARGEST_LOT
    assert sending.size_after(1, 30.0) == sending.SMALLEST_LOT
    assert sending.size_after(5, 0.0) == sending.LARGEST_LOT


def test_a_quick_way_out_is_given_larger_lots_and_a_slow_one_smaller(
    database: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        queued(f"confirmation:{number}")
    transport = sent_with(Accepted())

    monkeypatch.setattr(sending, "LOT_AIM", 3600.0)  # however slow this machine is
    jobs.send()
    first = len(transport.letters)
    monkeypatch.setattr(sending, "LOT_AIM", 0.0)
    jobs.send()
    second = len(transport.letters) - first
    jobs.send()

    assert (first, second) == (sending.LOT, sending.LARGEST_LOT)
    assert len(transport.letters) - first - second == sending.SMALLEST_LOT


def test_a_slow_lot_is_put_back_so_that_a_new_confirmation_goes_first(
    database: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        queued(f"update:{number}", priority=Priority.UPDATE, repeatable=False)
    monkeypatch.setattr(sending, "LOT_SECONDS", 0)
    transport = sent_with(Accepted())
    jobs.send()
    confirmation = queued("confirmation")

    jobs.send()

    assert [letter.email_id for letter in transport.letters][1] == confirmation
    with reading() as session:
        assert queries.counts_by_state(session)[EmailState.QUEUED] == 2


def test_workers_that_die_between_taking_and_handing_over_use_up_no_try(database: Flask) -> None:
    ident = queued()
    for _ in range(2 * commands.MOST_ATTEMPTS):
        with transaction() as session:
            assert len(commands.take(session, lot=1, lease=timedelta(minutes=1), now=utc_now())) == 1
        changed(ident, leased_until=utc_now() - timedelta(days=1))
    transport = sent_with(Accepted())

    jobs.send()

    assert [letter.email_id for letter in transport.letters] == [ident]
    assert email(ident).state is EmailState.ACCEPTED


def test_a_letter_that_was_tried_so_often_is_given_up_for_all_that(database: Flask) -> None:
    ident = queued()
    sent_with(TryAgain(timedelta(0), "greylisted"))
    for _ in range(commands.MOST_ATTEMPTS):
        changed(ident, try_after=utc_now() - timedelta(hours=1))
        jobs.send()
    assert email(ident).state is EmailState.FAILED
