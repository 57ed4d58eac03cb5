"""The blueprint that every page of the post office hangs on, the way between its pages, and a letter shown as HTML."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from app.web.security import as_letter, at_the_machine
from config.settings import Settings

blueprint = Blueprint("mail", __name__)


def settings() -> Settings:
    """This installation's settings."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def nav() -> list[dict[str, object]]:
    """The pages of the post office, for the head of each."""
    pages = [
        ("Outgoing mail", "/operator/mail"),
        ("Letters", "/operator/letters"),
        ("Sending domain", "/operator/mail/check"),
    ]
    if current_app.config["SHOW_DEV_MAIL"] and at_the_machine():
        pages.append(("Written letters", "/dev/mail"))
    return [{"label": label, "href": href, "current": request.path == href} for label, href in pages]


def as_html(html: str) -> Response:
    """A letter as a mail reader shows it, under a policy of its own; a link in it tells nobody where it stood."""
    response = as_letter(Response(html, mimetype="text/html"))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
