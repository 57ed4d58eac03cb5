"""How this installation sends, read from its settings: what the check looks at."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import urlsplit

from config.settings import MailTransport, Settings


@dataclass(frozen=True, slots=True)
class Sending:
    """How this installation sends: the domain of From, that of the return path, through whom, and signed by which keys.

    ``server`` is the mail server's name where one is set; SendGrid has none.
    """

    domain: str
    return_path: str
    sendgrid: bool
    selectors: tuple[str, ...]
    server: str = ""


def sending(settings: Settings) -> Sending:
    """The domains and keys that receivers will look at."""
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2].lower()
    return Sending(
        domain=domain,
        return_path=settings.mail_bounce_domain.lower() or domain,
        sendgrid=settings.mail_transport is MailTransport.SENDGRID,
        selectors=tuple(filter(None, (one.strip() for one in settings.mail_dkim_selectors.split(",")))),
        server=(urlsplit(settings.smtp_url).hostname or "") if settings.mail_transport is MailTransport.SMTP else "",
    )
