"""The pages of automated letters, from the empty state to the switch, and who may open them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.automations import commands
from app.automations.models import Automation, Kind
from app.coalitions.models import Role
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.models import Email
from app.petitions.models import Signature
from tests import builders
from tests.automations.builders import person, running, words, written
from tests.petitions.builders import Scene, there

SignIn = Callable[[Account], FlaskClient]


def root(here: Scene) -> str:
    return f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/automation"


def carried(page: str) -> dict[str, str]:
    """What the button of a review screen carries."""
    return dict(re.findall(r'type="hidden" name="(version)" value="([^"]*)"', page))


def drafted(here: Scene, kind: Kind) -> str:
    with transaction() as session:
        return f"{root(here)}/{written(session, here, kind).id}"


@pytest.mark.parametrize("kind", ["reminder", "welcome"])
def test_a_letter_goes_from_the_empty_page_to_on_by_two_people(signed_in: SignIn, kind: str) -> None:
    here = there()
    organizer, colleague = signed_in(here.organizer), signed_in(here.colleague)
    assert root(here) in organizer.get(root(here).removesuffix("/automation")).get_data(as_text=True)
    empty = organizer.get(root(here)).get_data(as_text=True)
    assert "No reminder yet" in empty
    assert "No welcome yet" in empty
    form = organizer.get(f"{root(here)}/new/{kind}").get_data(as_text=True)
    assert "{given_name|neighbor}" in form
    typed = words(Kind(kind), here.lead).model_dump(exclude_none=True, mode="json")
    here_now = organizer.post(f"{root(here)}/new/{kind}", data=typed).headers["Location"]
    page = organizer.get(here_now).get_data(as_text=True)
    assert "It is off" in page
    assert "Hello Ewa," in page
    assert "Nothing yet" in page
    assert "have not been approved" in organizer.get(f"{here_now}/on").get_data(as_text=True)
    assert organizer.post(f"{here_now}/on", data={"version": "1"}).status_code == 409
    assert "Somebody other than its author" in organizer.get(f"{here_now}/approve").get_data(as_text=True)
    assert organizer.post(f"{here_now}/approve", data={"version": "1"}).status_code == 409
    assert organizer.post(f"{here_now}/test").status_code == 303
    assert f'href="{here_now}"' in colleague.get("/home").get_data(as_text=True)
    assert f'href="{here_now}"' not in organizer.get("/home").get_data(as_text=True)
    review = colleague.get(f"{here_now}/approve").get_data(as_text=True)
    assert "Nothing is approved yet" in review
    assert "Hello Ewa," in review
    assert "To look at before it is approved" in review
    assert colleague.post(f"{here_now}/approve", data=carried(review)).status_code == 303
    assert f'href="{here_now}"' not in colleague.get("/home").get_data(as_text=True)
    for act in ("on", "off"):
        assert colleague.get(f"{here_now}/{act}").status_code == 403
        assert colleague.post(f"{here_now}/{act}", data={"version": "1"}).status_code == 403
    review = organizer.get(f"{here_now}/on").get_data(as_text=True)
    assert "It is off: nothing is sent yet." in review
    assert f"Ada Admin of {here.partner.name}, <time" in review
    assert organizer.post(f"{here_now}/on", data=carried(review)).status_code == 303
    assert "It is on already." in organizer.get(f"{here_now}/on").get_data(as_text=True)
    assert "It is on" in organizer.get(here_now).get_data(as_text=True)
    assert ">On<" in organizer.get(root(here)).get_data(as_text=True)
    assert "None of its letters waits to leave" in organizer.get(f"{here_now}/off").get_data(as_text=True)
    assert organizer.post(f"{here_now}/off").status_code == 303
    assert "It is off already." in organizer.get(f"{here_now}/off").get_data(as_text=True)
    assert "It is off" in organizer.get(here_now).get_data(as_text=True)
    with reading() as session:
        assert [one.to_address for one in session.scalars(sa.select(Email))] == [here.organizer.email]


def test_a_refused_letter_keeps_what_was_typed(signed_in: SignIn) -> None:
    here = there()
    typed = {"subject": "", "body": "My long words {oops}", "delay_hours": "72"}
    answer = signed_in(here.organizer).post(f"{root(here)}/new/reminder", data=typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<title>Error: " in page
    assert "My long words {oops}" in page
    assert '<option value="72" selected>' in page


def test_saving_new_words_says_that_it_is_off(signed_in: SignIn) -> None:
    here = there()
    with transaction() as session:
        made = running(session, here, Kind.REMINDER)
    one = f"{root(here)}/{made.id}"
    browser = signed_in(here.organizer)
    assert "Saving switches it off" in browser.get(f"{one}/edit").get_data(as_text=True)
    typed = {"subject": "One step", "body": "Press the button.", "delay_hours": "24", "based_on": "1"}
    assert browser.post(f"{one}/edit", data=typed).status_code == 303
    page = browser.get(one).get_data(as_text=True)
    assert "It is off" in page
    assert "24 hours" in page
    with reading() as session:
        assert session.get_one(Automation, made.id).on_since is None


def test_looking_at_the_pages_changes_nothing(signed_in: SignIn) -> None:
    here = there()
    one = drafted(here, Kind.WELCOME)
    browser = signed_in(here.organizer)
    for page in (one, f"{one}/edit", f"{one}/html", root(here), f"{root(here)}/new/reminder"):
        assert browser.get(page).status_code == 200, page
    for act in ("on", "off", "approve"):
        assert browser.get(f"{one}/{act}").status_code == 200, act
    assert browser.get(f"{one}/test").status_code == 405
    with reading() as session:
        assert session.scalars(sa.select(Email)).all() == []


def test_a_stranger_and_another_petition_find_no_letter(signed_in: SignIn) -> None:
    here = there()
    one = drafted(here, Kind.REMINDER)
    with transaction() as session:
        stranger = builders.account(session, email="stranger@x.example")
    outside = signed_in(stranger)
    for page in (root(here), one, f"{one}/html", f"{one}/edit", f"{root(here)}/new/reminder"):
        assert outside.get(page).status_code == 404, page
    for act in ("on", "off", "approve", "test", "edit"):
        assert outside.post(f"{one}/{act}", data={"version": "1"}).status_code == 404, act
    assert signed_in(here.organizer).get(f"{root(here)}/999").status_code == 404
    assert signed_in(here.organizer).get(f"{root(here)}/new/nonsense").status_code == 404


def test_another_member_group_sees_a_welcome_and_may_not_touch_it(signed_in: SignIn) -> None:
    here = there()
    one = drafted(here, Kind.WELCOME)
    browser = signed_in(here.colleague)
    page = browser.get(one).get_data(as_text=True)
    assert "Review and approve" in page
    assert "Send a test to me" not in page
    assert browser.get(f"{one}/edit").status_code == 403
    assert browser.post(f"{one}/test").status_code == 403


def test_switching_on_says_to_how_many_it_writes_at_once_and_off_how_many_are_lost(signed_in: SignIn) -> None:
    here = there()
    with transaction() as session:
        made = running(session, here, Kind.REMINDER)
        commands.switch_off(session, made, by=here.by, now=utc_now())
        for number in (1, 2):
            person(session, here, number)
        session.execute(sa.update(Signature).values(created_at=utc_now() - timedelta(hours=50)))
        session.execute(sa.update(Email).values(created_at=utc_now() - timedelta(hours=50)))
    browser, one = signed_in(here.organizer), f"{root(here)}/{made.id}"
    page = browser.get(f"{one}/on").text
    assert "2 reminders go out within minutes" in page
    assert browser.post(f"{one}/on", data=carried(page)).status_code == 303
    with transaction() as session:
        assert commands.remind_lot(session, made.id, now=utc_now()) == 2
    assert "2 letters that are written and wait do not leave" in browser.get(f"{one}/off").text
    assert browser.post(f"{one}/off").status_code == 303
    page = browser.get(f"{one}/on").text
    assert "None goes out at once" in page


def test_words_that_changed_behind_the_screen_are_neither_approved_nor_switched_on(signed_in: SignIn) -> None:
    here = there()
    one = drafted(here, Kind.WELCOME)
    organizer, colleague = signed_in(here.organizer), signed_in(here.colleague)

    def save(number: int) -> None:
        typed = words(Kind.WELCOME, here.lead, body=f"Words {number}, as long as they were before.")
        with transaction() as session:
            found = session.scalars(sa.select(Automation)).one()
            commands.edit(session, found, typed, by=here.by, now=utc_now())

    read = carried(colleague.get(f"{one}/approve").text)
    save(2)
    refused = colleague.post(f"{one}/approve", data=read)
    assert refused.status_code == 409
    assert "The words changed while you read them" in refused.text
    assert "Words 2, as long" in refused.text
    assert colleague.post(f"{one}/approve", data=carried(refused.text)).status_code == 303
    read = carried(organizer.get(f"{one}/on").text)
    save(3)
    assert colleague.post(f"{one}/approve", data={"version": "3"}).status_code == 303
    refused = organizer.post(f"{one}/on", data=read)
    assert refused.status_code == 409
    assert "It is still off; review it again." in refused.text
    assert organizer.post(f"{one}/on", data=carried(refused.text)).status_code == 303


def test_who_may_not_approve_reads_who_does(signed_in: SignIn) -> None:
    here = there()
    one = drafted(here, Kind.WELCOME)
    with transaction() as session:
        viewer = builders.member(session, here.lead, role=Role.VIEWER, email="viewer@lead.example")
        second = builders.member(session, here.lead, email="second@lead.example")
        session.get_one(type(here.coalition), here.coalition.id).other_organization_approves = True
    for account, said in ((viewer, "another organization than"), (second, "another organization than")):
        page = signed_in(account).get(f"{one}/approve").text
        assert said in page
        assert "Approve these words" not in page
