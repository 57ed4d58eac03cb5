"""An automated letter from its draft to on and off again, by two people, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.automations.models import Kind
from app.core.db import transaction
from tests.automations.builders import written
from tests.browser import looks
from tests.petitions.builders import Scene, there

OpenPage = Callable[..., Page]


def drafted(kind: Kind) -> tuple[Scene, str]:
    """A draft of the organizer's, and its page."""
    here = there()
    with transaction() as session:
        ident = written(session, here, kind).id
    return here, f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/automation/{ident}"


def test_approving_and_switching_need_no_script_and_no_mouse(open_page: OpenPage) -> None:
    here, one = drafted(Kind.REMINDER)
    second = open_page(one, by=here.colleague, scripts=False, phone=True)
    second.get_by_role("link", name="Review and approve").press("Enter")
    expect(second.get_by_role("heading", level=1)).to_have_text("Review before approving")
    expect(second.frame_locator(".letter-frame").locator("body")).to_contain_text("Hello Ewa,")
    second.get_by_role("button", name="Approve these words").press("Enter")
    expect(second.locator("main")).to_contain_text("Approved. It can be switched on now.")

    page = open_page(one, by=here.organizer, scripts=False, phone=True)
    page.get_by_role("link", name="Review and switch it on").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review before switching it on")
    page.get_by_role("button", name="Switch it on").press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_have_text("It is on")
    page.get_by_role("link", name="Switch it off").press("Enter")
    expect(page.locator("main")).to_contain_text("None of its letters waits to leave")
    page.get_by_role("button", name="Switch it off").press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_have_text("It is off")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_screens_of_approving_and_switching_are_accessible_in_every_light(open_page: OpenPage, kind: Kind) -> None:
    here, one = drafted(kind)
    found: dict[str, list[str]] = {}

    def look(page: Page, path: str) -> None:
        page.goto(path)
        if faults := looks.faults(page):
            found[path] = faults

    second, page = open_page("/healthz", by=here.colleague), open_page("/healthz", by=here.organizer)
    look(second, f"{one}/approve")
    second.get_by_role("button", name="Approve these words").click()
    second.wait_for_url(f"**{one}")
    look(page, f"{one}/on")
    page.get_by_role("button", name="Switch it on").click()
    page.wait_for_url(f"**{one}")
    look(page, one)
    look(page, f"{one}/off")
    assert found == {}
