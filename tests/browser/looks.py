"""Looking at one loaded page in every light and width, without loading it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

DESKTOP, PHONE = 1280, 390
NARROW = 320  # what a desktop page becomes at a zoom of 400 percent
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
SHOWN = 6


def faults(page: Page) -> list[str]:
    """What is wrong with the page: every rule of axe on a light desktop and a dark phone, colors in all four."""
    page.evaluate(AXE_SCRIPT)
    found = []
    for width, dark, rules in (
        (DESKTOP, False, EVERYTHING),
        (DESKTOP, True, COLORS),
        (PHONE, True, EVERYTHING),
        (PHONE, False, COLORS),
    ):
        _shown_as(page, width, dark=dark)
        where = f"{width} px, {'dark' if dark else 'light'}"
        found += [f"{where}: {fault}" for fault in _axe(page, rules)]
    for width in (NARROW, PHONE, DESKTOP):
        _shown_as(page, width, dark=False)
        if (pixels := sideways(page)) > 0:
            found.append(f"{width} px: {pixels} px too wide")
    return found


def _shown_as(page: Page, width: int, *, dark: bool) -> None:
    size: ViewportSize = {"width": width, "height": 844}
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")


def _axe(page: Page, rules: object) -> list[str]:
    answer: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], elementRef: false})", rules
    )
    return [
        f"{fault['id']}: {fault['help']} at {[node['target'][0] for node in fault['nodes']][:SHOWN]}"
        for fault in answer["violations"]
    ]


def sideways(page: Page) -> int:
    """How many pixels the page must be scrolled sideways; nobody should."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
