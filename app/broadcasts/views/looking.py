"""The update as a real reader would get it: text and HTML side by side, at the width of a desk or a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from app.broadcasts import queries
from app.broadcasts.views.frame import ONE, blueprint, letter, sample
from app.core.db import reading
from app.core.errors import NotFound
from app.core.inputs import LARGEST_ID
from app.web.pages import page
from app.web.security import actor, as_letter, signed_in, with_frames

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broadcasts.models import Broadcast
    from app.broadcasts.rules import Field


@blueprint.get(f"{ONE}/preview")
@signed_in
def preview(coalition: str, ident: int) -> ResponseReturnValue:
    """``?reader=`` names whom to look over the shoulder, ``?after=`` asks for the next, ``?q=`` looks for somebody."""
    by, text = actor(), request.args.get("q", "").strip()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by)
        named = queries.may_see_addresses(session, broadcast, by=by)
        reader = _reader(session, broadcast) if named else None
        found = queries.readers_called(session, broadcast, text) if named and text else []
        values = _values(session, broadcast, reader)
        ours = broadcast.campaign.coalition
        _ = broadcast.organization
    shown = letter(broadcast, values, language=reader.language if reader else "en")
    answer = make_response(
        page(
            "broadcasts/preview.html",
            coalition=ours,
            demo=ours.is_demo,
            broadcast=broadcast,
            reader=reader,
            letter=shown,
            named=named,
            found=found,
            q=text if named else "",
            phone=request.args.get("width") == "phone",
        )
    )
    return with_frames(answer)


@blueprint.get(f"{ONE}/preview/html")
@signed_in
def preview_html(coalition: str, ident: int) -> ResponseReturnValue:
    """The HTML of the letter alone, under the policy of letters; ``?as=ewa`` leaves real readers out of it."""
    by, made_up = actor(), request.args.get("as") == "ewa"
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by)
        named = not made_up and queries.may_see_addresses(session, broadcast, by=by)
        reader = _reader(session, broadcast) if named else None
        values = _values(session, broadcast, reader)
        _ = broadcast.campaign.coalition, broadcast.organization
    html = letter(broadcast, values, language=reader.language if reader else "en").html
    if not html:
        raise NotFound
    return as_letter(Response(html, mimetype="text/html"), framed=True)


def _reader(session: Session, broadcast: Broadcast) -> queries.Reader | None:
    """Who is looked at; NotFound for somebody the update does not go to.

    Only for those who may see who the sender's supporters are: whether a number is found tells who said yes.
    """
    chosen, after = request.args.get("reader", type=int), request.args.get("after", 0, type=int)
    if max(chosen or 0, after) > LARGEST_ID:
        raise NotFound
    if chosen is not None:
        found = queries.reader(session, broadcast, chosen)
        if found is None:
            raise NotFound
        return found
    return queries.reader_after(session, broadcast, after)


def _values(session: Session, broadcast: Broadcast, reader: queries.Reader | None) -> dict[Field, str]:
    if reader is None:
        return sample(session, broadcast)
    return queries.values_for(session, broadcast, [reader.id])[reader.id]
