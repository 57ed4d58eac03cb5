"""An operator's pages in a real browser: their head stays small, because what is wrong stands below it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.accounts.models import Account
from app.core.db import transaction
from tests import builders
from tests.broadcasts.builders import stage
from tests.browser import looks

OpenPage = Callable[..., Page]
HEAD = """
() => {
    const bottom = name => document.querySelector(name).getBoundingClientRect().bottom;
    const tops = [...document.querySelectorAll(".work-nav li")].map(one => one.getBoundingClientRect().top);
    const above = Math.max(bottom(".wordmark"), bottom(".work-who-name"));
    return {lines: new Set(tops).size, below: Math.min(...tops) >= above};
}
"""


def operator() -> tuple[Account, str]:
    """Somebody with a long name who runs the site and belongs to a coalition; its slug."""
    with transaction() as session:
        there = stage(session)
        olive = builders.member(session, there.lead, email="olive@host.example", name="Olive Operator-Longname")
        olive.is_operator = True
        return olive, there.campaign.coalition.slug


@pytest.mark.parametrize("here", ["/operator/mail", "/work/{slug}"])
def test_on_a_desktop_an_operator_s_head_takes_two_lines_the_pages_and_above_them_the_name(
    open_page: OpenPage, here: str
) -> None:
    olive, slug = operator()
    page = open_page(here.format(slug=slug), by=olive)
    assert page.evaluate(HEAD) == {"lines": 1, "below": True}


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_an_operator_s_pages_stand_in_one_line_and_each_is_reached_by_keyboard(
    open_page: OpenPage, *, scripts: bool
) -> None:
    olive, _ = operator()
    page = open_page("/operator/letters", by=olive, phone=True, scripts=scripts)
    assert page.evaluate(HEAD) == {"lines": 1, "below": True}
    assert page.evaluate("document.querySelector('.work-header').getBoundingClientRect().height") < 110
    assert looks.sideways(page) == 0
    last = page.locator(".work-nav").get_by_role("link", name="Letters", exact=True)
    if not scripts:
        expect(last).not_to_be_in_viewport(ratio=1)
        last.focus()
    expect(last).to_be_in_viewport(ratio=1)
