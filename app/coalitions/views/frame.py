"""What the pages of coalitions share: the blueprint, the words of states, and the choices of forms."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from sqlalchemy.orm import object_session

from app.coalitions.models import Coalition, Invitation, LegalStatus, PartyRole, Role, Scope
from app.coalitions.queries import holds
from app.coalitions.roles import Right
from app.core.db import reading
from app.web.security import actor

blueprint = Blueprint("coalitions", __name__)

ROLES = [
    (Role.ADMIN.value, "Admin: everything, people included"),
    (Role.SIGNATORY.value, "Signatory: decides and signs for the organization"),
    (Role.DRAFTER.value, "Drafter: writes statements and updates"),
    (Role.VIEWER.value, "Viewer: reads along"),
]
LEGAL = [
    (LegalStatus.C3.value, "501(c)(3)"),
    (LegalStatus.C4.value, "501(c)(4)"),
    (LegalStatus.OTHER.value, "Another legal form"),
    (LegalStatus.UNOFFICIAL.value, "No legal form"),
]
SCOPES = [(scope.value, scope.value.capitalize()) for scope in (Scope.NATIONAL, Scope.STATE, Scope.LOCAL)]
SCOPES.append((Scope.INTERNATIONAL.value, "International"))
PLACES = [(PartyRole.PARTNER.value, "Partner"), (PartyRole.LEAD.value, "Lead: runs campaigns and statements")]


@blueprint.app_context_processor
def navigation() -> dict[str, object]:
    """What the workroom's navigation asks, so that it names no page whose door is shut to this person."""
    return {"reads_audit": _reads_audit}


def _reads_audit(coalition: Coalition) -> bool:
    # Most pages are made inside their reading block; its connection is used again.
    session = object_session(coalition)
    if session is not None:
        return holds(session, coalition.id, by=actor(), right=Right.READ_AUDIT)
    with reading() as own:
        return holds(own, coalition.id, by=actor(), right=Right.READ_AUDIT)


def invitation_state(row: Invitation | None, now: datetime) -> tuple[str, str]:
    """What became of an invitation, and the tone of its badge."""
    if row is None:
        return "Not invited", "neutral"
    if row.accepted_at is not None:
        return "Accepted", "good"
    if row.revoked_at is not None:
        return "Taken back", "neutral"
    return ("Invited", "info") if row.usable(now) else ("Invitation ended", "warn")
