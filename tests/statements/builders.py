"""A coalition with a text to talk about: a lead that organizes, a partner that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Organization, PartyRole, Role
from app.core.actor import Actor
from app.statements.commands import NewStatement, start_statement
from app.statements.models import Statement
from tests import builders
from tests.builders import NOW
from tests.statements.texts import PLAIN

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass
class Scene:
    """Who is there. People are accounts; ``organizer`` and the others are the actors they act as."""

    coalition: Coalition
    campaign: Campaign
    lead: Organization
    partner: Organization
    people: dict[str, Account]
    statement: Statement
    organizer: Actor
    drafter: Actor
    signatory: Actor
    viewer: Actor
    stranger: Actor


def scene(session: Session, *, text: str = PLAIN, title: str = "Vote for the ordinance") -> Scene:
    """A statement in its first revision, its organizer, and people of a partner organization in each role."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
    partner = builders.organization(session, within=coalition)
    people = {
        "organizer": builders.member(session, lead, name="Olu Organizer"),
        "drafter": builders.member(session, partner, role=Role.DRAFTER, name="Dana Drafter"),
        "signatory": builders.member(session, partner, role=Role.SIGNATORY, name="Sig Signatory"),
        "viewer": builders.member(session, partner, role=Role.VIEWER, name="Vi Viewer"),
        "stranger": builders.account(session, email="stranger@else.example", name="Sam Stranger"),
    }
    campaign = builders.campaign(session, coalition)
    actors = {name: builders.actor(person) for name, person in people.items()}
    entry = NewStatement(title=title, text=text)
    statement = start_statement(session, campaign, entry, by=actors["organizer"], now=NOW)
    return Scene(coalition, campaign, lead, partner, people, statement, **actors)
