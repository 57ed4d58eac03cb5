"""How an update goes: its numbers over time and by subject for its page, and each reader's outcome as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, exports, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState, Comparison
from app.broadcasts.views.frame import ONE, blueprint
from app.coalitions.roles import Right
from app.core import db
from app.core.clock import local, utc_now
from app.core.db import transaction
from app.core.errors import NotFound
from app.mail.queries import hindrances, workers
from app.mailings.models import MailingState
from app.mailings.queries import Held, held_by_provider, late, moments
from app.mailings.rules import takes, uncertain
from app.returns.queries import count_replies
from app.web.forms import form_state
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mailings.models import MailingMoment

SERIES = (
    ("Planned", "planned"),
    ("Handed over", "handed_over"),
    ("Delivered", "delivered"),
    ("Bounced", "bounced"),
    ("Left", "left"),
    ("Called spam", "complained"),
    ("Uncertain", "unknown"),
)


def standing(session: Session, broadcast: Broadcast) -> dict[str, object]:
    """What an update's page says beside its words and its numbers now."""
    mailing, now = broadcast.mailing, utc_now()
    comparison = queries.comparison_of(session, broadcast)
    here = broadcast.campaign.coalition.zone
    rows = moments(session, mailing.id) if mailing else []
    departure = queries.departure_of(session, broadcast)
    per_hour, waiting = departure.per_hour if departure else None, _waiting(session, broadcast)
    undecided = queries.undecided(session, broadcast)
    own = [] if per_hour in {None, *rules.SPEEDS} else [(str(per_hour), speed_in_words(per_hour, waiting))]
    return {
        "speed": speed_in_words(per_hour, waiting),
        "speeds": [*speeds(waiting), *own],
        "speed_form": form_state({"per_hour": str(per_hour or "")}, name="speed"),
        "progress": queries.progress(session, broadcast),
        "undecided": undecided,
        "uncertain": sum(uncertain(one) for one in undecided),
        "read_at": now,
        "hindrances": hindrances(session, now=now, zone=here),
        "disk_is_full": db.is_full(),
        "anybody_works": bool(workers(session, now=now).names),
        "replied": count_replies(session, queries.answers_to(broadcast)),
        "departure": departure,
        **lateness(session, broadcast),
        "comparison": compared(session, broadcast, comparison) if comparison else None,
        "series": [label for label, _ in SERIES],
        "over_time": [(_when(row, rows, here), [getattr(row, name) for _, name in SERIES]) for row in rows],
        "held": Held() if mailing is None else held_by_provider(session, mailing.id, now=now),
    }


def lateness(session: Session, broadcast: Broadcast) -> dict[str, object]:
    """When it was due where it is too late by now, for how many readers, and by how much it may have been late."""
    mailing, departure = broadcast.mailing, queries.departure_of(session, broadcast)
    if mailing is None or departure is None or mailing.state is not MailingState.LATE:
        return {"is_late": False, "late": [], "late_readers": 0, "late_hours": 0}
    found = late(session, mailing, now=utc_now())
    return {
        "is_late": True,
        "late": [(at - timedelta(hours=departure.late_hours), number) for at, number in found],
        "late_readers": sum(number for _, number in found),
        "late_hours": departure.late_hours,
    }


def _waiting(session: Session, broadcast: Broadcast) -> int:
    """How many letters have not left."""
    if broadcast.state is BroadcastState.SCHEDULED:
        return queries.audience_size(session, broadcast)
    return queries.progress(session, broadcast).waiting


def _when(row: MailingMoment, rows: list[MailingMoment], here: str) -> str:
    at = local(row.at, here)
    several_days = rows[-1].at - rows[0].at > timedelta(hours=20)
    return f"{at:%b} {at.day}, {at:%H:%M} {at:%Z}" if several_days else f"{at:%H:%M} {at:%Z}"


def compared(session: Session, broadcast: Broadcast, comparison: Comparison) -> dict[str, object]:
    """Each subject with its letters and what they brought."""
    sizes = queries.sizes(session, broadcast) if broadcast.mailing_id else {}
    counts = queries.compared(session, comparison)
    return {
        "row": comparison,
        "subjects": [
            (one.variant, rules.fill_subject(words, {}), sizes.get(one.variant, 0), counts[one.variant])
            for one in comparison.subjects
            for words in [one.subject or broadcast.subject]
        ],
    }


@blueprint.post(f"{ONE}/readers.csv")
@signed_in
def readers(coalition: str, ident: int) -> ResponseReturnValue:
    """What became of each reader. A post, because who took the addresses is written into the trail."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        if broadcast.mailing_id is None:
            raise NotFound
        commands.note_export(session, broadcast, by=by, now=utc_now())
        mailing_id, comparison = broadcast.mailing_id, queries.comparison_of(session, broadcast)
        subjects = {0: broadcast.subject}
        if comparison is not None:
            subjects |= {one.variant: one.subject or broadcast.subject for one in comparison.subjects}
    answer = Response(exports.readers(mailing_id, subjects), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"update-{ident}-readers.csv")
    return answer


def speeds(readers: int) -> list[tuple[str, str]]:
    """What can be chosen, with the time that so many readers take."""
    return [("", "As fast as it goes"), *((str(one), speed_in_words(one, readers)) for one in rules.SPEEDS)]


def speed_in_words(per_hour: int | None, readers: int) -> str:
    """A speed with the time it takes."""
    if per_hour is None:
        return "As fast as it goes"
    if not readers:
        return f"{per_hour:,} an hour"
    return f"{per_hour:,} an hour: {rules.duration(takes(readers, per_hour))}"
