"""Choosing when and how fast an update leaves, taking it off that time, and starting what is due."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from app.broadcasts import queries, rules
from app.broadcasts.commands.approving import elsewhere
from app.broadcasts.commands.holding import held, record
from app.broadcasts.commands.sending import begin
from app.broadcasts.models import Broadcast, BroadcastState, Departure
from app.coalitions.roles import Right
from app.core import db
from app.core.actor import SYSTEM
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input
from app.jobs.bell import ring
from app.mailings import commands as mailings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

START = "broadcasts.start"


def _blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


PerHour = Annotated[Annotated[int, Field(ge=10, le=10_000_000)] | None, BeforeValidator(_blank)]


class When(Enum):
    """When an update begins to leave."""

    NOW = "now"
    MOMENT = "moment"
    MORNING = "morning"


class Departing(Input):
    """When and how fast an update leaves. ``hour`` is each reader's own; ``per_hour`` empty is as fast as it goes.

    ``version`` is the one that was reviewed.
    """

    when: When = When.NOW
    day: Annotated[date | None, BeforeValidator(_blank)] = None
    clock: Annotated[time | None, BeforeValidator(_blank)] = None
    hour: Annotated[int, Field(ge=5, le=20)] = 9
    late_hours: Annotated[int, Field(ge=1, le=72)] = 6
    per_hour: PerHour = None
    version: int | None = None


class Speed(Input):
    """How fast an update leaves from now on; empty is as fast as it goes."""

    per_hour: PerHour = None


def depart(session: Session, broadcast: Broadcast, entry: Departing, *, by: Actor, now: datetime) -> Broadcast:
    """Send an approved update as chosen: at once, at a moment, or in each reader's morning."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if entry.when is When.NOW and broadcast.state in {BroadcastState.SENDING, BroadcastState.SENT}:
        return broadcast
    rules.must_be_sendable(broadcast, elsewhere=elsewhere(session, broadcast))
    rules.must_be_the_words_reviewed(broadcast, entry.version)
    chosen, departure = intended(session, broadcast, entry, now=now), _departure(session, broadcast)
    departure.starts_at, departure.day, departure.hour = chosen.starts_at, chosen.day, chosen.hour
    departure.per_hour, departure.late_hours, departure.missed = chosen.per_hour, chosen.late_hours, ""
    session.flush()
    if entry.when is When.NOW:
        return begin(session, broadcast, by=by, now=now)
    broadcast.state = BroadcastState.SCHEDULED
    session.flush()
    record(session, "update.scheduled", broadcast, by=by, now=now, at=departure.starts_at)
    return broadcast


def _departure(session: Session, broadcast: Broadcast) -> Departure:
    return queries.departure_of(session, broadcast) or db.add(
        session, Departure(broadcast_id=broadcast.id, late_hours=6, per_hour=None)
    )


def why_not_sendable(session: Session, broadcast: Broadcast, entry: Departing | None = None, *, now: datetime) -> str:
    """The sentence with which sending as chosen would be refused; empty where it may be sent.

    Without an entry, whatever would be chosen.
    """
    comparison = queries.comparison_of(session, broadcast)
    try:
        rules.must_be_sendable(broadcast, elsewhere=elsewhere(session, broadcast))
        if comparison is not None and entry is not None and entry.when is When.NOW:
            readers = queries.audience_size(session, broadcast, now=now)
            rules.threshold(readers, comparison.percent, len(comparison.subjects))
    except (Conflict, Invalid) as refusal:
        return _sentence(refusal)
    return ""


def _sentence(refusal: Conflict | Invalid) -> str:
    return next(iter(refusal.problems.values())) if isinstance(refusal, Invalid) else refusal.sentence


def intended(session: Session, broadcast: Broadcast, entry: Departing, *, now: datetime) -> Departure:
    """The departure that an entry chooses, in no table yet. Refuses a time that cannot be."""
    chosen = Departure(late_hours=entry.late_hours, per_hour=entry.per_hour, missed="")
    if entry.when is When.NOW:
        return chosen
    here = broadcast.campaign.coalition.zone
    if entry.day is None:
        raise Invalid({"day": "Choose the day on which it leaves."})
    if entry.when is When.MOMENT:
        if entry.clock is None:
            raise Invalid({"clock": "Choose the time at which it leaves."})
        chosen.starts_at = rules.moment(entry.day, entry.clock, here, now=now)
        return chosen
    if queries.comparison_of(session, broadcast) is not None:
        raise Invalid({"when": "Subjects are compared at one time for everybody. Choose a date and a time."})
    rules.moment(entry.day, time(entry.hour), here, now=now)
    chosen.day, chosen.hour = entry.day, entry.hour
    chosen.starts_at = queries.mornings(session, broadcast, entry.day, entry.hour, now=now)[0].at
    return chosen


def unschedule(session: Session, broadcast: Broadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Take an update off its time; it stays approved."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state is BroadcastState.APPROVED:
        return broadcast
    rules.must_be_scheduled(broadcast)
    broadcast.state = BroadcastState.APPROVED
    departure = _departure(session, broadcast)
    departure.starts_at = departure.day = departure.hour = None
    session.flush()
    record(session, "update.unscheduled", broadcast, by=by, now=now)
    return broadcast


def start_due(session: Session, ident: int, *, now: datetime) -> bool:
    """Begin a scheduled update whose time has come. Far too late, or no longer allowed, it goes back to approved."""
    broadcast = db.locked(session, Broadcast, ident)
    departure = queries.departure_of(session, broadcast)
    if broadcast.state is not BroadcastState.SCHEDULED or departure is None or departure.starts_at is None:
        return False
    if departure.starts_at > now:
        return False
    broadcast.state = BroadcastState.APPROVED
    if rules.too_late(departure, now=now):
        _miss(session, broadcast, departure, rules.missed(departure, broadcast.campaign.coalition.zone, now=now), now)
        return True
    try:
        rules.must_be_sendable(broadcast, elsewhere=elsewhere(session, broadcast))
        begin(session, broadcast, by=SYSTEM, now=now)
    except (Conflict, Invalid) as refusal:
        _miss(session, broadcast, departure, _sentence(refusal), now)
    return True


def _miss(session: Session, broadcast: Broadcast, departure: Departure, sentence: str, now: datetime) -> None:
    departure.missed = sentence[:500]
    departure.starts_at = departure.day = departure.hour = None
    session.flush()
    record(session, "update.missed", broadcast, by=SYSTEM, now=now)


def change_speed(session: Session, broadcast: Broadcast, entry: Speed, *, by: Actor, now: datetime) -> Broadcast:
    """Let an update leave faster or slower from now on."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    if broadcast.state not in {BroadcastState.SCHEDULED, BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; its speed changes nothing.")
    departure = _departure(session, broadcast)
    before, departure.per_hour = departure.per_hour, entry.per_hour
    if broadcast.mailing_id is not None:
        mailings.set_speed(session, broadcast.mailing_id, entry.per_hour, now=now)
    if before != entry.per_hour:
        record(session, "update.speed_changed", broadcast, by=by, now=now, per_hour=entry.per_hour)
    ring(session, START)
    return broadcast
