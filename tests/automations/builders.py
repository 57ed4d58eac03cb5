"""A petition with a reminder and a welcome that a second person approved, switched on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.automations import commands
from app.automations.models import Automation, AutomationLetter, Kind
from app.coalitions.models import Organization
from app.mail.models import Email
from app.petitions.models import Signature
from tests import builders
from tests.builders import NOW
from tests.petitions.builders import Scene, confirm, sign, signatures

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BODY = "Hello {given_name|neighbor},\n\n{count} people stand under it. We write when the council has voted."
# After anything the tests do at NOW, and long enough that a reminder is due.
LATER = NOW + timedelta(hours=49)


def words(kind: Kind, organization: Organization | None = None, **changes: object) -> commands.NewAutomation:
    """What Olu types."""
    subject = "{given_name}, one step is left" if kind is Kind.REMINDER else "Welcome, {given_name}"
    typed = {"subject": subject, "body": BODY, "organization_id": organization.id if organization else None}
    return commands.NewAutomation.model_validate({**typed, **changes})


def written(session: Session, here: Scene, kind: Kind, organization: Organization | None = None) -> Automation:
    """A draft by the sender's own person."""
    sender = organization or here.lead
    by = builders.actor(here.colleague if sender.id == here.partner.id else here.organizer)
    petition = here.petition if here.petition in session else session.get_one(type(here.petition), here.petition.id)
    return commands.write(session, petition, kind, words(kind, sender), by=by, now=NOW)


def running(
    session: Session, here: Scene, kind: Kind, organization: Organization | None = None, *, now: datetime = NOW
) -> Automation:
    """Approved by the other organization's person, and on."""
    made = written(session, here, kind, organization)
    ours = made.organization_id == here.partner.id
    writer = builders.actor(here.colleague if ours else here.organizer)
    reader = builders.actor(here.organizer if ours else here.colleague)
    commands.approve(session, made, made.version, by=reader, now=now)
    return commands.switch_on(session, made, by=writer, now=now)


def person(session: Session, here: Scene, number: int, *, yes: tuple[Organization, ...] = ()) -> Signature:
    """Somebody who signed and has not confirmed."""
    address, name = f"person{number}@people.example", f"Ewa{number}"
    petition = here.petition if here.petition in session else session.get_one(type(here.petition), here.petition.id)
    sign(session, petition, answers={one.id: True for one in yes}, email=address, given_name=name)
    return signatures(session)[-1]


def confirmed(
    session: Session, here: Scene, number: int, *, yes: tuple[Organization, ...] = (), now: datetime = NOW
) -> Signature:
    """Somebody who signed and confirmed."""
    return confirm(session, person(session, here, number, yes=yes), now=now)


def letters(session: Session, template: str) -> list[Email]:
    """The letters of one kind, in the order they were written."""
    return list(session.scalars(sa.select(Email).where(Email.template == template).order_by(Email.id)))


def reminders(session: Session) -> list[Email]:
    return letters(session, "petitions/mail/reminder")


def welcomes(session: Session) -> list[Email]:
    return letters(session, "automations/mail/welcome")


def rows(session: Session) -> list[AutomationLetter]:
    return list(session.scalars(sa.select(AutomationLetter).order_by(AutomationLetter.id)))
