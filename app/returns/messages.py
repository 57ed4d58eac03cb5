"""The letter that carries somebody's answer on to whom it concerns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.mail import mime
from app.mail.message import Message, Priority
from app.returns.queries import Concern, reply_path

if TYPE_CHECKING:
    from app.returns.models import Reply


def sent_on(reply: Reply, concern: Concern, *, now: datetime) -> Message:
    """A person's answer, from our own address, because ours is the domain that may write it; theirs is answered to."""
    return Message(
        to=concern.address,
        to_name=concern.name,
        template="returns/mail/sent_on",
        context={
            "topic": reply.subject or "An answer without a subject",
            "writer": reply.sender_name,
            "address": reply.sender_address,
            "received_at": reply.received_at.isoformat(),
            "about": concern.about,
            "sent_to": concern.sent_to,
            "words": reply.words,
            "quoted": reply.quoted,
            "is_cut": reply.is_cut,
            "files": [file.filename for file in reply.files],
            "reply_path": reply_path(reply, now=now) if reply.files else "",
        },
        priority=Priority.RECEIPT,
        from_name=f"{reply.sender_name or 'An answer'} via {mime.sender()[0] or 'Undersigned'}"[:200],
        reply_to=reply.sender_address,
        answers_directly=True,
        demo=concern.demo,
    )
