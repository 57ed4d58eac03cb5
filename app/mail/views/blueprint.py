"""The blueprint that every page of the post office hangs on, its settings, and a letter shown as HTML."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from app.web.security import as_letter
from config.settings import Settings

blueprint = Blueprint("mail", __name__)


def settings() -> Settings:
    """This installation's settings."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def as_html(html: str) -> Response:
    """A letter as a mail reader shows it, under a policy of its own; a link in it tells nobody where it stood."""
    response = as_letter(Response(html, mimetype="text/html"))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
