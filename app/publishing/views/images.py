"""The pictures that show when a letter or a petition is shared."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from app.core.db import reading
from app.petitions.queries import public_petition
from app.press.card import draw_card
from app.press.letter import DEMO_LETTER, DEMO_REPORT
from app.publishing.queries import public as queries
from app.publishing.views.shared import blueprint, kept, known_already
from app.web.security import public


@blueprint.get("/statements/<slug>/share.png")
@public
def statement_card(slug: str) -> ResponseReturnValue:
    """Title, coalition, and how many organizations stand under it."""
    with reading() as session:
        found = queries.letter(session, slug)
        coalition, count = found.coalition, found.count
        line = (
            "Read the letter"
            if not count
            else f"{count:,} {'organization has' if count == 1 else 'organizations have'} signed"
        )
        words = (found.statement.title, coalition.name, line, DEMO_LETTER if coalition.is_demo else "")
    return _card(words)


@blueprint.get("/petitions/<slug>/share.png")
@public
def petition_card(slug: str) -> ResponseReturnValue:
    """Title, coalition, and how many people have signed."""
    with reading() as session:
        found = public_petition(session, slug)
        coalition, count = found.campaign.coalition, found.counted
        line = "Sign the petition" if not count else f"{count:,} {'person has' if count == 1 else 'people have'} signed"
        words = (found.title, coalition.name, line, DEMO_REPORT if coalition.is_demo else "")
    return _card(words)


def _card(words: tuple[str, str, str, str]) -> Response:
    title, author, line, notice = words
    body = b"" if known_already("card", *words) else draw_card(title, author, line, notice=notice)
    response = kept(Response(body, mimetype="image/png"), "card", *words, seconds=600)
    # Other sites show it: that is what it is for.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
