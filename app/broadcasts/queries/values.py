"""What stands in an update for each reader, and the numbers and districts its author chooses from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast
from app.broadcasts.rules import Field, audience_of, fields_used
from app.campaigns.models import Campaign
from app.petitions.models import Petition, PetitionState
from app.signons.models import SignOn, SignOnState
from app.statements.models import Statement
from app.supporters.models import Supporter
from app.targets.queries import bodies_behind, district_in, districts_of
from app.targets.rules import member_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from app.targets.models import Target


@dataclass(frozen=True, slots=True)
class Countable:
    """Something whose number ``{count}`` can be: ``petition:5`` or ``statement:3``."""

    key: str
    title: str
    number: int

    @property
    def words(self) -> str:
        """What it counts, with the number of now."""
        if self.key.startswith("petition:"):
            return f"Confirmed signatures under “{self.title}” ({self.number:,} now)"
        return f"Organizations under “{self.title}” ({self.number:,} now)"


def countables(session: Session, campaign_id: int) -> list[Countable]:
    """What a campaign's update can count: its petitions' signatures as the public sees them, its letters' sign-ons."""
    petitions = session.execute(
        sa.select(Petition.id, Petition.title, Petition.counted)
        .where(Petition.campaign_id == campaign_id, Petition.state != PetitionState.DRAFT)
        .order_by(Petition.id)
    )
    confirmed = sa.func.count(SignOn.id)
    statements = session.execute(
        sa.select(Statement.id, Statement.title, confirmed)
        .outerjoin(SignOn, sa.and_(SignOn.statement_id == Statement.id, SignOn.state == SignOnState.CONFIRMED))
        .where(Statement.campaign_id == campaign_id)
        .group_by(Statement.id, Statement.title)
        .order_by(Statement.id)
    )
    return [
        *(Countable(f"petition:{ident}", title, number) for ident, title, number in petitions),
        *(Countable(f"statement:{ident}", title, number) for ident, title, number in statements),
    ]


def counted(session: Session, broadcast: Broadcast) -> Countable | None:
    """What ``{count}`` counts in this update: what its author chose, else a petition it is for, else the first."""
    offered = countables(session, broadcast.campaign_id)
    wished = [f"petition:{broadcast.petition_id}", f"statement:{broadcast.statement_id}"]
    wished += [f"petition:{ident}" for ident in audience_of(broadcast).signed]
    by_key = {one.key: one for one in offered}
    return next((by_key[key] for key in wished if key in by_key), offered[0] if offered else None)


def count_now(session: Session, broadcast: Broadcast) -> int | None:
    """The number readers get: the one of when sending began, else the one of now; None where nothing is counted."""
    if broadcast.frozen_count is not None:
        return broadcast.frozen_count
    found = counted(session, broadcast)
    return found.number if found else None


def bodies(session: Session, campaign_id: int) -> list[Target]:
    """The bodies whose districts matter in a campaign."""
    campaign = session.get(Campaign, campaign_id)
    return bodies_behind(campaign.targets) if campaign else []


def districts(session: Session, campaign_id: int) -> list[tuple[str, str]]:
    """The districts an audience can be chosen by, as ``(7:District 4, District 4, King County Council)``."""
    names = {body.id: body.name for body in bodies(session, campaign_id)}
    several = len(names) > 1
    return [
        (f"{body}:{name}", f"{name} ({names[body]})" if several else name)
        for body, name in districts_of(session, names)
    ]


def values_for(session: Session, broadcast: Broadcast, supporter_ids: Iterable[int]) -> dict[int, dict[Field, str]]:
    """What each of these readers gets for every field the update uses, in a constant number of queries.

    A field that is not known of a reader is left out; the words' own fallback stands there.
    """
    used = fields_used(broadcast.subject, broadcast.body)
    local = bodies(session, broadcast.campaign_id) if Field.OFFICIAL in used else []
    columns = [district_in(body.id, Supporter.postal_code, Supporter.country) for body in local]
    query = sa.select(Supporter.id, Supporter.given_name, *columns).where(Supporter.id.in_(list(supporter_ids)))
    number = count_now(session, broadcast) if Field.COUNT in used else None
    officials = _Officials(local)
    found: dict[int, dict[Field, str]] = {}
    for ident, given_name, *lived_in in session.execute(query):
        values = {Field.GIVEN_NAME: given_name, Field.OFFICIAL: officials.of(lived_in)}
        if number is not None:
            values[Field.COUNT] = f"{number:,}"
        found[ident] = {field: value for field, value in values.items() if field in used and value}
    return found


class _Officials:
    """The members of a campaign's bodies by district, each looked for once."""

    def __init__(self, local: list[Target]) -> None:
        self.local = local
        self.known: dict[tuple[int, str], str] = {}

    def of(self, lived_in: list[str | None]) -> str:
        """The official of the first body that knows where a reader lives, or nothing."""
        for body, district in zip(self.local, lived_in, strict=True):
            if district is None:
                continue
            key = (body.id, district)
            if key not in self.known:
                member = member_for(body.members, district)
                self.known[key] = member.addressed_as if member else ""
            if self.known[key]:
                return self.known[key]
        return ""
