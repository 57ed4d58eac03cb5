"""Asking once more whether a signature is its mailbox's owner's. When, and in which words, is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.core import db
from app.petitions import messages, queries, rules
from app.petitions.commands.mailboxes import wait_for, write_to
from app.petitions.models import Signature, SignatureState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.mail.models import Email


@dataclass(frozen=True, slots=True)
class Reminding:
    """The words of one reminder: its subject as plain text, its body as Markdown."""

    subject: str
    body: str


def remind(
    session: Session, signature_id: int, words: Callable[[Signature], Reminding], *, now: datetime
) -> Email | None:
    """Write to a mailbox that has not answered; None where it answered meanwhile, or had letters enough.

    The letter counts among the most that one mailbox gets, and carries a new link to confirm by.
    """
    found = session.get_one(Signature, signature_id)
    wait_for(session, found.petition_id, found.email_canonical)
    signature = db.locked(session, Signature, signature_id)
    if signature.state is not SignatureState.PENDING or not signature.email:
        return None
    if not signature.petition.accepts_signatures(now):
        return None
    known = queries.of_mailbox(session, signature.petition_id, signature.email_canonical)
    if not rules.may_be_written_to(known) or any(one.state is SignatureState.VALIDATED for one in known):
        return None
    said = words(signature)
    return write_to(session, signature, messages.reminder(signature, said.subject, said.body, now=now), now=now)
