"""The closing: the text is closed and its roll copied into edition 1 in one transaction; then the letter goes out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.coalitions.queries import organizers, require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM
from app.deliveries import commands as deliveries
from app.deliveries.models import Document, DocumentKind
from app.deliveries.queries import of_document
from app.deliveries.rules import recipients
from app.mail import outbox
from app.press.letter import LetterSheet
from app.signons import messages, queries
from app.signons.models import Edition, EditionName, SignOn
from app.signons.rules import stands_behind
from app.statements import commands as statements
from app.statements.models import Statement, StatementState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def close(session: Session, statement: Statement, *, by: Actor, now: datetime) -> Edition | None:
    """Close the sign-on and fix the roll as edition 1; closed twice, it is closed once.

    None when nobody signed: the text is closed, nothing goes out, and the organizers are told.
    """
    if by != SYSTEM:
        require(session, statement.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    held = db.locked(session, Statement, statement.id)
    known = queries.edition_of(session, held.id)
    if known is not None:
        return known
    held = statements.close(session, held, by=by, now=now)
    if held.state is not StatementState.CLOSED:
        return None
    names = queries.on_roll(session, held.id)
    if not names:
        for person in organizers(session, held.campaign.coalition_id):
            once = f"statement:{held.id}:nobody-signed:{person.id}"
            outbox.queue(session, messages.nobody_signed(held, person), once=once, now=now)
        return None
    return _edition(session, held, names, by=by, now=now)


def _edition(session: Session, held: Statement, names: list[SignOn], *, by: Actor, now: datetime) -> Edition:
    leads = queries.initiators(session, held.id)
    edition = Edition(statement_id=held.id, number=1, digest=held.digest or "", made_at=held.closed_at or now)
    edition.statement = held
    edition.names = [
        EditionName(
            place=place,
            sign_on_id=row.id,
            listed_as=row.listed_as,
            signatory_name=row.signatory_name,
            signatory_title=row.signatory_title,
            initiator=row.organization_id in leads,
            scope=row.organization.scope.value,
        )
        for place, row in enumerate(names, start=1)
    ]
    db.add(session, edition)
    coalition_id = held.campaign.coalition_id
    audit.record(
        session,
        "edition.made",
        edition,
        by=by,
        now=now,
        coalition_id=coalition_id,
        title=held.title,
        number=edition.number,
        names=len(names),
        digest=edition.digest,
    )
    return edition


def keep_document(
    session: Session, edition: Edition, sheet: LetterSheet, pdf: bytes, *, base_url: str, now: datetime
) -> Document | None:
    """Keep the letter as it was set and send it to every target of the campaign.

    ``sheet`` is what was set. None when another worker was faster, or when a name left the roll while the press
    ran: then this PDF is thrown away and the letter is set again.
    """
    statement = db.locked(session, Statement, edition.statement_id)
    edition = db.locked(session, Edition, edition.id)
    session.expire(edition, ["names"])
    if edition.document_id is not None or queries.sheet_of_edition(edition, base_url=base_url) != sheet:
        return None
    entry = deliveries.NewDocument(
        kind=DocumentKind.EDITION,
        title=statement.title,
        summary=statement.campaign.demand,
        stands_behind=stands_behind(edition.names),
        filename=f"{statement.slug}.pdf",
        body=pdf,
        digest=edition.digest,
        public_path=f"/statements/{statement.slug}",
    )
    document = deliveries.add_document(session, statement.campaign, entry, now=now)
    edition.document_id = document.id
    deliveries.send_document(session, document, recipients(statement.campaign.targets), by=SYSTEM, now=now)
    return document


def finish(session: Session, edition: Edition, *, now: datetime) -> Statement:
    """Mark a statement delivered once its letter waits nowhere any more, and tell everybody who signed it."""
    statement = db.locked(session, Statement, edition.statement_id)
    if statement.state is not StatementState.CLOSED or edition.document_id is None:
        return statement
    statements.mark_delivered(session, statement, by=SYSTEM, now=now)
    sent = of_document(session, edition.document_id)
    for name in edition.names:
        row = session.get_one(SignOn, name.sign_on_id)
        if row.stands():
            once = f"edition:{edition.id}:delivered:{row.id}"
            outbox.queue(session, messages.delivered(session, edition, row, sent), once=once, now=now)
    return statement
