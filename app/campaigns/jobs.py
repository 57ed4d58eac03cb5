"""What the worker does for campaigns."""

from __future__ import annotations

from app.campaigns import commands
from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job


@job("campaigns.watch")
def watch() -> int:
    """Let promises run out on their day, and warn organizers before."""
    with transaction() as session:
        return commands.watch(session, now=utc_now())
