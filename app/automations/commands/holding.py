"""The row of an automated letter, held by somebody who may run it, its switch, and its line in the trail."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.automations.models import Automation, AutomationLetter, Kind
from app.automations.rules import named
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.mail import outbox
from app.mail.models import Email

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.coalitions.models import Organization
    from app.core.actor import Actor
    from app.petitions.models import Petition

# The coalition's own letter is its organizers'; a welcome is its sender's, like an update.
RIGHTS = {Kind.REMINDER: Right.ORGANIZE, Kind.WELCOME: Right.WRITE_UPDATE}


def writer(session: Session, petition: Petition, kind: Kind, organization_id: int | None, *, by: Actor) -> Organization:
    """The organization in whose name somebody writes such a letter. NotAllowed where they may not."""
    coalition_id = petition.campaign.coalition_id
    return acting_for(session, coalition_id, by=by, right=RIGHTS[kind], organization_id=organization_id)


def require_writer(session: Session, automation: Automation, *, by: Actor) -> None:
    """NotAllowed for somebody who may not write and switch it."""
    sender = automation.organization_id if automation.is_welcome else None
    writer(session, automation.petition, automation.kind, sender, by=by)


def held(session: Session, automation: Automation, *, by: Actor) -> Automation:
    """The row, locked, for somebody who may write and switch it."""
    require_writer(session, automation, by=by)
    return db.locked(session, Automation, automation.id)


def turn_off(session: Session, automation: Automation, *, by: Actor, now: datetime) -> None:
    """Nothing more is written, and what has not left does not leave."""
    if automation.on_since is None:
        return
    automation.on_since = automation.seen_until = None
    mine = sa.select(AutomationLetter.email_id).where(AutomationLetter.automation_id == automation.id)
    outbox.take_back(session, Email.id.in_(mine), reason="The letter was switched off before it left.", now=now)
    record(session, "automation.switched_off", automation, by=by, now=now)


def record(session: Session, act: str, automation: Automation, *, by: Actor, now: datetime) -> None:
    """Write an act into the coalition's trail."""
    audit.record(
        session,
        act,
        automation,
        by=by,
        now=now,
        coalition_id=automation.petition.campaign.coalition_id,
        organization_id=automation.organization_id,
        letter=named(automation),
        title=automation.petition.title,
        version=automation.version,
    )
