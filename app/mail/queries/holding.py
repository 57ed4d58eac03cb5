"""What holds letters back: a person, the provider's refusal, or a way out that serves nobody for the moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.core.clock import spoken
from app.mail.models import MailCircuit, MailPause
from app.mail.rules import lasting

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ITSELF = "Undersigned itself"
BY_HAND = "They wait until an operator lets them leave."
FULL = "The disk that the database is on is full: nothing can be written, so no letter leaves until there is room."
AFTER_THAT = "Nothing tries before an operator lets letters leave."


class _InUse:
    """The way out that this process was given."""

    way: str | None = None


def bind_way(name: str) -> None:
    """Say which way out is in use; what stopped another one holds no letter back."""
    _InUse.way = name


def stops(transport: str | None) -> sa.ColumnElement[bool]:
    """Pauses that stop a way out: what its provider refused, and what a person held back, whichever way was used then.

    None: every pause.
    """
    return sa.true() if transport is None else sa.or_(MailPause.transport == transport, MailPause.by_whom != "")


def stops_now() -> sa.ColumnElement[bool]:
    """Pauses that stop the way out in use."""
    return stops(_InUse.way)


def pauses(session: Session) -> list[MailPause]:
    """Why the transport in use is stopped, if it is."""
    return list(session.scalars(sa.select(MailPause).where(stops_now()).order_by(MailPause.id)))


def paused(session: Session, transport: str) -> bool:
    """Whether letters of this transport are held back."""
    return session.scalar(sa.select(MailPause.id).where(stops(transport)).limit(1)) is not None


def circuits(session: Session) -> list[MailCircuit]:
    """The transport in use, while nobody tries it because it served nobody several times in a row."""
    mine = sa.true() if _InUse.way is None else MailCircuit.transport == _InUse.way
    return list(session.scalars(sa.select(MailCircuit).where(MailCircuit.opened_at.is_not(None), mine)))


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why letters of a transport do not leave now: who stopped them, since when, why, and what lets them go.

    ``stopped``: until an operator lets them leave; otherwise they are tried again without anybody's doing.
    """

    transport: str
    since: datetime
    who: str
    reason: str
    until: str
    stopped: bool


def hindrances(session: Session, *, now: datetime, zone: str = "UTC") -> list[Hindrance]:
    """Everything that holds letters back at this moment."""
    stopped = {row.transport for row in pauses(session)}
    resting = [
        Hindrance(
            row.transport,
            row.opened_at or now,
            ITSELF,
            _why_it_rests(row),
            _when_it_tries(row, now, zone) if row.transport not in stopped else AFTER_THAT,
            stopped=False,
        )
        for row in circuits(session)
    ]
    held = [
        Hindrance(row.transport, row.since, row.by_whom or ITSELF, row.reason, BY_HAND, stopped=True)
        for row in pauses(session)
    ]
    return resting + held


def _why_it_rests(row: MailCircuit) -> str:
    # A provider that names a time to wait (429) is believed at its first word.
    often = f"{row.failures} times in a row" if row.failures > 1 else "at the last try"
    return f"It served nobody {often}: {row.reason}"


def _when_it_tries(row: MailCircuit, now: datetime, zone: str) -> str:
    if row.try_at is not None and row.try_at > now:
        wait = lasting(timedelta(seconds=max(1, round((row.try_at - now).total_seconds()))))
        return f"One letter tries again in {wait}, at {spoken(row.try_at, zone)}; the others follow it."
    if row.probe is not None:
        return "One letter is trying right now; the others follow it."
    return "The next letter tries."


def troubles(session: Session, *, now: datetime, zone: str = "UTC") -> list[str]:
    """The same in a few sentences each; empty when letters leave."""
    full = [FULL] if db.is_full() else []
    return full + [
        f"No letter leaves by {one.transport} since {spoken(one.since, zone)}, held back by {one.who}. "
        f"{_ended(one.reason)} {one.until}"
        for one in hindrances(session, now=now, zone=zone)
    ]


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
