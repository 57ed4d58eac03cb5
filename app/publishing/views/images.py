"""The pictures that show when a public page is shared."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from app.campaigns.queries import public_campaign
from app.core.db import reading
from app.petitions.queries import public_petition
from app.press.card import draw_card
from app.press.letter import DEMO_LETTER, DEMO_REPORT
from app.publishing.queries import public as queries
from app.publishing.views.shared import blueprint, kept, known_already
from app.targets.rules import spoken
from app.web.security import public

DEMONSTRATION = "Demonstration. No organization has signed anything here."


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


@blueprint.get("/campaigns/<slug>/share.png")
@public
def campaign_card(slug: str) -> ResponseReturnValue:
    """The demand in its few words, and whom it is on."""
    with reading() as session:
        found = public_campaign(session, slug)
        coalition, to = found.coalition, spoken(found.targets)
        line = f"To {to}" if to else "A campaign"
        words = (found.title, coalition.name, line, DEMONSTRATION if coalition.is_demo else "")
    return _card(words)


@blueprint.get("/c/<slug>/share.png")
@public
def coalition_card(slug: str) -> ResponseReturnValue:
    """The coalition's name, and how many work together."""
    with reading() as session:
        found, _ = queries.public_coalition(session, slug)
        count = len(queries.members(session, found.id))
        line = f"{count:,} organizations work together" if count > 1 else "A coalition"
        words = (found.name, "Undersigned", line, DEMONSTRATION if found.is_demo else "")
    return _card(words)


@blueprint.get("/share.png")
@public
def site_card() -> ResponseReturnValue:
    """What this place is."""
    return _card(("We, the undersigned", "Undersigned", "Joint letters you can check", ""))


def _card(words: tuple[str, str, str, str]) -> Response:
    title, author, line, notice = words
    body = b"" if known_already("card", *words) else draw_card(title, author, line, notice=notice)
    response = kept(Response(body, mimetype="image/png"), "card", *words, seconds=600)
    # Other sites show it: that is what it is for.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
