"""How this installation sends, read from its settings: for the check of the sending domain."""

from __future__ import annotations

from email.utils import parseaddr
from urllib.parse import urlsplit

from app.mail.deliverability import Sending
from config.settings import MailTransport, Settings


def sending(settings: Settings) -> Sending:
    """The domains and keys that receivers will look at."""
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2].lower()
    return Sending(
        domain=domain,
        return_path=settings.mail_return_path.strip().lower() or domain,
        sendgrid=settings.mail_transport is MailTransport.SENDGRID,
        selectors=tuple(filter(None, (one.strip() for one in settings.mail_dkim_selectors.split(",")))),
        server=(urlsplit(settings.smtp_url).hostname or "") if settings.mail_transport is MailTransport.SMTP else "",
    )
