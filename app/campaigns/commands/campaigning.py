"""Starting a campaign, naming its targets, making it public, ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from app.campaigns.models import Campaign, CampaignState, CampaignTarget
from app.campaigns.rules import PUBLIC_STATES
from app.coalitions.models import Coalition
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input, Line
from app.core.text import canonical, slugify
from app.targets.models import Target

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _canonical(value: object) -> object:
    return canonical(value).strip() if isinstance(value, str) else value


class NewCampaign(Input):
    """A demand: its title, and the demand itself in Markdown."""

    title: Annotated[Line, Field(max_length=200)]
    demand: Annotated[str, BeforeValidator(_canonical), Field(min_length=1, max_length=5000)]


def start_campaign(
    session: Session,
    coalition: Coalition,
    entry: NewCampaign,
    targets: Sequence[Target],
    *,
    by: Actor,
    now: datetime,
) -> Campaign:
    """Write down a demand on targets; only the coalition sees it until it goes live."""
    lead = acting_for(session, coalition.id, by=by, right=Right.ORGANIZE).id
    campaign = _with_free_slug(session, coalition, entry, now=now)
    _name(session, campaign, targets)
    _record(session, "campaign.started", campaign, lead, by=by, now=now)
    return campaign


def _with_free_slug(session: Session, coalition: Coalition, entry: NewCampaign, *, now: datetime) -> Campaign:
    stem = slugify(entry.title, otherwise="campaign")[:74].rstrip("-")
    number, slug = (2, f"{stem}-2") if stem == "new" else (1, stem)
    while True:
        row = {"coalition_id": coalition.id, "slug": slug, "created_at": now, **entry.model_dump()}
        if db.insert_once(session, Campaign, [row], unique=["slug"]):
            return session.scalars(sa.select(Campaign).where(Campaign.slug == slug)).one()
        number += 1
        slug = f"{stem}-{number}"


def edit_campaign(session: Session, campaign: Campaign, entry: NewCampaign, *, by: Actor, now: datetime) -> Campaign:
    """Say the demand in other words. Its address stays."""
    lead = acting_for(session, campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    held = db.locked(session, Campaign, campaign.id)
    if (held.title, held.demand) == (entry.title, entry.demand):
        return held
    held.title, held.demand = entry.title, entry.demand
    _record(session, "campaign.edited", held, lead, by=by, now=now)
    return held


def choose_targets(
    session: Session, campaign: Campaign, targets: Sequence[Target], *, by: Actor, now: datetime
) -> Campaign:
    """Name exactly these targets. A public campaign keeps at least one."""
    lead = acting_for(session, campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    held = db.locked(session, Campaign, campaign.id)
    if not targets and held.state in PUBLIC_STATES:
        raise Invalid({"targets": "Choose at least one target: the campaign is public."})
    if _name(session, held, targets):
        names = ", ".join(target.name for target in held.targets)
        _record(session, "campaign.targets_chosen", held, lead, by=by, now=now, targets=names)
    return held


def _name(session: Session, campaign: Campaign, targets: Sequence[Target]) -> bool:
    """Name exactly these targets of the campaign's coalition; whether that changed anything."""
    if any(target.coalition_id != campaign.coalition_id for target in targets):
        raise Invalid({"targets": "Choose targets of this coalition."})
    named = CampaignTarget.campaign_id == campaign.id
    before = set(session.scalars(sa.select(CampaignTarget.target_id).where(named)))
    wanted = {target.id for target in targets}
    session.execute(sa.delete(CampaignTarget).where(named, CampaignTarget.target_id.in_(before - wanted)))
    rows = [{"campaign_id": campaign.id, "target_id": ident} for ident in sorted(wanted - before)]
    db.insert_once(session, CampaignTarget, rows, unique=["campaign_id", "target_id"])
    session.expire(campaign, ["targets"])
    return before != wanted


def go_live(session: Session, campaign: Campaign, *, by: Actor, now: datetime) -> Campaign:
    """Publish the campaign. Done twice, it is done once."""
    lead = acting_for(session, campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    held = db.locked(session, Campaign, campaign.id)
    if held.state is CampaignState.LIVE:
        return held
    if held.state is not CampaignState.DRAFT:
        message = "The campaign has ended and stays as it is. Start a new one."
        raise Conflict(message)
    if not held.targets:
        message = "Choose at least one target first: a demand needs somebody it is made of."
        raise Conflict(message)
    held.state = CampaignState.LIVE
    _record(session, "campaign.went_live", held, lead, by=by, now=now)
    return held


class Ending(Input):
    """How a campaign ended."""

    outcome: Literal["won", "closed"]


def finish(session: Session, campaign: Campaign, entry: Ending, *, by: Actor, now: datetime) -> Campaign:
    """End a live campaign: won, or closed without. Its pages and its timeline stay."""
    lead = acting_for(session, campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    held = db.locked(session, Campaign, campaign.id)
    wanted = CampaignState(entry.outcome)
    if held.state is wanted:
        return held
    if held.state is not CampaignState.LIVE:
        message = f"Only a live campaign can end; this one is {held.state.value}."
        raise Conflict(message)
    held.state = wanted
    _record(session, f"campaign.{entry.outcome}", held, lead, by=by, now=now)
    return held


def _record(
    session: Session, act: str, campaign: Campaign, lead: int, *, by: Actor, now: datetime, **detail: str
) -> None:
    session.flush()
    coalition_id = campaign.coalition_id
    audit.record(
        session,
        act,
        campaign,
        by=by,
        now=now,
        coalition_id=coalition_id,
        organization_id=lead,
        title=campaign.title,
        **detail,
    )
