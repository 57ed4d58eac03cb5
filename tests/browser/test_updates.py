"""Choosing readers and looking at an update as one of them, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.accounts.models import Account
from app.broadcasts import commands
from app.core.clock import utc_now
from app.core.db import transaction
from tests.broadcasts.builders import WORDS, stage, supporter
from tests.broadcasts.test_choosing import SLUG, scene
from tests.browser import looks

OpenPage = Callable[..., Page]


def test_the_count_follows_what_is_typed(open_page: OpenPage) -> None:
    _, ident, robin, _ = scene()
    page = open_page(f"/work/{SLUG}/updates/{ident}/edit", by=robin)
    counted = page.locator("[data-reach]")
    expect(counted).to_contain_text("2 readers of 2")

    page.get_by_label("Country").fill("US")
    expect(counted).to_contain_text("1 reader of 2")
    expect(counted).to_contain_text("One person lives in another country")

    page.get_by_label("Council District 2").check()
    expect(counted).to_contain_text("0 readers of 2")

    page.get_by_label("Country").fill("")
    page.get_by_role("button", name="Count the readers").click()
    expect(counted).to_contain_text("1 reader of 2")
    assert page.url.endswith("/edit")


def test_without_scripts_the_button_counts(open_page: OpenPage) -> None:
    _, ident, robin, _ = scene()
    page = open_page(f"/work/{SLUG}/updates/{ident}/edit", by=robin, scripts=False)

    page.get_by_label("Country").fill("US")
    page.get_by_role("button", name="Count the readers").click()

    expect(page.locator("[data-reach]")).to_contain_text("1 reader of 2")
    expect(page.get_by_label("Country")).to_have_value("US")


def test_the_letter_stands_in_its_frame_and_the_pages_are_accessible(open_page: OpenPage) -> None:
    _, ident, robin, _ = scene()
    page = open_page(f"/work/{SLUG}/updates/{ident}/preview", by=robin)
    expect(page.frame_locator(".letter-frame").locator("body")).to_contain_text("Hello Ana,")
    found: dict[str, list[str]] = {}
    for path in (
        f"/work/{SLUG}/updates/{ident}/preview?q=ana",
        f"/work/{SLUG}/updates/{ident}/preview?width=phone",
        f"/work/{SLUG}/updates/{ident}/edit",
        f"/work/{SLUG}/updates/{ident}",
        f"/work/{SLUG}/settings",
        f"/work/{SLUG}/targets/council/districts",
    ):
        page.goto(path)
        if faults := looks.faults(page):
            found[path] = faults
    assert found == {}


def test_approving_needs_no_script_and_no_mouse_and_its_screen_is_accessible(open_page: OpenPage) -> None:
    with transaction() as session:
        there = stage(session)
        supporter(session, 1, yes=(there.lead,))
        ident = commands.compose(session, there.campaign, WORDS, by=there.robin, now=utc_now()).id
        dana = session.get_one(Account, there.dana.account_id)
    here = f"/work/{SLUG}/updates/{ident}"
    assert looks.faults(open_page(f"{here}/approve", by=dana)) == []
    page = open_page(here, by=dana, scripts=False, phone=True)
    page.get_by_role("link", name="Review and approve").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review before approving")
    expect(page.frame_locator(".letter-frame").locator("body")).to_contain_text("Hello Ewa,")
    page.get_by_role("button", name="Approve these words").press("Enter")
    expect(page.locator("main")).to_contain_text("Approved. Its sender can send it now.")
