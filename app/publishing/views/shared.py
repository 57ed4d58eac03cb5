"""What public pages share: the blueprint, full addresses, and answers that a cache may keep and ask after."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.mail.render import house
from app.publishing.rules import etag

blueprint = Blueprint("publishing", __name__)


def absolute(path: str) -> str:
    """A path of this site with its host, as it stands in links that leave the site."""
    return f"{house().base_url}{path}"


def known_already(*parts: object) -> bool:
    """Whether the asker holds this state of the content."""
    return etag(*parts) in request.if_none_match


def kept(response: Response, *parts: object, seconds: int = 300) -> Response:
    """An answer whose state is named by ``parts``, so that a cache asks whether it changed instead of fetching it."""
    response.set_etag(etag(*parts))
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.make_conditional(request)
    return response
