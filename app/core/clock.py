"""Time: read once at the edge (view, job, command line), passed in as ``now`` everywhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


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
