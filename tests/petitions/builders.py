"""An open petition that two organizations ask consent under, and people who sign it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Organization, PartyRole, Role
from app.core import db
from app.core.actor import Actor, by_link
from app.core.clock import utc_now
from app.mail.models import Email
from app.petitions import commands
from app.petitions.models import Petition, Signature
from app.petitions.rules import confirm_path
from tests import builders
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SOMEBODY = by_link("A visitor")
TEXT = "We ask the council to pass the ban.\n\nMy street is not a line-up."
WORDS = "May {name} write to you with news of this campaign?"
EWA = {
    "given_name": "Ewa",
    "family_name": "García Márquez",
    "email": "ewa@people.example",
    "postal_code": "98003",
    "country": "US",
}


@dataclass
class Scene:
    """Who is there. ``lead`` and ``partner`` ask for consent; ``outsider`` does not."""

    coalition: Coalition
    campaign: Campaign
    lead: Organization
    partner: Organization
    outsider: Organization
    organizer: Account
    colleague: Account
    petition: Petition

    @property
    def by(self) -> Actor:
        return builders.actor(self.organizer)


def scene(session: Session, *, opened: bool = True, closes: date | None = None) -> Scene:
    """A petition of a live campaign, open unless said otherwise."""
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
    partner = builders.organization(session, within=coalition)
    outsider = builders.organization(session, name="Open Streets", within=coalition)
    organizer = builders.member(session, lead, name="Olu Organizer")
    colleague = builders.member(session, partner, role=Role.ADMIN, name="Ada Admin")
    campaign = builders.campaign(session, coalition)
    entry = commands.NewPetition(title="Ban police face recognition", text=TEXT, goal=100, closes=closes)
    asks = [(one, WORDS.format(name=one.name)) for one in (lead, partner)]
    by = builders.actor(organizer)
    petition = commands.start_petition(session, campaign, entry, asks, by=by, now=NOW)
    if opened:
        commands.open_petition(session, petition, by=by, now=NOW)
    return Scene(coalition, campaign, lead, partner, outsider, organizer, colleague, petition)


def there(*, opened: bool = True, closes: date | None = None) -> Scene:
    """The scene, committed."""
    with db.transaction() as session:
        return scene(session, opened=opened, closes=closes)


def entry(**changes: str) -> commands.NewSignature:
    """What Ewa types, with changes."""
    return commands.NewSignature.of({**EWA, **changes})


def sign(
    session: Session,
    petition: Petition,
    *,
    answers: Mapping[int, bool] | None = None,
    by: Actor = SOMEBODY,
    now: datetime = NOW,
    **changes: str,
) -> None:
    commands.sign(session, petition, entry(**changes), answers or {}, by=by, now=now)


def signatures(session: Session) -> list[Signature]:
    return list(session.scalars(sa.select(Signature).order_by(Signature.id)))


def token_of(signature: Signature, *, now: datetime = NOW) -> str:
    return confirm_path(signature, now).removeprefix("/confirm/")


def confirm(session: Session, signature: Signature, *, now: datetime = NOW) -> Signature:
    return commands.confirm(session, token_of(signature), by=SOMEBODY, now=now)


def letters(session: Session) -> list[str]:
    """What was written, as ``template to``, in order."""
    return [
        f"{one.template.rsplit('/', 1)[1]} {one.to_address}"
        for one in session.scalars(sa.select(Email).order_by(Email.id))
    ]


def together(*acts: Callable[[], object]) -> list[object]:
    """Run the acts at the same moment; what each returned."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def pending(here: Scene, **changes: str) -> str:
    """A signature waiting for its mailbox; its token."""
    with db.transaction() as session:
        petition = session.get_one(Petition, here.petition.id)
        commands.sign(session, petition, entry(**changes), {here.lead.id: True}, by=SOMEBODY, now=utc_now())
        return token_of(signatures(session)[-1], now=utc_now())
