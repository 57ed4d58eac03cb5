"""A mailing of a sender's update, with as many readers as a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.broadcasts import commands as broadcasts
from app.broadcasts import messages
from app.broadcasts.models import Broadcast
from app.core.db import reading, transaction
from app.mailings.models import Mailing, MailingBatch, MailingReader
from app.mailings.queries import Progress, progress
from app.supporters.models import Purpose, Standing, Supporter
from tests.broadcasts.builders import ready, stage
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LOT = 10_000


def planned(number: int, *, size: int = 10, per_minute: int | None = None) -> int:
    """A committed update on its way to so many supporters, all of them planned; gives the mailing's id."""
    ident = sending(number)
    return plan(ident, size=size, per_minute=per_minute)


def sending(number: int) -> int:
    """A committed update that is being sent to so many supporters; gives the update's id."""
    with transaction() as session:
        there = stage(session)
        crowd(session, there.lead.id, number)
        update = broadcasts.send(session, ready(session, there), by=there.robin, now=NOW)
        broadcasts.keep_words(session, update, messages.form(update), now=NOW)
        return update.id


def plan(update_id: int, *, size: int, per_minute: int | None = None) -> int:
    """Plan everybody; gives the mailing's id."""
    while True:
        with transaction() as session:
            update = session.get_one(Broadcast, update_id)
            done = broadcasts.plan_lot(session, update, lot=LOT, size=size, now=NOW)
            assert update.mailing is not None
            update.mailing.per_hour = None if per_minute is None else per_minute * 60
            if not done:
                return update.mailing.id


def crowd(session: Session, organization_id: int, number: int) -> None:
    """Supporters with a standing yes, table to table as no form could do it."""
    first = (session.scalar(sa.select(sa.func.max(Supporter.id))) or 0) + 1
    for start in range(first, first + number, LOT):
        idents = range(start, min(start + LOT, first + number))
        people = [
            {
                "id": ident,
                "email": f"Reader{ident}@people.example",
                "email_canonical": f"reader{ident}@people.example",
                "given_name": f"Ewa{ident}",
                "family_name": "Lind",
                "created_at": NOW,
            }
            for ident in idents
        ]
        session.execute(sa.insert(Supporter), people)
        answers = [
            {
                "supporter_id": ident,
                "organization_id": organization_id,
                "purpose": Purpose.UPDATES,
                "yes": True,
                "at": NOW,
            }
            for ident in idents
        ]
        session.execute(sa.insert(Standing), answers)


def seen(mailing_id: int) -> Progress:
    """How far a mailing has come."""
    with reading() as session:
        return progress(session, mailing_id)


def mailing(ident: int) -> Mailing:
    """The mailing as it stands."""
    with reading() as session:
        return session.get_one(Mailing, ident)


def batches(mailing_id: int) -> list[MailingBatch]:
    """Its batches as they stand, by number."""
    with reading() as session:
        query = sa.select(MailingBatch).where(MailingBatch.mailing_id == mailing_id).order_by(MailingBatch.number)
        return list(session.scalars(query))


def readers(mailing_id: int) -> list[MailingReader]:
    """Its readers as they stand, by id."""
    with reading() as session:
        query = sa.select(MailingReader).where(MailingReader.mailing_id == mailing_id).order_by(MailingReader.id)
        return list(session.scalars(query))


def changed(mailing_id: int, **values: Any) -> None:
    """Set columns of all batches of a mailing, as time or a crash would have."""
    with transaction() as session:
        session.execute(sa.update(MailingBatch).where(MailingBatch.mailing_id == mailing_id).values(values))
