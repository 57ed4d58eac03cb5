"""Talking about passages: suggestions that become revisions, and remarks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.coalitions.queries import acting_for, organizations_acting, require
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input
from app.core.text import canonical, plain
from app.statements import queries
from app.statements.commands.drafting import append_revision, refuse_unless_editable
from app.statements.models import Comment, Statement, Suggestion, SuggestionState
from app.statements.rules import checked_text, find_passage, replaced

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


class NewSuggestion(Input):
    """Other words for a passage; no words propose to strike it."""

    passage: str = Field(min_length=1, max_length=20_000)
    replacement: str = Field(default="", max_length=20_000)
    reason: str = Field(default="", max_length=1000)
    organization_id: int | None = None


def suggest(session: Session, statement: Statement, entry: NewSuggestion, *, by: Actor, now: datetime) -> Suggestion:
    """Propose other words for one passage of the newest revision. Sent twice, it stands once."""
    author = acting_for(
        session, statement.campaign.coalition_id, by=by, right=Right.COMMENT, organization_id=entry.organization_id
    )
    held = db.locked(session, Statement, statement.id)
    refuse_unless_editable(held)
    head = queries.head_of(session, held)
    start, end = find_passage(head.text, entry.passage)
    passage, replacement = head.text[start:end], canonical(entry.replacement).strip()
    if passage == replacement:
        raise Invalid({"replacement": "These are the words that already stand there. Write what should stand instead."})
    checked_text(head.text[:start] + replacement + head.text[end:])
    same = session.scalars(
        sa.select(Suggestion).where(
            Suggestion.statement_id == held.id,
            Suggestion.account_id == by.account_id,
            Suggestion.passage == passage,
            Suggestion.replacement == replacement,
            Suggestion.state == SuggestionState.OPEN,
        )
    ).first()
    if same is not None:
        return same
    suggestion = Suggestion(
        statement_id=held.id,
        revision_number=head.number,
        passage=passage,
        replacement=replacement,
        reason=plain(entry.reason, 1000),
        account_id=by.account_id or 0,
        organization_id=author.id,
        created_at=now,
    )
    return db.add(session, suggestion)


class Decision(Input):
    """Whether a suggestion is taken."""

    accept: bool


def decide_suggestion(
    session: Session, suggestion: Suggestion, entry: Decision, *, by: Actor, now: datetime
) -> Suggestion:
    """Accept a suggestion (a revision credited to whoever suggested it) or reject it.

    Conflict if it was settled otherwise, or its passage is gone or stands more than once.
    """
    statement = db.locked(session, Statement, suggestion.statement_id)
    require(session, statement.campaign.coalition_id, by=by, right=Right.DRAFT)
    asked = db.locked(session, Suggestion, suggestion.id)
    wanted = SuggestionState.ACCEPTED if entry.accept else SuggestionState.REJECTED
    if asked.state is wanted:
        return asked
    _refuse_unless_open(asked)
    if entry.accept:
        _apply(session, statement, asked, by=by, now=now)
    asked.state = wanted
    asked.decided_by_id = by.account_id
    asked.decided_at = now
    session.flush()
    return asked


def _apply(session: Session, statement: Statement, asked: Suggestion, *, by: Actor, now: datetime) -> None:
    refuse_unless_editable(statement)
    head = queries.head_of(session, statement)
    try:
        text = checked_text(replaced(head.text, asked.passage, asked.replacement))
    except Invalid as problem:
        message = (
            "The passage has changed since this was suggested, so it cannot be replaced. "
            "Reject the suggestion, or edit the text by hand."
        )
        raise Conflict(message) from problem
    append_revision(
        session,
        statement,
        text,
        based_on=head.number,
        note=f"Suggested by {asked.author.name}, accepted by {by.label}",
        account_id=asked.account_id,
        organization_id=asked.organization_id,
        now=now,
    )


def _refuse_unless_open(asked: Suggestion) -> None:
    if asked.state is not SuggestionState.OPEN:
        message = f"This suggestion was already {asked.state.value}."
        raise Conflict(message)


def withdraw_suggestion(session: Session, suggestion: Suggestion, *, by: Actor, now: datetime) -> Suggestion:
    """Take a suggestion back, by somebody of the organization that made it."""
    statement = db.locked(session, Statement, suggestion.statement_id)
    acting_for(
        session,
        statement.campaign.coalition_id,
        by=by,
        right=Right.COMMENT,
        organization_id=suggestion.organization_id,
    )
    asked = db.locked(session, Suggestion, suggestion.id)
    if asked.state is SuggestionState.WITHDRAWN:
        return asked
    _refuse_unless_open(asked)
    asked.state = SuggestionState.WITHDRAWN
    asked.decided_by_id = by.account_id
    asked.decided_at = now
    session.flush()
    return asked


class NewComment(Input):
    """A remark about a passage, or about the whole text if none is quoted."""

    body: str = Field(min_length=1, max_length=5000)
    passage: str = Field(default="", max_length=20_000)
    organization_id: int | None = None


def comment(session: Session, statement: Statement, entry: NewComment, *, by: Actor, now: datetime) -> Comment:
    """Remark on the newest revision. Sent twice, it stands once."""
    author = acting_for(
        session, statement.campaign.coalition_id, by=by, right=Right.COMMENT, organization_id=entry.organization_id
    )
    held = db.locked(session, Statement, statement.id)
    if not held.before_opening():
        message = "The text is open for sign-on or past it, so remarks cannot change it. Write to the organizers."
        raise Conflict(message)
    body, passage = canonical(entry.body).strip(), ""
    if not body:
        raise Invalid({"body": "Fill this in."})
    if entry.passage:
        head = queries.head_of(session, held)
        start, end = find_passage(head.text, entry.passage)
        passage = head.text[start:end]
    same = session.scalars(
        sa.select(Comment).where(
            Comment.statement_id == held.id,
            Comment.account_id == by.account_id,
            Comment.body == body,
            Comment.passage == passage,
            Comment.resolved_at.is_(None),
        )
    ).first()
    if same is not None:
        return same
    remark = Comment(
        statement_id=held.id,
        revision_number=held.head_number,
        passage=passage,
        body=body,
        account_id=by.account_id or 0,
        organization_id=author.id,
        created_at=now,
    )
    return db.add(session, remark)


def resolve_comment(session: Session, remark: Comment, *, by: Actor, now: datetime) -> Comment:
    """Settle a remark: by somebody who drafts, or of the organization that made it."""
    statement = db.locked(session, Statement, remark.statement_id)
    coalition_id = statement.campaign.coalition_id
    own = organizations_acting(session, coalition_id, by=by, right=Right.COMMENT)
    if remark.organization_id not in {organization.id for organization in own}:
        require(session, coalition_id, by=by, right=Right.DRAFT)
    held = db.locked(session, Comment, remark.id)
    if held.resolved_at is None:
        held.resolved_at = now
        session.flush()
    return held
