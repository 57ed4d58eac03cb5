"""Writing a reply down under the letter it answers, and sending a person's on to whom it concerns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.core.text import canonical_email
from app.jobs import leases
from app.mail import mime, outbox, render
from app.mail.models import Email
from app.returns import messages, queries
from app.returns.commands.bounces import take_bounce
from app.returns.commands.receiving import MailClaim
from app.returns.models import InboundMail, InboundState, Reply, ReplyFile, ReplyKind
from app.returns.queries import Concern
from app.returns.rules.bounces import Bounced
from app.returns.rules.replies import File, Incoming

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A conversation is slower than this; a loop between two machines that hide what they are is not.
MOST_SENT_ON, WITHIN = 10, timedelta(hours=1)
MOST_OF_ALL = 500  # of the many readers of a mailing together
# Bytes of files, of one thread or of all mail without one: anybody can send thirty megabytes as often as they like.
MOST_KEPT = 100 * 1024 * 1024


def record_bounce(session: Session, claim: MailClaim, said: Bounced, *, now: datetime) -> bool:
    """Take a report that a letter of ours did not arrive; False for one that names none, which is then a reply."""
    row = leases.held(session, InboundMail, claim.mail_id, claim.token)
    if row is None or not take_bounce(session, said, now=now):
        return False
    row.state, row.settled_at, row.body = InboundState.BOUNCE, now, b""
    leases.release(row)
    return True


def record(session: Session, claim: MailClaim, mail: Incoming, *, now: datetime) -> Reply | None:
    """Write a reply down and let the mail's bytes go; None if it was there already or another worker has it."""
    row = leases.held(session, InboundMail, claim.mail_id, claim.token)
    if row is None:
        return None
    reply = _written_down(session, mail, now=now)
    row.state = InboundState.REPLY if reply is not None else InboundState.DUPLICATE
    row.settled_at, row.body = now, b""
    leases.release(row)
    if reply is not None and reply.kind is ReplyKind.HUMAN:
        _send_on(session, reply, now=now)
    return reply


def _written_down(session: Session, mail: Incoming, *, now: datetime) -> Reply | None:
    thread = queries.thread_of(session, mail)
    why = mail.automatic or _why_ours(session, mail)
    files = _files_with_room(mail, MOST_KEPT - queries.kept_of(session, thread))
    values = {
        "digest": mail.digest,
        "email_id": thread.email_id,
        "mailing_id": thread.mailing_id,
        "reader_id": thread.reader_id,
        "kind": ReplyKind.AUTOMATIC if why else ReplyKind.HUMAN,
        "why": why[:200],
        "sender_address": mail.sender_address,
        "sender_canonical": canonical_email(mail.sender_address) if mail.sender_address else "",
        "sender_name": mail.sender_name,
        "subject": mail.subject,
        "words": render.without_keys(mail.words),
        "quoted": render.without_keys(mail.quoted),
        "is_cut": mail.is_cut or len(files) < len(mail.files),
        "received_at": now,
        "heard_at": now if why else None,
    }
    if not db.insert_once(session, Reply, [values], unique=["digest"]):
        return None
    reply = session.scalars(sa.select(Reply).where(Reply.digest == mail.digest)).one()
    session.add_all(
        ReplyFile(reply_id=reply.id, filename=file.filename, size=len(file.body), body=file.body) for file in files
    )
    session.flush()
    return reply


def _files_with_room(mail: Incoming, room: int) -> list[File]:
    kept = []
    for file in mail.files:
        room -= len(file.body)
        if room >= 0:
            kept.append(file)
    return kept


def _why_ours(session: Session, mail: Incoming) -> str:
    """What says that this is no answer but our own letter on a round trip."""
    if mail.sender_address.casefold() == mime.sender()[1].casefold():
        return "Our own address wrote it."
    if mail.message_id and session.scalar(sa.select(Email.id).where(Email.message_id == mail.message_id).limit(1)):
        return "It is a letter of ours that came back."
    return ""


def _send_on(session: Session, reply: Reply, *, now: datetime) -> None:
    concern = queries.concern_of(session, reply)
    if concern is None:
        return
    reply.note = _why_not(session, reply, concern, now=now)
    if not reply.note:
        sent = outbox.queue(session, messages.sent_on(reply, concern, now=now), once=f"reply:{reply.id}", now=now)
        reply.forwarded_id = sent.id


def _why_not(session: Session, reply: Reply, concern: Concern, *, now: datetime) -> str:
    """Why a reply is shown but not sent on; "" if nothing speaks against it."""
    if not concern.address:
        return "Its letter names nobody whom answers concern."
    if concern.carries:
        return "It answers a letter that carried an answer; those go straight to their writer."
    if _is_ours(concern.address):
        return "Answers to this letter would come back to us."
    if canonical_email(concern.address) == reply.sender_canonical:
        return "The one whom it concerns wrote it."
    if not reply.sender_address:
        return "It names no sender to answer."
    db.one_at_a_time(session, f"replies:{reply.email_id}:{reply.mailing_id}")
    of_all, of_writer = queries.sent_on_since(session, reply, now - WITHIN)
    if of_all >= (MOST_OF_ALL if reply.email_id is None else MOST_SENT_ON) or of_writer >= MOST_SENT_ON:
        return "More answers came within an hour than are sent on."
    return ""


def _is_ours(address: str) -> bool:
    host = address.casefold().rpartition("@")[2]
    return address.casefold() == mime.sender()[1].casefold() or host == render.house().reply_domain
