"""A way out that takes one letter at a time: each reader has an outcome, and a dead worker leaves one uncertain."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.mass import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain
from app.mailings import commands
from app.mailings.models import BatchState, MailingState, ReaderState
from app.mailings.rules import SEND
from tests.builders import NOW
from tests.mail.builders import Scripted
from tests.mailings.builders import batches, changed, mailing, planned, readers, seen

AGES_AGO = NOW - timedelta(days=1)


def recipient(letter: Letter) -> str:
    return str(letter.message["To"].addresses[0].addr_spec).casefold()


def way_out(**answers: NotAccepted) -> Scripted:
    """A transport that answers so for ``reader3=…`` and takes everything else."""

    def answer(letter: Letter) -> Accepted | NotAccepted:
        return answers.get(recipient(letter).partition("@")[0], Accepted("taken"))

    post_office.use(made := Scripted(answer))
    return made


def test_each_reader_has_an_outcome_of_their_own(database: Flask) -> None:
    hands = way_out(reader2=GiveUp("no such mailbox"), reader4=OutcomeUnknown("lost"))
    ident = planned(6)
    worker.run(SEND)
    known = {one.reader_key: one.state for one in readers(ident)}
    assert known == {
        1: ReaderState.ACCEPTED,
        2: ReaderState.FAILED,
        3: ReaderState.ACCEPTED,
        4: ReaderState.UNKNOWN,
        5: ReaderState.ACCEPTED,
        6: ReaderState.ACCEPTED,
    }
    counts = seen(ident)
    assert (counts.accepted, counts.failed, counts.unknown, counts.waiting) == (4, 1, 1, 0)
    assert len(hands.letters) == 6


def test_a_reader_whose_server_asks_for_time_is_tried_later_and_alone(database: Flask) -> None:
    way_out(reader3=TryAgain(timedelta(minutes=1), "greylisted"))
    ident = planned(5)
    worker.run(SEND)
    assert (seen(ident).accepted, seen(ident).waiting) == (4, 1)
    hands = way_out()
    changed(ident, try_after=AGES_AGO)
    worker.run(SEND)
    assert [recipient(one) for one in hands.letters] == ["reader3@people.example"]
    assert seen(ident).accepted == 5


def test_a_server_that_is_gone_costs_no_reader_and_no_attempt(database: Flask) -> None:
    hands = way_out(reader1=TryAgain(timedelta(minutes=1), "connection refused", everyone=True))
    ident = planned(5)
    worker.run(SEND)
    assert len(hands.letters) == 1
    assert seen(ident).waiting == 5
    hands = way_out()
    changed(ident, try_after=AGES_AGO)
    worker.run(SEND)
    assert len(hands.letters) == 5
    assert {one.attempts for one in batches(ident)} == {1}


def test_a_refused_account_stops_at_the_first_reader(database: Flask) -> None:
    hands = way_out(reader1=AccountRefused("wrong password"))
    ident = planned(5)
    worker.run(SEND)
    worker.run(SEND)
    assert len(hands.letters) == 1
    assert seen(ident).waiting == 5


def test_a_worker_that_dies_leaves_one_reader_uncertain_and_the_rest_goes(database: Flask) -> None:
    hands = way_out()
    ident = planned(5)
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=now)
        assert taken is not None
        first = commands.next_reader(session, taken, passed_over=(), until=now, now=now)
        assert first is not None
    changed(ident, leased_until=AGES_AGO)
    worker.run(SEND)
    assert {one.reader_key for one in readers(ident) if one.state is ReaderState.UNKNOWN} == {first.reader_key}
    assert len(hands.letters) == 4
    assert (seen(ident).accepted, seen(ident).unknown) == (4, 1)
    with transaction() as session:
        assert commands.resend(session, ident, now=utc_now()) == 1
    worker.run(SEND)
    assert recipient(hands.letters[-1]) == first.address.casefold()
    assert (seen(ident).accepted, seen(ident).unknown, seen(ident).planned) == (5, 0, 5)


@pytest.mark.parametrize("stop", [True, False])
def test_nobody_after_the_reader_on_their_way_gets_it_once_it_is_held(database: Flask, stop: bool) -> None:  # noqa: FBT001
    ident = planned(6)

    class Interrupted(Scripted):
        def submit(self, letter: Letter) -> Accepted:
            if len(self.letters) == 2:
                thread = threading.Thread(target=self.hold)
                thread.start()
                thread.join()
            return super().submit(letter)

        def hold(self) -> None:
            with transaction() as session:
                if stop:
                    commands.stop(session, ident, now=NOW)
                else:
                    commands.pause(session, ident)

    post_office.use(hands := Interrupted())
    worker.run(SEND)
    assert len(hands.letters) == 3
    assert mailing(ident).state is (MailingState.STOPPED if stop else MailingState.PAUSED)
    if stop:
        assert (seen(ident).accepted, seen(ident).stopped) == (3, 3)
        assert [one.state for one in batches(ident)] == [BatchState.DROPPED]
        return
    with transaction() as session:
        commands.resume(session, ident, now=utc_now())
    worker.run(SEND)
    assert len({recipient(one) for one in hands.letters}) == len(hands.letters) == 6
    assert seen(ident).accepted == 6


def test_sending_again_to_one_reader_loses_none_of_those_who_still_wait(database: Flask) -> None:
    hands = way_out()
    ident = planned(5)
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=now)
        assert taken is not None
        assert commands.next_reader(session, taken, passed_over=(), until=now, now=now)
    changed(ident, leased_until=AGES_AGO)
    with transaction() as session:
        commands.give_up_the_lost(session, now=utc_now())
        assert commands.resend(session, ident, now=utc_now()) == 1
    assert (seen(ident).waiting, seen(ident).accepted) == (5, 0)

    worker.run(SEND)

    assert len(hands.letters) == len({recipient(letter) for letter in hands.letters}) == 5
    assert (seen(ident).accepted, seen(ident).unknown) == (5, 0)
