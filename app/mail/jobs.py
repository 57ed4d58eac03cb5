"""What the worker does for mail: it hands letters over, and mends what a clock that was put back left behind."""

from __future__ import annotations

import threading
from email.utils import parseaddr

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import circuit, commands, mime, queries
from app.mail.circuit import Pass
from app.mail.outbox import SEND
from app.mail.sending import LOT, LOT_SECONDS, Sender, is_everyones
from app.mail.transports import NotAccepted, Outcome, Transport
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from config.settings import MailTransport, Settings

__all__ = ["LOT", "LOT_SECONDS", "bind", "bound", "heed", "held_back", "mend_dates", "not_used", "send", "use"]


class _Bound:
    sender: Sender | None = None


def bind(settings: Settings) -> None:
    """Choose the transport once, at the start."""
    mime.bind_bounces(settings.mail_bounce_domain)
    use(_transport(settings))


def use(transport: Transport) -> None:
    """Hand letters to this transport from now on."""
    queries.bind_way(transport.name)
    _Bound.sender = Sender(transport)


def sender() -> Sender:
    """What this process hands letters over with."""
    if _Bound.sender is None:
        raise RuntimeError("No transport is bound: call app.mail.jobs.bind(settings) first.")
    return _Bound.sender


def bound() -> Transport:
    """The way out that this process was given."""
    return sender().transport


def _transport(settings: Settings) -> Transport:
    if settings.mail_transport is MailTransport.SMTP:
        own_host = parseaddr(settings.mail_from)[1].rpartition("@")[2]
        return SmtpTransport(settings.smtp_url, own_host=own_host)
    if settings.mail_transport is MailTransport.SENDGRID:
        return SendGridTransport(
            settings.sendgrid_api_key,
            host=settings.sendgrid_host,
            asm_group=settings.sendgrid_asm_group,
            ip_pool=settings.sendgrid_ip_pool,
            updates_ip_pool=settings.sendgrid_updates_ip_pool,
            recall_minutes=settings.sendgrid_recall_minutes,
        )
    return DevTransport(settings.var_dir / "mail")


class _Own(threading.local):
    leave = Pass()
    careful = False


_own = _Own()


def held_back() -> bool:
    """Whether nothing of a mailing may be handed over now.

    After a time of trouble a single letter tries first, for much less is lost with it; a batch only if none is due.
    """
    name, patience = bound().name, bound().patience
    with reading() as session:
        now = utc_now()
        if queries.paused(session, name):
            return True
        _own.careful = not circuit.is_calm(session, name)
        if not _own.careful:
            _own.leave = Pass()
            return False
        if circuit.holds(session, name, now=now):
            return True
        if circuit.is_open(session, name) and queries.anything_due(session, now=now):
            return True
    with transaction() as session:
        leave = circuit.ask(session, name, lease=patience, now=utc_now())
    _own.leave = leave or Pass()
    return leave is None


def is_careful() -> bool:
    """Whether something failed since the last success, so that as little as possible should be tried next."""
    return _own.careful


def not_used() -> None:
    """There was nothing to hand over after all: somebody else may try."""
    if _own.leave.probe:
        with transaction() as session:
            circuit.not_used(session, bound().name, _own.leave)
        _own.leave = Pass()


def heed(outcome: Outcome) -> None:
    """Learn from what became of a lot: have everything wait where nobody is served, or go on where somebody was."""
    leave, _own.leave = _own.leave, Pass()
    if not is_everyones(outcome):
        with reading() as session:
            if circuit.is_calm(session, bound().name):
                return
        with transaction() as session:
            circuit.worked(session, bound().name, leave)
    elif isinstance(outcome, NotAccepted):
        sender().note(leave, outcome)


@job(SEND, shared=True)
def send() -> int:
    """Send one lot of letters; returns how many were worked on."""
    return sender().lot()


@job("mail.dates")
def mend_dates() -> int:
    """Letters dated by a clock that has been put back since do not wait for that hour to come again."""
    with transaction() as session:
        return commands.bring_forward(session, now=utc_now())
