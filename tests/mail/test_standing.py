"""What is true of the post office now, on the operator's page and at the command line, also when workers have died."""

from __future__ import annotations

import json
import re
import shutil
import threading
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import db
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.models import WorkerBeat
from app.mail import circuit, commands, jobs, queries
from app.mail.commands import Unstuck
from app.mail.message import Priority
from app.mail.models import EmailState
from app.mail.rules import lasting
from app.mail.standing import Part, Standing, standing
from app.mail.standing import teller as tell_of
from app.mail.transports import Accepted, GiveUp
from tests.builders import NOW
from tests.mail.builders import Scripted, changed, email, held, queued
from tests.mail.test_sender import OPERATOR

A_MINUTE = timedelta(minutes=1)


def handing_over(once: str, *, until: timedelta, by: str = "host:1", repeatable: bool = True) -> int:
    """A letter that a worker is handing over; ``until`` is when its lease ends, from now."""
    ident = queued(once, repeatable=repeatable)
    now = utc_now()
    lease = {"lease_token": f"token of {once}", "leased_until": now + until, "held_by": by}
    changed(ident, state=EmailState.SUBMITTING, attempts=1, handed_over_at=now, **lease)
    return ident


def seen(name: str, *, ago: timedelta) -> None:
    with transaction() as session:
        session.add(WorkerBeat(name=name, started_at=NOW, seen_at=utc_now() - ago))


def now_true() -> Standing:
    with reading() as session:
        return standing(session, now=utc_now())


def freed() -> Unstuck:
    with transaction() as session:
        return commands.requeue_stuck(session, by=OPERATOR, now=utc_now())


def text(operator: FlaskClient, query: str = "") -> str:
    return " ".join(operator.get(f"/operator/mail{query}").text.split())


def test_an_empty_post_office_teaches_what_to_do_next(operator: FlaskClient) -> None:
    shown = text(operator)
    assert "No letter needs a person" in shown
    assert "mail trial you@example.org" in shown
    assert "No letter was taken by a mail server in the last day." in shown
    assert "<b>No worker was ever seen.</b> Letters wait until one is started" in shown


@pytest.mark.sqlite
def test_a_full_disk_is_said_and_no_worker_is_called_gone_for_it(
    app: Flask, operator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued("a")
    room = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room._replace(free=db.LEAST_ROOM))
    assert not now_true().full
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room._replace(free=4096))

    shown = text(operator)
    assert "The disk that the database is on is full" in shown
    assert "No worker" not in shown
    assert now_true().stuck[0] == queries.FULL
    assert not [said for said in now_true().stuck if "No worker" in said]
    ready = operator.get("/readyz").get_json()
    assert not ready["ready"]
    assert "is full" in ready["checks"]["database"]["detail"]
    assert ready["checks"]["mail"]["detail"] == queries.FULL
    status = app.test_cli_runner().invoke(args=["mail", "status"])
    assert status.exit_code == 1
    assert queries.FULL in status.output


def test_what_waits_is_told_by_priority(operator: FlaskClient) -> None:
    queued("a")
    queued("b", priority=Priority.TARGET)
    changed(queued("c", priority=Priority.TARGET), try_after=utc_now() + timedelta(hours=2))

    lanes = {lane.name: lane for lane in now_true().lanes}

    assert [lanes[name].due for name in ("Confirmations", "Receipts", "Letters to targets", "Updates")] == [1, 0, 1, 0]
    assert lanes["Confirmations"].oldest == NOW
    assert (lanes["Letters to targets"].later, lanes["Receipts"].next_try) == (1, None)
    assert re.search(r"Letters to targets</th><td class=\"num\">1</td>", text(operator))


def test_during_an_outage_the_page_says_who_stopped_what_and_that_nothing_is_lost(operator: FlaskClient) -> None:
    queued()
    with transaction() as session:
        commands.pause(session, "dev", "SendGrid said 401: bad key", now=NOW)
    shown = text(operator)
    assert re.search(r"held back since.*by Undersigned itself \(dev\)\. SendGrid said 401: bad key", shown)
    assert "1 due; the one that waits longest" in shown
    assert "Hold back all letters" not in shown


def test_in_an_outage_an_operator_may_try_now_or_hold_everything_back(operator: FlaskClient) -> None:
    queued()
    with transaction() as session:
        trouble = circuit.Trouble("SendGrid said 503", asked=timedelta(minutes=9))
        circuit.failed(session, "dev", circuit.Pass(), trouble, letters=[], now=utc_now())
    shown = text(operator)
    assert "SendGrid said 503" in shown
    assert ">Try now</button>" in shown
    assert 'action="/operator/mail/hold"' in shown
    assert "not even when the mail provider serves us again" in shown

    operator.post("/operator/mail/hold", data={"reason": "A wrong name in it"})
    shown = text(operator)
    assert "Nothing tries before an operator lets letters leave." in shown
    assert 'action="/operator/mail/hold"' not in shown
    operator.post("/operator/mail/resume")
    assert not now_true().hindrances


def test_trying_now_promises_nothing(operator: FlaskClient) -> None:
    with transaction() as session:
        trouble = circuit.Trouble("SendGrid said 503", asked=timedelta(minutes=9))
        circuit.failed(session, "dev", circuit.Pass(), trouble, letters=[], now=utc_now())
    operator.post("/operator/mail/resume")
    shown = text(operator)
    assert "If the mail provider still serves nobody, they wait again" in shown
    assert "Robin Vale had a mail provider tried at once that had served nobody." in shown


def test_after_kill_9_letters_in_dead_hands_are_shown_as_such(operator: FlaskClient) -> None:
    handing_over("a", until=-A_MINUTE)
    handing_over("b", until=-A_MINUTE, repeatable=False)
    handing_over("c", until=A_MINUTE)

    held = now_true().handing
    shown = text(operator)

    assert (held.now, held.lost_again, held.lost_unknown) == (1, 1, 1)
    assert "2 letters were being handed over when the worker stopped." in shown
    assert shown.count("Worker gone</span>") == 2
    assert text(operator, "?state=worker+gone").count("Worker gone</span>") == 2


def test_what_other_rooms_send_is_told_beside_the_letters(
    app: Flask, operator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.mail.standing._TELLERS", [])
    tell_of(lambda _session, _now: None)
    tell_of(lambda _session, _now: Part("Updates", ("2 batches are uncertain.",), "/operator/updates"))

    assert '2 batches are uncertain.</p> <p><a href="/operator/updates">See updates</a>' in text(operator)
    status = app.test_cli_runner().invoke
    assert "Updates: 2 batches are uncertain." in status(args=["mail", "status"]).output
    assert json.loads(status(args=["mail", "status", "--json"]).output)["parts"][0]["title"] == "Updates"


def test_letters_are_found_by_state_kind_and_recipient_page_by_page(operator: FlaskClient) -> None:
    for number in range(60):
        queued(f"n{number}", to=f"reader{number}@people.example")
    queued("mina", to="Mina+x@Example.org", template="petitions/mail/confirm")

    first = text(operator, "?state=queued")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = operator.get("/operator/mail" + older[1].replace("&amp;", "&")).text

    assert first.count('scope="row"><a href="/operator/mail/') == 50
    assert second.count('scope="row"><a href="/operator/mail/') == 11
    assert "mina" in text(operator, "?state=any&template=petitions/mail/confirm").casefold()
    assert text(operator, "?state=any&q=mina@example.org").count('scope="row"><a href="/operator/mail/') == 1
    assert text(operator, "?state=any&q=READER5").count('scope="row"><a href="/operator/mail/') == 11
    assert "No letter is like that" in text(operator, "?state=failed&q=mina@example.org")


@pytest.mark.parametrize("query", ["?state=nonsense", "?state=any&q=%25_", "?before=x", "?template=<b>", "?q='%22--"])
def test_an_odd_address_shows_a_page_all_the_same(operator: FlaskClient, query: str) -> None:
    queued()
    shown = operator.get(f"/operator/mail{query}")
    assert shown.status_code == 200
    assert "<b>" not in shown.text.replace("<b>Letters", "").replace("<b>No worker", "")


def test_the_last_day_is_drawn_with_its_numbers(operator: FlaskClient) -> None:
    now = utc_now()
    for number, waited in enumerate((0.4, 5, 5, 30, 300, 1800, 90_000)):
        start = now - timedelta(seconds=waited)
        changed(queued(f"w{number}"), state=EmailState.ACCEPTED, created_at=start, accepted_at=now)
    with reading() as session:
        waits = dict(queries.waits(session, now=now))
        hours = queries.accepted_per_hour(session, now=now)

    assert list(waits.values()) == [1, 2, 1, 1, 1, 1]
    assert [count for _, count in hours] == [0] * 23 + [7]
    shown = text(operator)
    assert "<svg" in shown
    assert re.search(r"Up to 10 seconds</th><td class=\"num\">2</td>", shown)


def test_a_clock_that_was_set_back_makes_no_wait_of_a_letter(database: Flask) -> None:
    now = utc_now()
    changed(queued(), state=EmailState.ACCEPTED, created_at=now + timedelta(hours=1), accepted_at=now)
    with reading() as session:
        assert dict(queries.waits(session, now=now))["Up to a second"] == 1


def test_every_failed_letter_is_tried_again_by_one_button(operator: FlaskClient) -> None:
    jobs.use(Scripted(lambda _letter: GiveUp("no")))
    idents = [queued(f"n{number}") for number in range(3)]
    jobs.send()
    operator.post("/operator/mail/retry-all")
    assert {email(ident).state for ident in idents} == {EmailState.QUEUED}
    assert "Robin Vale had every failed letter tried again, 3 in all." in text(operator)


def test_stuck_letters_go_again_or_become_unknown_and_the_rest_is_left_alone(operator: FlaskClient) -> None:
    seen("alive:1", ago=A_MINUTE)
    again = handing_over("again", until=-A_MINUTE, by="alive:1")
    unknown = handing_over("unknown", until=-A_MINUTE, by="alive:1", repeatable=False)
    dead = handing_over("dead", until=timedelta(hours=1), by="gone:1")
    live = handing_over("live", until=A_MINUTE, by="alive:1")
    taken, held = queued("taken"), queued("held")
    changed(taken, lease_token="x", leased_until=utc_now() + A_MINUTE, held_by="gone:1", attempts=1)
    changed(held, lease_token="y", leased_until=utc_now() + A_MINUTE, held_by="alive:1", attempts=1)

    assert "4 are stuck, in the hands of a worker that is gone." in text(operator)
    assert 'action="/operator/mail/requeue-stuck"' in text(operator)
    operator.post("/operator/mail/requeue-stuck")

    shown = text(operator)
    assert "2 back in the queue, 1 unknown because they may not repeat, 1 let go" in shown
    assert "Nothing is stuck: no letter is in the hands of a worker that is gone." in shown
    assert 'action="/operator/mail/requeue-stuck"' not in shown
    assert [email(one).state for one in (again, unknown, dead, live)] == [
        EmailState.QUEUED,
        EmailState.UNKNOWN,
        EmailState.QUEUED,
        EmailState.SUBMITTING,
    ]
    assert (email(taken).lease_token, email(taken).attempts, email(held).lease_token) == (None, 0, "y")
    assert email(unknown).lease_token == "token of unknown"
    assert freed() == Unstuck(0, 0, 0)


def test_a_worker_that_was_only_slow_still_settles_the_letter_that_was_called_unknown(database: Flask) -> None:
    ident = handing_over("slow", until=-A_MINUTE, repeatable=False)
    assert freed() == Unstuck(0, 1, 0)
    with transaction() as session:
        commands.settle(session, {held(ident, "token of slow"): Accepted("late")}, now=utc_now())
    assert (email(ident).state, email(ident).provider_id) == (EmailState.ACCEPTED, "late")


@pytest.mark.parametrize("attempt", range(3))
def test_freeing_and_settling_at_once_lose_no_letter(database: Flask, attempt: int) -> None:
    ident = handing_over("race", until=-A_MINUTE)
    start = threading.Barrier(3)
    done: list[Unstuck] = []

    def settle() -> None:
        start.wait()
        with transaction() as session:
            commands.settle(session, {held(ident, "token of race"): Accepted("in time")}, now=utc_now())

    def free() -> None:
        start.wait()
        done.append(freed())

    threads = [threading.Thread(target=one) for one in (settle, free, free)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    requeued = sum(one.again for one in done)
    assert (email(ident).state, requeued) in {(EmailState.ACCEPTED, 0), (EmailState.QUEUED, 1)}


def test_the_command_line_says_the_same_and_whether_letters_leave(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["mail", "status"]).exit_code == 0
    handing_over("a", until=-A_MINUTE, repeatable=False)
    queued("b")

    told = run(args=["mail", "status"])
    machine = json.loads(run(args=["mail", "status", "--json"]).output)

    assert told.exit_code == 1
    assert "Worker gone: 1 (0 go again, 1 become unknown)" in told.output
    assert "Stuck, in the hands of a worker that is gone: 1\n" in told.output
    assert "Letters do not leave: No worker was ever seen. Letters wait." in told.output
    assert machine["counts"]["queued"] == 1
    assert machine["lanes"][0]["due"] == 1
    assert machine["handing"] == {"now": 0, "lost_again": 0, "lost_unknown": 1}
    assert machine["stuck"]
    assert run(args=["mail", "requeue-stuck"]).output.startswith("0 back in the queue, 1 unknown")
    assert json.loads(run(args=["mail", "requeue-stuck", "--json"]).output) == {"again": 0, "unknown": 0, "freed": 0}
    assert run(args=["mail", "requeue-stuck"]).output == "No letter was stuck.\n"


def test_the_command_line_says_when_an_outage_is_tried_again_and_tries_now(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    with transaction() as session:
        trouble = circuit.Trouble("SendGrid said 503.", asked=timedelta(minutes=9))
        circuit.failed(session, "dev", circuit.Pass(), trouble, letters=[], now=utc_now())
    assert re.search(r"SendGrid said 503\. One letter tries again in \d minutes", run(args=["mail", "status"]).output)
    assert run(args=["mail", "resume"]).output.startswith("Letters are tried now.")
    assert not now_true().hindrances


def test_the_command_line_asks_for_what_it_needs(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["mail", "retry"]).exit_code == 2
    assert run(args=["mail", "retry", "1", "--all"]).exit_code == 2
    assert run(args=["mail", "resume"]).output == "Letters were not held back.\n"
    run(args=["mail", "pause", "--reason", "A typo"])
    status = run(args=["mail", "status"])
    assert status.exit_code == 1
    assert "by The operator at the command line (dev): A typo" in status.output


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (119, "1 minute"), (3700, "61 minutes")],
)
def test_waits_are_told_in_words(seconds: int, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words
