"""When an update leaves: at a moment of the coalition's clocks, or in the morning where each reader lives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.broadcasts.models import Broadcast, BroadcastState, Departure
from app.core import zones
from app.core.clock import spoken, zone
from app.core.errors import Conflict, Invalid

FARTHEST = timedelta(days=365)
SPEEDS = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)


@dataclass(frozen=True, slots=True)
class Morning:
    """The zones where the chosen hour comes at the same moment."""

    at: datetime
    zones: frozenset[str]


def moment(day: date, clock: time, zone_name: str, *, now: datetime) -> datetime:
    """A day and a time as the coalition's clocks show them. Refuses what is past, too far, or skipped by clocks."""
    there = zone(zone_name)
    wanted = datetime.combine(day, clock, tzinfo=there)
    if wanted.astimezone(zone("UTC")).astimezone(there).time() != clock:
        raise Invalid({"clock": "The clocks skip this time on that day. Choose an hour later."})
    if wanted <= now:
        raise Invalid({"day": f"It is {spoken(now, zone_name)} now. Choose a later moment, or send at once."})
    if wanted > now + FARTHEST:
        raise Invalid({"day": "Choose a day within a year."})
    return wanted


def mornings(day: date, hour: int, zone_names: Iterable[str], *, since: datetime) -> list[Morning]:
    """When the hour comes in each zone, the earliest first. Where it was past at ``since``, it comes a day later."""
    found: dict[datetime, set[str]] = {}
    for name in zone_names:
        there = zone(name)
        comes = datetime.combine(day, time(hour), tzinfo=there)
        if comes < since:
            comes = datetime.combine(day + timedelta(days=1), time(hour), tzinfo=there)
        found.setdefault(comes.astimezone(zone("UTC")), set()).add(name)
    return [Morning(at, frozenset(found[at])) for at in sorted(found)]


def zones_in(countries: Iterable[str], coalition_zone: str) -> set[str]:
    """The zones in which people of these countries may live; whose place is not known counts as the coalition's."""
    found = {coalition_zone}
    for country in countries:
        several = zones.SEVERAL.get(country)
        if several is not None:
            found |= {name for _, _, name in several.ranges} | ({several.otherwise} - {""})
        elif country in zones.ONE:
            found.add(zones.ONE[country])
    return found


def too_late(departure: Departure, *, now: datetime) -> bool:
    """Whether an update that should have begun must not begin any more."""
    return departure.starts_at is not None and now > departure.starts_at + timedelta(hours=departure.late_hours)


def missed(departure: Departure, zone_name: str, *, now: datetime) -> str:
    """Why a scheduled update was not sent."""
    due = "" if departure.starts_at is None else spoken(departure.starts_at, zone_name)
    hours = "an hour" if departure.late_hours == 1 else f"{departure.late_hours} hours"
    return (
        f"It was due on {due}, but nothing could be sent until {spoken(now, zone_name)}, more than {hours} later. "
        "So it was not sent. Choose a new time, or send it at once."
    )


def must_be_scheduled(broadcast: Broadcast) -> None:
    """Only an update that waits for its time is taken off it."""
    if broadcast.state is not BroadcastState.SCHEDULED:
        raise Conflict(f"This update is {broadcast.state.value}; it waits for no time.")


def duration(span: timedelta) -> str:
    """How long something takes, for people: ``about 2 hours 30 minutes``."""
    minutes = max(1, -(-int(span.total_seconds()) // 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        minutes = 0
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    words = [f"{number:,} {name}{'s' if number > 1 else ''}" for number, name in parts if number]
    return f"about {' '.join(words)}"
