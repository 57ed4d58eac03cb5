"""The pages, as people with different roles find them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.models import Account
from app.core import db
from app.core.clock import utc_now
from app.core.text import digest
from app.statements import queries
from app.statements.commands import Freezing, NewRevision, freeze, save_revision
from app.statements.models import Statement, StatementState
from tests.statements.builders import Scene, scene
from tests.statements.texts import HOSTILE, PLAIN

SignIn = Callable[[Account], FlaskClient]
HERE = "/work/coalition-for-open-faces/statements/vote-for-the-ordinance"
NEW = "/work/coalition-for-open-faces/campaigns/end-police-face-recognition/statements/new"
PAGES = ["", "/edit", "/answer", "/suggest", "/comment", "/revisions", "/revisions/1", "/freeze", "/open", "/extend"]


@pytest.fixture
def there(database: Flask) -> Scene:
    """A committed draft."""
    with db.transaction() as session:
        return scene(session)


def now_is(there: Scene) -> tuple[StatementState, int, str | None]:
    with db.reading() as session:
        row = session.get_one(Statement, there.statement.id)
        return row.state, row.head_number, row.digest


def head_text(there: Scene) -> str:
    with db.reading() as session:
        return queries.head_of(session, session.get_one(Statement, there.statement.id)).text


def change(there: Scene, text: str) -> None:
    with db.transaction() as session:
        statement = session.get_one(Statement, there.statement.id)
        entry = NewRevision(text=text, based_on=statement.head_number)
        save_revision(session, statement, entry, by=there.drafter, now=utc_now())


def follow(browser: FlaskClient, answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.headers["Location"])
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_its_organizer_and_for_nobody_else(there: Scene, signed_in: SignIn, page: str) -> None:
    assert signed_in(there.people["organizer"]).get(HERE + page).status_code == 200
    assert signed_in(there.people["stranger"]).get(HERE + page).status_code == 404


@pytest.mark.parametrize("page", ["", "/edit", "/freeze"])
def test_without_signing_in_the_way_leads_to_the_sign_in(there: Scene, client: FlaskClient, page: str) -> None:
    assert client.get(HERE + page).headers["Location"].startswith("/sign-in?next=")


def test_a_member_reads_but_is_offered_only_what_it_may_do(there: Scene, signed_in: SignIn) -> None:
    viewer = signed_in(there.people["viewer"])

    shown = viewer.get(HERE).text

    assert "We ask you to vote" in shown
    assert f"{HERE}/edit" not in shown
    assert f"{HERE}/review" not in shown
    assert viewer.get(f"{HERE}/edit").status_code == 403
    assert viewer.post(f"{HERE}/review").status_code == 403


def test_an_organizer_starts_a_statement_and_finds_it_in_the_list(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])

    refused = browser.post(NEW, data={"title": "", "text": "Kept words."})
    page = follow(browser, browser.post(NEW, data={"title": "A second letter", "text": PLAIN}))

    assert refused.status_code == 422
    assert "Kept words." in refused.text
    assert "Error:" in refused.text
    assert "Saved as revision 1." in page
    assert "A second letter" in browser.get("/work/coalition-for-open-faces/statements").text


def test_the_whole_way_from_draft_to_open(there: Scene, signed_in: SignIn) -> None:
    organizer, signatory = signed_in(there.people["organizer"]), signed_in(there.people["signatory"])

    follow(organizer, organizer.post(f"{HERE}/review"))
    assert "Answer for Northwest Privacy Alliance" in signatory.get(HERE).text
    consent = {"answer": "consent", "words": "", "revision": "1"}
    assert "Northwest Privacy Alliance consents" in follow(signatory, signatory.post(f"{HERE}/answer", data=consent))
    assert digest(PLAIN) in organizer.get(f"{HERE}/freeze").text
    follow(organizer, organizer.post(f"{HERE}/freeze", data={"number": "1"}))
    follow(organizer, organizer.post(f"{HERE}/freeze", data={"number": "1"}))
    proposed = dict(re.findall(r'name="(deadline_\w+)" type="\w+" value="([^"]+)"', organizer.get(f"{HERE}/open").text))
    assert proposed["deadline_time"] == "17:00"
    follow(organizer, organizer.post(f"{HERE}/open", data=proposed))
    opened = follow(organizer, organizer.post(f"{HERE}/open", data=proposed))

    assert "Open for sign-on until" in opened
    assert now_is(there) == (StatementState.OPEN, 1, digest(PLAIN))
    later = {**proposed, "deadline_time": "17:30"}
    assert "5:30 PM" in follow(organizer, organizer.post(f"{HERE}/extend", data=later))
    assert organizer.post(f"{HERE}/extend", data=proposed).status_code == 422


def test_saving_keeps_a_revision_and_saving_it_again_says_so(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["drafter"])
    data = {"text": PLAIN.replace("vote for", "pass"), "based_on": "1", "note": "Stronger"}

    assert "Saved as revision 2." in follow(browser, browser.post(f"{HERE}/edit", data=data))
    assert "nothing was saved again" in follow(browser, browser.post(f"{HERE}/edit", data=data))
    assert now_is(there)[1] == 2
    assert "Stronger" in browser.get(f"{HERE}/revisions").text


def test_two_tabs_on_different_passages_are_merged(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])
    change(there, PLAIN.replace("the council", "the King County Council"))
    stale = {"text": PLAIN.replace("publish your answer", "print your answer"), "based_on": "1"}

    page = follow(browser, browser.post(f"{HERE}/edit", data=stale))

    assert "your changes and theirs are both in the text" in page
    assert "King County Council" in head_text(there)
    assert "print your answer" in head_text(there)


def test_two_tabs_on_one_passage_show_both_and_the_second_try_saves(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])
    change(there, PLAIN.replace("vote for", "reject"))
    stale = {"text": PLAIN.replace("vote for", "adopt"), "based_on": "1", "note": "My note"}

    both = browser.post(f"{HERE}/edit", data=stale)

    assert both.status_code == 409
    assert "<del>vote" in both.text
    assert "adopt" in both.text
    assert "reject" in both.text
    assert 'name="based_on" value="2"' in both.text
    assert "My note" in both.text
    again = browser.post(f"{HERE}/edit", data={**stale, "based_on": "2"})
    assert "Saved as revision 3." in follow(browser, again)


def test_an_edit_after_freezing_is_refused_with_the_typed_words_on_the_page(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["drafter"])
    with db.transaction() as session:
        statement = session.get_one(Statement, there.statement.id)
        freeze(session, statement, Freezing(number=1), by=there.organizer, now=utc_now())

    refused = browser.post(f"{HERE}/edit", data={"text": "My careful words.", "based_on": "1"})

    assert refused.status_code == 409
    assert "My careful words." in refused.text
    assert "were frozen on" in refused.text
    assert now_is(there)[1] == 1
    assert "cannot change any more" in browser.get(f"{HERE}/edit").text


def test_a_freeze_of_a_revision_that_was_overtaken_shows_the_new_words(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])
    change(there, "Entirely other words.")

    refused = browser.post(f"{HERE}/freeze", data={"number": "1"})

    assert refused.status_code == 409
    assert "Revision 2 was saved while you read revision 1." in refused.text
    assert "Entirely other words." in refused.text
    assert now_is(there)[2] is None


def test_a_text_over_100_000_characters_is_refused_and_kept_on_the_page(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["drafter"])

    refused = browser.post(f"{HERE}/edit", data={"text": "a" * 100_001, "based_on": "1"})

    assert refused.status_code == 422
    assert "Write at most 100,000 characters; this is 100,001." in refused.text
    assert "a" * 100_001 in refused.text


def test_markup_in_a_text_is_shown_and_never_run(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])
    change(there, HOSTILE)

    preview = browser.post("/work/preview", data={"text": HOSTILE}).text
    for shown in (preview, *(browser.get(HERE + page).text for page in PAGES)):
        assert "<script>alert" not in shown
        assert 'href="javascript' not in shown
        assert "<img" not in shown
        assert "\u202e" not in shown or shown is preview


def test_the_preview_is_for_people_who_are_signed_in(client: FlaskClient) -> None:
    assert client.post("/work/preview", data={"text": "x"}).status_code == 303


def test_suggestions_and_comments_go_from_page_to_revision(there: Scene, signed_in: SignIn) -> None:
    signatory, drafter = signed_in(there.people["signatory"]), signed_in(there.people["drafter"])
    words = {"passage": "ordinance before you", "replacement": "ban before you", "reason": ""}

    gone = signatory.post(f"{HERE}/suggest", data={**words, "passage": "not there"})
    page = follow(signatory, signatory.post(f"{HERE}/suggest", data=words))
    follow(signatory, signatory.post(f"{HERE}/comment", data={"body": "Who says so?", "passage": ""}))
    number = re.findall(r"/suggestions/(\d+)/withdraw", page)[0]
    accepted = follow(drafter, drafter.post(f"{HERE}/suggestions/{number}/decide", data={"accept": "yes"}))

    assert gone.status_code == 422
    assert "not there" in gone.text
    assert "now revision 2" in accepted
    assert "Who says so?" in accepted
    assert "ban before you" in head_text(there)
    late = drafter.post(f"{HERE}/suggestions/{number}/decide", data={"accept": "no"})
    assert (late.status_code, "already accepted" in late.text) == (409, True)


def test_a_revision_is_compared_and_restored(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["drafter"])
    change(there, PLAIN.replace("vote for", "pass"))
    change(there, PLAIN.replace("vote for", "adopt"))

    assert "<ins>adopt" in browser.get(f"{HERE}/revisions/3?against=1").text
    assert browser.get(f"{HERE}/revisions/3?against=junk").status_code == 200
    data = {"number": "1", "based_on": "3"}
    assert "as revision 4" in follow(browser, browser.post(f"{HERE}/revisions/1/restore", data=data))


@pytest.mark.parametrize(
    "path",
    ["/revisions/0", "/revisions/9", f"/revisions/{10**30}", "/revisions?before=junk", f"/revisions?before={10**30}"],
)
def test_addresses_that_nobody_made_are_answered_calmly(there: Scene, signed_in: SignIn, path: str) -> None:
    assert signed_in(there.people["viewer"]).get(HERE + path).status_code in {200, 404}


def test_a_statement_is_not_found_under_another_coalition(there: Scene, signed_in: SignIn) -> None:
    browser = signed_in(there.people["organizer"])

    assert browser.get("/work/another/statements/vote-for-the-ordinance").status_code == 404
    assert browser.get("/work/coalition-for-open-faces/statements/nothing").status_code == 404
