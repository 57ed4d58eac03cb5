"""Every page in every state, every form after a mistake, every letter: axe, width, scripts, policy, cookies, weight.

One stage for all of it: playing the demonstration takes longer than looking at it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, Response, expect

from app import create_app
from app.accounts.models import Account
from app.core import db
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.demo.stage import person
from app.jobs.models import WorkerBeat
from config.settings import Settings
from tests.browser import looks, mistakes, scenes, states, troubles
from tests.browser.conftest import served, settled
from tests.conftest import emptied
from tests.mail.test_every_letter import BOTH, LETTERS, sent

if TYPE_CHECKING:
    from tests.browser.conftest import Complaints

OpenPage = Callable[..., Page]
HEAVIEST = 60_000


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of all these tests."""
    return settled(database_url, Path(tmp_path_factory.mktemp("stage")))


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    """One application for all these tests."""
    application = create_app(settings)
    application.config["TESTING"] = True
    yield application
    emptied()
    db.dispose()


@pytest.fixture(scope="module")
def site(app: Flask, settings: Settings) -> Iterator[str]:
    """One server for all these tests."""
    with served(app, settings):
        yield settings.base_url


@pytest.fixture(scope="module")
def stage(app: Flask, site: str) -> tuple[scenes.Stage, states.States, Account]:
    """The played demonstration, what it does not show, and a member who organizes nothing."""
    played, more = scenes.played(), states.set_up()
    with reading() as session:
        member = person(session, states.INGRID)
    assert member is not None
    return played, more, member


def seen(page: Page, paths: list[str]) -> dict[str, list[str]]:
    """What is wrong with each page."""
    found = {}
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == (410 if path.endswith("/stale") else 200), path
        if faults := looks.faults(page):
            found[path] = faults
    return found


def test_public_pages_are_accessible_in_every_light_and_width(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    """The browser's complaints (errors, policy, strangers, missing files) fail each of these tests by its fixture."""
    played, more, _ = stage
    assert seen(open_page("/healthz"), played.public + more.public + played.links + more.links) == {}


def test_pages_that_promise_a_letter_are_accessible_while_letters_leave_too(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    """Where no worker runs, as in every other test here, they say that the letter has to wait."""
    paths = [*(one for one in stage[0].links if one.endswith("/thanks")), "/sign-in/sent", "/password/forgotten/sent"]
    assert len(paths) == 3
    with transaction() as session:
        session.add(WorkerBeat(name="here", started_at=utc_now(), seen_at=utc_now()))
    try:
        page = open_page("/healthz")
        assert seen(page, paths) == {}
        for path in paths:
            page.goto(path)
            expect(page.locator("h1")).to_have_text(re.compile("look into your mailbox", re.IGNORECASE))
            expect(page.locator("main")).not_to_contain_text("No letter leaves")
    finally:
        with transaction() as session:
            session.execute(sa.delete(WorkerBeat).where(WorkerBeat.name == "here"))


def test_the_organizers_pages_are_accessible_in_every_light_and_width(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    played, more, _ = stage
    page = open_page("/healthz", by=played.organizer)
    assert seen(page, played.workroom + more.workroom) == {}


def test_a_coalition_with_nothing_in_it_says_what_to_do_first(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    played, more, _ = stage
    page = open_page("/healthz", by=played.organizer)
    assert seen(page, more.empty) == {}
    for path in more.teaching:
        page.goto(path)
        assert page.locator(".empty-title").count(), path
        assert len(page.locator(".empty").first.inner_text().split()) > 8, path


def test_pages_of_members_and_operators_are_accessible_in_every_light_and_width(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    played, more, member = stage
    found = seen(open_page("/healthz", by=member), more.member)
    found |= seen(open_page("/healthz", by=played.operator_account), played.operator)
    assert found == {}


def test_a_form_that_comes_back_says_what_to_mend_and_keeps_what_was_typed(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage, complaints: Complaints
) -> None:
    played, more, _ = stage
    complaints.allowed.add(422)
    pages = {False: open_page("/healthz"), True: open_page("/healthz", by=played.organizer)}
    for mistake in mistakes.all_of(played, more):
        page = pages[mistake.signed_in]
        mistake.make(page)
        mistake.check(page)
        assert looks.faults(page) == [], mistake.path


def test_every_letter_is_readable_in_every_light_and_width(chromium: Browser, app: Flask) -> None:
    page = chromium.new_page()
    found = {}
    for template, language in itertools.product(LETTERS, BOTH):
        page.set_content(sent(template, language, demo=True)[0].html)
        if faults := looks.faults(page):
            found[template, language] = faults
    page.close()
    assert found == {}


def test_pages_that_only_trouble_brings_up_are_accessible_in_every_light_and_width(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage, complaints: Complaints
) -> None:
    played, more, _ = stage
    rare = troubles.set_up(more.base)
    complaints.allowed.add(410)
    page = open_page("/healthz", by=played.organizer)
    found = seen(open_page("/healthz"), rare.public) | seen(page, rare.workroom + rare.untouched + rare.teaching)
    found |= seen(open_page("/healthz", by=played.operator_account), ["/home", "/operator/mail"])
    assert found == {}
    page.goto("/home")
    for said in ("not delivered", "did not arrive", "have not answered", "did not sign"):
        assert said in page.locator(".todo").inner_text(), said
    for path in rare.teaching:
        page.goto(path)
        assert page.locator(".empty-title").count(), path


def test_two_who_changed_one_passage_are_shown_both_and_the_page_is_accessible(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage, complaints: Complaints
) -> None:
    played, more, member = stage
    complaints.allowed.add(409)
    pages = [open_page(f"{more.drafting}/edit", by=person) for person in (member, played.organizer)]
    for page, words in zip(pages, ("and their contractors", "and their sheriffs"), strict=True):
        text = page.locator("[name=text]")
        text.fill(text.input_value().replace(states.PASSAGE, f"{states.PASSAGE} {words}"))
        page.locator("form:has([name=text]) button[type=submit]").last.click()
    second = pages[1]
    second.wait_for_selector("#both")
    assert "and their contractors" in second.locator("#theirs ~ div").inner_text()
    assert "and their sheriffs" in second.locator("#mine ~ div").inner_text()
    assert looks.faults(second) == []


def note_size(sizes: dict[str, int], answer: Response) -> None:
    answer.finished()
    sizes[answer.url] = answer.request.sizes()["responseBodySize"]


def test_public_pages_are_light_and_set_no_cookie(
    stage: tuple[scenes.Stage, states.States, Account], open_page: OpenPage
) -> None:
    for path in stage[0].public:
        page = open_page("/healthz")
        sizes: dict[str, int] = {}
        page.on("response", functools.partial(note_size, sizes))
        page.goto(path)
        page.wait_for_load_state("networkidle")
        weight = sum(size for url, size in sizes.items() if "/fonts/" not in url)
        assert weight < HEAVIEST, (path, sizes)
        assert len([url for url in sizes if ".css" in url]) == 1
        assert len([url for url in sizes if ".js" in url]) <= 1
        assert page.context.cookies() == []
