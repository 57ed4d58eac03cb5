from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.campaigns import queries
from app.core.db import reading, transaction
from tests.campaigns.builders import Scene, committed, promise

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def given(database: object) -> Scene:
    return committed(live=False)


def work(given: Scene, path: str = "") -> str:
    return f"/work/{given.coalition.slug}/campaigns/{given.campaign.slug}{path}"


def test_an_organizer_starts_a_campaign_and_nothing_typed_is_lost(given: Scene, signed_in: SignIn) -> None:
    browser, new = signed_in(given.organizer), f"/work/{given.coalition.slug}/campaigns/new"

    refused = browser.post(new, data={"title": "", "demand": "Stop <b>now</b>.", "targets": str(given.amazon.id)})
    assert refused.status_code == 422
    assert "Stop &lt;b&gt;now&lt;/b&gt;." in refused.text
    assert f'value="{given.amazon.id}" checked' in refused.text
    made = browser.post(new, data={"title": "Stop now", "demand": "Stop.", "targets": str(given.amazon.id)})
    assert made.headers["Location"] == f"/work/{given.coalition.slug}/campaigns/stop-now"
    assert "Amazon.com" in browser.get(made.headers["Location"]).text


def test_the_way_of_a_campaign_through_its_pages(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.organizer)
    fields = {
        "target_id": str(given.amazon.id),
        "headline": "One-year moratorium",
        "made_on": "2020-06-10",
        "expires_on": "",
        "state": "announced",
        "source": "news agency report",
    }

    assert browser.post(work(given, "/live")).status_code == 303
    assert browser.post(work(given, "/commitments/new"), data={**fields, "made_on": "soon"}).status_code == 422
    assert browser.post(work(given, "/commitments/new"), data=fields).status_code == 303
    change = {"state": "extended", "on": "2021-05-18", "expires_on": "", "source": "news agency report"}
    assert browser.post(work(given, "/commitments/1/change"), data=change).status_code == 303
    member = signed_in(given.member)
    assert member.post(work(given, "/commitments/1/reaction"), data={"quote": ""}).status_code == 422
    words = {"quote": "End it entirely.", "organization_id": str(given.partner.id)}
    assert member.post(work(given, "/commitments/1/reaction"), data=words).status_code == 303
    assert "End it entirely." in member.get(work(given, "/commitments/1/reaction")).text

    shown = browser.get(work(given)).text
    assert "until further notice" in shown
    assert "American Civil Liberties Union" in shown
    assert browser.post(work(given, "/finish"), data={"outcome": "won"}).status_code == 303
    assert browser.post(work(given, "/live")).status_code == 409


def test_a_member_reads_but_does_not_organize(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.member)

    assert browser.get(work(given)).status_code == 200
    assert browser.get(f"/work/{given.coalition.slug}/campaigns").status_code == 200
    for path in ("/edit", "/commitments/new"):
        assert browser.get(work(given, path)).status_code == 403
        assert browser.post(work(given, path), data={"title": "x", "demand": "x"}).status_code in {403, 422}
    assert browser.post(work(given, "/live")).status_code == 403


def test_a_stranger_finds_no_campaign_and_no_reaction_form(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        promise(session, given)
    browser = signed_in(given.stranger)

    for path in ("", "/edit", "/commitments/new", "/commitments/1/change", "/commitments/1/reaction"):
        assert browser.get(work(given, path)).status_code == 404
    words = {"quote": "We object.", "organization_id": str(given.partner.id)}
    assert browser.post(work(given, "/commitments/1/reaction"), data=words).status_code == 404
    with reading() as session:
        assert queries.timeline(session, given.campaign.id)[0].reactions == []


def test_nobody_speaks_for_another_group(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        promise(session, given)

    words = {"quote": "We love it.", "organization_id": str(given.partner.id)}
    assert signed_in(given.organizer).post(work(given, "/commitments/1/reaction"), data=words).status_code == 403
