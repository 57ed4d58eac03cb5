"""Whom an update is for, in SQL: the readers, how many, and how many are left out by what."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from app.broadcasts.models import Broadcast
from app.broadcasts.rules import FREE_MAIL, Audience, audience_of
from app.campaigns.models import Campaign
from app.coalitions.models import Organization
from app.core import db
from app.core.clock import utc_now
from app.mail.models import Suppression
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState
from app.petitions.models import Signature, SignatureState
from app.signons.models import SignOn, SignOnState
from app.statements.models import Statement
from app.supporters.models import Purpose, Standing, Supporter
from app.supporters.rules import stream
from app.targets.queries import district_in, normal_code

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Condition = sa.ColumnElement[bool]
KEYS = (Standing.supporter_id, Supporter.id)


class domain_of(GenericFunction[str]):  # noqa: N801 - the name is the function's in SQL
    """What stands behind the @ of an address; the databases have no common function for it."""

    type = sa.String()
    inherit_cache = True


@compiles(domain_of)
def _domain(element: domain_of, compiler: Any, **given: Any) -> str:
    return f"split_part({compiler.process(element.clauses, **given)}, '@', 2)"


@compiles(domain_of, "sqlite")
def _domain_sqlite(element: domain_of, compiler: Any, **given: Any) -> str:
    address = compiler.process(element.clauses, **given)
    return f"substr({address}, instr({address}, '@') + 1)"


class host_of(GenericFunction[str]):  # noqa: N801 - the name is the function's in SQL
    """The host of a web address."""

    type = sa.String()
    inherit_cache = True


@compiles(host_of)
def _host(element: host_of, compiler: Any, **given: Any) -> str:
    return f"split_part(split_part({compiler.process(element.clauses, **given)}, '://', 2), '/', 1)"


@compiles(host_of, "sqlite")
def _host_sqlite(element: host_of, compiler: Any, **given: Any) -> str:
    address = compiler.process(element.clauses, **given)
    rest = f"substr({address}, instr({address}, '://') + 3) || '/'"
    return f"substr({rest}, 1, instr({rest}, '/') - 1)"


@dataclass(frozen=True, slots=True)
class Reach:
    """How many said yes to the sender, how many of them an update reaches, and how many each part leaves out.

    Somebody may be left out by several parts and is counted in each.
    """

    yes: int
    readers: int
    left_out: dict[str, int]


def audience(broadcast: Broadcast, *, after: int = 0, now: datetime | None = None) -> sa.Select[int]:
    """The ids of the supporters an update is for, ascending, those above ``after``.

    Once sending has begun it is frozen: whoever came, said yes, signed or was written to later changes nothing, and
    only those who leave or whose address fails drop out. ``now`` is for updates that have not begun.
    """
    query = _reached(broadcast, Supporter.id, places=_places(), now=now).where(Standing.supporter_id > after)
    return query.order_by(Standing.supporter_id)


def readers_between(broadcast: Broadcast, after: int, last: int) -> sa.Select[int, str, str, str]:
    """A lot of a frozen audience, above one id and up to another: id, address, canonical address, name."""
    columns = (Supporter.id, Supporter.email, Supporter.email_canonical, Supporter.given_name)
    places = places_between(after, last)
    query: sa.Select[int, str, str, str] = _reached(broadcast, *columns, places=places, now=None)
    # Of both tables, because PostgreSQL does not see that one bound follows from the other, and reads all supporters.
    return query.where(*(key > after for key in KEYS), *(key <= last for key in KEYS))


def last_in_lot(session: Session, broadcast: Broadcast, lot: int) -> int | None:
    """The last id of the next ``lot`` supporters that say yes to the sender; None when everybody has been looked at.

    Whatever else is asked of readers, a lot is so many to look at: no transaction is longer because few are wanted.
    """
    query = _standing_yes(broadcast, sa.select(Standing.supporter_id))
    ids = query.where(Standing.supporter_id > broadcast.planned_up_to).order_by(Standing.supporter_id).limit(lot)
    last: int | None = session.scalar(sa.select(sa.func.max(ids.subquery().c.supporter_id)))
    return last


def reach(session: Session, broadcast: Broadcast, *, now: datetime | None = None) -> Reach:
    """How far an update goes, and what leaves out whom, in one query."""
    db.expect_large_sets(session)
    conditions = _conditions(broadcast, now)
    told = [sa.case((condition, 1), else_=0).label(name) for name, condition in conditions.items()]
    # Materialized, because the databases would otherwise work out every part twice: alone and together.
    each = _saying_yes(broadcast, *told).cte("each_one").prefix_with("MATERIALIZED")
    parts = [each.c[name] for name in conditions]
    together = functools.reduce(operator.mul, parts)
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in (together, *(1 - part for part in parts))]
    yes, readers, *left_out = session.execute(sa.select(sa.func.count(), *sums).select_from(each)).one()
    return Reach(yes, readers, dict(zip(conditions, left_out, strict=True)))


def audience_size(session: Session, broadcast: Broadcast, *, now: datetime | None = None) -> int:
    """How many would receive it now."""
    db.expect_large_sets(session)
    query = audience(broadcast, now=now).order_by(None)
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def newest_supporter(session: Session) -> int:
    """The highest supporter id there is; later ones are not part of an audience frozen now."""
    return session.scalar(sa.select(sa.func.max(Supporter.id))) or 0


def places_between(after: int, last: int) -> sa.Select[str, str]:
    """Where supporters above one id and up to another live: postal code and country, each pair once."""
    return _places(Supporter.id > after, Supporter.id <= last)


def lives_at(places: sa.Select[str, str]) -> Condition:
    """Whether a supporter lives in one of these places, which are looked up once and for all.

    Put so that neither database makes a join of it: both would go through all places for every supporter, PostgreSQL
    as long as it knows too little of the tables, and a lot that takes a fraction of a second would take minutes.
    """
    return sa.tuple_(Supporter.postal_code, Supporter.country).in_(places.correlate(None)).is_(sa.true())


def _places(*among: Condition) -> sa.Select[str, str]:
    return sa.select(Supporter.postal_code, Supporter.country).where(*among).distinct()


def _reached(broadcast: Broadcast, *columns: Any, places: sa.Select[str, str], now: datetime | None) -> sa.Select[Any]:
    """Those of whom everything holds that the update asks, and whom nothing stops. ``places``: where they may live."""
    anything = ~_suppressed(broadcast, sa.true())  # one look instead of one for each reason, for a million readers
    return _saying_yes(broadcast, *columns).where(*_wishes(broadcast, places, now).values(), anything)


def _saying_yes(broadcast: Broadcast, *columns: Any) -> sa.Select[Any]:
    """Supporters with a standing yes to the sender, as of when sending began."""
    query = sa.select(*columns).select_from(Standing).join(Supporter, Supporter.id == Standing.supporter_id)
    return _standing_yes(broadcast, query)


def _standing_yes(broadcast: Broadcast, query: sa.Select[Any]) -> sa.Select[Any]:
    """Bounds are put on the standing's own column, which its index has: a lot begins where the last one ended."""
    query = query.where(
        Standing.organization_id == broadcast.organization_id,
        Standing.purpose == Purpose.UPDATES,
        Standing.yes.is_(True),
    )
    if broadcast.started_at is not None:
        query = query.where(Standing.at <= broadcast.started_at)
    if broadcast.audience_until is not None:
        query = query.where(Standing.supporter_id <= broadcast.audience_until)
    return query


def _conditions(broadcast: Broadcast, now: datetime | None) -> dict[str, Condition]:
    """What must hold of a reader, by the part of the audience that asks it, then what stops mail to an address."""
    bounced, complained = Suppression.reason.startswith("bounce"), Suppression.reason.startswith("complain")
    return _wishes(broadcast, _places(), now) | {
        "bounced": ~_suppressed(broadcast, bounced),
        "complained": ~_suppressed(broadcast, complained),
        "stopped": ~_suppressed(broadcast, sa.not_(sa.or_(bounced, complained))),
    }


def _wishes(broadcast: Broadcast, places: sa.Select[str, str], now: datetime | None) -> dict[str, Condition]:
    """What must hold of a reader, by the part of the audience that asks it."""
    chosen = audience_of(broadcast)
    found: dict[str, Condition] = {}
    if chosen.signed:
        found["signed"] = _signed(broadcast, chosen.signed)
    if chosen.districts:
        found["districts"] = _lives_in(chosen, places)
    if chosen.postal_prefixes:
        found["postal_prefixes"] = _code_begins(chosen.postal_prefixes)
    if chosen.countries:
        found["countries"] = Supporter.country.in_(chosen.countries)
    if chosen.languages:
        found["languages"] = _speaks(chosen.languages)
    if chosen.on_behalf:
        found["on_behalf"] = _stands_for_a_group(broadcast)
    if chosen.quiet_days:
        since = (broadcast.started_at or now or utc_now()) - timedelta(days=chosen.quiet_days)
        sender = Broadcast.organization_id == broadcast.organization_id
        found["quiet_days"] = ~_was_written_to(broadcast, sender, Broadcast.started_at > since)
    if chosen.unwritten:
        found["unwritten"] = ~_was_written_to(broadcast, *same_matter(broadcast))
    return found


def _signed(broadcast: Broadcast, petitions: list[int]) -> Condition:
    begun = broadcast.started_at
    return (
        sa.exists()
        .where(
            Signature.supporter_id == Supporter.id,
            Signature.petition_id.in_(petitions),
            Signature.state == SignatureState.VALIDATED,
            *([] if begun is None else [Signature.validated_at <= begun]),
        )
        .correlate(Supporter)
    )


def _lives_in(chosen: Audience, places: sa.Select[str, str]) -> Condition:
    """Whether a supporter lives in one of the chosen districts.

    Postal codes repeat, so that looking up each of them once is far less work than looking up each supporter's.
    """
    codes = places.subquery()
    pairs = sa.select(codes.c.postal_code, codes.c.country)
    return sa.or_(
        *(
            lives_at(pairs.where(district_in(body, codes.c.postal_code, codes.c.country).in_(names)))
            for body, names in chosen.by_body().items()
        )
    )


def _code_begins(prefixes: list[str]) -> Condition:
    normal = normal_code(Supporter.postal_code)
    lengths = sorted({len(prefix) for prefix in prefixes})
    return sa.or_(
        *(
            sa.func.substr(normal, 1, length).in_([prefix for prefix in prefixes if len(prefix) == length])
            for length in lengths
        )
    )


def _speaks(languages: list[str]) -> Condition:
    language = sa.func.lower(Supporter.language)
    return sa.or_(language.in_(languages), *(language.startswith(f"{one}-") for one in languages))


def _stands_for_a_group(broadcast: Broadcast) -> Condition:
    """Petitions do not ask for whom somebody signs, so the address tells, by what organizations print of themselves.

    Never by the addresses of signatories, which nobody else may see: whoever has one supporter and counts readers
    would learn whether that supporter signed for an organization, and at which domain it writes.
    """
    ours = sa.select(Campaign.coalition_id).where(Campaign.id == broadcast.campaign_id).scalar_subquery()
    begun = broadcast.started_at
    public = sa.func.lower(Organization.public_email)
    site = host_of(sa.func.lower(Organization.site_url))

    def of_those_who_stand(column: sa.ColumnElement[str]) -> sa.Select[str]:
        return (
            sa.select(column)
            .select_from(SignOn)
            .join(Organization, Organization.id == SignOn.organization_id)
            .join(Statement, Statement.id == SignOn.statement_id)
            .join(Campaign, Campaign.id == Statement.campaign_id)
            .where(Campaign.coalition_id == ours, SignOn.state == SignOnState.CONFIRMED, column != "")
            .where(*([] if begun is None else [SignOn.signed_at <= begun]))
        )

    domain = domain_of(Supporter.email_canonical)
    sites = of_those_who_stand(site)
    at_home = sa.or_(domain.in_(of_those_who_stand(domain_of(public))), domain.in_(sites), ("www." + domain).in_(sites))
    return sa.or_(
        sa.func.lower(Supporter.email).in_(of_those_who_stand(public)), sa.and_(domain.not_in(FREE_MAIL), at_home)
    )


def same_matter(broadcast: Broadcast) -> tuple[Condition, Condition]:
    """Which updates are about the campaign and of the sender.

    Of the sender only: who is left out because of another organization's update would tell who said yes to it.
    """
    return Broadcast.campaign_id == broadcast.campaign_id, Broadcast.organization_id == broadcast.organization_id


def _was_written_to(broadcast: Broadcast, *which: Condition) -> Condition:
    """Whether another update of these went, or is about to go, to the supporter; what was held back does not count."""
    begun = broadcast.started_at
    held_back = (ReaderState.SUPPRESSED, ReaderState.FAILED, ReaderState.DROPPED)
    return (
        sa.exists()
        .where(
            MailingReader.reader_key == Supporter.id,
            MailingReader.mailing_id == Broadcast.mailing_id,
            sa.or_(MailingReader.state.is_(None), MailingReader.state.not_in(held_back)),
            MailingBatch.mailing_id == MailingReader.mailing_id,
            MailingBatch.number == MailingReader.batch_number,
            MailingBatch.state.not_in([BatchState.DROPPED, BatchState.RECALLED]),
            Broadcast.id != (broadcast.id or 0),
            *which,
            *([] if begun is None else [Broadcast.started_at <= begun]),
        )
        .correlate(Supporter)
    )


def _suppressed(broadcast: Broadcast, why: Condition) -> Condition:
    return (
        sa.exists()
        .where(
            Suppression.address == Supporter.email_canonical,
            Suppression.stream.in_(["", stream(broadcast.organization_id)]),
            why,
        )
        .correlate(Supporter)
    )
