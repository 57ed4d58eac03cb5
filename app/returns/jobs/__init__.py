"""What the worker does with what comes back: reports of the provider, a mailbox, mail to read."""

from __future__ import annotations

from app.returns.jobs import events, mailbox, replies
from config.settings import Settings

__all__ = ["bind", "events", "mailbox", "replies"]


def bind(settings: Settings) -> None:
    """Say once, at the start, where things come back from."""
    events.bind(settings)
    mailbox.bind(settings)
