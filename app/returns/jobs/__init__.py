"""What the worker does with what comes back: reports of the provider, a mailbox, mail to read."""

from __future__ import annotations

from app.returns.jobs import events, mailbox, replies
from app.returns.jobs.events import forget_old, pull, work_off
from config.settings import Settings

__all__ = ["bind", "events", "forget_old", "mailbox", "pull", "replies", "work_off"]


def bind(settings: Settings) -> None:
    """Say once, at the start, where things come back from."""
    events.bind(settings)
    mailbox.bind(settings)
