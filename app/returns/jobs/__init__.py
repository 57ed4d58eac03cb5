"""What the worker does with what comes back: reports of the provider, a mailbox, mail to read; and what it tells."""

from __future__ import annotations

from app.returns.jobs import events, mailbox, replies, telling
from app.returns.jobs.events import forget_old, pull, work_off
from app.returns.jobs.telling import forget_untold, tell
from config.settings import Settings

__all__ = ["bind", "events", "forget_old", "forget_untold", "mailbox", "pull", "replies", "tell", "telling", "work_off"]


def bind(settings: Settings) -> None:
    """Say once, at the start, where things come back from, and who is told what."""
    events.bind(settings)
    mailbox.bind(settings)
    telling.bind(settings)
