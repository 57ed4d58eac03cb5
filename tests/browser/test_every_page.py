"""Every page of a played demonstration: axe, width, scripts, policy, cookies, weight."""

from __future__ import annotations

import functools
from collections.abc import Callable

from playwright.sync_api import Page, Response

from tests.browser import scenes

OpenPage = Callable[..., Page]
NARROW = 320
HEAVIEST = 60_000


def note_size(sizes: dict[str, int], answer: Response) -> None:
    sizes[answer.url] = len(answer.body())


def test_every_page_is_accessible_narrow_enough_and_quiet(
    site: str, open_page: OpenPage, axe: Callable[[Page], list[str]], sideways: Callable[[Page], int]
) -> None:
    """The browser's complaints (errors, policy, strangers, missing files) fail this test by its fixture."""
    stage = scenes.played()
    found: dict[str, list[str]] = {}
    for paths, person in (
        (stage.public + stage.links, None),
        (stage.workroom, stage.organizer),
        (stage.operator, stage.operator_account),
    ):
        for phone, dark in ((False, False), (True, True)):
            page = open_page("/healthz", phone=phone, dark=dark, by=person)
            for path in paths:
                answer = page.goto(path)
                assert answer is not None
                assert answer.status == 200, path
                faults = axe(page)
                if phone:
                    page.set_viewport_size({"width": NARROW, "height": 844})
                    faults += [f"{pixels} px too wide"] if (pixels := sideways(page)) > 0 else []
                    page.set_viewport_size({"width": 390, "height": 844})
                if faults:
                    found[f"{path} {'phone, dark' if phone else 'desktop, light'}"] = faults
    assert found == {}


def test_public_pages_are_light_and_set_no_cookie(site: str, open_page: OpenPage) -> None:
    stage = scenes.played()
    for path in stage.public:
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
