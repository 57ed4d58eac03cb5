"""One letter's page: its way in sentences, its words, and what people may decide, also when several do at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.core.actor import Actor
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict, NotFound
from app.mail import commands, evidence, jobs
from app.mail.evidence import Evidence
from app.mail.message import Attachment
from app.mail.models import Email, EmailState
from app.mail.transports import Accepted, GiveUp, NotAccepted, OutcomeUnknown, TryAgain
from tests.builders import NOW, account
from tests.mail.builders import Scripted, changed, email, held, queued
from tests.mail.test_sender import OPERATOR

DANA = Actor(label="Dana Cole", account_id=2, operator=True)
LONG_AGO = NOW - timedelta(days=1)


def sent(outcome: Accepted | NotAccepted, **wanted: object) -> int:
    """A letter after one attempt that ended so."""
    ident = queued(**wanted)  # type: ignore[arg-type]
    jobs.use(Scripted(lambda _letter: outcome))
    jobs.send()
    return ident


def unknown() -> int:
    return sent(OutcomeUnknown("connection reset"), repeatable=False)


def page(operator: FlaskClient, ident: int) -> str:
    return " ".join(operator.get(f"/operator/mail/{ident}").text.split())


def acts() -> list[str]:
    with reading() as session:
        return list(session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)))


def test_a_waiting_letter_says_that_it_waits_and_can_be_taken_back(operator: FlaskClient) -> None:
    ident = queued()
    shown = page(operator, ident)
    assert "It waits in the outbox and has not been handed over yet." in shown
    assert "so there are no words yet" in shown
    assert operator.get(f"/operator/mail/{ident}/html").status_code == 404

    assert operator.post(f"/operator/mail/{ident}/take-back").status_code == 303

    assert (email(ident).state, email(ident).last_error) == (EmailState.DROPPED, "Robin Vale took it back.")
    assert "Robin Vale took back a letter before it left." in page(operator, ident)
    assert jobs.send() == 0
    assert operator.post(f"/operator/mail/{ident}/take-back").status_code == 409


def test_a_letter_of_which_nothing_is_known_says_so_and_offers_both_decisions(operator: FlaskClient) -> None:
    ident = unknown()
    shown = page(operator, ident)
    assert "The letter may have arrived, or not; nobody knows." in shown
    assert "it is never sent a second time by guess" in shown
    assert "connection reset" in shown
    assert "Attempt 1: the answer was lost" in shown
    assert "gets it twice" in shown
    assert f'action="/operator/mail/{ident}/send-again"' in shown
    assert f'action="/operator/mail/{ident}/leave"' in shown


def test_a_letter_sent_again_leaves_once_more_under_the_same_id(operator: FlaskClient) -> None:
    ident = unknown()
    message_id = email(ident).message_id
    operator.post(f"/operator/mail/{ident}/send-again")
    jobs.use(transport := Scripted())

    jobs.send()

    assert (email(ident).state, email(ident).message_id) == (EmailState.ACCEPTED, message_id)
    assert len(transport.letters) == 1
    assert acts() == ["mail.sent_again"]
    assert operator.post(f"/operator/mail/{ident}/send-again").status_code == 409


def test_a_letter_that_is_left_stays_unknown_with_a_name_and_a_time(operator: FlaskClient) -> None:
    ident = unknown()
    operator.post(f"/operator/mail/{ident}/leave")

    row = email(ident)
    assert (row.state, row.decided_by) == (EmailState.UNKNOWN, "Robin Vale")
    assert row.decided_at is not None
    shown = page(operator, ident)
    assert "Robin Vale left it so on" in shown
    assert f'action="/operator/mail/{ident}/leave"' not in shown
    assert "mina@example.org" not in operator.get("/operator/mail").text
    assert "mina@example.org" in operator.get("/operator/mail?state=left+as+unknown").text


def test_a_letter_that_was_left_is_sent_again_only_by_somebody_who_saw_that(operator: FlaskClient) -> None:
    ident = unknown()
    with transaction() as session:
        commands.leave(session, ident, by=DANA, now=NOW)

    refused = operator.post(f"/operator/mail/{ident}/send-again")
    assert refused.status_code == 409
    assert "Dana Cole left this letter as unknown by now" in refused.text

    form = re.search(r'action="/operator/mail/\d+/send-again".*?</form>', page(operator, ident))
    assert form is not None
    assert 'name="though_left" value="yes"' in form[0]
    assert operator.post(f"/operator/mail/{ident}/send-again", data={"though_left": "yes"}).status_code == 303
    assert (email(ident).state, email(ident).decided_by) == (EmailState.QUEUED, None)


def test_an_answer_after_the_decision_to_leave_is_still_believed(database: Flask) -> None:
    ident = unknown()
    changed(ident, lease_token="held", leased_until=LONG_AGO)
    with transaction() as session:
        commands.leave(session, ident, by=DANA, now=NOW)
    with transaction() as session:
        commands.settle(session, {held(ident, "held"): Accepted("late")}, now=NOW)
    assert email(ident).state is EmailState.ACCEPTED


@pytest.mark.parametrize(
    ("outcome", "wanted", "sentence"),
    [
        (Accepted("abc"), {}, "Whether it reached the mailbox is not known."),
        (GiveUp("550 no such user"), {}, "It did not leave: every attempt was refused."),
        (TryAgain(timedelta(hours=1), "busy"), {}, "None so far has left."),
        (OutcomeUnknown("reset"), {"repeatable": True}, "An earlier one may have left"),
    ],
)
def test_the_page_says_what_is_known_and_no_more(
    operator: FlaskClient, outcome: Accepted | NotAccepted, wanted: dict[str, object], sentence: str
) -> None:
    assert sentence in page(operator, sent(outcome, **wanted))


def test_a_failure_after_a_lost_answer_does_not_claim_that_nothing_left(operator: FlaskClient) -> None:
    ident = sent(OutcomeUnknown("reset"))
    changed(ident, try_after=LONG_AGO)
    jobs.use(Scripted(lambda _letter: GiveUp("550 no such user")))
    jobs.send()
    shown = page(operator, ident)
    assert "Attempt 1 may have left: its answer was lost." in shown
    assert "It did not leave" not in shown


@pytest.mark.parametrize(("repeatable", "then"), [(True, "it is sent again"), (False, "it becomes unknown")])
def test_a_letter_whose_worker_is_gone_is_not_called_on_its_way(
    operator: FlaskClient,
    repeatable: bool,  # noqa: FBT001
    then: str,
) -> None:
    ident = queued(repeatable=repeatable)
    changed(ident, state=EmailState.SUBMITTING, attempts=1, handed_over_at=NOW, leased_until=NOW)
    shown = page(operator, ident)
    assert "Worker gone" in shown
    assert "The letter may have left, or not." in shown
    assert then in shown
    changed(ident, leased_until=utc_now() + timedelta(minutes=5))
    assert "A worker is handing it over right now." in page(operator, ident)


def test_a_letter_held_back_says_for_whom_it_waits(operator: FlaskClient) -> None:
    ident = queued()
    operator.post("/operator/mail/hold")
    shown = page(operator, ident)
    assert "It waits like every other letter. No letter leaves by dev since" in shown
    assert "held back by Robin Vale. No reason was given. They wait until an operator lets them leave." in shown


def test_the_words_are_shown_as_they_left_and_the_html_runs_nothing(operator: FlaskClient) -> None:
    ident = sent(Accepted(), attachments=(Attachment("the letter.pdf", "application/pdf", b"%PDF"),))
    shown = page(operator, ident)
    html = operator.get(f"/operator/mail/{ident}/html")

    assert "http://undersigned.example/campaigns/end-it" in shown
    assert "the letter.pdf" in shown
    assert "Shows an operator that mail leaves, and how it arrives." in shown
    policy = html.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert html.headers["Referrer-Policy"] == "no-referrer"
    assert html.headers["Cache-Control"] == "no-store"


def test_reports_of_other_rooms_are_shown_as_evidence(operator: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_READERS", [])
    evidence.reader(lambda _session, row: [Evidence(NOW, "The provider", f"delivered letter {row.id} <b>")])
    ident = sent(Accepted())
    assert f"The provider: delivered letter {ident} &lt;b&gt;" in page(operator, ident)


def test_nobody_but_operators_sees_or_decides(database: Flask, signed_in: Callable[[Account], FlaskClient]) -> None:
    with transaction() as session:
        browser = signed_in(account(session))
    ident = unknown()
    for path in (f"{ident}", f"{ident}/html", "check", "999999"):
        assert browser.get(f"/operator/mail/{path}").status_code == 404
    for path in (
        "/operator/letters",
        "/operator/letters/petitions/confirm",
        "/operator/letters/petitions/confirm/html",
    ):
        assert browser.get(f"/operator/letters{path}").status_code == 404
    for act in ("send-again", "leave", "take-back", "retry"):
        assert browser.post(f"/operator/mail/{ident}/{act}").status_code == 404
    for act in ("retry-all", "requeue-stuck", "check"):
        assert browser.post(f"/operator/mail/{act}").status_code == 404
    stranger = Actor(label="Ann", account_id=5)
    for command in (commands.send_again, commands.leave, commands.take_back):
        with pytest.raises(NotFound), transaction() as session:
            command(session, ident, by=stranger, now=NOW)
    assert email(ident).state is EmailState.UNKNOWN
    assert acts() == []


def test_a_letter_that_is_not_there_is_a_missing_page(operator: FlaskClient) -> None:
    assert operator.get("/operator/mail/999").status_code == 404
    for act in ("send-again", "leave", "take-back", "retry"):
        assert operator.post(f"/operator/mail/999/{act}").status_code == 404


def at_once(*acts: Callable[[Session], object]) -> list[object]:
    """What each act came to when all were begun at the same moment, each in a transaction of its own."""
    start = threading.Barrier(len(acts))
    came: list[object] = [None] * len(acts)

    def run(place: int) -> None:
        start.wait()
        try:
            with transaction() as session:
                came[place] = acts[place](session)
        except Conflict as refusal:
            came[place] = refusal

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


@pytest.mark.parametrize("attempt", range(4))
def test_of_two_operators_who_send_again_at_once_one_does(database: Flask, attempt: int) -> None:
    ident = unknown()
    came = at_once(
        *(lambda session, by=by: commands.send_again(session, ident, by=by, now=NOW) for by in (OPERATOR, DANA))
    )
    assert [type(one) for one in came].count(Conflict) == 1
    assert acts() == ["mail.sent_again"]
    jobs.use(transport := Scripted())
    jobs.send()
    assert len(transport.letters) == 1


@pytest.mark.parametrize("attempt", range(4))
def test_leaving_and_sending_again_at_once_end_in_one_decision(database: Flask, attempt: int) -> None:
    ident = unknown()
    came = at_once(
        lambda session: commands.send_again(session, ident, by=OPERATOR, now=NOW),
        lambda session: commands.leave(session, ident, by=DANA, now=NOW),
    )
    row = email(ident)
    assert [type(one) for one in came].count(Conflict) == 1
    assert (row.state, row.decided_by) in {(EmailState.QUEUED, None), (EmailState.UNKNOWN, "Dana Cole")}
    assert acts() == (["mail.sent_again"] if row.state is EmailState.QUEUED else ["mail.left"])


@pytest.mark.parametrize("attempt", range(4))
def test_an_answer_that_arrives_while_somebody_sends_again_is_not_overruled(database: Flask, attempt: int) -> None:
    ident = queued(repeatable=False)
    changed(ident, state=EmailState.UNKNOWN, attempts=1, lease_token="held", leased_until=LONG_AGO, settled_at=NOW)
    settled, decided = at_once(
        lambda session: commands.settle(session, {held(ident, "held"): Accepted("late")}, now=NOW),
        lambda session: commands.send_again(session, ident, by=OPERATOR, now=NOW),
    )
    row = email(ident)
    if isinstance(decided, Conflict):
        assert (row.state, row.provider_id) == (EmailState.ACCEPTED, "late")
        assert acts() == []
    else:
        assert settled == {}
        assert (row.state, row.lease_token) == (EmailState.QUEUED, None)
        assert acts() == ["mail.sent_again"]


@pytest.mark.parametrize("attempt", range(4))
def test_a_letter_taken_back_while_a_worker_takes_it_leaves_or_is_dropped_but_never_both(
    database: Flask, attempt: int
) -> None:
    ident = queued()
    jobs.use(transport := Scripted())
    done: list[int] = []
    worker = threading.Thread(target=lambda: done.append(jobs.send()))
    worker.start()
    (came,) = at_once(lambda session: commands.take_back(session, ident, by=OPERATOR, now=NOW))
    worker.join()
    state = email(ident).state
    if isinstance(came, Conflict):
        assert (state, len(transport.letters)) == (EmailState.ACCEPTED, 1)
    else:
        assert (state, len(transport.letters)) == (EmailState.DROPPED, 0)
    assert isinstance(came, Conflict | Email)


def test_an_operator_is_shown_nobodys_keys(operator: FlaskClient) -> None:
    key = f"eyJpZCI6MX0{'x' * 30}.{'y' * 43}"
    ident = sent(Accepted())
    with transaction() as session:
        row = session.get_one(Email, ident)
        row.text = f"Open http://undersigned.example/sign-in/{key} or\nhttp://undersigned.example/letters/end-it"
        row.html = f'<a href="http://undersigned.example/preferences/{key}?saved=yes">http://undersigned.example/x</a>'

    shown = page(operator, ident)
    html = operator.get(f"/operator/mail/{ident}/html").text

    assert key not in shown + html
    assert "http://undersigned.example/letters/end-it" in shown
    assert html == '<a href="http://undersigned.example/…">http://undersigned.example/x</a>'
