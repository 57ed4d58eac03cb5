"""The letters to people who sign in."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.accounts.models import Account
from app.core.clock import spoken
from app.mail.message import Message, Priority


def _to(account: Account, template: str, until: datetime | None = None, **context: str | int) -> Message:
    # A person who asks for a link must get it, whatever became of an earlier letter.
    return Message(
        to=account.email,
        to_name=account.name,
        template=template,
        context={"name": account.name, **context},
        priority=Priority.CONFIRMATION,
        ignores_suppression=True,
        useless_after=until,
    )


def sign_in_link(account: Account, path: str, lasts: timedelta, *, until: datetime) -> Message:
    """The link that signs in; after ``until`` nobody waits for it."""
    return _to(account, "accounts/mail/sign_in_link", until, link_path=path, minutes=int(lasts.total_seconds() // 60))


def reset_link(account: Account, path: str, lasts: timedelta, *, until: datetime) -> Message:
    """The link to choose a new password; after ``until`` nobody waits for it."""
    return _to(account, "accounts/mail/reset_link", until, link_path=path, minutes=int(lasts.total_seconds() // 60))


def password_changed(account: Account, now: datetime) -> Message:
    """Tells the owner, who may not be the one who did it."""
    return _to(account, "accounts/mail/password_changed", at=spoken(now), reset_path="/password/forgotten")
