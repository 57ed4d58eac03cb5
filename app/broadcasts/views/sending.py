"""Sending an update, pausing, going on, stopping, and deciding about letters whose outcome nobody knows."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries
from app.broadcasts.views.frame import back, blueprint
from app.broadcasts.views.showing import update
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import transaction
from app.core.inputs import Input
from app.web.forms import posted, redisplays
from app.web.security import actor, signed_in


class Decided(Input):
    """How many letters the page called uncertain when a person decided about them."""

    letters: int


@blueprint.post("/work/<coalition>/updates/<int:ident>/send")
@signed_in
@redisplays(update)
def send_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Freeze the audience and begin."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.send(session, broadcast, by=by, now=utc_now())
    return back(coalition, ident, "Sending. You can leave this page; it goes on without you.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/stop")
@signed_in
@redisplays(update)
def stop_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stop what has not been handed over."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.stop(session, broadcast, by=by, now=utc_now())
    return back(coalition, ident, "Stopped. Letters not yet handed over will not leave.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/pause")
@signed_in
@redisplays(update)
def pause_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Let no further letter leave for now."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.pause(session, broadcast, by=by, now=utc_now())
    return back(coalition, ident, "Paused. A batch that was on its way is the last until you go on.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/resume")
@signed_in
@redisplays(update)
def resume_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Go on where it was paused."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.resume(session, broadcast, by=by, now=utc_now())
    return back(coalition, ident, "Sending goes on. Nobody gets it twice.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/unknown/resend")
@signed_in
@redisplays(update)
def resend_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Send uncertain letters again."""
    by, shown = actor(), posted(Decided)
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        again = commands.resend_unknown(session, broadcast, shown.letters, by=by, now=utc_now())
    return back(coalition, ident, f"{again:,} uncertain {'letter goes' if again == 1 else 'letters go'} out again.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/unknown/leave")
@signed_in
@redisplays(update)
def leave_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Leave uncertain letters as they are."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.leave_unknown(session, broadcast, by=by, now=utc_now())
    return back(coalition, ident, "The uncertain letters stay as they are.")
