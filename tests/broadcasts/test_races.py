"""Sending, stopping and leaving at the same moment, with real threads and real transactions."""

from __future__ import annotations

import threading
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.broadcasts import commands, jobs, messages, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.audit import AuditEntry
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.transports import Accepted, AccountRefused, Letter, TryAgain
from app.mailings import jobs as mailings
from app.mailings.models import Mailing, MailingBatch, MailingReader, ReaderState
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.builders import NOW
from tests.petitions.builders import together

EVERYBODY = 24
AGES_AGO = NOW - timedelta(days=1)


class Hands:
    """A transport that keeps what it was given, after doing what the test wants at that moment."""

    name = "hands"
    patience = timedelta(seconds=30)

    def __init__(self) -> None:
        self.taken: list[int] = []

    def submit(self, letter: Letter) -> Accepted:
        self.taken.append(letter.email_id)
        return Accepted()


def approved(number: int) -> tuple[Stage, int]:
    """A committed update that is approved and has so many readers; who is there, and its id."""
    with transaction() as session:
        there = stage(session)
        for one in range(number):
            supporter(session, one, yes=(there.lead,))
        return there, ready(session, there).id


def press_send(there: Stage, ident: int) -> None:
    with transaction() as session:
        commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=NOW)


def test_pressing_send_many_times_while_workers_plan_writes_one_letter_to_each(database: Flask) -> None:
    there, ident = approved(EVERYBODY)

    def press_and_plan() -> None:
        press_send(there, ident)
        worker.run(commands.PLAN)

    together(*(press_and_plan for _ in range(4)))

    with reading() as session:
        members = session.scalars(sa.select(MailingReader.canonical)).all()
        assert len(members) == len(set(members)) == EVERYBODY
        assert len(session.scalars(sa.select(Mailing)).all()) == 1
        assert session.scalars(sa.select(Mailing.planned)).all() == [EVERYBODY]
        sent = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.act == "update.sent")
        assert session.scalar(sent) == 1


def test_leaving_while_letters_leave_gets_the_letter_before_or_never(database: Flask) -> None:
    there, ident = approved(EVERYBODY)
    press_send(there, ident)
    jobs.plan()
    hands = Hands()
    post_office.use(hands)
    with reading() as session:
        rows = session.execute(sa.select(MailingReader.reader_key, MailingReader.id)).all()
    waited: set[int] = set()

    def leave() -> None:
        for supporter_id, reader_id in reversed(rows):
            with transaction() as session:
                person = session.get_one(Supporter, supporter_id)
                supporters.leave(session, person, there.lead, source="unsubscribe page", now=NOW)
                reader = session.get_one(MailingReader, reader_id, with_for_update=True, populate_existing=True)
            if reader.state is None and not reader.submitting:
                waited.add(reader_id)

    together(leave, mailings.send, mailings.send)
    worker.until_idle()

    with reading() as session:
        states = {one.id: one.state for one in session.scalars(sa.select(MailingReader))}
    suppressed = {ident for ident, state in states.items() if state is ReaderState.SUPPRESSED}
    assert suppressed == waited
    assert set(hands.taken) == set(states) - waited
    assert len(hands.taken) == len(set(hands.taken))


def stopped_while_handing_over(database: Flask, answer: Exception) -> Hands:
    """One letter is at the provider when the update is stopped; the provider then answers so."""
    there, ident = approved(2)
    press_send(there, ident)
    jobs.plan()
    hands = Hands()

    class Slow(Hands):
        def submit(self, letter: Letter) -> Accepted:
            def stop() -> None:
                with transaction() as session:
                    commands.stop(session, session.get_one(Broadcast, ident), by=there.robin, now=NOW)

            thread = threading.Thread(target=stop)
            thread.start()
            thread.join()
            raise answer

    post_office.use(Slow())
    mailings.send()
    with transaction() as session:
        session.execute(sa.update(MailingBatch).values(try_after=AGES_AGO))
        session.execute(sa.text("DELETE FROM mail_pauses"))
    post_office.use(hands)
    worker.until_idle()
    with reading() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.STOPPED
        assert queries.progress(session, session.get_one(Broadcast, ident)).stopped == 2
    return hands


def test_a_letter_that_came_back_after_the_update_was_stopped_does_not_leave(database: Flask) -> None:
    assert stopped_while_handing_over(database, TryAgain(timedelta(0), "busy")).taken == []


def test_a_letter_refused_for_the_account_s_sake_does_not_leave_after_the_stop(database: Flask) -> None:
    assert stopped_while_handing_over(database, AccountRefused("wrong key")).taken == []


def test_stopping_while_workers_plan_leaves_no_letter_waiting(database: Flask) -> None:
    there, ident = approved(EVERYBODY)
    press_send(there, ident)
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        commands.keep_words(session, update, messages.form(update), now=NOW)

    def stop() -> None:
        with transaction() as session:
            commands.stop(session, session.get_one(Broadcast, ident), by=there.robin, now=NOW)

    def plan() -> None:
        for _ in range(6):
            with transaction() as session:
                commands.plan_lot(session, session.get_one(Broadcast, ident), lot=4, size=2, now=NOW)

    together(stop, plan, plan)

    with reading() as session:
        update = session.get_one(Broadcast, ident)
        counts = queries.progress(session, update)
        assert counts.waiting == 0
        assert counts.stopped == counts.planned
        assert counts.planned + (update.unplanned or 0) == EVERYBODY
