"""One mailbox under one petition: everybody who decides about its signatures or letters waits for the others here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.mail import outbox
from app.mail.models import Email
from app.petitions import messages
from app.petitions.rules import letter_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mail.message import Message
    from app.petitions.models import Signature


def wait_for(session: Session, petition_id: int, mailbox: str) -> None:
    """Decide about a mailbox alone until the transaction ends. Taken before the rows of its signatures are."""
    db.one_at_a_time(session, f"petition:{petition_id}:{mailbox}")


def write_to(session: Session, signature: Signature, letter: Message, *, now: datetime) -> Email:
    """Queue a letter about a signature, and count it against what one mailbox gets."""
    signature.mails += 1
    return outbox.queue(session, letter, once=letter_key(signature.id, signature.mails), now=now)


def take_back_reminder(session: Session, signature: Signature, *, now: datetime) -> None:
    """A reminder that has not left does not leave: its question has been answered."""
    # The first letter is never a reminder, so that confirming at once costs nothing here.
    keys = [letter_key(signature.id, number) for number in range(2, signature.mails + 1)]
    if not keys:
        return
    which = sa.and_(Email.once.in_(keys), Email.template == messages.REMINDER)
    outbox.take_back(session, which, reason="The signature was settled before the reminder left.", now=now)
