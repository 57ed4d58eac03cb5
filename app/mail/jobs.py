"""What the worker does for mail: take a small lot, write each letter, hand it over with nothing held, settle it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import commands, mime, queries, render
from app.mail.commands import Claim
from app.mail.models import Email
from app.mail.outbox import SEND
from app.mail.transports import Accepted, AccountRefused, Letter, NotAccepted, Transport, TryAgain
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from config.settings import MailTransport, Settings

# Lots are small and end after some seconds, so that a confirmation never waits behind a lot of updates.
LOT = 20
LOT_SECONDS = 10.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)
log = structlog.get_logger()


class _Bound:
    transport: Transport | None = None
    resting_until: datetime = LONG_AGO


def bind(settings: Settings) -> None:
    """Choose the transport once, at the start."""
    use(_transport(settings))


def use(transport: Transport) -> None:
    """Hand letters to this transport from now on."""
    _Bound.transport = transport
    _Bound.resting_until = LONG_AGO


def bound() -> Transport:
    """The way out that this process was given."""
    if _Bound.transport is None:
        raise RuntimeError("No transport is bound: call app.mail.jobs.bind(settings) first.")
    return _Bound.transport


def _transport(settings: Settings) -> Transport:
    if settings.mail_transport is MailTransport.SMTP:
        own_host = parseaddr(settings.mail_from)[1].rpartition("@")[2]
        return SmtpTransport(settings.smtp_url, own_host=own_host)
    if settings.mail_transport is MailTransport.SENDGRID:
        return SendGridTransport(settings.sendgrid_api_key, host=settings.sendgrid_host)
    return DevTransport(settings.var_dir / "mail")


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the rest of a lot is put back: the provider refused the installation, or asked everyone to wait."""

    refused: str = ""
    wait: timedelta = timedelta(0)


def held_back() -> bool:
    """Whether nothing may be handed over now."""
    if utc_now() < _Bound.resting_until:
        return True
    with reading() as session:
        return queries.paused(session, bound().name)


@job(SEND)
def send() -> int:
    """Send one lot of letters; returns how many were worked on."""
    transport = bound()
    if held_back():
        return 0
    with transaction() as session:
        now = utc_now()
        lost = commands.give_up_the_lost(session, lot=LOT, now=now)
        claims = commands.take(session, lot=LOT, lease=transport.patience, now=now)
    return lost + _work(transport, claims)


def _work(transport: Transport, claims: list[Claim]) -> int:
    started = time.monotonic()
    for done, claim in enumerate(claims, start=1):
        stop = _send_one(transport, claim)
        if stop is not None or time.monotonic() - started > LOT_SECONDS:
            with transaction() as session:
                commands.put_back(session, claims[done:])
            if stop is not None:
                _heed(transport, stop)
            return done
    return len(claims)


def _heed(transport: Transport, stop: Stop) -> None:
    if stop.wait:
        _Bound.resting_until = utc_now() + stop.wait
        return
    with transaction() as session:
        newly = commands.pause(session, transport.name, stop.refused, now=utc_now())
    if newly:
        log.error("mail is paused until an operator resumes it", transport=transport.name, reason=stop.refused)


def heed(outcome: Accepted | NotAccepted) -> None:
    """Have everything wait or stop, where an outcome is about the installation and not about one letter."""
    stop = _stop(outcome)
    if stop is not None:
        _heed(bound(), stop)


def _stop(outcome: Accepted | NotAccepted) -> Stop | None:
    match outcome:
        case AccountRefused(reason=reason):
            return Stop(refused=reason)
        case TryAgain(everyone=True, after=after):
            return Stop(wait=after)
    return None


def _send_one(transport: Transport, claim: Claim) -> Stop | None:
    """One letter, from its row to its settled state. No transaction is open while it is written or handed over."""
    letter = _prepare(transport, claim)
    if letter is None:
        return None
    outcome: Accepted | NotAccepted
    try:
        outcome = transport.submit(letter)
    except NotAccepted as refusal:
        outcome = refusal
    with transaction() as session:
        state = commands.settle(session, claim, outcome, now=utc_now())
    if isinstance(outcome, NotAccepted):
        settled = state.value if state else "another worker's"
        log.warning("letter not accepted", email=claim.email_id, state=settled, reason=outcome.reason)
    return _stop(outcome)


def _prepare(transport: Transport, claim: Claim) -> Letter | None:
    """Write the letter and commit that it is being handed over; None if it must not be."""
    with reading() as session:
        email = queries.with_files(session, claim.email_id)
    if email is None:
        return None
    try:
        words, letter = _written(email, claim)
    except render.Unwritable as error:
        # Without the reason, which may hold a person's words; it stands in the row.
        log.error("letter cannot be written", email=claim.email_id, template=email.template)  # noqa: TRY400
        with transaction() as session:
            commands.unwritable(session, claim, str(error), now=utc_now())
        return None
    with transaction() as session:
        now = utc_now()
        message_id = str(letter.message["Message-ID"])
        until = now + transport.patience
        going = commands.hand_over(session, claim, words, message_id, letter.raw, until=until, now=now)
    return letter if going else None


def _written(email: Email, claim: Claim) -> tuple[render.Rendered, Letter]:
    words = render.render(email)
    message = mime.build(words, email, email.message_id or mime.new_message_id(email), now=utc_now())
    return words, Letter(claim.email_id, claim.token, message, message.as_bytes())
