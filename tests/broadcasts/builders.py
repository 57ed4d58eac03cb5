"""A sender, a second person, supporters with answers, and an update ready to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.broadcasts import commands
from app.broadcasts.models import Broadcast
from app.campaigns.models import Campaign
from app.coalitions.models import Organization, PartyRole
from app.core.actor import Actor
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests import builders
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WORDS = commands.NewBroadcast(subject="{given_name}, it went out", body="Hello {given_name},\n\nthe letter went out.")


@dataclass(frozen=True)
class Stage:
    """Who is there: Robin writes for the lead, Dana of another organization approves."""

    campaign: Campaign
    lead: Organization
    partner: Organization
    robin: Actor
    dana: Actor


def stage(session: Session) -> Stage:
    """A coalition of two with a live campaign."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    partner = builders.organization(session, name="American Civil Liberties Union", within=coalition)
    robin = builders.actor(builders.member(session, lead, email="robin@fftf.example", name="Robin Vale"))
    dana = builders.actor(builders.member(session, partner, email="dana@aclu.example", name="Dana Ortiz"))
    return Stage(builders.campaign(session, coalition), lead, partner, robin, dana)


def supporter(
    session: Session, number: int, *, yes: tuple[Organization, ...] = (), no: tuple[Organization, ...] = ()
) -> Supporter:
    """Somebody with a confirmed address who answered some organizations."""
    details = supporters.Details(email=f"person{number}@people.example", given_name=f"Ewa{number}")
    made = supporters.remember(session, details, now=NOW)
    for organizations, answer in ((yes, True), (no, False)):
        for organization in organizations:
            supporters.record_consent(
                session, made, organization, yes=answer, words="May we write?", source="test", now=NOW
            )
    return made


def ready(session: Session, there: Stage) -> Broadcast:
    """An update that Robin wrote and Dana approved."""
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
    return commands.approve(session, update, update.version, by=there.dana, now=NOW + timedelta(minutes=5))
