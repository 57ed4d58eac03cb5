"""Fixing the words and opening them for sign-on: two acts, each reviewed before it is done."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM
from app.core.clock import spoken
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input
from app.core.text import digest
from app.statements import queries
from app.statements.models import Statement, StatementState
from app.statements.rules import deadline

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I %p")


def _clock(value: object) -> object:
    if not isinstance(value, str):
        return value
    for form in CLOCKS:
        try:
            return datetime.strptime(value.strip().upper().replace(".", ""), form).time()  # noqa: DTZ007 - a time of day
        except ValueError:
            continue
    message = "Write a time like 17:00 or 5:00 PM."
    raise ValueError(message)


def _lead(session: Session, held: Statement, by: Actor) -> int | None:
    """The organization an organizer acts for; the system acts for none."""
    if by == SYSTEM:
        return None
    return acting_for(session, held.campaign.coalition_id, by=by, right=Right.ORGANIZE).id


def _record(
    session: Session, act: str, held: Statement, lead: int | None, *, by: Actor, now: datetime, **detail: str | int
) -> None:
    session.flush()
    coalition_id = held.campaign.coalition_id
    audit.record(
        session, act, held, by=by, now=now, coalition_id=coalition_id, organization_id=lead, title=held.title, **detail
    )


class Freezing(Input):
    """The number of the revision that was read before freezing it."""

    number: int


def freeze(session: Session, statement: Statement, entry: Freezing, *, by: Actor, now: datetime) -> Statement:
    """Fix the words to the revision that was read, and give them their digest. Done twice, it is done once."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    head = queries.head_of(session, held)
    if held.frozen():
        if held.head_number == entry.number:
            return held
        message = f"The words were already frozen, as revision {head.number}."
        raise Conflict(message)
    if entry.number != head.number:
        message = f"Revision {head.number} was saved while you read revision {entry.number}. Read it, then freeze it."
        raise Conflict(message)
    held.frozen_revision_id = head.id
    held.digest = digest(head.text)
    held.frozen_at = now
    _record(session, "statement.frozen", held, lead, by=by, now=now, digest=held.digest, revision=head.number)
    return held


def unfreeze(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Let the words change again, as long as nobody could sign them yet."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if not held.before_opening():
        message = "The text has been opened for sign-on, so its words stay as they are."
        raise Conflict(message)
    if not held.frozen():
        return held
    was = held.digest or ""
    held.frozen_revision_id = None
    held.digest = None
    held.frozen_at = None
    _record(session, "statement.unfrozen", held, lead, by=by, now=now, digest=was)
    return held


class Opening(Input):
    """Until when organizations may sign, as a clock in the coalition's zone shows it."""

    deadline_date: date
    deadline_time: Annotated[time, BeforeValidator(_clock)]


def open_for_sign_on(session: Session, statement: Statement, entry: Opening, *, by: Actor, now: datetime) -> Statement:
    """Publish the frozen words and let organizations sign until the deadline. Done twice alike, it is done once."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    until = deadline(entry.deadline_date, entry.deadline_time, held.campaign.coalition.zone, now=now)
    if held.state is StatementState.OPEN:
        if held.deadline == until:
            return held
        message = f"The text is already open until {_spoken_deadline(held)}. To give more time, extend the deadline."
        raise Conflict(message)
    if not held.before_opening():
        message = "The sign-on has closed, so the text cannot be opened again."
        raise Conflict(message)
    if not held.frozen():
        message = "Freeze the words first: organizations sign a text that cannot change."
        raise Conflict(message)
    held.state = StatementState.OPEN
    held.deadline = until
    held.opened_at = now
    detail = {"digest": held.digest or "", "deadline": until.isoformat()}
    _record(session, "statement.opened", held, lead, by=by, now=now, **detail)
    return held


def extend_deadline(session: Session, statement: Statement, entry: Opening, *, by: Actor, now: datetime) -> Statement:
    """Give organizations more time; a deadline that was announced never comes earlier."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if held.state is not StatementState.OPEN or (held.deadline is not None and held.deadline <= now):
        message = "The sign-on is not open, so there is no deadline to extend."
        raise Conflict(message)
    until = deadline(entry.deadline_date, entry.deadline_time, held.campaign.coalition.zone, now=now)
    if held.deadline is None or until < held.deadline:
        raise Invalid({"deadline_date": f"Choose a time after the present deadline, {_spoken_deadline(held)}."})
    if until == held.deadline:
        return held
    before, held.deadline = held.deadline.isoformat(), until
    _record(session, "statement.extended", held, lead, by=by, now=now, before=before, deadline=until.isoformat())
    return held


def _spoken_deadline(held: Statement) -> str:
    return spoken(held.deadline, held.campaign.coalition.zone) if held.deadline is not None else "no deadline"


def close(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """End the sign-on. Whoever calls this makes the edition in the same transaction; a closed one stays as it is."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if held.state in {StatementState.CLOSED, StatementState.DELIVERED, StatementState.ARCHIVED}:
        return held
    if held.state is not StatementState.OPEN:
        message = "The text is not open for sign-on, so there is nothing to close."
        raise Conflict(message)
    held.state = StatementState.CLOSED
    held.closed_at = now
    _record(session, "statement.closed", held, lead, by=by, now=now, digest=held.digest or "")
    return held


def mark_delivered(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Note that the edition has been handed over to its targets."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if held.state in {StatementState.DELIVERED, StatementState.ARCHIVED}:
        return held
    if held.state is not StatementState.CLOSED:
        message = "The sign-on has not closed, so there is no edition to deliver."
        raise Conflict(message)
    held.state = StatementState.DELIVERED
    held.delivered_at = now
    _record(session, "statement.delivered", held, lead, by=by, now=now, digest=held.digest or "")
    return held


def archive(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Put a delivered letter away: it stays public and provable, and leaves the work that goes on."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if held.state is StatementState.ARCHIVED:
        return held
    if held.state is not StatementState.DELIVERED:
        message = "Only a delivered letter can be archived."
        raise Conflict(message)
    held.state = StatementState.ARCHIVED
    _record(session, "statement.archived", held, lead, by=by, now=now)
    return held


def take_from_archive(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Statement:
    """Put an archived letter back among the delivered ones."""
    lead = _lead(session, statement, by)
    held = db.locked(session, Statement, statement.id)
    if held.state is StatementState.ARCHIVED:
        held.state = StatementState.DELIVERED
        _record(session, "statement.unarchived", held, lead, by=by, now=now)
    return held
