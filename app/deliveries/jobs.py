"""What the worker does for deliveries."""

from __future__ import annotations

from app.core.clock import utc_now
from app.core.db import transaction
from app.deliveries import commands
from app.jobs.bell import job


@job("deliveries.follow")
def follow() -> int:
    """Read from the letters' states how far one lot of deliveries came."""
    with transaction() as session:
        return commands.follow(session, now=utc_now())
