"""Starting updates that are due, writing their words once, copying their audience lot by lot, noticing their end."""

from __future__ import annotations

from app.broadcasts import commands, messages, queries
from app.broadcasts.models import Broadcast
from app.core import db
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import mass, render

# As many as SQLite's one writer copies in a fraction of a second, so that a signature never waits longer.
LOT = 20_000


@job(commands.START)
def start() -> int:
    """Begin scheduled updates whose time has come, or say why they do not begin."""
    with reading() as session:
        due = queries.due(session, now=utc_now())
    done = 0
    for ident in due:
        with transaction() as session:
            done += commands.start_due(session, ident, now=utc_now())
    return done


@job(commands.PLAN, patient=True)
def plan() -> int:
    """Copy one lot of each update that is being sent; the cursor in the row makes a crash harmless."""
    done = 0
    for broadcast in _sending():
        if broadcast.mailing_id is None:
            _keep_words(broadcast)
        with transaction() as session:
            db.expect_many_rows(session)
            db.expect_large_sets(session)
            mine = session.get_one(Broadcast, broadcast.id)
            done += commands.plan_lot(session, mine, lot=LOT, size=mass.largest_lot(), now=utc_now())
    return done


@job("broadcasts.compare")
def compare() -> int:
    """Read the numbers of compared subjects once their time is over."""
    done = 0
    for broadcast in _sending():
        with transaction() as session:
            done += commands.decide_due(session, session.get_one(Broadcast, broadcast.id), now=utc_now())
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
    with reading() as session:
        comparison = queries.comparison_of(session, broadcast)
        subjects = [] if comparison is None else [(one.subject, one.code) for one in comparison.subjects]
    forms = messages.forms(broadcast, subjects, base_url=render.house().base_url)
    with transaction() as session:
        commands.keep_words(session, broadcast, *forms, now=utc_now())


def _sending() -> list[Broadcast]:
    with reading() as session:
        return queries.being_sent(session)
