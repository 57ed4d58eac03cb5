"""Reports worked off: which are ours, what each changes, and that none changes anything twice."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import jobs as mail_jobs
from app.mail.models import EmailState
from app.returns.commands.naming import WINDOW
from app.returns.models import EventTally, Withdrawal
from app.returns.rules.reading import Heard, read_post
from tests.mail.builders import Scripted, changed, email, queued
from tests.returns.builders import bounce, count, hear, left, row, stopped


def heard(*rows: dict[str, Any]) -> list[Heard]:
    return read_post(json.dumps(rows).encode(), now=utc_now()).heard


def tallies() -> dict[str, int]:
    with reading() as session:
        rows = session.execute(sa.select(EventTally.word, sa.func.sum(EventTally.number)).group_by(EventTally.word))
        return {word: int(number) for word, number in rows}


@pytest.mark.parametrize("before", [EmailState.SUBMITTING, EmailState.UNKNOWN])
@pytest.mark.parametrize("event", ["processed", "deferred", "delivered", "bounce", "dropped", "spamreport"])
def test_any_report_with_its_token_proves_that_an_uncertain_letter_was_accepted(
    database: Flask, before: EmailState, event: str
) -> None:
    ident, token = left(state=before, repeatable=False)

    hear(*heard(row(event, ident, token)))

    assert email(ident).state not in {before, EmailState.QUEUED}
    assert email(ident).accepted_at is not None


@pytest.mark.parametrize("token", ["", "another", "A1"])
def test_a_report_with_another_installations_marks_is_ignored(database: Flask, token: str) -> None:
    ident, _ = left(state=EmailState.UNKNOWN)

    assert hear(*heard(bounce(ident, token), bounce(ident + 1, "a1"))) == 0

    assert email(ident).state is EmailState.UNKNOWN
    assert stopped() == set()
    assert count() == 0
    assert tallies() == {"ignored": 2}


def test_a_letter_without_an_attempt_takes_no_report(database: Flask) -> None:
    ident = queued()
    assert hear(*heard(bounce(ident, ""), row("delivered", ident, "a1"))) == 0
    assert email(ident).state is EmailState.QUEUED


def test_a_report_is_worked_off_once_however_often_it_comes(database: Flask) -> None:
    ident, token = left()
    one = bounce(ident, token)

    assert hear(*heard(one, one)) == 1
    assert hear(*heard(one)) == 0

    assert count() == 1
    assert tallies() == {"no such mailbox": 1}


def test_reports_in_any_order_and_split_in_any_way_end_the_same(database: Flask) -> None:
    for number, order in enumerate(itertools.permutations(["processed", "delivered", "bounce"])):
        ident, token = left(f"letter:{number}", to=f"mina{number}@example.org")
        rows = [bounce(ident, token) if event == "bounce" else row(event, ident, token) for event in order]
        for one in rows if number % 2 else [rows[0]]:
            hear(*heard(one))
        hear(*heard(*rows))
        assert email(ident).state is EmailState.BOUNCED
        assert stopped(f"mina{number}@example.org") == {("", "bounce")}


def test_a_bounce_after_delivery_is_real_and_a_delivery_after_a_bounce_is_not(database: Flask) -> None:
    ident, token = left(state=EmailState.DELIVERED)
    hear(*heard(bounce(ident, token)))
    assert email(ident).state is EmailState.BOUNCED
    hear(*heard(row("delivered", ident, token)))
    assert email(ident).state is EmailState.BOUNCED
    assert "@" not in (email(ident).last_error or "")


def test_opens_and_clicks_leave_no_trace_but_a_count(database: Flask) -> None:
    ident, token = left()
    post = read_post(json.dumps([row("open", ident, token), row("click", ident, token)]).encode(), now=utc_now())
    assert (post.heard, post.ignored) == ([], 2)


def test_a_mailbox_that_does_not_exist_gets_no_letter_of_any_kind(database: Flask) -> None:
    ident, token = left(stream="updates:7")
    hear(*heard(bounce(ident, token)))
    assert stopped() == {("", "bounce")}
    later = queued("later", to="Mina+tag@EXAMPLE.org")
    signing_in = queued("sign in", ignores_suppression=True)
    mail_jobs.use(transport := Scripted())
    mail_jobs.send()
    assert email(later).state is EmailState.DROPPED
    assert [letter.email_id for letter in transport.letters] == [signing_in]


@pytest.mark.parametrize(
    "more",
    [
        {"type": "blocked"},
        {"bounce_classification": "Reputation"},
        {"bounce_classification": "Content"},
        {"bounce_classification": "Technical"},
        {"bounce_classification": "Frequency or Volume Too High"},
    ],
)
def test_what_is_not_the_readers_fault_stops_nothing(database: Flask, more: dict[str, str]) -> None:
    for number in range(5):
        ident, token = left(f"letter:{number}")
        hear(*heard(bounce(ident, token, **more)))
        assert email(ident).state is EmailState.BOUNCED
    assert stopped() == set()
    assert tallies() == {"refused for its sender": 5}


def unavailable(number: int, days_ago: float, **more: Any) -> dict[str, Any]:
    ident, token = left(f"letter:{number}")
    at = int((utc_now() - timedelta(days=days_ago)).timestamp())
    given = {"bounce_classification": "Mailbox Unavailable", "status": "5.2.1", "timestamp": at, **more}
    return bounce(ident, token, **given)


def test_a_mailbox_unavailable_to_three_letters_within_two_weeks_gets_no_more(database: Flask) -> None:
    hear(*heard(unavailable(1, 13), unavailable(2, 5)))
    assert stopped() == set()
    hear(*heard(unavailable(3, 0)))
    assert stopped() == {("", "bounce")}


def test_three_over_a_longer_time_are_forgiven(database: Flask) -> None:
    hear(*heard(unavailable(1, 15), unavailable(2, 5), unavailable(3, 0)))
    assert stopped() == set()


def test_one_letter_reported_under_many_keys_counts_once(database: Flask) -> None:
    one = unavailable(1, 0)
    hear(*heard(*(one | {"sg_event_id": f"again-{number}"} for number in range(5))))
    assert stopped() == set()


def test_a_dropped_letter_is_counted_apart_and_stops_nothing(database: Flask) -> None:
    ident, token = left()
    hear(*heard(row("dropped", ident, token, reason="Bounced Address")))
    assert (email(ident).state, email(ident).last_error) == (EmailState.DROPPED, "Bounced Address")
    assert stopped() == set()
    assert tallies() == {"dropped": 1}


@pytest.mark.parametrize(
    ("event", "reason"), [("spamreport", "complaint"), ("unsubscribe", "left"), ("group_unsubscribe", "left")]
)
def test_a_complaint_leaves_that_sender_at_once_and_notes_it_for_the_ledger(
    database: Flask, event: str, reason: str
) -> None:
    ident, token = left(stream="updates:7")
    hear(*heard(row(event, ident, token)))
    assert stopped() == {("updates:7", reason)}
    with reading() as session:
        note = session.scalars(sa.select(Withdrawal)).one()
    assert (note.address, note.stream, note.complaint) == ("mina@example.org", "updates:7", reason == "complaint")
    assert note.settled_at is None
    assert email(ident).state is EmailState.DELIVERED


def test_a_complaint_about_a_letter_of_no_stream_stops_every_letter(database: Flask) -> None:
    ident, token = left()
    hear(*heard(row("spamreport", ident, token)))
    assert stopped() == {("", "complaint")}


def nameless(days_ago: float = 0, **more: Any) -> dict[str, Any]:
    """A late bounce as SendGrid sends it: neither our marks nor its message id."""
    at = int((utc_now() - timedelta(days=days_ago)).timestamp())
    given = bounce(timestamp=at, **more)
    del given["sg_message_id"], given["smtp-id"]
    return given


def test_a_late_bounce_without_marks_belongs_to_the_latest_letter_to_its_address(database: Flask) -> None:
    first, _ = left("a", state=EmailState.DELIVERED)
    second, _ = left("b", state=EmailState.DELIVERED)
    other, _ = left("c", state=EmailState.DELIVERED, to="ewa@example.org")
    changed(first, accepted_at=utc_now() - timedelta(days=1))

    hear(*heard(nameless(email="Mina@EXAMPLE.org")))

    states = [email(ident).state for ident in (first, second, other)]
    assert states == [EmailState.DELIVERED, EmailState.BOUNCED, EmailState.DELIVERED]
    assert stopped() == {("", "bounce")}


def test_a_late_bounce_is_not_about_a_letter_that_left_after_it_or_long_before(database: Flask) -> None:
    after, _ = left("a")
    before, _ = left("b")
    changed(before, accepted_at=utc_now() - WINDOW - timedelta(days=2))
    waiting = queued("c")

    assert hear(*heard(nameless(days_ago=1), nameless(email="stranger@example.org"))) == 0

    states = [email(ident).state for ident in (after, before, waiting)]
    assert states == [EmailState.ACCEPTED, EmailState.ACCEPTED, EmailState.QUEUED]
    assert stopped() == stopped("stranger@example.org") == set()


def test_only_a_bounce_may_come_without_marks(database: Flask) -> None:
    ident, _ = left(stream="updates:7")
    rows = [row(event) for event in ("delivered", "dropped", "spamreport", "unsubscribe")]
    assert heard(*rows, bounce(undersigned_attempt="x")) == []
    assert email(ident).state is EmailState.ACCEPTED


def test_many_reports_are_worked_off_in_few_statements(database: Flask) -> None:
    letters = [left(f"letter:{number}") for number in range(120)]
    rows = [row(event, ident, token) for ident, token in letters for event in ("processed", "delivered")]
    statements: list[str] = []

    with transaction() as session:
        engine = session.get_bind()
    listener = lambda _c, _cursor, statement, *_: statements.append(statement)  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", listener)
    try:
        assert hear(*heard(*rows)) == 240
    finally:
        sa.event.remove(engine, "before_cursor_execute", listener)

    assert len(statements) < 20
    assert {email(ident).state for ident, _ in letters} == {EmailState.DELIVERED}
