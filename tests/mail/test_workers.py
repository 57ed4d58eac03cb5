"""Who does the work, as far as is known: a worker that runs, one that said farewell, one that is only silent."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.core.clock import spoken, utc_now
from app.jobs import leases, worker
from app.mail.commands import Unstuck
from app.mail.models import EmailState
from app.mail.rules import lasting
from tests.builders import NOW
from tests.mail.builders import email, queued
from tests.mail.test_standing import freed, handing_over, now_true, seen, text


def test_a_worker_counts_as_running_for_three_minutes_after_it_was_seen(operator: FlaskClient) -> None:
    seen("host:1", ago=timedelta(minutes=4))
    assert now_true().workers == []
    worker.beat(utc_now())
    assert now_true().workers == [leases.holder()]
    assert "with 1 worker seen in the last three minutes" in text(operator)


def test_a_worker_that_stopped_is_not_waited_for(operator: FlaskClient, client: FlaskClient) -> None:
    worker.beat(utc_now())
    queued()
    assert now_true().stuck == [f"A letter that is due has waited {lasting(utc_now() - NOW)}."]
    worker.farewell(stopped := utc_now())

    assert now_true().workers == []
    assert f"No worker runs: the last one was stopped {spoken(stopped)}. Letters wait." in now_true().stuck
    assert f"<b>No worker runs: the last one was stopped {spoken(stopped)}.</b>" in text(operator)
    check = client.get("/readyz").get_json()["checks"]["worker"]
    assert check["good"], "a worker that is being started anew needs no alarm"
    assert check["detail"].startswith("stopped ")

    worker.beat(utc_now())
    assert now_true().workers == [leases.holder()], "the next process of that number works"


def test_work_done_until_there_is_none_leaves_no_worker_behind(database: Flask) -> None:
    worker.until_idle()
    assert now_true().workers == []
    assert now_true().worker_stopped is not None


def test_a_worker_that_is_not_heard_of_is_named_before_it_is_taken_for_dead(app: Flask, operator: FlaskClient) -> None:
    seen("killed:1", ago=timedelta(minutes=2, seconds=5))
    seen("well:1", ago=timedelta(seconds=20))
    assert [one.name for one in now_true().silent] == ["killed:1"]
    assert "with 2 workers seen in the last three minutes. Of killed:1 nothing was heard for 2 minutes" in text(
        operator
    )
    told = app.test_cli_runner().invoke(args=["mail", "status"]).output
    assert "killed:1 was last heard of 2 minutes ago; it may have been killed" in told


def test_letters_in_the_hands_of_a_worker_that_stopped_are_stuck_at_once(database: Flask) -> None:
    worker.beat(utc_now())
    ident = handing_over("left behind", until=timedelta(minutes=10), by=leases.holder())
    assert freed() == Unstuck(0, 0, 0)
    worker.farewell(utc_now())
    assert freed() == Unstuck(1, 0, 0)
    assert email(ident).state is EmailState.QUEUED
