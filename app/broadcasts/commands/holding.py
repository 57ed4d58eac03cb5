"""The row of an update, held by somebody who has the right, and its line in the trail."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.broadcasts.models import Broadcast
from app.coalitions.queries import acting_for, require
from app.coalitions.roles import Right
from app.core import audit, db

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def held(session: Session, broadcast: Broadcast, by: Actor, right: Right) -> Broadcast:
    """The update's row, locked; writing needs the right in the sender itself."""
    require(session, broadcast.campaign.coalition_id, by=by, right=right)
    if right is Right.WRITE_UPDATE:
        acting_for(
            session,
            broadcast.campaign.coalition_id,
            by=by,
            right=right,
            organization_id=broadcast.organization_id,
        )
    return db.locked(session, Broadcast, broadcast.id)


def record(
    session: Session,
    act: str,
    broadcast: Broadcast,
    *,
    by: Actor,
    now: datetime,
    letters: int | None = None,
    per_hour: int | None = None,
    at: datetime | None = None,
    subject: str | None = None,
) -> None:
    """Write an act about an update into its coalition's trail."""
    audit.record(
        session,
        act,
        broadcast,
        by=by,
        now=now,
        coalition_id=broadcast.campaign.coalition_id,
        organization_id=broadcast.organization_id,
        subject_line=broadcast.title,
        version=broadcast.version,
        letters=letters,
        per_hour=per_hour,
        at=None if at is None else at.isoformat(),
        chosen=subject,
    )
