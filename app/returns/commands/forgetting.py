"""Replies that somebody has dealt with, that grow old, or whose writer asks to be erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail import outbox
from app.mail.models import Email
from app.mailings.models import MailingReader
from app.returns.models import InboundMail, InboundState, Reply, ReplyFile
from app.returns.queries import without_thread

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEPT = timedelta(days=90)
LOT = 200
ERASED = "erased@invalid"


def settle_replies(session: Session, which: sa.ColumnElement[bool], *, now: datetime) -> int:
    """Somebody has dealt with these replies; returns how many waited for it."""
    waiting = sa.update(Reply).where(which, Reply.heard_at.is_(None)).values(heard_at=now).returning(Reply.id)
    return len(session.scalars(waiting.execution_options(synchronize_session=False)).all())


def forget_sender(session: Session, canonical: str, kinds: sa.ColumnElement[bool], *, now: datetime) -> None:
    """Erase what somebody wrote to us: words, name, address and files, and the letters that carried them on.

    ``kinds`` says which letters go to people as supporters; what the same mailbox answered to another kind, as a
    target, is the record of those who wrote to it, and stays.
    """
    theirs = sa.select(Email.id).where(Email.to_canonical == canonical, kinds)
    as_somebody_else = sa.exists().where(Email.id == Reply.email_id, ~kinds)
    readers = sa.select(MailingReader.id).where(MailingReader.canonical == canonical)
    written = sa.or_(Reply.email_id.in_(theirs), Reply.reader_id.in_(readers))
    mine = sa.or_(written, sa.and_(Reply.sender_canonical == canonical, ~as_somebody_else))
    ids = list(session.scalars(sa.select(Reply.id).where(mine)))
    on = sa.select(Reply.forwarded_id).where(Reply.id.in_(ids), Reply.forwarded_id.is_not(None))
    carried = list(session.scalars(on))
    outbox.take_back(session, Email.id.in_(carried), reason="The person asked to be erased.", now=now)
    no_words: dict[str, object] = {"context": {}, "subject": None, "text": None, "html": None, "raw": None}
    for statement in (
        sa.update(Email).where(Email.id.in_(carried)).values(**no_words, from_name="", reply_to=""),
        sa.delete(ReplyFile).where(ReplyFile.reply_id.in_(ids)),
        sa.update(Reply)
        .where(Reply.id.in_(ids))
        .values(
            sender_address=ERASED,
            sender_canonical=ERASED,
            sender_name="",
            subject="",
            words="",
            quoted="",
            heard_at=sa.func.coalesce(Reply.heard_at, now),
        ),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def clear_old(session: Session, *, now: datetime) -> int:
    """Delete one lot of what only the operator could use and has had time for; returns how many."""
    settled = sa.select(InboundMail.id).where(
        InboundMail.state != InboundState.RECEIVED, InboundMail.received_at < now - KEPT
    )
    lost = sa.select(Reply.id).where(without_thread(), Reply.received_at < now - KEPT)
    mails = list(session.scalars(settled.limit(LOT)))
    replies = list(session.scalars(lost.limit(LOT)))
    session.execute(sa.delete(InboundMail).where(InboundMail.id.in_(mails)))
    session.execute(sa.delete(ReplyFile).where(ReplyFile.reply_id.in_(replies)))
    session.execute(sa.delete(Reply).where(Reply.id.in_(replies)))
    return len(mails) + len(replies)
