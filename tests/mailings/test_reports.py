"""What is learned later of readers, in any order, repeated and forged; and readers who leave or are erased."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail import outbox
from app.mail.transports.sendgrid import SendGridTransport
from app.mailings import commands, jobs, rules
from app.mailings.commands import Report
from app.mailings.models import MailingReader, ReaderState
from app.mailings.rules import SEND
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests.builders import NOW
from tests.mail.builders import Scripted
from tests.mailings.builders import batches, planned, readers, seen
from tests.mailings.provider import TAKEN, Answer, Request, running
from tests.petitions.builders import together


def sent(number: int) -> int:
    """A mailing that was taken in whole."""
    with running() as provider:
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
        ident = planned(number)
        worker.run(SEND)
    return ident


def report(ident: int, *reports: tuple[int, ReaderState]) -> int:
    token = str(batches(ident)[0].attempt_token)
    with transaction() as session:
        return commands.reported_many(session, [Report(one, token, state) for one, state in reports], now=NOW)


def test_a_reader_only_moves_forward_whatever_the_order_of_reports() -> None:
    for before in rules.APART:
        for after in rules.APART:
            assert rules.moves_on(before, after) == (rules.APART.index(after) > rules.APART.index(before))
    assert all(rules.moves_on(None, one) for one in rules.APART)
    assert rules.moves_on(ReaderState.DELIVERED, ReaderState.BOUNCED), "a server may send it back later"


def test_reports_in_any_order_and_repeated_end_the_same_and_are_counted_once(database: Flask) -> None:
    ident = sent(8)
    what = [(1, ReaderState.DELIVERED), (1, ReaderState.COMPLAINED), (2, ReaderState.BOUNCED)]
    what += [(2, ReaderState.DELIVERED), (3, ReaderState.DELIVERED), (4, ReaderState.DROPPED)]
    for one in random.Random(7).sample(what * 3, len(what) * 3):
        report(ident, one)
    counts = seen(ident)
    assert (counts.complained, counts.bounced, counts.delivered, counts.dropped, counts.accepted) == (1, 1, 1, 1, 4)
    assert counts.planned == 8


def test_two_who_take_the_same_reports_at_once_count_them_once(database: Flask) -> None:
    ident = sent(10)
    reports = [(one, ReaderState.DELIVERED) for one in range(1, 11)]
    moved: list[int] = []
    together(*(lambda: moved.append(report(ident, *reports)) for _ in range(4)))
    assert sum(moved) == 10
    assert (seen(ident).delivered, seen(ident).accepted) == (10, 0)


def test_a_report_of_somebody_elses_attempt_is_not_heeded(database: Flask) -> None:
    ident = sent(3)
    with transaction() as session:
        assert not commands.reported(session, 2, "somebody else's", ReaderState.BOUNCED, now=NOW)
        assert not commands.reported(session, 999, "", ReaderState.BOUNCED, now=NOW)
    assert seen(ident).bounced == 0


def test_a_report_that_comes_before_the_provider_s_answer_is_kept(database: Flask) -> None:
    with running() as provider:
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
        ident = planned(4)

        def answer(request: Request) -> Answer:
            token = request["personalizations"][0]["custom_args"]["undersigned_attempt"]
            with transaction() as session:
                assert commands.reported(session, 3, token, ReaderState.DELIVERED, now=NOW)
            return TAKEN

        provider.answer = answer
        worker.run(SEND)
    assert (seen(ident).delivered, seen(ident).accepted) == (1, 3)


def test_who_leaves_by_the_link_in_a_letter_is_counted_for_that_letter_once(database: Flask) -> None:
    ident = sent(3)
    for _ in range(2):
        with transaction() as session:
            commands.left(session, ident, 2, now=NOW)
            commands.left(session, ident, 999, now=NOW)
            commands.left(session, 0, 2, now=NOW)
    assert seen(ident).left == 1
    assert seen(ident).accepted == 3


def test_who_leaves_while_the_request_is_written_is_not_in_it(database: Flask) -> None:
    ident = planned(5)
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=utc_now())
        assert taken is not None
    with transaction() as session:
        outbox.suppress(session, "Reader3@people.example", stream="updates:1", reason="left", now=NOW)
        outbox.suppress(session, "reader4@people.example", stream="updates:999", reason="left", now=NOW)
    with transaction() as session:
        allowed = commands.hand_over(session, taken, until=utc_now(), now=utc_now())
    assert allowed == {1, 2, 4, 5}
    assert (seen(ident).suppressed, seen(ident).submitting) == (1, 4)


def test_somebody_erased_is_in_no_mailing_any_more_and_gets_nothing(database: Flask) -> None:
    hands = Scripted()
    post_office.use(hands)
    ident = planned(4)
    with transaction() as session:
        supporters.forget(session, session.get_one(Supporter, 2), now=NOW)
    worker.run(SEND)
    assert len(hands.letters) == 3
    with reading() as session:
        row = session.scalars(sa.select(MailingReader).where(MailingReader.reader_key == 2)).one()
        assert (row.address, row.canonical, row.name) == ("erased@invalid", "erased@invalid", "")
        assert row.state is ReaderState.SUPPRESSED
    assert (seen(ident).accepted, seen(ident).suppressed) == (3, 1)


def test_many_threads_hand_a_mailing_over_once(database: Flask) -> None:
    with running() as provider:
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
        ident = planned(60, size=5)
        threads = [threading.Thread(target=jobs._send) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        worker.run(SEND)
        assert len(provider.written) == 60
        assert set(provider.written.values()) == {1}
    assert seen(ident).accepted == 60
    assert all(one.state is None for one in readers(ident))
