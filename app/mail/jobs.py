"""What the worker does for mail: it hands letters over, and mends what a clock that was put back left behind."""

from __future__ import annotations

from email.utils import parseaddr

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job
from app.mail import commands, mime
from app.mail.outbox import SEND
from app.mail.sending import LOT, LOT_SECONDS, Sender
from app.mail.transports import Transport
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from config.settings import MailTransport, Settings

__all__ = ["LOT", "LOT_SECONDS", "bind", "mend_dates", "send", "use"]


class _Bound:
    sender: Sender | None = None


def bind(settings: Settings) -> None:
    """Choose the transport once, at the start."""
    mime.bind_bounces(settings.mail_bounce_domain)
    use(_transport(settings))


def use(transport: Transport) -> None:
    """Hand letters to this transport from now on."""
    _Bound.sender = Sender(transport)


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
        )
    return DevTransport(settings.var_dir / "mail")


@job(SEND, shared=True)
def send() -> int:
    """Send one lot of letters; returns how many were worked on."""
    if _Bound.sender is None:
        raise RuntimeError("No transport is bound: call app.mail.jobs.bind(settings) first.")
    return _Bound.sender.lot()


@job("mail.dates")
def mend_dates() -> int:
    """Letters dated by a clock that has been put back since do not wait for that hour to come again."""
    with transaction() as session:
        return commands.bring_forward(session, now=utc_now())
