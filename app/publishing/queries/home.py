"""What waits for somebody across their coalitions: one query a kind, however many coalitions there are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.automations import queries as automations
from app.automations.rules import named
from app.broadcasts import queries as broadcasts
from app.campaigns.models import Campaign, Commitment
from app.campaigns.rules import RUNNING, WARN_BEFORE, spoken_day
from app.coalitions.models import Coalition, Invitation, Membership, Organization, Party
from app.coalitions.queries import may
from app.coalitions.roles import Right, roles_with
from app.petitions.models import Petition, PetitionState
from app.publishing.queries import troubles
from app.publishing.queries.troubles import CLOSES_SOON, UNANSWERED_AFTER
from app.publishing.rules import Kind, Task, and_more, in_order
from app.signons.models import SignOn, SignOnRequest, SignOnState
from app.statements.models import Position, Revision, Statement, StatementState, Suggestion, SuggestionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def organizations_of(session: Session, *, by: Actor) -> list[Organization]:
    """The organizations somebody belongs to, by name."""
    query = sa.select(Organization).join(Membership, Membership.organization_id == Organization.id)
    return list(session.scalars(query.where(Membership.account_id == by.account_id).order_by(Organization.name)))


def tasks(session: Session, *, by: Actor, now: datetime) -> list[Task]:
    """Everything that needs this person now, the nearest deadline first."""
    return in_order(
        [
            *_sign_ons(session, by, now),
            *_reviews(session, by),
            *troubles.bounces(session, by),
            *troubles.replies(session, by),
            *troubles.requests(session, by, now),
            *troubles.disputes(session, by),
            *troubles.post_office(session, by, now),
            *_closing(session, by, now),
            *_petitions(session, by, now),
            *_suggestions(session, by),
            *_promises(session, by, now),
            *_updates(session, by),
            *_automations(session, by),
            *_invitations(session, by, now),
        ]
    )


def _mine(by: Actor, right: Right) -> sa.Select[int]:
    """The organizations for which somebody may use a right, by id."""
    return sa.select(Membership.organization_id).where(
        Membership.account_id == by.account_id, Membership.role.in_(roles_with(right))
    )


def _sign_ons(session: Session, by: Actor, now: datetime) -> list[Task]:
    settled = sa.exists().where(
        SignOn.statement_id == SignOnRequest.statement_id,
        SignOn.organization_id == SignOnRequest.organization_id,
        SignOn.state.not_in([SignOnState.PENDING, SignOnState.RECONFIRMATION_NEEDED]),
    )
    joined = sa.exists().where(
        Party.coalition_id == Campaign.coalition_id,
        Party.organization_id == SignOnRequest.organization_id,
        Party.joined_at.is_not(None),
    )
    query = (
        sa.select(SignOnRequest)
        .join(SignOnRequest.statement)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .where(
            SignOnRequest.organization_id.in_(_mine(by, Right.SIGN)),
            SignOnRequest.revoked_at.is_(None),
            Statement.state == StatementState.OPEN,
            ~settled,
            joined,
        )
        .options(
            joinedload(SignOnRequest.organization),
            contains_eager(SignOnRequest.statement)
            .contains_eager(Statement.campaign)
            .contains_eager(Campaign.coalition),
        )
    )
    return [_sign_on(row) for row in session.scalars(query) if row.statement.accepts_signons(now)]


def _sign_on(row: SignOnRequest) -> Task:
    coalition = row.statement.campaign.coalition
    return Task(
        kind=Kind.SIGN_ON,
        title=row.statement.title,
        detail=f"{coalition.name} asks {row.organization.name} to sign.",
        href=f"/work/{coalition.slug}/statements/{row.statement.slug}/sign?for={row.organization.slug}",
        act=f"Read and decide for {row.organization.short_name or row.organization.name}",
        zone=coalition.zone,
        due=row.statement.deadline,
    )


def _reviews(session: Session, by: Actor) -> list[Task]:
    answered = sa.exists().where(Position.revision_id == Revision.id, Position.organization_id == Party.organization_id)
    query = (
        sa.select(Statement, Coalition, Organization)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .join(Revision, sa.and_(Revision.statement_id == Statement.id, Revision.number == Statement.head_number))
        .join(Party, Party.coalition_id == Coalition.id)
        .join(Organization, Organization.id == Party.organization_id)
        .where(
            Statement.state == StatementState.IN_REVIEW,
            Statement.frozen_revision_id.is_(None),
            Party.joined_at.is_not(None),
            Party.organization_id.in_(_mine(by, Right.TAKE_POSITION)),
            ~answered,
        )
        .order_by(Statement.id)
    )
    return [
        Task(
            kind=Kind.REVIEW,
            title=statement.title,
            detail=f"In review: {organization.name} has not answered about revision {statement.head_number}.",
            href=f"/work/{coalition.slug}/statements/{statement.slug}/answer?for={organization.id}",
            act=f"Answer for {organization.short_name or organization.name}",
            zone=coalition.zone,
        )
        for statement, coalition, organization in session.execute(query)
    ]


def _closing(session: Session, by: Actor, now: datetime) -> list[Task]:
    def number(model: type[SignOn | SignOnRequest], *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        return sa.select(sa.func.count(model.id)).where(model.statement_id == Statement.id, *where).scalar_subquery()

    query = (
        sa.select(
            Statement,
            Coalition,
            number(SignOn, SignOn.state == SignOnState.CONFIRMED),
            number(SignOnRequest, SignOnRequest.revoked_at.is_(None)),
        )
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .where(
            Statement.state == StatementState.OPEN,
            Statement.deadline > now,
            Statement.deadline <= now + CLOSES_SOON,
            may(by, Right.ORGANIZE, Campaign.coalition_id),
        )
    )
    return [
        Task(
            kind=Kind.CLOSING,
            title=statement.title,
            detail=f"The sign-on closes soon: {signed} signed, {asked} were asked.",
            href=f"/work/{coalition.slug}/statements/{statement.slug}/sign-ons",
            act="See who has not answered",
            zone=coalition.zone,
            due=statement.deadline,
        )
        for statement, coalition, signed, asked in session.execute(query)
    ]


def _petitions(session: Session, by: Actor, now: datetime) -> list[Task]:
    query = (
        sa.select(Petition, Coalition)
        .join(Petition.campaign)
        .join(Campaign.coalition)
        .where(
            Petition.state == PetitionState.OPEN,
            Petition.closes_at > now,
            Petition.closes_at <= now + CLOSES_SOON,
            may(by, Right.ORGANIZE, Campaign.coalition_id),
        )
    )
    return [
        Task(
            kind=Kind.CLOSING,
            title=petition.title,
            detail=f"The petition closes soon: {petition.counted:,} of {petition.goal:,} signatures.",
            href=f"/work/{coalition.slug}/petitions/{petition.slug}",
            act="See how it stands",
            zone=coalition.zone,
            due=petition.closes_at,
        )
        for petition, coalition in session.execute(query)
    ]


def _suggestions(session: Session, by: Actor) -> list[Task]:
    number = (
        sa.select(sa.func.count(Suggestion.id))
        .where(Suggestion.statement_id == Statement.id, Suggestion.state == SuggestionState.OPEN)
        .scalar_subquery()
    )
    query = (
        sa.select(Statement, Coalition, number)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .where(
            Statement.state.in_([StatementState.DRAFTING, StatementState.IN_REVIEW]),
            Statement.frozen_revision_id.is_(None),
            number > 0,
            may(by, Right.DRAFT, Campaign.coalition_id),
        )
        .order_by(Statement.id)
    )
    return [
        Task(
            kind=Kind.SUGGESTION,
            title=statement.title,
            detail=f"{'One suggestion waits' if waiting == 1 else f'{waiting} suggestions wait'} to be decided.",
            href=f"/work/{coalition.slug}/statements/{statement.slug}#suggestions",
            act="Accept or reject",
            zone=coalition.zone,
        )
        for statement, coalition, waiting in session.execute(query)
    ]


def _promises(session: Session, by: Actor, now: datetime) -> list[Task]:
    query = (
        sa.select(Commitment, Campaign, Coalition)
        .join(Commitment.campaign)
        .join(Campaign.coalition)
        .where(
            Commitment.state.in_(RUNNING),
            Commitment.expires_on <= now.date() + WARN_BEFORE,
            may(by, Right.ORGANIZE, Campaign.coalition_id),
        )
        .options(joinedload(Commitment.target))
        .order_by(Commitment.expires_on)
    )
    return [
        Task(
            kind=Kind.PROMISE,
            title=f"{commitment.target.name}: {commitment.headline}",
            detail=f"This promise ends on {spoken_day(commitment.expires_on)}." if commitment.expires_on else "",
            href=f"/work/{coalition.slug}/campaigns/{campaign.slug}/commitments/{commitment.id}/change",
            act="Say what became of it",
            zone=coalition.zone,
        )
        for commitment, campaign, coalition in session.execute(query)
    ]


def _updates(session: Session, by: Actor) -> list[Task]:
    rows = broadcasts.awaiting_approval(session, by=by)
    held = [
        Task(
            kind=Kind.UPDATE,
            title=row.title,
            detail=f"Nothing more of this update leaves: {row.mailing.reason if row.mailing else ''}",
            href=f"/work/{row.campaign.coalition.slug}/updates/{row.id}",
            act="Look and decide",
            zone=row.campaign.coalition.zone,
        )
        for row in broadcasts.held_in(session, by=by)
    ]
    return held + [
        Task(
            kind=Kind.UPDATE,
            title=row.title,
            detail=f"{row.author.name if row.author else 'Somebody'} wrote this update. A second person approves it.",
            href=f"/work/{row.campaign.coalition.slug}/updates/{row.id}",
            act="Read and approve",
            zone=row.campaign.coalition.zone,
        )
        for row in rows
    ]


def _automations(session: Session, by: Actor) -> list[Task]:
    return [
        Task(
            kind=Kind.UPDATE,
            title=row.title,
            detail=f"{row.author.name if row.author else 'Somebody'} wrote {named(row)} that goes out by itself. "
            "A second person approves it.",
            href=f"/work/{row.petition.campaign.coalition.slug}/petitions/{row.petition.slug}/automation/{row.id}",
            act="Read and approve",
            zone=row.petition.campaign.coalition.zone,
        )
        for row in automations.awaiting_approval(session, by=by)
    ]


def _invitations(session: Session, by: Actor, now: datetime) -> list[Task]:
    query = (
        sa.select(Invitation, Coalition, Organization.name)
        .join(Coalition, Coalition.id == Invitation.coalition_id)
        .join(Organization, Organization.id == Invitation.organization_id)
        .where(
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.created_at <= now - UNANSWERED_AFTER,
            may(by, Right.INVITE_ORGANIZATIONS, Coalition.id),
        )
        .order_by(Invitation.id)
    )
    waiting: dict[Coalition, Counter[str]] = {}
    for invitation, coalition, name in session.execute(query):
        waiting.setdefault(coalition, Counter())[f"{name}" + ("" if invitation.usable(now) else " (run out)")] += 1
    return [_unaccepted(coalition, list(names)) for coalition, names in waiting.items()]


def _unaccepted(coalition: Coalition, names: list[str]) -> Task:
    number = "One organization has" if len(names) == 1 else f"{len(names)} organizations have"
    return Task(
        kind=Kind.INVITATION,
        title=f"{number} not answered your invitation",
        detail=f"{and_more(names)}. Invited to {coalition.name} more than three days ago.",
        href=f"/work/{coalition.slug}/organizations",
        act="Resend or revoke",
        zone=coalition.zone,
    )
