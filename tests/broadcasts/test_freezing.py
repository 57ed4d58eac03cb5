"""The audience changes while somebody presses send: what is frozen is one moment, and nobody is in it twice."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.broadcasts import commands, jobs, queries
from app.broadcasts.models import Broadcast
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.mailings.models import MailingReader
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests.broadcasts.builders import ready, stage
from tests.broadcasts.test_audience import somebody
from tests.builders import NOW
from tests.petitions.builders import together

PEOPLE = 12
LATER = NOW + timedelta(minutes=1)


def test_people_who_come_and_go_while_it_is_sent_are_out_and_the_others_in_once(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        stay = [somebody(session, f"Stays{n}", there.lead).id for n in range(PEOPLE)]
        go = [somebody(session, f"Goes{n}", there.lead).id for n in range(PEOPLE)]
        ident = ready(session, there).id

    def send() -> None:
        with transaction() as session:
            commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=NOW)

    def come() -> None:
        for number in range(PEOPLE):
            with transaction() as session:
                somebody(session, f"Comes{number}", there.lead, at=LATER)

    def leave() -> None:
        for key in go:
            with transaction() as session:
                supporters.leave(session, session.get_one(Supporter, key), there.lead, source="test", now=LATER)

    together(send, come, leave)
    while jobs.plan():
        pass

    with reading() as session:
        planned = session.scalars(sa.select(MailingReader.reader_key).order_by(MailingReader.reader_key)).all()
        update = session.get_one(Broadcast, ident)
        assert list(planned) == stay
        assert update.mailing is not None
        assert update.mailing.planned == len(stay) == queries.audience_size(session, update)


def test_an_audience_edited_while_it_is_sent_is_sent_as_approved_or_not_at_all(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        somebody(session, "Ana", there.lead, country="US")
        somebody(session, "Bea", there.lead, country="CA")
        ident = ready(session, there).id
    refused: list[str] = []

    def send() -> None:
        try:
            with transaction() as session:
                commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=NOW)
        except Conflict:
            refused.append("send")

    def edit() -> None:
        try:
            with transaction() as session:
                entry = commands.NewBroadcast.of({"subject": "S", "body": "Other words.", "countries": "US"})
                commands.edit(session, session.get_one(Broadcast, ident), entry, by=there.robin)
        except Conflict:
            refused.append("edit")

    together(send, edit)
    while jobs.plan():
        pass

    assert len(refused) == 1
    with reading() as session:
        update = session.get_one(Broadcast, ident)
        planned = session.scalars(sa.select(sa.func.count(MailingReader.id))).one()
        assert (planned, update.audience) == ((2, {}) if refused == ["edit"] else (0, {"countries": ["US"]}))
