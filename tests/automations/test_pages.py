"""The pages of automated letters, from the empty state to the switch, and who may open them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.automations.models import Automation, Kind
from app.core.db import reading, transaction
from app.mail.models import Email
from tests import builders
from tests.automations.builders import running, words, written
from tests.petitions.builders import Scene, there

SignIn = Callable[[Account], FlaskClient]


def root(here: Scene) -> str:
    return f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/automation"


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
    assert organizer.post(f"{here_now}/on").status_code == 409
    assert organizer.post(f"{here_now}/approve", data={"version": "1"}).status_code == 409
    assert organizer.post(f"{here_now}/test").status_code == 303
    assert f'href="{here_now}"' in colleague.get("/home").get_data(as_text=True)
    assert f'href="{here_now}"' not in organizer.get("/home").get_data(as_text=True)
    assert colleague.post(f"{here_now}/approve", data={"version": "1"}).status_code == 303
    assert f'href="{here_now}"' not in colleague.get("/home").get_data(as_text=True)
    assert colleague.post(f"{here_now}/on").status_code == 403
    assert organizer.post(f"{here_now}/on").status_code == 303
    assert "It is on" in organizer.get(here_now).get_data(as_text=True)
    assert ">On<" in organizer.get(root(here)).get_data(as_text=True)
    assert organizer.post(f"{here_now}/off").status_code == 303
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
    for act in ("on", "off", "approve", "test"):
        assert browser.get(f"{one}/{act}").status_code == 405
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
    assert "Approve these words" in page
    assert "Send a test to me" not in page
    assert browser.get(f"{one}/edit").status_code == 403
    assert browser.post(f"{one}/test").status_code == 403
