"""Updates as their coalition sees them, their audience, and how far they have come."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast, BroadcastRecipient, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition
from app.coalitions.queries import may, organizations_acting
from app.coalitions.roles import Right
from app.core.errors import NotAllowed, NotFound
from app.mail.models import Email, EmailState
from app.petitions.models import Petition, Signature, SignatureState
from app.returns.models import Reply
from app.supporters.models import Purpose, Standing, Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def broadcast_for(session: Session, slug: str, ident: int, *, by: Actor, right: Right = Right.SEE) -> Broadcast:
    """The update, if it is of this coalition and ``by`` holds the right there."""
    query = (
        sa.select(Broadcast)
        .join(Campaign)
        .join(Coalition, Coalition.id == Campaign.coalition_id)
        .where(Broadcast.id == ident, Coalition.slug == slug)
    )
    found = session.scalar(query.where(may(by, right, Campaign.coalition_id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Campaign.coalition_id))) is not None:
        raise NotAllowed
    raise NotFound


def broadcasts_of(
    session: Session, coalition_id: int, *, before: int | None = None, limit: int = 50
) -> list[Broadcast]:
    """A coalition's updates, newest first."""
    query = sa.select(Broadcast).join(Campaign).where(Campaign.coalition_id == coalition_id)
    if before is not None:
        query = query.where(Broadcast.id < before)
    return list(session.scalars(query.order_by(Broadcast.id.desc()).limit(limit)))


def petitions_of(session: Session, coalition_id: int) -> list[Petition]:
    """The petitions whose signers an update can go to."""
    query = sa.select(Petition).join(Campaign).where(Campaign.coalition_id == coalition_id).order_by(Petition.id)
    return list(session.scalars(query))


def _audience(broadcast: Broadcast) -> sa.Select[int]:
    """Supporters with a standing yes to the sender, and a validated signature where a petition is named.

    Once sending has begun, whoever said yes or signed later is not in it.
    """
    begun = broadcast.started_at
    query = sa.select(Standing.supporter_id).where(
        Standing.organization_id == broadcast.organization_id,
        Standing.purpose == Purpose.UPDATES,
        Standing.yes.is_(True),
        *([] if begun is None else [Standing.at <= begun]),
    )
    if broadcast.petition_id is not None:
        signed = sa.exists().where(
            Signature.supporter_id == Standing.supporter_id,
            Signature.petition_id == broadcast.petition_id,
            Signature.state == SignatureState.VALIDATED,
            *([] if begun is None else [Signature.validated_at <= begun]),
        )
        query = query.where(signed)
    return query


def audience_size(session: Session, broadcast: Broadcast) -> int:
    """How many would receive it now."""
    return session.scalar(sa.select(sa.func.count()).select_from(_audience(broadcast).subquery())) or 0


def next_lot(session: Session, broadcast: Broadcast, limit: int) -> list[Supporter]:
    """The next supporters of a frozen audience that have not been planned, by id."""
    ids = (
        _audience(broadcast)
        .where(Standing.supporter_id > broadcast.planned_up_to, Standing.supporter_id <= broadcast.audience_until)
        .order_by(Standing.supporter_id)
        .limit(limit)
        .subquery()
    )
    query = sa.select(Supporter).join(ids, ids.c.supporter_id == Supporter.id).order_by(Supporter.id)
    return list(session.scalars(query))


def newest_supporter(session: Session) -> int:
    """The highest supporter id there is; later ones are not part of an audience frozen now."""
    return session.scalar(sa.select(sa.func.max(Supporter.id))) or 0


def progress(session: Session, broadcast_id: int) -> dict[str, int]:
    """How many letters of an update are in each state; nothing more is claimed than is known."""
    rows = session.execute(
        sa.select(Email.state, sa.func.count())
        .join(BroadcastRecipient, BroadcastRecipient.email_id == Email.id)
        .where(BroadcastRecipient.broadcast_id == broadcast_id)
        .group_by(Email.state)
    )
    counts = Counter({state.value: count for state, count in rows})
    return {state.value: counts[state.value] for state in EmailState}


def answers_to(broadcast_id: int) -> sa.ColumnElement[bool]:
    """The condition on replies that makes them answers to this update."""
    letters = sa.select(BroadcastRecipient.email_id).where(BroadcastRecipient.broadcast_id == broadcast_id)
    return Reply.email_id.in_(letters)


def answered_broadcast(session: Session, slug: str, ident: int, *, by: Actor) -> Broadcast:
    """The update, for those who may write in its sender's name: they alone see who answered. Else NotFound."""
    found = broadcast_for(session, slug, ident, by=by)
    if not may_read_answers(session, found, by=by):
        raise NotFound
    return found


def may_read_answers(session: Session, broadcast: Broadcast, *, by: Actor) -> bool:
    """Whether somebody may see the addresses of those who answered: supporters gave them to the sender only."""
    acting = organizations_acting(session, broadcast.campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
    return any(one.id == broadcast.organization_id for one in acting)


def unsettled(session: Session, broadcast_id: int) -> int:
    """How many letters of an update are still to be handed over."""
    counts = progress(session, broadcast_id)
    return counts[EmailState.QUEUED.value] + counts[EmailState.SUBMITTING.value]


def awaiting_approval(session: Session, *, by: Actor) -> list[Broadcast]:
    """Drafts by others, in coalitions where ``by`` may approve, that their authors have tested."""
    query = (
        sa.select(Broadcast)
        .join(Campaign)
        .where(
            Broadcast.state == BroadcastState.DRAFT,
            Broadcast.author_id != by.account_id,
            Broadcast.tested_at.is_not(None),
            may(by, Right.APPROVE_UPDATE, Campaign.coalition_id),
        )
        .order_by(Broadcast.id)
    )
    return list(session.scalars(query))
