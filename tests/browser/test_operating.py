"""An operator's pages in a real browser: their head stays small, because what is wrong stands below it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from app.core.db import transaction
from tests import builders
from tests.broadcasts.builders import stage

OpenPage = Callable[..., Page]
HEAD = """
() => {
    const bottom = name => document.querySelector(name).getBoundingClientRect().bottom;
    const tops = [...document.querySelectorAll(".work-nav li")].map(one => one.getBoundingClientRect().top);
    const above = Math.max(bottom(".wordmark"), bottom(".work-who-name"));
    return {lines: new Set(tops).size, below: Math.min(...tops) >= above};
}
"""


@pytest.mark.parametrize("here", ["/operator/mail", "/work/{slug}"])
def test_on_a_desktop_an_operator_s_head_takes_two_lines_the_pages_and_above_them_the_name(
    open_page: OpenPage, here: str
) -> None:
    with transaction() as session:
        there = stage(session)
        slug = there.campaign.coalition.slug
        olive = builders.member(session, there.lead, email="olive@host.example", name="Olive Operator-Longname")
        olive.is_operator = True
    page = open_page(here.format(slug=slug), by=olive)
    assert page.evaluate(HEAD) == {"lines": 1, "below": True}
