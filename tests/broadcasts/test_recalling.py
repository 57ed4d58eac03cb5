"""Stopping calls back what the provider still holds, against a stand-in that checks requests and misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.broadcasts import commands, jobs, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mailings import jobs as mailings
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingState
from app.mailings.queries import Progress
from app.mailings.rules import CALLED_BACK_BEFORE
from config.settings import Settings, SettingsError
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.broadcasts.provider import Provider, provider

READERS = 6


@pytest.fixture
def other_end(database: Flask) -> Iterator[Provider]:
    with provider() as made:
        yield made


def sending(number: int = READERS) -> tuple[Stage, int]:
    with transaction() as session:
        there = stage(session)
        for one in range(number):
            supporter(session, one, yes=(there.lead,))
        update = ready(session, there)
        return there, commands.send(session, update, by=there.robin, now=utc_now()).id


def send_batches(number: int) -> None:
    """Plan everybody, and hand so many batches over."""
    while jobs.plan():
        pass
    assert [mailings.send() for _ in range(number)] == [1] * number


def stop(there: Stage, ident: int) -> None:
    with transaction() as session:
        commands.stop(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())


def known(ident: int) -> tuple[Progress, Mailing]:
    with reading() as session:
        return queries.progress(session, session.get_one(Broadcast, ident)), session.scalars(sa.select(Mailing)).one()


def call_again() -> None:
    with transaction() as session:
        session.execute(sa.update(Mailing).where(Mailing.recall_due.is_not(None)).values(recall_due=utc_now()))
    mailings.call_back()


def test_every_batch_waits_at_the_provider_under_one_name(other_end: Provider) -> None:
    other_end.transport(recall_minutes=12)
    began = utc_now()
    sending()
    send_batches(3)
    assert other_end.problems == []
    assert other_end.asked["POST /v3/mail/batch"] == 1
    assert {one["batch_id"] for one in other_end.sends} == {"BATCH1"}
    for one in other_end.sends:
        assert (
            timedelta(minutes=12) - timedelta(seconds=1)
            <= timedelta(seconds=one["send_at"] - began.timestamp())
            <= timedelta(minutes=13)
        )


def test_stopping_calls_back_what_is_held_and_counts_it_so(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending()
    send_batches(2)
    stop(there, ident)
    mailings.call_back()
    counts, mailing = known(ident)
    assert other_end.canceled == ["BATCH1"]
    assert other_end.problems == []
    assert (counts.recalled, counts.handed_over, counts.stopped) == (4, 0, 2)
    assert mailing.recalled_at is not None
    assert mailing.recall_due is None
    assert mailings.call_back() == 0


def test_what_leaves_within_ten_minutes_is_too_late(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending()
    send_batches(2)
    with transaction() as session:
        first = session.scalars(
            sa.select(MailingBatch).where(MailingBatch.state == BatchState.ACCEPTED).order_by(MailingBatch.id)
        ).first()
        assert first is not None
        first.leaves_at = utc_now() + CALLED_BACK_BEFORE - timedelta(seconds=1)
    stop(there, ident)
    mailings.call_back()
    counts, _ = known(ident)
    assert (counts.recalled, counts.handed_over) == (2, 2)


@pytest.mark.parametrize("trouble", [[500], [429, 503], ["lost"], ["lost", 500], [403]])
def test_calling_back_is_tried_again_until_it_is_certain(other_end: Provider, trouble: list[int | str]) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending()
    send_batches(1)
    stop(there, ident)
    other_end.answers["POST /v3/user/scheduled_sends"] = list(trouble)
    mailings.call_back()
    counts, mailing = known(ident)
    assert (counts.recalled, counts.handed_over) == (0, 2)
    assert mailing.recall_error
    assert mailing.recall_due is not None
    for _ in trouble:
        call_again()
    counts, mailing = known(ident)
    assert other_end.canceled == ["BATCH1"]
    assert (counts.recalled, counts.handed_over) == (2, 0)
    assert mailing.recall_error == ""


def test_calling_back_is_given_up_once_it_is_too_late(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending()
    send_batches(1)
    stop(there, ident)
    with transaction() as session:
        session.execute(sa.update(MailingBatch).values(leaves_at=utc_now()))
    other_end.answers["POST /v3/user/scheduled_sends"] = [500]
    mailings.call_back()
    counts, mailing = known(ident)
    assert mailing.recall_due is None
    assert mailing.recall_error.startswith("Too late")
    assert (counts.recalled, counts.handed_over) == (0, 2)


def test_a_batch_that_is_answered_after_the_stop_is_called_back_too(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending()
    stopped: list[int] = []

    def stop_and_call_back() -> None:
        if other_end.sends and not stopped:
            stopped.append(1)
            stop(there, ident)
            mailings.call_back()

    other_end.before_answer = stop_and_call_back
    send_batches(1)
    assert other_end.canceled == ["BATCH1"]
    assert mailings.call_back() == 1
    counts, _ = known(ident)
    assert (counts.recalled, counts.handed_over, counts.stopped) == (2, 0, 4)


def test_an_update_is_not_called_sent_while_it_can_be_called_back(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    there, ident = sending(2)
    send_batches(1)
    jobs.finish()
    with reading() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENDING
    with transaction() as session:
        session.execute(sa.update(MailingBatch).values(leaves_at=utc_now() + timedelta(minutes=9)))
    jobs.finish()
    with reading() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENT
    assert there.robin.signed_in


def test_nothing_leaves_without_the_name_it_could_be_called_back_by(other_end: Provider) -> None:
    other_end.transport(recall_minutes=30)
    _, ident = sending()
    other_end.answers["POST /v3/mail/batch"] = [503, 403]
    jobs.plan()
    mailings.send()
    counts, mailing = known(ident)
    assert (counts.waiting, mailing.state) == (READERS, MailingState.GOING)
    assert mailing.next_at > utc_now()
    with transaction() as session:
        session.execute(sa.update(Mailing).values(next_at=utc_now()))
    mailings.send()
    counts, mailing = known(ident)
    assert (counts.waiting, mailing.state) == (READERS, MailingState.HELD)
    assert "lacks the right" in mailing.reason
    assert other_end.sends == []


def test_without_the_setting_nothing_is_held_or_called_back(other_end: Provider) -> None:
    other_end.transport()
    there, ident = sending()
    send_batches(1)
    stop(there, ident)
    mailings.call_back()
    assert "batch_id" not in other_end.sends[0]
    assert "send_at" not in other_end.sends[0]
    assert other_end.canceled == []
    assert known(ident)[0].handed_over == 2


@pytest.mark.parametrize("minutes", ["1", "11", "-1", "2000"])
def test_a_delay_in_which_nothing_can_be_called_back_is_refused(minutes: str) -> None:
    with pytest.raises(SettingsError, match="SENDGRID_RECALL_MINUTES"):
        Settings.from_env({"SENDGRID_RECALL_MINUTES": minutes})
