"""What every page of a statement needs: the blueprint, the statement as this person may see it, its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from app.coalitions.queries import organizations_acting, rights_of
from app.coalitions.roles import Right
from app.statements import queries
from app.statements.models import Answer, Statement, StatementState
from app.statements.rules import Stage, stage
from app.web.security import actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.coalitions.models import Organization

blueprint = Blueprint("statements", __name__)
PAGE = "/work/<coalition>/statements/<slug>"
NUMBER = "<int:number>"
LABELS = {
    Stage.DRAFTING: "Draft",
    Stage.IN_REVIEW: "Review",
    Stage.FROZEN: "Frozen",
    Stage.OPEN: "Open",
    Stage.CLOSED: "Closed",
    Stage.DELIVERED: "Delivered",
    Stage.ARCHIVED: "Archived",
}
TONES = {Answer.CONSENT: "good", Answer.STAND_ASIDE: "warn", Answer.OBJECT: "bad"}
SAID = {Answer.CONSENT: "Consents", Answer.STAND_ASIDE: "Stands aside", Answer.OBJECT: "Objects"}


def found(session: Session, coalition: str, slug: str, right: Right = Right.SEE) -> Statement:
    """The statement of this address, if the person may do this to it."""
    return queries.statement_for(session, slug, by=actor(), right=right, within=coalition)


def steps(now_at: Stage) -> list[tuple[str, str]]:
    """The way of a statement as its page draws it: freezing ends the review, so it takes its place.

    The archive is no step that a letter must come to; it is drawn only once it is there.
    """
    passed = {Stage.IN_REVIEW if now_at is Stage.FROZEN else Stage.FROZEN}
    passed |= set() if now_at is Stage.ARCHIVED else {Stage.ARCHIVED}
    return [(one.value, label) for one, label in LABELS.items() if one not in passed]


def at(coalition: str, slug: str) -> str:
    """The same path from its parts, for after the transaction."""
    return f"/work/{coalition}/statements/{slug}"


def home(statement: Statement) -> str:
    """The path of a statement's page in the workroom."""
    return at(statement.campaign.coalition.slug, statement.slug)


def common(session: Session, statement: Statement) -> dict[str, Any]:
    """What the templates of every page of a statement read."""
    coalition = statement.campaign.coalition
    return {
        "coalition": coalition,
        "demo": coalition.is_demo,
        "zone": coalition.zone,
        "campaign": statement.campaign,
        "statement": statement,
        "state": StatementState,
        "stage": stage(statement).value,
        "here": home(statement),
        "steps": steps(stage(statement)),
        "right": Right,
        "rights": rights_of(session, coalition.id, by=actor()),
    }


def acting(session: Session, statement: Statement, right: Right) -> list[Organization]:
    """The organizations for which this person may do this."""
    return organizations_acting(session, statement.campaign.coalition_id, by=actor(), right=right)
