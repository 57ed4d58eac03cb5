"""Coalitions as their tests talk about them, made through the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.coalitions.commands import NewCoalition, NewInvitation, NewOrganization, create_coalition, invite
from app.coalitions.models import Coalition, Invitation, Organization, Role
from app.core.actor import Actor
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

OPERATOR = Actor(label="The operator", operator=True, address="192.0.2.1")


def formed(
    session: Session, *, name: str = "Open Faces", lead: str = "Fight for the Future"
) -> tuple[Coalition, Organization]:
    """A coalition and its lead, which nobody has joined yet."""
    coalition = create_coalition(
        session,
        NewCoalition(name=name, zone="America/Los_Angeles", purpose="End police use of face recognition."),
        NewOrganization(name=lead),
        by=OPERATOR,
        now=NOW,
    )
    return coalition, coalition.parties[0].organization


def invited(
    session: Session,
    coalition: Coalition | None,
    group: Organization,
    *,
    email: str = "dana@aclu.example",
    role: Role = Role.SIGNATORY,
    by: Actor = OPERATOR,
) -> Invitation:
    """An open invitation."""
    return invite(session, coalition, group, NewInvitation(email=email, name="Dana Ortiz", role=role), by=by, now=NOW)
