"""The pages of updates, from the first draft to the last letter."""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts import commands
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail import commands as post
from app.mail import jobs as post_office
from app.mail.models import Email
from app.mail.transports import OutcomeUnknown
from tests import builders
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.mail.builders import Scripted

SignIn = Callable[[Account], FlaskClient]
SLUG = "coalition-for-open-faces"


def scene() -> tuple[Stage, Account, Account, Account]:
    with transaction() as session:
        there = stage(session)
        supporter(session, 1, yes=(there.lead,))
        stranger = builders.account(session, email="stranger@x.example")
        robin, dana = (session.get_one(Account, one.account_id) for one in (there.robin, there.dana))
        return there, robin, dana, stranger


def test_an_update_goes_from_draft_to_sent_by_two_people(signed_in: SignIn) -> None:
    there, robin, dana, _ = scene()
    form = {"subject": "It went out", "body": "Hello {given_name}.", "organization_id": str(there.lead.id)}
    made = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    here = made.headers["Location"]
    assert b"Hello Ewa" in signed_in(robin).get(here).data
    assert signed_in(robin).post(f"{here}/approve", data={"version": "1"}).status_code == 409
    assert signed_in(robin).post(f"{here}/send").status_code == 409
    assert signed_in(robin).post(f"{here}/test").status_code == 303
    assert signed_in(dana).post(f"{here}/approve", data={"version": "1"}).status_code == 303
    assert signed_in(dana).post(f"{here}/send").status_code == 403
    assert signed_in(robin).post(f"{here}/send").status_code == 303
    worker.until_idle()
    page = signed_in(robin).get(here).get_data(as_text=True)
    assert "Handed over in full" in page
    assert "is not yet read by a person" in page


def going(there: Stage) -> str:
    """An update that was begun and has two readers planned; gives its page."""
    with transaction() as session:
        supporter(session, 2, yes=(there.lead,))
        update = ready(session, there)
        commands.send(session, update, by=there.robin, now=utc_now())
        here = f"/work/{SLUG}/updates/{update.id}"
    worker.run(commands.START)
    worker.run(commands.PLAN)
    return here


def test_an_update_that_nothing_hands_over_is_not_called_on_its_way(signed_in: SignIn) -> None:
    there, robin, _, _ = scene()
    here = going(there)
    assert "was not seen for three minutes" in signed_in(robin).get(here).text
    worker.beat(utc_now())
    assert "On its way; you can leave this page" in signed_in(robin).get(here).text
    with transaction() as session:
        post.pause(session, "dev", "SendGrid said 401: bad key", now=utc_now())
    page = signed_in(robin).get(here).text
    assert "They wait until an operator lets them leave." in page
    assert "On its way; you can leave this page" not in page
    assert "bad key" not in page


def test_sending_again_covers_no_more_letters_than_the_page_showed(signed_in: SignIn, database: Flask) -> None:
    there, robin, _, _ = scene()
    here = going(there)
    post_office.use(Scripted(lambda _letter: OutcomeUnknown("the answer was lost")))
    worker.until_idle()
    page = signed_in(robin).get(here).text
    assert "Handed over in full" not in page
    assert "0 of 2 letters were handed over. Of 2 nobody knows." in page
    review = signed_in(robin).get(f"{here}/unknown/resend").text
    assert re.search(r'name="letters"[^>]*value="2"', review)

    refused = signed_in(robin).post(f"{here}/unknown/resend", data={"letters": "1"})
    assert refused.status_code == 409
    assert "By now 2 letters are uncertain, not 1." in refused.text
    assert "2 uncertain letters go out again" in (
        signed_in(robin).post(f"{here}/unknown/resend", data={"letters": "2"}, follow_redirects=True).text
    )


def test_nobody_is_asked_to_approve_words_that_cannot_be_approved(signed_in: SignIn) -> None:
    there, robin, dana, _ = scene()
    form = {"subject": "It went out", "body": "Read [it](/letters/faces).", "organization_id": str(there.lead.id)}
    made = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    tested = signed_in(robin).post(f"{made.headers['Location']}/test", follow_redirects=True).text
    assert "Nobody was asked to approve: mend the mistakes below first" in tested
    assert "Read and approve" not in signed_in(dana).get("/home").text
    with reading() as session:
        assert session.scalars(sa.select(Email.to_address)).all() == ["robin@fftf.example"]


def test_a_refused_draft_keeps_what_was_typed(signed_in: SignIn) -> None:
    there, robin, _, _ = scene()
    form = {"subject": "", "body": "My long words {oops}", "organization_id": str(there.lead.id)}
    answer = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<title>Error: " in page
    assert "My long words {oops}" in page
    assert "<strong>1 reader</strong> of 1" in page


def test_a_refused_draft_still_counts_the_readers_that_were_typed(signed_in: SignIn) -> None:
    there, robin, _, _ = scene()
    path = f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new"
    form = {"subject": "", "body": "Hello.", "organization_id": str(there.lead.id), "countries": "NZ"}
    elsewhere = signed_in(robin).post(path, data=form)
    assert elsewhere.status_code == 422
    assert "<strong>0 readers</strong> of 1" in elsewhere.text
    assert "One person lives in another country" in elsewhere.text
    for wrong in ({"countries": "Narnia"}, {"signed": "999"}):
        mistaken = signed_in(robin).post(path, data=form | {"subject": "Hi", "countries": ""} | wrong)
        assert mistaken.status_code == 422
        assert "Press “Count the readers”" in mistaken.text
        counted = signed_in(robin).post(path.replace("new", "reach"), data=form | wrong)
        assert counted.status_code == 422
        assert 'name="body"' in counted.text


def test_two_tabs_lose_no_words(signed_in: SignIn) -> None:
    there, robin, _, _ = scene()
    browser = signed_in(robin)
    form = {"subject": "It went out", "body": "Hello.", "organization_id": str(there.lead.id)}
    here = browser.post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form).headers["Location"]
    assert 'name="based_on" value="1"' in browser.get(f"{here}/edit").text
    first = browser.post(f"{here}/edit", data=form | {"body": "First tab", "based_on": "1"})
    second = browser.post(f"{here}/edit", data=form | {"body": "Second tab", "based_on": "1"})
    assert (first.status_code, second.status_code) == (303, 409)
    assert "Somebody else saved this update" in second.text
    assert "Second tab" in second.text
    assert 'name="based_on" value="2"' in second.text
    assert "First tab" in browser.get(here).text


def test_a_stranger_finds_no_updates(signed_in: SignIn) -> None:
    there, robin, _, stranger = scene()
    form = {"subject": "It went out", "body": "Hello.", "organization_id": str(there.lead.id)}
    here = (
        signed_in(robin)
        .post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
        .headers["Location"]
    )
    browser = signed_in(stranger)
    assert browser.get(here).status_code == 404
    assert browser.get(f"/work/{SLUG}/updates").status_code == 404
    for act in ("edit", "test", "approve", "send", "stop"):
        assert browser.post(f"{here}/{act}", data={**form, "version": "1"}).status_code == 404


def test_no_page_or_letter_shows_the_merge_field_of_a_subject_unfilled(signed_in: SignIn) -> None:
    there, robin, dana, _ = scene()
    form = {"subject": "{given_name}, it went out", "body": "Hello.", "organization_id": str(there.lead.id)}
    writer = signed_in(robin)
    here = writer.post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form).headers["Location"]
    assert writer.post(f"{here}/test").status_code == 303
    reader = signed_in(dana)

    for browser, path in (
        (writer, here),
        (writer, f"/work/{SLUG}/updates"),
        (reader, "/home"),
    ):
        shown = browser.get(path).text
        assert "friend, it went out" in shown
        assert "{given_name}" not in shown
    with reading() as session:
        asked = session.scalars(sa.select(Email).where(Email.template == "broadcasts/mail/approval_wanted")).all()
    assert {letter.context["subject_line"] for letter in asked} == {"friend, it went out"}
    assert reader.post(f"{here}/approve", data={"version": "1"}).status_code == 303
    assert "friend, it went out" in writer.get(f"/work/{SLUG}/audit").text
    assert 'value="{given_name}, it went out"' in writer.get(f"{here}/edit").text
