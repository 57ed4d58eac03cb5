"""Pages of accounts."""

from __future__ import annotations

from flask import Blueprint

from app.accounts.models import Account
from app.core.db import reading
from app.web.login import Person

blueprint = Blueprint("accounts", __name__)


def load_person(account_id: int, epoch: int) -> Person | None:
    """The person of a session, unless the account signed out everywhere since."""
    with reading() as session:
        account = session.get(Account, account_id)
        if account is None or account.epoch != epoch:
            return None
        return Person(
            id=account.id,
            name=account.name,
            email=account.email,
            is_operator=account.is_operator,
            epoch=account.epoch,
        )
