"""Letters to send in tests, and a way out whose every answer a test writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.core.db import reading, transaction
from app.mail import outbox
from app.mail.commands import Claim
from app.mail.message import Message, Priority
from app.mail.models import Email
from app.mail.transports import Accepted, Letter, NotAccepted
from tests.builders import NOW

Answer = Callable[[Letter], Accepted | NotAccepted]


def message(**wanted: Any) -> Message:
    """A confirmation with a template that is really there."""
    given: dict[str, Any] = {
        "to": "mina@example.org",
        "to_name": "Mina Okafor",
        "template": "mail/mail/trial",
        "context": {"name": "Mina", "site_path": "/campaigns/end-it"},
        "priority": Priority.CONFIRMATION,
    }
    return Message(**{**given, **wanted})


def queued(once: str = "letter:1", **wanted: Any) -> int:
    """A committed letter that waits to be sent; returns its id."""
    with transaction() as session:
        return outbox.queue(session, message(**wanted), once=once, now=NOW).id


def email(ident: int) -> Email:
    """The letter's row as it stands."""
    with reading() as session:
        row = session.get_one(Email, ident)
        session.expunge(row)
        return row


def changed(ident: int, **values: Any) -> None:
    """Set columns of a letter, as time or a crash would have."""
    with transaction() as session:
        row = session.get_one(Email, ident)
        for name, value in values.items():
            setattr(row, name, value)


class Scripted:
    """A way out that answers as told and remembers every letter it was handed."""

    name = "scripted"
    patience = timedelta(seconds=30)

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.letters: list[Letter] = []
        self._lock = threading.Lock()

    def submit(self, letter: Letter) -> Accepted:
        with self._lock:
            self.letters.append(letter)
        outcome = self.answer(letter) if self.answer else Accepted("taken")
        if isinstance(outcome, NotAccepted):
            raise outcome
        return outcome


def held(ident: int, token: str) -> Claim:
    """The claim of a worker on a letter."""
    return Claim(ident, token, repeatable=False, canonical="")
