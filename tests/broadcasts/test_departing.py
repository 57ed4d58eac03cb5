"""When an update leaves and how fast: its time, each reader's morning, what came too late, and the speed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.broadcasts import commands, jobs, messages, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState, Departure
from app.core import audit, zones
from app.core.clock import zone
from app.core.db import transaction
from app.core.errors import Conflict, Invalid
from app.mailings import commands as mailings
from app.mailings.models import Mailing, MailingBatch, MailingReader
from app.mailings.rules import at_new_speed
from app.supporters.models import Supporter
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TOMORROW = (NOW + timedelta(days=1)).date()
AT_NINE = commands.Departing(when=commands.When.MOMENT, day=TOMORROW, clock=time(9))
MORNING = commands.Departing(when=commands.When.MORNING, day=TOMORROW, hour=8)
PLACES = (
    ("US", "98003"),
    ("US", "10001"),
    ("US", ""),
    ("DE", "10115"),
    ("NZ", "6011"),
    ("CA", "V6B 1A1"),
    ("AU", "6000"),
    ("XX", "1"),
)


def living(session: Session, there: Stage, places: tuple[tuple[str, str], ...] = PLACES) -> dict[int, tuple[str, str]]:
    """Supporters who said yes, one in each place; where each lives by id."""
    found = {}
    for number, (country, postal_code) in enumerate(places):
        made = supporter(session, number, yes=(there.lead,))
        made.country, made.postal_code = country, postal_code
        found[made.id] = (country, postal_code)
    session.flush()
    return found


def plan(session: Session, update: Broadcast, *, lot: int = 3, size: int = 10, now: datetime) -> None:
    commands.keep_words(session, update, messages.form(update), now=now)
    while commands.plan_lot(session, update, lot=lot, size=size, now=now):
        session.expire_all()


def not_before(session: Session) -> dict[int, datetime]:
    """From when on each reader's batch may leave."""
    query = sa.select(MailingReader.reader_key, MailingBatch.try_after).join(
        MailingBatch,
        sa.and_(MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number),
    )
    return {key: moment.astimezone(UTC) for key, moment in session.execute(query)}


def test_an_update_waits_for_its_time_in_the_coalition_s_zone(session: Session) -> None:
    there = stage(session)
    there.campaign.coalition.zone = "America/Los_Angeles"
    update = commands.depart(session, ready(session, there), AT_NINE, by=there.robin, now=NOW)
    departure = queries.departure_of(session, update)
    assert departure is not None
    assert departure.starts_at is not None
    due = departure.starts_at
    assert due.astimezone(UTC) == datetime.combine(TOMORROW, time(9), tzinfo=zone("America/Los_Angeles"))
    assert update.state is BroadcastState.SCHEDULED
    assert queries.due(session, now=due - timedelta(seconds=1)) == []
    assert not commands.start_due(session, update.id, now=due - timedelta(seconds=1))
    assert queries.due(session, now=due) == [update.id]
    assert commands.start_due(session, update.id, now=due)
    assert (update.state, update.started_at) == (BroadcastState.SENDING, due)
    assert not commands.start_due(session, update.id, now=due)
    acts = [(one.act, one.actor) for one in audit.trail(session, there.campaign.coalition_id)]
    assert acts[:2] == [("update.sent", "Undersigned"), ("update.scheduled", "Robin Vale")]


def test_an_update_that_is_far_too_late_is_not_sent_and_says_so(session: Session) -> None:
    there = stage(session)
    update = commands.depart(session, ready(session, there), AT_NINE, by=there.robin, now=NOW)
    departure = queries.departure_of(session, update)
    assert departure is not None
    assert departure.starts_at is not None
    late = departure.starts_at + timedelta(hours=6, seconds=1)
    assert commands.start_due(session, update.id, now=late)
    assert update.state is BroadcastState.APPROVED
    assert "more than 6 hours later. So it was not sent." in departure.missed
    assert queries.due(session, now=late) == []
    again = commands.depart(session, update, commands.Departing(), by=there.robin, now=late)
    assert again.state is BroadcastState.SENDING
    assert departure.missed == ""


def test_as_fast_as_it_goes_can_be_said_and_left_out() -> None:
    assert commands.Departing(per_hour=None).per_hour is None
    assert commands.Speed.model_validate({"per_hour": " "}).per_hour is None
    with pytest.raises(Invalid):
        commands.Speed.of({"per_hour": "9"})


def test_an_update_just_within_its_patience_is_sent(session: Session) -> None:
    there = stage(session)
    entry = AT_NINE.model_copy(update={"late_hours": 2})
    update = commands.depart(session, ready(session, there), entry, by=there.robin, now=NOW)
    departure = queries.departure_of(session, update)
    assert departure is not None
    assert departure.starts_at is not None
    assert commands.start_due(session, update.id, now=departure.starts_at + timedelta(hours=2))
    assert update.state is BroadcastState.SENDING


def test_a_scheduled_update_is_taken_off_and_stays_approved(session: Session) -> None:
    there = stage(session)
    update = commands.depart(session, ready(session, there), AT_NINE, by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="cannot change"):
        rules.must_be_draft(update)
    commands.unschedule(session, update, by=there.robin, now=NOW)
    assert update.state is BroadcastState.APPROVED
    assert queries.due(session, now=NOW + timedelta(days=9)) == []
    assert not commands.start_due(session, update.id, now=NOW + timedelta(days=9))


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (commands.Departing(when=commands.When.MOMENT, clock=time(9)), "day"),
        (commands.Departing(when=commands.When.MOMENT, day=TOMORROW), "clock"),
        (commands.Departing(when=commands.When.MOMENT, day=date(2020, 1, 1), clock=time(9)), "day"),
        (commands.Departing(when=commands.When.MOMENT, day=date(2099, 1, 1), clock=time(9)), "day"),
        (commands.Departing(when=commands.When.MORNING, day=date(2020, 1, 1)), "day"),
    ],
)
def test_a_time_that_cannot_be_is_refused_where_it_stands(
    session: Session, entry: commands.Departing, field: str
) -> None:
    there = stage(session)
    with pytest.raises(Invalid) as refused:
        commands.depart(session, ready(session, there), entry, by=there.robin, now=NOW)
    assert field in refused.value.problems


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    now = datetime(2027, 3, 1, tzinfo=UTC)
    with pytest.raises(Invalid, match="another look"):
        rules.moment(date(2027, 3, 14), time(2, 30), "America/New_York", now=now)


def test_each_reader_gets_it_in_the_morning_where_they_live(session: Session) -> None:
    there = stage(session)
    here = there.campaign.coalition.zone
    lives = living(session, there)
    update = commands.depart(session, ready(session, there), MORNING, by=there.robin, now=NOW)
    departure = queries.departure_of(session, update)
    assert departure is not None
    assert departure.starts_at is not None
    commands.start_due(session, update.id, now=departure.starts_at + timedelta(minutes=1))
    plan(session, update, now=departure.starts_at + timedelta(minutes=2))
    found = not_before(session)
    assert set(found) == set(lives)
    for ident, (country, postal_code) in lives.items():
        lives_by = zones.zone_of(country, postal_code) or here
        [morning] = rules.mornings(TOMORROW, 8, [lives_by], since=departure.starts_at)
        assert found[ident] == morning.at, (country, postal_code)
    assert departure.starts_at == min(found.values())
    assert len(set(found.values())) > 4


def test_a_morning_that_was_past_comes_a_day_later() -> None:
    since = datetime(2027, 1, 5, 12, tzinfo=UTC)
    [auckland, berlin] = rules.mornings(date(2027, 1, 5), 14, ["Pacific/Auckland", "Europe/Berlin"], since=since)[::-1]
    assert berlin.at == datetime(2027, 1, 5, 13, tzinfo=UTC)
    assert auckland.at == datetime(2027, 1, 6, 1, tzinfo=UTC)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["US", "CA", "AU", "BR", "RU", "MX", "ES", "DE", "XX", ""]),
            st.text("0123456789ABVXY -", max_size=7),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_zone_in_sql_is_the_zone_of_the_rule(places: list[tuple[str, str]]) -> None:
    engine = sa.create_engine("sqlite://")
    Supporter.__table__.create(engine)  # type: ignore[attr-defined]
    with engine.begin() as connection:
        for number, (country, code) in enumerate(places):
            values = {"email": "", "email_canonical": str(number), "given_name": "", "family_name": ""}
            row = values | {"country": country, "postal_code": code, "language": "en", "created_at": NOW}
            connection.execute(sa.insert(Supporter).values(row))
        for name in sorted(zones.ALL & {zones.zone_of(*place) or "" for place in places} | {"Europe/Berlin"}):
            here = {country for country, _ in places}
            condition = queries.lives_in(frozenset({name}), here, Supporter.postal_code, Supporter.country)
            numbers = connection.scalars(sa.select(Supporter.email_canonical).where(condition)).all()
            wanted = {str(n) for n, place in enumerate(places) if zones.zone_of(*place) == name}
            assert set(numbers) == wanted


def test_a_planner_that_dies_between_lots_goes_on_with_every_zone_once(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        living(session, there, PLACES * 3)
        update = commands.depart(session, ready(session, there), MORNING, by=there.robin, now=NOW)
        ident = update.id
        departure = queries.departure_of(session, update)
        assert departure is not None
        assert departure.starts_at is not None
        start = departure.starts_at
        commands.start_due(session, ident, now=start)
        commands.keep_words(session, update, messages.form(update), now=start)

    class Death(Exception):
        pass

    def die_once_planned() -> None:
        with transaction() as session:
            commands.plan_lot(session, session.get_one(Broadcast, ident), lot=5, size=2, now=start)
            raise Death

    for _ in range(5):
        with pytest.raises(Death):
            die_once_planned()
        with transaction() as session:
            commands.plan_lot(session, session.get_one(Broadcast, ident), lot=5, size=2, now=start)
    with transaction() as session:
        while commands.plan_lot(session, session.get_one(Broadcast, ident), lot=5, size=2, now=start):
            session.flush()
        assert len(not_before(session)) == 24
        mailing = session.scalars(sa.select(Mailing)).one()
        assert (mailing.planned, mailing.planning) == (24, False)


def test_a_slow_update_is_planned_in_even_batches_and_leaves_at_its_speed(session: Session) -> None:
    there = stage(session)
    for number in range(9):
        supporter(session, number, yes=(there.lead,))
    entry = commands.Departing(per_hour=180)
    update = commands.depart(session, ready(session, there), entry, by=there.robin, now=NOW)
    plan(session, update, lot=100, size=1000, now=NOW)
    assert set(session.scalars(sa.select(MailingBatch.size))) == {3}
    left: list[datetime] = []
    now = NOW
    while len(left) < 3:
        taken = mailings.claim(session, lease=timedelta(minutes=5), now=now)
        if taken is not None:
            left.append(now)
        now += timedelta(seconds=5)
    assert left == [NOW, NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)]


def test_a_slower_speed_halves_what_was_planned_for_a_faster_one(session: Session) -> None:
    there = stage(session)
    for number in range(16):
        supporter(session, number, yes=(there.lead,))
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    plan(session, update, lot=100, size=1000, now=NOW)
    commands.change_speed(session, update, commands.Speed(per_hour=240), by=there.robin, now=NOW)
    taken = mailings.claim(session, lease=timedelta(minutes=5), now=NOW)
    assert taken is not None
    batch = session.get_one(MailingBatch, taken.batch_id)
    assert batch.size == 4
    assert batch.mailing.next_at == NOW + timedelta(minutes=1)
    assert session.scalar(sa.select(sa.func.sum(MailingBatch.size))) == 16
    assert audit.trail(session, there.campaign.coalition_id)[0].detail["per_hour"] == 240


def test_what_left_ahead_of_time_is_waited_for_at_the_new_speed() -> None:
    mailing = Mailing(per_hour=100, next_at=NOW + timedelta(hours=10))
    assert at_new_speed(mailing, 1000, now=NOW) == NOW + timedelta(hours=1)
    assert at_new_speed(mailing, 50, now=NOW) == NOW + timedelta(hours=20)
    assert at_new_speed(mailing, None, now=NOW) == NOW


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "about 1 minute"), (61, "about 1 hour 1 minute"), (1500, "about 1 day 1 hour"), (2880, "about 2 days")],
)
def test_how_long_it_takes_is_said_in_words(minutes: int, words: str) -> None:
    assert rules.duration(timedelta(minutes=minutes)) == words


def test_the_worker_starts_what_is_due(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        supporter(session, 1, yes=(there.lead,))
        ident = commands.depart(session, ready(session, there), AT_NINE, by=there.robin, now=NOW).id
        departure = session.scalars(sa.select(Departure)).one()
        departure.starts_at, departure.late_hours = datetime.now(UTC) - timedelta(minutes=1), 6
    assert jobs.start() == 1
    assert jobs.start() == 0
    with transaction() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENDING
