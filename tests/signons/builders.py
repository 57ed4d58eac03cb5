"""A letter that is open for sign-on, an organizer who asks, and organizations that answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts.models import Account
from app.coalitions.models import Coalition, Organization, Party, PartyRole, Role
from app.core.actor import Actor, by_link
from app.core.clock import local
from app.core.db import transaction
from app.mail.models import Email, EmailState
from app.signons import commands, queries
from app.signons.models import SignOn, SignOnRequest
from app.statements import commands as statements
from app.statements.models import Statement
from tests import builders
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TEXT = "To Amazon.com:\n\nWe ask you to **stop** selling face recognition to police.\n"
LINK = by_link("The holder of the link")


@dataclass
class Scene:
    """Who is there, and the statement they sign."""

    coalition: Coalition
    lead: Organization
    partner: Organization
    statement: Statement
    organizer: Account
    signatory: Account
    viewer: Account
    opened: datetime

    @property
    def by(self) -> Actor:
        """The organizer as an actor."""
        return builders.actor(self.organizer)

    @property
    def after(self) -> datetime:
        """A minute after the deadline."""
        assert self.statement.deadline is not None
        return self.statement.deadline + timedelta(minutes=1)


def contact(session: Session, organization: Organization, coalition: Coalition, *, email: str = "") -> Party:
    """The organization's private contact in the coalition, and its public address."""
    organization.public_email = f"office@{organization.slug}.example"
    party = session.scalars(
        sa.select(Party).where(Party.coalition_id == coalition.id, Party.organization_id == organization.id)
    ).one()
    party.contact_name, party.contact_title = "Ingrid Sørensen", "Executive Director"
    party.contact_email = email or f"ingrid@{organization.slug}.example"
    session.flush()
    return party


def scene(session: Session, *, now: datetime = NOW, days: int = 14, targets: bool = True) -> Scene:
    """A frozen text, open for two weeks; a lead with an organizer; a partner with a signatory and a viewer."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    partner = builders.organization(session, name="Northwest Privacy Alliance", within=coalition)
    contact(session, lead, coalition)
    contact(session, partner, coalition)
    organizer = builders.member(session, lead, name="Robin Vale")
    signatory = builders.member(session, partner, role=Role.SIGNATORY, name="Sig Signatory")
    viewer = builders.member(session, partner, role=Role.VIEWER, name="Vi Viewer")
    campaign = builders.campaign(session, coalition)
    if targets:
        campaign.targets = [builders.target(session, coalition)]
        session.flush()
    by = builders.actor(organizer)
    entry = statements.NewStatement(title="Stop selling face recognition", text=TEXT)
    statement = statements.start_statement(session, campaign, entry, by=by, now=now)
    statements.freeze(session, statement, statements.Freezing(number=1), by=by, now=now)
    until = local(now + timedelta(days=days), coalition.zone).date()
    opening = statements.Opening.of({"deadline_date": str(until), "deadline_time": "17:00"})
    statements.open_for_sign_on(session, statement, opening, by=by, now=now)
    session.refresh(statement)
    return Scene(coalition, lead, partner, statement, organizer, signatory, viewer, now)


def committed(*, now: datetime = NOW, targets: bool = True) -> Scene:
    """The scene, committed."""
    with transaction() as session:
        return scene(session, now=now, targets=targets)


def answer(scene: Scene, **changes: str) -> dict[str, str]:
    """What a signatory types."""
    typed = {
        "listed_as": "Northwest Privacy Alliance (NWPA)",
        "signatory_name": "Ingrid Sørensen",
        "signatory_title": "Executive Director",
        "signatory_email": "ingrid@northwest.example",
        "authorized": "yes",
        "digest": scene.statement.digest or "",
    }
    return typed | changes


def entry(scene: Scene, **changes: str) -> commands.NewSignOn:
    """The same as a command takes it."""
    return commands.NewSignOn.of(answer(scene, **changes))


def ask(session: Session, scene: Scene, organization: Organization | None = None) -> SignOnRequest:
    """The organization has been asked."""
    statement = session.get_one(Statement, scene.statement.id)
    group = session.get_one(Organization, (organization or scene.partner).id)
    return commands.ask_to_sign(session, statement, [group], by=scene.by, now=scene.opened)[0]


def signed(session: Session, scene: Scene, organization: Organization | None = None, **changes: str) -> SignOn:
    """The organization has signed by its link."""
    request = ask(session, scene, organization)
    if organization is not None:
        changes = {"listed_as": organization.name, **changes}
    typed = entry(scene, **changes)
    return commands.sign_on(session, request.statement, request.organization, typed, by=LINK, now=scene.opened)


def link(session: Session, request: SignOnRequest, *, now: datetime = NOW) -> str:
    """The path that was mailed."""
    return queries.request_link(request, now=now)


def letters(session: Session, template: str) -> list[Email]:
    """The queued letters of one kind."""
    return list(session.scalars(sa.select(Email).where(Email.template == template).order_by(Email.id)))


def all_accepted() -> None:
    """Every queued letter was taken by the mail server."""
    with transaction() as session:
        for email in session.scalars(sa.select(Email).where(Email.state == EmailState.QUEUED)):
            email.state, email.accepted_at = EmailState.ACCEPTED, NOW
