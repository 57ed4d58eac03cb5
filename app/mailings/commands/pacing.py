"""How fast a mailing leaves, and writing down how far it has come in a minute."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs.bell import ring
from app.mailings import queries, rules
from app.mailings.models import Mailing, MailingMoment

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def set_speed(session: Session, mailing_id: int, per_hour: int | None, *, now: datetime) -> Mailing:
    """Let it leave at another speed from now on; what it still owes the old speed is waited for at the new one."""
    mailing = db.locked(session, Mailing, mailing_id)
    rules.must_be_stoppable(mailing)
    mailing.next_at = rules.at_new_speed(mailing, per_hour, now=now)
    mailing.per_hour = per_hour
    session.flush()
    ring(session, rules.SEND)
    return mailing


def note_moments(session: Session, *, now: datetime) -> int:
    """Write down how far each mailing that moves has come, once a minute; returns how many had news."""
    minute = int(now.timestamp()) // 60
    done = 0
    for mailing in queries.moving(session, now=now):
        newest = queries.newest_moment(session, mailing.id)
        if newest is not None and newest.minute >= minute:
            continue
        known = queries.progress(session, mailing.id)
        values = {name: getattr(known, name) for name in queries.DRAWN}
        if newest is not None and all(getattr(newest, name) == value for name, value in values.items()):
            continue
        row = {"mailing_id": mailing.id, "minute": minute, **values}
        done += db.insert_once(session, MailingMoment, [row], unique=["mailing_id", "minute"])
    return done


def thin_moments(session: Session, *, now: datetime) -> int:
    """Keep one moment in an hour of what is older than two days, and the first and the last; returns how many went."""
    old = int(now.timestamp()) // 60 - rules.KEPT_IN_FULL
    edge = sa.select(sa.func.min(MailingMoment.id)).group_by(MailingMoment.mailing_id)
    edges = edge.union(sa.select(sa.func.max(MailingMoment.id)).group_by(MailingMoment.mailing_id))
    gone = sa.delete(MailingMoment).where(
        MailingMoment.minute < old, MailingMoment.minute % 60 != 0, MailingMoment.id.not_in(edges)
    )
    return len(session.execute(gone.returning(MailingMoment.id)).all())
