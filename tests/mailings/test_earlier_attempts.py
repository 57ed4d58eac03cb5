"""A report of an attempt that another came after: known to be ours, believed for what it proves, and never too far."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import transaction
from app.mail.mass import Accepted, NotAccepted, OutcomeUnknown, TryAgain
from app.mailings import commands
from app.mailings.commands import Report, Taken
from app.mailings.models import BatchState, ReaderState
from tests.mailings.builders import batches, changed, planned, readers, seen

LEASE = timedelta(minutes=5)
LOST = OutcomeUnknown("The answer was lost.")
LATER = TryAgain(timedelta(seconds=1), "SendGrid said 503.")


def handed_over(*, most: int | None = None) -> Taken:
    """The next batch, handed over whole."""
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=LEASE, most=most, now=now)
        assert taken is not None
    with transaction() as session:
        assert commands.hand_over(session, taken, until=now + LEASE, now=now)
    return taken


def tried(ident: int, outcome: Accepted | NotAccepted, *, most: int | None = None) -> str:
    """One attempt with an outcome, after which the next may begin; its token."""
    changed(ident, try_after=utc_now())
    taken = handed_over(most=most)
    with transaction() as session:
        commands.settle(session, taken, outcome, now=utc_now())
    changed(ident, try_after=utc_now())
    return taken.token


def told(reader: int, token: str, state: ReaderState = ReaderState.ACCEPTED) -> int:
    """A report comes in; how many readers it moved."""
    with transaction() as session:
        return commands.reported_many(session, [Report(reader, token, state)], now=utc_now())


def nothing_leaves() -> bool:
    """Whether no batch is due."""
    with transaction() as session:
        return commands.claim(session, lease=LEASE, now=utc_now() + timedelta(hours=2)) is None


def test_a_batch_that_was_taken_although_the_answer_said_try_again_is_not_sent_again(database: Flask) -> None:
    ident = planned(5)
    token = tried(ident, LATER)

    told(2, token)

    assert [one.state for one in batches(ident)] == [BatchState.ACCEPTED]
    assert nothing_leaves()
    assert seen(ident).accepted == 5


def test_a_worker_that_holds_such_a_batch_for_its_next_try_does_not_hand_it_over(database: Flask) -> None:
    ident = planned(5)
    token = tried(ident, LATER)
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=LEASE, now=now)
        assert taken is not None

    told(2, token)

    with transaction() as session:
        assert commands.hand_over(session, taken, until=now + LEASE, now=now) is None


def test_a_late_report_of_the_attempt_before_settles_the_batch_that_is_uncertain_now(database: Flask) -> None:
    ident = planned(5)
    first = tried(ident, LATER)
    tried(ident, LOST)
    assert batches(ident)[0].state is BatchState.UNKNOWN

    told(4, first, ReaderState.DELIVERED)

    assert batches(ident)[0].state is BatchState.ACCEPTED
    assert (seen(ident).delivered, seen(ident).accepted, seen(ident).unknown) == (1, 4, 0)


def test_who_is_proven_to_have_it_gets_it_no_second_time_after_a_person_decided_to_resend(database: Flask) -> None:
    ident = planned(5)
    first = tried(ident, LOST)
    with transaction() as session:
        assert commands.resend(session, ident, now=utc_now()) == 5

    told(3, first, ReaderState.DELIVERED)

    assert nothing_leaves()
    assert {one.state for one in batches(ident)} == {BatchState.ACCEPTED}
    assert (seen(ident).delivered, seen(ident).accepted, seen(ident).planned) == (1, 4, 5)


def test_a_report_of_the_first_of_two_lost_attempts_settles_the_second(database: Flask) -> None:
    ident = planned(5)
    first = tried(ident, LOST)
    with transaction() as session:
        commands.resend(session, ident, now=utc_now())
    tried(ident, LOST)
    assert seen(ident).unknown == 5

    told(3, first)

    assert (seen(ident).unknown, seen(ident).accepted) == (0, 5)


@pytest.mark.parametrize("wrong", [ReaderState.BOUNCED, ReaderState.DROPPED])
def test_what_went_wrong_with_an_earlier_letter_says_nothing_of_the_newer_one(
    database: Flask, wrong: ReaderState
) -> None:
    ident = planned(3)
    first = tried(ident, LOST)
    with transaction() as session:
        commands.resend(session, ident, now=utc_now())
    second = tried(ident, Accepted("id"))

    assert told(2, first, wrong) == 0
    assert readers(ident)[1].state is None
    with transaction() as session:
        both = [Report(2, first, wrong), Report(2, second, ReaderState.DELIVERED)]
        assert commands.reported_many(session, both, now=utc_now()) == 1
    assert readers(ident)[1].state is ReaderState.DELIVERED


def test_readers_who_were_put_into_a_batch_of_their_own_are_proven_too(database: Flask) -> None:
    ident = planned(5)
    first = tried(ident, LATER)
    tried(ident, LATER, most=1)
    assert sorted(one.size for one in batches(ident)) == [1, 4]

    told(5, first)

    assert {one.state for one in batches(ident)} == {BatchState.ACCEPTED}
    assert nothing_leaves()


def test_a_batch_that_a_stop_dropped_had_left_if_a_report_says_so(database: Flask) -> None:
    ident = planned(4)
    taken = handed_over()
    with transaction() as session:
        commands.stop(session, ident, now=utc_now())
    with transaction() as session:
        commands.settle(session, taken, LATER, now=utc_now())
    assert batches(ident)[0].state is BatchState.DROPPED

    told(1, taken.token)

    assert seen(ident).accepted == 4


def test_one_of_many_who_went_one_by_one_proves_nothing_of_the_others(database: Flask) -> None:
    ident = planned(4)
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=LEASE, now=now)
        assert taken is not None
        reader = commands.next_reader(session, taken, passed_over=set(), until=now + LEASE, now=now)
        assert reader is not None
        first = reader.id
    with transaction() as session:
        everyone = TryAgain(timedelta(seconds=1), "450", everyone=True)
        commands.settle_reader(session, taken, first, everyone, now=now)
    changed(ident, try_after=now)
    with transaction() as session:
        again = commands.claim(session, lease=LEASE, most=1, now=now)
        assert again is not None

    told(first, taken.token, ReaderState.DELIVERED)

    assert (seen(ident).delivered, seen(ident).waiting) == (1, 3)


def test_a_token_of_another_mailing_or_of_nobody_is_not_heeded(database: Flask) -> None:
    ident = planned(3)
    tried(ident, LATER)

    assert told(2, "somebody else's") == 0

    assert batches(ident)[0].state is BatchState.QUEUED
