"""What the worker does for supporters: what they told the mail provider, and what it has to be told of them."""

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


@job("supporters.tell_who_had_left")
def tell_who_had_left() -> int:
    """Have a newly set group at the mail provider told of those who left before, a lot at a time."""
    with transaction() as session:
        return commands.tell_who_had_left(session, now=utc_now())
