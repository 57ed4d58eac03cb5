"""Finding campaigns as far as somebody may see them, and the timeline of what their targets promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.campaigns.models import Campaign, CampaignState, CampaignTarget, Commitment, Reaction
from app.campaigns.rules import PUBLIC_STATES, RUNNING, WARN_BEFORE
from app.coalitions.models import Coalition
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.errors import NotAllowed, NotFound
from app.mail.models import Email
from app.targets.models import Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

_TARGETS = (selectinload(Campaign.targets).selectinload(Target.members),)


def _campaigns() -> sa.Select[Campaign]:
    """Campaigns with their coalition loaded."""
    return sa.select(Campaign).join(Campaign.coalition).options(contains_eager(Campaign.coalition))


def campaign_for(
    session: Session, slug: str, *, by: Actor, right: Right = Right.SEE, within: str | None = None
) -> Campaign:
    """A campaign for the workroom, if ``by`` holds the right in its coalition (whose slug is ``within``, if given).

    NotFound for a stranger; NotAllowed for a member without the right.
    """
    query = _campaigns().where(Campaign.slug == slug)
    if within is not None:
        query = query.where(Coalition.slug == within)
    found = session.scalar(query.where(may(by, right, Campaign.coalition_id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Campaign.coalition_id))) is not None:
        raise NotAllowed
    raise NotFound


def campaigns_of(session: Session, coalition_id: int, *, public_only: bool = False) -> list[Campaign]:
    """A coalition's campaigns with their targets: live ones first, then newest first."""
    query = _campaigns().where(Campaign.coalition_id == coalition_id).options(*_TARGETS)
    if public_only:
        query = query.where(Campaign.state.in_(PUBLIC_STATES))
    order = sa.case((Campaign.state == CampaignState.LIVE, 0), (Campaign.state == CampaignState.DRAFT, 1), else_=2)
    return list(session.scalars(query.order_by(order, Campaign.id.desc())))


def public_campaign(session: Session, slug: str) -> Campaign:
    """A campaign that anybody may read, with its targets; NotFound for drafts."""
    query = _campaigns().where(Campaign.slug == slug, Campaign.state.in_(PUBLIC_STATES))
    found = session.scalar(query.options(*_TARGETS))
    if found is None:
        raise NotFound
    return found


def live_campaigns(session: Session, *, before: int | None = None, limit: int = 20) -> list[Campaign]:
    """Live campaigns of all coalitions, newest first; ``before`` is the id to page from."""
    query = _campaigns().where(Campaign.state == CampaignState.LIVE).options(*_TARGETS)
    if before is not None:
        query = query.where(Campaign.id < before)
    return list(session.scalars(query.order_by(Campaign.id.desc()).limit(limit)))


def public_campaigns_naming(session: Session, target: Target) -> list[Campaign]:
    """Campaigns anybody may read that name a target or the body it belongs to, newest first."""
    idents = [ident for ident in (target.id, target.parent_id) if ident is not None]
    naming = sa.select(CampaignTarget.campaign_id).where(CampaignTarget.target_id.in_(idents))
    query = _campaigns().where(Campaign.id.in_(naming), Campaign.state.in_(PUBLIC_STATES))
    return list(session.scalars(query.order_by(Campaign.id.desc())))


def _commitments() -> sa.Select[Commitment]:
    """Commitments with everything that stands beside them on a timeline."""
    return sa.select(Commitment).options(
        joinedload(Commitment.target),
        selectinload(Commitment.steps),
        selectinload(Commitment.reactions).joinedload(Reaction.organization),
    )


def timeline(session: Session, campaign_id: int) -> list[Commitment]:
    """What targets promised in a campaign, newest first, each with what became of it and what groups say."""
    query = _commitments().where(Commitment.campaign_id == campaign_id)
    return list(session.scalars(query.order_by(Commitment.made_on.desc(), Commitment.id.desc())))


def commitments_by(session: Session, target_id: int) -> list[Commitment]:
    """What one target promised in campaigns that anybody may read, newest first."""
    query = _commitments().join(Commitment.campaign)
    query = query.where(Commitment.target_id == target_id, Campaign.state.in_(PUBLIC_STATES))
    return list(session.scalars(query.order_by(Commitment.made_on.desc(), Commitment.id.desc())))


def commitment_of(session: Session, campaign_id: int, ident: int) -> Commitment:
    """One commitment of a campaign; NotFound if there is none."""
    found = session.scalar(_commitments().where(Commitment.id == ident, Commitment.campaign_id == campaign_id))
    if found is None:
        raise NotFound
    return found


def commitment_called(session: Session, campaign_id: int, headline: str) -> Commitment:
    """The newest commitment of a campaign with this headline; NotFound if there is none."""
    query = sa.select(Commitment).where(Commitment.campaign_id == campaign_id, Commitment.headline == headline)
    found = session.scalars(query.order_by(Commitment.made_on.desc(), Commitment.id.desc())).first()
    if found is None:
        raise NotFound
    return found


def running_out(session: Session, *, now: datetime, lot: int) -> list[Commitment]:
    """Running commitments that end soon and that nobody was warned of, or whose end has come; held for settling.

    Days are compared a day generously; the exact day is the coalition's and is asked of ``rules``.
    """
    today = now.date()
    unwarned = sa.and_(Commitment.warned_at.is_(None), Commitment.expires_on <= today + WARN_BEFORE)
    query = (
        sa.select(Commitment)
        .where(Commitment.state.in_(RUNNING), sa.or_(unwarned, Commitment.expires_on <= today))
        .order_by(Commitment.expires_on, Commitment.id)
        .limit(lot)
        .with_for_update(of=Commitment, skip_locked=True)
    )
    return list(session.scalars(query))


def warning_key(commitment: Commitment, ends: date, reader_id: int) -> str:
    """The outbox's key of the letter that warns somebody of the day on which a promise ends."""
    return f"commitment:{commitment.id}:{ends}:{reader_id}"


def unwanted(session: Session, email_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which warnings that wait name a day on which the promise does not end any more: extended, kept or broken."""
    _ = now
    warned = session.execute(sa.select(Email.id, Email.once).where(Email.id.in_(email_ids)))
    about = {ident: tuple(once.split(":")[1:3]) for ident, once in warned}
    query = sa.select(Commitment.id, Commitment.expires_on).where(
        Commitment.id.in_({int(promise) for promise, _ in about.values()}), Commitment.state.in_(RUNNING)
    )
    running = {(str(promise), str(ends)) for promise, ends in session.execute(query)}
    why = "What became of the promise was settled before the warning left."
    return {ident: why for ident, named in about.items() if named not in running}
