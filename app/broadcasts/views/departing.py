"""Choosing when and how fast an update leaves, reviewing that, doing it, and changing it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState
from app.broadcasts.views.frame import ONE, act, blueprint, held_for, looked_at, sample
from app.broadcasts.views.progress import speed_in_words, speeds
from app.broadcasts.views.showing import update
from app.core.clock import local, spoken, utc_now
from app.core.db import reading
from app.mail.queries import hindrances, workers
from app.web.forms import asked, form_state, posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@blueprint.get(f"{ONE}/departure")
@signed_in
def departure(coalition: str, ident: int) -> ResponseReturnValue:
    """The form: now, at a moment, or in each reader's morning; and how fast."""
    by, now = actor(), utc_now()
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=by)
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
            # Back from the review, with what was chosen there.
            **{name: request.args[name][:20] for name in commands.Departing.model_fields if name in request.args},
        }
        return page(
            "broadcasts/departure.html",
            coalition=ours,
            demo=ours.is_demo,
            broadcast=broadcast,
            refused=commands.why_not_sendable(session, broadcast, now=now),
            readers=readers,
            here=spoken(now, ours.zone),
            compares=queries.comparison_of(session, broadcast) is not None,
            speeds=speeds(readers),
            hours=[(str(hour), f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}") for hour in range(5, 21)],
            action=f"/work/{coalition}/updates/{ident}/send",
            form=form_state(shown),
        )


@blueprint.get(f"{ONE}/send")
@signed_in
@redisplays(departure)
def review_departure(coalition: str, ident: int) -> ResponseReturnValue:
    """Everything about the sending on one screen, before it is done; behind the question mark stands what was chosen.

    Nothing chosen is at once, as fast as it goes.
    """
    by, now, entry = actor(), utc_now(), asked(commands.Departing)
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=by)
        ours, values = broadcast.campaign.coalition, sample(session, broadcast)
        refused = commands.why_not_sendable(session, broadcast, entry, now=now)
        known: dict[str, object] = {} if refused else _reviewed(session, broadcast, entry, now=now)
        others = queries.further_subjects(session, broadcast)
        subjects = [broadcast.subject, *others] if others else []
        has_districts = bool(queries.districts(session, broadcast.campaign_id))
        _ = broadcast.approver, broadcast.approver_organization, broadcast.organization
    # Rendered and asked outside of the transaction: the check of links opens pages of its own.
    findings = [] if refused else looked_at(broadcast, values, has_districts=has_districts)
    return page(
        "broadcasts/send.html",
        coalition=ours,
        demo=ours.is_demo,
        broadcast=broadcast,
        refused=refused,
        findings=findings,
        subject=rules.fill_subject(broadcast.subject, values),
        body=rules.fill_markdown(broadcast.body, values),
        here=spoken(now, ours.zone),
        held_for=held_for(),
        **known | {"subjects": [rules.fill_subject(one, values) for one in subjects]},
    )


@blueprint.post(f"{ONE}/send")
@signed_in
@redisplays(departure)
def depart(coalition: str, ident: int) -> ResponseReturnValue:
    """Send it as it was reviewed."""

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


def _reviewed(session: Session, broadcast: Broadcast, entry: commands.Departing, *, now: datetime) -> dict[str, object]:
    """What the screen says of a departure: who gets it, when, how fast, and the fields that choose it once more."""
    ours, chosen = broadcast.campaign.coalition, commands.intended(session, broadcast, entry, now=now)
    found = queries.reach(session, broadcast, now=now)
    comparison = queries.comparison_of(session, broadcast)
    last = None
    if chosen.day is not None and chosen.hour is not None:
        last = queries.mornings(session, broadcast, chosen.day, chosen.hour, now=now)[-1].at
    fields = entry.model_dump(mode="json", exclude_none=True) | {"version": broadcast.version}
    if entry.clock is not None:
        fields["clock"] = f"{entry.clock:%H:%M}"
    return {
        "reach": found,
        "reasons": rules.reasons(rules.audience_of(broadcast), found.left_out),
        "chosen": chosen,
        "last": last,
        "speed": speed_in_words(chosen.per_hour, found.readers),
        "comparison": comparison,
        "fields": fields,
        "query": urlencode({name: value for name, value in fields.items() if name != "version"}),
        "hindrances": hindrances(session, now=now, zone=ours.zone),
        "anybody_works": bool(workers(session, now=now).names),
    }
