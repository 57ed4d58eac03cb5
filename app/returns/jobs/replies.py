"""Reading mail that came in, one at a time: nothing is held while its bytes are taken apart."""

from __future__ import annotations

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.returns import commands
from app.returns.commands import READ
from app.returns.models import InboundMail
from app.returns.rules.replies import Envelope, Unreadable, from_post, read

log = structlog.get_logger()


@job(READ)
def read_one() -> int:
    """Read one mail; returns how many were worked on."""
    with transaction() as session:
        claim = commands.take_mail(session, now=utc_now())
    if claim is None:
        return 0
    with reading() as session:
        mail = session.get_one(InboundMail, claim.mail_id)
        form, body = mail.form, mail.body
    try:
        raw, envelope = from_post(form, body) if form else (body, Envelope())
        found = read(raw, envelope)
    except Unreadable as problem:
        log.warning("mail that came in cannot be read", mail=claim.mail_id, reason=str(problem))
        with transaction() as session:
            commands.cannot_read(session, claim, str(problem), now=utc_now())
        return 1
    with transaction() as session:
        if not commands.record_bounce(session, claim, found, raw, now=utc_now()):
            commands.record(session, claim, found, now=utc_now())
    return 1


@job("returns.clear")
def clear() -> int:
    """Delete one lot of what has been kept long enough."""
    with transaction() as session:
        return commands.clear_old(session, now=utc_now())
