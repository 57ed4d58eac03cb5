"""The operator's list of mailings: each with its words, its state and what is known of its readers."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core import db
from app.core.clock import utc_now
from app.core.db import reading
from app.mail.queries import FULL, hindrances, workers
from app.mail.rules import absence
from app.mailings import queries
from app.web.pages import cursor, page
from app.web.security import actor, operator

blueprint = Blueprint("mailings", __name__)
PAGE = 20
TONES = {"going": "info", "held": "bad", "late": "warn", "paused": "warn", "done": "good", "stopped": "neutral"}


@blueprint.get("/operator/mailings")
@operator
def mailings() -> ResponseReturnValue:
    """Every mailing, newest first."""
    now = utc_now()
    with reading() as session:
        rows = queries.shown(session, before=cursor(), limit=PAGE + 1, by=actor())
        older = f"?before={rows[PAGE - 1].mailing.id}" if len(rows) > PAGE else None
        working, full = workers(session, now=now), FULL if db.is_full() else ""
        return page(
            "mailings/list.html",
            shown=rows[:PAGE],
            older=older,
            tones=TONES,
            hindrances=hindrances(session, now=now),
            full=full,
            # On a full disk a worker that lives cannot write it down.
            absence="" if working.names or full else absence(working.seen_at, working.stopped_at),
            at=now,
        )
