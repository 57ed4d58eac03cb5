"""What others report of letters that left: a letter's state moves by a report, only forward, many letters at a time.

Apart from ``commands``, which settles a letter by what its own hand-over said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.mail.models import Email, EmailAttempt, EmailState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A report overrules what we only concluded ourselves (failed, unknown). A letter that repeated may be dropped once and
# delivered once, and then it is delivered. A mailbox may take a letter and send it back hours later: a bounce is last.
ORDER = (
    EmailState.QUEUED,
    EmailState.SUBMITTING,
    EmailState.UNKNOWN,
    EmailState.FAILED,
    EmailState.ACCEPTED,
    EmailState.DROPPED,
    EmailState.DELIVERED,
    EmailState.BOUNCED,
)
RANKS = {state: place for place, state in enumerate(ORDER)}
REPORTED = ORDER[ORDER.index(EmailState.ACCEPTED) :]
LOT = 2_000  # letters in one statement; SQLite takes 32,766 values


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one letter: what state it proves, and why in the reporter's words (no address in them)."""

    email_id: int
    state: EmailState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a report is judged by: whose letter it is, which attempt was the newest, and what it belongs to."""

    id: int
    state: EmailState
    attempt_token: str | None
    address: str
    stream: str


def earlier(session: Session, named: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Which of these letters with a token had an earlier attempt of that token."""
    found: set[tuple[int, str]] = set()
    wanted = sorted({ident for ident, _ in named})
    for start in range(0, len(wanted), LOT):
        query = sa.select(EmailAttempt.email_id, EmailAttempt.token)
        query = query.where(db.among(session, EmailAttempt.email_id, wanted[start : start + LOT]))
        found.update((ident, str(token)) for ident, token in session.execute(query))
    return found & named


def forward(old: EmailState, new: EmailState) -> bool:
    """Whether a report of ``new`` moves a letter that is known to be ``old``."""
    return new in REPORTED and RANKS[new] > RANKS[old]


def hold(session: Session, ids: set[int]) -> dict[int, Known]:
    """The letters with these ids, locked in one order so that two workers never wait for each other in a circle."""
    found: dict[int, Known] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), LOT):
        columns = (Email.id, Email.state, Email.attempt_token, Email.to_canonical, Email.stream)
        query = sa.select(*columns).where(db.among(session, Email.id, wanted[start : start + LOT]))
        for row in session.execute(query.order_by(Email.id).with_for_update()):
            found[row[0]] = Known(*row)
    return found


def report(session: Session, known: dict[int, Known], reports: Sequence[Report], *, now: datetime) -> int:
    """Move letters that ``hold`` holds forward to the furthest state reported; returns how many moved.

    Several reports of one letter count as the furthest; a letter that is waiting for another try is not tried again.
    """
    furthest: dict[int, Report] = {}
    for one in reports:
        best = furthest.get(one.email_id)
        if best is None or RANKS[one.state] > RANKS[best.state]:
            furthest[one.email_id] = one
    moving = [one for ident, one in furthest.items() if ident in known and forward(known[ident].state, one.state)]
    for state in (EmailState.ACCEPTED, EmailState.DELIVERED):
        ids = [one.email_id for one in moving if one.state is state]
        for start in range(0, len(ids), LOT):
            _move(session, ids[start : start + LOT], state, None, now)
    for one in moving:
        if one.state in {EmailState.DROPPED, EmailState.BOUNCED}:
            _move(session, [one.email_id], one.state, one.reason[:500] or None, now)
    return len(moving)


def _move(session: Session, ids: list[int], state: EmailState, reason: str | None, now: datetime) -> None:
    values = {"state": state, "settled_at": now, "last_error": reason}
    taken = sa.func.coalesce(Email.accepted_at, sa.bindparam("moment", now, Email.accepted_at.type))
    session.execute(
        sa.update(Email)
        .where(db.among(session, Email.id, ids))
        .values(values | {"accepted_at": taken})
        .execution_options(synchronize_session=False)
    )
