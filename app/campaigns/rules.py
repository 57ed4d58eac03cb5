"""What may become of a campaign and of a promise, and when a promise is about to run out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from app.campaigns.models import CampaignState, CommitmentState
from app.core.clock import local, zone

PUBLIC_STATES = frozenset({CampaignState.LIVE, CampaignState.WON, CampaignState.CLOSED})
RUNNING = frozenset({CommitmentState.ANNOUNCED, CommitmentState.EXTENDED})
# Two weeks leave time to write a letter and get it signed before the promise is over.
WARN_BEFORE = timedelta(days=14)

NEXT: dict[CommitmentState, frozenset[CommitmentState]] = {
    CommitmentState.ANNOUNCED: frozenset({CommitmentState.EXTENDED, CommitmentState.KEPT, CommitmentState.BROKEN}),
    CommitmentState.EXTENDED: frozenset({CommitmentState.EXTENDED, CommitmentState.KEPT, CommitmentState.BROKEN}),
    CommitmentState.EXPIRED: frozenset({CommitmentState.EXTENDED, CommitmentState.KEPT, CommitmentState.BROKEN}),
    CommitmentState.KEPT: frozenset({CommitmentState.BROKEN}),
    CommitmentState.BROKEN: frozenset({CommitmentState.KEPT}),
}
TONES = {
    CommitmentState.ANNOUNCED: "info",
    CommitmentState.EXTENDED: "warn",
    CommitmentState.KEPT: "good",
    CommitmentState.BROKEN: "bad",
    CommitmentState.EXPIRED: "bad",
}
CAMPAIGN_TONES = {
    CampaignState.DRAFT: "neutral",
    CampaignState.LIVE: "info",
    CampaignState.WON: "good",
    CampaignState.CLOSED: "neutral",
}


def over(expires_on: date, zone: str, now: datetime) -> bool:
    """Whether the last day of a promise has passed where the coalition is."""
    return expires_on < local(now, zone).date()


def end_of(day: date, zone_name: str) -> datetime:
    """When a day ends where the coalition is, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), zone(zone_name)).astimezone(UTC)


def runs_out_soon(expires_on: date, zone: str, now: datetime) -> bool:
    """Whether it is time to warn the coalition."""
    return expires_on - local(now, zone).date() <= WARN_BEFORE


def spoken_day(day: date) -> str:
    """A day in words: ``June 10, 2021``."""
    return f"{day:%B} {day.day}, {day.year}"
