"""The pages of updates, from the first draft to the last letter."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.db import reading, transaction
from app.jobs import worker
from app.mail.models import Email
from tests import builders
from tests.broadcasts.builders import Stage, stage, supporter

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


def test_a_refused_draft_keeps_what_was_typed(signed_in: SignIn) -> None:
    there, robin, _, _ = scene()
    form = {"subject": "", "body": "My long words {oops}", "organization_id": str(there.lead.id)}
    answer = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<title>Error: " in page
    assert "My long words {oops}" in page


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
