"""A bounce that arrived as a mail: taken like a report of the provider, if it names a letter of ours."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail.models import Email
from app.mailings.models import MailingReader
from app.returns.commands.hearing import hear
from app.returns.rules.bounces import Bounced
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Made by app.mail.mass: the number stands in it, so that a million readers need no index of their message ids.
OF_A_READER = re.compile(r"<m(\d{10,18})\.")


def take_bounce(session: Session, said: Bounced, *, now: datetime) -> bool:
    """Take what a mail reports (``rules.bounces``); False, and nothing changes, if no letter of ours is meant.

    True also for a report that was taken before and for one that only says that the letter is late: neither is
    anybody's reply.
    """
    letter, reader = _named(session, said)
    if letter is None and reader is None:
        return False
    report = Heard(
        key=said.key,
        kind=said.kind,
        at=now,
        email_id=letter,
        reader_id=reader,
        proven=True,
        cause=said.cause,
        reason=said.reason,
    )
    hear(session, [report], now=now)
    return True


def _named(session: Session, said: Bounced) -> tuple[int | None, int | None]:
    """The single letter or the reader that a report names. The returned letter says more than the bounce's address."""
    if said.message_id:
        of_reader = OF_A_READER.match(said.message_id)
        if of_reader:
            mine = (MailingReader.id == int(of_reader[1]), MailingReader.message_id == said.message_id)
            return None, session.scalar(sa.select(MailingReader.id).where(*mine))
        found = session.scalar(sa.select(Email.id).where(Email.message_id == said.message_id))
        if found is not None:
            return found, None
    if said.reader_id is not None:
        return None, session.scalar(sa.select(MailingReader.id).where(MailingReader.id == said.reader_id))
    return session.scalar(sa.select(Email.id).where(Email.id == said.email_id)), None
