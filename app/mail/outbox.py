"""Queueing a letter in the transaction of the act it speaks of: either both are there, or neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
# Letters by id; those of them that must not leave, with the reason.
Asker = Callable[["Session", "Sequence[int]", datetime], dict[int, str]]
ASKERS: dict[str, Asker] = {}
# What the provider's statistics tell apart: these four and never more.
CATEGORIES = {rank: priority.value for priority, rank in RANKS.items()}


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
        "answers_directly": message.answers_directly,
        "stream": message.stream,
        "unsubscribe_path": message.unsubscribe_path,
        "language": message.language,
        "keep_bytes": message.keep_bytes,
        "ignores_suppression": message.ignores_suppression,
        "useless_after": message.useless_after,
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
    wait_for(session, {canonical_email(address)})
    row = {"address": canonical_email(address), "stream": stream, "reason": reason, "since": now}
    db.insert_once(session, Suppression, [row], unique=["address", "stream"])


def allow(session: Session, address: str, *, stream: str) -> None:
    """Let letters of a stream go to an address again, because its owner asked for them."""
    session.execute(
        sa.delete(Suppression).where(Suppression.address == canonical_email(address), Suppression.stream == stream)
    )


def wait_for(session: Session, canonical: set[str]) -> None:
    """Whoever has been told that letters stop gets none that was handed over afterwards, not even at that moment.

    Called before the letters' rows are locked, never after: who stops letters takes the two in this order.
    """
    db.each_at_a_time(session, {f"mail:{address}" for address in canonical})


def suppressed(session: Session, emails: Sequence[Email]) -> dict[int, str]:
    """Why these letters must not go out, by id; a letter that may go is not there.

    Asked at the last moment before they are handed over. A letter that leaves in any case stops only for its own sake.
    """
    query = sa.select(Suppression.address, Suppression.stream, Suppression.reason)
    found = session.execute(query.where(Suppression.address.in_({email.to_canonical for email in emails}))).all()
    reasons = {(address, stream): reason for address, stream, reason in found}
    stopped: dict[int, str] = {}
    for email in emails if reasons else ():
        of_many = () if email.ignores_suppression else ("", email.stream)
        for stream in (*of_many, _of_one(email.id)):
            if (email.to_canonical, stream) in reasons:
                stopped.setdefault(email.id, reasons[email.to_canonical, stream])
    return stopped


def asked_at_the_door(*templates: str) -> Callable[[Asker], Asker]:
    """Register who knows whether letters of these templates are still wanted at the moment they would leave."""

    def register(asker: Asker) -> Asker:
        ASKERS.update(dict.fromkeys(templates, asker))
        return asker

    return register


def unwanted(session: Session, emails: Sequence[Email], *, now: datetime) -> dict[int, str]:
    """Why letters are not wanted any more, by id, as the rooms say that wrote them; asked at the last moment."""
    by_asker: dict[Asker, list[int]] = {}
    for email in emails:
        if email.template in ASKERS:
            by_asker.setdefault(ASKERS[email.template], []).append(email.id)
    return {ident: why for asker, idents in by_asker.items() for ident, why in asker(session, idents, now).items()}


def take_back(session: Session, which: sa.ColumnElement[bool], *, reason: str, now: datetime) -> None:
    """Drop letters that have not left, also those that an operator could try again.

    One that is being handed over right now is at least not tried again.
    """
    session.execute(
        sa.update(Email)
        .where(which, Email.state.in_([EmailState.QUEUED, EmailState.FAILED]))
        .values(state=EmailState.DROPPED, last_error=reason, settled_at=now)
        .execution_options(synchronize_session=False)
    )
    leaving = sa.select(Email.id, Email.to_canonical).where(which, Email.state == EmailState.SUBMITTING)
    rows = [
        {"address": address, "stream": _of_one(ident), "reason": reason[:60], "since": now}
        for ident, address in session.execute(leaving)
    ]
    db.insert_once(session, Suppression, rows, unique=["address", "stream"])


def replaced(session: Session, email_id: int, *, now: datetime) -> None:
    """Another letter takes the place of one that failed: nobody may have the old one tried again, it would be two."""
    session.execute(
        sa.update(Email)
        .where(Email.id == email_id, Email.state == EmailState.FAILED)
        .values(state=EmailState.DROPPED, last_error="It failed, and another letter took its place.", settled_at=now)
        .execution_options(synchronize_session="fetch")
    )


def _of_one(email_id: int) -> str:
    return f"letter:{email_id}"
