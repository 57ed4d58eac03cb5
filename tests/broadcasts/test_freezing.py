"""The audience changes while somebody presses send: what is frozen is one moment, and nobody is in it twice."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.broadcasts import commands, jobs, messages, queries
from app.broadcasts.models import Broadcast
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.mailings.models import MailingReader
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests.broadcasts.builders import ready, stage
from tests.broadcasts.test_audience import somebody, update
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


def test_whoever_leaves_while_a_lot_is_copied_does_not_move_its_end_past_somebody_else(session: Session) -> None:
    there = stage(session)
    people = [somebody(session, f"Reader{number}", there.lead) for number in range(5)]
    broadcast = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    commands.keep_words(session, broadcast, messages.form(broadcast), now=NOW)

    last = queries.last_in_lot(session, broadcast, 2)
    supporters.leave(session, people[0], there.lead, source="test", now=LATER)

    assert last == people[1].id
    [lot] = queries.slices(session, broadcast, last, now=LATER)
    assert [row.id for row in session.execute(lot.readers)] == [people[1].id]


def test_people_who_leave_while_workers_plan_cost_nobody_else_their_letter(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        everybody = [somebody(session, f"Reader{number}", there.lead).id for number in range(4 * PEOPLE)]
        broadcast = commands.send(session, ready(session, there), by=there.robin, now=NOW)
        commands.keep_words(session, broadcast, messages.form(broadcast), now=NOW)
        ident = broadcast.id

    def leave() -> None:
        for key in everybody[::2]:
            with transaction() as session:
                supporters.leave(session, session.get_one(Supporter, key), there.lead, source="test", now=LATER)

    def plan() -> None:
        planned = 1
        while planned:
            with transaction() as session:
                planned = commands.plan_lot(session, session.get_one(Broadcast, ident), lot=3, size=2, now=NOW)

    together(leave, plan, plan)

    with reading() as session:
        planned = session.scalars(sa.select(MailingReader.reader_key)).all()
    assert set(everybody[1::2]) <= set(planned)


def test_a_lot_is_so_many_to_look_at_however_few_of_them_are_wanted(session: Session) -> None:
    there = stage(session)
    for number in range(5):
        somebody(session, f"Reader{number}", there.lead, language="fr" if number == 4 else "en")
    broadcast = commands.send(session, update(session, there, languages="fr"), by=there.robin, now=NOW)
    commands.keep_words(session, broadcast, messages.form(broadcast), now=NOW)

    steps = list(iter(lambda: commands.plan_lot(session, broadcast, lot=2, size=10, now=NOW), 0))

    assert steps == [1, 1, 1]
    assert broadcast.mailing is not None
    assert (broadcast.mailing.planned, broadcast.mailing.planning) == (1, False)
