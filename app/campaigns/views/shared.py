"""What all pages of a campaign need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from app.campaigns.models import Campaign
from app.campaigns.queries import campaign_for
from app.campaigns.rules import CAMPAIGN_TONES, TONES
from app.coalitions.queries import rights_of
from app.coalitions.roles import Right
from app.web.security import actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("campaigns", __name__)
ROOT = "/work/<coalition>/campaigns"
PAGE = f"{ROOT}/<slug>"


def found(session: Session, coalition: str, slug: str, right: Right = Right.SEE) -> Campaign:
    """The campaign of this address, if the person holds the right."""
    return campaign_for(session, slug, by=actor(), right=right, within=coalition)


def common(session: Session, campaign: Campaign) -> dict[str, Any]:
    """What every page of a campaign shows."""
    rights = rights_of(session, campaign.coalition_id, by=actor())
    return {
        "coalition": campaign.coalition,
        "demo": campaign.coalition.is_demo,
        "campaign": campaign,
        "here": at(campaign.coalition.slug, campaign.slug),
        "may_organize": Right.ORGANIZE in rights,
        "may_react": Right.REACT in rights,
        "tones": TONES,
        "campaign_tones": CAMPAIGN_TONES,
    }


def at(coalition: str, slug: str) -> str:
    """A campaign's path in the workroom."""
    return f"/work/{coalition}/campaigns/{slug}"
