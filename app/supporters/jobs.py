"""What the worker does for supporters: what they told the mail provider becomes a line in the ledger."""

from __future__ import annotations

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job
from app.supporters import commands


@job("supporters.heed")
def heed() -> int:
    """Write the ledger's lines for spam complaints and for leaving through the mail provider."""
    with transaction() as session:
        return commands.heed(session, now=utc_now())
