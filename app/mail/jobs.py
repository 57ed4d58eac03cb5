"""What the worker does for mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs.bell import job
from app.mail.outbox import SEND

if TYPE_CHECKING:
    from config.settings import Settings


class _Bound:
    settings: Settings | None = None


def bind(settings: Settings) -> None:
    """Choose the transport once, at the start."""
    _Bound.settings = settings


@job(SEND)
def send() -> int:
    """Send one lot of letters."""
    return 0
