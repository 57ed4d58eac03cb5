"""Starting, opening and closing a petition, and whom it asks consent for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.campaigns.models import Campaign, CampaignState
from app.coalitions.models import Organization
from app.coalitions.queries import require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM
from app.core.errors import Conflict
from app.core.inputs import Input, Line, Prose
from app.core.text import canonical, digest, slugify
from app.petitions import rules
from app.petitions.models import ConsentAsk, Petition, PetitionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

Ask = tuple[Organization, str]


class NewPetition(Input):
    """A petition's words, its first goal, and the last day on which people can sign, if there is one.

    ``based_on`` is the digest of the words that the form showed.
    """

    title: Line = Field(max_length=150)
    text: Prose = Field(max_length=20_000)
    goal: int = Field(default=100, ge=10, le=10_000_000)
    closes: date | None = None
    based_on: str = Field(default="", max_length=64)


def start_petition(
    session: Session, campaign: Campaign, entry: NewPetition, asks: Sequence[Ask], *, by: Actor, now: datetime
) -> Petition:
    """Begin a petition as a draft. ``asks`` are the organizations that ask for consent and their exact words."""
    require(session, campaign.coalition_id, by=by, right=Right.ORGANIZE)
    petition = Petition(
        campaign_id=campaign.id,
        title=entry.title,
        text=canonical(entry.text),
        digest=digest(entry.text),
        goal=entry.goal,
        closes_at=rules.last_moment(entry.closes, campaign.coalition.zone, now=now),
        created_at=now,
        asks=_asked(asks),
    )
    db.add_with_slug(session, petition, slugify(entry.title, otherwise="petition"))
    petition.campaign = campaign
    _record(session, "petition.started", petition, by=by, now=now)
    return petition


def edit_petition(
    session: Session, petition: Petition, entry: NewPetition, asks: Sequence[Ask], *, by: Actor, now: datetime
) -> Petition:
    """Change a draft. Once people can sign, the words they sign do not change."""
    petition = _held(session, petition, by=by)
    if petition.state is not PetitionState.DRAFT:
        raise Conflict("People could sign these words already, so they do not change. Close it and start another.")
    if entry.based_on not in {"", petition.digest}:
        raise Conflict(
            "Somebody else saved this petition while you wrote. Your words stand below and are not saved: open the "
            "petition in another tab, take over what you need, then save here."
        )
    petition.title, petition.goal = entry.title, entry.goal
    petition.text, petition.digest = canonical(entry.text), digest(entry.text)
    petition.closes_at = rules.last_moment(entry.closes, petition.campaign.coalition.zone, now=now)
    petition.asks.clear()
    session.flush()
    petition.asks.extend(_asked(asks))
    session.flush()
    return petition


def open_petition(session: Session, petition: Petition, *, by: Actor, now: datetime) -> Petition:
    """Let people sign. Opening twice opens once."""
    petition = _held(session, petition, by=by)
    if petition.state is PetitionState.OPEN:
        return petition
    if petition.state is PetitionState.CLOSED:
        raise Conflict("This petition is closed. Start another for a new round.")
    if petition.campaign.state is CampaignState.DRAFT:
        raise Conflict("Its campaign is a draft that nobody can see. Let the campaign go live, then open the petition.")
    if petition.closes_at is not None and petition.closes_at <= now:
        raise Conflict("Its last day is past. Edit the draft and choose another, then open it.")
    petition.state, petition.opened_at = PetitionState.OPEN, now
    _record(session, "petition.opened", petition, by=by, now=now)
    return petition


def close_petition(session: Session, petition: Petition, *, by: Actor, now: datetime) -> Petition:
    """Take no more signatures. Confirmations already on their way still count."""
    petition = _held(session, petition, by=by)
    if petition.state is PetitionState.CLOSED:
        return petition
    if petition.state is PetitionState.DRAFT:
        raise Conflict("This petition was never open. Open it first, or leave it as a draft.")
    return _close(session, petition, by=by, now=now)


def close_due(session: Session, *, now: datetime) -> int:
    """Close the petitions whose last day is over; returns how many."""
    query = sa.select(Petition).where(Petition.state == PetitionState.OPEN, Petition.closes_at <= now)
    due = list(session.scalars(query.order_by(Petition.id).with_for_update(skip_locked=True)))
    for petition in due:
        _close(session, petition, by=SYSTEM, now=now)
    session.flush()
    return len(due)


def _close(session: Session, petition: Petition, *, by: Actor, now: datetime) -> Petition:
    petition.state, petition.closed_at = PetitionState.CLOSED, now
    _record(session, "petition.closed", petition, by=by, now=now)
    return petition


def _held(session: Session, petition: Petition, *, by: Actor) -> Petition:
    require(session, petition.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    return db.locked(session, Petition, petition.id)


def _asked(asks: Sequence[Ask]) -> list[ConsentAsk]:
    return [
        ConsentAsk(organization_id=organization.id, organization=organization, place=place, words=words)
        for place, (organization, words) in enumerate(asks)
    ]


def _record(session: Session, act: str, petition: Petition, *, by: Actor, now: datetime) -> None:
    audit.record(
        session, act, petition, by=by, now=now, coalition_id=petition.campaign.coalition_id, title=petition.title
    )
