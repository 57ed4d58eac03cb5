"""The blueprint that every page of sign-ons hangs on, and what the pages for signing have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, make_response, request
from werkzeug.wrappers import Response

from app.core.actor import Actor, by_link
from app.core.clock import utc_now
from app.signons.models import SignOn, SignOnState
from app.signons.rules import attestation, may_withdraw, withdraw_until
from app.targets.rules import spoken

if TYPE_CHECKING:
    from app.coalitions.models import Organization
    from app.statements.models import Statement

blueprint = Blueprint("signons", __name__)
FIELDS = ("listed_as", "signatory_name", "signatory_title", "signatory_email", "authorized", "digest")


def holder(organization: Organization, what: str) -> Actor:
    """Whoever holds a mailed link, as the audit trail names them."""
    return by_link(f"The holder of the {what} sent to {organization.name}"[:300], request.remote_addr or "")


def desk(statement: Statement, organization: Organization, known: SignOn | None) -> dict[str, Any]:
    """What every page on which an organization answers shows."""
    now = utc_now()
    coalition = statement.campaign.coalition
    stands = known is not None and known.stands()
    return {
        "statement": statement,
        "coalition": coalition,
        "demo": coalition.is_demo,
        "words": statement.frozen_revision.text if statement.frozen_revision is not None else "",
        "organization": organization,
        "known": known,
        "stands": stands,
        "disputed": known is not None and known.state is SignOnState.DISPUTED,
        "open": statement.accepts_signons(now),
        "may_withdraw": stands and may_withdraw(statement, now),
        "withdraw_until": withdraw_until(statement),
        "attestation": attestation(organization.name),
        "goes_to": spoken(statement.campaign.targets),
    }


def kept(values: Mapping[str, str]) -> dict[str, str]:
    """What was typed, to be carried through the review and back."""
    return {name: values.get(name, "") for name in FIELDS}


def returnable(body: str) -> Response:
    """A page the browser may show again with what was typed, when somebody comes back to it with the back button."""
    response = make_response(body)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
