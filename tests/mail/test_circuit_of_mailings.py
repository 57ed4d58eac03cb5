"""Mailings wait behind the same circuit as single letters, and rather a single letter tries than a batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import circuit, jobs, mass, queries
from app.mail.circuit import FIRST_WAIT, IN_A_ROW, WAKES, Pass, Trouble
from app.mail.transports import Accepted, AccountRefused, OutcomeUnknown, TryAgain
from app.mailings.rules import SEND as MAILINGS
from tests.mail.builders import Scripted, changed, queued


@pytest.fixture(autouse=True)
def _calm() -> Iterator[None]:
    jobs._own.leave = Pass()
    yield
    jobs._own.leave = Pass()


def open_since(ago: timedelta) -> None:
    with transaction() as session:
        for _ in range(IN_A_ROW):
            circuit.failed(session, "scripted", Pass(), Trouble("down"), letters=[], now=utc_now() - ago)


def is_open() -> bool:
    with reading() as session:
        return bool(queries.circuits(session))


def test_a_mailing_waits_with_everybody_else(database: Flask) -> None:
    jobs.use(Scripted())
    assert not mass.held_back()
    open_since(timedelta(0))
    assert mass.held_back()
    assert MAILINGS in WAKES


def test_a_single_letter_tries_before_a_batch(database: Flask) -> None:
    jobs.use(Scripted())
    open_since(FIRST_WAIT)
    ident = queued()
    changed(ident, try_after=utc_now())
    assert mass.held_back()
    assert jobs.send() == 1
    assert not mass.held_back()


def test_a_batch_tries_where_no_letter_waits_and_its_success_closes(database: Flask) -> None:
    jobs.use(Scripted())
    open_since(FIRST_WAIT)
    assert not mass.held_back()
    assert is_open()
    jobs.heed(Accepted())
    assert not is_open()


def test_a_try_without_a_batch_is_given_back_at_once(database: Flask) -> None:
    jobs.use(Scripted())
    open_since(FIRST_WAIT)
    assert not mass.held_back()
    assert mass.held_back(), "one is trying"
    jobs._own.leave = Pass(_probe())
    mass.not_used()
    assert not mass.held_back()


def _probe() -> str:
    with reading() as session:
        (row,) = queries.circuits(session)
        return row.probe or ""


def test_batches_without_an_answer_open_the_circuit_for_all(database: Flask) -> None:
    jobs.use(transport := Scripted())
    for _ in range(IN_A_ROW):
        mass.heed(OutcomeUnknown("the answer was lost"))
    queued()
    assert jobs.send() == 0
    assert transport.letters == []


def test_a_success_between_failures_is_counted(database: Flask) -> None:
    jobs.use(Scripted())
    for _ in range(IN_A_ROW):
        mass.heed(TryAgain(timedelta(0), "down", everyone=True))
        jobs.heed(Accepted())
    assert not is_open()


def test_a_refused_account_pauses_for_all(database: Flask) -> None:
    jobs.use(Scripted())
    mass.heed(AccountRefused("SendGrid said 401"))
    assert mass.held_back()
    queued()
    assert jobs.send() == 0
