"""Time: read once at the edge (view, job, command line), passed in as ``now`` everywhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TOLERATED = timedelta(seconds=5)


class _Wrong:
    """How far this machine's clock is behind the one it goes by."""

    by = timedelta(0)


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _Wrong.by


def go_by(moment: datetime) -> timedelta | None:
    """Go by a clock that shows ``moment`` now; how far this machine's own is behind it, if that is news."""
    difference = moment - datetime.now(UTC)
    wrong = difference if abs(difference) > TOLERATED else timedelta(0)
    news = abs(wrong - _Wrong.by) > TOLERATED
    _Wrong.by = wrong
    return wrong if news else None


def zone(name: str) -> ZoneInfo:
    """The time zone called ``name``; ValueError with a sentence if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"“{name}” is not a time zone. Write it like America/Los_Angeles."
        raise ValueError(message) from error


def local(moment: datetime, zone_name: str) -> datetime:
    """``moment`` as the clock shows it in that zone."""
    return moment.astimezone(zone(zone_name))


def spoken(moment: datetime, zone_name: str = "UTC") -> str:
    """A moment for people, always with its zone: ``June 30, 2021, 5:00 PM PDT``."""
    there = local(moment, zone_name)
    hour = there.hour % 12 or 12
    return f"{there:%B} {there.day}, {there.year}, {hour}:{there:%M} {'AM' if there.hour < 12 else 'PM'} {there:%Z}"
