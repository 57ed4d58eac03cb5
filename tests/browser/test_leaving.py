"""Leaving a sender by the button, seeing every answer, and taking it back, on a phone without scripts."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.core.clock import utc_now
from app.supporters.rules import unsubscribe_path
from tests.browser import looks
from tests.browser.test_departing import keep
from tests.supporters.test_leaving import there

OpenPage = Callable[..., Page]


def test_who_presses_by_mistake_finds_the_way_back(open_page: OpenPage) -> None:
    here = there()
    page = open_page(unsubscribe_path(here.supporter.id, here.sender.id, utc_now()), phone=True)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        if faults := looks.faults(page):
            found[name] = faults
        keep(page, f"leaving-{name.lower().replace(' ', '-')}")

    look("Stop these letters")
    page.get_by_role("button", name="Stop updates from").press("Enter")
    look("You left")
    page.get_by_role("button", name="write to me again").press("Enter")
    look("You stay")
    page.get_by_role("link", name="See and change every answer you gave").press("Enter")
    expect(page.locator("main")).to_contain_text("Open Streets")
    assert found == {}
