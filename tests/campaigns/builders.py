"""A coalition with an organizer, a partner, targets and a campaign on them, through the commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from app.campaigns import commands
from app.campaigns.models import Campaign, Commitment
from app.coalitions.models import Coalition, Organization, PartyRole, Role
from app.core.actor import Actor
from app.core.db import transaction
from app.targets.models import Target
from tests import builders
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.accounts.models import Account


@dataclass
class Scene:
    """Who and what a campaign is about."""

    coalition: Coalition
    campaign: Campaign
    lead: Organization
    partner: Organization
    organizer: Account
    member: Account
    stranger: Account
    amazon: Target

    @property
    def by(self) -> Actor:
        """The organizer as an actor."""
        return builders.actor(self.organizer)


def scene(session: Session, *, live: bool = True) -> Scene:
    """A campaign on Amazon by a coalition of two."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    partner = builders.organization(session, name="American Civil Liberties Union", within=coalition)
    organizer = builders.member(session, lead, role=Role.DRAFTER, email="robin@fftf.example", name="Robin Vale")
    member = builders.member(session, partner, role=Role.SIGNATORY, email="dana@aclu.example", name="Dana Ortiz")
    stranger = builders.account(session, email="stranger@elsewhere.example", name="A Stranger")
    amazon = builders.target(session, coalition)
    entry = commands.NewCampaign(title="End police face recognition", demand="Stop selling it, **for good**.")
    by = builders.actor(organizer)
    campaign = commands.start_campaign(session, coalition, entry, [amazon], by=by, now=NOW)
    if live:
        commands.go_live(session, campaign, by=by, now=NOW)
    return Scene(coalition, campaign, lead, partner, organizer, member, stranger, amazon)


def committed(*, live: bool = True) -> Scene:
    """The scene, committed."""
    with transaction() as session:
        return scene(session, live=live)


def promise(session: Session, given: Scene, **changes: Any) -> Commitment:
    """A one-year pause of Amazon's."""
    fields: dict[str, Any] = {
        "target_id": given.amazon.id,
        "headline": "One-year moratorium",
        "made_on": date(2020, 6, 10),
        "expires_on": date(2021, 6, 10),
        "source": "news agency report, 19 May 2021",
        **changes,
    }
    campaign = session.get_one(Campaign, given.campaign.id)
    return commands.record_commitment(session, campaign, commands.NewCommitment(**fields), by=given.by, now=NOW)
