"""Asking every organization what it says of the text, and answering."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.coalitions.models import Organization
from app.coalitions.queries import acting_for, require
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input
from app.core.text import canonical
from app.mail import outbox
from app.statements import messages, queries
from app.statements.models import Answer, Position, Statement, StatementState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def ask_for_review(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Ask everybody who may answer for their organization; asked twice about one revision, they hear once."""
    coalition_id = statement.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.ORGANIZE)
    held = db.locked(session, Statement, statement.id)
    if held.state is StatementState.IN_REVIEW:
        return held
    if not held.editable():
        message = "The words are frozen, so there is nothing left to review. Unfreeze the text first."
        raise Conflict(message)
    held.state = StatementState.IN_REVIEW
    head = queries.head_of(session, held)
    for person, organization in queries.people_who_answer(session, coalition_id):
        letter = messages.review_request(held, head, person, organization)
        once = f"statement:{held.id}:review:{head.number}:{organization.id}:{person.id}"
        outbox.queue(session, letter, once=once, now=now)
    session.flush()
    return held


def back_to_drafting(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Take a text out of review; the answers given stay with the revisions they are about."""
    _ = now
    require(session, statement.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    held = db.locked(session, Statement, statement.id)
    if held.state is StatementState.DRAFTING:
        return held
    if not held.editable():
        message = "The words are frozen. Unfreeze them before you go back to drafting."
        raise Conflict(message)
    held.state = StatementState.DRAFTING
    session.flush()
    return held


class NewPosition(Input):
    """An organization's answer. ``revision`` is the number of the revision that was read, if the page says it."""

    answer: Answer
    words: str = Field(default="", max_length=5000)
    revision: int | None = None


def take_position(
    session: Session, statement: Statement, entry: NewPosition, organization: Organization, *, by: Actor, now: datetime
) -> Position:
    """Answer for an organization, about the newest revision; while that is the newest, the answer may change."""
    acting_for(
        session,
        statement.campaign.coalition_id,
        by=by,
        right=Right.TAKE_POSITION,
        organization_id=organization.id,
    )
    held = db.locked(session, Statement, statement.id)
    _refuse_unless_in_review(held)
    words = canonical(entry.words).strip()
    if entry.answer is Answer.OBJECT and not words:
        raise Invalid({"words": "Say what your organization objects to, so that the others can change it."})
    if entry.revision not in {None, held.head_number}:
        message = f"Revision {held.head_number} was saved since you opened this page. Read what changed, then answer."
        raise Conflict(message)
    head = queries.head_of(session, held)
    position = session.scalar(
        sa.select(Position).where(Position.revision_id == head.id, Position.organization_id == organization.id)
    )
    if position is None:
        position = Position(statement_id=held.id, revision_id=head.id, organization_id=organization.id)
        session.add(position)
    position.answer = entry.answer
    position.words = words
    position.account_id = by.account_id or 0
    position.at = now
    session.flush()
    return position


def _refuse_unless_in_review(held: Statement) -> None:
    if held.state is StatementState.DRAFTING:
        message = "The text is still being written. An organizer asks for review when it is ready to be answered."
        raise Conflict(message)
    if held.state is not StatementState.IN_REVIEW:
        message = "The review is over: the text is open for sign-on or past it. Answer by signing on or declining."
        raise Conflict(message)
