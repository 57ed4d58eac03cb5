"""A lot of an update's readers in slices that leave apart: by the morning where they live, by the subject they get."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts import rules
from app.broadcasts.models import Broadcast, BroadcastState, Comparison, Departure
from app.broadcasts.queries.readers import audience, lives_at, places_between, readers_between
from app.core import db, zones
from app.mailings.models import MailingReader
from app.supporters.models import Supporter
from app.targets.queries import normal_code

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Slice:
    """Readers of a lot that leave with one subject, not before one moment, and perhaps not after another."""

    readers: sa.Select[int, str, str, str]
    variant: int
    not_before: datetime
    not_after: datetime | None = None


def departure_of(session: Session, broadcast: Broadcast) -> Departure | None:
    """When and how fast it leaves, if anything was chosen."""
    return session.scalar(sa.select(Departure).where(Departure.broadcast_id == broadcast.id))


def comparison_of(session: Session, broadcast: Broadcast) -> Comparison | None:
    """The subjects that are compared, if any."""
    return session.scalar(sa.select(Comparison).where(Comparison.broadcast_id == broadcast.id))


def further_subjects(session: Session, broadcast: Broadcast) -> list[str]:
    """The subjects that are compared with an update's own."""
    comparison = comparison_of(session, broadcast)
    return [] if comparison is None else [one.subject for one in comparison.subjects if one.subject]


def due(session: Session, *, now: datetime) -> list[int]:
    """Scheduled updates whose time has come, the earliest first."""
    query = (
        sa.select(Broadcast.id)
        .join(Departure, Departure.broadcast_id == Broadcast.id)
        .where(Broadcast.state == BroadcastState.SCHEDULED, Departure.starts_at <= now)
        .order_by(Departure.starts_at)
    )
    return list(session.scalars(query))


def countries(session: Session, broadcast: Broadcast, *, now: datetime | None = None) -> list[str]:
    """Where the readers of an update say that they live."""
    db.expect_large_sets(session)
    ids = audience(broadcast, now=now).order_by(None).subquery()
    query = sa.select(Supporter.country).join(ids, ids.c.id == Supporter.id).distinct()
    return list(session.scalars(query))


def mornings(session: Session, broadcast: Broadcast, day: date, hour: int, *, now: datetime) -> list[rules.Morning]:
    """When an hour of a day comes where the readers of an update live, the earliest first."""
    names = rules.zones_in(countries(session, broadcast, now=now), broadcast.campaign.coalition.zone)
    return rules.mornings(day, hour, names, since=now)


def unplanned(session: Session, broadcast: Broadcast) -> int:
    """How many of a frozen audience have not been copied into the mailing yet."""
    db.expect_large_sets(session)
    ids = audience(broadcast).order_by(None)
    if broadcast.mailing is not None:
        if not broadcast.mailing.planning:
            return 0
        ids = ids.where(_not_looked_at(broadcast, comparison_of(session, broadcast)))
    return session.scalar(sa.select(sa.func.count()).select_from(ids.subquery())) or 0


def _not_looked_at(broadcast: Broadcast, comparison: Comparison | None) -> Condition:
    ahead = Supporter.id > broadcast.planned_up_to
    if comparison is None or comparison.threshold is None:
        return ahead
    rest = on_wheel(Supporter.id, comparison.salt) >= comparison.threshold
    return sa.or_(ahead, rest) if comparison.sampled_at is None else sa.and_(ahead, rest)


def slices(session: Session, broadcast: Broadcast, last: int, *, now: datetime) -> list[Slice]:
    """The next lot, up to ``last``, in slices. Somebody who drops out meanwhile leaves the others where they are."""
    whole = readers_between(broadcast, broadcast.planned_up_to, last)
    departure, comparison = departure_of(session, broadcast), comparison_of(session, broadcast)
    if comparison is not None and comparison.threshold is not None:
        return [Slice(whole.where(which), variant, now) for which, variant in _by_subject(comparison)]
    if departure is None or departure.day is None or departure.hour is None:
        return [Slice(whole, 0, now)]
    return _by_morning(session, broadcast, departure, whole, places_between(broadcast.planned_up_to, last), now=now)


def _by_subject(comparison: Comparison) -> list[tuple[Condition, int]]:
    """In the sample one after the other on the wheel; the rest gets the winner."""
    place, threshold = on_wheel(Supporter.id, comparison.salt), comparison.threshold or 0
    if comparison.sampled_at is not None:
        return [(place >= threshold, comparison.winner or 0)]
    number = len(comparison.subjects)
    return [(sa.and_(place < threshold, place % number == variant), variant) for variant in range(number)]


def on_wheel(key: sa.SQLColumnExpression[int], salt: int) -> sa.ColumnElement[int]:
    """``rules.on_wheel`` in SQL."""
    once = (key % rules.PRIME * salt + rules.TURN) % rules.PRIME
    return (once * salt + rules.TURN) % rules.PRIME % rules.WHEEL


def _by_morning(
    session: Session,
    broadcast: Broadcast,
    departure: Departure,
    whole: sa.Select[int, str, str, str],
    places: sa.Select[str, str],
    *,
    now: datetime,
) -> list[Slice]:
    """Who lives where the same morning comes leaves together; last, with the coalition, whose place is not known.

    ``places`` are those where somebody of the lot lives. There are far fewer of them than readers, and few zones.
    """
    here = broadcast.campaign.coalition.zone
    place = places.subquery().c
    lived_in = session.execute(places).all()
    names = {here, *filter(None, (zones.zone_of(country, code) for code, country in lived_in))}
    countries_here = {country for _, country in lived_in}
    since, patience = departure.starts_at or broadcast.started_at or now, timedelta(hours=departure.late_hours)

    def living_there(there: frozenset[str]) -> sa.Select[int, str, str, str]:
        in_zone = lives_in(there, countries_here, place.postal_code, place.country)
        return whole.where(lives_at(sa.select(place.postal_code, place.country).where(in_zone)))

    found = [
        Slice(living_there(morning.zones), 0, morning.at, morning.at + patience)
        for morning in rules.mornings(departure.day or now.date(), departure.hour or 0, names, since=since)
    ]
    ours = rules.mornings(departure.day or now.date(), departure.hour or 0, [here], since=since)[0]
    unplanned = ~sa.exists().where(
        MailingReader.mailing_id == broadcast.mailing_id, MailingReader.reader_key == Supporter.id
    )
    return [*found, Slice(whole.where(unplanned), 0, ours.at, ours.at + patience)]


def lives_in(
    names: frozenset[str],
    countries_here: Iterable[str],
    code: sa.SQLColumnExpression[str],
    country: sa.SQLColumnExpression[str],
) -> Condition:
    """Whether a postal code of a country lies in one of these zones, as ``core.zones`` knows places."""
    here = set(countries_here)
    wholly = [name for name in here if zones.ONE.get(name) in names]
    partly = [_part(code, zones.SEVERAL[name], names) & (country == name) for name in sorted(here & set(zones.SEVERAL))]
    return sa.or_(sa.false(), country.in_(wholly), *partly)


def _part(code: sa.SQLColumnExpression[str], country: zones.Country, names: frozenset[str]) -> Condition:
    start = sa.func.substr(normal_code(code), 1, country.length)
    full = sa.func.length(start) == country.length

    def within(ranges: list[tuple[str, str, str]]) -> Condition:
        return sa.or_(sa.false(), *(start.between(first, last) for first, last, _ in ranges))

    known = within([one for one in country.ranges if one[2] in names])
    lives = sa.and_(full, known)
    if country.otherwise in names:
        lives = sa.or_(lives, sa.not_(sa.and_(full, within(list(country.ranges)))))
    return lives
