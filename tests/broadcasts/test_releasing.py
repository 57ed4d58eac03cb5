"""SendGrid remembers ten cancellations: each is released once all that it stopped is over, and never before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.broadcasts import commands as broadcasts
from app.core.clock import utc_now
from app.core.db import transaction
from app.mail.transports import TryAgain
from app.mailings import commands
from app.mailings import jobs as mailings
from app.mailings.models import BatchState, Mailing, MailingBatch
from app.mailings.rules import RELEASED_AFTER, RELEASED_EARLY
from tests.broadcasts.builders import Stage, ready
from tests.broadcasts.provider import MOST_CANCELED, Provider, provider
from tests.broadcasts.test_recalling import known, send_batches, sending, stop
from tests.mail.test_dripping import LOT

A_LITTLE = timedelta(seconds=5)
DELETE = "DELETE /v3/user/scheduled_sends/BATCH1"


@pytest.fixture
def other_end(database: Flask) -> Iterator[Provider]:
    with provider() as made:
        made.transport(recall_minutes=30)
        yield made
        assert made.problems == []


def stopped(there: Stage | None = None) -> int:
    """An update of which two batches were handed over, and that was stopped and called back; gives its id."""
    if there is None:
        there, ident = sending()
    else:
        with transaction() as session:
            ident = broadcasts.send(session, ready(session, there), by=there.robin, now=utc_now()).id
    send_batches(2)
    stop(there, ident)
    mailings.call_back()
    return ident


def stage_of_a_stopped_one() -> Stage:
    there, ident = sending()
    send_batches(2)
    stop(there, ident)
    mailings.call_back()
    return there


def ago(other_end: Provider, **values: datetime) -> None:
    """Let the hour of what was handed over be another, here and at the provider."""
    with transaction() as session:
        session.execute(sa.update(MailingBatch).where(MailingBatch.leaves_at.is_not(None)).values(values))
        reckoned = {"release_due": values["leaves_at"] + RELEASED_AFTER}
        session.execute(sa.update(Mailing).where(Mailing.release_due.is_not(None)).values(reckoned))
    for one in other_end.sends:
        one["send_at"] = int(values["leaves_at"].timestamp())


def due_now(ident: int) -> None:
    """Whatever was reckoned before: the job looks again."""
    assert ident
    with transaction() as session:
        session.execute(sa.update(Mailing).where(Mailing.release_due.is_not(None)).values(release_due=utc_now()))


def test_what_was_called_back_is_released_a_day_after_its_last_letter(other_end: Provider) -> None:
    ident = stopped()
    _, mailing = known(ident)
    assert mailing.release_due is not None
    assert mailing.release_due - utc_now() > timedelta(minutes=29) + RELEASED_AFTER
    assert mailings.release() == 0
    assert other_end.canceled == ["BATCH1"]

    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    due_now(ident)
    assert mailings.release() == 1
    assert other_end.canceled == []
    assert known(ident)[1].release_due is None
    assert mailings.release() == 0
    assert other_end.asked[DELETE] == 1


@pytest.mark.parametrize("state", list(BatchState))
def test_nothing_is_released_while_a_letter_may_still_be_held(other_end: Provider, state: BatchState) -> None:
    """Whatever is known of the batch, and whatever was reckoned when the mailing was called back."""
    ident = stopped()
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    late = utc_now() - RELEASED_AFTER + timedelta(minutes=1)
    with transaction() as session:
        one = session.scalars(sa.select(MailingBatch).where(MailingBatch.leaves_at.is_not(None))).first()
        assert one is not None
        one.leaves_at, one.state = late, state
    due_now(ident)
    assert mailings.release() == 0
    assert other_end.canceled == ["BATCH1"]
    assert known(ident)[1].release_due == late + RELEASED_AFTER


def test_nothing_is_released_while_a_batch_is_on_its_way(other_end: Provider) -> None:
    ident = stopped()
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE, submitted_at=utc_now())
    with transaction() as session:
        session.execute(sa.update(MailingBatch).values(state=BatchState.SUBMITTING))
    due_now(ident)
    assert mailings.release() == 0
    assert other_end.canceled == ["BATCH1"]


@pytest.mark.parametrize("trouble", [[500], [429], ["lost"], [403], [401], [400]])
def test_releasing_is_tried_again_until_it_is_certain(other_end: Provider, trouble: list[int | str]) -> None:
    ident = stopped()
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    due_now(ident)
    other_end.answers[DELETE] = list(trouble)
    assert mailings.release() == 1
    due = known(ident)[1].release_due
    assert due is not None
    assert due > utc_now() + timedelta(minutes=50)
    assert mailings.release() == 0
    due_now(ident)
    assert mailings.release() == 1
    assert known(ident)[1].release_due is None
    assert other_end.canceled == []


def test_a_worker_that_dies_after_the_answer_has_it_asked_again_without_harm(other_end: Provider) -> None:
    ident = stopped()
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    due_now(ident)
    with transaction() as session:
        assert commands.next_release(session, now=utc_now()) is not None
        assert commands.next_release(session, now=utc_now()) is None
    other_end.canceled.clear()  # it was told, and nobody wrote it down
    due_now(ident)
    assert mailings.release() == 1
    assert known(ident)[1].release_due is None


def test_two_workers_release_each_cancellation_once(other_end: Provider) -> None:
    there = stage_of_a_stopped_one()
    idents = [stopped(there) for _ in range(2)]
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    due_now(idents[0])
    start = threading.Barrier(3)
    done: list[int] = []

    def work() -> None:
        start.wait()
        while mailings.release():
            done.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 3
    assert other_end.canceled == []
    assert {number for path, number in other_end.asked.items() if path.startswith("DELETE")} == {1}


def test_an_eleventh_stop_finds_a_place_where_an_older_one_is_over(other_end: Provider) -> None:
    there = stage_of_a_stopped_one()
    ago(other_end, leaves_at=utc_now() - RELEASED_EARLY - A_LITTLE)
    other_end.canceled += [f"SOMEBODY{number}" for number in range(MOST_CANCELED - 1)]
    stopped(there)
    assert "BATCH1" not in other_end.canceled
    with transaction() as session:
        again = session.scalars(sa.select(Mailing).where(Mailing.recall_due.is_not(None))).one()
        assert again.recall_due is not None
        assert again.recall_due < utc_now() + timedelta(seconds=30)
        again.recall_due = utc_now()
    mailings.call_back()
    assert "BATCH2" in other_end.canceled
    with transaction() as session:
        assert session.scalars(sa.select(Mailing.recalled_at)).all().count(None) == 0


def test_an_eleventh_stop_takes_no_place_from_letters_that_are_held(other_end: Provider) -> None:
    there = stage_of_a_stopped_one()
    ago(other_end, leaves_at=utc_now() - RELEASED_EARLY + timedelta(minutes=1))
    other_end.canceled += [f"SOMEBODY{number}" for number in range(MOST_CANCELED - 1)]
    stopped(there)
    assert "BATCH1" in other_end.canceled
    assert "BATCH2" not in other_end.canceled
    assert DELETE not in other_end.asked


def test_a_cancellation_that_was_given_up_is_released_all_the_same(other_end: Provider) -> None:
    there, ident = sending()
    send_batches(1)
    stop(there, ident)
    ago(other_end, leaves_at=utc_now())
    other_end.answers["POST /v3/user/scheduled_sends"] = ["lost"]
    mailings.call_back()
    _, mailing = known(ident)
    assert mailing.recall_error.startswith("Too late")
    assert other_end.canceled == ["BATCH1"]
    ago(other_end, leaves_at=utc_now() - RELEASED_AFTER - A_LITTLE)
    due_now(ident)
    assert mailings.release() == 1
    assert other_end.canceled == []


def test_a_request_whose_hour_has_passed_is_not_handed_over(other_end: Provider) -> None:
    """A process that was away since it marked its batch would send what was called back and released meanwhile."""
    past = int((utc_now() - A_LITTLE).timestamp())
    lot = replace(LOT, send_at=past, recall_id="BATCH1")
    with pytest.raises(TryAgain, match="is over"):
        other_end.transport(recall_minutes=30).submit_many(lot)
    assert other_end.sends == []


def test_a_stop_that_is_refused_again_and_again_costs_one_place_and_not_all(other_end: Provider) -> None:
    there = stage_of_a_stopped_one()
    stopped(there)
    ago(other_end, leaves_at=utc_now() - RELEASED_EARLY - A_LITTLE)
    other_end.answers["POST /v3/user/scheduled_sends"] = [400, 400, 400]
    stopped(there)
    for _ in range(2):
        with transaction() as session:
            session.execute(sa.update(Mailing).where(Mailing.recall_due.is_not(None)).values(recall_due=utc_now()))
        mailings.call_back()
    assert len({"BATCH1", "BATCH2"} & set(other_end.canceled)) == 1
