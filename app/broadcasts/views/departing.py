"""Choosing when and how fast an update leaves, changing it, and taking it off its time."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.broadcasts.views.frame import ONE, act, blueprint
from app.broadcasts.views.progress import speeds
from app.broadcasts.views.showing import update
from app.coalitions.roles import Right
from app.core.clock import local, spoken, utc_now
from app.core.db import reading
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in


@blueprint.get(f"{ONE}/departure")
@signed_in
def departure(coalition: str, ident: int) -> ResponseReturnValue:
    """The form: now, at a moment, or in each reader's morning; and how fast."""
    by, now = actor(), utc_now()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        ours = broadcast.campaign.coalition
        readers = queries.audience_size(session, broadcast, now=now)
        known = queries.departure_of(session, broadcast)
        shown = {
            "when": "now",
            "day": local(now, ours.zone).date().isoformat(),
            "clock": "",
            "hour": "9",
            "late_hours": str(known.late_hours if known else 6),
            "per_hour": str(known.per_hour or "") if known else "",
        }
        return page(
            "broadcasts/departure.html",
            coalition=ours,
            demo=ours.is_demo,
            broadcast=broadcast,
            readers=readers,
            here=spoken(now, ours.zone),
            compares=queries.comparison_of(session, broadcast) is not None,
            speeds=speeds(readers),
            hours=[(str(hour), f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}") for hour in range(5, 21)],
            action=request.path,
            form=form_state(shown),
        )


@blueprint.post(f"{ONE}/departure")
@signed_in
@redisplays(departure)
def depart(coalition: str, ident: int) -> ResponseReturnValue:
    """Send it as chosen."""

    def notice(broadcast: Broadcast) -> str:
        scheduled = broadcast.state is BroadcastState.SCHEDULED
        return "It leaves at the time you chose." if scheduled else "Sending. You can leave this page; it goes on."

    return act(coalition, ident, commands.depart, posted(commands.Departing), notice=notice)


@blueprint.post(f"{ONE}/unschedule")
@signed_in
@redisplays(update)
def unschedule(coalition: str, ident: int) -> ResponseReturnValue:
    """Take it off its time."""
    notice = "It waits for no time any more. It is still approved."
    return act(coalition, ident, commands.unschedule, notice=notice)


@blueprint.post(f"{ONE}/speed")
@signed_in
@redisplays(update, name="speed")
def change_speed(coalition: str, ident: int) -> ResponseReturnValue:
    """Let it leave faster or slower from now on."""
    notice = "The speed is changed from the next batch on."
    return act(coalition, ident, commands.change_speed, posted(commands.Speed), notice=notice)
