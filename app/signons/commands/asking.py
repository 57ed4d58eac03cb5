"""Organizers ask organizations to sign, ask again, and take a request back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.coalitions.models import Organization, Party
from app.coalitions.queries import require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.clock import spoken
from app.core.errors import Conflict
from app.mail import outbox
from app.signons import messages, queries
from app.signons.models import SignOnRequest
from app.signons.rules import RESEND_NOT_BEFORE
from app.statements.models import Statement

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def ask_to_sign(
    session: Session, statement: Statement, organizations: Sequence[Organization], *, by: Actor, now: datetime
) -> list[SignOnRequest]:
    """Ask organizations of the coalition to sign: a letter with a link to each that has an address.

    One that was asked already keeps its request; one whose request was taken back is asked anew. Returns the
    requests that stand; organizations without an address have none.
    """
    held = _held(session, statement, by=by, now=now)
    wanted = {organization.id for organization in organizations}
    query = sa.select(Party).where(Party.coalition_id == held.campaign.coalition_id, Party.organization_id.in_(wanted))
    requests = []
    for party in session.scalars(query.order_by(Party.id)):
        address = queries.address_of(party)
        if address:
            requests.append(_ask(session, held, party, address, by=by, now=now))
    return requests


def _ask(session: Session, held: Statement, party: Party, address: str, *, by: Actor, now: datetime) -> SignOnRequest:
    known = queries.request_for(session, held.id, party.organization_id)
    if known is not None and known.revoked_at is None:
        return known
    if known is None:
        known = SignOnRequest(
            statement_id=held.id, organization_id=party.organization_id, email=address, sent_times=0, created_at=now
        )
        session.add(known)
    to_contact = address == party.contact_email
    known.email, known.revoked_at = address, None
    known.name = party.contact_name if to_contact else ""
    known.title = party.contact_title if to_contact else ""
    return _send(session, known, "sign_on.asked", by=by, now=now)


def _send(session: Session, request: SignOnRequest, act: str, *, by: Actor, now: datetime) -> SignOnRequest:
    request.sent_times += 1
    request.sent_at = now
    session.flush()
    once = f"{queries.REQUEST_LETTER}{request.id}:{request.sent_times}"
    outbox.queue(session, messages.request(session, request, now=now), once=once, now=now)
    _record(session, act, request, by=by, now=now)
    return request


def _record(session: Session, act: str, request: SignOnRequest, *, by: Actor, now: datetime) -> None:
    coalition_id = request.statement.campaign.coalition_id
    audit.record(
        session,
        act,
        request,
        by=by,
        now=now,
        coalition_id=coalition_id,
        organization_id=request.organization_id,
        organization=request.organization.name,
        title=request.statement.title,
        times=request.sent_times,
    )


def resend_request(session: Session, request: SignOnRequest, *, by: Actor, now: datetime) -> SignOnRequest:
    """Send an organization that has not answered a new link; older links stop working."""
    held = _held(session, request.statement, by=by, now=now)
    request = db.locked(session, SignOnRequest, request.id)
    if request.revoked_at is not None:
        message = f"The request to {request.organization.name} was taken back. Ask the organization anew."
        raise Conflict(message)
    answer = queries.sign_on_for(session, held.id, request.organization_id)
    if answer is not None:
        message = f"{request.organization.name} has answered already: {answer.state.value}."
        raise Conflict(message)
    if now - request.sent_at < RESEND_NOT_BEFORE:
        sent = spoken(request.sent_at, held.campaign.coalition.zone)
        message = f"{request.organization.name} was sent a link on {sent}. Wait a few minutes before sending another."
        raise Conflict(message)
    return _send(session, request, "sign_on.asked_again", by=by, now=now)


def resend_to_unanswered(session: Session, statement: Statement, *, by: Actor, now: datetime) -> list[SignOnRequest]:
    """Send a new link to every organization that was asked and has not answered; returns those written to now."""
    held = _held(session, statement, by=by, now=now)
    due = [one for one in queries.unanswered(session, held.id) if now - one.sent_at >= RESEND_NOT_BEFORE]
    return [_send(session, one, "sign_on.asked_again", by=by, now=now) for one in due]


def revoke_request(session: Session, request: SignOnRequest, *, by: Actor, now: datetime) -> SignOnRequest:
    """Take a request back: its link stops working. A sign-on that was made with it stands."""
    held = db.locked(session, Statement, request.statement_id)
    require(session, held.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    request = db.locked(session, SignOnRequest, request.id)
    if request.revoked_at is None:
        request.revoked_at = now
        session.flush()
        _record(session, "sign_on.request_taken_back", request, by=by, now=now)
    return request


def _held(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    require(session, statement.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    held = db.locked(session, Statement, statement.id)
    if held.before_opening():
        message = "Open the text for sign-on first, then ask organizations."
        raise Conflict(message)
    if not held.accepts_signons(now):
        message = "The sign-on is over, so nobody can be asked any more."
        raise Conflict(message)
    return held
