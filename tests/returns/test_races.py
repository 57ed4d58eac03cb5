"""Workers and reports at once, with real threads on both databases; and a provider at its worst."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import transaction
from app.mail import jobs as mail_jobs
from app.mail.models import EmailState
from app.mail.transports import Accepted, Letter
from app.returns import commands, jobs
from app.returns.models import MailEvent, Withdrawal
from tests.builders import NOW
from tests.mail.builders import Scripted, email, queued
from tests.returns.builders import Provider, bounce, count, hear, left, listen, row, stopped, written
from tests.returns.test_hearing import heard


def together(*works: Callable[[], object]) -> None:
    """Run all at once; a failure in any thread fails the test."""
    broken: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            broken.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []


def work_off() -> None:
    while jobs.work_off():
        pass


def test_two_workers_never_work_off_one_report_twice(database: Flask) -> None:
    letters = [left(f"letter:{number}", to=f"reader{number}@example.org", stream="updates:7") for number in range(40)]
    rows = [row("spamreport", ident, token) for ident, token in letters]
    with transaction() as session:
        for number in range(12):  # the same reports in many posts, in another order each
            random.Random(number).shuffle(rows)
            commands.keep_post(session, written(rows), now=NOW)

    together(*[work_off] * 4)

    assert count(MailEvent) == count(Withdrawal) == 40
    assert {email(ident).state for ident, _ in letters} == {EmailState.DELIVERED}


def test_reports_about_the_same_letters_in_other_orders_never_block_each_other(database: Flask) -> None:
    letters = [left(f"letter:{number}", to=f"reader{number % 5}@example.org") for number in range(30)]

    def some(seed: int) -> Callable[[], None]:
        rows = [bounce(ident, token) for ident, token in letters]
        random.Random(seed).shuffle(rows)

        def work() -> None:
            for start in range(0, 30, 10):
                hear(*heard(*rows[start : start + 10]))

        return work

    together(*(some(seed) for seed in range(4)))

    assert {email(ident).state for ident, _ in letters} == {EmailState.BOUNCED}
    assert stopped("reader1@example.org") == {("", "bounce")}


@pytest.mark.parametrize("event", ["processed", "delivered", "bounce"])
def test_a_report_that_comes_before_the_providers_answer_is_not_lost(database: Flask, event: str) -> None:
    ident = queued(repeatable=False)
    answered, reported = threading.Event(), threading.Event()
    tokens: list[str] = []

    def slow(letter: Letter) -> Accepted:
        tokens.append(letter.attempt)
        answered.set()
        assert reported.wait(20)
        return Accepted("abc")

    def report() -> None:
        assert answered.wait(20)
        hear(*heard(bounce(ident, tokens[0]) if event == "bounce" else row(event, ident, tokens[0])))
        reported.set()

    mail_jobs.use(Scripted(slow))
    together(mail_jobs.send, report)

    wanted = {"processed": EmailState.ACCEPTED, "delivered": EmailState.DELIVERED, "bounce": EmailState.BOUNCED}
    assert (email(ident).state, email(ident).provider_id) == (wanted[event], "abc")


def test_a_report_at_the_very_moment_of_the_answer_ends_in_one_truth(database: Flask) -> None:
    idents = [queued(f"letter:{number}", repeatable=False) for number in range(12)]
    threads: list[threading.Thread] = []

    def answer(letter: Letter) -> Accepted:
        report = heard(row("delivered", letter.email_id, letter.attempt))
        thread = threading.Thread(target=hear, args=report)
        threads.append(thread)
        thread.start()
        return Accepted("abc")

    mail_jobs.use(Scripted(answer))
    while mail_jobs.send():
        pass
    for thread in threads:
        thread.join()

    assert {(email(ident).state, email(ident).provider_id) for ident in idents} == {(EmailState.DELIVERED, "abc")}


def test_a_provider_at_its_worst_changes_nothing_that_is_true(app: Flask, client: FlaskClient) -> None:
    """Duplicate, late, reordered and forged posts, and posts that are no posts, in a random order."""
    provider, forger, chance = Provider(), Provider(), random.Random(7)
    listen(app, provider)
    truth: dict[int, EmailState] = {}
    rows = []
    for number in range(60):
        ident, token = left(f"letter:{number}", to=f"reader{number}@example.org", state=EmailState.UNKNOWN)
        story = chance.choice([["processed"], ["processed", "delivered"], ["processed", "delivered", "bounce"], []])
        truth[ident] = {
            "": EmailState.UNKNOWN,
            "processed": EmailState.ACCEPTED,
            "delivered": EmailState.DELIVERED,
            "bounce": EmailState.BOUNCED,
        }[story[-1] if story else ""]
        rows += [bounce(ident, token) if event == "bounce" else row(event, ident, token) for event in story]
        rows += [bounce(ident, "another installation's"), row("open", ident, token)]
    rows += [dict(one) for one in chance.sample(rows, len(rows) // 2)]
    chance.shuffle(rows)
    posts = [written(rows[start : start + 7]) for start in range(0, len(rows), 7)]
    posts += chance.sample(posts, len(posts) // 2)
    for body in posts:
        assert provider.post(client, body) == 204
        if chance.random() < 0.3:
            forged = [bounce(ident, "a1") for ident in truth]
            assert forger.post(client, forged) == 403
            assert provider.post(client, forged, at=NOW.timestamp()) == 403
        if chance.random() < 0.1:
            assert provider.post(client, b"<html>") == 204
        if chance.random() < 0.3:
            work_off()

    together(work_off, work_off)

    assert {ident: email(ident).state for ident in truth} == truth
    for number, state in enumerate(truth.values()):
        wanted = {("", "bounce")} if state is EmailState.BOUNCED else set()
        assert stopped(f"reader{number}@example.org") == wanted
