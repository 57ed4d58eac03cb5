"""Finding deliveries as far as somebody may see them, and those whose letter has moved on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.campaigns.models import Campaign
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.errors import NotFound
from app.deliveries.models import Delivery, DeliveryState, Document
from app.deliveries.rules import HANDED_OVER_EMAIL, LOST_EMAIL, NOT_KNOWN, ON_ITS_WAY, QUIET, WAITING_EMAIL, recipients
from app.mail.models import Email, EmailState
from app.returns.models import Reply, ReplyKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.targets.models import Target

PAGE = 50


def delivery_for(
    session: Session, coalition_id: int, delivery_id: int, *, by: Actor, right: Right = Right.SEE
) -> Delivery:
    """One delivery of this coalition with its document, target and letter; NotFound for whoever may not see it."""
    query = (
        sa.select(Delivery)
        .join(Delivery.document)
        .join(Document.campaign)
        .where(Delivery.id == delivery_id, Campaign.coalition_id == coalition_id, may(by, right, Campaign.coalition_id))
        .options(contains_eager(Delivery.document), joinedload(Delivery.target), joinedload(Delivery.email))
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def deliveries_of(
    session: Session, coalition_id: int, *, state: DeliveryState | None = None, before: int | None = None
) -> list[Delivery]:
    """A coalition's deliveries, newest first, one page of them and one more if there are older ones."""
    query = (
        sa.select(Delivery)
        .join(Delivery.document)
        .join(Document.campaign)
        .where(Campaign.coalition_id == coalition_id)
        .options(contains_eager(Delivery.document), joinedload(Delivery.target))
        .order_by(Delivery.id.desc())
        .limit(PAGE + 1)
    )
    if state is not None:
        query = query.where(Delivery.state == state)
    if before is not None:
        query = query.where(Delivery.id < before)
    return list(session.scalars(query))


def counts(session: Session, coalition_id: int) -> dict[DeliveryState, int]:
    """How many of a coalition's deliveries stand where; states without any are left out."""
    query = (
        sa.select(Delivery.state, sa.func.count())
        .join(Document, Document.id == Delivery.document_id)
        .join(Campaign, Campaign.id == Document.campaign_id)
        .where(Campaign.coalition_id == coalition_id)
        .group_by(Delivery.state)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def of_document(session: Session, document_id: int) -> list[Delivery]:
    """Every delivery of one document, with its target."""
    query = (
        sa.select(Delivery)
        .where(Delivery.document_id == document_id)
        .options(joinedload(Delivery.target))
        .order_by(Delivery.id)
    )
    return list(session.scalars(query))


def answers_to(delivery_id: int) -> sa.ColumnElement[bool]:
    """The condition on replies that makes them answers to this delivery: to its letter, or to one sent before it."""
    once = f"delivery:{delivery_id}"
    letters = sa.select(Email.id).where(sa.or_(Email.once == once, Email.once.startswith(f"{once}:after:")))
    return Reply.email_id.in_(letters)


def unheard(session: Session, *, by: Actor) -> list[tuple[Delivery, int]]:
    """Deliveries of those who organize that a person answered and nobody has dealt with, and how many answers wait."""
    once = sa.literal("delivery:").concat(sa.cast(Delivery.id, sa.String))
    query = (
        sa.select(Delivery.id, sa.func.count(Reply.id))
        .join(Delivery.document)
        .join(Document.campaign)
        .join(Email, sa.or_(Email.once == once, Email.once.like(once.concat(":after:%"))))
        .join(Reply, Reply.email_id == Email.id)
        .where(Reply.heard_at.is_(None), Reply.kind == ReplyKind.HUMAN, may(by, Right.ORGANIZE, Campaign.coalition_id))
        .group_by(Delivery.id)
    )
    counts: dict[int, int] = {row[0]: row[1] for row in session.execute(query)}
    found = sa.select(Delivery).where(Delivery.id.in_(counts)).order_by(Delivery.id.desc())
    loaded = found.options(joinedload(Delivery.target), joinedload(Delivery.document))
    return [(one, counts[one.id]) for one in session.scalars(loaded)]


def waiting_targets(session: Session, coalition_id: int) -> list[tuple[Document, list[Target]]]:
    """Documents that some target of their campaign has not been sent (it was added later), with those targets."""
    documents = session.scalars(
        sa.select(Document).join(Campaign).where(Campaign.coalition_id == coalition_id).order_by(Document.id.desc())
    )
    found = []
    for document in documents:
        sent = set(session.scalars(sa.select(Delivery.target_id).where(Delivery.document_id == document.id)))
        missing = [target for target in recipients(document.campaign.targets) if target.id not in sent]
        if missing:
            found.append((document, missing))
    return found


def to_follow(session: Session, *, now: datetime, lot: int) -> list[Delivery]:
    """Deliveries whose letter moved on, or that stayed quiet long enough; held, and those others hold are skipped."""
    queued, handed = Delivery.state == DeliveryState.QUEUED, Delivery.state == DeliveryState.HANDED_OVER
    settled = [*HANDED_OVER_EMAIL, *LOST_EMAIL, EmailState.BOUNCED]
    moved = sa.or_(
        sa.and_(queued, Email.state.in_(settled)),
        sa.and_(queued, Email.state == EmailState.UNKNOWN, Delivery.detail == ""),
        # An operator had the letter tried again, or sent again though nobody knew whether it had left.
        sa.and_(Delivery.state == DeliveryState.FAILED, Email.state.not_in(LOST_EMAIL)),
        sa.and_(queued, Email.state.in_(WAITING_EMAIL), Delivery.detail == NOT_KNOWN),
        sa.and_(Delivery.state.in_(ON_ITS_WAY), Email.state.in_([*LOST_EMAIL, EmailState.BOUNCED])),
        sa.and_(handed, Delivery.handed_over_at <= now - QUIET),
    )
    query = (
        sa.select(Delivery)
        .join(Delivery.email)
        .where(moved)
        .options(contains_eager(Delivery.email))
        .order_by(Delivery.id)
        .limit(lot)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return list(session.scalars(query))
