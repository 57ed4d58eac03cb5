"""What a coalition settles for all its members: how updates are approved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.coalitions import queries
from app.coalitions.models import Coalition
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.inputs import Input

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


class CoalitionSettings(Input):
    """What a coalition asks of its members."""

    other_organization_approves: bool = False


def settle_coalition(
    session: Session, coalition: Coalition, entry: CoalitionSettings, *, by: Actor, now: datetime
) -> Coalition:
    """Say how updates are approved from now on. One that was approved otherwise must be approved again."""
    queries.require(session, coalition.id, by=by, right=Right.ORGANIZE)
    row = db.locked(session, Coalition, coalition.id)
    if row.other_organization_approves == entry.other_organization_approves:
        return row
    row.other_organization_approves = entry.other_organization_approves
    session.flush()
    audit.record(
        session,
        "coalition.settled",
        row,
        by=by,
        now=now,
        coalition_id=row.id,
        name=row.name,
        approval="another organization" if row.other_organization_approves else "a second person",
    )
    return row
