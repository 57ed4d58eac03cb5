"""A campaign with targets and a document on its way to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, PartyRole, Role
from app.core.actor import Actor
from app.core.db import transaction
from app.deliveries import commands
from app.deliveries.models import Document, DocumentKind
from app.targets.models import Target
from tests import builders
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.accounts.models import Account

PDF = b"%PDF-1.7 the very bytes"


@dataclass
class Scene:
    """Who and what a delivery is about."""

    coalition: Coalition
    campaign: Campaign
    organizer: Account
    viewer: Account
    document: Document
    targets: list[Target] = field(default_factory=list)

    @property
    def by(self) -> Actor:
        """The organizer as an actor."""
        return builders.actor(self.organizer)


def document(session: Session, campaign: Campaign) -> Document:
    """A letter to send."""
    entry = commands.NewDocument(
        kind=DocumentKind.EDITION,
        title="Stop selling face recognition to police",
        summary="We ask Amazon to stop for good.",
        stands_behind="3 organizations signed it, among them Fight for the Future.",
        filename="letter.pdf",
        body=PDF,
        digest="a" * 64,
        public_path="/statements/stop-selling",
    )
    return commands.add_document(session, campaign, entry, now=NOW)


def scene(session: Session) -> Scene:
    """A coalition with an organizer, a partner's viewer, two targets and a document nobody was sent yet."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    lead.public_email = "press@fftf.example"
    organizer = builders.member(session, lead, role=Role.DRAFTER, email="robin@fftf.example")
    partner = builders.organization(session, within=coalition)
    viewer = builders.member(session, partner, role=Role.VIEWER, email="sam@nwpa.example")
    campaign = builders.campaign(session, coalition)
    campaign.targets = [
        builders.target(session, coalition),
        builders.target(session, coalition, name="IBM", email=""),
    ]
    session.flush()
    letter = document(session, campaign)
    return Scene(coalition, campaign, organizer, viewer, letter, list(campaign.targets))


def committed() -> Scene:
    """The scene, committed."""
    with transaction() as session:
        return scene(session)
