"""The way between an operator's pages, on each of them and whichever room made it, and the way to them."""

from __future__ import annotations

from flask import Flask, current_app, request

from app.web.security import at_the_machine

PAGES = (
    ("Outgoing mail", "/operator/mail"),
    ("Updates to many", "/operator/mailings"),
    ("What comes back", "/operator/returns"),
    ("Closed addresses", "/operator/suppressions"),
    ("Stray replies", "/operator/replies"),
    ("Sending domain", "/operator/mail/check"),
    ("Letters", "/operator/letters"),
)
WRITTEN = ("Written letters", "/dev/mail")


def operators_pages() -> list[dict[str, object]]:
    """The operator's pages as ``{label, href, current}`` while one of them is shown; empty on every other page."""
    if not _within("/operator", request.path) and not _within(WRITTEN[1], request.path):
        return []
    pages = [*PAGES, *([WRITTEN] if current_app.config["SHOW_DEV_MAIL"] and at_the_machine() else [])]
    # The page of one letter lies under the list of letters, and so does the check of the domain: the longest fits.
    here = max((href for _, href in pages if _within(href, request.path)), key=len, default="")
    return [{"label": label, "href": href, "current": href == here} for label, href in pages]


def _within(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def install(app: Flask) -> None:
    """Let the workroom's layout ask for these pages."""
    app.jinja_env.globals.update(operators_pages=operators_pages)
