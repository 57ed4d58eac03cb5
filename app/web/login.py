"""Sessions: a signed cookie that names an account and its epoch; raising the epoch ends all its sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, session
from flask_login import LoginManager, login_user, logout_user


class Account(Protocol):
    """What a session is started from; the accounts room has it."""

    id: Any
    name: Any
    email: Any
    is_operator: Any
    epoch: Any


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in person as pages see it."""

    id: int
    name: str
    email: str
    is_operator: bool
    epoch: int
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    @classmethod
    def of(cls, account: Account) -> Person:
        """The person of an account."""
        return cls(
            id=account.id, name=account.name, email=account.email, is_operator=account.is_operator, epoch=account.epoch
        )

    def get_id(self) -> str:
        """The account's id, as Flask-Login keeps it."""
        return str(self.id)


Loader = Callable[[int, int], Person | None]


def start(person: Person) -> None:
    """Begin a session for this person; whatever an earlier session held is gone."""
    session.clear()
    session.permanent = True
    session["epoch"] = person.epoch
    login_user(person)


def end() -> None:
    """End this browser's session."""
    logout_user()
    session.clear()


def install(app: Flask, load: Loader) -> None:
    """Have Flask-Login load people by account id and epoch through ``load``."""
    manager = LoginManager(app, add_context_processor=False)

    def person(account_id: str) -> Person | None:
        epoch = session.get("epoch")
        return load(int(account_id), int(epoch)) if isinstance(epoch, int) else None

    manager.user_loader(person)
