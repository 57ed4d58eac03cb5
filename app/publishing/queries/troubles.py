"""What went wrong or silent on the way: letters that came back or whose fate is unknown, requests nobody answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Organization
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.clock import spoken
from app.deliveries.models import Delivery, DeliveryState, Document
from app.deliveries.queries import unheard
from app.deliveries.rules import IN_TROUBLE, NOT_KNOWN
from app.mail.models import Email, EmailState
from app.mail.queries import hindrances, undecided
from app.publishing.rules import Kind, Task, and_more
from app.signons.models import SignOn, SignOnRequest, SignOnState
from app.signons.queries import request_letter
from app.statements.models import Statement, StatementState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CLOSES_SOON = timedelta(days=4)
UNANSWERED_AFTER = timedelta(days=3)
CAME_BACK = (EmailState.BOUNCED, EmailState.DROPPED, EmailState.FAILED)


def bounces(session: Session, by: Actor) -> list[Task]:
    """Deliveries that did not arrive, and those of which nobody knows whether they left."""
    uncertain = sa.and_(Delivery.state == DeliveryState.QUEUED, Email.state == EmailState.UNKNOWN)
    query = (
        sa.select(Delivery, Coalition)
        .join(Delivery.document)
        .join(Document.campaign)
        .join(Campaign.coalition)
        .outerjoin(Email, Email.id == Delivery.email_id)
        .where(
            sa.or_(Delivery.state.in_(IN_TROUBLE), uncertain),
            may(by, Right.ORGANIZE, Campaign.coalition_id),
        )
        .options(contains_eager(Delivery.document), joinedload(Delivery.target))
        .order_by(Delivery.id.desc())
        .limit(20)
    )
    return [_delivery(delivery, coalition) for delivery, coalition in session.execute(query)]


def _delivery(delivery: Delivery, coalition: Coalition) -> Task:
    lost = delivery.state in IN_TROUBLE
    what = "not delivered to" if lost else "not known whether it left for"
    return Task(
        kind=Kind.BOUNCE,
        title=f"{delivery.document.title}: {what} {delivery.target.name}",
        detail=delivery.detail or ("The letter did not arrive." if lost else NOT_KNOWN),
        href=f"/work/{coalition.slug}/deliveries/{delivery.id}",
        act="See what to do",
        zone=coalition.zone,
    )


def disputes(session: Session, by: Actor) -> list[Task]:
    """Organizations that say they did not sign; the organizers settle it."""
    query = (
        sa.select(SignOn, Coalition)
        .join(SignOn.statement)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .where(SignOn.state == SignOnState.DISPUTED, may(by, Right.ORGANIZE, Campaign.coalition_id))
        .options(contains_eager(SignOn.statement), joinedload(SignOn.organization))
        .order_by(SignOn.id)
    )
    return [
        Task(
            kind=Kind.DISPUTE,
            title=f"{row.organization.name} says that it did not sign",
            detail=f"Its name is off “{row.statement.title}” until you have asked it.",
            href=f"/work/{coalition.slug}/statements/{row.statement.slug}/sign-ons/{row.id}/dispute",
            act="Settle the dispute",
            zone=coalition.zone,
        )
        for row, coalition in session.execute(query)
    ]


@dataclass(slots=True)
class _Waiting:
    """The organizations of one open letter that have not answered."""

    statement: Statement
    coalition: Coalition
    back: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def requests(session: Session, by: Actor, now: datetime) -> list[Task]:
    """Requests to sign that came back, and those that were silent for three days, a line a letter.

    A letter that closes soon has its own line already, so its silent ones are not named twice.
    """
    answered = sa.exists().where(
        SignOn.statement_id == SignOnRequest.statement_id,
        SignOn.organization_id == SignOnRequest.organization_id,
    )
    came_back = Email.state.in_(CAME_BACK)
    later = sa.or_(Statement.deadline.is_(None), Statement.deadline > now + CLOSES_SOON)
    query = (
        sa.select(Statement, Coalition, Organization.name, came_back)
        .select_from(SignOnRequest)
        .join(SignOnRequest.statement)
        .join(SignOnRequest.organization)
        .join(Statement.campaign)
        .join(Campaign.coalition)
        .outerjoin(Email, Email.once == request_letter())
        .where(
            Statement.state == StatementState.OPEN,
            sa.or_(Statement.deadline.is_(None), Statement.deadline > now),
            SignOnRequest.revoked_at.is_(None),
            sa.or_(came_back, sa.and_(SignOnRequest.sent_at <= now - UNANSWERED_AFTER, later)),
            ~answered,
            may(by, Right.ORGANIZE, Campaign.coalition_id),
        )
        .order_by(Organization.name, SignOnRequest.id)
    )
    waiting: dict[int, _Waiting] = {}
    for statement, coalition, name, lost in session.execute(query):
        found = waiting.setdefault(statement.id, _Waiting(statement, coalition))
        (found.back if lost else found.silent).append(name)
    return [task for found in waiting.values() for task in _told(found)]


def _told(found: _Waiting) -> list[Task]:
    told = []
    title = found.statement.title
    if found.back:
        one = len(found.back) == 1
        said = "The request to one organization" if one else f"The requests to {len(found.back)} organizations"
        what = f"{said} to sign “{title}” did not arrive"
        detail = f"{and_more(found.back)}. Mend the contact’s address, then ask again."
        told.append(_request(found, Kind.BOUNCE, what, detail, "See who was not reached"))
    if found.silent:
        have = "One organization has" if len(found.silent) == 1 else f"{len(found.silent)} organizations have"
        what = f"{have} not answered about “{title}”"
        detail = f"{and_more(found.silent)}. Asked more than three days ago."
        told.append(_request(found, Kind.SILENT, what, detail, "Ask again or take back"))
    return told


def _request(found: _Waiting, kind: Kind, title: str, detail: str, act: str) -> Task:
    href = f"/work/{found.coalition.slug}/statements/{found.statement.slug}/sign-ons?show=asked"
    return Task(kind=kind, title=title, detail=detail, href=href, act=act, zone=found.coalition.zone)


def post_office(session: Session, by: Actor, now: datetime) -> list[Task]:
    """For operators of the installation: letters held back, and letters of which nobody knows whether they left."""
    if not by.operator:
        return []
    told = [
        ("Letters are held back", f"{one.reason.rstrip('.')}. Since {spoken(one.since, 'UTC')}. {one.until}", "See why")
        for one in hindrances(session, now=now)
    ]
    uncertain = undecided(session)
    if uncertain:
        number = "one letter" if uncertain == 1 else f"{uncertain:,} letters"
        told.append((f"It is not known whether {number} left", NOT_KNOWN, "See which"))
    return [
        Task(kind=Kind.POST, title=title, detail=detail, href="/operator/mail", act=act, zone="UTC")
        for title, detail, act in told
    ]


def replies(session: Session, by: Actor) -> list[Task]:
    """Answers of targets that nobody has read and recorded."""
    found = []
    for delivery, number in unheard(session, by=by):
        coalition = delivery.document.campaign.coalition
        found.append(
            Task(
                kind=Kind.REPLY,
                title=f"{delivery.target.name} replied to {delivery.document.title}",
                detail="A reply waits to be read." if number == 1 else f"{number} replies wait to be read.",
                href=f"/work/{coalition.slug}/deliveries/{delivery.id}#replies",
                act="Read it and record the answer",
                zone=coalition.zone,
            )
        )
    return found
