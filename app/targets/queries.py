"""Finding a coalition's targets, bodies before their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.errors import NotFound
from app.core.text import sort_key
from app.targets import rules
from app.targets.models import Target
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
