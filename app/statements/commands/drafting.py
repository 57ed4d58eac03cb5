"""Writing the text: every save is an immutable revision, and two people saving at once lose nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.campaigns.models import Campaign
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import db
from app.core.clock import spoken
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input, Line, OptionalLine, Prose
from app.core.text import digest, plain, slugify
from app.statements import queries
from app.statements.models import Revision, Statement
from app.statements.rules import brought_together, checked_text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

NOTE_LENGTH = 300


def append_revision(
    session: Session,
    held: Statement,
    text: str,
    *,
    based_on: int,
    note: str,
    account_id: int | None,
    organization_id: int | None,
    now: datetime,
) -> Revision:
    """Write the next revision of a statement whose row is locked. ``text`` is canonical."""
    held.head_number += 1
    revision = Revision(
        statement_id=held.id,
        number=held.head_number,
        based_on=based_on,
        text=text,
        digest=digest(text),
        note=plain(note, NOTE_LENGTH),
        account_id=account_id,
        organization_id=organization_id,
        created_at=now,
    )
    return db.add(session, revision)


def refuse_unless_editable(held: Statement) -> None:
    """Conflict, with a sentence for each reason, if the words may not change any more."""
    if held.editable():
        return
    if held.before_opening() and held.frozen_at is not None:
        when = spoken(held.frozen_at, held.campaign.coalition.zone)
        message = (
            f"The words were frozen on {when}, so your changes are not saved. Copy what you typed, and ask an "
            "organizer to unfreeze the text if it must change."
        )
        raise Conflict(message)
    message = (
        "Organizations are putting their names to these words, or already have, so they cannot change any more. "
        "Your changes are not saved; copy what you typed before you leave."
    )
    raise Conflict(message)


class NewStatement(Input):
    """The beginning of a statement."""

    title: Line = Field(max_length=200)
    text: Prose
    organization_id: int | None = None


def start_statement(
    session: Session, campaign: Campaign, entry: NewStatement, *, by: Actor, now: datetime
) -> Statement:
    """Begin a joint text with its first revision. Sent twice, the same words make one statement."""
    author = acting_for(
        session, campaign.coalition_id, by=by, right=Right.ORGANIZE, organization_id=entry.organization_id
    )
    text = checked_text(entry.text)
    # The campaign's row serializes two clicks on one button.
    db.locked(session, Campaign, campaign.id)
    begun = session.scalars(
        sa.select(Statement)
        .join(Revision, Revision.statement_id == Statement.id)
        .where(
            Statement.campaign_id == campaign.id,
            Statement.title == entry.title,
            Revision.number == 1,
            Revision.digest == digest(text),
        )
    ).first()
    if begun is not None:
        return begun
    statement = _added(session, campaign, entry.title, now)
    append_revision(
        session,
        statement,
        text,
        based_on=0,
        note="The first draft",
        account_id=by.account_id,
        organization_id=author.id,
        now=now,
    )
    return statement


def _added(session: Session, campaign: Campaign, title: str, now: datetime) -> Statement:
    """A statement under the first free address made from its title."""
    stem = slugify(title, otherwise="statement")[:74].rstrip("-")
    number = 1
    while True:
        slug = stem if number == 1 else f"{stem}-{number}"
        values = {"campaign_id": campaign.id, "slug": slug, "title": title, "created_at": now}
        if db.insert_once(session, Statement, [values], unique=["slug"]):
            return session.scalars(sa.select(Statement).where(Statement.slug == slug)).one()
        number += 1


class NewRevision(Input):
    """The text as somebody leaves it. ``based_on`` is the number of the revision they began from."""

    text: Prose
    based_on: int
    note: OptionalLine = ""
    organization_id: int | None = None


def save_revision(session: Session, statement: Statement, entry: NewRevision, *, by: Actor, now: datetime) -> Revision:
    """Save the text as a new revision.

    If somebody saved since ``based_on``, both changes are brought together (the revision then says ``merged()``);
    where both changed one passage, ``rules.Overtaken`` carries both versions. Text that changes nothing makes no
    revision: the newest is returned.
    """
    author = acting_for(
        session,
        statement.campaign.coalition_id,
        by=by,
        right=Right.DRAFT,
        organization_id=entry.organization_id,
    )
    held = db.locked(session, Statement, statement.id)
    refuse_unless_editable(held)
    text = checked_text(entry.text)
    head = queries.head_of(session, held)
    if text == head.text:
        return head
    if not 1 <= entry.based_on <= head.number:
        raise Invalid({"": "This page does not know where it began. Copy your text and open the editor again."})
    note = entry.note
    if entry.based_on != head.number:
        base = queries.revision_of(session, held, entry.based_on)
        text = brought_together(base=base.text, mine=text, theirs=head.text, head_number=head.number)
        if text == head.text:
            return head
        note = f"{note} (merged with revision {head.number})" if note else f"Merged with revision {head.number}"
    return append_revision(
        session,
        held,
        text,
        based_on=entry.based_on,
        note=note,
        account_id=by.account_id,
        organization_id=author.id,
        now=now,
    )


class Restoring(Input):
    """Which revision to bring back, and the newest one that the person has seen."""

    number: int = Field(ge=1, le=queries.LARGEST)
    based_on: int


def restore_revision(session: Session, statement: Statement, entry: Restoring, *, by: Actor, now: datetime) -> Revision:
    """Bring an earlier text back as a new revision; everything in between stays in the history."""
    author = acting_for(session, statement.campaign.coalition_id, by=by, right=Right.DRAFT)
    held = db.locked(session, Statement, statement.id)
    refuse_unless_editable(held)
    old = queries.revision_of(session, held, entry.number)
    head = queries.head_of(session, held)
    if old.digest == head.digest:
        return head
    if entry.based_on != head.number:
        message = (
            f"Somebody saved revision {head.number} meanwhile. Read it before you restore revision {entry.number}."
        )
        raise Conflict(message)
    return append_revision(
        session,
        held,
        old.text,
        based_on=head.number,
        note=f"Restored revision {old.number}",
        account_id=by.account_id,
        organization_id=author.id,
        now=now,
    )
