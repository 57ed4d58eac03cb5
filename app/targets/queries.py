"""Finding a coalition's targets, bodies before their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.errors import NotFound
from app.core.text import sort_key
from app.targets import rules
from app.targets.models import PostalDistrict, Target
from app.targets.rules import BODIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session


def targets_of(session: Session, coalition_id: int) -> list[Target]:
    """All targets of a coalition with their bodies: by name, members right after their body in the order they came."""
    query = sa.select(Target).where(Target.coalition_id == coalition_id).order_by(Target.id)
    rows = list(session.scalars(query.options(joinedload(Target.parent))))
    members: dict[int | None, list[Target]] = {}
    for row in rows:
        members.setdefault(row.parent_id, []).append(row)
    ordered: list[Target] = []
    for top in sorted(members.get(None, []), key=lambda row: sort_key(row.name)):
        _gather(top, members, ordered)
    return ordered


def _gather(row: Target, members: dict[int | None, list[Target]], into: list[Target]) -> None:
    into.append(row)
    for member in members.get(row.id, []):
        _gather(member, members, into)


def target_of(session: Session, coalition_id: int, slug: str) -> Target:
    """One target of a coalition with its body and its members; NotFound if there is none."""
    query = sa.select(Target).where(Target.coalition_id == coalition_id, Target.slug == slug)
    found = session.scalar(query.options(joinedload(Target.parent), selectinload(Target.members)))
    if found is None:
        raise NotFound
    return found


def chosen(session: Session, coalition_id: int, idents: Iterable[int]) -> list[Target]:
    """The targets of a coalition with these ids; ids of others are left out."""
    query = sa.select(Target).where(Target.coalition_id == coalition_id, Target.id.in_(set(idents)))
    return list(session.scalars(query.order_by(Target.id).options(selectinload(Target.members))))


def bodies_of(session: Session, coalition_id: int) -> list[Target]:
    """The bodies and agencies a target may be a member of."""
    query = sa.select(Target).where(Target.coalition_id == coalition_id, Target.kind.in_(BODIES))
    return list(session.scalars(query.order_by(Target.name)))


def addressees(targets: Iterable[Target]) -> list[str]:
    """Whom a letter names, each once: ``Amazon.com``, ``the members of the King County Council``."""
    return rules.addressees(targets)


def normal_code(code: sa.SQLColumnExpression[str]) -> sa.ColumnElement[str]:
    """A column of postal codes as ``rules.postal_key`` writes them, in SQL."""
    return sa.func.upper(sa.func.replace(sa.func.replace(code, " ", ""), "-", ""))


def district_in(
    body_id: int, code: sa.SQLColumnExpression[str], country: sa.SQLColumnExpression[str]
) -> sa.ScalarSelect[str]:
    """The district of a body in which a column of postal codes lies, in SQL: the longest known prefix, or NULL.

    A body whose division names its country knows nothing of codes from another one.
    """
    normal = normal_code(code)
    beginnings = [sa.func.substr(normal, 1, length) for length in range(1, rules.LONGEST_PREFIX + 1)]
    named = "ocd-division/country:"
    home = sa.func.upper(sa.func.substr(Target.ocd_division, len(named) + 1, 2))
    return (
        sa.select(PostalDistrict.district)
        .join(Target, Target.id == PostalDistrict.target_id)
        .where(
            PostalDistrict.target_id == body_id,
            PostalDistrict.prefix.in_(beginnings),
            sa.or_(Target.ocd_division.not_like(f"{named}%"), country == "", home == country),
        )
        .order_by(sa.func.length(PostalDistrict.prefix).desc())
        .limit(1)
        .scalar_subquery()
    )


def districts_of(session: Session, body_ids: Iterable[int]) -> list[tuple[int, str]]:
    """The districts that the tables of these bodies name, with the body's id, numbers in their order."""
    query = sa.select(PostalDistrict.target_id, PostalDistrict.district).distinct()
    rows = session.execute(query.where(PostalDistrict.target_id.in_(set(body_ids)))).all()
    return sorted(((body, name) for body, name in rows), key=lambda row: (row[0], rules.in_counting_order(row[1])))


def prefixes_of(session: Session, body_id: int) -> list[PostalDistrict]:
    """A body's table of postal prefixes, by prefix."""
    query = sa.select(PostalDistrict).where(PostalDistrict.target_id == body_id).order_by(PostalDistrict.prefix)
    return list(session.scalars(query))


def bodies_behind(targets: Iterable[Target]) -> list[Target]:
    """The bodies that a demand is made of or of whose members it is made, each once."""
    found = [target if target.kind in BODIES else target.parent for target in targets]
    return list({body.id: body for body in found if body is not None and body.kind in BODIES}.values())
