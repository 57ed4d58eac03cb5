"""Letters that wait: what their pages say of an outage, and what becomes of those that nobody has use for any more."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.core.clock import spoken, utc_now
from app.core.db import transaction
from app.jobs import worker
from app.mail import circuit, jobs, outbox
from app.mail.models import Email, EmailState
from app.mail.transports import GiveUp, OutcomeUnknown
from tests.mail.builders import Scripted, changed, email, queued
from tests.mail.test_letter import LONG_AGO, page, sent


def test_a_letter_with_a_link_that_ends_says_until_when_it_can_leave(operator: FlaskClient) -> None:
    until = utc_now() + timedelta(hours=1)
    ident = queued(useless_after=until)
    assert f"If it cannot leave by {spoken(until)}, it is given up" in page(operator, ident)
    changed(ident, useless_after=LONG_AGO)
    assert "It is not sent: nobody has use for it any more." in page(operator, ident)

    assert jobs.send() == 1

    assert email(ident).state is EmailState.DROPPED
    assert "It could not leave in time: its link had ended" in page(operator, ident)


def test_a_letter_that_nobody_has_use_for_is_not_tried_again(operator: FlaskClient) -> None:
    useful, useless = sent(GiveUp("no"), once="useful"), sent(GiveUp("no"), once="useless")
    lost = sent(OutcomeUnknown("reset"), once="lost", repeatable=False)
    for ident in (useless, lost):
        changed(ident, useless_after=LONG_AGO)

    assert f'action="/operator/mail/{useless}/retry"' not in page(operator, useless)
    assert "so that nobody has use for it any more" in page(operator, useless)
    assert f'action="/operator/mail/{lost}/send-again"' not in page(operator, lost)
    assert f'action="/operator/mail/{lost}/leave"' in page(operator, lost)
    for ident, act in ((useless, "retry"), (lost, "send-again")):
        refused = operator.post(f"/operator/mail/{ident}/{act}")
        assert refused.status_code == 409
        assert "Nobody has use for this letter any more" in refused.text
    assert "1 letter is tried again" in operator.post("/operator/mail/retry-all", follow_redirects=True).text
    assert [email(one).state for one in (useful, useless)] == [EmailState.QUEUED, EmailState.FAILED]


def test_a_letter_too_late_to_try_again_is_uncertain_where_an_earlier_try_was(database: Flask) -> None:
    jobs.use(Scripted(lambda _letter: OutcomeUnknown("reset")))
    tried = queued("tried")
    worker.run("mail.send")
    assert email(tried).state is EmailState.QUEUED
    untried = queued("untried")
    for ident in (tried, untried):
        changed(ident, state=EmailState.QUEUED, useless_after=LONG_AGO, try_after=LONG_AGO)

    worker.run("mail.send")

    assert [email(one).state for one in (tried, untried)] == [EmailState.UNKNOWN, EmailState.DROPPED]


def test_a_letter_that_was_taken_back_stays_back_though_it_ignores_suppressions(database: Flask) -> None:
    failed, leaving = queued("failed", ignores_suppression=True), queued("leaving", ignores_suppression=True)
    changed(failed, state=EmailState.FAILED)
    changed(leaving, state=EmailState.SUBMITTING)
    with transaction() as session:
        outbox.take_back(session, Email.id.in_([failed, leaving]), reason="Its link was ended.", now=utc_now())
        assert set(outbox.suppressed(session, [session.get_one(Email, leaving)])) == {leaving}
    assert email(failed).state is EmailState.DROPPED


def test_a_letter_that_waits_out_an_outage_says_since_when_why_and_when_the_next_is_tried(
    operator: FlaskClient,
) -> None:
    ident = queued()
    began = utc_now()
    with transaction() as session:
        trouble = circuit.Trouble("the server answered 503", asked=timedelta(minutes=9))
        circuit.failed(session, "dev", circuit.Pass(), trouble, letters=[ident], now=began)

    shown = page(operator, ident)

    assert f"No letter leaves by dev since {spoken(began)}, held back by Undersigned itself." in shown
    assert "It served nobody at the last try: the server answered 503." in shown
    assert re.search(r"One letter tries again in \d+ minutes, at ", shown)
    assert f"own turn comes on {spoken(email(ident).try_after)} at the earliest" in shown


def test_a_letter_whose_worker_is_gone_is_not_promised_for_the_next_minute_while_all_are_held_back(
    operator: FlaskClient,
) -> None:
    ident = queued()
    lease = {"lease_token": "t", "leased_until": LONG_AGO, "held_by": "gone:1"}
    changed(ident, state=EmailState.SUBMITTING, attempts=1, handed_over_at=LONG_AGO, **lease)
    assert "within a minute while one runs, it is sent again" in page(operator, ident)
    operator.post("/operator/mail/hold")
    assert "All letters are held back. When a worker looks next after that, it is sent again" in page(operator, ident)
