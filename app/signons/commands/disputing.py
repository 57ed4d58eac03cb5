"""An organization says that it did not sign; its name leaves the public roll at once, and the organizers settle it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from app.coalitions.queries import organizers, require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict
from app.core.inputs import Input
from app.core.text import plain
from app.mail import outbox
from app.signons import messages
from app.signons.commands.answering import leave_unset_edition
from app.signons.models import SignOn, SignOnState
from app.statements.models import Statement

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _one_line(value: object) -> object:
    return plain(value, 10_000) if isinstance(value, str) else value


class Dispute(Input):
    """What the organization says about a name it did not give."""

    reason: Annotated[str, BeforeValidator(_one_line), Field(max_length=1000)] = ""


def dispute(session: Session, sign_on: SignOn, entry: Dispute, *, by: Actor, now: datetime) -> SignOn:
    """Take a name off the roll because the organization says that it did not sign. Possible after closing, too."""
    db.locked(session, Statement, sign_on.statement_id)
    row = db.locked(session, SignOn, sign_on.id)
    if row.state is SignOnState.DISPUTED:
        return row
    if not row.stands():
        message = (
            f"The name is not on the roll any more: the sign-on was {row.state.value}. There is nothing to dispute."
        )
        raise Conflict(message)
    printed = leave_unset_edition(session, row)
    row.state, row.reason = SignOnState.DISPUTED, entry.reason
    _record(session, row, "sign_on.disputed", by=by, now=now, reason=entry.reason)
    for person in organizers(session, row.statement.campaign.coalition_id):
        once = f"sign-on:{row.id}:disputed:{row.version}:{person.id}"
        outbox.queue(session, messages.disputed(row, person, printed=printed), once=once, now=now)
    return row


class Lifting(Input):
    """How the organizers found out that the organization did sign."""

    reason: Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=1000)]


def lift_dispute(session: Session, sign_on: SignOn, entry: Lifting, *, by: Actor, now: datetime) -> SignOn:
    """Put a disputed name back on the roll while the sign-on is open, saying in the audit trail why."""
    held = db.locked(session, Statement, sign_on.statement_id)
    require(session, held.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    row = db.locked(session, SignOn, sign_on.id)
    if row.stands():
        return row
    if row.state is not SignOnState.DISPUTED:
        message = f"This sign-on is not disputed: it was {row.state.value}."
        raise Conflict(message)
    if not held.accepts_signons(now):
        message = "The sign-on has closed without this name, so it cannot come back."
        raise Conflict(message)
    row.state, row.reason = SignOnState.CONFIRMED, ""
    _record(session, row, "sign_on.dispute_lifted", by=by, now=now, reason=entry.reason)
    return row


def _record(session: Session, row: SignOn, act: str, *, by: Actor, now: datetime, **detail: str) -> None:
    row.version += 1
    row.changed_at = now
    session.flush()
    audit.record(
        session,
        act,
        row,
        by=by,
        now=now,
        coalition_id=row.statement.campaign.coalition_id,
        organization_id=row.organization_id,
        organization=row.organization.name,
        title=row.statement.title,
        listed_as=row.listed_as,
        **detail,
    )
