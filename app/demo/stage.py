"""What the scenes of the demonstration share: time, progress in the terminal, people, and their mailboxes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from app.accounts.models import Account
from app.coalitions.models import Coalition, Organization
from app.core.actor import Actor
from app.core.text import canonical_email, normal_name
from app.mail.models import Email

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Item = TypeVar("Item")
BAR = 24


def say(words: str) -> None:
    """One line of what is happening."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def counted(items: Iterable[Item], total: int, words: str) -> Iterator[Item]:
    """The items, with a bar that fills in a terminal and a single line elsewhere."""
    lively = sys.stdout.isatty()
    for number, item in enumerate(items, 1):
        yield item
        if lively:
            filled = BAR * number // max(total, 1)
            sys.stdout.write(f"\r  {'█' * filled}{'░' * (BAR - filled)} {number}/{total} {words}")
            sys.stdout.flush()
    sys.stdout.write("\n" if lively else f"  {total} {words}\n")


def person(session: Session, email: str) -> Account | None:
    """The account behind an address."""
    return session.scalar(sa.select(Account).where(Account.email_canonical == canonical_email(email)))


def acting(session: Session, email: str) -> Actor:
    """That person as commands know who acts."""
    account = person(session, email)
    if account is None:
        message = f"{email} has no account yet."
        raise LookupError(message)
    return Actor(label=account.name, account_id=account.id, operator=account.is_operator)


def group(session: Session, name: str) -> Organization:
    """The organization of that name."""
    return session.scalars(sa.select(Organization).where(Organization.name_normal == normal_name(name))).one()


def coalition(session: Session, name: str) -> Coalition | None:
    """The demonstration's coalition, once it was formed."""
    return session.scalar(sa.select(Coalition).where(Coalition.name == name, Coalition.is_demo.is_(True)))


def letter_to(session: Session, email: str, template: str) -> Email | None:
    """The newest letter of one kind in somebody's mailbox."""
    query = sa.select(Email).where(Email.to_canonical == canonical_email(email), Email.template == template)
    return session.scalar(query.order_by(Email.id.desc()).limit(1))


def token_in(letter: Email, key: str) -> str:
    """What stands at the end of a link in a letter: what its reader would click."""
    return str(letter.context[key]).rstrip("/").rsplit("/", 1)[-1]
