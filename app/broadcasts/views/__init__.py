"""The pages of updates: writing, looking, testing, approving, sending, and watching them go."""

from app.broadcasts.views import (
    answers,
    approving,
    comparing,
    composing,
    departing,
    looking,
    progress,
    sending,
    showing,
)
from app.broadcasts.views.frame import blueprint

__all__ = [
    "answers",
    "approving",
    "blueprint",
    "comparing",
    "composing",
    "departing",
    "looking",
    "progress",
    "sending",
    "showing",
]
