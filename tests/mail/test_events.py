"""A report moves a letter only forward: every pair of states, and several reports at once."""

from __future__ import annotations

import itertools

import pytest
from flask import Flask

from app.core.db import transaction
from app.mail import events, jobs
from app.mail.events import Report, forward
from app.mail.models import EmailState
from app.mail.transports import Accepted, Letter, NotAccepted, OutcomeUnknown, TryAgain
from tests.builders import NOW
from tests.mail.builders import Scripted, changed, email, queued

Q, S, U, F = EmailState.QUEUED, EmailState.SUBMITTING, EmailState.UNKNOWN, EmailState.FAILED
A, P, D, B = EmailState.ACCEPTED, EmailState.DROPPED, EmailState.DELIVERED, EmailState.BOUNCED
MOVES = {
    *((old, new) for old in (Q, S, U, F) for new in (A, P, D, B)),
    *((A, P), (A, D), (A, B)),
    *((P, D), (P, B)),
    (D, B),
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(EmailState, EmailState)))
def test_every_pair_of_states_moves_forward_or_not_at_all(old: EmailState, new: EmailState) -> None:
    assert forward(old, new) is ((old, new) in MOVES)


def test_the_order_holds_every_state_once() -> None:
    assert sorted(events.ORDER, key=lambda one: one.value) == sorted(EmailState, key=lambda one: one.value)


def reported(*reports: Report) -> int:
    with transaction() as session:
        held = events.hold(session, {one.email_id for one in reports})
        return events.report(session, held, reports, now=NOW)


def test_a_letter_has_the_token_of_its_newest_attempt_for_ever(database: Flask) -> None:
    ident = queued()
    transport = Scripted(lambda _letter: TryAgain(-NOW.resolution, "later"))
    jobs.use(transport)
    jobs.send()
    changed(ident, try_after=NOW)
    jobs.use(second := Scripted())
    jobs.send()

    row = email(ident)
    assert row.lease_token is None
    assert row.attempt_token == second.letters[0].attempt != transport.letters[0].attempt


def test_many_reports_of_one_letter_count_as_the_furthest_in_any_order(database: Flask) -> None:
    for number, order in enumerate(itertools.permutations([Report(0, A), Report(0, D), Report(0, B, "550 no")])):
        ident = queued(f"letter:{number}")
        changed(ident, state=U, last_error="The answer was lost.")
        assert reported(*(Report(ident, one.state, one.reason) for one in order)) == 1
        row = email(ident)
        assert (row.state, row.last_error, row.settled_at, row.accepted_at) == (B, "550 no", NOW, NOW)


def test_letters_move_together_and_unknown_numbers_are_nobody(database: Flask) -> None:
    idents = [queued(f"letter:{number}") for number in range(30)]
    for number, ident in enumerate(idents):
        changed(ident, state=(D, U, B)[number % 3], last_error="before")
    assert reported(*(Report(ident, D) for ident in [*idents, 999_999])) == 10
    assert [email(ident).last_error for ident in idents[:3]] == ["before", None, "before"]
    assert [email(ident).state for ident in idents[:3]] == [D, D, B]


def test_a_report_before_the_answer_is_kept_whatever_the_answer_says(database: Flask) -> None:
    answers: list[Accepted | NotAccepted] = [
        Accepted("abc"),
        OutcomeUnknown("lost"),
        TryAgain(-NOW.resolution, "later"),
    ]
    for number, answer in enumerate(answers):
        ident = queued(f"letter:{number}")

        def faster(letter: Letter, answer: Accepted | NotAccepted = answer) -> Accepted | NotAccepted:
            assert reported(Report(letter.email_id, D)) == 1
            return answer

        jobs.use(Scripted(faster))
        jobs.send()
        assert email(ident).state is D
        assert jobs.send() == 0


def test_a_report_takes_a_letter_out_of_the_queue_that_waits_for_another_try(database: Flask) -> None:
    ident = queued()
    jobs.use(Scripted(lambda _letter: OutcomeUnknown("lost")))
    jobs.send()
    assert email(ident).state is Q
    reported(Report(ident, A))
    changed(ident, try_after=NOW)
    jobs.use(transport := Scripted())

    assert jobs.send() == 0
    assert transport.letters == []
