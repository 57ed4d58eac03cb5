"""Writing what is due: reminders and welcomes, looked for by the sweep every minute, a lot in each transaction."""

from __future__ import annotations

from app.automations import commands, queries
from app.automations.models import Automation, Kind
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job


@job(commands.REMIND)
def remind() -> int:
    """Ask once more who has not confirmed."""
    done = 0
    for ident in _switched_on(Kind.REMINDER):
        # Looked for without the writer's lock: most minutes nobody is due.
        with reading() as session:
            due = queries.to_remind(session, session.get_one(Automation, ident), now=utc_now(), limit=1)
        if due:
            with transaction() as session:
                done += commands.remind_lot(session, ident, now=utc_now())
    return done


@job(commands.WELCOME)
def welcome() -> int:
    """Welcome who has just confirmed and said yes."""
    done = 0
    for ident in _switched_on(Kind.WELCOME):
        with transaction() as session:
            done += commands.welcome_lot(session, ident, now=utc_now())
    return done


def _switched_on(kind: Kind) -> list[int]:
    with reading() as session:
        return queries.switched_on(session, kind)
