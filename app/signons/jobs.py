"""What the worker does for sign-ons: closes in time, sets the letter and sends it, and says when it has gone out."""

from __future__ import annotations

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail.render import house
from app.press.letter import set_letter
from app.signons import commands, queries
from app.signons.models import Edition
from app.signons.rules import roll_is_fixed
from app.statements.models import Statement


@job("signons.close_due")
def close_due() -> int:
    """Close every statement whose deadline has come, each in a transaction of its own."""
    with reading() as session:
        due = queries.to_close(session, now=utc_now())
    for ident in due:
        with transaction() as session:
            commands.close(session, session.get_one(Statement, ident), by=SYSTEM, now=utc_now())
    return len(due)


@job("signons.typeset")
def typeset() -> int:
    """Set the letters of editions whose roll is fixed, and send them.

    The press runs outside any transaction. Two workers may set the same letter; the edition's row lets one keep it.
    """
    base_url = house().base_url
    with reading() as session:
        due = [
            (edition.id, queries.sheet_of_edition(edition, base_url=base_url))
            for edition in queries.to_set(session)
            if roll_is_fixed(edition.statement, utc_now())
        ]
    for ident, sheet in due:
        pdf = set_letter(sheet)
        with transaction() as session:
            held = session.get_one(Edition, ident)
            commands.keep_document(session, held, sheet, pdf, base_url=base_url, now=utc_now())
    return len(due)


@job("signons.finish")
def finish() -> int:
    """Mark statements delivered whose letters have all left, and tell the signatories."""
    with reading() as session:
        due = queries.to_mark_delivered(session)
    for ident in due:
        with transaction() as session:
            commands.finish(session, session.get_one(Edition, ident), now=utc_now())
    return len(due)
