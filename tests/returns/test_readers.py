"""Reports about a mailing's readers: they move on, their batch is proven, and the policy holds for them alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.models import EmailState
from app.mail.transports import Accepted, NotAccepted, OutcomeUnknown, TryAgain
from app.mailings import commands as mailings
from app.mailings.commands import Taken
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState
from app.returns.models import MailEvent, Withdrawal
from tests.mail.builders import changed, email
from tests.returns.builders import bounce, count, hear, left, mailed, progress, read_row, reader_states, stopped
from tests.returns.test_hearing import heard, nameless
from tests.returns.test_races import together

MINA, EWA, TANE = "mina@example.org", "ewa@example.org", "tane@example.org"


def batch_state() -> BatchState:
    with reading() as session:
        return session.scalars(sa.select(MailingBatch.state)).one()


def test_every_report_moves_its_reader_and_the_counters_with_it(database: Flask) -> None:
    idents, mailing = mailed([f"reader{number}@example.org" for number in range(6)])
    events = ["processed", "delivered", "bounce", "dropped", "spamreport", "unsubscribe"]

    hear(*heard(*(read_row(event, ident) for event, ident in zip(events, idents, strict=True))))

    R = ReaderState  # noqa: N806
    assert reader_states() == [None, R.DELIVERED, R.BOUNCED, R.DROPPED, R.COMPLAINED, R.DELIVERED]
    known = progress(mailing)
    assert (known.accepted, known.delivered, known.bounced, known.dropped, known.complained) == (1, 2, 1, 1, 1)
    assert known.left == 1


@pytest.mark.parametrize("event", ["processed", "deferred", "delivered", "bounce", "dropped"])
def test_one_report_proves_a_whole_unknown_batch(database: Flask, event: str) -> None:
    idents, mailing = mailed([MINA, EWA, TANE], state=BatchState.UNKNOWN)
    hear(*heard(read_row(event, idents[0])))
    assert batch_state() is BatchState.ACCEPTED
    assert progress(mailing).unknown == 0


def on_its_way() -> tuple[list[int], Taken]:
    """A batch that a worker is handing over; its readers and the worker's claim."""
    idents, mailing = mailed([MINA, EWA], state=BatchState.SUBMITTING)
    with transaction() as session:
        row = session.scalars(sa.select(MailingBatch)).one()
        row.lease_token, row.leased_until = "b1", utc_now() + timedelta(minutes=1)
        return idents, Taken(row.id, mailing, row.number, row.variant, "b1")


@pytest.mark.parametrize("answer", [OutcomeUnknown("lost"), TryAgain(timedelta(0), "later"), Accepted("abc")])
def test_a_report_before_the_answer_proves_the_batch_whatever_the_answer_says(
    database: Flask, answer: Accepted | NotAccepted
) -> None:
    idents, taken = on_its_way()
    hear(*heard(read_row("processed", idents[0])))
    with transaction() as session:
        assert mailings.settle(session, taken, answer, now=utc_now()) is BatchState.ACCEPTED
    assert batch_state() is BatchState.ACCEPTED


def test_a_report_proves_the_batch_of_a_worker_that_died_before_the_answer(database: Flask) -> None:
    idents, _ = on_its_way()
    hear(*heard(read_row("processed", idents[0])))
    with transaction() as session:
        assert mailings.give_up_the_lost(session, now=utc_now() + timedelta(hours=1)) == 0
    assert batch_state() is BatchState.ACCEPTED


def test_where_readers_go_one_by_one_a_report_speaks_of_its_own_reader_only(database: Flask) -> None:
    idents, _ = on_its_way()
    with transaction() as session:
        session.get_one(MailingReader, idents[1]).submitting = True
    hear(*heard(read_row("delivered", idents[0])))
    assert batch_state() is BatchState.SUBMITTING
    assert reader_states() == [ReaderState.DELIVERED, None]


@pytest.mark.parametrize("attempt", ["", "another", "B1"])
def test_a_report_of_another_installation_proves_nothing(database: Flask, attempt: str) -> None:
    idents, _ = mailed([MINA], state=BatchState.UNKNOWN)
    assert hear(*heard(read_row("bounce", idents[0], attempt), read_row("bounce", 10**12))) == 0
    assert batch_state() is BatchState.UNKNOWN
    assert stopped() == set()
    assert count() == 0


def test_a_readers_number_is_not_a_letters_number(database: Flask) -> None:
    letter, token = left(attempt="b1")
    idents, _ = mailed([EWA])
    assert idents == [letter]
    both = read_row("bounce", idents[0]) | {"undersigned_email": str(letter)}
    assert heard(both) == []

    hear(*heard(read_row("bounce", idents[0], token)))

    assert email(letter).state is EmailState.ACCEPTED
    assert reader_states() == [ReaderState.BOUNCED]


def test_the_policy_holds_for_readers(database: Flask) -> None:
    idents, _ = mailed([MINA, EWA, TANE])
    hear(
        *heard(
            read_row("bounce", idents[0]),
            read_row("bounce", idents[1], type="blocked"),
            read_row("spamreport", idents[2]),
        )
    )
    assert stopped(MINA) == {("", "bounce")}
    assert stopped(EWA) == set()
    assert stopped(TANE) == {("updates:7", "complaint")}
    with reading() as session:
        assert session.scalars(sa.select(Withdrawal.stream)).all() == ["updates:7"]


def test_letters_and_mailings_to_one_mailbox_are_counted_together(database: Flask) -> None:
    full = {"bounce_classification": "Mailbox Unavailable", "status": "5.2.2"}
    letter, token = left()
    rows = [bounce(letter, token, **full)]
    for number in range(2):
        idents, _ = mailed([MINA], attempt=f"b{number}")
        rows.append(read_row("bounce", idents[0], f"b{number}", **full))
    hear(*heard(*rows[:2]))
    assert stopped() == set()
    hear(*heard(rows[2]))
    assert stopped() == {("", "bounce")}


@pytest.mark.parametrize("letter_is_newer", [True, False])
def test_a_late_bounce_belongs_to_whichever_left_last(database: Flask, letter_is_newer: bool) -> None:  # noqa: FBT001
    letter, _ = left(state=EmailState.DELIVERED)
    mailed([MINA])
    changed(letter, accepted_at=utc_now() + timedelta(seconds=5 if letter_is_newer else -5))

    hear(*heard(nameless()))

    assert (email(letter).state is EmailState.BOUNCED) is letter_is_newer
    assert (reader_states() == [ReaderState.BOUNCED]) is not letter_is_newer


def test_workers_with_the_same_reports_in_other_orders_count_each_reader_once(database: Flask) -> None:
    idents, mailing = mailed([f"reader{number}@example.org" for number in range(60)], state=BatchState.UNKNOWN)
    rows = [read_row(event, ident) for ident in idents for event in ("processed", "delivered")]
    rows += [read_row("bounce", ident) for ident in idents[::3]]

    def work(seed: int) -> None:
        mine = list(rows)
        random.Random(seed).shuffle(mine)
        for start in range(0, len(mine), 30):
            hear(*heard(*mine[start : start + 30]))

    together(*(lambda seed=seed: work(seed) for seed in range(4)))

    known = progress(mailing)
    assert (known.planned, known.delivered, known.bounced, known.unknown) == (60, 40, 20, 0)
    assert count(MailEvent) == len(rows)


def test_a_reader_is_erased_with_everything_that_was_reported(database: Flask) -> None:
    idents, _ = mailed([MINA])
    hear(*heard(read_row("bounce", idents[0])))
    with transaction() as session:
        session.execute(sa.delete(MailingReader))
    assert count(MailEvent) == 0


def test_reports_about_the_same_readers_in_other_orders_never_block_each_other(database: Flask) -> None:
    mailings_of = [mailed([f"reader{number}@example.org" for number in range(20)], attempt=f"b{n}") for n in range(4)]
    sent = [(ident, f"b{place}") for place, (idents, _) in enumerate(mailings_of) for ident in idents]

    def some(seed: int) -> Callable[[], None]:
        rows = [read_row(event, ident, token) for event in ("deferred", "delivered") for ident, token in sent]
        random.Random(seed).shuffle(rows)

        def work() -> None:
            for start in range(0, len(rows), 40):
                hear(*heard(*rows[start : start + 40]))

        return work

    together(*(some(seed) for seed in range(4)))

    assert set(reader_states()) == {ReaderState.DELIVERED}
    assert [progress(mailing).delivered for _, mailing in mailings_of] == [20] * 4


def test_no_report_is_lost_while_others_count_in_the_same_batch(database: Flask) -> None:
    idents, mailing = mailed([f"reader{number}@example.org" for number in range(160)])

    def some(mine: list[int]) -> Callable[[], None]:
        def work() -> None:
            for start in range(0, len(mine), 4):
                hear(*heard(*(read_row("delivered", ident) for ident in mine[start : start + 4])))

        return work

    together(*(some(idents[first::4]) for first in range(4)))

    assert set(reader_states()) == {ReaderState.DELIVERED}
    assert progress(mailing).delivered == 160
