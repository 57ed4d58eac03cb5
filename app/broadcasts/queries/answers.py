"""What people answered to an update; only its sender reads it, for supporters gave their addresses to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast
from app.broadcasts.queries.finding import broadcast_for
from app.broadcasts.queries.looking import may_see_addresses
from app.core.errors import NotFound
from app.returns.models import Reply

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def answers_to(broadcast: Broadcast) -> sa.ColumnElement[bool]:
    """The condition on replies that makes them answers to this update."""
    return sa.false() if broadcast.mailing_id is None else Reply.mailing_id == broadcast.mailing_id


def answered_broadcast(session: Session, slug: str, ident: int, *, by: Actor) -> Broadcast:
    """The update, for those who may write in its sender's name: they alone see who answered. Else NotFound."""
    found = broadcast_for(session, slug, ident, by=by)
    if not may_see_addresses(session, found, by=by):
        raise NotFound
    return found
