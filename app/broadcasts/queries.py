"""Updates as their coalition sees them, their audience, and how far they have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition
from app.coalitions.queries import may, organizations_acting
from app.coalitions.roles import Right
from app.core.errors import NotAllowed, NotFound
from app.mailings.models import Mailing, MailingBatch, MailingState
from app.mailings.queries import Progress, unknown_batches
from app.mailings.queries import progress as progress_of
from app.mailings.rules import DECIDED
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
    query = query.options(joinedload(Broadcast.organization), joinedload(Broadcast.mailing))
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


def next_readers(broadcast: Broadcast, limit: int) -> sa.Select[int, str, str, str]:
    """The next supporters of a frozen audience that have not been planned: id, address, canonical address, name."""
    ids = (
        _audience(broadcast)
        .where(Standing.supporter_id > broadcast.planned_up_to, Standing.supporter_id <= broadcast.audience_until)
        .order_by(Standing.supporter_id)
        .limit(limit)
        .subquery()
    )
    columns = sa.select(Supporter.id, Supporter.email, Supporter.email_canonical, Supporter.given_name)
    return columns.join(ids, ids.c.supporter_id == Supporter.id).order_by(Supporter.id)


def newest_supporter(session: Session) -> int:
    """The highest supporter id there is; later ones are not part of an audience frozen now."""
    return session.scalar(sa.select(sa.func.max(Supporter.id))) or 0


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
    """Updates whose words the provider refused, in coalitions where ``by`` may write updates."""
    query = (
        sa.select(Broadcast)
        .join(Campaign)
        .join(Broadcast.mailing)
        .where(Mailing.state == MailingState.HELD, may(by, Right.WRITE_UPDATE, Campaign.coalition_id))
        .order_by(Broadcast.id)
    )
    return list(session.scalars(query))


def answers_to(broadcast: Broadcast) -> sa.ColumnElement[bool]:
    """The condition on replies that makes them answers to this update."""
    return sa.false() if broadcast.mailing_id is None else Reply.mailing_id == broadcast.mailing_id


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
