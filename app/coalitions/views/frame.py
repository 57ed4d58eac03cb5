"""What the pages of coalitions share: the blueprint, the words of states, and the choices of forms."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint

from app.coalitions.models import Invitation, LegalStatus, PartyRole, Role, Scope

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


def invitation_state(row: Invitation | None, now: datetime) -> tuple[str, str]:
    """What became of an invitation, and the tone of its badge."""
    if row is None:
        return "Not invited", "neutral"
    if row.accepted_at is not None:
        return "Accepted", "good"
    if row.revoked_at is not None:
        return "Taken back", "neutral"
    return ("Invited", "info") if row.usable(now) else ("Invitation ended", "warn")
