"""Reading mail that came in, one at a time: nothing is held while its bytes are taken apart."""

from __future__ import annotations

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail.mime import read_reader_verp, read_verp
from app.returns import commands
from app.returns.commands import READ
from app.returns.models import InboundMail
from app.returns.rules.bounces import Bounced, Odd, read_bounce
from app.returns.rules.replies import Envelope, Incoming, Unreadable, from_post, is_nested, read

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
        bounced = _reported(found, raw, claim.mail_id)
    except Unreadable as problem:
        log.warning("mail that came in cannot be read", mail=claim.mail_id, reason=str(problem))
        with transaction() as session:
            commands.cannot_read(session, claim, str(problem), now=utc_now())
        return 1
    with transaction() as session:
        if bounced is None or not commands.record_bounce(session, claim, bounced, now=utc_now()):
            commands.record(session, claim, found, now=utc_now())
    return 1


def _reported(mail: Incoming, raw: bytes, mail_id: int) -> Bounced | None:
    """What a mail reports of a letter of ours, before any transaction; None for any other mail.

    A mail that was too deep to be looked through is none: the parsers behind this go down level by level.
    """
    named = any(known(address) is not None for address in mail.recipients for known in (read_verp, read_reader_verp))
    if mail.is_deep or is_nested(raw) or not (mail.is_bounce or named):
        return None
    try:
        return read_bounce(raw)
    except Odd as trouble:
        log.warning("a mail server's report was not made out; kept like a reply", mail=mail_id, error=trouble.error)
        return None


@job("returns.clear")
def clear() -> int:
    """Delete one lot of what has been kept long enough."""
    with transaction() as session:
        return commands.clear_old(session, now=utc_now())
