"""A petition's automated letters side by side, and one letter's page with what became of what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, make_response
from flask.typing import ResponseReturnValue

from app.automations import commands, queries
from app.automations.models import Kind
from app.automations.views.frame import ONE, ROOT, about, around, as_ewa, blueprint, has_districts
from app.broadcasts.rules import findings
from app.coalitions.queries import organizations_acting
from app.core.db import reading
from app.core.errors import NotFound
from app.mail import render
from app.petitions.queries import petition_for
from app.web.pages import page
from app.web.security import actor, as_letter, signed_in, with_frames

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.automations.models import Automation
    from app.petitions.models import Petition


@blueprint.get(ROOT)
@signed_in
def automations(coalition: str, slug: str) -> ResponseReturnValue:
    """What writes itself under this petition, and what could."""
    with reading() as session:
        petition = petition_for(session, slug, by=actor(), coalition=coalition)
        found = queries.automations_of(session, petition.id)
        written = {one.organization_id for one in found if one.is_welcome}
        own = _writes_for(session, petition, Kind.WELCOME)
        return page(
            "automations/index.html",
            coalition=petition.campaign.coalition,
            demo=petition.campaign.coalition.is_demo,
            petition=petition,
            reminder=next((one for one in found if not one.is_welcome), None),
            welcomes=[one for one in found if one.is_welcome],
            figures={one.id: queries.figures(session, one) for one in found},
            may_remind=bool(_writes_for(session, petition, Kind.REMINDER)),
            unwritten=[ask.organization for ask in petition.asks if ask.organization_id not in written],
            own=own,
        )


@blueprint.get(ONE)
@signed_in
def automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """One letter: its switch, its one next act, its words as a reader gets them, and its numbers."""
    by = actor()
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        readers = commands.approvers(session, found)
        letter, districts = as_ewa(session, found), has_districts(session, found)
        known = about(found) | {
            "figures": queries.figures(session, found),
            "may_write": _may_write(session, found),
            "may_approve": any(one.id == by.account_id for one in readers),
            "somebody_may_approve": bool(readers),
        }
    # Rendered and asked outside of the transaction: the check of links opens pages of its own.
    said = findings(found.subject, found.body, around(found, letter, has_districts=districts))
    rendered = render.render(letter)
    shown = page("automations/show.html", findings=said, letter=rendered, **known)
    return with_frames(make_response(shown))


@blueprint.get(f"{ONE}/html")
@signed_in
def automation_html(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The HTML of the letter alone, under the policy of letters."""
    with reading() as session:
        letter = as_ewa(session, queries.automation_for(session, coalition, slug, ident, by=actor()))
    html = render.render(letter).html
    if not html:
        raise NotFound
    return as_letter(Response(html, mimetype="text/html"), framed=True)


def _writes_for(session: Session, petition: Petition, kind: Kind) -> list[int]:
    acting = organizations_acting(session, petition.campaign.coalition_id, by=actor(), right=commands.RIGHTS[kind])
    return [one.id for one in acting]


def _may_write(session: Session, found: Automation) -> bool:
    acting = _writes_for(session, found.petition, found.kind)
    return found.organization_id in acting if found.is_welcome else bool(acting)
