"""Reading mail that came in, one at a time: nothing is held while its bytes are taken apart."""

from __future__ import annotations

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.returns import commands
from app.returns.commands import READ, MailClaim
from app.returns.models import InboundMail
from app.returns.rules.replies import Envelope, Incoming, Unreadable, from_post, read

log = structlog.get_logger()


@job(READ)
def read_one() -> int:
    """Read one mail; returns how many were worked on."""
    with transaction() as session:
        claim = commands.take_mail(session, now=utc_now())
    if claim is None:
        return 0
    found = _read(claim)
    with transaction() as session:
        if isinstance(found, Incoming):
            commands.record(session, claim, found, now=utc_now())
        else:
            commands.cannot_read(session, claim, found, now=utc_now())
    if not isinstance(found, Incoming):
        log.warning("mail that came in cannot be read", mail=claim.mail_id, reason=found)
    return 1


def _read(claim: MailClaim) -> Incoming | str:
    """The mail, or why it cannot be read."""
    with reading() as session:
        mail = session.get_one(InboundMail, claim.mail_id)
        form, body = mail.form, mail.body
    try:
        raw, envelope = from_post(form, body) if form else (body, Envelope())
        return read(raw, envelope)
    except Unreadable as problem:
        return str(problem)


@job("returns.clear")
def clear() -> int:
    """Delete one lot of what has been kept long enough."""
    with transaction() as session:
        return commands.clear_old(session, now=utc_now())
