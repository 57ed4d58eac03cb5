"""Accounts as their tests talk about them."""

from __future__ import annotations

import re

import sqlalchemy as sa

from app.accounts.commands import NewAccount, create_account
from app.accounts.models import Account
from app.core import db
from app.mail.models import Email
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR

PASSWORD = "four unrelated words"


def enrolled(*, email: str = "robin@fftf.example", password: str | None = PASSWORD) -> Account:
    """An account, committed."""
    with db.transaction() as session:
        entry = NewAccount(email=email, name="Robin Vale", password=password)
        return create_account(session, entry, by=OPERATOR, now=NOW)


def letters(template: str) -> list[Email]:
    """The queued letters of a kind, oldest first."""
    with db.reading() as session:
        query = sa.select(Email).where(Email.template == f"accounts/mail/{template}").order_by(Email.id)
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def mailed_path(template: str) -> str:
    """The path in the newest letter of a kind."""
    found = re.search(r"/\S+", str(letters(template)[-1].context["link_path"]))
    assert found
    return found[0]
