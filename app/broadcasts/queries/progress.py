"""How far an update has come: who is planned next, what is on its way, and what needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.broadcasts.models import Broadcast, BroadcastState
from app.broadcasts.queries.readers import same_matter
from app.broadcasts.rules import audience_of
from app.campaigns.models import Campaign
from app.coalitions.models import Membership
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.mailings.models import Mailing, MailingBatch, MailingState
from app.mailings.queries import Progress, unknown_batches
from app.mailings.queries import progress as progress_of
from app.mailings.rules import DECIDED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def waits_for(session: Session, broadcast: Broadcast) -> Broadcast | None:
    """An earlier update whose readers are still being planned, where this one is not for those who got that.

    Only an earlier one is waited for, so that two never wait for each other.
    """
    chosen = audience_of(broadcast)
    related = [
        *([Broadcast.organization_id == broadcast.organization_id] if chosen.quiet_days else []),
        *([sa.and_(*same_matter(broadcast))] if chosen.unwritten else []),
    ]
    if not related:
        return None
    query = (
        sa.select(Broadcast)
        .outerjoin(Broadcast.mailing)
        .where(
            sa.or_(*related),
            Broadcast.state == BroadcastState.SENDING,
            sa.or_(Mailing.id.is_(None), Mailing.planning.is_(True)),
            sa.tuple_(Broadcast.started_at, Broadcast.id)
            < sa.tuple_(sa.literal(broadcast.started_at, Broadcast.started_at.type), sa.literal(broadcast.id)),
        )
        .limit(1)
    )
    return session.scalar(query)


def progress(session: Session, broadcast: Broadcast) -> Progress:
    """How far an update has come; nothing more is claimed than is known."""
    return Progress() if broadcast.mailing_id is None else progress_of(session, broadcast.mailing_id)


def undecided(session: Session, broadcast: Broadcast) -> list[MailingBatch]:
    """Batches whose outcome nobody knows and of which nobody has decided yet."""
    if broadcast.mailing_id is None:
        return []
    return [one for one in unknown_batches(session, broadcast.mailing_id) if one.last_error != DECIDED]


def being_sent(session: Session) -> list[Broadcast]:
    """Updates that are on their way, with everything their words are written from."""
    query = sa.select(Broadcast).where(Broadcast.state == BroadcastState.SENDING).order_by(Broadcast.id)
    related = (joinedload(Broadcast.organization), joinedload(Broadcast.mailing))
    demonstrated = joinedload(Broadcast.campaign).joinedload(Campaign.coalition)
    return list(session.scalars(query.options(*related, demonstrated)))


def held_in(session: Session, *, by: Actor) -> list[Broadcast]:
    """Updates that wait for a decision of their sender's people: refused words, or an hour that has passed."""
    own = sa.exists().where(
        Membership.organization_id == Broadcast.organization_id, Membership.account_id == by.account_id
    )
    query = (
        sa.select(Broadcast)
        .join(Campaign)
        .join(Broadcast.mailing)
        .where(
            Broadcast.state == BroadcastState.SENDING,
            Mailing.state.in_([MailingState.HELD, MailingState.LATE]),
            own,
            may(by, Right.WRITE_UPDATE, Campaign.coalition_id),
        )
        .order_by(Broadcast.id)
    )
    return list(session.scalars(query.options(joinedload(Broadcast.mailing))))
