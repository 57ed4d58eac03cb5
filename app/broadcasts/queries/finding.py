"""Updates as their coalition sees them, and those that wait for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Membership
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.errors import NotAllowed, NotFound
from app.mail.models import Email
from app.mailings import queries as mailings
from app.petitions.models import Petition

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

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


def of_mailing(session: Session, mailing_id: int) -> Broadcast:
    """The update that leaves by a mailing, with what its words are written from."""
    query = sa.select(Broadcast).where(Broadcast.mailing_id == mailing_id)
    return session.scalars(query.options(joinedload(Broadcast.organization))).one()


def approval_key(broadcast: Broadcast, reader_id: int) -> str:
    """The outbox's key of the letter that asks somebody to approve exactly these words."""
    return f"broadcast:{broadcast.id}:{broadcast.version}:ask:{reader_id}"


def unwanted(session: Session, email_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which requests to approve that wait are about words that were approved, or are not the newest any more."""
    _ = now
    asked = session.execute(sa.select(Email.id, Email.once).where(Email.id.in_(email_ids)))
    about = {ident: tuple(int(one) for one in once.split(":")[1:3]) for ident, once in asked}
    query = sa.select(Broadcast.id, Broadcast.version).where(
        Broadcast.id.in_({update for update, _ in about.values()}), Broadcast.state == BroadcastState.DRAFT
    )
    drafts = {tuple(row) for row in session.execute(query)}
    why = "The words were approved or changed before this request left."
    return {ident: why for ident, words in about.items() if words not in drafts}


@mailings.namer
def called(session: Session, mailing_ids: Collection[int], by: Actor) -> dict[int, mailings.Called]:
    """Updates as the operator's pages name them, with the way to an update's own page for whoever may see it."""
    seen = sa.case((may(by, Right.SEE, Campaign.coalition_id), Coalition.slug), else_="")
    query = (
        sa.select(Broadcast, seen)
        .join(Broadcast.campaign)
        .join(Coalition, Coalition.id == Campaign.coalition_id)
        .where(Broadcast.mailing_id.in_(mailing_ids))
        .options(joinedload(Broadcast.organization))
    )
    return {
        row.mailing_id: mailings.Called(
            row.title, row.organization.name, f"/work/{slug}/updates/{row.id}" if slug else ""
        )
        for row, slug in session.execute(query)
        if row.mailing_id is not None
    }


def broadcasts_of(
    session: Session, coalition_id: int, *, before: int | None = None, limit: int = 50
) -> list[Broadcast]:
    """A coalition's updates, newest first."""
    query = sa.select(Broadcast).join(Campaign).where(Campaign.coalition_id == coalition_id)
    query = query.options(joinedload(Broadcast.organization), joinedload(Broadcast.mailing))
    if before is not None:
        query = query.where(Broadcast.id < before)
    return list(session.scalars(query.order_by(Broadcast.id.desc()).limit(limit)))


def petitions_of(session: Session, coalition_id: int) -> list[Petition]:
    """The petitions whose signers an update can go to."""
    query = sa.select(Petition).join(Campaign).where(Campaign.coalition_id == coalition_id).order_by(Petition.id)
    return list(session.scalars(query))


def awaiting_approval(session: Session, *, by: Actor) -> list[Broadcast]:
    """Drafts by others, in coalitions where ``by`` may approve, that their authors have tested.

    Where the coalition asks for another organization's approval, none of one's own organization's.
    """
    own = sa.exists().where(
        Membership.organization_id == Broadcast.organization_id, Membership.account_id == by.account_id
    )
    query = (
        sa.select(Broadcast)
        .join(Campaign)
        .join(Coalition, Coalition.id == Campaign.coalition_id)
        .where(
            Broadcast.state == BroadcastState.DRAFT,
            sa.or_(Coalition.other_organization_approves.is_(False), ~own),
            Broadcast.author_id != by.account_id,
            Broadcast.tested_at.is_not(None),
            may(by, Right.APPROVE_UPDATE, Campaign.coalition_id),
        )
        .order_by(Broadcast.id)
    )
    return list(session.scalars(query))
