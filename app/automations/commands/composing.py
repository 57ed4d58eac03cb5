"""The words of an automated letter; new words are approved anew, and until then nothing is written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from app.automations import queries, rules
from app.automations.commands.holding import held, turn_off, writer
from app.automations.models import Automation, Kind
from app.core import db
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input, Line, Prose

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.petitions.models import Petition


class NewAutomation(Input):
    """An automated letter's words, whose it is, and for a reminder after how many hours it is written.

    ``based_on`` is the version that the form showed.
    """

    subject: Line = Field(max_length=150)
    body: Prose = Field(max_length=20_000)
    organization_id: int | None = None
    delay_hours: int = Field(default=rules.USUAL, ge=rules.SHORTEST, le=rules.LONGEST)
    based_on: int | None = None


def write(
    session: Session, petition: Petition, kind: Kind, entry: NewAutomation, *, by: Actor, now: datetime
) -> Automation:
    """Write a petition's reminder, or an asking organization's welcome, down as a draft that is off."""
    organization = writer(session, petition, kind, entry.organization_id, by=by)
    if kind is Kind.WELCOME and organization.id not in {ask.organization_id for ask in petition.asks}:
        raise Invalid({"organization_id": "This petition does not ask its signers on behalf of that organization."})
    rules.check_words(kind, entry.subject, entry.body)
    place = rules.place(kind, petition.id, organization.id)
    start = {
        "kind": kind,
        "place": place,
        "petition_id": petition.id,
        "organization_id": organization.id,
        "subject": entry.subject,
        "body": entry.body,
        "delay_hours": entry.delay_hours,
        "version": 1,
        "author_id": by.account_id,
        "created_at": now,
    }
    if not db.insert_once(session, Automation, [start], unique=["place"]):
        raise Conflict("There is such a letter already, perhaps since you opened this form. Open it and edit it.")
    return queries.at_place(session, place)


def edit(session: Session, automation: Automation, entry: NewAutomation, *, by: Actor, now: datetime) -> Automation:
    """Change the words or the delay: approval and switch fall, and the editor becomes the author."""
    automation = held(session, automation, by=by)
    rules.must_be_the_words_read(automation, entry.based_on)
    rules.check_words(automation.kind, entry.subject, entry.body)
    turn_off(session, automation, by=by, now=now)
    automation.subject, automation.body = entry.subject, entry.body
    automation.delay_hours = entry.delay_hours
    automation.version += 1
    automation.author_id = by.account_id
    automation.approver_id = automation.approver_organization_id = None
    automation.approved_version = automation.approved_at = automation.tested_at = None
    session.flush()
    return automation
