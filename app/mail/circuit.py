"""The fuse of each way out, shared by all processes as a row.

Apart from what becomes of one letter, because this is about all of them: when nobody could be served several times in
a row the circuit opens, for a growing time nobody tries, then exactly one letter does, and its success closes it.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs.bell import ring, ring_later
from app.mail.models import Email, EmailState, MailCircuit
from app.mail.outbox import SEND

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

IN_A_ROW = 3  # failures of everyone that open the circuit, unless the provider itself says when to come back
WITHIN = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=1)  # longer would delay confirmations for long after the end of an outage
LONGEST_ASKED = timedelta(hours=1)
WAKES = [SEND]  # the jobs that wait behind a circuit and are rung when it may be tried again


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to use a way out. With a ``probe`` it is for one letter, whose outcome opens or closes the circuit."""

    probe: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nobody could be served, and for how long the provider asks to be left alone (none: as we see fit)."""

    reason: str
    asked: timedelta | None = None


def ask(session: Session, transport: str, *, lease: timedelta, now: datetime) -> Pass | None:
    """Leave to hand letters over; None while the circuit is open. Of all who ask after its wait, one gets a probe."""
    row = _row(session, transport)
    if row is None or row.opened_at is None:
        return Pass()
    row = _row(session, transport, locked=True)
    if row is None or row.opened_at is None:
        return Pass()
    if waits(row, now) or _is_probed(row, lease, now):
        return None
    row.probe, row.probe_until = secrets.token_hex(8), now + lease
    return Pass(row.probe)


def holds(session: Session, transport: str, *, now: datetime) -> bool:
    """Whether nobody may try yet. A look that locks nothing."""
    row = _row(session, transport)
    return row is not None and row.opened_at is not None and waits(row, now)


def is_open(session: Session, transport: str) -> bool:
    """Whether letters wait because nobody was served."""
    row = _row(session, transport)
    return row is not None and row.opened_at is not None


def is_calm(session: Session, transport: str) -> bool:
    """Whether nothing has failed since the last success. A look that locks nothing."""
    row = _row(session, transport)
    return row is None or not row.failures


def waits(row: MailCircuit, now: datetime) -> bool:
    """Whether nobody may try yet. An hour that lies too far ahead was set by a clock that has been put back."""
    return row.try_at is not None and now < row.try_at <= now + timedelta(seconds=row.wait_seconds)


def _is_probed(row: MailCircuit, lease: timedelta, now: datetime) -> bool:
    return row.probe is not None and row.probe_until is not None and now < row.probe_until <= now + lease


def not_used(session: Session, transport: str, leave: Pass) -> None:
    """Give a probe back: there was no letter to try."""
    row = _row(session, transport, locked=True) if leave.probe else None
    if row is not None and row.probe == leave.probe:
        row.probe = row.probe_until = None


def failed(
    session: Session, transport: str, leave: Pass, trouble: Trouble, *, letters: list[int], now: datetime
) -> bool:
    """Count a failure of everyone; whether that opened the circuit just now.

    The letters it struck get their attempt back once it is open: it was not their fault.
    """
    db.insert_once(session, MailCircuit, [{"transport": transport, "struck": []}], unique=["transport"])
    row = _row(session, transport, locked=True)
    assert row is not None  # noqa: S101 - just inserted, and rows of this table are never deleted
    row.reason = trouble.reason[:500]
    if row.opened_at is not None:
        if leave.probe and leave.probe == row.probe:
            _open(session, row, trouble, now)
        _give_back(session, letters, row, now)
        return False
    if row.failing_since is None or not now - WITHIN <= row.failing_since <= now:
        row.failures, row.failing_since, row.struck = 0, now, []
    row.failures += 1
    row.struck = [*row.struck, *letters][-100:]
    if row.failures < IN_A_ROW and trouble.asked is None:
        return False
    row.opened_at = now
    _open(session, row, trouble, now)
    _give_back(session, row.struck, row, now)
    return True


def worked(session: Session, transport: str, leave: Pass) -> bool:
    """Count a success; whether it closed the circuit. A late one from before it opened proves nothing of now."""
    if not leave.probe:
        calm = sa.update(MailCircuit).where(MailCircuit.transport == transport, MailCircuit.failures > 0)
        session.execute(calm.where(MailCircuit.opened_at.is_(None)).values(failures=0, failing_since=None, struck=[]))
        return False
    row = _row(session, transport, locked=True)
    if row is None or row.probe != leave.probe:
        return False
    _close(session, row)
    return True


def reset(session: Session) -> int:
    """Close every circuit, because an operator says that the trouble is over; returns how many were open."""
    rows = session.scalars(sa.select(MailCircuit).where(MailCircuit.opened_at.is_not(None)).with_for_update()).all()
    for row in rows:
        _close(session, row)
    return len(rows)


def _close(session: Session, row: MailCircuit) -> None:
    row.opened_at = row.try_at = row.probe = row.probe_until = row.failing_since = None
    row.failures = row.wait_seconds = 0
    row.struck = []
    for name in WAKES:
        ring(session, name)


def _open(session: Session, row: MailCircuit, trouble: Trouble, now: datetime) -> None:
    grown = timedelta(seconds=row.wait_seconds * 2) if row.wait_seconds else FIRST_WAIT
    wait = min(trouble.asked or min(grown, LONGEST_WAIT), LONGEST_ASKED)
    row.wait_seconds = math.ceil(wait.total_seconds())
    row.try_at = now + wait
    row.probe = row.probe_until = None
    for name in WAKES:
        ring_later(session, name, wait)


def _give_back(session: Session, letters: list[int], row: MailCircuit, now: datetime) -> None:
    """It was not these letters' fault; but they go to the end, so that each probe is another letter."""
    due = max(row.try_at or now, now)
    fresh = {"attempts": sa.case((Email.attempts > 0, Email.attempts - 1), else_=0), "try_after": due}
    # A letter that another worker holds is being tried again already; to wait for it here could wait for ever.
    free = sa.select(Email.id).where(Email.id.in_(letters), Email.state == EmailState.QUEUED)
    idents = session.scalars(free.with_for_update(skip_locked=True)).all()
    back = sa.update(Email).where(Email.id.in_(idents)).values(fresh)
    session.execute(back.execution_options(synchronize_session=False))


def _row(session: Session, transport: str, *, locked: bool = False) -> MailCircuit | None:
    query = sa.select(MailCircuit).where(MailCircuit.transport == transport)
    if locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)
