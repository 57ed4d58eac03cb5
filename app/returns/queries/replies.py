"""Finding the letter that a reply answers, and the replies to letters. Who may see them, the rooms above ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import selectinload, undefer

from app.core import tokens
from app.core.errors import NotFound
from app.mail.mime import Thread, read_reply_address
from app.mail.models import Email
from app.returns.models import InboundMail, InboundState, Reply, ReplyFile, ReplyKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.returns.rules.replies import Incoming

LINK_LASTS = timedelta(days=180)
NO_THREAD = Thread()


def thread_of(session: Session, mail: Incoming) -> Thread:
    """The letter or reader that a mail answers: by our address it was written to, else by the letter it names."""
    for address in mail.recipients:
        thread = read_reply_address(address)
        if thread is not None and (thread.email_id is None or session.get(Email, thread.email_id) is not None):
            return thread
    query = sa.select(Email.message_id, Email.id).where(Email.message_id.in_(mail.references))
    known = {str(row.message_id): row.id for row in session.execute(query)}
    return next((Thread(email_id=known[name]) for name in mail.references if name in known), NO_THREAD)


def sent_on_since(session: Session, email_id: int, moment: datetime) -> int:
    """How many answers to a letter were sent on since then."""
    query = sa.select(sa.func.count()).where(
        Reply.email_id == email_id, Reply.forwarded_id.is_not(None), Reply.received_at > moment
    )
    return session.scalar(query) or 0


def replies_to(
    session: Session, which: sa.ColumnElement[bool], *, before: int | None = None, limit: int | None = None
) -> list[Reply]:
    """Replies with their files, newest first; ``which`` is a condition on Reply, ``before`` the id to page from."""
    query = sa.select(Reply).where(which).options(selectinload(Reply.files)).order_by(Reply.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Reply.id < before)
    return list(session.scalars(query))


def count_replies(session: Session, which: sa.ColumnElement[bool]) -> dict[str, int]:
    """How many replies people wrote, and how many machines."""
    rows = session.execute(sa.select(Reply.kind, sa.func.count()).where(which).group_by(Reply.kind))
    return {kind.value: 0 for kind in ReplyKind} | {row[0].value: row[1] for row in rows}


def file_of(session: Session, which: sa.ColumnElement[bool], file_id: int) -> ReplyFile:
    """A file of one of these replies, with its bytes; NotFound for any other."""
    query = sa.select(ReplyFile).join(Reply, Reply.id == ReplyFile.reply_id).where(ReplyFile.id == file_id, which)
    found = session.scalar(query.options(undefer(ReplyFile.body)))
    if found is None:
        raise NotFound
    return found


def reply_path(reply: Reply, *, now: datetime) -> str:
    """The page of one reply for whoever it was sent on to; the link is the proof."""
    return f"/replies/{tokens.sign('sent on', {'id': reply.id}, lasts=LINK_LASTS, now=now)}"


def reply_by_link(session: Session, token: str, *, now: datetime) -> Reply:
    """The reply a link opens. StaleLink for a bad link, NotFound once it was deleted."""
    ident = tokens.number(tokens.read("sent on", token, now=now), "id")
    found = session.get(Reply, ident, options=[selectinload(Reply.files)])
    if found is None:
        raise NotFound
    return found


def without_thread() -> sa.ColumnElement[bool]:
    """Replies that only the operator can deal with: of no thread, or to a letter that concerns nobody else."""
    nobody = sa.exists().where(Email.id == Reply.email_id, Email.reply_to == "")
    return sa.or_(sa.and_(Reply.email_id.is_(None), Reply.reader_id.is_(None)), nobody)


def unread_mails(session: Session, *, limit: int) -> list[InboundMail]:
    """Mail that could not be read, newest first, without its bytes."""
    query = sa.select(InboundMail).where(InboundMail.state == InboundState.UNREADABLE)
    return list(session.scalars(query.order_by(InboundMail.id.desc()).limit(limit)))
