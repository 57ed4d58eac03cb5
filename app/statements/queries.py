"""Finding statements, their revisions and what was said about them, as far as somebody may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, defer, joinedload

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Membership, Organization, Party
from app.coalitions.queries import may, parties
from app.coalitions.roles import Right, roles_with
from app.core.errors import NotAllowed, NotFound
from app.core.text import digest as digest_of
from app.statements.models import Comment, Position, Revision, Statement, StatementState, Suggestion, SuggestionState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

# What an address may hold is larger than what a column can; nothing has such a number.
LARGEST = 2**31 - 1
PUBLIC_STATES = (StatementState.OPEN, StatementState.CLOSED, StatementState.DELIVERED, StatementState.ARCHIVED)


def _statements() -> sa.Select[Statement]:
    """Statements with their campaign and coalition loaded."""
    return (
        sa.select(Statement)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .options(contains_eager(Statement.campaign).contains_eager(Campaign.coalition))
    )


def statement_for(
    session: Session, slug: str, *, by: Actor, right: Right = Right.SEE, within: str | None = None
) -> Statement:
    """A statement for the workroom, if ``by`` holds the right in its coalition (whose slug is ``within``, if given).

    NotFound for a stranger; NotAllowed for a member without the right.
    """
    query = _statements().where(Statement.slug == slug)
    if within is not None:
        query = query.where(Coalition.slug == within)
    found = session.scalar(query.where(may(by, right, Campaign.coalition_id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Campaign.coalition_id))) is not None:
        raise NotAllowed
    raise NotFound


def public_statement(session: Session, slug: str) -> Statement:
    """A statement that anybody may read, with its words; NotFound for drafts."""
    query = _statements().where(Statement.slug == slug, Statement.state.in_(PUBLIC_STATES))
    found = session.scalar(query.options(joinedload(Statement.frozen_revision)))
    if found is None:
        raise NotFound
    return found


def statements_of(session: Session, campaign_id: int, *, public_only: bool = False) -> list[Statement]:
    """A campaign's statements, newest first."""
    query = _statements().where(Statement.campaign_id == campaign_id).order_by(Statement.id.desc())
    if public_only:
        query = query.where(Statement.state.in_(PUBLIC_STATES))
    return list(session.scalars(query))


def statements_in(session: Session, coalition_id: int) -> list[Statement]:
    """All statements of a coalition: what is worked on, then the archive, each newest first."""
    away = sa.case((Statement.state == StatementState.ARCHIVED, 1), else_=0)
    query = _statements().where(Campaign.coalition_id == coalition_id).order_by(away, Statement.id.desc())
    return list(session.scalars(query))


def due_to_close(session: Session, now: datetime) -> list[Statement]:
    """Open statements whose deadline has come, the longest waiting first."""
    query = _statements().where(Statement.state == StatementState.OPEN, Statement.deadline <= now)
    return list(session.scalars(query.order_by(Statement.deadline, Statement.id)))


def by_digest(session: Session, digest: str) -> Statement | None:
    """The public statement whose frozen words have this digest; the oldest, if two letters say the same."""
    query = _statements().where(Statement.digest == digest.strip().lower(), Statement.state.in_(PUBLIC_STATES))
    return session.scalars(query.options(joinedload(Statement.frozen_revision)).order_by(Statement.id)).first()


def find_words(session: Session, pasted: str) -> Statement | None:
    """The public statement whose canonical text is exactly what was pasted."""
    return by_digest(session, digest_of(pasted))


def revision_of(session: Session, statement: Statement, number: int) -> Revision:
    """One revision by its number, with its author and organization; NotFound if there is none."""
    query = sa.select(Revision).where(Revision.statement_id == statement.id, Revision.number == min(number, LARGEST))
    found = session.scalar(query.options(joinedload(Revision.author), joinedload(Revision.organization)))
    if found is None:
        raise NotFound
    return found


def head_of(session: Session, statement: Statement) -> Revision:
    """The newest revision."""
    return revision_of(session, statement, statement.head_number)


def revisions_of(
    session: Session, statement: Statement, *, before: int | None = None, limit: int | None = None
) -> list[Revision]:
    """Revisions, newest first; ``before`` is the number to page from. Their texts are fetched when asked for."""
    query = sa.select(Revision).where(Revision.statement_id == statement.id).order_by(Revision.number.desc())
    if before is not None:
        query = query.where(Revision.number < min(before, LARGEST))
    query = query.options(joinedload(Revision.author), joinedload(Revision.organization), defer(Revision.text))
    return list(session.scalars(query.limit(limit)))


def suggestions_of(session: Session, statement: Statement, *, open_only: bool = False) -> list[Suggestion]:
    """What was suggested, oldest first."""
    query = sa.select(Suggestion).where(Suggestion.statement_id == statement.id).order_by(Suggestion.id)
    if open_only:
        query = query.where(Suggestion.state == SuggestionState.OPEN)
    return list(session.scalars(query.options(joinedload(Suggestion.author), joinedload(Suggestion.organization))))


def suggestion_of(session: Session, statement: Statement, ident: int) -> Suggestion:
    """One suggestion of this statement."""
    query = sa.select(Suggestion).where(Suggestion.id == min(ident, LARGEST), Suggestion.statement_id == statement.id)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def comments_of(session: Session, statement: Statement) -> list[Comment]:
    """What was remarked: unresolved first, oldest first."""
    query = sa.select(Comment).where(Comment.statement_id == statement.id)
    query = query.order_by(Comment.resolved_at.is_not(None), Comment.id)
    return list(session.scalars(query.options(joinedload(Comment.author), joinedload(Comment.organization))))


def comment_of(session: Session, statement: Statement, ident: int) -> Comment:
    """One comment of this statement."""
    query = sa.select(Comment).where(Comment.id == min(ident, LARGEST), Comment.statement_id == statement.id)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """One organization of the coalition and its latest answer; ``about`` is the number of the revision it is about."""

    party: Party
    position: Position | None
    about: int | None
    current: bool


def review_table(session: Session, statement: Statement) -> list[Standing]:
    """What each joined organization says of the text: leads first, then by name."""
    query = (
        sa.select(Position)
        .join(Position.revision)
        .where(Position.statement_id == statement.id)
        .options(contains_eager(Position.revision))
        .order_by(Revision.number)
    )
    latest = {position.organization_id: position for position in session.scalars(query)}
    joined = [party for party in parties(session, statement.campaign.coalition_id) if party.joined_at is not None]
    return [_standing(party, latest.get(party.organization_id), statement.head_number) for party in joined]


def _standing(party: Party, position: Position | None, head: int) -> Standing:
    about = position.revision.number if position is not None else None
    return Standing(party=party, position=position, about=about, current=about == head)


def people_who_answer(session: Session, coalition_id: int) -> list[tuple[Account, Organization]]:
    """Everybody who may take a position, once for each organization they may take it for."""
    query = (
        sa.select(Account, Organization)
        .join(Membership, Membership.account_id == Account.id)
        .join(Organization, Organization.id == Membership.organization_id)
        .join(Party, Party.organization_id == Organization.id)
        .where(
            Party.coalition_id == coalition_id,
            Party.joined_at.is_not(None),
            Membership.role.in_(roles_with(Right.TAKE_POSITION)),
        )
        .order_by(Organization.name, Account.id)
    )
    return [(account, organization) for account, organization in session.execute(query)]
