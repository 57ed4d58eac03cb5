"""Late bounces without marks of ours: which letter each is about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.mail.models import EmailState
from app.mailings.models import BatchState, ReaderState
from tests.mail.builders import changed, email
from tests.returns.builders import hear, left, mailed, reader_states, stopped
from tests.returns.test_hearing import heard, nameless


def test_late_bounces_of_two_letters_of_one_day_are_about_both(database: Flask) -> None:
    first, _ = left("a", state=EmailState.DELIVERED)
    (reader,), _ = mailed(["mina@example.org"])
    changed(first, accepted_at=utc_now() - timedelta(hours=3))

    hear(*heard(nameless(reason="550 5.2.2 full", bounce_classification="Mailbox Unavailable")))
    assert reader_states() == [ReaderState.BOUNCED]
    hear(*heard(nameless(days_ago=-5 / 1440)), now=utc_now() + timedelta(minutes=6))

    assert email(first).state is EmailState.BOUNCED
    assert reader > 0


def test_a_late_bounce_that_is_told_twice_is_about_one_letter(database: Flask) -> None:
    first, _ = left("a", state=EmailState.DELIVERED)
    second, _ = left("b", state=EmailState.DELIVERED)
    changed(first, accepted_at=utc_now() - timedelta(days=1))
    again = nameless()

    hear(*heard(again, again | {"sg_event_id": "another key"}))
    hear(*heard(again | {"sg_event_id": "a third key"}))

    assert [email(ident).state for ident in (first, second)] == [EmailState.DELIVERED, EmailState.BOUNCED]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("clerk+permits@example.org", 0),
        ("Clerk+Permits@Example.ORG", 0),
        ("clerk@example.org", 1),
        ("clerk+other@example.org", 1),
        (" clerk@example.org\n", 1),
    ],
)
def test_the_address_as_it_was_written_to_says_which_letter_came_back(
    database: Flask, written: str, meant: int
) -> None:
    letters = [left("a", to="clerk+permits@example.org")[0], left("b", to="Clerk@example.org")[0]]
    changed(letters[0], accepted_at=utc_now() - timedelta(hours=1))

    hear(*heard(nameless(email=written)))

    assert email(letters[meant]).state is EmailState.BOUNCED
    assert email(letters[1 - meant]).state is EmailState.ACCEPTED


def test_gmail_s_dots_and_capitals_are_one_mailbox(database: Flask) -> None:
    ident, _ = left("a", to="Mina.Ortiz+news@gmail.com")

    hear(*heard(nameless(email="minaortiz@GoogleMail.com")))

    assert email(ident).state is EmailState.BOUNCED


@pytest.mark.parametrize("state", [BatchState.QUEUED, BatchState.RECALLED, BatchState.DROPPED])
def test_a_late_bounce_is_not_about_a_mailing_that_did_not_leave(database: Flask, state: BatchState) -> None:
    before, _ = left("a")
    changed(before, accepted_at=utc_now() - timedelta(days=2))
    mailed(["mina@example.org"], state=state)

    hear(*heard(nameless()))

    assert email(before).state is EmailState.BOUNCED
    assert reader_states() == [None]


def test_a_late_bounce_of_an_address_somebody_has_no_more_stops_the_old_one_only(database: Flask) -> None:
    left("a", to="old@example.org")
    left("b", to="new@example.org")

    hear(*heard(nameless(email="old@example.org")))

    assert stopped("old@example.org") == {("", "bounce")}
    assert stopped("new@example.org") == set()
