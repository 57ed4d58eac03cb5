"""Queueing a letter in the transaction of the act it speaks of: either both are there, or neither."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.core import db
from app.core.text import canonical_email
from app.jobs.bell import ring
from app.mail.message import Message, Priority
from app.mail.models import Email, EmailAttachment, EmailState, Suppression

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SEND = "mail.send"
RANKS = {Priority.CONFIRMATION: 0, Priority.RECEIPT: 1, Priority.TARGET: 2, Priority.UPDATE: 3}


def columns(message: Message, *, once: str, now: datetime) -> dict[str, Any]:
    """A message as the columns of its row. Raises ValueError for a recipient that is no address."""
    return {
        "once": once,
        "rank": RANKS[message.priority],
        "repeatable": message.repeatable,
        "template": message.template,
        "context": {**message.context, "demo": True} if message.demo else message.context,
        "to_address": message.to,
        "to_canonical": canonical_email(message.to),
        "to_name": message.to_name,
        "from_name": message.from_name,
        "reply_to": message.reply_to,
        "stream": message.stream,
        "unsubscribe_path": message.unsubscribe_path,
        "language": message.language,
        "keep_bytes": message.keep_bytes,
        "ignores_suppression": message.ignores_suppression,
        "created_at": now,
        "try_after": now,
    }


def queue(session: Session, message: Message, *, once: str, now: datetime) -> Email:
    """Put a letter into the outbox; a letter whose ``once`` key was queued before is not queued again.

    ``once`` says what the letter is about (``sign-on:42:receipt``), so that a repeated command cannot repeat it.
    Returns the row, new or old. Raises ValueError for a recipient that is no address.
    """
    start = columns(message, once=once, now=now)
    # The constraint decides, not a look beforehand: two transactions may queue the same letter at once.
    is_new = bool(db.insert_once(session, Email, [start], unique=["once"]))
    email = session.scalars(sa.select(Email).where(Email.once == once)).one()
    if not is_new:
        return email
    for file in message.attachments:
        row = EmailAttachment(email_id=email.id, filename=file.filename, mimetype=file.mimetype, body=file.body)
        session.add(row)
    session.flush()
    ring(session, SEND)
    return email


def suppress(session: Session, address: str, *, stream: str = "", reason: str, now: datetime) -> None:
    """Stop letters to an address from the next one on: all of them, or those of one stream."""
    _wait_for(session, canonical_email(address))
    row = {"address": canonical_email(address), "stream": stream, "reason": reason, "since": now}
    db.insert_once(session, Suppression, [row], unique=["address", "stream"])


def allow(session: Session, address: str, *, stream: str) -> None:
    """Let letters of a stream go to an address again, because its owner asked for them."""
    session.execute(
        sa.delete(Suppression).where(Suppression.address == canonical_email(address), Suppression.stream == stream)
    )


def suppressed(session: Session, email: Email) -> str | None:
    """Why this letter must not go out, or None. Asked at the last moment before it is handed over."""
    if email.ignores_suppression:
        return None
    _wait_for(session, email.to_canonical)
    streams = ["", email.stream, _of_one(email.id)]
    return session.scalar(
        sa.select(Suppression.reason)
        .where(Suppression.address == email.to_canonical, Suppression.stream.in_(streams))
        .limit(1)
    )


def take_back(session: Session, which: sa.ColumnElement[bool], *, reason: str, now: datetime) -> None:
    """Drop letters that have not left. One that is being handed over right now is at least not tried again."""
    session.execute(
        sa.update(Email)
        .where(which, Email.state == EmailState.QUEUED)
        .values(state=EmailState.DROPPED, last_error=reason, settled_at=now)
        .execution_options(synchronize_session=False)
    )
    leaving = sa.select(Email.id, Email.to_canonical).where(which, Email.state == EmailState.SUBMITTING)
    rows = [
        {"address": address, "stream": _of_one(ident), "reason": reason[:60], "since": now}
        for ident, address in session.execute(leaving)
    ]
    db.insert_once(session, Suppression, rows, unique=["address", "stream"])


def _of_one(email_id: int) -> str:
    return f"letter:{email_id}"


def _wait_for(session: Session, canonical: str) -> None:
    """Whoever has been told that letters stop gets none that was handed over afterwards, not even at that moment."""
    db.one_at_a_time(session, f"mail:{canonical}")
