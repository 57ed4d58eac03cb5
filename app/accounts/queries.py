"""Finding accounts and the links that were mailed to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts.models import Account, AccountLink, LinkPurpose
from app.core.errors import NotFound
from app.core.text import canonical_email
from app.core.tokens import StaleLink, digest
from app.mail.models import Email as Letter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def by_email(session: Session, email: str) -> Account | None:
    """The account of a mailbox, however its address is written."""
    return session.scalar(sa.select(Account).where(Account.email_canonical == canonical_email(email)))


def account(session: Session, account_id: int | None) -> Account:
    """An account by id; NotFound if it is gone."""
    found = session.get(Account, account_id) if account_id is not None else None
    if found is None:
        raise NotFound
    return found


def link(session: Session, token: str, purpose: LinkPurpose, *, now: datetime, lock: bool = False) -> AccountLink:
    """The unused, unexpired link behind a token; StaleLink for anything else. ``lock`` holds it for its one use.

    A letter may wait out an outage, so a link's time begins when its letter is handed over, as the outbox knows it.
    """
    query = sa.select(AccountLink).where(AccountLink.secret_digest == digest(token), AccountLink.purpose == purpose)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise StaleLink
    left_at = session.scalar(sa.select(Letter.handed_over_at).where(Letter.once == letter_key(found.id)))
    if not found.usable(now, left_at):
        raise StaleLink
    return found


def letter_key(link_id: int) -> str:
    """The key under which the letter of a link is queued."""
    return f"account-link:{link_id}"
