"""Finding the letter that a reply answers, and the replies to letters. Who may see them, the rooms above ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import selectinload, undefer

from app.core import tokens
from app.core.errors import NotFound
from app.mail.mime import Thread, read_reply_address
from app.mail.models import Email
from app.mailings.models import Mailing, MailingLetter, MailingReader
from app.returns.models import InboundMail, InboundState, Reply, ReplyFile, ReplyKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.returns.rules.replies import Incoming

LINK_LASTS = timedelta(days=180)
NO_THREAD = Thread()


def thread_of(session: Session, mail: Incoming) -> Thread:
    """What a mail answers: by our address that it was written to, else by the letter it names."""
    for address in mail.recipients:
        thread = read_reply_address(address)
        known_to_us = None if thread is None else _found(session, thread)
        if known_to_us is not None:
            return known_to_us
    query = sa.select(Email.message_id, Email.id).where(Email.message_id.in_(mail.references))
    known = {str(row.message_id): row.id for row in session.execute(query)}
    return next((Thread(email_id=known[name]) for name in mail.references if name in known), NO_THREAD)


def _found(session: Session, thread: Thread) -> Thread | None:
    """The thread with its mailing, if what it names is still there."""
    if thread.email_id is not None:
        return thread if session.get(Email, thread.email_id) is not None else None
    if thread.reader_id is not None:
        reader = session.get(MailingReader, thread.reader_id)
        return None if reader is None else Thread(mailing_id=reader.mailing_id, reader_id=reader.id)
    return thread if session.get(Mailing, thread.mailing_id) is not None else None


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom the answers of a thread concern, and what they answer. ``carries``: a letter that carried an answer."""

    address: str
    name: str
    about: str
    sent_to: str
    carries: bool = False
    demo: bool = False


def concern_of(session: Session, reply: Reply) -> Concern | None:
    """Whom a reply concerns; None where it belongs to no thread."""
    if reply.email_id is not None:
        letter = session.get_one(Email, reply.email_id)
        about, sent_to = letter.subject or "", letter.to_name or letter.to_address
        demo, carries = letter.context.get("demo") is True, letter.answers_directly
        return Concern(letter.reply_to, letter.from_name, about, sent_to, carries=carries, demo=demo)
    if reply.mailing_id is not None:
        query = sa.select(MailingLetter).where(MailingLetter.mailing_id == reply.mailing_id)
        words = session.scalars(query.order_by(MailingLetter.variant).limit(1)).first()
        if words is not None:
            return Concern(words.reply_to, words.from_name, "", "its readers")
    return None


def sent_on_since(session: Session, reply: Reply, moment: datetime) -> tuple[int, int]:
    """How many answers of the same thread were sent on since then: of anybody, and of the same writer.

    Anybody can write under any name, so one reader's own address to answer to is one writer, whoever they say they are.
    """
    same = Reply.mailing_id == reply.mailing_id if reply.email_id is None else Reply.email_id == reply.email_id
    one = sa.false() if reply.reader_id is None else Reply.reader_id == reply.reader_id
    writer = sa.case((sa.or_(Reply.sender_canonical == reply.sender_canonical, one), 1))
    query = sa.select(sa.func.count(), sa.func.count(writer)).where(
        same, Reply.forwarded_id.is_not(None), Reply.received_at > moment
    )
    row = session.execute(query).one()
    return row[0], row[1]


def kept_of(session: Session, thread: Thread) -> int:
    """How many bytes of files are kept of a thread; all that belongs to none counts as one."""
    same = (
        Reply.reader_id == thread.reader_id
        if thread.reader_id is not None
        else sa.and_(
            Reply.email_id.is_not_distinct_from(thread.email_id),
            Reply.mailing_id.is_not_distinct_from(thread.mailing_id),
        )
    )
    query = sa.select(sa.func.sum(ReplyFile.size)).join(Reply, Reply.id == ReplyFile.reply_id).where(same)
    return int(session.scalar(query) or 0)


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
    return sa.or_(sa.and_(Reply.email_id.is_(None), Reply.mailing_id.is_(None)), nobody)


def unread_mails(session: Session, *, limit: int) -> list[InboundMail]:
    """Mail that could not be read, newest first, without its bytes."""
    query = sa.select(InboundMail).where(InboundMail.state == InboundState.UNREADABLE)
    return list(session.scalars(query.order_by(InboundMail.id.desc()).limit(limit)))
