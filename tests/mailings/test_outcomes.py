"""What becomes of a batch by what the provider says, against a real server that checks every request."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail import standing
from app.mail.mass import Accepted, Lot
from app.mail.models import MailPause
from app.mail.transports.sendgrid import SendGridTransport
from app.mailings import commands
from app.mailings.models import BatchState, MailingState, ReaderState
from app.mailings.rules import SEND
from tests.builders import NOW
from tests.mailings.builders import batches, changed, mailing, planned, readers, seen
from tests.mailings.provider import TAKEN, Answer, Provider, Request, addresses, refusal, running

AGES_AGO = NOW - timedelta(days=1)


@pytest.fixture
def provider(database: Flask) -> Iterator[Provider]:
    """The way out leads to a provider of our own; every request must be one that the real one takes."""
    with running() as there:
        post_office.use(SendGridTransport("a-key", host=there.url, timeout=20))
        yield there
        assert there.problems == []


def again(ident: int) -> None:
    """Time passes: what waits is due."""
    changed(ident, try_after=AGES_AGO)
    worker.run(SEND)


def everybody(number: int) -> dict[str, int]:
    return {f"reader{one}@people.example": 1 for one in range(1, number + 1)}


def test_everybody_gets_it_once_in_as_few_requests_as_there_are_batches(provider: Provider) -> None:
    ident = planned(25)
    worker.run(SEND)
    assert provider.written == everybody(25)
    assert [len(addresses(one)) for one in provider.requests] == [10, 10, 5]
    assert seen(ident).accepted == 25
    assert {one.state for one in batches(ident)} == {BatchState.ACCEPTED}


def test_each_reader_s_own_words_and_links_are_theirs_alone(provider: Provider) -> None:
    planned(3)
    worker.run(SEND)
    one = provider.requests[0]
    words = {part["type"]: part["value"] for part in one["content"]}
    letters = []
    for person in one["personalizations"]:
        filled = dict(words)
        for tag, value in person["substitutions"].items():
            filled = {kind: text.replace(tag, value) for kind, text in filled.items()}
        letters.append(filled)
        leave = person["headers"]["List-Unsubscribe"].strip("<>")
        assert f'href="{leave}"' in filled["text/html"]
        assert leave in filled["text/plain"].replace("\n", "")
    assert ["Hello Ewa1" in one["text/plain"] for one in letters] == [True, False, False]
    assert len({person["headers"]["List-Unsubscribe"] for person in one["personalizations"]}) == 3


def test_a_name_with_markup_is_a_name_in_both_parts(provider: Provider) -> None:
    ident = planned(1)
    with transaction() as session:
        session.execute(sa.text("UPDATE mailing_readers SET name = '<b>A&B</b>; C'"))
    worker.run(SEND)
    values = list(provider.requests[0]["personalizations"][0]["substitutions"].values())
    assert "<b>A&B</b>; C" in values
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;; C" in values
    assert seen(ident).accepted == 1


def test_the_one_whom_the_provider_names_is_taken_out_and_the_rest_goes(provider: Provider) -> None:
    def answer(request: Request) -> Answer:
        places = [place for place, one in enumerate(addresses(request)) if one.startswith("reader7@")]
        return refusal(400, f"personalizations.{places[0]}.to.0.email") if places else TAKEN

    provider.answer = answer
    ident = planned(10)
    worker.run(SEND)
    assert set(everybody(10)) - set(provider.written) == {"reader7@people.example"}
    assert set(provider.written.values()) == {1}
    assert [one.reader_key for one in readers(ident) if one.state is ReaderState.FAILED] == [7]
    assert (seen(ident).accepted, seen(ident).failed) == (9, 1)
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    "answer", [refusal(400, "personalizations.3.to.0.email"), Answer(500), Answer(0)], ids=["named", "500", "lost"]
)
def test_a_request_that_failed_is_not_kept(provider: Provider, answer: Answer) -> None:
    planned(20, size=10)
    provider.answer = lambda _request: answer
    gc.collect()
    others = {id(one) for one in gc.get_objects() if isinstance(one, Lot)}
    gc.disable()
    try:
        worker.one_lot(SEND)
        assert [one for one in gc.get_objects() if isinstance(one, Lot) and id(one) not in others] == []
    finally:
        gc.enable()


def test_one_whom_nobody_names_is_found_by_halves(provider: Provider) -> None:
    def answer(request: Request) -> Answer:
        return refusal(400) if any(one.startswith("reader13@") for one in addresses(request)) else TAKEN

    provider.answer = answer
    ident = planned(64, size=64)
    worker.run(SEND)
    assert set(everybody(64)) - set(provider.written) == {"reader13@people.example"}
    assert set(provider.written.values()) == {1}
    assert [one.reader_key for one in readers(ident) if one.state is ReaderState.FAILED] == [13]
    assert (seen(ident).accepted, seen(ident).failed, seen(ident).planned) == (63, 1, 64)
    assert len(provider.requests) <= 13


@pytest.mark.parametrize("status", [400, 415])
def test_refused_words_hold_the_mailing_until_a_person_looks(provider: Provider, status: int) -> None:
    provider.answer = lambda _request: refusal(status, "content.0.value")
    ident = planned(30)
    worker.run(SEND)
    assert len(provider.requests) == 1
    assert mailing(ident).state is MailingState.HELD
    assert "content.0.value" in mailing(ident).reason
    provider.answer = lambda _request: TAKEN
    with transaction() as session:
        commands.resume(session, ident, now=utc_now())
    worker.run(SEND)
    assert provider.written == everybody(30)


def test_words_refused_without_a_word_do_not_cost_every_reader(provider: Provider) -> None:
    provider.answer = lambda _request: refusal(400)
    ident = planned(40)
    worker.run(SEND)
    assert mailing(ident).state is MailingState.HELD
    assert seen(ident).failed == 5
    assert seen(ident).waiting == 35


@pytest.mark.parametrize("nobody", [None, "null"])  # the second is how the published description writes the first
def test_too_large_a_request_is_halved_and_nobody_is_lost(provider: Provider, nobody: str | None) -> None:
    provider.answer = lambda request: refusal(413, nobody) if len(addresses(request)) > 3 else TAKEN
    ident = planned(20)
    worker.run(SEND)
    assert provider.written == everybody(20)
    assert seen(ident).accepted == 20


@pytest.mark.parametrize("status", [400, 413])
def test_neither_half_of_a_refused_batch_waits_for_ever_once_the_mailing_is_stopped(
    provider: Provider, status: int
) -> None:
    ident = planned(20)

    def answer(_request: Request) -> Answer:
        with transaction() as session:
            commands.stop(session, ident, now=utc_now())
        return refusal(status)

    provider.answer = answer
    worker.run(SEND)
    assert len(provider.requests) == 1
    assert (seen(ident).waiting, seen(ident).stopped) == (0, 20)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_account_stops_everything_and_loses_nobody(provider: Provider, status: int) -> None:
    provider.answer = lambda _request: refusal(status)
    ident = planned(20)
    worker.run(SEND)
    assert len(provider.requests) == 1
    provider.answer = lambda _request: TAKEN
    worker.run(SEND)
    assert len(provider.requests) == 1, "nothing leaves before an operator lets it"
    with transaction() as session:
        session.execute(sa.delete(MailPause))
    again(ident)
    assert provider.written == everybody(20)
    assert {one.attempts for one in batches(ident)} == {1}


@pytest.mark.parametrize("answer", [Answer(0), Answer(500), Answer(503)])
def test_a_lost_answer_is_never_followed_by_a_second_letter(provider: Provider, answer: Answer) -> None:
    provider.answer = lambda _request: answer
    ident = planned(10)
    worker.run(SEND)
    provider.answer = lambda _request: TAKEN
    again(ident)
    assert len(provider.requests) == 1
    assert (seen(ident).unknown, seen(ident).accepted) == (10, 0)


def test_one_report_with_the_attempt_s_token_proves_a_lost_batch_taken(provider: Provider) -> None:
    provider.answer = lambda _request: Answer(0)
    ident = planned(10)
    worker.run(SEND)
    token = str(batches(ident)[0].attempt_token)
    with transaction() as session:
        assert not commands.reported(session, 4, "another token", ReaderState.DELIVERED, now=NOW)
    assert seen(ident).unknown == 10
    with transaction() as session:
        assert commands.reported(session, 4, token, ReaderState.DELIVERED, now=NOW)
        assert not commands.reported(session, 4, token, ReaderState.DELIVERED, now=NOW)
    assert (seen(ident).unknown, seen(ident).accepted, seen(ident).delivered) == (0, 9, 1)


def test_a_person_has_uncertain_letters_sent_again_to_those_without_evidence(provider: Provider) -> None:
    lost = iter([Answer(0)])
    provider.answer = lambda _request: next(lost, TAKEN)
    ident = planned(20)
    worker.run(SEND)
    assert (seen(ident).unknown, seen(ident).accepted) == (10, 10)
    provider.answer = lambda _request: TAKEN
    with transaction() as session:
        assert commands.resend(session, ident, now=utc_now()) == 10
    worker.run(SEND)
    assert provider.written == everybody(20)
    assert (seen(ident).unknown, seen(ident).accepted, seen(ident).planned) == (0, 20, 20)


def test_a_person_leaves_uncertain_letters_as_they_are_and_they_stay_uncertain(provider: Provider) -> None:
    provider.answer = lambda _request: Answer(0)
    ident = planned(10)
    worker.run(SEND)
    with transaction() as session:
        assert commands.settle_for_good(session, ident) == 1
        assert commands.settle_for_good(session, ident) == 0
    again(ident)
    assert seen(ident).unknown == 10
    assert len(provider.requests) == 1


def test_what_a_person_left_is_not_sent_again_with_what_became_uncertain_later(provider: Provider) -> None:
    provider.answer = lambda _request: Answer(0)
    ident = planned(10)
    worker.run(SEND)
    with transaction() as session:
        commands.settle_for_good(session, ident)
    with transaction() as session:
        assert commands.resend(session, ident, now=utc_now()) == 0
    assert seen(ident).unknown == 10


def test_a_provider_that_asks_to_wait_is_given_the_time(provider: Provider) -> None:
    reset = str(int(time.time()) + 600)
    provider.answer = lambda _request: Answer(429, headers={"X-RateLimit-Reset": reset})
    ident = planned(10)
    worker.run(SEND)
    assert len(provider.requests) == 1
    assert batches(ident)[0].state is BatchState.QUEUED
    assert batches(ident)[0].try_after > utc_now() + timedelta(minutes=5)


def test_a_provider_that_cannot_be_reached_costs_nothing(provider: Provider) -> None:
    ident = planned(10)
    post_office.use(SendGridTransport("a-key", host="http://127.0.0.1:9", timeout=5))
    worker.run(SEND)
    assert batches(ident)[0].state is BatchState.QUEUED
    post_office.use(SendGridTransport("a-key", host=provider.url, timeout=20))
    again(ident)
    assert provider.written == everybody(10)


def test_a_slow_mailing_leaves_at_its_speed(provider: Provider) -> None:
    ident = planned(9, size=3, per_minute=3)
    worker.run(SEND)
    assert len(provider.requests) == 1
    assert utc_now() + timedelta(seconds=50) < mailing(ident).next_at <= utc_now() + timedelta(seconds=61)


@pytest.mark.parametrize("until", [AGES_AGO, utc_now() + timedelta(hours=6)], ids=["over", "a clock put back"])
def test_a_batch_found_in_the_hands_of_a_dead_worker_is_uncertain(provider: Provider, until: datetime) -> None:
    ident = planned(10)
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=utc_now())
        assert taken is not None
        assert commands.hand_over(session, taken, until=utc_now(), now=utc_now())
    changed(ident, leased_until=until)
    with reading() as session:
        parts = standing.standing(session, now=utc_now()).parts
    assert any("when their worker stopped" in sentence for part in parts for sentence in part.says)
    worker.run(SEND)
    assert (seen(ident).unknown, provider.requests) == (10, [])


def test_an_answer_that_comes_after_the_lease_still_counts(provider: Provider) -> None:
    ident = planned(10)
    with transaction() as session:
        taken = commands.claim(session, lease=timedelta(minutes=1), now=utc_now())
        assert taken is not None
        commands.hand_over(session, taken, until=utc_now(), now=utc_now())
    changed(ident, leased_until=AGES_AGO)
    worker.run(SEND)
    assert seen(ident).unknown == 10
    with transaction() as session:
        assert commands.settle(session, taken, Accepted("m-1"), now=utc_now()) is BatchState.ACCEPTED
    assert seen(ident).accepted == 10
