"""Writing an update's words once, copying its audience lot by lot, and noticing when the last letter has left."""

from __future__ import annotations

from app.broadcasts import commands, messages, queries
from app.broadcasts.models import Broadcast
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import mass

# As many as SQLite's one writer copies in a fraction of a second, so that a signature never waits longer.
LOT = 20_000


@job(commands.PLAN)
def plan() -> int:
    """Copy one lot of each update that is being sent; the cursor in the row makes a crash harmless."""
    done = 0
    for broadcast in _sending():
        if broadcast.mailing_id is None:
            _keep_words(broadcast)
        with transaction() as session:
            mine = session.get_one(Broadcast, broadcast.id)
            done += commands.plan_lot(session, mine, lot=LOT, size=mass.largest_lot(), now=utc_now())
    return done


@job("broadcasts.finish")
def finish() -> int:
    """Call updates sent whose last letter was handed over. Asked by the sweep, so at most a minute late."""
    done = 0
    for broadcast in _sending():
        with transaction() as session:
            mine = session.get_one(Broadcast, broadcast.id)
            done += commands.finish_if_done(session, mine, now=utc_now())
    return done


def _keep_words(broadcast: Broadcast) -> None:
    """The words are written with nothing open, and then kept for good."""
    form = messages.form(broadcast)
    with transaction() as session:
        commands.keep_words(session, broadcast, form, now=utc_now())


def _sending() -> list[Broadcast]:
    with reading() as session:
        return queries.being_sent(session)
