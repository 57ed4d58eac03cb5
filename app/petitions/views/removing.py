"""Taking one signature off the count: what it says, and a reason that stays with it."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.petitions import commands, queries
from app.petitions.views.base import blueprint
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in


@blueprint.get("/work/<coalition>/petitions/<slug>/signatures/<int:ident>/remove")
@signed_in
def removing(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The words, and what removing them does."""
    with reading() as session:
        found = queries.signature_for(session, slug, ident, by=actor(), coalition=coalition)
        ours = found.petition.campaign.coalition
        return page(
            "petitions/remove.html",
            coalition=ours,
            demo=ours.is_demo,
            petition=found.petition,
            signature=found,
            form=form_state(),
        )


@blueprint.post("/work/<coalition>/petitions/<slug>/signatures/<int:ident>/remove")
@signed_in
@redisplays(removing)
def remove(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Take it off."""
    by, entry = actor(), posted(commands.Removal)
    with transaction() as session:
        found = queries.signature_for(session, slug, ident, by=by, coalition=coalition)
        commands.invalidate(session, found, entry, by=by, now=utc_now())
    return see_other(f"/work/{coalition}/petitions/{slug}", "The signature is taken off the count; the reason is kept.")
