"""What becomes of a queued letter."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask

from app.core import db
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict, NotFound
from app.mail import commands, jobs, outbox, queries
from app.mail.commands import MOST_ATTEMPTS, WAITS
from app.mail.message import Attachment, Priority
from app.mail.models import Email, EmailState
from app.mail.transports import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain
from tests.builders import NOW
from tests.mail.builders import Scripted, changed, email, queued

OPERATOR = Actor(label="Operator", account_id=1, operator=True)
LONG_AGO = NOW - timedelta(days=1)


def sent_with(outcome: Accepted | NotAccepted) -> Scripted:
    transport = Scripted(lambda _letter: outcome)
    jobs.use(transport)
    return transport


def test_a_letter_is_handed_over_once_and_its_words_are_kept(database: Flask) -> None:
    ident = queued()
    transport = sent_with(Accepted("abc"))

    assert jobs.send() == 1
    assert jobs.send() == 0

    row = email(ident)
    assert (row.state, row.provider_id, row.lease_token) == (EmailState.ACCEPTED, "abc", None)
    assert row.accepted_at is not None
    assert row.message_id == str(transport.letters[0].message["Message-ID"])
    assert row.subject == "A trial letter from Undersigned"
    assert row.text is not None
    assert "http://undersigned.example/campaigns/end-it" in row.text
    assert row.raw is None


def test_a_letter_that_keeps_its_bytes_keeps_those_that_left(database: Flask) -> None:
    ident = queued(keep_bytes=True, attachments=(Attachment("letter.pdf", "application/pdf", b"%PDF-1.7 \x00\xff"),))
    transport = sent_with(Accepted())

    jobs.send()

    assert email(ident).raw == transport.letters[0].raw
    assert b"letter.pdf" in transport.letters[0].raw


def test_no_transaction_is_open_and_the_attempt_is_written_down_while_a_letter_is_handed_over(database: Flask) -> None:
    ident = queued()
    seen: list[EmailState] = []

    def look(letter: Letter) -> Accepted:
        with transaction() as session:  # on SQLite this would wait for a writer that held the file
            seen.append(session.get_one(Email, ident).state)
        assert letter.attempt == email(ident).lease_token
        assert db.engine().pool.checkedout() == 0  # type: ignore[attr-defined]
        return Accepted()

    jobs.use(Scripted(look))
    jobs.send()

    assert seen == [EmailState.SUBMITTING]


def test_confirmations_leave_before_updates_that_were_queued_earlier(database: Flask) -> None:
    for number in range(30):
        queued(f"update:{number}", priority=Priority.UPDATE, repeatable=False)
    confirmation = queued("confirmation")
    transport = sent_with(Accepted())

    jobs.send()

    assert transport.letters[0].email_id == confirmation
    assert len(transport.letters) == jobs.LOT


def test_a_refusal_for_now_is_tried_again_later_and_later(database: Flask) -> None:
    ident = queued()
    sent_with(TryAgain(timedelta(0), "greylisted"))

    jobs.send()

    row = email(ident)
    assert (row.state, row.attempts, row.last_error) == (EmailState.QUEUED, 1, "greylisted")
    assert row.try_after > utc_now()
    assert timedelta(days=1.5) < sum(WAITS, timedelta(0)) < timedelta(days=2.5)
    assert len(WAITS) == MOST_ATTEMPTS - 1


def test_the_wait_a_provider_asks_for_is_kept(database: Flask) -> None:
    ident = queued()
    sent_with(TryAgain(timedelta(hours=3), "later"))

    jobs.send()

    assert email(ident).try_after > utc_now() + timedelta(hours=2, minutes=59)


def test_after_the_last_attempt_a_letter_has_failed(database: Flask) -> None:
    ident = queued()
    changed(ident, attempts=MOST_ATTEMPTS - 1)
    sent_with(TryAgain(timedelta(0), "mailbox busy"))

    jobs.send()

    assert (email(ident).state, email(ident).last_error) == (EmailState.FAILED, "mailbox busy")


def test_a_final_refusal_fails_with_its_reason(database: Flask) -> None:
    ident = queued()
    sent_with(GiveUp("no such mailbox"))

    jobs.send()

    assert (email(ident).state, email(ident).last_error) == (EmailState.FAILED, "no such mailbox")


@pytest.mark.parametrize(("repeatable", "state"), [(True, EmailState.QUEUED), (False, EmailState.UNKNOWN)])
def test_a_lost_answer_is_never_guessed(database: Flask, repeatable: bool, state: EmailState) -> None:  # noqa: FBT001
    ident = queued(repeatable=repeatable)
    transport = sent_with(OutcomeUnknown("the answer was lost"))

    jobs.send()
    jobs.send()

    assert email(ident).state is state
    assert len(transport.letters) == 1


@pytest.mark.parametrize(("repeatable", "times"), [(True, 1), (False, 0)])
def test_a_letter_whose_worker_died_is_sent_again_only_if_it_may_repeat(
    database: Flask,
    repeatable: bool,  # noqa: FBT001
    times: int,
) -> None:
    ident = queued(repeatable=repeatable)
    changed(ident, state=EmailState.SUBMITTING, lease_token="dead", leased_until=LONG_AGO, message_id="<1.a@x.example>")
    transport = sent_with(Accepted())

    assert jobs.send() == 1

    assert len(transport.letters) == times
    assert email(ident).state is (EmailState.ACCEPTED if repeatable else EmailState.UNKNOWN)
    if repeatable:
        assert transport.letters[0].message["Message-ID"] == "<1.a@x.example>"


def test_a_letter_in_the_hands_of_a_living_worker_is_left_alone(database: Flask) -> None:
    ident = queued()
    changed(ident, state=EmailState.SUBMITTING, lease_token="alive", leased_until=utc_now() + timedelta(minutes=1))
    transport = sent_with(Accepted())

    assert jobs.send() == 0
    assert transport.letters == []


def test_a_slow_answer_still_settles_a_letter_that_was_called_unknown(database: Flask) -> None:
    ident = queued(repeatable=False)

    def slow(_letter: Letter) -> Accepted:
        changed(ident, leased_until=LONG_AGO)
        with transaction() as session:
            assert commands.give_up_the_lost(session, lot=5, now=utc_now()) == 1
        assert email(ident).state is EmailState.UNKNOWN
        return Accepted("late")

    jobs.use(Scripted(slow))
    jobs.send()

    assert (email(ident).state, email(ident).provider_id) == (EmailState.ACCEPTED, "late")


def test_a_worker_that_lost_its_claim_changes_nothing(database: Flask) -> None:
    ident = queued()

    def overtaken(_letter: Letter) -> NotAccepted:
        changed(ident, lease_token="another", leased_until=utc_now() + timedelta(minutes=1))
        return GiveUp("too late to say")

    jobs.use(Scripted(overtaken))
    jobs.send()

    assert (email(ident).state, email(ident).lease_token) == (EmailState.SUBMITTING, "another")


def test_a_report_that_was_faster_than_the_answer_is_not_taken_back(database: Flask) -> None:
    ident = queued()

    def reported(_letter: Letter) -> Accepted:
        changed(ident, state=EmailState.DELIVERED)
        return Accepted("abc")

    jobs.use(Scripted(reported))
    jobs.send()

    assert (email(ident).state, email(ident).provider_id) == (EmailState.DELIVERED, "abc")


def test_suppression_is_asked_at_the_last_moment_and_by_stream(database: Flask) -> None:
    left = queued("a", stream="updates:7")
    other = queued("b", stream="updates:8")
    insists = queued("c", stream="updates:7", ignores_suppression=True)
    with transaction() as session:
        outbox.suppress(session, "MINA@example.org", stream="updates:7", reason="left", now=NOW)
    transport = sent_with(Accepted())

    jobs.send()

    assert email(left).state is EmailState.DROPPED
    assert {letter.email_id for letter in transport.letters} == {other, insists}


def test_a_refused_account_pauses_everything_until_an_operator_resumes(database: Flask) -> None:
    first, second = queued("a"), queued("b")
    transport = sent_with(AccountRefused("401"))

    jobs.send()
    jobs.send()

    assert len(transport.letters) == 1
    assert [(email(ident).state, email(ident).attempts) for ident in (first, second)] == [(EmailState.QUEUED, 0)] * 2
    with reading() as session:
        assert queries.paused(session, transport.name)

    jobs.use(transport := Scripted())
    with transaction() as session:
        commands.resume(session, by=OPERATOR, now=NOW)
    assert jobs.send() == 2
    assert len(transport.letters) == 2


def test_a_provider_that_asks_everyone_to_wait_is_not_asked_again_for_each_letter(database: Flask) -> None:
    first, second = queued("a"), queued("b")
    changed(first, attempts=MOST_ATTEMPTS)
    transport = sent_with(TryAgain(timedelta(minutes=5), "429", asked=True))
    changed(first, attempts=MOST_ATTEMPTS - 1)

    assert jobs.send() == 1
    assert jobs.send() == 0

    assert len(transport.letters) == 1
    assert email(first).state is EmailState.QUEUED
    assert (email(second).state, email(second).attempts) == (EmailState.QUEUED, 0)


def test_a_letter_that_cannot_be_written_fails_and_does_not_hold_up_the_others(database: Flask) -> None:
    broken = queued("a", context={"name": "Mina"})
    nameless = queued("b", template="nowhere/mail/nothing")
    good = queued("c")
    sent_with(Accepted())

    assert jobs.send() == 3

    assert email(broken).state is EmailState.FAILED
    assert "site_path" in (email(broken).last_error or "")
    assert email(nameless).state is EmailState.FAILED
    assert email(good).state is EmailState.ACCEPTED


def test_many_workers_at_once_never_hand_over_one_letter_twice(database: Flask) -> None:
    wanted = {queued(f"letter:{number}", repeatable=number % 2 == 0) for number in range(60)}
    transport = sent_with(Accepted())
    broken: list[BaseException] = []

    def work() -> None:
        try:
            while jobs.send():
                pass
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            broken.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert broken == []
    handed = [letter.email_id for letter in transport.letters]
    assert sorted(handed) == sorted(wanted)


def test_an_operator_tries_a_failed_letter_again_and_only_a_failed_one(database: Flask) -> None:
    ident = queued()
    sent_with(GiveUp("no"))
    jobs.send()

    with pytest.raises(NotFound), transaction() as session:
        commands.retry(session, ident, by=Actor(label="Somebody"), now=NOW)
    with transaction() as session:
        commands.retry(session, ident, by=OPERATOR, now=NOW)
    sent_with(Accepted())
    jobs.send()

    assert email(ident).state is EmailState.ACCEPTED
    with pytest.raises(Conflict), transaction() as session:
        commands.retry(session, ident, by=OPERATOR, now=NOW)


def test_the_longest_waiting_letter_is_known(database: Flask) -> None:
    with reading() as session:
        assert queries.oldest_waiting(session) is None
    queued()
    with reading() as session:
        assert queries.oldest_waiting(session) == NOW
