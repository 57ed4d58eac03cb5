from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Account
from tests.campaigns.builders import Scene, committed

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def given(database: object) -> Scene:
    return committed()


def test_an_upload_names_each_line_that_was_not_taken(given: Scene, signed_in: SignIn) -> None:
    browser, path = signed_in(given.organizer), f"/work/{given.coalition.slug}/targets/import"
    body = b"name,kind\nIBM,company\nMeta,shop\n"

    shown = browser.post(path, data={"file": (io.BytesIO(body), "targets.csv")})
    assert shown.status_code == 200
    assert "1 added" in shown.text
    assert "kind: Write company" in shown.text
    again = browser.post(path, data={"file": (io.BytesIO(body), "targets.csv")})
    assert "1 as they were" in again.text
    nothing = browser.post(path, data={})
    picture = browser.post(path, data={"file": (io.BytesIO(b"\x89PNG\0"), "logo.csv")})
    assert (nothing.status_code, picture.status_code) == (422, 422)
    assert "Choose a CSV file." in nothing.text
    assert "This is not a CSV file." in picture.text


def test_an_organizer_adds_and_changes_a_target(given: Scene, signed_in: SignIn) -> None:
    browser, root = signed_in(given.organizer), f"/work/{given.coalition.slug}/targets"

    assert browser.post(f"{root}/new", data={"name": "IBM", "kind": "company", "email": "x"}).status_code == 422
    assert browser.post(f"{root}/new", data={"name": "IBM", "kind": "company", "parent_id": ""}).status_code == 303
    assert "No e-mail address" in browser.get(root).text
    saved = browser.post(f"{root}/ibm", data={"name": "IBM", "kind": "company", "email": "policy@ibm.example"})
    assert saved.status_code == 303
    assert "policy@ibm.example" in browser.get(root).text


def test_targets_are_organizers_to_change_and_no_strangers_to_see(given: Scene, signed_in: SignIn) -> None:
    root = f"/work/{given.coalition.slug}/targets"
    member, stranger = signed_in(given.member), signed_in(given.stranger)

    assert member.get(root).status_code == 200
    for path in ("/new", "/import", "/amazon-com"):
        assert member.get(root + path).status_code == 403
        assert stranger.get(root + path).status_code == 404
    assert stranger.get(root).status_code == 404
    assert member.post(f"{root}/amazon-com", data={"name": "Mine", "kind": "company"}).status_code == 403
